//! Records of one input by provider, counted while it is read: asked for every record.

use std::collections::BTreeMap;

use super::ProviderFacts;
use super::limits::NAMES;

/// Names looked up last.
const RECENT: usize = 64;

/// Counts by name of the provider.
#[derive(Default)]
pub struct Providers {
    list: Vec<(Box<str>, ProviderFacts)>,
    /// Where in the list.
    index: BTreeMap<Box<str>, usize>,
    /// Where in the list a name was found last, by where in memory it stood: readers decode a name once.
    recent: Vec<usize>,
    /// Records of providers beyond the most that are kept.
    pub beyond: u64,
}

impl Providers {
    /// Adds to the count of one.
    pub fn add(&mut self, name: &str, facts: ProviderFacts) {
        let place = (name.as_ptr() as usize >> 4 ^ name.as_ptr() as usize >> 10) % RECENT;
        let hint = self.recent.get(place).copied().unwrap_or_default();
        let at = match self.list.get(hint) {
            Some((known, _)) if **known == *name => hint,
            _ => match self.find(name) {
                Some(at) => at,
                None => {
                    self.beyond += facts.records;
                    return;
                }
            },
        };
        self.recent.resize(RECENT, 0);
        if let (Some(recent), Some((_, known))) = (self.recent.get_mut(place), self.list.get_mut(at)) {
            *recent = at;
            known.records += facts.records;
            known.guid = known.guid.or(facts.guid);
        }
    }

    #[cold]
    fn find(&mut self, name: &str) -> Option<usize> {
        if let Some(at) = self.index.get(name) {
            return Some(*at);
        }
        let at = self.list.len();
        (at < NAMES).then(|| {
            self.index.insert(name.into(), at);
            self.list.push((name.into(), ProviderFacts::default()));
            at
        })
    }

    /// Adds those of a later part of the same input.
    pub fn merge(&mut self, later: Providers) {
        self.beyond += later.beyond;
        later.list.into_iter().for_each(|(name, facts)| self.add(&name, facts));
    }

    /// By name.
    pub fn sorted(self) -> impl Iterator<Item = (String, ProviderFacts)> {
        let Providers { list, index, .. } = self;
        index.into_values().filter_map(move |at| list.get(at).map(|(name, facts)| (name.to_string(), facts.clone())))
    }
}
