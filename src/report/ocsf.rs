//! OCSF 1.8, one event per line: verdicts and findings as Detection Finding (2004), records
//! of a logon as Authentication (3002), other records of a connection and the attempts
//! themselves as RDP Activity (4005). Records of no connection stand as evidence of findings
//! only: the schema has no class that would be true of them. The classes are closed; what
//! they have no place for stands under `unmapped`.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::facts::{
    Account, Doc, Fact, Facts, account, address, authenticates, fields, finding_uid, known, result, verdict_uid,
};
use super::model::{AttemptReport, CauseReport, EventRow, Finding, Level, RecordLevel, Report, RunRow, Verdict};
use super::{Options, line};
use crate::event::Time;
use crate::evidence::EventRef;
use crate::signature::definition::{Phase, Role, Severity};

/// Writes every fact that a class fits as an event.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    let facts = Facts::of(report);
    for fact in facts.all() {
        if let Some(event) = event(&facts, fact) {
            line(out, &event)?;
        }
    }
    Ok(())
}

fn event(facts: &Facts<'_>, fact: Fact<'_>) -> Option<Value> {
    match fact {
        Fact::Verdict(attempt, verdict) => Some(detection(facts, attempt, verdict)),
        Fact::Finding(finding) => found(facts, finding),
        Fact::Attempt(attempt) => Some(tried(facts, attempt)),
        Fact::Event(row) => record(facts, row),
        Fact::Run(run) => Some(repeated(facts, run)),
    }
}

/// Class, activity and what every event must have.
fn class(facts: &Facts<'_>, class: u32, activity: u32, time: Time, severity: Severity) -> Doc {
    let tool = &facts.report.tool;
    let (category, name) = match class {
        2004 => (2, "Detection Finding"),
        3002 => (3, "Authentication"),
        _ => (4, "RDP Activity"),
    };
    let (severity_id, severity) = heat(severity);
    let mut doc = Doc::default();
    doc.put("class_uid", class)
        .put("class_name", name)
        .put("category_uid", category)
        .put("activity_id", activity)
        .put("type_uid", class * 100 + activity)
        .put("time", millis(time))
        .put("severity_id", severity_id)
        .put("severity", severity)
        .put("metadata.version", "1.8.0")
        .put("metadata.product.name", tool.name.as_str())
        .put("metadata.product.vendor_name", tool.name.as_str())
        .put("metadata.product.version", tool.version.as_str())
        .put("unmapped.signatures_sha256", tool.signatures_sha256.as_str());
    doc
}

fn detection(facts: &Facts<'_>, attempt: &AttemptReport, verdict: &Verdict) -> Value {
    let cause = facts.cause(&verdict.cause);
    let title = cause.map_or(verdict.cause.as_str(), |cause| cause.title.as_str());
    let severity = match (cause.map_or(Severity::Low, |cause| cause.severity), verdict.verdict) {
        (severity, Level::Possible) => severity.min(Severity::Low),
        (severity, _) => severity,
    };
    let (confidence_id, confidence) = match verdict.verdict {
        Level::Possible => (1, "Low"),
        Level::Probable => (2, "Medium"),
        Level::Confirmed => (3, "High"),
    };
    let uid = verdict_uid(attempt, verdict).to_string();
    let events: Vec<EventRef> = verdict.evidence.iter().map(|cited| cited.event).collect();
    let mut doc = class(facts, 2004, 1, facts.decided(attempt, verdict), severity);
    doc.put("message", format!("{} ({})", title.trim_end_matches('.'), verdict.verdict.word()))
        .put("metadata.uid", uid.as_str())
        .put("is_alert", verdict.verdict >= Level::Probable)
        .put("confidence_id", confidence_id)
        .put("confidence", confidence)
        .put("confidence_score", verdict.score)
        .put("status_id", 1)
        .put("status", "New")
        .put("start_time", millis(attempt.start))
        .put("end_time", millis(attempt.end))
        .put("finding_info.uid", uid)
        .put("finding_info.title", title)
        .put("finding_info.first_seen_time", millis(attempt.start))
        .put("finding_info.last_seen_time", millis(attempt.end))
        .put("finding_info.analytic.type_id", 1)
        .put("finding_info.analytic.type", "Rule")
        .put("finding_info.analytic.uid", verdict.cause.as_str())
        .put("finding_info.analytic.name", title)
        .put("evidences", evidences(facts, &events, Some(attempt)))
        .put("observables", observables(attempt))
        .put("unmapped.attempt", whole(attempt))
        .put("unmapped.verdict", verdict.verdict.word())
        .put("unmapped.caused_by", verdict.caused_by.clone());
    if let Some(cause) = cause {
        about(&mut doc, cause);
    }
    doc.put("finding_info.desc", facts.described(verdict));
    doc.value()
}

fn about(doc: &mut Doc, cause: &CauseReport) {
    doc.put("finding_info.types", json!([cause.family]))
        .put("finding_info.analytic.category", cause.family.as_str())
        .put("finding_info.attacks", attacks(&cause.attack));
    if !cause.fix.is_empty() {
        doc.put("remediation.desc", cause.fix.join("\n")).put("remediation.references", cause.references.clone());
    }
}

fn found(facts: &Facts<'_>, finding: &Finding) -> Option<Value> {
    let uid = finding_uid(finding).to_string();
    let mut doc = class(facts, 2004, 1, facts.seen(finding)?, finding.severity);
    doc.put("message", finding.title.as_str())
        .put("metadata.uid", uid.as_str())
        .put("is_alert", finding.severity >= Severity::Medium)
        .put("status_id", 1)
        .put("status", "New")
        .put("count", finding.count)
        .put("start_time", finding.first.map(millis))
        .put("end_time", finding.last.map(millis))
        .put("finding_info.uid", uid)
        .put("finding_info.title", finding.title.as_str())
        .put("finding_info.first_seen_time", finding.first.map(millis))
        .put("finding_info.last_seen_time", finding.last.map(millis))
        .put("finding_info.analytic", json!({"type_id": 1, "type": "Rule", "uid": finding.id, "name": finding.title}))
        .put("finding_info.attacks", attacks(&finding.attack))
        .put("evidences", evidences(facts, &finding.evidence, None))
        .put("unmapped.host", known(finding.host.as_deref()));
    Some(doc.value())
}

/// What a user did, as a whole.
fn tried(facts: &Facts<'_>, attempt: &AttemptReport) -> Value {
    let mut doc = class(facts, 4005, 99, attempt.start, Severity::Info);
    doc.put("activity_name", "Connection Attempt")
        .put("metadata.uid", attempt.id.to_string())
        .put("start_time", millis(attempt.start))
        .put("end_time", millis(attempt.end))
        .put("duration", attempt.end.since(attempt.start).max(0) / 10_000)
        .put("message", format!("Remote Desktop connection attempt: {}", attempt.outcome.word()))
        .put("user", user(&account(attempt.user.as_deref())))
        .put("status_code", attempt.disconnect.as_ref().map(|code| code.hex.as_str()))
        .put("status_detail", attempt.disconnect.as_ref().and_then(|code| code.meaning.as_deref()))
        .put("unmapped.attempt", whole(attempt));
    status(&mut doc, attempt);
    ends(&mut doc, attempt);
    doc.value()
}

/// A record of a connection; `None` for one of no connection.
fn record(facts: &Facts<'_>, row: &EventRow) -> Option<Value> {
    let attempt = facts.attempt(row);
    if attempt.is_none() && row.phase.is_none() {
        return None;
    }
    let severity = match row.level {
        Some(RecordLevel::Critical) => Severity::Critical,
        Some(RecordLevel::Error) => Severity::Medium,
        Some(RecordLevel::Warning) => Severity::Low,
        Some(RecordLevel::Information | RecordLevel::Verbose | RecordLevel::Other(_)) | None => Severity::Info,
    };
    let who = attempt.map(|attempt| account(attempt.user.as_deref())).and_then(|account| user(&account));
    let mut doc = match &who {
        Some(_) if authenticates(row.phase) => class(facts, 3002, 1, row.time, severity),
        _ => {
            let (activity, name) = activity(row.phase);
            let mut doc = class(facts, 4005, activity, row.time, severity);
            doc.put("activity_name", name);
            doc
        }
    };
    doc.put("message", row.message.as_str())
        .put("user", who)
        .put("metadata.uid", row.event.to_string())
        .put("metadata.log_name", row.channel.as_str())
        .put("metadata.log_provider", row.provider.as_str())
        .put("metadata.log_level", row.level.as_ref().map(RecordLevel::word))
        .put("metadata.event_code", row.event_id.to_string())
        .put("metadata.original_time", row.time.to_string())
        .put("metadata.original_event_uid", row.record_id.map(|id| id.to_string()))
        .put("device", device(&row.host))
        .put("unmapped.aligned_time", row.aligned_time.map(|time| time.to_string()))
        .put("unmapped.phase", row.phase.map(Phase::word))
        .put("unmapped.role", row.role.as_deref())
        .put("unmapped.signatures", row.signatures.clone())
        .put("unmapped.source", json!(row.source))
        .put("unmapped.activity_id", row.kept.activity_id.as_deref())
        .put("unmapped.process_id", row.kept.process_id)
        .put("unmapped.user_id", row.kept.user_id.as_deref())
        .put("unmapped.event_data", fields(&row.kept));
    match attempt {
        Some(attempt) => {
            ends(&mut doc, attempt);
            doc.put("metadata.correlation_uid", attempt.id.to_string());
        }
        None => host_end(&mut doc, row),
    }
    Some(doc.value())
}

/// The end at which a record of no attempt was written.
fn host_end(doc: &mut Doc, row: &EventRow) {
    let side = if row.role.as_deref() == Some(Role::Client.word()) { "src_endpoint" } else { "dst_endpoint" };
    doc.put(side, endpoint(Some(&row.host), None).unwrap_or_else(unknown_end));
}

fn repeated(facts: &Facts<'_>, run: &RunRow) -> Value {
    let mut doc = class(facts, 4005, 99, run.first, Severity::Info);
    doc.put("activity_name", "Repeated Record")
        .put("message", run.message.as_str())
        .put("count", run.count)
        .put("start_time", millis(run.first))
        .put("end_time", millis(run.last))
        .put("metadata.log_provider", run.provider.as_str())
        .put("metadata.event_code", run.event_id.to_string())
        .put("metadata.original_time", run.first.to_string())
        .put("device", device(&run.host))
        .put("dst_endpoint", endpoint(Some(&run.host), None).unwrap_or_else(unknown_end));
    doc.value()
}

fn status(doc: &mut Doc, attempt: &AttemptReport) {
    let (id, word) = match result(attempt.outcome) {
        "success" => (1, "Success"),
        "failure" => (2, "Failure"),
        _ => (0, "Unknown"),
    };
    doc.put("status_id", id).put("status", word);
}

/// Both ends; one that is not known at all is named so only where the schema wants one.
fn ends(doc: &mut Doc, attempt: &AttemptReport) {
    let (client, server) = (&attempt.client, &attempt.server);
    let to = endpoint(server.host.as_deref().or(server.typed_name.as_deref()), server.ip.as_deref());
    let to = to.unwrap_or_else(unknown_end);
    doc.put("src_endpoint", endpoint(client.host.as_deref(), client.ip.as_deref())).put("dst_endpoint", to);
}

/// The schema wants something of one end at least.
fn unknown_end() -> Value {
    json!({"svc_name": "Remote Desktop"})
}

fn endpoint(host: Option<&str>, ip: Option<&str>) -> Option<Value> {
    let mut doc = Doc::default();
    // A typed target may be an address.
    let ip = address(ip).or_else(|| address(host));
    let host = known(host).filter(|host| address(Some(host)).is_none());
    doc.put("hostname", host).put("ip", ip);
    Some(doc.value()).filter(|value| value.as_object().is_some_and(|map| !map.is_empty()))
}

fn device(host: &str) -> Option<Value> {
    known(Some(host)).map(|host| json!({"type_id": 0, "hostname": host}))
}

fn user(account: &Account<'_>) -> Option<Value> {
    let mut doc = Doc::default();
    doc.put("name", account.name).put("uid", account.sid);
    if account.name.is_some() {
        doc.put("domain", account.domain);
    }
    Some(doc.value()).filter(|value| value.as_object().is_some_and(|map| !map.is_empty()))
}

fn evidences(facts: &Facts<'_>, events: &[EventRef], attempt: Option<&AttemptReport>) -> Vec<Value> {
    let rows = events.iter().filter_map(|event| facts.row(*event));
    rows.map(|row| {
        let mut doc = Doc::default();
        doc.put("name", row.message.as_str())
            .put("uid", row.event.to_string())
            .put("data", json!(row))
            .put("device", device(&row.host));
        if let Some(attempt) = attempt {
            doc.put("src_endpoint", endpoint(attempt.client.host.as_deref(), attempt.client.ip.as_deref()));
        }
        doc.value()
    })
    .collect()
}

/// Names to search for: hosts (1), addresses (2), users (4).
fn observables(attempt: &AttemptReport) -> Vec<Value> {
    let (client, server) = (&attempt.client, &attempt.server);
    let named = [
        ("src_endpoint.hostname", 1, known(client.host.as_deref()).map(str::to_owned)),
        ("dst_endpoint.hostname", 1, known(server.host.as_deref()).map(str::to_owned)),
        ("src_endpoint.ip", 2, address(client.ip.as_deref())),
        ("dst_endpoint.ip", 2, address(server.ip.as_deref())),
        ("user.name", 4, account(attempt.user.as_deref()).name.map(str::to_owned)),
    ];
    let one = |(name, kind, value): (&str, u32, Option<String>)| {
        value.map(|value| json!({"name": name, "type_id": kind, "value": value}))
    };
    named.into_iter().filter_map(one).collect()
}

/// The attempt with all that the classes have no place for.
fn whole(attempt: &AttemptReport) -> Value {
    let mut doc = Doc::default();
    doc.put("id", attempt.id.to_string())
        .put("outcome", attempt.outcome.word())
        .put("basis", json!(attempt.basis))
        .put("phase", attempt.phase.map(Phase::word))
        .put("phase_limit", attempt.phase_limit.map(Phase::word))
        .put("client", json!(attempt.client))
        .put("server", json!(attempt.server))
        .put("gateway", json!(attempt.gateway))
        .put("user", known(attempt.user.as_deref()))
        .put("disconnect", json!(attempt.disconnect))
        .put("extended", json!(attempt.extended));
    doc.value()
}

fn attacks(techniques: &[String]) -> Vec<Value> {
    let one = |id: &String| match id.split_once('.') {
        Some((parent, _)) => json!({"technique": {"uid": parent}, "sub_technique": {"uid": id}}),
        None => json!({"technique": {"uid": id}}),
    };
    techniques.iter().map(one).collect()
}

/// Where a record of this phase stands in the life of a connection.
fn activity(phase: Option<Phase>) -> (u32, &'static str) {
    match phase {
        Some(Phase::X224) => (1, "Initial Request"),
        Some(Phase::Tls) => (5, "TLS Handshake"),
        Some(Phase::Mcs) => (3, "Connect Request"),
        Some(Phase::Graphics | Phase::Established) => (6, "Traffic"),
        Some(phase) => (99, phase.word()),
        None => (99, "Record"),
    }
}

fn heat(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn millis(time: Time) -> i64 {
    time.timestamp().as_millisecond()
}
