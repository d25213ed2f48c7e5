//! Which computer wrote an input whose records name none, as traces and captures do: what it tells of
//! itself, records of it that stand in a log with names too, what the reader says; else a computer of
//! its own, called by the input's name and never by a computer's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::event::{Guid, Machine, TICKS_PER_SECOND, Time};
use crate::evidence::{Evidence, Findings, InputFacts, Record, unnamed};
use crate::signature::Signatures;
use crate::signature::definition::{Role, Slot};

use super::identity::{HostId, Hosts, address};
use super::item::Item;

/// Two sessions stamp one event a little apart, and count time with clocks of their own, 100 ns.
const SAME_MOMENT: i64 = TICKS_PER_SECOND;

/// Computers by the names of the inputs that they wrote.
pub type Writers<'a> = BTreeMap<&'a str, HostId>;

/// All hosts that records name or the reader tells of, and the writers of inputs without names.
pub fn resolve<'a>(
    findings: &'a Findings,
    signatures: &Signatures,
    aliases: &[(String, String)],
) -> (Hosts, Writers<'a>) {
    let inputs = nameless(findings);
    let (of_inputs, of_hosts) = aliases
        .iter()
        .partition::<Vec<_>, _>(|(a, b)| inputs.iter().any(|input| is_input(input, a) || is_input(input, b)));
    let mut facts: BTreeMap<&str, Vec<&InputFacts>> = BTreeMap::new();
    findings.inputs.iter().for_each(|input| facts.entry(&input.path).or_default().push(input));
    let own = |input: &str| Told::of(input, facts.get(input).map_or(&[], Vec::as_slice), &of_inputs);
    let told: BTreeMap<&str, Told> = inputs.iter().map(|input| (*input, own(input))).collect();
    let written = findings.evidence.unordered().map(|evidence| &*evidence.record.computer);
    let covered = findings.coverage.keys().map(|(computer, _)| &**computer);
    let names = told.values().flat_map(|told| told.names.iter().map(String::as_str));
    let mut hosts = Hosts::new(written.chain(covered).chain(names));
    for (name, other) in of_hosts {
        hosts.alias(name, other);
    }
    let seen = seen_elsewhere(findings, signatures, &hosts);
    let mut writers = Writers::new();
    let groups = groups(&told);
    let labels = labels(&groups);
    for (group, label) in groups.iter().zip(labels) {
        let host = known(group, &told, &seen, &hosts).unwrap_or_else(|| hosts.add(&unnamed(&label)));
        for input in group {
            writers.insert(input, host);
            for ip in told.get(input).into_iter().flat_map(|told| &told.machine.addresses) {
                hosts.learn_address(host, *ip);
            }
        }
    }
    (hosts, writers)
}

/// Inputs with records that name no computer.
fn nameless(findings: &Findings) -> BTreeSet<&str> {
    let told = findings.inputs.iter().filter(|input| input.machine.is_some() || !input.channels.is_empty());
    let records = findings.evidence.unordered().filter(|evidence| evidence.record.computer.is_empty());
    told.map(|input| &*input.path).chain(records.map(|evidence| &*evidence.source.path)).collect()
}

/// Does the reader mean this input?
fn is_input(input: &str, word: &str) -> bool {
    input == word || file_name(input) == word || unnamed(input) == word || unnamed(file_name(input)) == word
}

fn file_name(input: &str) -> &str {
    input.rsplit(['/', '\\']).next().unwrap_or(input)
}

/// What is told of the writer of an input.
#[derive(Default)]
struct Told {
    names: BTreeSet<String>,
    machine: Machine,
}

impl Told {
    fn of(input: &str, own: &[&InputFacts], aliases: &[&(String, String)]) -> Self {
        let mut told = Told::default();
        for facts in own {
            told.machine.merge(facts.machine.clone().unwrap_or_default());
        }
        let mut said = BTreeSet::new();
        for (a, b) in aliases {
            let other = if is_input(input, a) { b } else { a };
            if is_input(input, a) || is_input(input, b) {
                match address(other) {
                    Some(ip) => drop(told.machine.addresses.insert(ip)),
                    None => drop(said.insert(other.clone())),
                }
            }
        }
        // The reader knows better than a trace that was merged on another computer.
        let own = || told.machine.names.iter().map(ToString::to_string).collect();
        told.names = if said.is_empty() { own() } else { said };
        told
    }

    /// Inputs that share it were written by one computer.
    fn start(&self) -> Option<Start> {
        self.machine.boot.or(self.machine.session).zip(self.machine.processors)
    }
}

/// When a system was started, and its processors.
type Start = (Time, (u32, u32));

/// What makes inputs those of one computer.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Same<'t> {
    Name(&'t str),
    Start(Start),
    /// Nothing: it stands alone.
    Input(&'t str),
}

/// Inputs of one computer together.
fn groups<'a>(told: &BTreeMap<&'a str, Told>) -> Vec<Vec<&'a str>> {
    let mut groups: BTreeMap<Same<'_>, Vec<&'a str>> = BTreeMap::new();
    let mut by_start: BTreeMap<Start, BTreeSet<&String>> = BTreeMap::new();
    for own in told.values() {
        own.start().into_iter().for_each(|start| by_start.entry(start).or_default().extend(&own.names));
    }
    for (input, own) in told {
        let start = own.start();
        // A name that another trace of the same run of the system tells counts for this one too. Two are as good as many.
        let alike = || start.and_then(|start| by_start.get(&start)).into_iter().flatten();
        let names: BTreeSet<&String> = match own.names.is_empty() {
            true => alike().copied().take(2).collect(),
            false => own.names.iter().take(2).collect(),
        };
        let same = match (names.len(), start) {
            (1, _) => names.first().map_or(Same::Input(input), |name| Same::Name(name)),
            (0, Some(start)) => Same::Start(start),
            _ => Same::Input(input),
        };
        groups.entry(same).or_default().push(input);
    }
    groups.into_values().collect()
}

/// What each group is called where nothing names it: its first file, with its folder where two are called alike.
fn labels(groups: &[Vec<&str>]) -> Vec<String> {
    let first = |group: &Vec<&str>| group.first().copied().unwrap_or_default().to_owned();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for group in groups {
        *count.entry(file_name(&first(group)).to_owned()).or_default() += 1;
    }
    groups
        .iter()
        .map(|group| {
            let whole = first(group);
            let name = file_name(&whole);
            if count.get(name).is_some_and(|times| *times > 1) { whole } else { name.to_owned() }
        })
        .collect()
}

/// The computer that facts tie a group to; none where they name two.
fn known(
    group: &[&str],
    told: &BTreeMap<&str, Told>,
    seen: &BTreeMap<&str, BTreeSet<HostId>>,
    hosts: &Hosts,
) -> Option<HostId> {
    let own = || group.iter().filter_map(|input| told.get(input));
    let only = |found: BTreeSet<HostId>| if found.len() == 1 { found.first().copied() } else { None };
    let by_name = only(own().flat_map(|told| &told.names).filter_map(|name| hosts.resolve(name)).collect());
    let by_record = || only(group.iter().filter_map(|input| seen.get(input)).flatten().copied().collect());
    let by_address = || {
        let addresses = own().flat_map(|told| &told.machine.addresses);
        only(addresses.filter_map(|ip| hosts.resolve(&ip.to_string())).collect())
    };
    by_name.or_else(by_record).or_else(by_address)
}

/// Computers in whose logs records of nameless inputs stand as well: the same event under the same
/// ActivityID, or a connection accepted from the same address and port, at the same moment.
fn seen_elsewhere<'a>(
    findings: &'a Findings,
    signatures: &Signatures,
    hosts: &Hosts,
) -> BTreeMap<&'a str, BTreeSet<HostId>> {
    let (without, with): (Vec<&Evidence>, Vec<&Evidence>) =
        findings.evidence.unordered().partition(|evidence| evidence.record.computer.is_empty());
    let mut seen: BTreeMap<&str, BTreeSet<HostId>> = BTreeMap::new();
    if without.is_empty() {
        return seen;
    }
    let mut by_activity: BTreeMap<(&str, u32, Guid), Vec<&Evidence>> = BTreeMap::new();
    let mut by_peer: BTreeMap<SocketAddr, Vec<&Evidence>> = BTreeMap::new();
    for evidence in with {
        if let Some(activity) = evidence.record.activity_id {
            let key = (&*evidence.record.provider, evidence.record.event_id, activity);
            by_activity.entry(key).or_default().push(evidence);
        }
        if let Some(peer) = accepted(evidence, signatures) {
            by_peer.entry(peer).or_default().push(evidence);
        }
    }
    for evidence in without {
        let record = &evidence.record;
        let key = record.activity_id.map(|activity| (&*record.provider, record.event_id, activity));
        let same = key.and_then(|key| by_activity.get(&key)).into_iter().flatten();
        let same = same.filter(|other| copies(record, &other.record));
        let peers = accepted(evidence, signatures).and_then(|peer| by_peer.get(&peer)).into_iter().flatten();
        let peers = peers.filter(|other| near(record.time, other.record.time));
        let found = same.chain(peers).filter_map(|other| hosts.resolve(&other.record.computer));
        let found: BTreeSet<HostId> = found.collect();
        if !found.is_empty() {
            seen.entry(&evidence.source.path).or_default().extend(found);
        }
    }
    seen
}

/// Address and port from which a server says that it was connected to.
fn accepted(evidence: &Evidence, signatures: &Signatures) -> Option<SocketAddr> {
    let rules = evidence.signatures.iter().filter_map(|slug| signatures.rule(slug)?.meaning.as_ref());
    let mut fields =
        rules.filter(|meaning| meaning.host == Role::Server).filter_map(|m| m.capture.get(&Slot::ClientIp)).flatten();
    fields.find_map(|name| evidence.record.field(name)?.trim().parse().ok())
}

fn near(a: Option<Time>, b: Option<Time>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.since(b).abs() <= SAME_MOMENT)
}

/// One event in two logs: nothing that both tell differs.
fn copies(a: &Record, b: &Record) -> bool {
    let process = a.process_id.zip(b.process_id).is_none_or(|(a, b)| a == b);
    let fields = a.fields.iter().all(|field| {
        let other = b.fields.iter().find(|other| other.0 == field.0);
        other.is_none_or(|other| field.1.trim().eq_ignore_ascii_case(other.1.trim()))
    });
    process && fields && near(a.time, b.time)
}

/// How many alike records of one moment are looked at for the twin of one that a trace holds too: so many of one kind at
/// one tick are a crafted log's, and all would be held against all.
const TWINS: usize = 256;

/// Leaves each event of a computer once, where a trace holds what a log of the same computer holds too.
/// Logs with record ids outweigh others.
pub fn once(items: &mut Vec<Item<'_>>) {
    let mut groups: BTreeMap<(HostId, &str, u32, Option<Guid>), Vec<usize>> = BTreeMap::new();
    if items.iter().all(|item| !item.evidence.record.computer.is_empty()) {
        return;
    }
    for (at, item) in items.iter().enumerate() {
        let record = &item.evidence.record;
        groups.entry((item.host, &record.provider, record.event_id, record.activity_id)).or_default().push(at);
    }
    let mut drop = BTreeSet::new();
    for group in groups.into_values() {
        let rank = |at: &usize| {
            let evidence = items[*at].evidence;
            (evidence.record.computer.is_empty(), &*evidence.source.path)
        };
        let (traced, named): (Vec<usize>, Vec<usize>) = group.into_iter().partition(|at| rank(at).0);
        let mut kept: Vec<(usize, BTreeSet<&str>)> = named.into_iter().map(|at| (at, BTreeSet::new())).collect();
        for at in traced {
            let evidence = items[at].evidence;
            let path = &*evidence.source.path;
            // Alike records of one input are several events.
            let twin = kept.iter_mut().rev().take(TWINS).find(|(other, taken)| {
                let other = items[*other].evidence;
                *other.source.path != *path && !taken.contains(path) && copies(&evidence.record, &other.record)
            });
            match twin {
                Some((_, taken)) => {
                    taken.insert(path);
                    drop.insert(at);
                }
                None => kept.push((at, BTreeSet::new())),
            }
        }
    }
    let mut at = 0;
    items.retain(|_| {
        at += 1;
        !drop.contains(&(at - 1))
    });
}
