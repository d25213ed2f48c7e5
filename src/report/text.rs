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

use super::Options;
use super::headline::{answer, answered, beside, count, endings, explains_failure, selection};
use super::model::{EventRow, Level, Report, Row};
use super::reading::{clocks, complained, damaged, numbered, unproven};
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
    gaps::collect(&mut page, report)?;
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
        numbered(&numbers)
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

/// The level as a word in its colour.
fn level(level: Level) -> (Style, &'static str) {
    match level {
        Level::Confirmed => (Style::Red, "confirmed"),
        Level::Probable => (Style::Yellow, "probable"),
        Level::Possible => (Style::Dim, "possible"),
    }
}

fn verdict(page: &mut Page<'_>, report: &Report, index: &Index<'_>) -> io::Result<()> {
    page.put(0, "", &Text::of(Style::Bold, &format!("{}.", answered(report, page.options))))?;
    page.blank()?;
    if page.options.selected {
        page.put(0, "", &Text::of(Style::Yellow, &selection(report)))?;
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
    if !unproven.is_empty() {
        let line = format!("No cause is proven for {}.", index.attempts(&unproven));
        page.put(0, "", &Text::of(Style::Yellow, &line))?;
    }
    if let Some(complaint) = &report.complaint {
        page.put(0, "", &Text::plain(&complained(complaint, &index.attempts(&complaint.attempts))))?;
    }
    if let Some(lost) = damaged(report) {
        let line = format!("{lost}; see INPUTS for what could not be read.");
        page.put(0, "", &Text::of(Style::Yellow, &line))?;
    }
    let clocks = clocks(report);
    page.put(0, "", &Text::of(Style::Dim, &format!("All times are {}{clocks}.", page.zone())))
}

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
