//! What forms with one row per fact share: the facts in one order, names looked up, values
//! made fit for typed fields. Each form says for itself how a fact is written.

use std::collections::HashMap;
use std::net::IpAddr;

use serde_json::{Map, Value};

use super::kept::Kept;
use super::model::{AttemptReport, CauseReport, EventRow, Finding, ProviderReport, Report, Row, RunRow, Verdict};
use crate::event::Time;
use crate::evidence::{EventRef, is_unnamed};
use crate::signature::definition::{Bearing, Outcome, Phase};

/// One thing that a row tells.
#[derive(Clone, Copy)]
pub enum Fact<'a> {
    /// A cause found for an attempt.
    Verdict(&'a AttemptReport, &'a Verdict),
    /// What deserves attention and explains no failure.
    Finding(&'a Finding),
    /// A user action.
    Attempt(&'a AttemptReport),
    /// A record.
    Event(&'a EventRow),
    /// A run of alike records.
    Run(&'a RunRow),
}

/// A report with its ids looked up.
pub struct Facts<'a> {
    /// All of it.
    pub report: &'a Report,
    rows: HashMap<EventRef, &'a EventRow>,
    attempts: HashMap<EventRef, &'a AttemptReport>,
    causes: HashMap<&'a str, &'a CauseReport>,
    guids: HashMap<String, &'a str>,
}

/// GUIDs by names of providers in lower case; none where a name is that of several.
fn guids<'a>(providers: impl Iterator<Item = &'a ProviderReport>) -> HashMap<String, &'a str> {
    let mut guids: HashMap<String, &str> = HashMap::new();
    for provider in providers {
        let Some(guid) = provider.guid.as_deref() else { continue };
        let known = guids.entry(provider.name.to_lowercase()).or_insert(guid);
        if *known != guid {
            *known = "";
        }
    }
    guids.retain(|_, guid| !guid.is_empty());
    guids
}

impl<'a> Facts<'a> {
    /// Looks the ids of a report up.
    pub fn of(report: &'a Report) -> Self {
        let rows = report.timeline.iter().filter_map(|row| match row {
            Row::Event(row) => Some((row.event, &**row)),
            Row::Run(_) => None,
        });
        let providers = report.inputs.iter().flat_map(|input| &input.providers);
        Facts {
            report,
            rows: rows.collect(),
            attempts: report.attempts.iter().map(|attempt| (attempt.id, attempt)).collect(),
            causes: report.causes.iter().map(|cause| (cause.id.as_str(), cause)).collect(),
            guids: guids(providers),
        }
    }

    /// Every fact: verdicts and findings first, then attempts, then the timeline.
    pub fn all(&self) -> impl Iterator<Item = Fact<'a>> {
        let report = self.report;
        let verdicts = report.attempts.iter().flat_map(|a| a.verdicts.iter().map(move |v| Fact::Verdict(a, v)));
        let findings = report.findings.iter().map(Fact::Finding);
        let attempts = report.attempts.iter().map(Fact::Attempt);
        let timeline = report.timeline.iter().map(|row| match row {
            Row::Event(row) => Fact::Event(row),
            Row::Run(run) => Fact::Run(run),
        });
        verdicts.chain(findings).chain(attempts).chain(timeline)
    }

    /// A record by its name.
    pub fn row(&self, event: EventRef) -> Option<&'a EventRow> {
        self.rows.get(&event).copied()
    }

    /// The attempt of a record.
    pub fn attempt(&self, row: &EventRow) -> Option<&'a AttemptReport> {
        self.attempts.get(&row.attempt?).copied()
    }

    /// A cause by its id.
    pub fn cause(&self, id: &str) -> Option<&'a CauseReport> {
        self.causes.get(id).copied()
    }

    /// What is told of a cause over the whole case; where it is less sure for this attempt, that is not about it.
    pub fn described(&self, verdict: &Verdict) -> Option<&'a str> {
        let cause = self.cause(&verdict.cause).filter(|cause| cause.verdict == verdict.verdict)?;
        Some(&cause.explanation)
    }

    /// The GUID under which inputs know a provider.
    pub fn guid(&self, provider: &str) -> Option<&'a str> {
        self.guids.get(&provider.to_lowercase()).copied()
    }

    /// When a finding was seen last.
    pub fn seen(&self, finding: &Finding) -> Option<Time> {
        let rows = finding.evidence.iter().filter_map(|event| self.row(*event)).map(|row| row.time);
        finding.last.or(finding.first).or_else(|| rows.max()).or(self.report.summary.last)
    }

    /// When a verdict was decided: at its first proof inside the attempt, else at the attempt's end.
    pub fn decided(&self, attempt: &AttemptReport, verdict: &Verdict) -> Time {
        let rows = verdict.evidence.iter().filter(|cited| matches!(cited.role, Bearing::Proof | Bearing::Support));
        let times = rows.filter_map(|cited| self.row(cited.event)).map(|row| row.aligned_time.unwrap_or(row.time));
        times.filter(|time| (attempt.start..=attempt.end).contains(time)).min().unwrap_or(attempt.end)
    }
}

/// Stable name of a verdict, whatever else the report holds.
pub fn verdict_uid(attempt: &AttemptReport, verdict: &Verdict) -> EventRef {
    attempt.id.derive(&verdict.cause)
}

/// Stable name of a finding: by what it says and its first record.
pub fn finding_uid(finding: &Finding) -> EventRef {
    let host = finding.host.as_deref().unwrap_or_default();
    finding.evidence.first().copied().unwrap_or_default().derive(&format!("{}\n{host}", finding.id))
}

/// A value that says something; Windows writes "-" and "LOCAL" where there is none, and a trace names no computer.
pub fn known(text: Option<&str>) -> Option<&str> {
    let says = |text: &&str| !text.is_empty() && *text != "-" && !text.eq_ignore_ascii_case("local");
    text.map(str::trim).filter(says).filter(|text| !is_unnamed(text))
}

/// An address that is one, without the port or zone that may stand behind it.
pub fn address(text: Option<&str>) -> Option<String> {
    let text = known(text)?;
    let bare = text.split('%').next().unwrap_or(text);
    let ip: IpAddr = bare.parse().ok().or_else(|| text.parse().ok().map(|at: std::net::SocketAddr| at.ip()))?;
    Some(ip.to_string())
}

/// An account as its parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Account<'a> {
    /// Without domain.
    pub name: Option<&'a str>,
    /// NetBIOS or DNS domain.
    pub domain: Option<&'a str>,
    /// SID, where nothing else is known.
    pub sid: Option<&'a str>,
}

/// Takes `DOMAIN\name`, `name@domain`, `name` or a SID apart.
pub fn account(text: Option<&str>) -> Account<'_> {
    let Some(text) = known(text) else { return Account::default() };
    if text.starts_with("S-1-") {
        return Account { sid: Some(text), ..Account::default() };
    }
    let (domain, name) = match (text.split_once('\\'), text.rsplit_once('@')) {
        (Some((domain, name)), _) => (Some(domain), name),
        (None, Some((name, domain))) => (Some(domain), name),
        (None, None) => (None, text),
    };
    Account { name: known(Some(name)), domain: known(domain), sid: None }
}

/// The fields of a record by name, each a text; of one name, the first that says something.
pub fn fields(kept: &Kept) -> Value {
    let mut map = Map::new();
    for (name, value) in kept.named() {
        if let Some(value) = known(Some(value)) {
            map.entry(name).or_insert_with(|| value.into());
        }
    }
    Value::Object(map)
}

/// The fields of a record as `name=value`.
pub fn pairs(kept: &Kept) -> Vec<String> {
    let says = |(name, value): (String, &str)| Some(format!("{name}={}", known(Some(value))?));
    kept.named().filter_map(says).collect()
}

/// At most `most` bytes, cut between characters.
pub fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Is it about who the user is?
pub fn authenticates(phase: Option<Phase>) -> bool {
    matches!(phase, Some(Phase::GatewayAuth | Phase::Credssp | Phase::Logon))
}

/// The ending as "failure", "success" or "unknown".
pub fn result(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed | Outcome::Dropped => "failure",
        Outcome::Established => "success",
        Outcome::Abandoned | Outcome::Unknown => "unknown",
    }
}

/// An object in the making. What is unknown or empty is left out.
#[derive(Default)]
pub struct Doc(Map<String, Value>);

impl Doc {
    /// Sets the value at a dotted path.
    pub fn put(&mut self, path: &str, value: impl Into<Value>) -> &mut Self {
        let mut value = value.into();
        if !prune(&mut value) {
            set(&mut self.0, path, value);
        }
        self
    }

    /// The object.
    pub fn value(self) -> Value {
        Value::Object(self.0)
    }
}

/// Takes empty values out of a value; is nothing left of it?
fn prune(value: &mut Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => {
            list.retain_mut(|item| !prune(item));
            list.is_empty()
        }
        Value::Object(map) => {
            map.retain(|_, item| !prune(item));
            map.is_empty()
        }
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn set(map: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            let inner = map.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// Every text once, sorted: for fields that are lists.
pub fn distinct<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> Vec<String> {
    let set: std::collections::BTreeSet<&str> = texts.into_iter().filter_map(known).collect();
    set.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_windows_are_no_values() {
        for text in ["-", "LOCAL", "local", " ", ""] {
            assert_eq!((known(Some(text)), address(Some(text))), (None, None), "{text}");
        }
        assert_eq!(address(Some("SRV01")), None);
        assert_eq!(address(Some("10.0.0.7:50123")).as_deref(), Some("10.0.0.7"));
        assert_eq!(address(Some("fe80::1%12")).as_deref(), Some("fe80::1"));
        assert_eq!(address(Some("[2001:db8::7]:3389")).as_deref(), Some("2001:db8::7"));
    }

    #[test]
    fn accounts_in_every_spelling() {
        let parts = |text| {
            let account = account(Some(text));
            (account.domain, account.name, account.sid)
        };
        assert_eq!(parts("CORP\\alice"), (Some("CORP"), Some("alice"), None));
        assert_eq!(parts("alice@corp.example"), (Some("corp.example"), Some("alice"), None));
        assert_eq!(parts("alice"), (None, Some("alice"), None));
        assert_eq!(parts("S-1-5-21-1-2-3-1001"), (None, None, Some("S-1-5-21-1-2-3-1001")));
        assert_eq!(parts("-\\-"), (None, None, None));
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let mut doc = Doc::default();
        doc.put("a.b", 1)
            .put("a.c", None::<&str>)
            .put("d", "")
            .put("e", Vec::<String>::new())
            .put("f", serde_json::json!({"g": null}));
        assert_eq!(doc.value(), serde_json::json!({"a": {"b": 1}}));
    }
}
