//! Records and verdicts in words.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use crate::attempt::Case;
use crate::attempt::item::Item;
use crate::evidence::EventRef;
use crate::report::model::{Absent, Level};
use crate::signature::definition::Bearing;

use super::weigh::Cite;

/// A record in one line.
pub fn message(case: &Case<'_>, item: &Item<'_>) -> String {
    let record = &item.evidence.record;
    // Windows writes a hyphen where it has no value.
    let field = |name: &str| record.field(name).map(str::trim).filter(|value| *value != "-").map(str::to_string);
    let worded = case.signatures.message(&record.provider, &record.source_name, record.event_id, &field);
    worded.unwrap_or_else(|| {
        let title = item.rules.first().map(|rule| rule.about.title.clone());
        title.unwrap_or_else(|| format!("{} {}", case.signatures.short(&record.provider), record.event_id))
    })
}

/// Records of each kind that prove a cause, stand behind it or support it. What stands is cited by many attempts.
#[derive(Clone, Debug, Default)]
pub struct Basis(BTreeMap<(usize, String, u32), FxHashSet<EventRef>>);

const PROVED: &str = "proved by";

/// What a record is to a cause, in the order in which it is told.
const BEARINGS: [(Bearing, &str); 3] =
    [(Bearing::Proof, PROVED), (Bearing::Standing, "lasting condition shown by"), (Bearing::Support, "supported by")];

impl Basis {
    /// Of what is cited.
    pub fn of(case: &Case<'_>, cites: &[&Cite<'_>]) -> Self {
        let place = |cite: &Cite<'_>| BEARINGS.iter().position(|(bearing, _)| cite.bearing == *bearing);
        let mut basis = Basis::default();
        for cite in cites {
            let Some(place) = place(cite) else { continue };
            let evidence = case.items[cite.item].evidence;
            let short = case.signatures.short(&evidence.record.provider).to_string();
            basis.0.entry((place, short, evidence.record.event_id)).or_default().insert(evidence.event);
        }
        basis
    }

    /// Adds what is cited elsewhere.
    pub fn add(&mut self, other: Basis) {
        for (kind, records) in other.0 {
            self.0.entry(kind).or_default().extend(records);
        }
    }

    /// One sentence; nothing where nothing is cited and nothing missing.
    pub fn sentence(&self, level: Level, absent: &[Absent]) -> String {
        let mut parts = Vec::new();
        for (place, (_, verb)) in BEARINGS.iter().enumerate() {
            let kinds = self.0.iter().filter(|((known, ..), _)| *known == place);
            let names: Vec<String> = kinds
                .map(|((_, short, id), records)| match records.len() {
                    1 => format!("{short} {id}"),
                    many => format!("{short} {id} ({many} times)"),
                })
                .collect();
            let names = names.join(", ");
            match (names.as_str(), *verb) {
                ("", _) => {}
                (_, PROVED) if level < Level::Confirmed => {
                    parts.push(format!("would be {PROVED} {names}, were it sure that this belongs to these attempts"));
                }
                (_, verb) => parts.push(format!("{verb} {names}")),
            }
        }
        let missing: BTreeSet<&str> = absent.iter().map(|one| one.signature.as_str()).collect();
        if !missing.is_empty() {
            let missing: Vec<&str> = missing.into_iter().collect();
            parts.push(format!("nothing matches {}, although the log covers the time", missing.join(", ")));
        }
        if parts.is_empty() {
            return String::new();
        }
        let text = parts.join("; ");
        let (first, rest) = text.split_at(1);
        format!("{}{rest}; nothing on record speaks against it.", first.to_uppercase())
    }
}
