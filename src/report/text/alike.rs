//! Attempts that differ in nothing but their time: told once, with their number.

use std::collections::HashMap;

use super::Index;
use super::attempts::{client, code, server};
use crate::report::model::{AttemptReport, Report};

/// Attempts that differ in nothing but their time.
pub struct Group<'a> {
    /// The first of them.
    pub first: &'a AttemptReport,
    /// Their numbers.
    pub numbers: Vec<usize>,
}

/// All attempts in groups by their first; every one for itself where they are wanted `apart`.
pub fn groups<'a>(report: &'a Report, index: &Index<'_>, apart: bool) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut known = HashMap::new();
    for attempt in &report.attempts {
        let number = index.attempts.get(&attempt.id).copied().unwrap_or_default();
        let ends = (client(attempt), server(attempt), attempt.user.as_deref());
        let cause = attempt.verdicts.first().map(|verdict| (verdict.cause.as_str(), verdict.verdict));
        let alike = (ends, attempt.outcome, attempt.phase, code(attempt), cause);
        let at = *known.entry((if apart { number } else { 0 }, alike)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.numbers.push(number),
            None => groups.push(Group { first: attempt, numbers: vec![number] }),
        }
    }
    groups
}
