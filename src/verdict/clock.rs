//! Clocks as the report shows them: by what their offsets are known, when they were set, and what
//! independent records say of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::HostId;
use crate::attempt::item::Item;
use crate::attempt::{Attempt, Case, HostClock, ItemId, Step};
use crate::event::{TICKS_PER_SECOND, Time};
use crate::report::model::{Clock, ClockStep, ClockWitness};
use crate::signature::definition::{Role, Slot};

use super::words;

/// Milliseconds in 100 ns steps.
const MILLISECOND: i64 = TICKS_PER_SECOND / 1000;
/// Kerberos tolerates no more between two clocks, 100 ns.
const TOLERATED: i64 = 300 * TICKS_PER_SECOND;
/// A reading of another clock is this exact, 100 ns.
const EXACT: i64 = 2 * TICKS_PER_SECOND;
/// State that records of a clock set.
const CLOCK: &str = "clock";
/// Most settings of a clock that are told.
const STEPS: usize = 20;
/// Witnesses of a clock speak of its time when they stand this near an attempt, 100 ns.
const NEAR: i64 = 24 * 3600 * TICKS_PER_SECOND;

/// What is said of all clocks together.
pub struct Clocks {
    /// No attempt touches two hosts.
    alone: bool,
    /// Records that speak of the clock of each host, near the attempts.
    speak: Vec<Vec<ItemId>>,
}

impl Clocks {
    /// Gathered in one pass.
    pub fn of(case: &Case<'_>) -> Self {
        let ends = |a: &Attempt| [a.client, a.server, a.gateway].into_iter().flatten().collect::<BTreeSet<_>>();
        let span = case.attempts.iter().map(|a| (a.start, a.end)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let near = |time: Time| span.is_none_or(|(from, to)| from.plus(-NEAR) <= time && time <= to.plus(NEAR));
        let mut speak = vec![Vec::new(); case.hosts.len()];
        for (id, item) in case.items.iter().enumerate().filter(|(_, item)| !item.noise) {
            if let Some(host) = subject(case, item).filter(|_| near(case.aligned(item.host, item.time))) {
                speak[host].push(id);
            }
        }
        Clocks { alone: case.attempts.iter().all(|attempt| ends(attempt).len() < 2), speak }
    }

    /// The clock of one host.
    pub fn clock(&self, case: &Case<'_>, host: HostId) -> Clock {
        clock(case, host, self)
    }
}

fn clock(case: &Case<'_>, host: HostId, all: &Clocks) -> Clock {
    let known = &case.clocks[host];
    let state = match known.ahead {
        Some(_) if case.reference == Some(host) => "reference",
        Some(_) if known.pairs > 1 || known.read => "aligned",
        Some(_) => "assumed",
        None if known.failed => "unaligned",
        None if all.alone || case.hosts.len() == 1 => "reference",
        None => "assumed",
    };
    let steps = &case.steps[host];
    let of_its_own = known.parts.iter().filter(|part| part.pairs > 0 && Some(part.ahead) != known.ahead);
    let cuts = steps.iter().filter(|step| step.corrected).count() + of_its_own.count();
    Clock {
        reference: case.reference.map(|host| case.hosts.name(host).to_string()),
        offset_ms: known.ahead.map(|ahead| ahead / MILLISECOND),
        spread_ms: known.ahead.filter(|_| known.pairs > 0 || known.read).map(|_| known.spread / MILLISECOND),
        pairs: known.pairs as u64,
        state: state.to_string(),
        segments: cuts as u64 + 1,
        known_by: known_by(known),
        unaligned_with: known.apart.iter().map(|other| case.hosts.name(*other).to_string()).collect(),
        steps: steps.iter().rev().take(STEPS).rev().map(|step| told(known, step)).collect(),
        witnesses: witnesses(case, host, &all.speak[host]),
    }
}

fn known_by(clock: &HostClock) -> Option<String> {
    clock.ahead?;
    match (clock.read, clock.pairs) {
        (true, _) => Some("readings".to_string()),
        (false, 0) => None,
        (false, _) => Some("pairs".to_string()),
    }
}

fn told(clock: &HostClock, step: &Step) -> ClockStep {
    let known_by = match (step.records.is_empty(), step.in_order) {
        _ if step.inferred() => "later step",
        (false, true) => "record, order",
        (false, false) => "record",
        (true, _) => "order",
    };
    let own = clock.parts.iter().find(|part| part.until == step.at && part.pairs > 0);
    ClockStep {
        before: step.before,
        after: step.after,
        ms: step.ticks / MILLISECOND,
        known_by: known_by.to_string(),
        corrected: step.corrected,
        offset_ms: own.map(|part| part.ahead).filter(|ahead| Some(*ahead) != clock.ahead).map(|a| a / MILLISECOND),
        events: step.records.clone(),
    }
}

/// The last record of each kind that speaks of this clock before the attempts are over, where it is near them.
fn witnesses(case: &Case<'_>, host: HostId, speak: &[ItemId]) -> Vec<ClockWitness> {
    let mut last: BTreeMap<&str, (&Item<'_>, Option<bool>)> = BTreeMap::new();
    for item in speak.iter().map(|id| &case.items[*id]) {
        for set in item.meanings().filter_map(|meaning| meaning.sets.as_ref()).filter(|set| set.state == CLOCK) {
            last.insert(&set.value, (item, judged(case, host, item, &set.value)));
        }
        if let Some(other) = item.clock(Slot::ClockOther) {
            last.insert("", (item, read(case, host, item, other)));
        }
    }
    let mut found: Vec<(&Item<'_>, Option<bool>)> = last.into_values().collect();
    found.sort_by_key(|(item, _)| (item.time, item.evidence.event));
    found.dedup_by_key(|(item, _)| item.evidence.event);
    let one =
        |(item, agrees): (&Item<'_>, _)| ClockWitness { event: item.evidence.event, says: says(case, item), agrees };
    found.into_iter().map(one).collect()
}

/// Whose clock a record speaks of: the named computer's, else that of the address that asked, else its writer's.
fn subject(case: &Case<'_>, item: &Item<'_>) -> Option<HostId> {
    let of_clock = item.meanings().any(|meaning| meaning.sets.as_ref().is_some_and(|set| set.state == CLOCK));
    if !of_clock && item.clock(Slot::ClockOther).is_none() {
        return None;
    }
    let named = item.capture(Slot::Target).and_then(|name| case.hosts.resolve(name.trim_end_matches('$')));
    let asked = || {
        let by_controller = item.on_side(Role::Dc).next().is_some();
        let host = item.ip(Slot::ClientIp).and_then(|ip| case.hosts.resolve(&ip.to_string()));
        host.or_else(|| case.hosts.resolve(item.capture(Slot::ClientHost)?)).filter(|_| by_controller)
    };
    Some(named.or_else(asked).unwrap_or(item.host))
}

/// Does a state of the clock go with the offsets found? Where all clocks of the case are within the tolerance
/// and were compared, a clock beyond it speaks against them; a clock that is off bears such a record out.
fn judged(case: &Case<'_>, host: HostId, item: &Item<'_>, value: &str) -> Option<bool> {
    let others = || case.clocks.iter().enumerate().filter(|(other, _)| *other != host);
    let gap = |a: &HostClock| Some((a.ahead? - case.clocks[host].ahead?).abs());
    let widest = others().filter_map(|(_, other)| gap(other)).max();
    let wrong_then =
        case.steps[host].iter().any(|step| step.corrected && item.time < step.at && -step.ticks > TOLERATED);
    match value {
        "skewed" if wrong_then || widest.is_some_and(|gap| gap > TOLERATED) => Some(true),
        "skewed" if widest.is_some() && controller(case).is_some_and(|dc| case.clocks[dc].ahead.is_some()) => {
            Some(false)
        }
        "synchronised" => {
            let follows = |other: &HostId| {
                case.items_of(*other).any(|item| {
                    let mut sets = item.meanings().filter_map(|meaning| meaning.sets.as_ref());
                    sets.any(|set| set.state == CLOCK && set.value == value)
                })
            };
            let far = others().any(|(other, clock)| gap(clock).is_some_and(|gap| gap > TOLERATED) && follows(&other));
            far.then_some(false)
        }
        "wrong" | "unsynchronised" => widest.filter(|gap| *gap > EXACT).map(|_| true),
        _ => None,
    }
}

/// A reading of the controller's clock against the offset found from pairs.
fn read(case: &Case<'_>, host: HostId, item: &Item<'_>, other: Time) -> Option<bool> {
    let own = case.clocks[host].ahead?;
    let told = item.time.since(other);
    let slack = EXACT + case.clocks[host].spread;
    if let Some(theirs) = controller(case).and_then(|dc| case.clocks[dc].ahead) {
        return Some((own - theirs - told).abs() <= slack);
    }
    // Without the controller's logs: against another computer's reading.
    let readings = case.items.iter().filter(|item| item.host != host && case.clocks[item.host].ahead.is_some());
    let mut gaps = readings.filter_map(|item| {
        let theirs = item.time.since(item.clock(Slot::ClockOther)?);
        Some((own - case.clocks[item.host].ahead? - (told - theirs)).abs() <= slack)
    });
    gaps.next_back()
}

/// The only domain controller of the case.
fn controller(case: &Case<'_>) -> Option<HostId> {
    let mut found = (0..case.hosts.len()).filter(|host| case.roles[*host].contains(&Role::Dc));
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn says(case: &Case<'_>, item: &Item<'_>) -> String {
    let record = &item.evidence.record;
    let name = format!("{} {}", case.signatures.short(&record.provider), record.event_id);
    match item.clock(Slot::ClockOther) {
        Some(other) => {
            let ms = item.time.since(other) / MILLISECOND;
            let way = if ms < 0 { "behind" } else { "ahead of" };
            let seconds = ms.unsigned_abs() as f64 / 1000.0;
            format!("{name}: {seconds:.1} s {way} the clock of the computer that answered")
        }
        None => format!("{name}: {}", words::message(case, item)),
    }
}
