//! The report as one object per line: for `jq`, `grep` and databases. Nothing is left out.

use std::io::{self, Write};

use serde::Serialize;

use super::Options;
use super::model::{AttemptReport, Complaint, Entries, LongReport, Report, Row, SCHEMA_VERSION, Summary, Tool};

/// A part of the report with a word on what it is.
#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    schema_version: u32,
    row: &'static str,
    #[serde(flatten)]
    part: &'a T,
}

/// What stands once.
#[derive(Serialize)]
struct Head<'a> {
    tool: &'a Tool,
    complaint: &'a Option<Complaint>,
    summary: &'a Summary,
}

/// Writes every part of the report as a line.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    parts(report, out)
}

/// The same, of a report that is made while it is written.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_long(report: &LongReport<'_>, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    parts(report, out)
}

fn parts(report: &Report<impl Entries<AttemptReport>, impl Entries<Row>>, out: &mut dyn Write) -> io::Result<()> {
    let head = Head { tool: &report.tool, complaint: &report.complaint, summary: &report.summary };
    line(out, "report", &head)?;
    lines(out, "cause", &report.causes)?;
    lines(out, "ruled_out", &report.ruled_out)?;
    lines(out, "finding", &report.findings)?;
    report.attempts.each(|attempt| line(out, "attempt", attempt))?;
    lines(out, "noise", &report.noise)?;
    report.timeline.each(|row| match row {
        Row::Event(row) => line(out, "event", row),
        Row::Run(run) => line(out, "run", run),
    })?;
    lines(out, "host", &report.coverage.hosts)?;
    lines(out, "cannot_judge", &report.coverage.cannot_judge)?;
    lines(out, "collect", &report.coverage.collect)?;
    lines(out, "input", &report.inputs)
}

fn lines<T: Serialize>(out: &mut dyn Write, row: &'static str, parts: &[T]) -> io::Result<()> {
    parts.iter().try_for_each(|part| line(out, row, part))
}

fn line<T: Serialize>(out: &mut dyn Write, row: &'static str, part: &T) -> io::Result<()> {
    super::line(out, &Line { schema_version: SCHEMA_VERSION, row, part })
}
