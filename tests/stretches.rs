//! More rows than are held at once: judged in stretches of time, they give the report of all of them together.
#![allow(clippy::unwrap_used)]

#[path = "common/cases.rs"]
mod cases;

use std::convert::Infallible;

use whyrdp::correlate::{Request, Said, Stretches, correlate, correlate_in_stretches, logs_code, said};
use whyrdp::event::{Guid, Time};
use whyrdp::evidence::{Coverage, Evidence, Findings, Run};
use whyrdp::report::model::{AttemptReport, Level, Report};
use whyrdp::signature::Signatures;
use whyrdp::signature::definition::Bearing;

const DAY: i64 = 24 * 3600 * 10_000_000;

/// The same story again and again, with days between.
fn repeated(story: &Findings, copies: i64, days: i64) -> Findings {
    let mut all = story.clone();
    all.evidence.clear();
    all.coverage.clear();
    let most = |coverage: &Coverage| coverage.runs.iter().map(|run| run.last_id).max().unwrap_or_default();
    let ids = story.coverage.values().map(most).max().unwrap_or_default() + 1;
    for copy in 0..copies {
        let later = |time: Time| time.plus(copy * days * DAY);
        let more = ids * copy.unsigned_abs();
        for evidence in story.evidence.values() {
            let mut evidence = evidence.clone();
            evidence.event = evidence.event.derive(&format!("{copy}"));
            evidence.record.time = evidence.record.time.map(later);
            evidence.record.record_id = evidence.record.record_id.map(|id| id + more);
            evidence.record.activity_id = evidence.record.activity_id.map(|Guid(mut bytes)| {
                bytes[15] ^= copy.to_le_bytes()[0];
                Guid(bytes)
            });
            all.evidence.insert(evidence);
        }
        for (key, coverage) in &story.coverage {
            let known = all.coverage.entry(key.clone()).or_default();
            known.forwarded |= coverage.forwarded;
            for run in &coverage.runs {
                let (first, last) = (later(run.first), later(run.last));
                match known.runs.last_mut() {
                    // Nothing is missing between them.
                    Some(known) if coverage.runs.len() == 1 => (known.last_id, known.last) = (run.last_id + more, last),
                    _ => {
                        known.runs.push(Run { first_id: run.first_id + more, last_id: run.last_id + more, first, last })
                    }
                }
            }
        }
    }
    all
}

/// The report of rows of which only so many are held at once, and how many stretches it took.
fn in_stretches(all: &Findings, signatures: &Signatures, request: &Request, room: usize) -> (Report, usize) {
    let mut ground = all.clone();
    let mut rows: Vec<Evidence> = ground.take_evidence().collect();
    rows.sort_by_key(|row| (row.record.time, row.event));
    let complaint = said(signatures, &request.complaint);
    let logged = rows.iter().any(|row| logs_code(row, signatures, &complaint));
    let rows = rows.into_iter().map(Ok::<_, Infallible>);
    let (mut attempts, mut timeline, mut count) = (Vec::new(), Vec::new(), 0);
    let head =
        correlate_in_stretches(&ground, Stretches::new(rows, room, signatures), request, logged, |own, events| {
            attempts.extend(own.all());
            timeline.extend(events.all());
            count += 1;
            Ok(())
        });
    attempts.sort_by_key(|attempt: &AttemptReport| (attempt.start, attempt.id));
    (head.unwrap().with(attempts, timeline), count)
}

/// What a report says, but for which of several alike records it cites.
fn said_by(report: &Report) -> impl PartialEq + std::fmt::Debug + use<> {
    let attempts: Vec<_> =
        report.attempts.iter().map(|attempt| (attempt.id, attempt.outcome, levels(attempt))).collect();
    let causes: Vec<_> = report.causes.iter().map(|one| (one.id.clone(), one.verdict, one.score, one.scope)).collect();
    let explained: Vec<_> = report.causes.iter().map(|one| (one.attempts.len(), one.explanation.clone())).collect();
    let out: Vec<_> =
        report.ruled_out.iter().map(|out| (out.id.clone(), out.family.clone(), out.why.clone())).collect();
    (
        (report.summary.clone(), report.complaint.clone(), attempts, causes, explained, out),
        (
            report.findings.clone(),
            report.noise.clone(),
            report.coverage.cannot_judge.clone(),
            report.coverage.collect.clone(),
        ),
    )
}

fn levels(attempt: &AttemptReport) -> Vec<(String, Level, u8)> {
    attempt.verdicts.iter().map(|one| (one.cause.clone(), one.verdict, one.score)).collect()
}

/// Both ends; a gateway; a broker; a controller; noise beside a success; attacks; licences; conditions that stand; drops.
const STORIES: [&str; 13] = [
    "selfsigned-renewal-denied",
    "success-redirected-by-broker",
    "brute-force-beside-success",
    "guessing-succeeds",
    "scanner-beside-success",
    "automatic-reconnect-after-drop",
    "gateway-passes-target-has-no-key",
    "nla-server-cannot-reach-dc",
    "termservice-stopped",
    "rdp-disabled",
    "guessing-around-disabled-account-2012r2",
    "two-outages-two-days",
    "morning-certificate-evening-lockout",
];

#[test]
fn stretches_of_a_long_case_say_what_the_whole_says() {
    let (signatures, _) = Signatures::open(true, &[]);
    for slug in STORIES {
        let folder = cases::logs(slug);
        let story = cases::findings(folder.path().to_owned(), &signatures);
        let all = repeated(&story, 3, 3);
        let held = correlate(&all, &signatures, &Request::default());
        let (cut, stretches) = in_stretches(&all, &signatures, &Request::default(), 2 * story.evidence.len());
        assert!(stretches > 1, "{slug}");
        if slug == "two-outages-two-days" {
            // Clocks are compared within a stretch: times may differ by milliseconds.
            assert_eq!(verdicts(&held), verdicts(&cut), "{slug}");
        } else {
            assert_eq!(said_by(&held), said_by(&cut), "{slug}");
        }
    }
}

fn verdicts(report: &Report) -> impl PartialEq + std::fmt::Debug + use<> {
    report.attempts.iter().map(|attempt| (attempt.outcome, levels(attempt))).collect::<Vec<_>>()
}

#[test]
fn what_fits_into_one_stretch_is_the_report_of_the_whole_to_the_byte() {
    let (signatures, _) = Signatures::open(true, &[]);
    for slug in STORIES {
        let folder = cases::logs(slug);
        let all = cases::findings(folder.path().to_owned(), &signatures);
        let (cut, stretches) = in_stretches(&all, &signatures, &Request::default(), 4 * all.evidence.len());
        assert_eq!(stretches, 1, "{slug}");
        assert_eq!(cut, correlate(&all, &signatures, &Request::default()), "{slug}");
    }
}

#[test]
fn a_condition_stands_longer_than_a_stretch_lasts() {
    let (held, cut) = long_since_renewal(false);
    assert!(held > 0);
    assert_eq!(held, cut);
}

#[test]
fn a_condition_is_over_where_a_stretch_before_shows_connections_since() {
    assert_eq!(long_since_renewal(true), (0, 0));
}

/// How often a renewal ten days before counts, in a case that is held and in the same cut into stretches; somebody may
/// have connected five days before.
fn long_since_renewal(connected: bool) -> (usize, usize) {
    let (signatures, _) = Signatures::open(true, &[]);
    let folder = cases::logs("selfsigned-renewal-denied");
    let story = cases::findings(folder.path().to_owned(), &signatures);
    // The certificate could not be renewed ten days before, and nothing but noise was logged since.
    let mut all = story.clone();
    let renewal = |row: &&mut Evidence| row.record.event_id == 1058;
    for row in all.evidence.values_mut().filter(renewal) {
        row.record.time = row.record.time.map(|time| time.plus(-10 * DAY));
    }
    // Whoever connected since shows that it stands no more.
    let failures = Time::parse("2026-03-04T00:00:00Z");
    let is_early = |row: &Evidence| row.record.event_id != 1058 && row.record.time < failures;
    all.evidence.retain(|row| connected || !is_early(row));
    for row in all.evidence.values_mut().filter(|row| is_early(row)) {
        row.record.time = row.record.time.map(|time| time.plus(-5 * DAY));
    }
    let fillers = 4 * i64::try_from(story.evidence.len()).unwrap();
    let first = story.evidence.values().filter_map(|row| row.record.time).min().unwrap();
    let other =
        story.evidence.values().find(|row| row.record.event_id == 6013).or(story.evidence.values().next()).unwrap();
    for n in 0..fillers {
        let mut filler = other.clone();
        filler.event = filler.event.derive(&n.to_string());
        filler.record.computer = "ELSEWHERE".into();
        filler.record.time = Some(first.plus(-9 * DAY + n * 10 * DAY / fillers));
        all.evidence.insert(filler);
    }
    let stands = |report: &Report| {
        let cited = report.attempts.iter().flat_map(|attempt| &attempt.verdicts).flat_map(|verdict| &verdict.evidence);
        cited.filter(|cited| cited.role == Bearing::Standing).count()
    };
    let held = correlate(&all, &signatures, &Request::default());
    let (cut, stretches) = in_stretches(&all, &signatures, &Request::default(), 4 * story.evidence.len());
    assert!(stretches > 2, "{stretches}");
    assert_eq!(verdicts(&held), verdicts(&cut));
    (stands(&held), stands(&cut))
}

#[test]
fn a_code_that_one_stretch_logged_is_what_the_complaint_is_about_in_all() {
    let (signatures, _) = Signatures::open(true, &[]);
    let folder = cases::logs("selfsigned-renewal-denied");
    let story = cases::findings(folder.path().to_owned(), &signatures);
    let mut all = repeated(&story, 3, 3);
    // Only the first three days have the client's log.
    let later = story.evidence.values().filter_map(|row| row.record.time).max().unwrap();
    all.evidence.retain(|row| row.record.event_id != 1026 || row.record.time <= Some(later));
    let complaint = Said { code: Some(0x904), ..Said::default() };
    let request = Request { complaint, ..Request::default() };
    let held = correlate(&all, &signatures, &request);
    let (cut, stretches) = in_stretches(&all, &signatures, &request, 2 * story.evidence.len());
    assert!(stretches > 1);
    let about = |report: &Report| report.complaint.clone().map(|complaint| complaint.attempts);
    assert!(about(&held).is_some_and(|about| !about.is_empty() && about.len() < held.attempts.len()));
    assert_eq!(about(&held), about(&cut));
}

#[test]
fn that_all_failures_are_guesses_is_said_of_the_whole_and_of_its_stretches() {
    let (signatures, _) = Signatures::open(true, &[]);
    let all_guesses = |slug: &str, guesses: Option<u32>| {
        let folder = cases::logs(slug);
        let story = cases::findings(folder.path().to_owned(), &signatures);
        let all = repeated(&story, 3, 3);
        let held = correlate(&all, &signatures, &Request::default());
        let (cut, _) = in_stretches(&all, &signatures, &Request::default(), 2 * story.evidence.len());
        for report in [held, cut] {
            let told = &report.causes[0].explanation;
            let said =
                guesses.map(|count| format!("All {count} failed attempts for which it is confirmed are guesses"));
            let right = said.map_or(!told.contains("of an attack"), |said| told.contains(&said));
            assert!(right, "{slug}: {told}");
            assert_eq!(report.causes[0].guesses_only, guesses.is_some(), "{slug}");
        }
    };
    all_guesses("brute-force-beside-success", Some(180));
    // A user's failure stands first here, whatever strangers do beside it.
    all_guesses("guessing-around-disabled-account-2012r2", None);
}
