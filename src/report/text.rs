//! The report for a tired administrator: the verdict first, then why, then what to do.
//!
//! One part per file under `text/`; this file owns their order.

mod alike;
mod attempts;
mod causes;
mod coverage;
mod gaps;
pub(super) mod inventory;
pub mod page;
mod timeline;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Write};

use super::headline::{answer, beside, count, endings, explains_failure, headline};
use super::model::{ClockState, EventRow, HostCoverage, Level, Report, Row};
use super::{Options, headline::list};
use crate::evidence::{EventRef, is_unnamed};
use page::{Page, Style, Text};

/// Writes the report as text.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, options: &Options) -> io::Result<()> {
    let mut page = Page::new(out, options);
    let index = Index::of(report);
    verdict(&mut page, report, &index)?;
    causes::write(&mut page, report, &index)?;
    gaps::ruled_out(&mut page, report)?;
    gaps::missing(&mut page, report, &index)?;
    attempts::write(&mut page, report, &index)?;
    attempts::noise(&mut page, report)?;
    attempts::findings(&mut page, report, &index)?;
    timeline::write(&mut page, report, &index)?;
    coverage::hosts(&mut page, &report.coverage.hosts)?;
    coverage::inputs(&mut page, &report.inputs)
}

/// What ids stand for.
struct Index<'a> {
    rows: HashMap<EventRef, &'a EventRow>,
    attempts: HashMap<EventRef, usize>,
    titles: HashMap<&'a str, &'a str>,
    /// First labels of host names that stand for one host only.
    labels: HashSet<String>,
}

impl<'a> Index<'a> {
    fn of(report: &'a Report) -> Self {
        let rows = report.timeline.iter().filter_map(|row| match row {
            Row::Event(row) => Some((row.event, &**row)),
            Row::Run(_) => None,
        });
        Index {
            rows: rows.collect(),
            attempts: report.attempts.iter().enumerate().map(|(at, attempt)| (attempt.id, at + 1)).collect(),
            labels: labels(report),
            titles: report.causes.iter().map(|cause| (cause.id.as_str(), cause.title.as_str())).collect(),
        }
    }

    /// "attempt 2", "attempts 1, 3 and 4", by their place in the report's table.
    fn attempts(&self, ids: &[EventRef]) -> String {
        let mut numbers: Vec<usize> = ids.iter().filter_map(|id| self.attempts.get(id).copied()).collect();
        numbers.sort_unstable();
        match numbers.as_slice() {
            [] => String::new(),
            [one] => format!("attempt {one}"),
            many => format!("attempts {}", ranges(many)),
        }
    }

    /// A computer without its domain, where no other has the same name in another.
    fn host<'h>(&self, name: &'h str) -> &'h str {
        match label(name) {
            Some(label) if self.labels.contains(&label.to_lowercase()) => label,
            _ => name,
        }
    }

    /// A cause by its title where the report tells it, else by its id.
    fn title(&self, cause: &'a str) -> &'a str {
        self.titles.get(cause).copied().unwrap_or(cause)
    }
}

/// What stands before the domain; addresses have none.
fn label(name: &str) -> Option<&str> {
    let (label, _) = name.split_once('.').filter(|_| !is_unnamed(name))?;
    let address = name.parse::<std::net::IpAddr>().is_ok() || label.is_empty() || name.contains('/');
    (!address).then_some(label)
}

fn labels(report: &Report) -> HashSet<String> {
    let rows = report.timeline.iter().map(|row| match row {
        Row::Event(row) => &row.host,
        Row::Run(run) => &run.host,
    });
    let ends = report.attempts.iter().flat_map(|attempt| {
        [&attempt.client.host, &attempt.server.host, &attempt.server.typed_name].into_iter().flatten()
    });
    let covered = report.coverage.hosts.iter().map(|host| &host.host);
    let names: BTreeSet<String> = rows.chain(ends).chain(covered).map(|name| name.to_lowercase()).collect();
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for name in &names {
        *seen.entry(name.split('.').next().unwrap_or(name)).or_default() += 1;
    }
    seen.into_iter().filter(|(_, times)| *times == 1).map(|(label, _)| label.to_owned()).collect()
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

/// The level as a word in its colour.
fn level(level: Level) -> (Style, &'static str) {
    match level {
        Level::Confirmed => (Style::Red, "confirmed"),
        Level::Probable => (Style::Yellow, "probable"),
        Level::Possible => (Style::Dim, "possible"),
    }
}

fn verdict(page: &mut Page<'_>, report: &Report, index: &Index<'_>) -> io::Result<()> {
    let none = page.options.selected && report.summary.attempts == 0;
    let head =
        if none { "No attempt in these logs is one of those that were asked for".to_owned() } else { headline(report) };
    page.put(0, "", &Text::of(Style::Bold, &format!("{head}.")))?;
    page.blank()?;
    if page.options.selected {
        let line = "Only attempts of the time, computers, users or addresses that were asked for are told here";
        let rest = if report.findings.is_empty() { "." } else { "; findings are those of all logs." };
        page.put(0, "", &Text::of(Style::Yellow, &format!("{line}{rest}")))?;
    }
    let s = &report.summary;
    if s.attempts > 0 {
        let mut line = format!("{}: {}.", count(s.attempts, "attempt"), endings(report));
        let span = page.span(s.first, s.last);
        if !span.is_empty() {
            line = format!("{} ({span}): {}.", count(s.attempts, "attempt"), endings(report));
        }
        page.put(0, "", &Text::plain(&line))?;
    }
    others(page, report)?;
    for finding in beside(report) {
        let host = finding.host.as_deref().map(|host| format!(" on {host}")).unwrap_or_default();
        let line =
            format!("{}{host} ({}), see FINDINGS.", finding.title.trim_end_matches('.'), finding.severity.word());
        page.put(0, "Beside it: ", &Text::of(Style::Yellow, &line))?;
    }
    let unproven = unproven(report);
    if !report.causes.is_empty() && !unproven.is_empty() {
        let line = format!("No cause is proven for {}.", index.attempts(&unproven));
        page.put(0, "", &Text::of(Style::Yellow, &line))?;
    }
    if let Some(complaint) = &report.complaint {
        page.put(0, "", &Text::plain(&complained(complaint, index)))?;
    }
    let lost = report.inputs.iter().filter(|input| input.losses() > 0).count() as u64;
    if lost > 0 {
        let line = format!("{} with damage; see INPUTS for what could not be read.", count(lost, "input"));
        page.put(0, "", &Text::of(Style::Yellow, &line))?;
    }
    let unaligned = report.coverage.hosts.iter().any(|host| host.clock.state == ClockState::Unaligned);
    let off = |host: &HostCoverage| host.clock.offset_ms.is_some_and(|offset| offset.abs() >= SEEN);
    let clocks = match report.coverage.hosts.iter().any(off) {
        _ if unaligned => ", each by the clock of its own computer",
        true => "; the timeline corrects clocks that are off, evidence stands as each computer wrote it",
        false => "",
    };
    page.put(0, "", &Text::of(Style::Dim, &format!("All times are {}{clocks}.", page.zone())))
}

/// Milliseconds by which a clock is off beyond what a reader overlooks.
const SEEN: i64 = 5000;

/// The causes beside the first that are more than a guess.
fn others(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    for (wanted, lead) in [(Level::Confirmed, "Also confirmed: "), (Level::Probable, "Also probable: ")] {
        let told = answer(report).map(|cause| cause.id.as_str());
        let rest = report.causes.iter().filter(|cause| {
            cause.verdict == wanted && Some(cause.id.as_str()) != told && explains_failure(report, cause)
        });
        let titles: Vec<String> = rest.map(|cause| cause.title.trim_end_matches('.').to_owned()).collect();
        if !titles.is_empty() {
            page.put(0, lead, &Text::plain(&format!("{}.", titles.join("; "))))?;
        }
    }
    Ok(())
}

/// Failed and dropped attempts that no confirmed or probable cause explains.
fn unproven(report: &Report) -> Vec<EventRef> {
    let strong: Vec<_> = report.causes.iter().filter(|cause| cause.verdict >= Level::Probable).collect();
    let attempts = report.attempts.iter().filter(|attempt| attempts::unhappy(attempt.outcome));
    let ids = attempts.map(|attempt| attempt.id);
    ids.filter(|id| !strong.iter().any(|cause| cause.attempts.contains(id))).collect()
}

fn complained(complaint: &super::model::Complaint, index: &Index<'_>) -> String {
    let mut told: Vec<String> = Vec::new();
    match (complaint.code, complaint.extended) {
        (Some(code), Some(extended)) => told.push(format!("code {code:#x}/{extended:#x}")),
        (Some(code), None) => told.push(format!("code {code:#x}")),
        (None, Some(extended)) => told.push(format!("extended code {extended:#x}")),
        (None, None) => {}
    }
    told.extend(complaint.said.iter().map(|said| format!("\"{said}\"")));
    let told = told.join(", ");
    match index.attempts(&complaint.attempts).as_str() {
        "" => format!("The complaint ({told}) fits no attempt in these logs."),
        attempts => format!("The complaint ({told}) was taken to be about {attempts}."),
    }
}
