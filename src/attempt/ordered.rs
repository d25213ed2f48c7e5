//! The records of a case in order, before anything is made of them: whose they are, what their rules come to, and the
//! look-ups that one walk over them gives. Knows no connection and no attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ItemId;
use super::burst;
use super::identity::{HostId, Hosts};
use super::item::Item;
use super::writer::Writers;
use crate::evidence::{Coverage, EventRef, Findings, List};
use crate::signature::Signatures;
use crate::signature::definition::{Kind, Mark, Meaning, Role, Rule};

/// What the rules of a record come to.
struct Matched<'a> {
    rules: Arc<[&'a Rule]>,
    noise: bool,
}

impl<'a> Matched<'a> {
    fn of(slugs: &List, signatures: &'a Signatures) -> Self {
        let rules: Arc<[&Rule]> = slugs.iter().filter_map(|slug| signatures.rule(slug)).collect();
        // A fact that was written down on purpose outweighs the rule that calls its kind noise.
        let kind = |kind: Kind| rules.iter().any(|rule| rule.meaning.as_ref().is_some_and(|m| m.kind == kind));
        let noise = kind(Kind::Noise) && !kind(Kind::Fact);
        Matched { rules, noise }
    }
}

/// Every record that has a time and a writer, with its rules; equal lists of rules are looked up once.
pub(super) fn placed<'a>(
    findings: &'a Findings,
    signatures: &'a Signatures,
    hosts: &Hosts,
    writers: &Writers<'_>,
) -> Vec<Item<'a>> {
    let mut matches: FxHashMap<&List, Matched<'a>> = FxHashMap::default();
    let mut named: FxHashMap<&str, Option<HostId>> = FxHashMap::default();
    let mut items: Vec<Item<'a>> = Vec::with_capacity(findings.evidence.len());
    items.extend(findings.evidence.values().filter_map(|evidence| {
        let matched =
            matches.entry(&evidence.signatures).or_insert_with(|| Matched::of(&evidence.signatures, signatures));
        let host = match &*evidence.record.computer {
            "" => *writers.get(&*evidence.source.path)?,
            name => (*named.entry(name).or_insert_with(|| hosts.resolve(name)))?,
        };
        let (rules, noise) = (matched.rules.clone(), matched.noise);
        Some(Item { evidence, host, time: evidence.record.time?, rules, noise })
    }));
    items
}

/// By time and host, then by what the record is: an order that does not depend on that of the inputs.
pub(super) fn sort(items: &mut [Item<'_>]) {
    items.sort_unstable_by(|a, b| {
        fn key<'i>(item: &'i Item<'_>) -> (&'i str, Option<u64>, EventRef) {
            let record = &item.evidence.record;
            (&*record.channel, record.record_id, item.evidence.event)
        }
        // Records are looked into only where that does not tell them apart.
        (a.time, a.host).cmp(&(b.time, b.host)).then_with(|| key(a).cmp(&key(b)))
    });
}

/// Keyless facts are written by any computer: an end of a connection is known by its markers, the
/// other roles by any record of theirs.
fn shows_role(meaning: &Meaning) -> bool {
    match meaning.host {
        Role::Any => false,
        Role::Client | Role::Server | Role::Gateway => meaning.mark.is_some() || meaning.implies.is_some(),
        _ => true,
    }
}

/// What one walk over all records, in their order, puts down of each.
pub(super) struct Looked<'a> {
    /// Records of each host.
    pub of_host: Vec<Vec<ItemId>>,
    /// Those of them that show a connection to its listener.
    pub listened: Vec<Vec<ItemId>>,
    /// Records of each rule, by slug.
    pub by_rule: FxHashMap<&'a str, Vec<ItemId>>,
    /// Roles that each host's records show.
    pub roles: Vec<BTreeSet<Role>>,
}

impl<'a> Looked<'a> {
    pub(super) fn of(items: &[Item<'a>], hosts: usize) -> Self {
        let mut looked = Looked {
            of_host: vec![Vec::new(); hosts],
            listened: vec![Vec::new(); hosts],
            by_rule: FxHashMap::default(),
            roles: vec![BTreeSet::new(); hosts],
        };
        for (id, item) in items.iter().enumerate() {
            looked.of_host[item.host].push(id);
            if item.marks(Role::Server, Mark::Open) || item.marks(Role::Server, Mark::Knock) {
                looked.listened[item.host].push(id);
            }
            for rule in item.rules.iter() {
                looked.by_rule.entry(&rule.slug).or_default().push(id);
            }
            let shown = item.meanings().filter(|meaning| shows_role(meaning)).map(|meaning| meaning.host);
            looked.roles[item.host].extend(shown);
        }
        looked
    }
}

/// Bursts of the correlations that fired, by slug; their members join the records by rule.
pub(super) fn bursts<'a>(
    by_rule: &mut BTreeMap<&'a str, Vec<ItemId>>,
    items: &[Item<'a>],
    signatures: &'a Signatures,
) -> BTreeMap<&'a str, Vec<Vec<ItemId>>> {
    let mut bursts = BTreeMap::new();
    for correlation in signatures.correlations() {
        let fired = burst::bursts(correlation, items, by_rule);
        if !fired.is_empty() {
            bursts.insert(correlation.slug.as_str(), fired);
        }
    }
    // Only then: no correlation counts the hits of another.
    for (slug, fired) in &bursts {
        let members: BTreeSet<ItemId> = fired.iter().flatten().copied().collect();
        by_rule.insert(slug, members.into_iter().collect());
    }
    bursts
}

/// What the inputs hold of each host's channels; of an input whose records name no computer, for its writer.
pub(super) fn channels<'a>(
    findings: &'a Findings,
    hosts: &Hosts,
    writers: &Writers<'_>,
) -> Vec<Vec<(&'a str, &'a Coverage)>> {
    let mut channels = vec![Vec::new(); hosts.len()];
    for ((computer, channel), coverage) in &findings.coverage {
        if let Some(host) = hosts.resolve(computer) {
            channels[host].push((&**channel, coverage));
        }
    }
    for input in &findings.inputs {
        if let Some(host) = writers.get(&*input.path) {
            channels[*host].extend(input.channels.iter().map(|(channel, coverage)| (&**channel, coverage)));
        }
    }
    channels
}
