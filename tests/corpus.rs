//! Every case of `corpus/` is written to disk, scanned and judged, and the report is held
//! against what is true of the case.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "common/schema.rs"]
mod schema;
#[path = "common/told.rs"]
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use std::thread;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use told::{SIGNATURES, blamed, collected, root, rows};
use whyrdp::correlate::{Request, correlate};
use whyrdp::evidence::{Findings, read_row, write_row};
use whyrdp::report::model::{CauseReport, Level, Report};
use whyrdp::source::{Aids, discover};
use whyrdp::verify::{Difference, verify};
use whyrdp_corpus::{Case, Expect, cases, generate};

/// A case and the report on it.
struct Judged {
    slug: String,
    expect: Expect,
    report: Report,
    /// Generated logs that are not those of `logs.sha256`.
    other_bytes: Vec<String>,
    /// Ways to the report that led to another one.
    other_reports: Vec<&'static str>,
    /// Records that are not found where the report says.
    elsewhere: Vec<Difference>,
}

static JUDGED: LazyLock<Vec<Judged>> = LazyLock::new(|| {
    let all = cases(&root().join("corpus")).unwrap();
    assert!(!all.is_empty());
    // Plain threads: work of a pool that waits for another pool's piles up on one stack.
    let (next, done) = (Mutex::new(all.into_iter()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let Some(case) = next.lock().unwrap().next() else { break };
            let judged = judge(case);
            done.lock().unwrap().push(judged);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut judged = done.into_inner().unwrap();
    judged.sort_by(|a, b| a.slug.cmp(&b.slug));
    judged
});

/// A folder of this process alone; it goes when the value does.
fn folder() -> TempDir {
    tempfile::Builder::new().prefix("corpus-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn bytes(findings: &Findings) -> (Report, Vec<u8>) {
    let report = correlate(findings, &SIGNATURES, &Request::default());
    let bytes = serde_json::to_vec(&report).unwrap();
    (report, bytes)
}

fn judge(case: Case) -> Judged {
    let logs = folder();
    generate(&case.dir, logs.path()).unwrap_or_else(|error| panic!("{}: {error}", case.slug));
    let mut found = discover(&[logs.path().to_owned()]);
    assert!(found.problems.is_empty() && found.skipped == 0, "{}: {:?}", case.slug, found.problems);

    let once = rows(&found.inputs, 1);
    let sha256 = SIGNATURES.sha256();
    let written: Vec<String> = once.iter().map(|row| write_row(row, sha256).unwrap()).collect();
    let read = collected(written.iter().map(|line| read_row(line, sha256).unwrap()));
    let (report, one_thread) = bytes(&collected(once));
    let two_threads = bytes(&collected(rows(&found.inputs, 2))).1;
    found.inputs.reverse();
    let middle = found.inputs.len() / 3;
    found.inputs.rotate_left(middle);
    let other_order = bytes(&collected(rows(&found.inputs, 2))).1;
    let ways = [
        ("two threads", two_threads),
        ("rows written and read", bytes(&read).1),
        ("another order of files", other_order),
    ];
    let verified = verify(&report, &Aids::default(), &|name| name.into());
    Judged {
        elsewhere: verified.different,
        other_bytes: other_bytes(&case.dir, logs.path()),
        other_reports: ways.into_iter().filter(|(_, way)| *way != one_thread).map(|(name, _)| name).collect(),
        slug: case.slug,
        expect: case.expect,
        report,
    }
}

/// Compares the files below `logs` with the list of hashes of a case.
fn other_bytes(case: &Path, logs: &Path) -> Vec<String> {
    let list = fs::read_to_string(case.join("logs.sha256")).unwrap();
    let mut listed: BTreeMap<String, String> =
        list.lines().filter_map(|line| line.split_once("  ")).map(|(hash, name)| (name.into(), hash.into())).collect();
    let mut other = Vec::new();
    for input in discover(&[logs.to_owned()]).inputs {
        let name = input.path.strip_prefix(logs).unwrap().to_string_lossy().replace('\\', "/");
        let digest = Sha256::digest(fs::read(&input.path).unwrap());
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        match listed.remove(&name) {
            Some(known) if known == hash => {}
            Some(_) => other.push(format!("{name} has other bytes")),
            None => other.push(format!("{name} is not in logs.sha256")),
        }
    }
    other.extend(listed.into_keys().map(|name| format!("{name} is not generated")));
    other
}

/// Fails with one list over all cases.
fn assert_none_wrong(wrong: impl Fn(&Judged) -> Vec<String>) {
    let mut list = Vec::new();
    let mut slugs = BTreeSet::new();
    for judged in JUDGED.iter() {
        for line in wrong(judged) {
            slugs.insert(&judged.slug);
            list.push(format!("{:<40} {line}", judged.slug));
        }
    }
    assert!(list.is_empty(), "{} of {} cases:\n{}", slugs.len(), JUDGED.len(), list.join("\n"));
}

#[test]
fn cases_generate_the_bytes_that_are_listed() {
    assert_none_wrong(|judged| judged.other_bytes.clone());
}

#[test]
fn reports_keep_their_schema() {
    assert_none_wrong(|judged| schema::breaches(&serde_json::to_value(&judged.report).unwrap()));
}

#[test]
fn neither_threads_nor_the_wire_nor_order_change_a_report() {
    assert_none_wrong(|judged| judged.other_reports.iter().map(|way| format!("{way}: another report")).collect());
}

#[test]
fn records_are_found_where_reports_say() {
    assert_none_wrong(|judged| judged.elsewhere.iter().map(|other| format!("{other:?}")).collect());
}

#[test]
fn reports_say_what_is_true() {
    assert_none_wrong(|judged| {
        let wrong = wrong(&judged.expect, &judged.report);
        match &judged.expect.known_miss {
            None => wrong,
            Some(_) if wrong.is_empty() => vec!["is right now: take known_miss out".into()],
            Some(_) => Vec::new(),
        }
    });
}

/// What a report says that is not true, or does not say that is.
fn wrong(expect: &Expect, report: &Report) -> Vec<String> {
    let mut wrong = Vec::new();
    let top = report.summary.top_cause.as_deref();
    let right = expect.top.as_deref().unwrap_or_default();
    match top {
        None if expect.top.is_some() => wrong.push(format!("no top cause; it is {}", right.join(" or "))),
        Some(id) if expect.top.is_none() => wrong.push(format!("blames {id}; nobody may be blamed")),
        Some(id) if !right.iter().any(|known| known == id) => {
            wrong.push(format!("top cause is {id}; it is {}", right.join(" or ")));
        }
        _ => {}
    }
    for cause in blamed(report) {
        let (id, level) = (&cause.id, cause.verdict.word());
        if expect.never.contains(id) {
            wrong.push(format!("{id} is {level}; it never may be"));
        } else if !right.contains(id) && !expect.also.contains(id) {
            wrong.push(format!("{id} is {level}; the case knows nothing of it"));
        }
    }
    for named in &expect.ruled_out {
        let is = |name: &Option<String>| name.as_ref() == Some(named);
        if !report.ruled_out.iter().any(|out| is(&out.id) || is(&out.family)) {
            wrong.push(format!("{named} is not ruled out"));
        }
    }
    if expect.cannot_judge && report.coverage.cannot_judge.is_empty() {
        wrong.push("does not say what cannot be judged".into());
    }
    if expect.cannot_judge && top.is_some() {
        wrong.push("has a top cause where the logs do not tell".into());
    }
    let summary = &report.summary;
    let counts = expect.outcome.unwrap_or_default();
    for (what, expected, counted) in [
        ("attempts", counts.attempts, summary.attempts),
        ("failed", counts.failed, summary.failed),
        ("established", counts.established, summary.established),
        ("dropped", counts.dropped, summary.dropped),
        ("abandoned", counts.abandoned, summary.abandoned),
    ] {
        if let Some(expected) = expected.filter(|expected| u64::from(*expected) != counted) {
            wrong.push(format!("{what}: {counted} instead of {expected}"));
        }
    }
    wrong.extend(ground(expect, report));
    wrong
}

/// What a report says wrongly of clocks, logs and what to collect.
fn ground(expect: &Expect, report: &Report) -> Vec<String> {
    let mut wrong = Vec::new();
    let host = |name: &str| report.coverage.hosts.iter().find(|host| host.host == name);
    for (name, expected) in &expect.clocks {
        let Some(clock) = host(name).map(|host| &host.clock) else {
            wrong.push(format!("{name} is not told"));
            continue;
        };
        if expected.state.as_ref().is_some_and(|state| state != clock.state.word()) {
            wrong.push(format!("clock of {name} is {}", clock.state));
        }
        if expected.segments.is_some_and(|segments| segments != clock.segments) {
            wrong.push(format!("clock of {name} has {} segments: {:?}", clock.segments, clock.steps));
        }
        if let Some(ms) = expected.offset_ms().unwrap() {
            let near = clock.offset_ms.is_some_and(|told| (told - ms).abs() <= 2000);
            if !near {
                wrong.push(format!("clock of {name} is ahead by {:?} ms", clock.offset_ms));
            }
        }
    }
    for (log, expected) in &expect.states {
        let (name, channel) = log.split_once('/').unwrap();
        let told = host(name).and_then(|host| host.channels.iter().find(|known| known.channel == channel));
        if told.is_none_or(|told| told.state.word() != expected) {
            wrong.push(format!("{log} is {:?}", told.map(|told| told.state.word())));
        }
    }
    for command in &expect.collect {
        if !report.coverage.collect.iter().any(|one| one.commands.iter().any(|known| known.contains(command))) {
            wrong.push(format!("does not say to run {command}"));
        }
    }
    wrong
}

fn case(slug: &str) -> &'static Judged {
    JUDGED.iter().find(|judged| judged.slug == slug).unwrap()
}

/// The case that the program was written for: the service may not replace its expired certificate,
/// because the permissions of the key store are broken.
#[test]
fn the_archetype_is_told_with_its_root_and_what_it_is_not() {
    let report = &case("selfsigned-renewal-denied").report;
    let pair = ["rdp-selfsigned-renewal-denied", "machinekeys-acl-broken"];
    let first: Vec<&CauseReport> = report.causes.iter().take(2).collect();
    let ids: BTreeSet<&str> = first.iter().map(|cause| &*cause.id).collect();
    assert_eq!(ids, BTreeSet::from(pair));
    assert!(first.iter().any(|cause| cause.verdict == Level::Confirmed), "neither is confirmed");
    let behind = |a: &CauseReport, b: &CauseReport| a.caused_by.contains(&b.id);
    assert!(behind(first[0], first[1]) || behind(first[1], first[0]), "root and consequence are not joined");
    for family in ["licensing", "credssp-nla", "account"] {
        let out = report.ruled_out.iter().find(|out| out.family.as_deref() == Some(family));
        assert!(out.is_some_and(|out| !out.why.is_empty() && !out.because.is_empty()), "{family} is not ruled out");
    }
    let advice: String = first.iter().flat_map(|cause| cause.avoid.iter().chain(&cause.fix)).cloned().collect();
    let advice = advice.to_lowercase();
    assert!(advice.contains("deleting") && advice.contains("machinekeys"), "no warning: {advice}");
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_whyrdp"));
    let output = program.args(["analyze", "corpus/selfsigned-renewal-denied/logs"]).current_dir(root()).output();
    let printed = String::from_utf8(output.unwrap().stdout).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap().replace("\r\n", "\n");
    let shown = readme.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut rest = printed.as_str();
    for part in shown.split("[...]").map(|part| part.trim_end().trim_start_matches('\n')) {
        let at = rest.find(part);
        assert!(at.is_some(), "the README shows what is not printed:\n{part}\nIt is now:\n{printed}");
        rest = &rest[at.unwrap_or_default() + part.len()..];
    }
}
