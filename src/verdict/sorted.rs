//! The records of a case by who holds them, by rule and by state: what [`super::bind`] looks into.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::bind::{elsewhere, meaning};
use crate::attempt::identity::HostId;
use crate::attempt::{Case, ItemId};
use crate::event::Time;

/// Records by the name of a rule or a state and by host, in order of time.
pub(super) type BySlug<'c> = FxHashMap<&'c str, BTreeMap<HostId, Vec<ItemId>>>;

/// Who holds a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// No connection of any attempt.
    Nobody,
    /// A connection that no user made.
    Stray,
    /// This attempt.
    Attempt(usize),
}

/// Who holds each record, and the attempts that touch each host, by start.
pub(super) fn owners(case: &Case<'_>) -> (Vec<Owner>, BTreeMap<HostId, Vec<usize>>) {
    let mut owner = vec![Owner::Nobody; case.items.len()];
    for stray in &case.strays {
        stray.connections.iter().flat_map(|c| &c.items).for_each(|id| owner[*id] = Owner::Stray);
    }
    let mut attempts: BTreeMap<HostId, Vec<usize>> = BTreeMap::new();
    for (at, attempt) in case.attempts.iter().enumerate() {
        attempt.items().into_iter().for_each(|id| owner[id] = Owner::Attempt(at));
        let hosts: BTreeSet<HostId> = attempt.ends().collect();
        for host in hosts {
            attempts.entry(host).or_default().push(at);
        }
    }
    (owner, attempts)
}

/// Records by rule, told apart by who holds them.
#[derive(Default)]
pub(super) struct Sorted<'c> {
    /// All of them.
    pub rules: BySlug<'c>,
    /// Those that nobody holds, without noise.
    pub free: BySlug<'c>,
    /// Those that attempts hold, without noise, by attempt and in order of time.
    pub held: FxHashMap<&'c str, Vec<(usize, ItemId)>>,
    /// When and where those were logged that no end of a connection logs, in order of time.
    pub elsewhere: FxHashMap<&'c str, Vec<(Time, HostId)>>,
}

impl<'c> Sorted<'c> {
    pub(super) fn of(case: &'c Case<'c>, owner: &[Owner]) -> Self {
        let mut sorted = Sorted::default();
        for (slug, ids) in &case.by_rule {
            if meaning(case, slug).is_some_and(|meaning| elsewhere(meaning.host)) {
                let mut logged: Vec<_> = ids.iter().map(|id| (case.items[*id].time, case.items[*id].host)).collect();
                logged.sort_unstable();
                sorted.elsewhere.insert(*slug, logged);
            }
            let all = sorted.rules.entry(*slug).or_default();
            let nobodys = sorted.free.entry(*slug).or_default();
            let mut by_attempt = Vec::new();
            for id in ids {
                let item = &case.items[*id];
                all.entry(item.host).or_default().push(*id);
                match owner[*id] {
                    _ if item.noise => {}
                    Owner::Nobody => nobodys.entry(item.host).or_default().push(*id),
                    Owner::Attempt(at) => by_attempt.push((at, *id)),
                    Owner::Stray => {}
                }
            }
            by_attempt.sort_unstable();
            sorted.held.insert(*slug, by_attempt);
        }
        sorted
    }
}

/// Records that set each state, without noise.
pub(super) fn settings<'c>(case: &'c Case<'c>) -> BySlug<'c> {
    let mut settings = BySlug::default();
    for (id, item) in case.items.iter().enumerate().filter(|(_, item)| !item.noise) {
        for setting in item.meanings().filter_map(|meaning| meaning.sets.as_ref()) {
            settings.entry(&setting.state).or_default().entry(item.host).or_default().push(id);
        }
    }
    settings
}
