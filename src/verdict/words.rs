//! Records and verdicts in words.

use std::collections::BTreeMap;

use crate::attempt::Case;
use crate::attempt::item::Item;
use crate::signature::definition::Bearing;

use super::weigh::Cite;

/// A record in one line.
pub fn message(case: &Case<'_>, item: &Item<'_>) -> String {
    let record = &item.evidence.record;
    // Windows writes a hyphen where it has no value.
    let field = |name: &str| record.field(name).map(str::trim).filter(|value| *value != "-").map(str::to_string);
    let worded = case.signatures.message(&record.provider, &record.source_name, record.event_id, &field);
    worded.unwrap_or_else(|| {
        let title = item.rules.first().map(|rule| rule.title.clone());
        title.unwrap_or_else(|| format!("{} {}", case.signatures.short(&record.provider), record.event_id))
    })
}

/// One sentence: what proved a cause, what supports it.
pub fn basis(case: &Case<'_>, cites: &[&Cite<'_>]) -> String {
    let mut parts = Vec::new();
    for (bearing, verb) in [
        (Bearing::Proof, "proved by"),
        (Bearing::Standing, "lasting condition shown by"),
        (Bearing::Support, "supported by"),
    ] {
        let mut count: BTreeMap<(String, u32), std::collections::BTreeSet<usize>> = BTreeMap::new();
        for cite in cites.iter().filter(|cite| cite.bearing == bearing) {
            let record = &case.items[cite.item].evidence.record;
            let short = case.signatures.short(&record.provider).to_string();
            count.entry((short, record.event_id)).or_default().insert(cite.item);
        }
        if count.is_empty() {
            continue;
        }
        let names: Vec<String> = count
            .iter()
            .map(|((short, id), items)| match items.len() {
                1 => format!("{short} {id}"),
                many => format!("{short} {id} ({many} times)"),
            })
            .collect();
        parts.push(format!("{verb} {}", names.join(", ")));
    }
    if parts.is_empty() {
        return String::new();
    }
    let text = parts.join("; ");
    let (first, rest) = text.split_at(1);
    format!("{}{rest}; nothing on record speaks against it.", first.to_uppercase())
}
