//! Timelines for Timesketch: JSON Lines and CSV. Both carry `message`, `datetime` and
//! `timestamp_desc`, without which it imports nothing, and `timestamp` in microseconds beside
//! `datetime`. Times are those of the computer that wrote the record, so that a timeline of the
//! same computer from another tool fits; `aligned_datetime` has them by one clock.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::facts::{Doc, Fact, Facts, address, finding_uid, known, pairs, verdict_uid};
use super::model::{AttemptReport, EventRow, RecordLevel, Report};
use super::{Options, csv, line};
use crate::event::Time;
use crate::signature::definition::Phase;

/// Columns of the CSV; the first three are required.
const HEAD: [&str; 26] = [
    "message",
    "datetime",
    "timestamp_desc",
    "timestamp",
    "aligned_datetime",
    "tag",
    "hostname",
    "username",
    "client",
    "client_ip",
    "server",
    "outcome",
    "phase",
    "cause",
    "verdict",
    "score",
    "source_name",
    "event_identifier",
    "record_number",
    "channel",
    "attempt",
    "count",
    "display_name",
    "offset",
    "activity_id",
    "strings",
];

/// Writes JSON Lines.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_jsonl(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    let facts = Facts::of(report);
    facts.all().filter_map(|fact| entry(&facts, fact)).try_for_each(|entry| line(out, &entry))
}

/// Writes CSV.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_csv(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    let facts = Facts::of(report);
    let rows = facts.all().filter_map(|fact| entry(&facts, fact));
    let cells = rows.map(|entry| HEAD.iter().map(|name| cell(entry.get(name))).collect());
    csv::table(out, &HEAD, cells)
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => json!(list).to_string(),
        Some(other) => other.to_string(),
    }
}

/// One entry of the timeline; `None` for what has no time.
fn entry(facts: &Facts<'_>, fact: Fact<'_>) -> Option<Value> {
    let mut doc = Doc::default();
    match fact {
        Fact::Verdict(attempt, verdict) => {
            let title = facts.cause(&verdict.cause).map_or(verdict.cause.as_str(), |cause| cause.title.as_str());
            let message = format!("{} ({})", title.trim_end_matches('.'), verdict.verdict.word());
            at(&mut doc, facts.decided(attempt, verdict), "Cause Decided", &message);
            doc.put("tag", json!(["whyrdp", "cause", verdict.verdict.word()]))
                .put("cause", verdict.cause.as_str())
                .put("verdict", verdict.verdict.word())
                .put("score", verdict.score)
                .put("uid", verdict_uid(attempt, verdict).to_string());
            whole(&mut doc, attempt);
        }
        Fact::Finding(finding) => {
            at(&mut doc, facts.seen(finding)?, "Last Seen", &finding.title);
            doc.put("tag", json!([&["whyrdp".to_owned(), "finding".to_owned()], finding.attack.as_slice()].concat()))
                .put("cause", finding.id.as_str())
                .put("severity", finding.severity.word())
                .put("count", finding.count)
                .put("hostname", known(finding.host.as_deref()))
                .put("uid", finding_uid(finding).to_string());
        }
        Fact::Attempt(attempt) => {
            let message = format!("Remote Desktop connection attempt: {}", attempt.outcome.word());
            at(&mut doc, attempt.start, "Attempt Started", &message);
            doc.put("tag", json!(["whyrdp", "attempt", attempt.outcome.word()]));
            whole(&mut doc, attempt);
        }
        Fact::Event(row) => record(&mut doc, row),
        Fact::Run(run) => {
            at(&mut doc, run.first, "Event Logged", &format!("{} ({} times)", run.message, run.count));
            doc.put("tag", json!(["whyrdp"]))
                .put("hostname", known(Some(&run.host)))
                .put("source_name", run.provider.as_str())
                .put("event_identifier", run.event_id)
                .put("count", run.count)
                .put("last_datetime", run.last.to_string());
        }
    }
    Some(doc.value())
}

fn at(doc: &mut Doc, time: Time, what: &str, message: &str) {
    // An empty message would be refused.
    let message = if message.trim().is_empty() { "(no text)" } else { message };
    doc.put("message", message)
        .put("datetime", time.to_string())
        .put("timestamp", time.timestamp().as_microsecond())
        .put("timestamp_desc", what)
        .put("data_type", "whyrdp");
}

fn record(doc: &mut Doc, row: &EventRow) {
    at(doc, row.time, "Event Logged", &row.message);
    doc.put("tag", json!(["whyrdp"]))
        .put("uid", row.event.to_string())
        .put("aligned_datetime", row.aligned_time.map(|time| time.to_string()))
        .put("hostname", known(Some(&row.host)))
        .put("role", row.role.as_deref())
        .put("phase", row.phase.map(Phase::word))
        .put("channel", row.channel.as_str())
        .put("source_name", row.provider.as_str())
        .put("event_identifier", row.event_id)
        .put("record_number", row.record_id)
        .put("event_level", row.level.as_ref().map(RecordLevel::word))
        .put("signatures", row.signatures.clone())
        .put("attempt", row.attempt.map(|id| id.to_string()))
        .put("display_name", row.source.path.as_str())
        .put("offset", row.source.offset)
        .put("activity_id", row.kept.activity_id.as_deref())
        .put("strings", pairs(&row.kept));
}

fn whole(doc: &mut Doc, attempt: &AttemptReport) {
    let (client, server) = (&attempt.client, &attempt.server);
    let server_name = known(server.host.as_deref()).or(known(server.typed_name.as_deref()));
    doc.put("attempt", attempt.id.to_string())
        .put("hostname", server_name.or(known(client.host.as_deref())))
        .put("username", known(attempt.user.as_deref()))
        .put("client", known(client.host.as_deref()))
        .put("client_ip", address(client.ip.as_deref()))
        .put("server", server_name)
        .put("outcome", attempt.outcome.word())
        .put("phase", attempt.phase.map(Phase::word))
        .put("code", attempt.disconnect.as_ref().map(|code| code.hex.as_str()));
}
