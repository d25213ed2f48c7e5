//! The sample report in every form, against what it looked like when somebody last read it.
//!
//! `UPDATE_GOLDEN=1 cargo test --test render` writes the files anew; read the difference before committing it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "common/sample.rs"]
mod sample;
#[path = "common/schema.rs"]
mod schema;

use std::path::Path;

use schema::assert_valid;
use unicode_width::UnicodeWidthStr;
use whyrdp::report::model::{Level, Report};
use whyrdp::report::{FORMATS, Options, format, headline};
use whyrdp::signature::definition::{Outcome, Severity};

fn render(report: &Report, name: &str, options: &Options) -> String {
    let mut out = Vec::new();
    (format(name).unwrap().write)(report, &mut out, options).unwrap();
    String::from_utf8(out).unwrap()
}

fn text(width: usize) -> String {
    render(&sample::report(), "text", &Options { width, ..Options::default() })
}

fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(expected == actual, "{name} changed; UPDATE_GOLDEN=1 writes it anew. It is now:\n{actual}");
}

#[test]
fn text_at_80_columns() {
    golden("sample-80.txt", &text(80));
}

#[test]
fn text_at_140_columns() {
    golden("sample-140.txt", &text(140));
}

#[test]
fn json_of_the_sample() {
    golden("sample.json", &render(&sample::report(), "json", &Options::default()));
}

#[test]
fn text_keeps_to_the_width() {
    for width in [60, 80, 100, 140] {
        // A command that is broken cannot be copied.
        let command = |line: &str| {
            let line = line.trim_start_matches([' ', '-']);
            ["wevtutil ", "icacls ", "Get-WinEvent "].iter().any(|program| line.starts_with(program))
        };
        let whole = |line: &&str| line.contains("https://") || command(line);
        for line in text(width).lines().filter(|line| !whole(line)) {
            assert!(line.width() <= width, "{} columns at width {width}: {line}", line.width());
        }
    }
}

#[test]
fn json_keeps_its_schema_and_comes_back_unchanged() {
    let json = render(&sample::report(), "json", &Options::default());
    assert_valid(&serde_json::from_str(&json).unwrap());
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), sample::report());
}

#[test]
fn schema_refuses_what_the_report_does_not_have() {
    let json = render(&sample::report(), "json", &Options::default());
    for (at, value) in
        [("/summary/top_cause", serde_json::json!(7)), ("/causes/0/verdict", serde_json::json!("certain"))]
    {
        let mut report: serde_json::Value = serde_json::from_str(&json).unwrap();
        *report.pointer_mut(at).unwrap() = value;
        assert!(std::panic::catch_unwind(|| assert_valid(&report)).is_err(), "{at}");
    }
    let mut report: serde_json::Value = serde_json::from_str(&json).unwrap();
    report["surprise"] = serde_json::json!(1);
    assert!(std::panic::catch_unwind(|| assert_valid(&report)).is_err());
}

/// Characters that steer a terminal or turn text around.
fn steers(ch: char) -> bool {
    (ch.is_control() && ch != '\n')
        || matches!(ch, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn nothing_hostile_reaches_the_reader() {
    for verbose in [false, true] {
        let out = render(&sample::report(), "text", &Options { verbose, ..Options::default() });
        assert!(!out.contains(steers), "{out}");
        assert!(!out.lines().any(|line| line.starts_with("09:00 logon ok")));
    }
}

#[test]
fn colours_are_ours_alone() {
    let out = render(&sample::report(), "text", &Options { color: true, ..Options::default() });
    assert!(out.contains("\u{1b}["));
    assert!(!out.contains("\u{1b}[2J") && !out.contains("\u{1b}[1A"));
    let bare = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(&out, "").into_owned();
    let bare: String = bare.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(bare, text(80), "colours change nothing but colours");
}

#[test]
fn times_follow_the_zone_and_the_report_says_which() {
    let timezone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
    let out = render(&sample::report(), "text", &Options { timezone, ..Options::default() });
    assert!(out.contains("All times are UTC+02."), "{out}");
    assert!(out.contains("2024-05-02 11:00:00.200 SRV01 Schannel/36870"), "{out}");
}

#[test]
fn every_form_is_named_once() {
    for form in FORMATS {
        assert_eq!(FORMATS.iter().filter(|other| other.name == form.name).count(), 1);
    }
    assert_eq!(FORMATS[0].name, "text");
}

fn without_causes(outcomes: &[Outcome]) -> Report {
    let mut report = sample::report();
    report.causes.clear();
    report.noise.clear();
    report.attempts.truncate(outcomes.len());
    report.attempts.iter_mut().zip(outcomes).for_each(|(attempt, outcome)| attempt.outcome = *outcome);
    let count = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count() as u64;
    report.summary.attempts = outcomes.len() as u64;
    report.summary.failed = count(Outcome::Failed);
    report.summary.dropped = count(Outcome::Dropped);
    report.summary.abandoned = count(Outcome::Abandoned);
    report.summary.established = count(Outcome::Established);
    report.summary.unknown = count(Outcome::Unknown);
    report.summary.top_cause = None;
    report
}

#[test]
fn the_headline_says_when_nobody_but_an_attack_failed() {
    let mut report = sample::report();
    let plain = headline(&report);
    let first_step = |report: &Report| render(report, "html", &Options::default()).contains("First step");
    assert!(plain.ends_with("(confirmed)") && first_step(&report), "{plain}");
    report.causes[0].guesses_only = true;
    assert!(!first_step(&report), "what a user would do is no answer to an attack");
    assert_eq!(headline(&report), format!("{plain}: guesses of an attack, none known to be a user's"));
}

#[test]
fn headline_is_honest_when_there_is_no_cause() {
    use Outcome::{Abandoned, Dropped, Established, Failed, Unknown};
    let told = |outcomes: &[Outcome], gaps: bool| {
        let mut report = without_causes(outcomes);
        if !gaps {
            report.coverage.cannot_judge.clear();
            report.coverage.collect.clear();
        }
        headline(&report)
    };
    assert_eq!(told(&[Established; 3], true), "Nothing failed in these logs: 3 attempts, all established");
    assert_eq!(
        told(&[Established, Abandoned], true),
        "Nothing failed in these logs: 2 attempts, 1 given up by the user, 1 established"
    );
    assert_eq!(
        told(&[Established, Unknown], false),
        "No failure is recorded in these logs: 2 attempts, 1 established, 1 with an end that the logs do not show"
    );
    assert_eq!(
        told(&[Failed, Dropped], false),
        "1 attempt failed and 1 session dropped; no known cause fits what these logs show"
    );
    assert_eq!(
        told(&[Failed], true),
        "1 attempt failed; why cannot be judged from these logs: collect Security of SRV01.corp.example \
         (server) after it happened again and 2 logs of the domain controller"
    );
    assert_eq!(told(&[], false), "No Remote Desktop attempt is recorded in these logs");
    let mut nothing = without_causes(&[]);
    nothing.inputs.clear();
    assert_eq!(headline(&nothing), "Cannot be judged: these inputs hold no record that could be read");
}

#[test]
fn an_attack_beside_the_answer_is_told_before_the_evidence() {
    let mut report = sample::report();
    report.findings[0].severity = Severity::Critical;
    let title = report.findings[0].title.trim_end_matches('.').to_owned();
    for form in ["text", "md", "html"] {
        let told = render(&report, form, &Options::default());
        let place = |words: &str| told.find(words).unwrap_or_else(|| panic!("{form}: {words}\n{told}"));
        assert!(place("Beside it") < place("Evidence") && place(&title) < place("Evidence"), "{form}");
    }
}

#[test]
fn headline_does_not_sell_a_guess_as_an_answer() {
    let mut report = sample::report();
    for cause in &mut report.causes {
        cause.verdict = Level::Possible;
    }
    assert_eq!(
        headline(&report),
        "3 attempts failed and no cause is proven: collect Security of SRV01.corp.example (server) after it happened again \
         and 2 logs of the domain controller; a guess until then: TermService cannot read the private key of the \
         listener's certificate (possible, as are 2 other causes)"
    );
    report.coverage.cannot_judge.clear();
    assert_eq!(
        headline(&report),
        "3 attempts failed and no cause is proven; the best guess: TermService cannot read the private key of the \
         listener's certificate (possible, 2 other causes fit as well)"
    );
}

#[test]
fn long_timeline_is_cut_to_what_matters_and_says_so() {
    let mut report = sample::report();
    let filler = report.timeline[2].clone();
    report.timeline.splice(2..2, std::iter::repeat_n(filler, 500));
    let short = render(&report, "text", &Options::default());
    assert!(short.contains("1,312 records left out"), "{short}");
    assert!(short.contains("Schannel/36870") && short.lines().count() < 260);
    let whole = render(&report, "text", &Options { verbose: true, ..Options::default() });
    assert!(!whole.contains("left out") && whole.matches("RdpCoreTS/131").count() == 501);
}

#[test]
fn a_cause_of_a_wanted_end_is_not_told_as_the_answer() {
    let mut report = without_causes(&[Outcome::Established, Outcome::Abandoned]);
    report.causes = sample::report().causes;
    report.causes.truncate(1);
    report.causes[0].attempts = vec![report.attempts[0].id];
    assert!(headline(&report).starts_with("Nothing failed in these logs"));
    let out = render(&report, "text", &Options::default());
    assert!(out.contains("SEEN, BUT NO CAUSE OF A FAILURE") && !out.contains("Fix"), "{out}");
}

#[test]
fn a_hundred_alike_attempts_are_one_row_and_none_is_lost_with_verbose() {
    let mut report = sample::report();
    let alike = report.attempts[2].clone();
    for number in 0..100 {
        report.attempts.push(whyrdp::report::model::AttemptReport { id: sample::name(1000 + number), ..alike.clone() });
    }
    let short = render(&report, "text", &Options::default());
    assert!(short.contains("101 alike"), "{short}");
    let whole = render(&report, "text", &Options { verbose: true, ..Options::default() });
    assert!(!whole.contains("alike") && whole.contains("\n104  2024-05-02"), "{whole}");
}

#[test]
fn two_computers_of_one_name_keep_their_domains() {
    let mut report = sample::report();
    report.attempts[0].server.host = Some("DC1.one.example".into());
    report.attempts[1].server.host = Some("FILE1.one.example".into());
    report.attempts[2].server.host = Some("DC1.two.example".into());
    report.attempts[3].client.host = Some("10.1.2.3".into());
    let out = render(&report, "text", &Options { width: 160, ..Options::default() });
    assert!(out.contains("DC1.one.example") && out.contains("DC1.two.example") && out.contains("10.1.2.3"), "{out}");
    assert!(out.contains("FILE1") && !out.contains("FILE1.one"), "{out}");
}
