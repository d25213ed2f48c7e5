//! One table for spreadsheets: verdicts, findings, attempts and records, a line each.
//!
//! Cells that a spreadsheet would take for a formula are made text by a leading apostrophe;
//! line breaks and other controls are spelled out, so that a line stays a line.

use std::io::{self, Write};

use super::Options;
use super::facts::{Fact, Facts, address, finding_uid, known, pairs, verdict_uid};
use super::model::{AttemptReport, EventRow, Finding, Report, RunRow, Verdict};
use super::terminal::clean;
use crate::signature::definition::Phase;

const HEAD: [&str; 35] = [
    "kind",
    "id",
    "time",
    "end",
    "aligned_time",
    "host",
    "role",
    "client",
    "client_ip",
    "server",
    "server_ip",
    "user",
    "outcome",
    "phase",
    "cause",
    "title",
    "verdict",
    "score",
    "severity",
    "code",
    "extended_code",
    "channel",
    "provider",
    "event_id",
    "record_id",
    "level",
    "message",
    "signatures",
    "attempt",
    "count",
    "caused_by",
    "path",
    "offset",
    "activity_id",
    "fields",
];

/// Writes the table.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    let facts = Facts::of(report);
    let rows = facts.all().map(|fact| {
        let line = match fact {
            Fact::Verdict(attempt, verdict) => told(&facts, attempt, verdict),
            Fact::Finding(finding) => found(finding),
            Fact::Attempt(attempt) => tried(attempt),
            Fact::Event(row) => record(row),
            Fact::Run(run) => repeated(run),
        };
        HEAD.iter().map(|name| line.get(name)).collect::<Vec<_>>()
    });
    table(out, &HEAD, rows)
}

/// Writes a head and lines, every cell of a line made harmless.
pub(super) fn table(out: &mut dyn Write, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().flexible(false).from_writer(out);
    writer.write_record(head).map_err(written)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(written)?;
    }
    writer.flush()
}

/// The error of the output itself, which tells whether anybody still listens.
fn written(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Text that no spreadsheet runs. A semicolon begins a cell where that is the list separator.
pub(super) fn harmless(text: &str) -> String {
    let text = clean(text, usize::MAX);
    let mut out = String::with_capacity(text.len() + 1);
    let mut begins = true;
    for ch in text.chars() {
        if begins && matches!(ch, '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}' | '|' | '%')
        {
            out.push('\'');
        }
        begins = ch == ';' || (begins && (ch.is_whitespace() || ch == '"'));
        out.push(ch);
    }
    out
}

/// Cells by the name of their column.
#[derive(Default)]
struct Cells(Vec<(&'static str, String)>);

impl Cells {
    fn of(kind: &str) -> Self {
        Cells(vec![("kind", kind.to_owned())])
    }

    fn put(mut self, name: &'static str, value: impl ToString) -> Self {
        debug_assert!(HEAD.contains(&name), "{name}");
        self.0.push((name, value.to_string()));
        self
    }

    fn maybe(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    fn get(&self, name: &str) -> String {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// What an attempt says of its ends and its end.
fn whole(cells: Cells, attempt: &AttemptReport) -> Cells {
    let (client, server) = (&attempt.client, &attempt.server);
    cells
        .put("end", attempt.end)
        .maybe("host", known(server.host.as_deref()))
        .maybe("client", known(client.host.as_deref()))
        .maybe("client_ip", address(client.ip.as_deref()))
        .maybe("server", known(server.host.as_deref()).or(known(server.typed_name.as_deref())))
        .maybe("server_ip", address(server.ip.as_deref()))
        .maybe("user", known(attempt.user.as_deref()))
        .put("outcome", attempt.outcome)
        .maybe("phase", attempt.phase.map(Phase::word))
        .maybe("code", attempt.disconnect.as_ref().map(|code| &code.hex))
        .maybe("extended_code", attempt.extended.as_ref().map(|code| &code.hex))
        .put("attempt", attempt.id)
}

fn told(facts: &Facts<'_>, attempt: &AttemptReport, verdict: &Verdict) -> Cells {
    let cause = facts.cause(&verdict.cause);
    let cells = Cells::of("verdict")
        .put("id", verdict_uid(attempt, verdict))
        .put("time", facts.decided(attempt, verdict))
        .put("cause", &verdict.cause)
        .maybe("title", cause.map(|cause| &cause.title))
        .put("verdict", verdict.verdict.word())
        .put("score", verdict.score)
        .maybe("severity", cause.map(|cause| cause.severity.word()))
        .maybe("message", facts.described(verdict))
        .put("caused_by", verdict.caused_by.join(" "));
    whole(cells, attempt)
}

fn found(finding: &Finding) -> Cells {
    Cells::of("finding")
        .put("id", finding_uid(finding))
        .maybe("time", finding.first)
        .maybe("end", finding.last)
        .maybe("host", known(finding.host.as_deref()))
        .put("cause", &finding.id)
        .put("title", &finding.title)
        .put("severity", finding.severity.word())
        .put("count", finding.count)
        .put("message", finding.attack.join(" "))
}

fn tried(attempt: &AttemptReport) -> Cells {
    whole(Cells::of("attempt").put("id", attempt.id).put("time", attempt.start), attempt)
}

fn record(row: &EventRow) -> Cells {
    Cells::of("event")
        .put("id", row.event)
        .put("time", row.time)
        .maybe("aligned_time", row.aligned_time)
        .put("host", &row.host)
        .maybe("role", row.role.as_ref())
        .maybe("phase", row.phase.map(Phase::word))
        .put("channel", &row.channel)
        .put("provider", &row.provider)
        .put("event_id", row.event_id)
        .maybe("record_id", row.record_id)
        .maybe("level", row.level.as_ref())
        .put("message", &row.message)
        .put("signatures", row.signatures.join(" "))
        .maybe("attempt", row.attempt)
        .put("path", &row.source.path)
        .put("offset", row.source.offset)
        .maybe("activity_id", row.kept.activity_id.as_ref())
        .put("fields", pairs(&row.kept).join("; "))
}

fn repeated(run: &RunRow) -> Cells {
    Cells::of("run")
        .put("time", run.first)
        .put("end", run.last)
        .put("host", &run.host)
        .put("provider", &run.provider)
        .put("event_id", run.event_id)
        .put("message", &run.message)
        .put("count", run.count)
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn cells_that_a_spreadsheet_would_run() {
        for text in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", " =1", "\u{ff1d}1", "\"=1"] {
            assert!(harmless(text).contains('\''), "{text}");
            assert!(!harmless(text).starts_with(['=', '+', '-', '@']), "{text}");
        }
        assert_eq!(harmless("a;=1;b"), "a;'=1;b");
        assert_eq!(harmless("\t=1"), "\\t=1");
        assert_eq!(harmless("a=b-c@d"), "a=b-c@d");
        assert_eq!(harmless("two\r\nlines"), "two\\r\\nlines");
    }
}
