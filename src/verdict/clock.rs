//! Clocks as the report shows them: by what their offsets are known, when they were set, and what
//! independent records say of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::HostId;
use crate::attempt::item::Item;
use crate::attempt::{Attempt, Case, HostClock, ItemId, Step};
use crate::event::{TICKS_PER_SECOND, Time};
use crate::report::model::{Clock, ClockState, ClockStep, ClockWitness, OffsetBasis, StepBasis};
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
/// The one of a clock that follows a time source.
const SYNCHRONISED: &str = "synchronised";
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
    /// The only domain controller of the case.
    controller: Option<HostId>,
    /// How many offsets are known.
    known: usize,
    /// The least and the most of them.
    range: Option<Range>,
    /// The least and the most of those of clocks that followed a time source.
    following: Option<Range>,
    /// Records that read another clock, of hosts whose offset is known.
    readings: Vec<ItemId>,
}

/// The least and the most by which clocks are ahead, 100 ns.
type Range = (i64, i64);

impl Clocks {
    /// Gathered in one pass.
    pub fn of(case: &Case<'_>) -> Self {
        let ends = |a: &Attempt| [a.client, a.server, a.gateway].into_iter().flatten().collect::<BTreeSet<_>>();
        let span = case.attempts.iter().map(|a| (a.start, a.end)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let near = |time: Time| span.is_none_or(|(from, to)| from.plus(-NEAR) <= time && time <= to.plus(NEAR));
        let mut speak = vec![Vec::new(); case.hosts.len()];
        let (mut following, mut readings) = (BTreeSet::new(), Vec::new());
        for (id, item) in case.items.iter().enumerate() {
            let (sets, reads) = (states(item).next().is_some(), item.clock(Slot::ClockOther).is_some());
            if states(item).any(|value| value == SYNCHRONISED) {
                following.insert(item.host);
            }
            if reads && case.clocks[item.host].ahead.is_some() {
                readings.push(id);
            }
            if (sets || reads) && !item.noise && near(case.aligned(item.host, item.time)) {
                speak[subject(case, item)].push(id);
            }
        }
        let offsets = || case.clocks.iter().filter_map(|clock| clock.ahead);
        Clocks {
            alone: case.attempts.iter().all(|attempt| ends(attempt).len() < 2),
            speak,
            controller: case.only(Role::Dc),
            known: offsets().count(),
            range: range(offsets()),
            following: range(following.into_iter().filter_map(|host| case.clocks[host].ahead)),
            readings,
        }
    }

    /// The clock of one host.
    pub fn clock(&self, case: &Case<'_>, host: HostId) -> Clock {
        clock(case, host, self)
    }

    /// By how much the clock of a host is off that of any other, at most; `None`: it was compared with none.
    fn widest(&self, case: &Case<'_>, host: HostId) -> Option<i64> {
        self.range.zip(case.clocks[host].ahead).filter(|_| self.known > 1).map(|(range, own)| furthest(range, own))
    }
}

fn range(offsets: impl Iterator<Item = i64>) -> Option<Range> {
    offsets.map(|own| (own, own)).reduce(|all, own| (all.0.min(own.0), all.1.max(own.1)))
}

/// How far the end of a range is that is further away.
fn furthest((least, most): Range, from: i64) -> i64 {
    (from - least).abs().max((most - from).abs())
}

/// States of a clock that a record tells.
fn states<'a>(item: &Item<'a>) -> impl Iterator<Item = &'a str> {
    let sets = item.meanings().filter_map(|meaning| meaning.sets.as_ref());
    sets.filter(|set| set.state == CLOCK).map(|set| set.value.as_str())
}

fn clock(case: &Case<'_>, host: HostId, all: &Clocks) -> Clock {
    let known = &case.clocks[host];
    let state = match known.ahead {
        Some(_) if case.reference == Some(host) => ClockState::Reference,
        Some(_) if known.pairs > 1 || known.read => ClockState::Aligned,
        Some(_) => ClockState::Assumed,
        None if known.failed => ClockState::Unaligned,
        None if all.alone || case.hosts.len() == 1 => ClockState::Reference,
        None => ClockState::Assumed,
    };
    let steps = &case.steps[host];
    let of_its_own = known.parts.iter().filter(|part| part.pairs > 0 && Some(part.ahead) != known.ahead);
    let cuts = steps.iter().filter(|step| step.corrected).count() + of_its_own.count();
    Clock {
        reference: case.reference.map(|host| case.hosts.name(host).to_string()),
        offset_ms: known.ahead.map(|ahead| ahead / MILLISECOND),
        spread_ms: known.ahead.filter(|_| known.pairs > 0 || known.read).map(|_| known.spread / MILLISECOND),
        pairs: known.pairs as u64,
        state,
        segments: cuts as u64 + 1,
        known_by: known_by(known),
        unaligned_with: known.apart.iter().map(|other| case.hosts.name(*other).to_string()).collect(),
        steps: steps.iter().rev().take(STEPS).rev().map(|step| told(known, step)).collect(),
        witnesses: witnesses(case, host, all),
    }
}

fn known_by(clock: &HostClock) -> Option<OffsetBasis> {
    clock.ahead?;
    match (clock.read, clock.pairs) {
        (true, _) => Some(OffsetBasis::Readings),
        (false, 0) => None,
        (false, _) => Some(OffsetBasis::Pairs),
    }
}

fn told(clock: &HostClock, step: &Step) -> ClockStep {
    let known_by = match (step.records.is_empty(), step.in_order) {
        _ if step.inferred() => StepBasis::LaterStep,
        (false, true) => StepBasis::Both,
        (false, false) => StepBasis::Record,
        (true, _) => StepBasis::Order,
    };
    let own = clock.parts.iter().find(|part| part.until == step.at && part.pairs > 0);
    ClockStep {
        before: step.before,
        after: step.after,
        ms: step.ticks / MILLISECOND,
        known_by,
        corrected: step.corrected,
        offset_ms: own.map(|part| part.ahead).filter(|ahead| Some(*ahead) != clock.ahead).map(|a| a / MILLISECOND),
        events: step.records.clone(),
    }
}

/// The last record of each kind that speaks of this clock before the attempts are over, where it is near them.
fn witnesses(case: &Case<'_>, host: HostId, all: &Clocks) -> Vec<ClockWitness> {
    let mut last: BTreeMap<Option<&str>, &Item<'_>> = BTreeMap::new();
    for item in all.speak[host].iter().map(|id| &case.items[*id]) {
        let read = item.clock(Slot::ClockOther).map(|_| None);
        last.extend(states(item).map(Some).chain(read).map(|kind| (kind, item)));
    }
    let judge = |(kind, item): (Option<&str>, _)| match kind {
        Some(value) => (item, judged(case, host, item, value, all)),
        None => (item, read(case, host, item, all)),
    };
    let mut found: Vec<(&Item<'_>, Option<bool>)> = last.into_iter().map(judge).collect();
    found.sort_by_key(|(item, _)| (item.time, item.evidence.event));
    found.dedup_by_key(|(item, _)| item.evidence.event);
    let one =
        |(item, agrees): (&Item<'_>, _)| ClockWitness { event: item.evidence.event, says: says(case, item), agrees };
    found.into_iter().map(one).collect()
}

/// Whose clock a record speaks of: the named computer's, else that of the address that asked, else its writer's.
fn subject(case: &Case<'_>, item: &Item<'_>) -> HostId {
    let named = item.capture(Slot::Target).and_then(|name| case.hosts.resolve(name.trim_end_matches('$')));
    let asked = || {
        let by_controller = item.on_side(Role::Dc).next().is_some();
        let host = item.ip(Slot::ClientIp).and_then(|ip| case.hosts.resolve(&ip.to_string()));
        host.or_else(|| case.hosts.resolve(item.capture(Slot::ClientHost)?)).filter(|_| by_controller)
    };
    named.or_else(asked).unwrap_or(item.host)
}

/// Does a state of the clock go with the offsets found? Where all clocks of the case are within the tolerance
/// and were compared, a clock beyond it speaks against them; a clock that is off bears such a record out.
fn judged(case: &Case<'_>, host: HostId, item: &Item<'_>, value: &str, all: &Clocks) -> Option<bool> {
    let widest = all.widest(case, host);
    let wrong_then =
        case.steps[host].iter().any(|step| step.corrected && item.time < step.at && -step.ticks > TOLERATED);
    match value {
        "skewed" if wrong_then || widest.is_some_and(|gap| gap > TOLERATED) => Some(true),
        "skewed" if widest.is_some() && all.controller.is_some_and(|dc| case.clocks[dc].ahead.is_some()) => Some(false),
        SYNCHRONISED => {
            let far = all.following.zip(case.clocks[host].ahead).map(|(range, own)| furthest(range, own));
            far.filter(|gap| *gap > TOLERATED).map(|_| false)
        }
        "wrong" | "unsynchronised" => widest.filter(|gap| *gap > EXACT).map(|_| true),
        _ => None,
    }
}

/// A reading of the controller's clock against the offset found from pairs.
fn read(case: &Case<'_>, host: HostId, item: &Item<'_>, all: &Clocks) -> Option<bool> {
    let own = case.clocks[host].ahead?;
    let told = item.time.since(item.clock(Slot::ClockOther)?);
    let slack = EXACT + case.clocks[host].spread;
    if let Some(theirs) = all.controller.and_then(|dc| case.clocks[dc].ahead) {
        return Some((own - theirs - told).abs() <= slack);
    }
    // Without the controller's logs: against another computer's reading.
    let other = all.readings.iter().rev().map(|id| &case.items[*id]).find(|item| item.host != host)?;
    let theirs = other.time.since(other.clock(Slot::ClockOther)?);
    Some((own - case.clocks[other.host].ahead? - (told - theirs)).abs() <= slack)
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
