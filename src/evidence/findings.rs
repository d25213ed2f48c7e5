//! The set of all that scans found.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{Coverage, Evidence, EvidenceSet, InputFacts, Names, Problem, Row};

/// A set of rows. Merging is associative, commutative and idempotent.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// By name of the record.
    pub evidence: EvidenceSet,
    /// By computer and channel, as written.
    pub coverage: BTreeMap<(Box<str>, Box<str>), Coverage>,
    /// Every one once.
    pub problems: BTreeSet<Problem>,
    /// Every one once; of inputs of one name that differ, all.
    pub inputs: BTreeSet<InputFacts>,
    /// What its evidence has in common, held once.
    names: Names,
}

impl PartialEq for Findings {
    fn eq(&self, other: &Self) -> bool {
        (&self.evidence, &self.coverage, &self.problems, &self.inputs)
            == (&other.evidence, &other.coverage, &other.problems, &other.inputs)
    }
}

impl Eq for Findings {}

impl Findings {
    /// Adds one row.
    pub fn add(&mut self, row: Row) {
        match row {
            Row::Evidence(evidence) => self.add_evidence(evidence),
            Row::Coverage { computer, channel, coverage } => {
                self.coverage.entry((computer, channel)).or_default().merge(&coverage);
            }
            Row::Problem(problem) => {
                self.problems.insert(problem);
            }
            Row::Input(input) => {
                self.inputs.insert(input);
            }
        }
    }

    /// Adds all that another set holds.
    pub fn merge(&mut self, other: Findings) {
        for evidence in other.evidence.into_values() {
            self.add_evidence(evidence);
        }
        for (key, coverage) in other.coverage {
            self.coverage.entry(key).or_default().merge(&coverage);
        }
        self.problems.extend(other.problems);
        self.inputs.extend(other.inputs);
    }

    fn add_evidence(&mut self, mut evidence: Evidence) {
        match self.evidence.entry(evidence.event) {
            Entry::Vacant(slot) => {
                evidence.share(&mut self.names);
                slot.insert(Box::new(evidence));
            }
            Entry::Occupied(mut slot) => {
                let known = slot.get_mut();
                self.names.share_list(&mut evidence.signatures);
                if known.merge(evidence) {
                    known.share(&mut self.names);
                }
            }
        }
    }

    /// Gives its evidence away and keeps the rest.
    pub fn take_evidence(&mut self) -> impl Iterator<Item = Evidence> + use<> {
        self.names = Names::default();
        std::mem::take(&mut self.evidence).into_values()
    }

    /// Something in the inputs could not be read.
    pub fn partial(&self) -> bool {
        self.problems.iter().any(|problem| problem.lost)
    }
}
