//! Clocks that were set while a log was written: found by records that say so and by record ids that
//! rise while time falls back. What was stamped before such a step is brought onto the clock that
//! the computer kept afterwards.
//!
//! Two facts of real logs, not of any specification, are behind the limits here. In logs of five computers (2012 R2,
//! 7, 10 and 11) records of one log stood up to 0.97 s out of order without any step, but for the log in which
//! boots are recorded: what was held back until the log service ran is written minutes late. And every step
//! forward beyond a second was a machine that woke or was resumed, every step back a clock that had been wrong.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::event::{TICKS_PER_SECOND, Time};
use crate::evidence::{EventRef, Findings};
use crate::signature::Signatures;
use crate::signature::definition::{Rule, Slot};

use super::identity::{HostId, Hosts};
use super::item::Item;

/// Least step that matters, 100 ns: smaller ones are the time service's daily business, and joins allow for more.
const LEAST: i64 = TICKS_PER_SECOND;
/// Least fall of time against record ids that shows a step, 100 ns: twice the largest without one.
const FALL: i64 = 2 * TICKS_PER_SECOND;
/// Records of one step (kernel, audit, time service) name its ends within this, 100 ns.
const SAME: i64 = 2 * TICKS_PER_SECOND;
/// Most steps back of one computer that are corrected, the last ones; a log has few.
const MOST: usize = 16;
/// Most steps of one computer that are kept.
const KEPT: usize = 256;
/// State whose setting shows the log in which boots are recorded.
const BOOT: &str = "boot";

/// One setting of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its moment on the clock that the computer kept after its last step.
    pub at: Time,
    /// What the clock showed before.
    pub before: Time,
    /// What it showed after.
    pub after: Time,
    /// 100 ns by which the clock was set; negative backwards. Less than from `before` to `after` where it was
    /// found wrong only after a time without records.
    pub ticks: i64,
    /// Times before it are brought onto the later clock: it went back, so the clock had been ahead, or it went
    /// forward wrongly and was set back later. Any other clock that went forward may have stood still.
    pub corrected: bool,
    /// Records that say so; none where only the order of records shows it, or a later step.
    pub records: Vec<EventRef>,
    /// The order of records shows it.
    pub in_order: bool,
}

impl Step {
    fn new(before: Time, after: Time) -> Self {
        let ticks = after.since(before);
        Step { at: after, before, after, ticks, corrected: ticks < 0, records: Vec::new(), in_order: false }
    }

    /// By how much is known exactly, and in which direction the clock was wrong.
    pub fn sure(&self) -> bool {
        self.corrected && !self.records.is_empty()
    }

    /// Nothing shows it but a later step back: the clock had gone wrong while nothing was logged.
    pub fn inferred(&self) -> bool {
        self.records.is_empty() && !self.in_order
    }

    fn same(&self, other: &Step) -> bool {
        self.before.since(other.before).abs() <= SAME && self.after.since(other.after).abs() <= SAME
    }

    /// What the order of records shows is a part of what this step did.
    fn holds(&self, fall: &Step) -> bool {
        self.ticks < 0 && self.after <= fall.after.plus(SAME) && fall.before <= self.before.plus(SAME)
    }
}

/// Finds the steps of every host and corrects the times of its items; steps in order.
pub fn correct(items: &mut [Item<'_>], hosts: &Hosts, findings: &Findings, signatures: &Signatures) -> Vec<Vec<Step>> {
    // Most clocks are never set, and what rules say of starts takes longer than all of this.
    let of_starts = LazyCell::new(|| start_logs(signatures));
    let logged = LazyCell::new(|| logged(hosts, findings, &of_starts));
    let mut logs: BTreeMap<(HostId, &str), Vec<usize>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        logs.entry((item.host, &item.evidence.record.channel)).or_default().push(at);
    }
    for log in logs.values_mut() {
        log.sort_by_cached_key(|at| (items[*at].evidence.record.record_id, items[*at].time));
    }
    let logs: Vec<(HostId, Vec<usize>)> = logs.into_iter().map(|((host, _), log)| (host, log)).collect();
    let mut steps: Vec<Vec<Step>> = vec![Vec::new(); hosts.len()];
    for (host, log) in &logs {
        recorded(items, log, &mut steps[*host]);
    }
    let whole = whole(hosts, findings);
    for (host, log) in &logs {
        let Some(channel) = log.first().map(|at| &items[*at].evidence.record.channel) else { continue };
        let runs = whole.get(&(*host, channel.to_ascii_lowercase()));
        let found = fallen(items, log, runs.map_or(&[], Vec::as_slice));
        let is_of_starts = |at: &usize| of_starts.contains(&items[*at].evidence.record.channel.to_lowercase());
        if !found.is_empty() && !log.first().is_some_and(is_of_starts) {
            found.into_iter().for_each(|step| fold(step, &mut steps[*host]));
        }
    }
    steps.iter_mut().for_each(|list| undone(list));
    steps.iter_mut().for_each(place);
    settle(items, &logs, &steps);
    let found: Vec<Vec<Step>> =
        (0..hosts.len()).map(|host| begun(items, own(&logs, host), &steps[host], || logged[host])).collect();
    for (host, more) in found.into_iter().enumerate().filter(|(_, more)| !more.is_empty()) {
        for step in more {
            let list = &mut steps[host];
            let before = list.iter().position(|known| known.at > step.at).unwrap_or(list.len());
            list.insert(before, step);
        }
        place(&mut steps[host]);
        settle(items, of_host(&logs, host), &steps);
    }
    steps
}

/// The logs of one host, of logs in order of hosts.
fn of_host(logs: &[(HostId, Vec<usize>)], host: HostId) -> &[(HostId, Vec<usize>)] {
    let upto = |host: HostId| logs.partition_point(|(other, _)| *other < host);
    &logs[upto(host)..upto(host + 1)]
}

/// Records of one host, log by log.
fn own(logs: &[(HostId, Vec<usize>)], host: HostId) -> impl Iterator<Item = usize> + Clone {
    of_host(logs, host).iter().flat_map(|(_, log)| log.iter().copied())
}

/// Brings the times of the items of these logs onto the last clock of their hosts.
fn settle(items: &mut [Item<'_>], logs: &[(HostId, Vec<usize>)], steps: &[Vec<Step>]) {
    for (host, log) in logs {
        assign(items, log, &steps[*host]);
    }
}

/// A clock that went forward and later back by the same was wrong in between: it had not stood still.
fn undone(steps: &mut [Step]) {
    for at in 0..steps.len() {
        let back = steps[at].ticks;
        let same = |step: &&mut Step| step.ticks > 0 && !step.corrected && (step.ticks + back).abs() <= slack(back);
        if back < 0
            && let Some(step) = steps[..at].iter_mut().rev().find(same)
        {
            step.corrected = true;
        }
    }
}

/// How closely lengths agree that are the same wrong time, 100 ns.
fn slack(ticks: i64) -> i64 {
    (ticks.abs() / 10).min(60 * TICKS_PER_SECOND)
}

/// Cuts the list to what is told apart, and finds the moments of the rest.
fn place(list: &mut Vec<Step>) {
    list.drain(..list.len().saturating_sub(KEPT));
    if let Some((oldest, _)) = list.iter().enumerate().rev().filter(|(_, step)| step.corrected).nth(MOST) {
        list.drain(..=oldest);
    }
    let mut shift = 0;
    for step in list.iter_mut().rev() {
        step.at = step.after.plus(shift);
        shift += if step.corrected { step.ticks } else { 0 };
    }
}

/// Since when a clock that was set back had been wrong: it may have gone wrong whenever nothing was logged for at
/// least so long, which the kernel records but at a start. Before that, times are left as they are.
fn begun(
    items: &[Item<'_>],
    own: impl Iterator<Item = usize> + Clone,
    steps: &[Step],
    logged: impl Fn() -> Option<Time>,
) -> Vec<Step> {
    let back: Vec<&Step> = steps.iter().filter(|step| step.ticks < 0).collect();
    if back.is_empty() {
        return Vec::new();
    }
    let own = own.map(|at| &items[at]);
    let mut times: Vec<Time> = own.clone().map(|item| item.time).collect();
    times.sort_unstable();
    let starts: Vec<Time> = own.filter(|item| boots(item)).map(|item| item.time).collect();
    let mut found = Vec::new();
    for step in back {
        let undoes = |known: &&Step| known.corrected && (known.ticks + step.ticks).abs() <= slack(step.ticks);
        let from = steps.iter().rfind(|known| known.at < step.at && known.corrected);
        if from.is_some_and(|known| undoes(&known)) {
            continue;
        }
        let end = times.partition_point(|time| *time < step.at);
        let start = times.partition_point(|time| from.is_some_and(|known| *time < known.at));
        let near = |time: Time| starts.iter().any(|boot| boot.since(time).abs() <= 120 * TICKS_PER_SECOND);
        let gap = times[start.min(end)..end].windows(2).rev().find(|pair| {
            let long = pair[1].since(pair[0]) >= -step.ticks - slack(step.ticks);
            let would_show = logged().is_some_and(|first| first <= pair[0]);
            long && (!would_show || near(pair[1]))
        });
        if let Some(pair) = gap {
            // On the wrong clock, as the records after it were stamped.
            let later: i64 = steps.iter().filter(|known| known.at > pair[1] && known.corrected).map(|s| s.ticks).sum();
            let (before, after) = (pair[0].plus(-later), pair[1].plus(-later));
            let ticks = -step.ticks;
            found.push(Step {
                at: pair[1],
                before,
                after,
                ticks,
                corrected: true,
                records: Vec::new(),
                in_order: false,
            });
        }
    }
    found
}

/// Since when the logs of each host would show a start of it.
fn logged(hosts: &Hosts, findings: &Findings, of_starts: &BTreeSet<String>) -> Vec<Option<Time>> {
    let mut found: Vec<Option<Time>> = vec![None; hosts.len()];
    for ((computer, channel), coverage) in &findings.coverage {
        if let (Some(host), Some((first, _))) = (hosts.resolve(computer), coverage.bounds())
            && of_starts.contains(&channel.to_lowercase())
        {
            found[host] = Some(found[host].map_or(first, |known| known.min(first)));
        }
    }
    found
}

/// Channels, in lower case, in which starts of computers stand.
fn start_logs(signatures: &Signatures) -> BTreeSet<String> {
    let of_starts =
        |rule: &&Rule| rule.meaning.as_ref().and_then(|m| m.sets.as_ref()).is_some_and(|set| set.state == BOOT);
    let rules = signatures.rules().filter(of_starts);
    let channels = rules.flat_map(|rule| signatures.providers(rule)).filter_map(|name| signatures.channel(name));
    channels.map(str::to_lowercase).collect()
}

/// The record shows a start of the computer.
fn boots(item: &Item<'_>) -> bool {
    item.meanings().filter_map(|meaning| meaning.sets.as_ref()).any(|set| set.state == BOOT && set.value == "up")
}

/// Steps that records of one log tell, in its order; what another log told already gains a witness.
fn recorded(items: &[Item<'_>], log: &[usize], steps: &mut Vec<Step>) {
    let mut from = 0;
    for &at in log {
        let item = &items[at];
        let (Some(before), Some(after)) = (item.clock(Slot::ClockBefore), item.clock(Slot::ClockAfter)) else {
            continue;
        };
        let step = Step { records: vec![item.evidence.event], ..Step::new(before, after) };
        if step.ticks.abs() < LEAST {
            continue;
        }
        match steps.iter().position(|known| known.same(&step)) {
            Some(known) => {
                steps[known].records.push(item.evidence.event);
                from = known + 1;
            }
            None => {
                steps.insert(from, step);
                from += 1;
            }
        }
    }
}

/// Steps that the order of a log's records shows.
fn fallen(items: &[Item<'_>], log: &[usize], whole: &[(u64, u64)]) -> Vec<Step> {
    let mut found = Vec::new();
    // Between runs anything may be missing, and numbers of a damaged log need not be in order.
    for (first, last) in whole {
        // The log stands in order of its ids.
        let upto = |is_before: &dyn Fn(u64) -> bool| {
            log.partition_point(|at| items[*at].evidence.record.record_id.is_none_or(is_before))
        };
        let (start, end) = (upto(&|id| id < *first), upto(&|id| id <= *last));
        let times: Vec<Time> = log.get(start..end).unwrap_or_default().iter().map(|at| items[*at].time).collect();
        let step = |(before, after)| Step { in_order: true, ..Step::new(before, after) };
        found.extend(falls(&times).into_iter().map(step));
    }
    found
}

/// Where times in order of record ids fall back for good: two records at least stand on either side. One alone may be
/// stamped wrongly, or be left over from elsewhere in a damaged log.
fn falls(times: &[Time]) -> Vec<(Time, Time)> {
    let (mut found, mut from) = (Vec::new(), 0);
    let Some(mut latest) = times.first().copied() else { return found };
    for (at, pair) in times.windows(2).enumerate() {
        let after = pair[1];
        if after < latest.plus(-FALL) {
            let later = times[from..=at].iter().rev().take(2).filter(|time| after < time.plus(-FALL)).count();
            let stays = times.get(at + 2).is_some_and(|next| *next < latest.plus(-FALL));
            if later == 2 && stays {
                found.push((latest, after));
                (latest, from) = (after, at + 1);
            }
        }
        latest = latest.max(after);
    }
    found
}

/// Gapless runs of record ids, by computer and channel in lower case.
fn whole(hosts: &Hosts, findings: &Findings) -> BTreeMap<(HostId, String), Vec<(u64, u64)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for ((computer, channel), coverage) in &findings.coverage {
        let Some(host) = hosts.resolve(computer) else { continue };
        let runs = coverage.runs.iter().map(|run| (run.first_id, run.last_id));
        found.entry((host, channel.to_ascii_lowercase())).or_default().extend(runs);
    }
    found
}

/// A fall within a known step confirms it; one that meets another fall is the same step, seen closer.
fn fold(step: Step, steps: &mut Vec<Step>) {
    if let Some(known) = steps.iter_mut().find(|known| !known.records.is_empty() && known.holds(&step)) {
        known.in_order = true;
        return;
    }
    let meets =
        |known: &&mut Step| known.records.is_empty() && step.after <= known.before && known.after <= step.before;
    if let Some(known) = steps.iter_mut().find(meets) {
        *known = Step { in_order: true, ..Step::new(known.before.max(step.before), known.after.min(step.after)) };
        return;
    }
    let place = steps.iter().rposition(|known| known.after <= step.after).map_or(0, |at| at + 1);
    steps.insert(place, step);
}

/// Which side of each step back the records of one log stand on, and their times on the last clock.
fn assign(items: &mut [Item<'_>], log: &[usize], steps: &[Step]) {
    let back: Vec<&Step> = steps.iter().filter(|step| step.corrected).collect();
    if back.is_empty() {
        return;
    }
    let raw: Vec<Time> = log.iter().map(|at| items[*at].evidence.record.time.unwrap_or(items[*at].time)).collect();
    let mut shift = vec![0; back.len() + 1];
    for (part, step) in back.iter().enumerate().rev() {
        shift[part] = shift[part + 1] + step.ticks;
    }
    let parts = parts(&raw, &back, &shift);
    let mut last: Option<Time> = None;
    for ((&at, time), part) in log.iter().zip(&raw).zip(parts) {
        let mut own = time.plus(shift[part]);
        // Records of the log service itself may be numbered before what is stamped earlier.
        if last.is_some_and(|last| own < last.plus(-60 * TICKS_PER_SECOND)) {
            let later = (part + 1..=back.len()).filter(|other| within(*time, *other, &back));
            own = later.map(|other| time.plus(shift[other])).find(|other| Some(*other) >= last).unwrap_or(own);
        }
        items[at].time = own;
        last = Some(own);
    }
}

/// Could this time have been stamped between two steps?
fn within(time: Time, part: usize, back: &[&Step]) -> bool {
    let from = part.checked_sub(1).and_then(|step| back.get(step)).is_none_or(|step| step.after.plus(-SAME) <= time);
    from && back.get(part).is_none_or(|step| time <= step.before.plus(SAME))
}

/// The part between steps of each record, rising with the record ids, such that the times fall back least.
fn parts(raw: &[Time], back: &[&Step], shift: &[i64]) -> Vec<usize> {
    let count = shift.len();
    // Out of a part's bounds is worse than any fall.
    let outside = i64::MAX / 1_000_000;
    let mut cost = vec![0_i64; count];
    let mut came: Vec<u8> = Vec::with_capacity(raw.len() * count);
    for (at, time) in raw.iter().enumerate() {
        let mut next = vec![i64::MAX; count];
        for part in 0..count {
            let mut from = 0;
            let own = if within(*time, part, back) { 0 } else { outside };
            // Among equals the later part: its clock is the one that is known.
            for earlier in (0..=part).rev() {
                let fall = match at.checked_sub(1) {
                    Some(before) => raw[before].plus(shift[earlier]).since(time.plus(shift[part])).max(0),
                    None => 0,
                };
                let sum = cost[earlier].saturating_add(fall).saturating_add(own);
                if sum < next[part] {
                    (next[part], from) = (sum, earlier);
                }
            }
            // There are no more parts than MOST + 1.
            came.push(u8::try_from(from).unwrap_or(0));
        }
        cost = next;
    }
    let mut part = (0..count).rev().min_by_key(|part| cost[*part]).unwrap_or(0);
    let mut found = vec![0; raw.len()];
    for at in (0..raw.len()).rev() {
        found[at] = part;
        part = usize::from(came[at * count + part]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> Time {
        Time::parse("2026-01-01T00:00:00Z").unwrap().plus(seconds * TICKS_PER_SECOND)
    }

    fn back(before: i64, after: i64) -> Step {
        Step { in_order: true, ..Step::new(time(before), time(after)) }
    }

    fn sides(seconds: &[i64], step: &Step) -> Vec<usize> {
        let raw: Vec<Time> = seconds.iter().map(|at| time(*at)).collect();
        parts(&raw, &[step], &[step.ticks, 0])
    }

    #[test]
    fn records_stand_before_or_after_a_step_by_their_order_not_their_time() {
        let step = back(1000, 400);
        assert_eq!(sides(&[100, 900, 990, 410, 950, 1200], &step), [0, 0, 0, 1, 1, 1]);
        // Too early to be after it, too late to be before it.
        assert_eq!(sides(&[300, 1100], &step), [0, 1]);
        // Nothing tells: the clock that is known.
        assert_eq!(sides(&[500, 600], &step), [1, 1]);
    }

    #[test]
    fn one_record_with_a_wrong_time_is_no_step() {
        let at = |seconds: &[i64]| -> Vec<Time> { seconds.iter().map(|at| time(*at)).collect() };
        assert_eq!(falls(&at(&[900, 950, 400, 410, 1200])), [(time(950), time(400))]);
        // Too late, too early, and out of order by less than logs ever are.
        assert_eq!(falls(&at(&[9000, 400, 410, 420])), []);
        assert_eq!(falls(&at(&[900, 950, 400, 960, 970])), []);
        assert_eq!(falls(&at(&[900, 901, 900, 900])), []);
    }

    #[test]
    fn steps_in_several_logs_are_one_where_their_spans_meet() {
        let mut steps = Vec::new();
        for step in [back(990, 410), back(1000, 450), back(100, 50)] {
            fold(step, &mut steps);
        }
        let spans: Vec<(Time, Time)> = steps.iter().map(|step| (step.before, step.after)).collect();
        assert_eq!(spans, [(time(100), time(50)), (time(1000), time(410))]);
    }
}
