//! Rows that tell of attempts long after them: conditions that stand, what undoes them, settings of states.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::item::Item;
use crate::evidence::{Evidence, List, Name};
use crate::signature::Signatures;
use crate::signature::definition::{Bearing, Observation, Slot};

/// Whom such a row may speak of: a later one of the same kind speaks in its place.
const SPEAKS_OF: [Slot; 3] = [Slot::User, Slot::ClientIp, Slot::Target];

/// Computer, rules, and whom it speaks of.
type Kind = (Name, List, Vec<Box<str>>);

/// The last row of each kind.
pub struct Standing<'s> {
    signatures: &'s Signatures,
    rules: BTreeSet<&'s str>,
    last: BTreeMap<Kind, Evidence>,
    /// Most kinds that are held; beyond them the oldest go.
    most: usize,
}

impl<'s> Standing<'s> {
    /// None yet.
    pub fn new(signatures: &'s Signatures, most: usize) -> Self {
        let mut rules = BTreeSet::new();
        for clue in signatures.causes().iter().flat_map(|cause| &cause.evidence) {
            if let Observation::Rule(slug) = &clue.what
                && (clue.bearing == Bearing::Standing || clue.after.is_some())
            {
                rules.insert(slug.as_str());
            }
        }
        for rule in signatures.rules() {
            if rule.meaning.as_ref().is_some_and(|meaning| meaning.sets.is_some()) {
                rules.insert(&rule.slug);
            }
        }
        // What a correlation counts stands for it.
        let counted = signatures.correlations().iter().filter(|one| rules.contains(one.slug.as_str()));
        let counted: Vec<&str> = counted.flat_map(|one| &one.rules).map(String::as_str).collect();
        rules.extend(counted);
        Standing { signatures, rules, last: BTreeMap::new(), most: most.max(1) }
    }

    /// Looks at a row that is no earlier than those before it.
    pub fn see(&mut self, row: &Evidence) {
        if !row.signatures.iter().any(|slug| self.rules.contains(&**slug)) {
            return;
        }
        let item = Item::alone(row, self.signatures);
        let whom = SPEAKS_OF.map(|slot| item.capture(slot).unwrap_or_default().to_lowercase().into()).to_vec();
        self.last.insert((row.record.computer.clone(), row.signatures.clone(), whom), row.clone());
        if self.last.len() > self.most {
            self.forget();
        }
    }

    /// The older half goes.
    fn forget(&mut self) {
        let mut all: Vec<_> = std::mem::take(&mut self.last).into_iter().collect();
        all.sort_by_key(|(_, row)| (row.record.time, row.event));
        self.last = all.split_off(all.len() / 2).into_iter().collect();
    }

    /// Those that are held.
    pub fn rows(&self) -> impl Iterator<Item = &Evidence> {
        self.last.values()
    }
}
