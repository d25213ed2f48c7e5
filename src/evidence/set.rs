//! Evidence by the name of its record.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{EventRef, Evidence};

/// Evidence, each piece once. Found by hash: names are hashes themselves, so that looking through their order would
/// mean waiting for memory at each step. Handed out in that order all the same. (Rows of other machines bring names
/// that nobody has checked: the hash is one that they cannot foresee.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceSet(HashMap<EventRef, Box<Evidence>>);

impl EvidenceSet {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That of a record.
    pub fn get(&self, event: &EventRef) -> Option<&Evidence> {
        self.0.get(event).map(|evidence| &**evidence)
    }

    /// Adds what is known of a record, in place of what was.
    pub fn insert(&mut self, evidence: Evidence) {
        self.0.insert(evidence.event, Box::new(evidence));
    }

    /// All, in no order, for what comes to the same in any.
    pub fn unordered(&self) -> impl Iterator<Item = &Evidence> {
        self.0.values().map(|evidence| &**evidence)
    }

    /// All, by name.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Evidence> {
        sorted(self.0.iter().map(|(event, evidence)| (*event, &**evidence)))
    }

    /// As [`EvidenceSet::values`], to be changed; names are not.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Evidence> {
        sorted(self.0.iter_mut().map(|(event, evidence)| (*event, &mut **evidence)))
    }

    /// Gives all away, by name.
    pub fn into_values(self) -> impl ExactSizeIterator<Item = Evidence> {
        sorted(self.0).map(|evidence| *evidence)
    }

    /// Keeps those alone.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&Evidence) -> bool) {
        self.0.retain(|_, evidence| is_kept(evidence));
    }

    /// Drops all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn entry(&mut self, event: EventRef) -> Entry<'_, EventRef, Box<Evidence>> {
        self.0.entry(event)
    }
}

/// The names stand beside what is sorted, so that it is not looked into.
fn sorted<T>(all: impl IntoIterator<Item = (EventRef, T)>) -> impl ExactSizeIterator<Item = T> {
    let mut all: Vec<(EventRef, T)> = all.into_iter().collect();
    all.sort_unstable_by_key(|(event, _)| *event);
    all.into_iter().map(|(_, evidence)| evidence)
}
