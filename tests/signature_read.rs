//! Folders of signatures become definitions, and bad ones say where they are bad.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests end by panicking")]

use std::path::Path;

use proptest::prelude::*;
use whyrdp::signature::definition::{Anchor, Bearing, Comparison, Counted, Key, Kind, Mark, Observation, Phase, Slot};
use whyrdp::signature::read::{Problem, check_links, load_dir, load_text};

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/signatures")
}

fn read(files: &[(&str, &str)]) -> (whyrdp::signature::definition::Definitions, Vec<Problem>) {
    let files: Vec<(String, String)> = files.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    load_text(&files)
}

fn codes(problems: &[Problem]) -> Vec<(&'static str, u32)> {
    problems.iter().map(|problem| (problem.code, problem.line)).collect()
}

#[test]
fn a_folder_is_read_whole() {
    let (all, problems) = load_dir(&fixtures());
    assert_eq!(problems, []);
    assert_eq!(check_links(&all), []);
    let slugs: Vec<&str> = all.rules.iter().map(|rule| rule.slug.as_str()).collect();
    assert_eq!(slugs, ["rdpclient_1026_disconnect", "schannel_36870_server", "win_security_rdp_logon"]);
    let client = all.rules[0].meaning.as_ref().unwrap();
    assert_eq!((client.kind, client.mark), (Kind::Marker, Some(Mark::Disconnect)));
    assert_eq!(client.capture[&Slot::Disconnect], ["Value"]);
    assert_eq!(client.fact, "rdpclient_1026_disconnect");
    let set = client.sets.as_ref().unwrap();
    assert_eq!((set.state.as_str(), set.value.as_str(), set.until_boot), ("client", "disconnected", true));
    assert_eq!(all.rules[1].meaning.as_ref().unwrap().stops, Some(Phase::Tls));
    assert_eq!(all.rules[1].family, "certificate");
    assert_eq!(all.codes["disconnect"].len(), 3);
    assert_eq!(all.words[0].short, "RDPClient");
    assert_eq!(all.sha256.len(), 64);
}

#[test]
fn causes_keep_their_clues() {
    let (all, _) = load_dir(&fixtures());
    let cause = &all.causes[0];
    assert_eq!(cause.codes[0].extended, Some(7));
    assert!(cause.codes[0].typical && !cause.codes[1].typical);
    assert_eq!(cause.evidence[0].bearing, Bearing::Proof);
    let window = cause.evidence[1].window.unwrap();
    assert_eq!(window.from, (Anchor::Start, -30 * 86_400 * 10_000_000));
    assert_eq!(window.to, (Anchor::Start, 0));
    assert_eq!(cause.evidence[1].join, [Key::Time]);
    assert_eq!(cause.evidence[2].weight, 7);
    let Observation::Sequence { gap, .. } = &cause.evidence[4].what else { panic!() };
    assert_eq!(*gap, (0, 5_000_000));
}

#[test]
fn foreign_rules_are_pinned_to_their_channel_and_correlations_find_them_by_name() {
    let (all, _) = load_dir(&fixtures());
    let rule = &all.rules[2];
    assert!(rule.meaning.is_none());
    assert_eq!(rule.family, "foreign/deep");
    assert!(rule.detection.searches.iter().any(|search| search.name == "_logsource_service"));
    let correlation = all.correlations.iter().find(|c| c.slug == "win_security_rdp_logon_2").unwrap();
    assert_eq!(correlation.rules, ["win_security_rdp_logon"]);
    assert_eq!(correlation.count, Counted::Values("IpAddress".into()));
    assert_eq!(correlation.thresholds, [(Comparison::Greater, 2.0)]);
    assert_eq!(correlation.timespan, 3_600 * 10_000_000);
}

const RULE: &str = "title: T\nid: 4f6c1d0e-8f0a-4f39-9d7e-5a0c6a1b2c3d\ndescription: D\nlevel: low\n\
    logsource: {product: windows}\ndetection: {s: {EventID: 1}, condition: s}\n\
    whyrdp:\n  schema: 1\n  kind: fact\n  host: server\n";

#[test]
fn one_bad_rule_never_stops_the_others() {
    let (all, problems) = read(&[
        ("rules/a/good_rule_one.yml", RULE),
        ("rules/a/broken_rule_1.yml", "title: [unclosed\n"),
        ("rules/a/broken_rule_2.yml", "title: T\nlogsource: {}\ndetection: {s: {a|expand: b}, condition: s}\n"),
        ("rules/a/linux_rule_one.yml", "title: T\nlogsource: {product: linux}\ndetection: {s: {a: b}, condition: s}\n"),
        ("rules/a/other_service.yml", "title: T\nlogsource: {service: nosuch}\ndetection: {s: {a: b}, condition: s}\n"),
    ]);
    assert_eq!(all.rules.len(), 1);
    assert_eq!(codes(&problems), [("yaml", 1), ("unsupported", 3), ("logsource", 2), ("logsource", 2)]);
    assert_eq!(problems[1].rule.as_deref(), Some("broken_rule_2"));
    assert!(problems[1].to_string().starts_with("rules/a/broken_rule_2.yml:3: "), "{}", problems[1]);
}

#[test]
fn our_own_rules_are_held_to_more() {
    let problem = |extra: &str| read(&[("rules/a/some_rule_one.yml", &format!("{RULE}{extra}"))]).1;
    assert_eq!(problem(""), []);
    assert_eq!(codes(&problem("  hosts: server\n")), [("unknown-key", 11)]);
    assert_eq!(codes(&problem("  mark: open\n")), [("mark", 8)]);
    assert_eq!(codes(&problem("  reaches: tsl\n")), [("unknown-word", 11)]);
    assert!(problem("  reaches: tsl\n")[0].message.contains("tls, credssp"));
    assert_eq!(codes(&problem("  capture: {client: X}\n")), [("unknown-key", 11)]);
    assert_eq!(codes(&problem("  always: yes\n")), [("wrong-type", 11)]);
    assert_eq!(codes(&problem("  join: time\n")), []);
    assert_eq!(codes(&problem("  tests: {match: [x]}\n")), [("wrong-type", 11)]);
    assert_eq!(codes(&problem("extra: 1\n")), [("unknown-key", 11)]);
    let (_, problems) = read(&[("rules/a/Short.yml", RULE)]);
    assert_eq!(codes(&problems), [("file-name", 0)]);
    let (all, problems) = read(&[("rules/a/some_rule_one.yml", RULE), ("rules/b/some_rule_one.yml", RULE)]);
    assert_eq!((all.rules.len(), problems.len()), (1, 2));
}

#[test]
fn causes_say_what_is_wrong_and_where() {
    let head = "id: c\nfamily: f\ntitle: T\nseverity: low\nexplanation: E\nphases: [tls]\nprior: 3\nevidence:\n";
    let problem = |clue: &str| codes(&read(&[("causes/f/c.yml", &format!("{head}  - {clue}\n"))]).1).first().copied();
    assert_eq!(problem("{rule: r, as: proof, why: W}"), None);
    assert_eq!(problem("{rule: r, as: prof, why: W}"), Some(("unknown-word", 9)));
    assert_eq!(problem("{rule: r, as: proof}"), Some(("missing-key", 9)));
    assert_eq!(problem("{rule: r, state: a=b, as: proof, why: W}"), Some(("missing-key", 9)));
    assert_eq!(problem("{rule: r, as: proof, needs: C, why: W}"), Some(("unknown-key", 9)));
    assert_eq!(problem("{absent: r, as: support, why: W}"), Some(("missing-key", 9)));
    for (bearing, code) in [("support", None), ("proof", Some(("wrong-word", 9))), ("refute", Some(("wrong-word", 9)))]
    {
        assert_eq!(problem(&format!("{{absent: r, needs: C, as: {bearing}, why: W}}")), code, "{bearing}");
    }
    assert_eq!(problem("{state: a=b, as: standing, why: W}"), Some(("wrong-word", 9)));
    assert_eq!(problem("{sequence: [a, b], gap: [0s, 1s], as: standing, why: W}"), Some(("wrong-word", 9)));
    let required = |what: &str| {
        let text = head.replace("evidence:", &format!("requires: {{{what}}}\nevidence:"));
        codes(&read(&[("causes/f/c.yml", &format!("{text}  - {{rule: r, as: proof, why: W}}\n"))]).1).first().copied()
    };
    assert_eq!(required("role: license"), None);
    assert_eq!(required("role: rdsh"), Some(("unknown-word", 8)));
    assert_eq!(required("os: 2016"), Some(("unknown-key", 8)));
    assert_eq!(problem("{state: ab, as: support, why: W}"), Some(("state", 9)));
    assert_eq!(problem("{rule: r, as: support, weight: 50, why: W}"), Some(("wrong-number", 9)));
    assert_eq!(problem("{rule: r, as: proof, window: [start+5s, start], why: W}"), Some(("window", 9)));
    assert_eq!(problem("{rule: r, as: proof, window: [begin, end], why: W}"), Some(("window", 9)));
    assert_eq!(problem("{sequence: [a], gap: [1s, 2s], as: support, why: W}"), Some(("sequence", 9)));
    assert_eq!(problem("{sequence: [a, b], gap: [2s, 1s], as: support, why: W}"), Some(("span", 9)));
    let session = |family: &str, says: &str| {
        let text = format!("{head}  - {{session_after: c, {says}, why: W}}\n");
        let text = text.replace("family: f", &format!("family: {family}"));
        codes(&read(&[(&*format!("causes/{family}/c.yml"), &*text)]).1).first().map(|(code, _)| *code)
    };
    assert_eq!(session("attack", "least: 2, as: proof, window: [start-1d, start]"), None);
    assert_eq!(session("attack", "as: proof"), Some("missing-key"));
    assert_eq!(session("attack", "least: 2, as: proof, join: [user]"), Some("unknown-key"));
    assert_eq!(session("attack", "least: 2, as: support"), Some("session-after"));
    assert_eq!(session("f", "least: 2, as: proof"), Some("session-after"));
    assert_eq!(codes(&read(&[("causes/g/c.yml", head)]).1), [("name", 2)]);
}

#[test]
fn tables_and_words_say_what_is_wrong_and_where() {
    let table = |row: &str| {
        codes(&read(&[("codes/x.tsv", &format!("number\tsymbol\tmeaning\tends\n{row}\n"))]).1).first().copied()
    };
    assert_eq!(table("0x10\t\tM\twanted"), None);
    assert_eq!(table("ten\t\tM\twanted"), Some(("wrong-number", 2)));
    assert_eq!(table("1\t\tM\tmaybe"), Some(("unknown-word", 2)));
    assert_eq!(table("1\t\tM"), None);
    assert_eq!(table("1"), Some(("cells", 2)));
    assert_eq!(table("1\t\tM\t\n0x1\t\tN\t"), Some(("duplicate", 0)));
    let words = |text: &str| {
        codes(&read(&[("events/p.yml", &format!("provider: P\nshort: S\nchannel: C\nevents:\n  {text}\n"))]).1)
            .first()
            .copied()
    };
    assert_eq!(words("1: 'a {B} {C|d}'"), None);
    for bad in ["1: 'a {B'", "1: 'a }'", "1: 'a {}'", "1: '{a{b}}'", "1: '{a|b|c}'"] {
        assert_eq!(words(bad), Some(("template", 5)), "{bad}");
    }
    assert_eq!(words("x: text"), Some(("wrong-number", 5)));
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let (mut all, _) = load_dir(&fixtures());
    all.rules.clear();
    all.codes.clear();
    let found: Vec<&str> = check_links(&all).iter().map(|(problem, _)| problem.code).collect();
    for code in ["no-such-rule", "no-such-state", "no-such-space"] {
        assert!(found.contains(&code), "{found:?} has no {code}");
    }
}

#[test]
fn what_is_loaded_does_not_depend_on_the_order_of_files() {
    let a = read(&[("rules/a/some_rule_one.yml", RULE), ("codes/x.tsv", "number\tsymbol\tmeaning\tends\n")]);
    let b = read(&[("codes/x.tsv", "number\tsymbol\tmeaning\tends\n"), ("rules/a/some_rule_one.yml", RULE)]);
    assert_eq!(a, b);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_mutated_file_panics(
        file in 0_usize..6, at in any::<proptest::sample::Index>(), cut in 0_usize..40,
        put in "[-a-z0-9|:\\[\\]{},*?%<>=+'\"() \n\t]{0,12}",
    ) {
        let names = [
            "rules/certificate/schannel_36870_server.yml", "rules/client/many_disconnects.yml",
            "causes/certificate/rdp-key-cannot-be-opened.yml", "codes/disconnect.tsv",
            "events/microsoft_windows_terminalservices_clientactivexcore.yml", "foreign/deep/Win-Security_RDP_Logon.yaml",
        ];
        let mut text = std::fs::read_to_string(fixtures().join(names[file])).unwrap();
        let from = at.index(text.len());
        text.replace_range(from..(from + cut).min(text.len()), &put);
        let (all, problems) = read(&[(names[file], &text)]);
        for problem in problems {
            prop_assert!(!problem.message.is_empty() && !problem.to_string().contains('\r'));
        }
        for rule in &all.rules {
            let _ = whyrdp::signature::test_rule(rule);
        }
        whyrdp::signature::Signatures::compile(all).0.interest();
    }
}
