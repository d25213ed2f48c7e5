//! Elastic Common Schema 9.4, one document per line: verdicts and findings as alerts, attempts
//! and records as events. `winlog.*` is written as Elastic's own shippers write it; what the
//! schema has no field for stands under `whyrdp.*`.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::facts::{
    Doc, Fact, Facts, account, address, authenticates, cut, distinct, fields, finding_uid, known, result, verdict_uid,
};
use super::model::{
    AttemptReport, CauseReport, EventRow, Finding, Level, RecordLevel, Report, RunRow, SCHEMA_VERSION, Verdict,
};
use super::{Options, line};
use crate::event::Time;
use crate::signature::definition::{Outcome, Phase, Severity};

/// Longest keyword that is indexed.
const KEYWORD: usize = 1024;

/// Writes every fact as a document.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    let facts = Facts::of(report);
    facts.all().try_for_each(|fact| line(out, &document(&facts, fact)))
}

fn document(facts: &Facts<'_>, fact: Fact<'_>) -> Value {
    let mut doc = Doc::default();
    let tool = &facts.report.tool;
    doc.put("ecs.version", "9.4.0")
        .put("event.module", "whyrdp")
        .put("observer.product", tool.name.as_str())
        .put("observer.version", tool.version.as_str())
        .put("observer.type", "log-analyzer")
        .put("whyrdp.schema_version", SCHEMA_VERSION)
        .put("whyrdp.signatures_sha256", tool.signatures_sha256.as_str());
    match fact {
        Fact::Verdict(attempt, verdict) => alert(&mut doc, facts, attempt, verdict),
        Fact::Finding(finding) => found(&mut doc, facts, finding),
        Fact::Attempt(attempt) => tried(&mut doc, attempt),
        Fact::Event(row) => record(&mut doc, facts, row),
        Fact::Run(run) => repeated(&mut doc, facts, run),
    }
    doc.value()
}

fn alert(doc: &mut Doc, facts: &Facts<'_>, attempt: &AttemptReport, verdict: &Verdict) {
    let cause = facts.cause(&verdict.cause);
    let title = cause.map_or(verdict.cause.as_str(), |cause| cause.title.as_str());
    let severity = cause.map_or(Severity::Low, |cause| cause.severity);
    doc.put("@timestamp", stamp(facts.decided(attempt, verdict)))
        .put("message", format!("{} ({})", title.trim_end_matches('.'), verdict.verdict.word()))
        .put("event.kind", if verdict.verdict == Level::Possible { "event" } else { "alert" })
        .put("event.dataset", "whyrdp.finding")
        .put("event.id", verdict_uid(attempt, verdict).to_string())
        .put("event.action", action(attempt.outcome))
        .put("event.reason", cut(title, KEYWORD))
        .put("event.severity", points(severity, verdict.verdict))
        .put("event.risk_score", f64::from(verdict.score))
        .put("rule.id", verdict.cause.as_str())
        .put("rule.name", cut(title, KEYWORD))
        .put("rule.ruleset", "whyrdp")
        .put("rule.version", cut(&facts.report.tool.signatures_sha256, 16));
    if let Some(cause) = cause {
        about(doc, cause);
    }
    doc.put("rule.description", facts.described(verdict).map(|told| cut(told, KEYWORD)));
    whole(doc, attempt);
    let rows = verdict.evidence.iter().filter_map(|cited| facts.row(cited.event));
    let evidence: Vec<Value> = verdict
        .evidence
        .iter()
        .map(|cited| json!({"ref": cited.event, "signature": cited.signature, "role": cited.role, "why": cited.why}))
        .collect();
    doc.put("whyrdp.cause.id", verdict.cause.as_str())
        .put("whyrdp.cause.verdict", verdict.verdict.word())
        .put("whyrdp.cause.score", verdict.score)
        .put("whyrdp.cause.caused_by", verdict.caused_by.clone())
        .put("whyrdp.cause.evidence", evidence);
    if let Some(row) = rows.min_by_key(|row| row.time) {
        doc.put("event.provider", cut(&row.provider, KEYWORD)).put("event.code", row.event_id.to_string());
    }
}

fn about(doc: &mut Doc, cause: &CauseReport) {
    doc.put("rule.category", cause.family.as_str())
        .put("rule.reference", cause.references.first().map(|link| cut(link, KEYWORD)))
        .put("whyrdp.cause.severity", cause.severity.word())
        .put("whyrdp.cause.fix", cause.fix.clone());
    technique(doc, &cause.attack);
}

fn technique(doc: &mut Doc, attack: &[String]) {
    if attack.is_empty() {
        return;
    }
    let parents = distinct(attack.iter().map(|id| id.split('.').next()));
    let subs = distinct(attack.iter().filter(|id| id.contains('.')).map(|id| Some(id.as_str())));
    doc.put("threat.framework", "MITRE ATT&CK")
        .put("threat.technique.id", parents)
        .put("threat.technique.subtechnique.id", subs);
}

fn found(doc: &mut Doc, facts: &Facts<'_>, finding: &Finding) {
    doc.put("@timestamp", facts.seen(finding).map(stamp))
        .put("message", finding.title.as_str())
        .put("event.kind", "alert")
        .put("event.category", json!(["intrusion_detection"]))
        .put("event.type", json!(["info"]))
        .put("event.dataset", "whyrdp.finding")
        .put("event.id", finding_uid(finding).to_string())
        .put("event.action", "rdp-finding")
        .put("event.reason", cut(&finding.title, KEYWORD))
        .put("event.severity", points(finding.severity, Level::Confirmed))
        .put("event.start", finding.first.map(stamp))
        .put("event.end", finding.last.map(stamp))
        .put("rule.id", finding.id.as_str())
        .put("rule.name", cut(&finding.title, KEYWORD))
        .put("rule.ruleset", "whyrdp")
        .put("host.name", known(finding.host.as_deref()))
        .put("related.hosts", distinct([finding.host.as_deref()]))
        .put("whyrdp.finding.id", finding.id.as_str())
        .put("whyrdp.finding.count", finding.count)
        .put("whyrdp.finding.evidence", json!(finding.evidence));
    technique(doc, &finding.attack);
}

fn tried(doc: &mut Doc, attempt: &AttemptReport) {
    doc.put("@timestamp", stamp(attempt.start))
        .put("message", format!("Remote Desktop connection attempt: {}", attempt.outcome.word()))
        .put("event.kind", "event")
        .put("event.dataset", "whyrdp.attempt")
        .put("event.id", attempt.id.to_string())
        .put("event.action", action(attempt.outcome));
    whole(doc, attempt);
}

/// What an attempt says of both its ends.
fn whole(doc: &mut Doc, attempt: &AttemptReport) {
    let (category, kinds) = kind(attempt);
    doc.put("event.category", json!([category]))
        .put("event.type", json!(kinds))
        .put("event.outcome", result(attempt.outcome))
        .put("event.start", stamp(attempt.start))
        .put("event.end", stamp(attempt.end))
        .put("event.duration", attempt.end.since(attempt.start).max(0) * 100)
        .put("network.protocol", "rdp")
        .put("network.application", "rdp")
        .put("host.name", known(attempt.server.host.as_deref()).or(known(attempt.client.host.as_deref())));
    ends(doc, attempt);
    for code in attempt.disconnect.iter().take(1) {
        doc.put("error.code", code.hex.as_str()).put("error.message", code.meaning.as_deref());
    }
    doc.put("whyrdp.attempt.id", attempt.id.to_string())
        .put("whyrdp.attempt.outcome", attempt.outcome.word())
        .put("whyrdp.attempt.basis", json!(attempt.basis))
        .put("whyrdp.attempt.phase", attempt.phase.map(Phase::word))
        .put("whyrdp.attempt.phase_limit", attempt.phase_limit.map(Phase::word))
        .put("whyrdp.attempt.disconnect", json!(attempt.disconnect))
        .put("whyrdp.attempt.extended", json!(attempt.extended))
        .put("whyrdp.attempt.join", json!(attempt.join));
    let activities = distinct(attempt.connections.iter().map(|connection| connection.activity_id.as_deref()));
    doc.put("whyrdp.attempt.activity_ids", activities);
}

/// Client, server, gateway and user of an attempt.
fn ends(doc: &mut Doc, attempt: &AttemptReport) {
    let (client, server) = (&attempt.client, &attempt.server);
    let (from, to) = (address(client.ip.as_deref()), address(server.ip.as_deref()));
    let server_name = known(server.host.as_deref()).or(known(server.typed_name.as_deref()));
    let user = account(attempt.user.as_deref());
    let gateway = attempt.gateway.as_ref();
    let behind = gateway.and_then(|gateway| address(gateway.client_ip.as_deref()));
    doc.put("source.ip", from.as_deref())
        .put("source.address", from.as_deref().or(known(client.host.as_deref())))
        .put("source.domain", known(client.host.as_deref()))
        .put("source.user.id", known(client.windows_user.as_deref()))
        .put("destination.ip", to.as_deref())
        .put("destination.address", to.as_deref().or(server_name))
        .put("destination.domain", server_name)
        .put("user.name", user.name.map(|name| cut(name, KEYWORD)))
        .put("user.domain", user.domain.map(|domain| cut(domain, KEYWORD)))
        .put("user.id", user.sid)
        .put("related.ip", distinct([from.as_deref(), to.as_deref(), behind.as_deref()]))
        .put("related.user", distinct([user.name, user.sid, client.windows_user.as_deref()]))
        .put("whyrdp.gateway", json!(gateway))
        .put("whyrdp.server.typed_name", known(server.typed_name.as_deref()));
    let hosts = [
        client.host.as_deref(),
        server.host.as_deref(),
        server.typed_name.as_deref(),
        gateway.and_then(|gateway| gateway.host.as_deref()),
    ];
    doc.put("related.hosts", distinct(hosts));
}

fn record(doc: &mut Doc, facts: &Facts<'_>, row: &EventRow) {
    windows(doc, facts, &row.provider, row.event_id, &row.host);
    if row.phase.is_some() {
        doc.put("event.category", json!([area(row.phase)])).put("event.type", json!(["info"]));
    }
    doc.put("@timestamp", stamp(row.time))
        .put("message", row.message.as_str())
        .put("event.dataset", "whyrdp.timeline")
        .put("event.id", row.event.to_string())
        .put("event.sequence", row.record_id)
        .put("log.file.path", row.source.path.as_str())
        .put("log.level", row.level.as_ref().map(RecordLevel::word))
        .put("winlog.channel", row.channel.as_str())
        .put("winlog.record_id", row.record_id.map(|id| id.to_string()))
        .put("winlog.level", row.level.as_ref().map(RecordLevel::word))
        .put("winlog.time_created", row.time.to_string())
        .put("winlog.activity_id", row.kept.activity_id.as_deref().map(braced))
        .put("winlog.process.pid", row.kept.process_id)
        .put("winlog.user.identifier", row.kept.user_id.as_deref())
        .put("winlog.version", row.kept.version)
        .put("winlog.event_data", fields(&row.kept))
        .put("whyrdp.fields_cut", row.kept.cut.then_some(true))
        .put("whyrdp.aligned_time", row.aligned_time.map(stamp))
        .put("whyrdp.role", row.role.as_deref())
        .put("whyrdp.phase", row.phase.map(Phase::word))
        .put("whyrdp.signatures", row.signatures.clone())
        .put("whyrdp.source.offset", row.source.offset);
    if let Some(attempt) = facts.attempt(row) {
        ends(doc, attempt);
        doc.put("network.protocol", "rdp").put("whyrdp.attempt.id", attempt.id.to_string());
    }
}

fn repeated(doc: &mut Doc, facts: &Facts<'_>, run: &RunRow) {
    windows(doc, facts, &run.provider, run.event_id, &run.host);
    doc.put("@timestamp", stamp(run.first))
        .put("message", format!("{} ({} times)", run.message, run.count))
        .put("event.dataset", "whyrdp.timeline")
        .put("event.start", stamp(run.first))
        .put("event.end", stamp(run.last))
        .put("whyrdp.count", run.count);
}

/// What every Windows record has.
fn windows(doc: &mut Doc, facts: &Facts<'_>, provider: &str, event_id: u32, host: &str) {
    doc.put("event.kind", "event")
        .put("event.provider", cut(provider, KEYWORD))
        .put("event.code", event_id.to_string())
        .put("host.name", known(Some(host)))
        .put("related.hosts", distinct([Some(host)]))
        .put("winlog.provider_name", provider)
        .put("winlog.provider_guid", facts.guid(provider).map(braced))
        .put("winlog.event_id", event_id.to_string())
        .put("winlog.computer_name", known(Some(host)));
}

/// A GUID as Elastic's shippers write it.
fn braced(guid: &str) -> String {
    format!("{{{}}}", guid.to_lowercase())
}

/// RFC 3339 with the seven digits that Windows keeps.
fn stamp(time: Time) -> String {
    time.to_string()
}

fn area(phase: Option<Phase>) -> &'static str {
    match phase {
        phase if authenticates(phase) => "authentication",
        Some(Phase::SessionArbitration | Phase::ProfileShell | Phase::Graphics | Phase::Established) => "session",
        _ => "network",
    }
}

fn kind(attempt: &AttemptReport) -> (&'static str, &'static [&'static str]) {
    match (attempt.outcome, area(attempt.phase)) {
        (Outcome::Dropped, _) => ("session", &["end"]),
        (Outcome::Established, _) => ("session", &["start"]),
        (Outcome::Failed, "network") => ("network", &["connection", "denied"]),
        (_, "network") => ("network", &["connection"]),
        (_, area) => (area, &["start"]),
    }
}

fn action(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed => "rdp-connection-failed",
        Outcome::Dropped => "rdp-session-dropped",
        Outcome::Abandoned => "rdp-connection-abandoned",
        Outcome::Established => "rdp-session-established",
        Outcome::Unknown => "rdp-connection-attempted",
    }
}

/// Elastic's own steps from 0 to 100; a cause that is merely possible alarms nobody.
fn points(severity: Severity, level: Level) -> i64 {
    let full = match severity {
        Severity::Critical => 99,
        Severity::High => 73,
        Severity::Medium => 47,
        Severity::Low => 21,
        Severity::Info => 1,
    };
    if level == Level::Possible { full.min(21) } else { full }
}
