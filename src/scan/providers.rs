//! Records of one input by provider, counted while it is read: asked for every record.

use std::collections::BTreeMap;

use super::ProviderFacts;
use super::limits::NAMES;
use crate::event::Guid;
use crate::evidence::bounded;

/// Names looked up last.
const RECENT: usize = 64;

/// Counts by name of the provider.
#[derive(Default)]
pub struct Providers {
    list: Vec<(Box<str>, ProviderFacts)>,
    /// Where in the list: several may have one name, as classes of classic events do, and programs that took the same.
    index: BTreeMap<Box<str>, Vec<usize>>,
    /// Where in the list a name was found last, by where in memory it stood: readers decode a name once.
    recent: Vec<usize>,
    /// Records of providers beyond the most that are kept.
    pub beyond: u64,
}

impl Providers {
    /// Adds to the count of one.
    pub fn add(&mut self, name: &str, facts: ProviderFacts) {
        let name = bounded(name);
        let place = (name.as_ptr() as usize >> 4 ^ name.as_ptr() as usize >> 10) % RECENT;
        let hint = self.recent.get(place).copied().unwrap_or_default();
        let at = match self.list.get(hint) {
            // Where the name lies must not tell to which of several of one name a record without a GUID goes.
            Some((known, own)) if own.guid == facts.guid && **known == *name => hint,
            _ => match self.find(name, facts.guid) {
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
    fn find(&mut self, name: &str, guid: Option<Guid>) -> Option<usize> {
        let known = self.index.get(name).map(Vec::as_slice).unwrap_or_default();
        let own = |at: &usize| self.list.get(*at).is_some_and(|(_, facts)| same(facts.guid, guid));
        if let Some(at) = known.iter().copied().find(own) {
            return Some(at);
        }
        let at = self.list.len();
        (at < NAMES).then(|| {
            self.index.entry(name.into()).or_default().push(at);
            self.list.push((name.into(), ProviderFacts { guid, records: 0 }));
            at
        })
    }

    /// Adds those of a later part of the same input.
    pub fn merge(&mut self, later: Providers) {
        self.beyond += later.beyond;
        later.list.into_iter().for_each(|(name, facts)| self.add(&name, facts));
    }

    /// By name, each under one of its own: where several have one name, their GUIDs stand behind it.
    pub fn sorted(self) -> impl Iterator<Item = (String, ProviderFacts)> {
        self.named().into_iter().flat_map(|(name, mut all)| {
            all.sort_unstable_by_key(|facts| facts.guid);
            let own = |(at, facts): (usize, ProviderFacts)| match facts.guid {
                Some(guid) if at > 0 => (ProviderFacts::twin(&name, guid), facts),
                _ => (name.to_string(), facts),
            };
            all.into_iter().enumerate().map(own).collect::<Vec<_>>()
        })
    }

    /// What some records tell of a provider's name, others need not: those have a GUID in its place.
    fn named(self) -> BTreeMap<Box<str>, Vec<ProviderFacts>> {
        let (nameless, told): (Vec<_>, Vec<_>) = self.list.into_iter().partition(|(name, _)| name.starts_with('{'));
        let names: BTreeMap<Guid, Box<str>> =
            told.iter().filter_map(|(name, facts)| Some((facts.guid?, name.clone()))).collect();
        let mut all: BTreeMap<Box<str>, Vec<ProviderFacts>> = BTreeMap::new();
        for (name, facts) in told.into_iter().chain(nameless) {
            let told = facts.guid.filter(|_| name.starts_with('{')).and_then(|guid| names.get(&guid));
            let own = all.entry(told.cloned().unwrap_or(name)).or_default();
            match own.iter_mut().find(|known| known.guid == facts.guid) {
                Some(known) => known.records += facts.records,
                None => own.push(facts),
            }
        }
        all
    }
}

/// Whether these may be GUIDs of one provider, of which not every record tells it.
fn same(first: Option<Guid>, second: Option<Guid>) -> bool {
    first.is_none() || second.is_none() || first == second
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_a_guid_goes_to_the_first_of_its_name_wherever_the_name_lies() {
        let guid = |n| Some(Guid([n; 16]));
        // Copies of a name at many places in memory.
        let names: Vec<String> = (0..300).map(|_| "Disk".to_owned()).collect();
        let mut providers = Providers::default();
        for name in &names {
            for guid in [guid(1), guid(2), None] {
                providers.add(name, ProviderFacts { guid, records: 1 });
            }
        }
        let counts: Vec<_> = providers.sorted().map(|(_, facts)| (facts.guid, facts.records)).collect();
        assert_eq!(counts, [(guid(1), 600), (guid(2), 300)]);
    }
}
