//! What the forms for reading (`text`, `md`, `html`) share: parts of a report in few words.

use std::collections::{BTreeMap, BTreeSet};

use super::headline::{count, list};
use super::model::{ClockState, CodeReport, Complaint, HostCoverage, Level, Report};
use crate::evidence::EventRef;
use crate::signature::definition::Outcome;

/// Codes explained below the attempts that they belong to.
const CODES: usize = 12;

/// Milliseconds by which a clock is off beyond what a reader overlooks.
const SEEN: i64 = 5000;

/// Failed and dropped attempts that no confirmed or probable cause explains, where causes are told at all.
pub fn unproven(report: &Report) -> Vec<EventRef> {
    if report.causes.is_empty() {
        return Vec::new();
    }
    let strong = report.causes.iter().filter(|cause| cause.verdict >= Level::Probable);
    let proven: BTreeSet<EventRef> = strong.flat_map(|cause| cause.attempts.iter().copied()).collect();
    let unhappy = report.attempts.iter().filter(|one| matches!(one.outcome, Outcome::Failed | Outcome::Dropped));
    unhappy.map(|attempt| attempt.id).filter(|id| !proven.contains(id)).collect()
}

/// How many inputs could be read only in part; `None` where all are whole.
pub fn damaged(report: &Report) -> Option<String> {
    let lost = report.inputs.iter().filter(|input| input.losses() > 0).count() as u64;
    (lost > 0).then(|| format!("{} with damage", count(lost, "input")))
}

/// What was ruled out for every failed attempt: families, then single causes, by reason.
pub fn ruled_out(report: &Report) -> BTreeMap<(bool, &str), Vec<String>> {
    let mut by_reason: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
    for out in &report.ruled_out {
        let name = out.id.as_ref().or(out.family.as_ref());
        by_reason.entry((out.id.is_some(), out.why.as_str())).or_default().extend(name.cloned());
    }
    by_reason
}

/// The codes of attempts that mean something, each once.
pub fn codes(report: &Report) -> Vec<&CodeReport> {
    let mut told: Vec<&CodeReport> = Vec::new();
    for code in report.attempts.iter().flat_map(|attempt| attempt.disconnect.iter().chain(&attempt.extended)) {
        if code.meaning.is_some() && !told.iter().any(|have| (have.code, &have.symbol) == (code.code, &code.symbol)) {
            told.push(code);
        }
    }
    told.sort_by_key(|code| code.code);
    told.truncate(CODES);
    told
}

/// Behind the name of the zone: whose clocks the times are by.
pub fn clocks(report: &Report) -> &'static str {
    let hosts = &report.coverage.hosts;
    let off = |host: &HostCoverage| host.clock.offset_ms.is_some_and(|offset| offset.abs() >= SEEN);
    match hosts.iter().any(off) {
        _ if hosts.iter().any(|host| host.clock.state == ClockState::Unaligned) => {
            ", each by the clock of its own computer"
        }
        true => "; clocks that are off are corrected, but evidence stands as each computer wrote it",
        false => "",
    }
}

/// What a computer is, in words.
pub fn roles(host: &HostCoverage) -> Vec<String> {
    let word = |role: &String| match role.as_str() {
        "dc" => "domain controller".to_owned(),
        "license" => "licence server".to_owned(),
        _ => role.clone(),
    };
    host.roles.iter().map(word).collect()
}

/// "attempt 2", "attempts 1, 3 and 4": places in the report's table, in order.
pub fn numbered(places: &[usize]) -> String {
    match places {
        [] => String::new(),
        [one] => format!("attempt {one}"),
        many => format!("attempts {}", ranges(many)),
    }
}

/// "1, 3 to 5 and 9", cut after a few with a count of the rest.
fn ranges(numbers: &[usize]) -> String {
    let mut words = Vec::new();
    let mut told = 0;
    for run in numbers.chunk_by(|a, b| a + 1 == *b) {
        if words.len() == 6 {
            return format!("{} and {} more", words.join(", "), numbers.len() - told);
        }
        told += run.len();
        match run {
            [first, _, .., last] => words.push(format!("{first} to {last}")),
            few => words.extend(few.iter().map(usize::to_string)),
        }
    }
    list(&words, words.len())
}

/// What the user said of it, and about which `attempts` that is.
pub fn complained(complaint: &Complaint, attempts: &str) -> String {
    let mut told: Vec<String> = Vec::new();
    match (complaint.code, complaint.extended) {
        (Some(code), Some(extended)) => told.push(format!("code {code:#x}/{extended:#x}")),
        (Some(code), None) => told.push(format!("code {code:#x}")),
        (None, Some(extended)) => told.push(format!("extended code {extended:#x}")),
        (None, None) => {}
    }
    told.extend(complaint.said.iter().map(|said| format!("\"{said}\"")));
    let told = told.join(", ");
    match attempts {
        "" => format!("The complaint ({told}) fits no attempt in these logs."),
        attempts => format!("The complaint ({told}) was taken to be about {attempts}."),
    }
}
