//! The same report without anybody's name: users, domains, hosts, addresses, SIDs and the
//! paths of inputs become pseudonyms, in every text of the report.
//!
//! Equal names get equal pseudonyms, numbered in the order in which the report tells them, so
//! the same report gives the same bytes. References are numbered too, since a hash of a
//! computer's name lets one guess it. A field of a record that could hold a name that nobody
//! knows is left out. Whoever guesses a name in the redacted report finds
//! nothing; whoever has the logs can make the report again.

mod fields;
mod hints;
mod names;
mod shapes;
mod words;

use serde_json::Value;

use super::model::Report;
pub use hints::Hints;
use names::Names;

/// Values of these keys are words of ours, times or hashes, never names.
const OURS: &[&str] = &[
    "severity",
    "verdict",
    "outcome",
    "phase",
    "phase_limit",
    "basis",
    "role",
    "roles",
    "side",
    "state",
    "id",
    "family",
    "cause",
    "caused_by",
    "signature",
    "signatures",
    "top_cause",
    "kind",
    "level",
    "how",
    "serves",
    "hex",
    "symbol",
    "version",
    "guid",
    "attack",
    "references",
    "sha256",
    "signatures_sha256",
    "time",
    "aligned_time",
    "before",
    "after",
    "known_by",
    "start",
    "end",
    "first",
    "last",
    "last_success",
    "from",
    "to",
    "activity_id",
];

/// A copy without names. `hints` are names that the report tells only inside its texts.
///
/// # Errors
/// Never, as long as the report's shape is its own; a fault is handed on rather than hidden,
/// because the answer to it must not be the report with its names.
pub fn redact(report: &Report, hints: &Hints) -> Result<Report, serde_json::Error> {
    let mut names = Names::of(report, hints)?;
    let mut value = serde_json::to_value(report)?;
    walk(&mut value, None, &mut names);
    if let Some(tool) = value.get_mut("tool") {
        // The program's own name is nobody's.
        *tool = serde_json::to_value(&report.tool)?;
    }
    serde_json::from_value(value)
}

fn walk(value: &mut Value, key: Option<&str>, names: &mut Names) {
    match value {
        Value::String(text) if is_reference(text) && key != Some("message") => *text = names.reference(text),
        Value::String(text) if key == Some("path") => *text = names.path(text),
        Value::String(text) if !key.is_some_and(|key| OURS.contains(&key)) => *text = names.replace(text),
        Value::Array(_) if key == Some("fields") => fields::harmless(value, names),
        Value::Array(list) => list.iter_mut().for_each(|item| walk(item, key, names)),
        Value::Object(map) => {
            for (key, item) in map {
                walk(item, Some(key), names);
            }
        }
        _ => {}
    }
}

fn is_reference(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
