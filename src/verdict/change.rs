//! What changed on the hosts of a cause's attempts before the first of them failed. Never called a cause.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::HostId;
use crate::attempt::item::Item;
use crate::attempt::{Attempt, Case, ItemId};
use crate::event::{TICKS_PER_SECOND, Time};
use crate::report::model::Change;
use crate::signature::definition::{Mark, Slot};

use super::words;

/// How long before the first failure a change is worth naming, 100 ns.
const NEAR: i64 = 24 * 3600 * TICKS_PER_SECOND;
/// Most changes named.
const MOST: usize = 10;
/// Services come up this long after a start of the computer, 100 ns: the start is the change.
const STARTING: i64 = 180 * TICKS_PER_SECOND;
/// Smaller settings of a clock are daily business, 100 ns.
const LEAST_STEP: i64 = TICKS_PER_SECOND;
/// States that change by themselves, or whose changes other records tell.
const ASIDE: [&str; 2] = ["clock", "log"];
/// State of a computer that starts.
const BOOT: (&str, &str) = ("boot", "up");

/// Records on the attempts' hosts that say that something changed, between the last success and the first
/// failure, a day at most: of each kind the last one, with how often. What the cause cites stands there already.
pub fn changes(
    case: &Case<'_>,
    attempts: &[&Attempt],
    cited: &BTreeSet<ItemId>,
    success: Option<Time>,
    first: Time,
) -> Vec<Change> {
    let hosts: BTreeSet<HostId> = attempts.iter().flat_map(|a| [a.client, a.server, a.gateway]).flatten().collect();
    let from = success.unwrap_or_default().max(first.plus(-NEAR));
    // Clocks of other hosts may be hours apart.
    let start = case.items.partition_point(|item| item.time < from.plus(-NEAR));
    let mut starts: BTreeMap<HostId, Time> = BTreeMap::new();
    let mut last: BTreeMap<(HostId, &str), (ItemId, usize)> = BTreeMap::new();
    for (id, item) in case.items.iter().enumerate().skip(start) {
        if item.time > first.plus(NEAR) {
            break;
        }
        let time = case.aligned(item.host, item.time);
        if item.noise || cited.contains(&id) || !hosts.contains(&item.host) || time < from || first < time {
            continue;
        }
        if sets(item, |state, value| (state, value) == BOOT) {
            let told = starts.insert(item.host, item.time);
            // One start is told by several records.
            if told.is_none_or(|before| item.time.since(before) > STARTING) {
                last.entry((item.host, BOOT.0)).and_modify(|(known, n)| (*known, *n) = (id, *n + 1)).or_insert((id, 1));
            }
            continue;
        }
        let starting = starts.get(&item.host).is_some_and(|start| item.time.since(*start) <= STARTING);
        let Some(rule) = item.rules.iter().find(|rule| rule.meaning.is_some()) else { continue };
        if matters(item, starting) {
            let key = (item.host, rule.slug.as_str());
            last.entry(key).and_modify(|(known, n)| (*known, *n) = (id, *n + 1)).or_insert((id, 1));
        }
    }
    let mut found: Vec<(ItemId, usize)> = last.into_values().collect();
    found.sort_unstable();
    found.drain(..found.len().saturating_sub(MOST));
    found.into_iter().map(|(id, times)| told(case, &case.items[id], times)).collect()
}

fn told(case: &Case<'_>, item: &Item<'_>, times: usize) -> Change {
    let what = words::message(case, item);
    let what = if times > 1 { format!("{what} (the last of {times})") } else { what };
    Change { event: item.evidence.event, what }
}

/// The record says that something changed: it is marked so, or it sets a state while the computer is not starting.
fn matters(item: &Item<'_>, starting: bool) -> bool {
    if let (Some(before), Some(after)) = (item.clock(Slot::ClockBefore), item.clock(Slot::ClockAfter)) {
        return after.since(before).abs() >= LEAST_STEP;
    }
    let marked = item.meanings().any(|meaning| meaning.mark == Some(Mark::Change));
    marked || (!starting && sets(item, |state, _| !ASIDE.contains(&state) && state != BOOT.0))
}

fn sets(item: &Item<'_>, fits: impl Fn(&str, &str) -> bool) -> bool {
    item.meanings().filter_map(|meaning| meaning.sets.as_ref()).any(|set| fits(&set.state, &set.value))
}
