//! What should be collected to judge more, the most useful first.

use std::collections::{BTreeMap, BTreeSet};

use super::headline::list;
use super::model::{Collect, Report};
use crate::event::Time;

/// One log to collect.
pub struct Wanted {
    /// Which log of which computer, and for what span.
    pub what: String,
    /// Families and causes that it would let anybody judge.
    pub serves: BTreeSet<String>,
    /// Commands that do it, for an elevated prompt on that computer.
    pub commands: Vec<String>,
}

/// Logs named of one computer.
const NAMED: usize = 3;

/// Every log that something cannot be judged without, each once.
pub fn wanted(report: &Report) -> Vec<Wanted> {
    if !report.coverage.collect.is_empty() {
        return report.coverage.collect.iter().map(asked).collect();
    }
    let mut logs: BTreeMap<&str, (BTreeSet<String>, Vec<&str>)> = BTreeMap::new();
    for gap in &report.coverage.cannot_judge {
        for piece in parts(&gap.collect) {
            let (log, span) = match piece.split_once(", covering ") {
                Some((log, span)) => (log, Some(span)),
                None => (piece, None),
            };
            let (serves, spans) = logs.entry(log).or_default();
            serves.extend(gap.cause.iter().chain(&gap.family).cloned());
            spans.extend(span);
        }
    }
    let mut out: Vec<Wanted> = logs
        .into_iter()
        .map(|(log, (serves, spans))| match hull(&spans) {
            Some(span) => Wanted { what: format!("{log}, covering {span}"), serves, commands: Vec::new() },
            None => Wanted { what: log.to_owned(), serves, commands: Vec::new() },
        })
        .collect();
    out.sort_by_key(|wanted| std::cmp::Reverse(wanted.serves.len()));
    out
}

/// One computer's logs in words.
fn asked(collect: &Collect) -> Wanted {
    let who = match &collect.host {
        Some(host) => format!("{host} ({})", collect.role),
        None => format!("the {}", collect.role),
    };
    let logs = list(&collect.logs, NAMED);
    let second = |time: Option<Time>| {
        let text = time.unwrap_or_default().to_string();
        format!("{}Z", text.split('.').next().unwrap_or_default())
    };
    let span = format!("{} to {}", second(collect.from), second(collect.to));
    let what = match collect.how.as_str() {
        "again" => format!(
            "{logs} of {who}: they no longer hold {span}; make them larger, let it happen again, then export them"
        ),
        "audit" => format!(
            "auditing of {} on {who}: it seems to be off; switch it on, let it happen again, then export {logs}",
            list(&collect.audit, NAMED)
        ),
        _ => format!("{logs} of {who}, covering {span}"),
    };
    Wanted { what, serves: collect.serves.iter().cloned().collect(), commands: collect.commands.clone() }
}

/// The pieces of a list in words.
pub fn parts(words: &str) -> impl Iterator<Item = &str> {
    words.split(';').map(|piece| piece.trim().trim_end_matches('.')).filter(|piece| !piece.is_empty())
}

/// From the first to the last of several spans in words; RFC 3339 sorts as text.
fn hull(spans: &[&str]) -> Option<String> {
    let ends = |span: &&str| {
        span.split_once(" to ").map_or((span.to_string(), span.to_string()), |(from, to)| (from.into(), to.into()))
    };
    let ends: Vec<(String, String)> = spans.iter().map(ends).collect();
    let from = ends.iter().map(|(from, _)| from).min()?;
    let to = ends.iter().map(|(_, to)| to).max()?;
    Some(if from == to { from.clone() } else { format!("{from} to {to}") })
}
