//! Which providers and event ids a detection can match at all. Never too narrow:
//! what cannot be told is left open.

use std::collections::BTreeSet;

use super::definition::{Condition, Detection, FieldTest, Pattern};

/// One way in which a rule can match.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pin {
    /// Provider names in lower case; `None` is any.
    pub(super) providers: Option<BTreeSet<String>>,
    /// Event ids; `None` is any.
    pub(super) ids: Option<BTreeSet<u32>>,
}

/// Ways are multiplied out as long as they are no more than these.
const MOST: usize = 64;

/// The ways in which a detection can match.
pub(super) fn of(detection: &Detection) -> Vec<Pin> {
    let mut pins = ways(detection, &detection.condition);
    pins.sort();
    pins.dedup();
    pins
}

fn ways(detection: &Detection, condition: &Condition) -> Vec<Pin> {
    match condition {
        Condition::Search(index) => match detection.searches.get(usize::from(*index)) {
            Some(search) => {
                search.any.iter().filter_map(|tests| tests.iter().try_fold(Pin::default(), narrow)).collect()
            }
            None => Vec::new(),
        },
        Condition::Or(any) => any.iter().flat_map(|inner| ways(detection, inner)).collect(),
        Condition::Not(_) => vec![Pin::default()],
        Condition::And(all) => all.iter().map(|inner| ways(detection, inner)).fold(vec![Pin::default()], both),
    }
}

fn both(left: Vec<Pin>, right: Vec<Pin>) -> Vec<Pin> {
    if left.len() * right.len() > MOST {
        // Either side alone is never too narrow.
        return if left.iter().all(Pin::is_narrow) { left } else { right };
    }
    left.iter().flat_map(|a| right.iter().filter_map(|b| a.clone().and(b.clone()))).collect()
}

impl Pin {
    fn is_narrow(&self) -> bool {
        self.providers.is_some() || self.ids.is_some()
    }

    /// Does every event that this pin lets through pass the test, wherever in the detection it stands? Providers
    /// are compared as the index does.
    pub(super) fn says(&self, test: &FieldTest) -> bool {
        let uncased = |pattern: &Pattern| matches!(pattern, Pattern::Text { cased: false, .. });
        let literals: Option<Vec<&str>> = test.patterns.iter().map(Pattern::literal).collect();
        let Some(literals) = literals.filter(|_| !test.all && test.patterns.iter().all(uncased)) else { return false };
        match test.field.as_deref() {
            Some("Provider_Name") => {
                let among = |name: &String| literals.iter().any(|literal| literal.to_lowercase() == *name);
                self.providers.as_ref().is_some_and(|names| names.iter().all(among))
            }
            Some("EventID") => {
                let among = |id: &u32| literals.iter().any(|literal| literal.parse() == Ok(*id));
                self.ids.as_ref().is_some_and(|ids| ids.iter().all(among))
            }
            _ => false,
        }
    }

    /// Both must hold. A record has two provider names, so that two sets of them may
    /// both hold though they share none; its event id is one.
    fn and(self, other: Pin) -> Option<Pin> {
        let ids = match (self.ids, other.ids) {
            (Some(a), Some(b)) => Some(a.intersection(&b).copied().collect()),
            (a, b) => a.or(b),
        };
        let impossible = ids.as_ref().is_some_and(BTreeSet::is_empty);
        (!impossible).then_some(Pin { providers: self.providers.or(other.providers), ids })
    }
}

fn narrow(pin: Pin, test: &FieldTest) -> Option<Pin> {
    let literals = || -> Option<Vec<&str>> { test.patterns.iter().map(Pattern::literal).collect() };
    let own = match test.field.as_deref() {
        Some("Provider_Name") if !test.all => {
            let names = literals().map(|names| names.into_iter().map(str::to_lowercase).collect());
            Pin { providers: names, ids: None }
        }
        Some("EventID") if !test.all => {
            // Text that is no number can equal no event id.
            let ids = literals().map(|ids| ids.into_iter().filter_map(|id| id.parse().ok()).collect());
            Pin { providers: None, ids }
        }
        _ => return Some(pin),
    };
    pin.and(own)
}

/// The providers among the pins, spelled as the detection spells them.
pub(super) fn providers(detection: &Detection, pins: &[Pin]) -> Vec<String> {
    let tests = detection.searches.iter().flat_map(|search| search.any.iter().flatten());
    let named = tests.filter(|test| test.field.as_deref() == Some("Provider_Name"));
    let mut found: Vec<String> = Vec::new();
    for name in named.flat_map(|test| test.patterns.iter().filter_map(Pattern::literal)) {
        let lower = name.to_lowercase();
        let pinned = pins.iter().filter_map(|pin| pin.providers.as_ref()).any(|names| names.contains(&lower));
        if pinned && !found.iter().any(|known| known.to_lowercase() == lower) {
            found.push(name.to_owned());
        }
    }
    found
}
