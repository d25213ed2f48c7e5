//! The answer in one sentence, and when there is none, why.

use std::collections::BTreeSet;

use super::Options;
use super::accounts::accounts;
use super::model::{AttemptReport, CauseReport, Finding, Hit, Level, Report};
use super::wanted::briefly;
use crate::evidence::EventRef;
use crate::signature::definition::{Outcome, Severity};

/// One sentence without markup, not yet escaped.
pub fn headline(report: &Report) -> String {
    let unhappy = report.summary.failed + report.summary.dropped;
    match answer(report) {
        Some(cause) if cause.verdict >= Level::Probable => told(cause),
        Some(cause) => guessed(report, cause),
        None if unhappy > 0 => unexplained(report),
        _ if report.summary.attempts > 0 => nothing_failed(report),
        _ => nothing_recorded(report),
    }
}

/// The headline of a report that may be of some attempts only.
pub(super) fn answered(report: &Report, options: &Options) -> String {
    match options.selected && report.summary.attempts == 0 {
        // What the logs hold nobody asked.
        true => "No attempt in these logs is one of those that were asked for".to_owned(),
        false => headline(report),
    }
}

/// What a reader has to know of a report of some attempts only.
pub(super) fn selection(report: &Report) -> String {
    if report.summary.attempts == 0 {
        let options = "--since, --until, --around, --host, --user and --client-ip";
        return format!(
            "Without {options} all attempts are told; which computers and times the logs cover stands below."
        );
    }
    let told = "Only attempts of the time, computers, users or addresses that were asked for are told here";
    let rest = if report.findings.is_empty() { "." } else { "; findings are those of all logs." };
    format!("{told}{rest}")
}

/// The best cause that explains an attempt that failed or dropped.
pub(super) fn answer(report: &Report) -> Option<&CauseReport> {
    report.causes.iter().find(|cause| explains_failure(report, cause))
}

/// Does it explain an attempt that failed or dropped, rather than an end that was wanted?
pub(super) fn explains_failure(report: &Report, cause: &CauseReport) -> bool {
    let own: BTreeSet<EventRef> = cause.attempts.iter().copied().collect();
    let mut unhappy =
        report.attempts.iter().filter(|attempt| matches!(attempt.outcome, Outcome::Failed | Outcome::Dropped));
    unhappy.any(|attempt| own.contains(&attempt.id))
}

/// Of the attempts that a cause explains those for which it is less sure than it is for others, and how sure.
pub(super) fn less_sure(report: &Report, cause: &CauseReport) -> Vec<EventRef> {
    let own: BTreeSet<EventRef> = match cause.verdict {
        Level::Confirmed => cause.attempts.iter().copied().collect(),
        _ => return Vec::new(),
    };
    let weaker = |attempt: &&AttemptReport| {
        own.contains(&attempt.id)
            && attempt.verdicts.iter().any(|one| one.cause == cause.id && one.verdict < cause.verdict)
    };
    report.attempts.iter().filter(weaker).map(|attempt| attempt.id).collect()
}

/// `n` and the noun, in the plural but for one.
pub(super) fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", digits(n)) }
}

/// Digits in groups of three.
pub(super) fn digits(n: u64) -> String {
    let plain = n.to_string();
    let mut out = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "a, b and c"; past `most`, "a, b and 7 more".
pub(super) fn list(words: &[String], most: usize) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] if words.len() <= most => format!("{} and {last}", head.join(", ")),
        _ => format!("{} and {} more", words[..most].join(", "), words.len() - most),
    }
}

/// Findings so severe that they are told right behind the answer.
pub(super) fn beside(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|finding| finding.severity >= Severity::High)
}

/// Users that are named where a cause hits no more.
const NAMED: usize = 3;

/// Whom a cause hits, of those who are seen; `None` where the logs name nobody. Not yet escaped.
pub(super) fn hits(report: &Report, cause: &CauseReport) -> Option<String> {
    let scope = &cause.scope;
    let own: BTreeSet<EventRef> = cause.attempts.iter().copied().collect();
    let attempts = report.attempts.iter().filter(|attempt| own.contains(&attempt.id));
    let names =
        accounts(attempts.filter_map(|attempt| Some((attempt.user.as_deref()?, attempt.server.host.as_deref()))));
    let named = |told: String| match names.len() {
        1..=NAMED => format!("{told} ({})", names.join(", ")),
        _ => told,
    };
    let of = |hit: Hit, one: &str| match (hit.affected, hit.seen) {
        (0, _) => None,
        (1, 1) => Some(format!("the only {one} seen")),
        (affected, seen) if affected == seen => Some(format!("all {} {one}s seen", digits(seen))),
        (affected, seen) => Some(format!("{} of {} {one}s seen", digits(affected), digits(seen))),
    };
    let told = [of(scope.users, "user").map(named), of(scope.clients, "client"), of(scope.servers, "server")];
    let told: Vec<String> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// How attempts ended, in words: "2 failed, 1 established".
pub(super) fn endings(report: &Report) -> String {
    let s = &report.summary;
    [
        (s.failed, "failed"),
        (s.dropped, "dropped"),
        (s.abandoned, "given up by the user"),
        (s.established, "established"),
        (s.unknown, "with an end that the logs do not show"),
    ]
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{} {word}", digits(*n)))
    .collect::<Vec<_>>()
    .join(", ")
}

fn told(cause: &CauseReport) -> String {
    let place = match cause.hosts.as_slice() {
        [] => String::new(),
        hosts => format!(" on {}", list(hosts, 3)),
    };
    let whose = if cause.guesses_only { ": guesses of an attack, none known to be a user's" } else { "" };
    format!("{}{place} ({}){whose}", cause.title.trim_end_matches('.'), cause.verdict.word())
}

fn unhappy(report: &Report) -> String {
    let s = &report.summary;
    match (s.failed, s.dropped) {
        (failed, 0) => format!("{} failed", count(failed, "attempt")),
        (0, dropped) => format!("{} dropped", count(dropped, "session")),
        (failed, dropped) => {
            format!("{} failed and {} dropped", count(failed, "attempt"), count(dropped, "session"))
        }
    }
}

fn guessed(report: &Report, cause: &CauseReport) -> String {
    let others = report.causes.iter().filter(|cause| explains_failure(report, cause)).count() as u64 - 1;
    let unhappy = unhappy(report);
    // Where causes could not be judged, that nothing else fits says nothing.
    if let Some(what) = collect(report).filter(|_| !report.coverage.cannot_judge.is_empty()) {
        let rest = match others {
            0 => String::new(),
            1 => ", as is 1 other cause".to_owned(),
            _ => format!(", as are {others} other causes"),
        };
        return format!(
            "{unhappy} and no cause is proven: collect {what}; a guess until then: {} (possible{rest})",
            cause.title.trim_end_matches('.')
        );
    }
    let rest = if others == 0 {
        "nothing else fits".to_owned()
    } else if others == 1 {
        "1 other cause fits as well".to_owned()
    } else {
        format!("{others} other causes fit as well")
    };
    format!(
        "{unhappy} and no cause is proven; the best guess: {} (possible, {rest})",
        cause.title.trim_end_matches('.')
    )
}

fn unexplained(report: &Report) -> String {
    match collect(report) {
        Some(what) => format!("{}; why cannot be judged from these logs: collect {what}", unhappy(report)),
        None => format!("{}; no known cause fits what these logs show", unhappy(report)),
    }
}

fn nothing_failed(report: &Report) -> String {
    let s = &report.summary;
    let attempts = count(s.attempts, "attempt");
    // A session can be reached and be of no use.
    let felt =
        report.causes.iter().find(|cause| cause.verdict >= Level::Probable && cause.severity >= Severity::Medium);
    if s.established == s.attempts {
        let all = if s.attempts == 1 { "established" } else { "all established" };
        let but = felt.map(|cause| format!("; but {}", told(cause))).unwrap_or_default();
        return format!("Nothing failed in these logs: {attempts}, {all}{but}");
    }
    if s.unknown == 0 {
        return format!("Nothing failed in these logs: {attempts}, {}", endings(report));
    }
    match collect(report) {
        Some(what) => {
            format!("No failure is recorded ({attempts}: {}); to be sure, collect {what}", endings(report))
        }
        None => format!("No failure is recorded in these logs: {attempts}, {}", endings(report)),
    }
}

fn nothing_recorded(report: &Report) -> String {
    if report.inputs.iter().all(|input| input.records == 0) {
        return "Cannot be judged: these inputs hold no record that could be read".to_owned();
    }
    let knocks: u64 = report.noise.iter().map(|noise| noise.count).sum();
    if knocks > 0 {
        let were = if knocks == 1 { "was" } else { "were" };
        return format!(
            "No Remote Desktop attempt is recorded in these logs; {} {were} made by no user",
            count(knocks, "connection")
        );
    }
    match collect(report) {
        Some(what) => format!("No Remote Desktop attempt is recorded in these logs: collect {what}"),
        None => "No Remote Desktop attempt is recorded in these logs".to_owned(),
    }
}

/// What to collect, the most useful first; which logs and for what spans stands in the list further down.
fn collect(report: &Report) -> Option<String> {
    let wanted: Vec<String> = report.coverage.collect.iter().map(briefly).collect();
    (!wanted.is_empty()).then(|| list(&wanted, 2))
}
