//! Hosts, clocks, channels and inputs as the report shows them.

use std::collections::{BTreeMap, BTreeSet};

use super::{audit, clock};
use crate::attempt::Case;
use crate::attempt::identity::HostId;
use crate::attempt::item::Item;
use crate::event::Time;
use crate::evidence::{Coverage, Findings};
use crate::report::model::{
    AuditState, ChannelCoverage, ChannelState, Clock, DamageReport, HostCoverage, InputReport, Lost, ProviderReport,
};
use crate::signature::definition::{Mark, Meaning, Role, Slot};

/// What the logs cover, host by host.
pub fn hosts(case: &Case<'_>) -> Vec<HostCoverage> {
    let cleared = cleared(case);
    let empty = empty(case);
    let sessions = audit::Sessions::of(case);
    let firsts = first_attempts(case);
    let clocks = clock::Clocks::of(case);
    let mut hosts: Vec<HostCoverage> = case
        .hosts
        .iter()
        .map(|(id, host)| {
            let mut aliases: BTreeSet<String> = host.names.clone();
            aliases.remove(&host.name.to_lowercase());
            aliases.extend(host.addresses.iter().map(ToString::to_string));
            let first = firsts[id];
            let mut channels: Vec<ChannelCoverage> = case.channels[id]
                .iter()
                .map(|(name, coverage)| {
                    let cleared = cleared.get(&(id, name.to_lowercase())).copied();
                    channel(name, coverage, first, cleared)
                })
                .collect();
            let without = |state: ChannelState, channel: String| ChannelCoverage {
                channel,
                state,
                first: None,
                last: None,
                records: 0,
                lost: 0,
            };
            let unknown = |channels: &[ChannelCoverage], name: &str| {
                !channels.iter().any(|known| known.channel.eq_ignore_ascii_case(name))
            };
            for name in empty.get(&id).into_iter().flatten() {
                if unknown(&channels, name) {
                    channels.push(without(ChannelState::Empty, name.clone()));
                }
            }
            for name in framing(case, id) {
                if !case.elsewhere(id) && unknown(&channels, name) {
                    channels.push(without(ChannelState::Absent, name.to_string()));
                }
            }
            HostCoverage {
                host: host.name.clone(),
                aliases: aliases.into_iter().collect(),
                roles: case.roles[id].iter().map(|role| role.word().to_string()).collect(),
                os: os(case, id),
                clock: clocks.clock(case, id),
                channels,
                audit: audit::audit(case, &sessions, id),
            }
        })
        .collect();
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    hosts
}

/// Adds what a later stretch of time tells of the same hosts. Both are in order of names.
pub fn add(before: &mut Vec<HostCoverage>, later: Vec<HostCoverage>) {
    if before.is_empty() {
        *before = later;
        return;
    }
    for new in later {
        match before.binary_search_by(|known| known.host.cmp(&new.host)) {
            Ok(at) => join(&mut before[at], new),
            Err(at) => before.insert(at, new),
        }
    }
}

/// What two stretches of time tell of one host, `later` after `known`.
fn join(known: &mut HostCoverage, later: HostCoverage) {
    union(&mut known.aliases, later.aliases);
    union(&mut known.roles, later.roles);
    known.os = later.os.or(known.os.take());
    for new in later.channels {
        match known.channels.iter_mut().find(|channel| channel.channel.eq_ignore_ascii_case(&new.channel)) {
            // The host's first attempt decides how a channel is called, and the stretch in which it was emptied.
            Some(channel) if new.state == ChannelState::Cleared => *channel = new,
            Some(_) => {}
            None => known.channels.push(new),
        }
    }
    let sure = |state: &AuditState| match state {
        AuditState::Other(_) => 0,
        AuditState::NotSeen => 1,
        AuditState::Off => 2,
        AuditState::Seen => 3,
    };
    for new in later.audit {
        match known.audit.iter_mut().find(|one| one.guid == new.guid) {
            Some(one) if sure(&new.state) > sure(&one.state) => *one = new,
            Some(_) => {}
            None => known.audit.push(new),
        }
    }
    // Of two offsets that of more pairs; what else is known of the clock adds up.
    let (best, mut other) = (&mut known.clock, later.clock);
    if knows(&other) > knows(best) {
        std::mem::swap(best, &mut other);
    }
    union(&mut best.unaligned_with, other.unaligned_with);
    best.segments = best.segments.max(other.segments);
    best.steps.extend(other.steps);
    best.steps.sort_by_key(|step| (step.before, step.after));
    best.steps.dedup_by_key(|step| (step.before, step.after));
    best.witnesses.extend(other.witnesses);
    best.witnesses.sort_by_key(|witness| witness.event);
    best.witnesses.dedup_by_key(|witness| witness.event);
}

/// How much a clock's offset rests on.
fn knows(clock: &Clock) -> (bool, u64) {
    (clock.offset_ms.is_some(), clock.pairs)
}

fn union(known: &mut Vec<String>, more: Vec<String>) {
    known.extend(more);
    known.sort();
    known.dedup();
}

/// Start of the first attempt that touches each host, on its own clock; of any where none does.
fn first_attempts(case: &Case<'_>) -> Vec<Option<Time>> {
    let mut own: Vec<Option<Time>> = vec![None; case.hosts.len()];
    for attempt in &case.attempts {
        for host in attempt.ends() {
            own[host] = Some(own[host].map_or(attempt.start, |first| first.min(attempt.start)));
        }
    }
    let any = case.attempts.iter().map(|attempt| attempt.start).min();
    own.into_iter().enumerate().map(|(host, first)| first.or(any).map(|time| case.local(host, time))).collect()
}

/// The system that the last start tells: by its build number, which does not tell the edition.
fn os(case: &Case<'_>, host: HostId) -> Option<String> {
    let build = case.items_of(host).rev().find_map(|item| item.number(Slot::Build))?;
    let known = case.signatures.code(Slot::Build.word(), build).map(|code| code.meaning.as_str());
    Some(known.map_or(format!("build {build}"), |name| format!("{name} (build {build})")))
}

/// Channels in which a host of these roles logs that a connection began, reached a session, or ended: every connection
/// stands in them, so that one which is not here is absent. Narrower than what is worth collecting (`marking` in
/// inventory.rs): Security and System hold steps of some connections, and a computer without them may be whole.
fn framing<'a>(case: &'a Case<'_>, host: HostId) -> BTreeSet<&'a str> {
    let marks = |meaning: &Meaning| {
        [Role::Client, Role::Server].contains(&meaning.host)
            && case.roles[host].contains(&meaning.host)
            && matches!(meaning.mark, Some(Mark::Open | Mark::Session | Mark::End))
    };
    let rules = case.signatures.rules().filter(|rule| rule.meaning.as_ref().is_some_and(marks));
    rules
        .flat_map(|rule| case.signatures.providers(rule))
        .filter_map(|provider| case.signatures.channel(provider))
        .collect()
}

/// Logs without a record, by the names of their files, where all other inputs of their folder are of one host.
fn empty(case: &Case<'_>) -> BTreeMap<HostId, BTreeSet<String>> {
    let folder = |path: &str| path.rfind(['/', '\\']).map_or(String::new(), |at| path[..at].to_string());
    let mut hosts: BTreeMap<String, BTreeSet<HostId>> = BTreeMap::new();
    let mut found: BTreeMap<HostId, BTreeSet<String>> = BTreeMap::new();
    let none: Vec<&str> =
        case.findings.inputs.iter().filter(|i| i.records == 0 && &*i.kind == "evtx").map(|i| &*i.path).collect();
    if none.is_empty() {
        return found;
    }
    for item in &case.items {
        hosts.entry(folder(&item.evidence.source.path)).or_default().insert(item.host);
    }
    for path in none {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let Some(channel) = name.strip_suffix(".evtx") else { continue };
        if let Some(Some(host)) = hosts.get(&folder(path)).map(|all| all.first().filter(|_| all.len() == 1)) {
            found.entry(*host).or_default().insert(channel.replace("%4", "/"));
        }
    }
    found
}

/// Logs that somebody emptied, and when for the last time: the record names the log, or stands first in it.
fn cleared(case: &Case<'_>) -> BTreeMap<(HostId, String), Time> {
    let says = |item: &&Item<'_>| {
        let mut settings = item.meanings().filter_map(|meaning| meaning.sets.as_ref());
        settings.any(|setting| setting.state == "log" && setting.value == "cleared")
    };
    let log = |item: &Item<'_>| {
        let record = &item.evidence.record;
        record.field("Channel").filter(|name| !name.is_empty()).unwrap_or(&record.channel).to_lowercase()
    };
    case.items.iter().filter(says).map(|item| ((item.host, log(item)), item.time)).collect()
}

/// What a channel holds of the time from the host's first attempt on.
fn channel(name: &str, coverage: &Coverage, first_attempt: Option<Time>, cleared: Option<Time>) -> ChannelCoverage {
    let bounds = coverage.bounds();
    let late = bounds.zip(first_attempt).is_some_and(|((first, _), attempt)| first > attempt);
    let starts_at_one = coverage.runs.first().is_some_and(|run| run.first_id <= 1);
    let since = cleared.is_some_and(|cleared| first_attempt.is_none_or(|first| cleared >= first));
    let state = if coverage.forwarded {
        ChannelState::Forwarded
    } else if !coverage.contiguous() {
        if coverage.damaged() { ChannelState::Damaged } else { ChannelState::Filtered }
    } else if since {
        ChannelState::Cleared
    } else if late && !starts_at_one {
        ChannelState::Wrapped
    } else if coverage.damaged() {
        ChannelState::Damaged
    } else {
        ChannelState::Present
    };
    ChannelCoverage {
        channel: name.to_string(),
        state,
        first: bounds.map(|(first, _)| first),
        last: bounds.map(|(_, last)| last),
        records: coverage.records(),
        lost: if coverage.damaged() { coverage.missing() } else { 0 },
    }
}

/// Every input with what is wrong with it; inputs that could not be opened too.
pub fn inputs(findings: &Findings) -> Vec<InputReport> {
    let mut damage: BTreeMap<&str, Vec<DamageReport>> = BTreeMap::new();
    for problem in &findings.problems {
        damage.entry(&problem.path).or_default().push(DamageReport::from(problem));
    }
    let mut inputs: Vec<InputReport> = findings
        .inputs
        .iter()
        .map(|input| InputReport {
            path: input.path.to_string(),
            kind: input.kind.to_string(),
            bytes: input.bytes,
            sha256: input.sha256.as_ref().map(ToString::to_string),
            records: input.records,
            record_kinds: input.record_kinds.clone(),
            providers: input.providers.iter().map(ProviderReport::from).collect(),
            first: input.first,
            last: input.last,
            lost: Lost { events: input.lost_events, buffers: input.lost_buffers },
            damage: damage.get(&*input.path).cloned().unwrap_or_default(),
        })
        .collect();
    for input in &findings.inputs {
        damage.remove(&*input.path);
    }
    inputs.extend(damage.into_iter().map(|(path, damage)| InputReport {
        path: path.to_string(),
        kind: InputReport::UNREADABLE.to_string(),
        bytes: 0,
        sha256: None,
        records: 0,
        record_kinds: BTreeMap::new(),
        providers: Vec::new(),
        first: None,
        last: None,
        lost: Lost::default(),
        damage,
    }));
    inputs.sort_by(|a, b| a.path.cmp(&b.path));
    inputs
}
