//! Causes that may explain attempts, with what of them can speak in this case.

use std::collections::BTreeMap;

use crate::signature::definition::{Cause, Clue, FINDINGS_FAMILY, Observation};

use super::bind::Index;

/// A cause that may explain attempts.
pub struct Suspect<'c> {
    /// The cause.
    pub cause: &'c Cause,
    /// Number of its family.
    pub family: usize,
    /// Those of its clues of which the case has what they look for, or that look for its absence.
    pub clues: Vec<&'c Clue>,
}

/// All causes but those of attacks, which stand in the findings.
pub fn all<'c>(index: &Index<'c>) -> Vec<Suspect<'c>> {
    let causes = index.case().signatures.causes().iter().filter(|cause| cause.family != FINDINGS_FAMILY);
    let clues = |cause: &'c Cause| cause.evidence.iter().filter(|clue| may_tell(index, clue)).collect();
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    let mut family = |cause: &'c Cause| {
        let next = families.len();
        *families.entry(&cause.family).or_insert(next)
    };
    causes.map(|cause| Suspect { cause, family: family(cause), clues: clues(cause) }).collect()
}

/// Can this clue speak of any attempt of the case?
fn may_tell(index: &Index<'_>, clue: &Clue) -> bool {
    match &clue.what {
        Observation::Rule(slug) => index.has(slug),
        Observation::State { state, .. } => index.sets(state),
        Observation::Sequence { rules, .. } => rules.iter().all(|slug| index.has(slug)),
        Observation::Absent { .. } => true,
        // Of attacks alone, which are told as findings.
        Observation::SessionAfter { .. } => false,
    }
}
