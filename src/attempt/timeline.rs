//! One timeline of all clocks: moments of a host's clock as the reference clock showed them and
//! back, and whether a channel holds a span of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{TICKS_PER_SECOND, Time};
use crate::evidence::{Coverage, Run};

use super::identity::HostId;
use super::item::Item;
use super::{Attempt, Case, Connection, Step};

/// Clocks that were never compared are taken to be this close, 100 ns: Kerberos tolerates no more.
const UNKNOWN: i64 = 300 * TICKS_PER_SECOND;
/// Clocks are as far apart as this in most networks, 100 ns: no witness is needed for it.
const LIKELY: i64 = 10 * TICKS_PER_SECOND;
/// State of a log that a record of it tells.
const LOG: &str = "log";

/// A host's clock against the reference.
#[derive(Clone, Debug, Default)]
pub struct HostClock {
    /// 100 ns by which it is ahead of the reference; `None` where nothing tells. The last part's, where
    /// the clock was set and no record tells by how much.
    pub ahead: Option<i64>,
    /// Spread of the pairs, 100 ns.
    pub spread: i64,
    /// Pairs it rests on.
    pub pairs: usize,
    /// It was compared with another host's and no pair was found.
    pub failed: bool,
    /// It rests on times of a domain controller that stand in records, not on pairs.
    pub read: bool,
    /// Hosts with which it shares connections and cannot be compared.
    pub apart: Vec<HostId>,
    /// Earlier parts with an offset of their own, in order.
    pub parts: Vec<Part>,
}

/// A part of a host's time in which its clock had another offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// It ends before this moment of the host's clock.
    pub until: Time,
    /// 100 ns by which the clock was ahead of the reference.
    pub ahead: i64,
    /// Pairs it rests on.
    pub pairs: usize,
    /// Pairs or a time source tell it; else it is the later part's.
    pub known: bool,
}

impl HostClock {
    /// The least and the most by which it was ever ahead.
    pub fn range(&self) -> (i64, i64) {
        let all = self.parts.iter().map(|part| part.ahead).chain([self.ahead.unwrap_or(0)]);
        all.fold((0, 0), |(least, most), ahead| (least.min(ahead), most.max(ahead)))
    }

    /// A single pair of records tells how far it is ahead.
    pub fn alone(&self) -> bool {
        self.ahead.is_some() && self.pairs == 1 && !self.read
    }

    /// How far it was ahead at a moment of its own.
    fn ahead_at(&self, time: Time) -> i64 {
        let part = self.parts.iter().find(|part| time < part.until);
        part.map_or(self.ahead.unwrap_or(0), |part| part.ahead)
    }

    /// The same at a moment of the reference clock.
    fn ahead_when(&self, aligned: Time) -> i64 {
        let part = self.parts.iter().find(|part| aligned.plus(part.ahead) < part.until);
        part.map_or(self.ahead.unwrap_or(0), |part| part.ahead)
    }

    /// Something tells how it stood at that moment of its own.
    pub fn known_at(&self, time: Time) -> bool {
        match self.parts.iter().find(|part| time < part.until) {
            Some(part) => part.known,
            None => self.ahead.is_some(),
        }
    }
}

impl Case<'_> {
    /// A record's time on the reference clock; as it stands where nothing is known of the clock.
    pub fn aligned(&self, host: HostId, time: Time) -> Time {
        time.plus(-self.clocks[host].ahead_at(time))
    }

    /// The other way: a moment of the reference clock as this host's clock showed it.
    pub fn local(&self, host: HostId, aligned: Time) -> Time {
        aligned.plus(self.clocks[host].ahead_when(aligned))
    }

    /// Its connections stand on hosts whose clocks were compared in vain, or in a part of a host's time of
    /// which nobody knows how its clock stood: that they are one action is a guess.
    pub fn doubtful(&self, attempt: &Attempt) -> bool {
        let hosts: BTreeSet<HostId> = attempt.connections.iter().map(|connection| connection.host).collect();
        let apart = |host: &HostId| self.clocks[*host].apart.iter().any(|other| hosts.contains(other));
        let lost = |c: &Connection| self.clocks[c.host].ahead.is_some() && !self.clocks[c.host].known_at(c.start);
        hosts.len() > 1 && (hosts.iter().any(apart) || attempt.connections.iter().any(lost))
    }

    /// How much further to look, 100 ns, before a record is missing on this host at the attempt's time: nothing
    /// where all clocks that show the attempt can be compared with it, and as much as they are apart where only one
    /// pair of records tells that.
    pub fn slack(&self, attempt: &Attempt, host: HostId) -> i64 {
        if self.comparable(attempt, host) { self.unsure(attempt, host) } else { UNKNOWN }
    }

    /// How long, 100 ns, a state of this host must have held before and after a moment of the attempt to be sure then:
    /// as long as its clock may be off.
    pub fn unordered(&self, attempt: &Attempt, host: HostId) -> i64 {
        let least = if self.comparable(attempt, host) { 0 } else { LIKELY };
        self.unsure(attempt, host).max(least)
    }

    /// All clocks that show the attempt can be compared with this host's.
    fn comparable(&self, attempt: &Attempt, host: HostId) -> bool {
        let own = attempt.connections.iter().map(|connection| (connection.host, connection.start));
        let implied = attempt.implied.iter().map(|id| (self.items[*id].host, self.items[*id].time));
        let known = |(host, time): (HostId, Time)| self.clocks[host].known_at(time);
        let mut all = own.chain(implied);
        let alone = all.clone().all(|(other, _)| other == host);
        alone || (all.all(known) && known((host, self.local(host, attempt.start))))
    }

    /// By how much the order of the attempt's records and those of a host that shows nothing of it is not sure, 100 ns:
    /// two records may be taken for a pair that are none, and only others like them bear them out.
    pub fn unsure(&self, attempt: &Attempt, host: HostId) -> i64 {
        let own = attempt.connections.iter().map(|connection| connection.host);
        let hosts = own.chain(attempt.implied.iter().map(|id| self.items[*id].host));
        let ahead = |host: HostId| self.clocks[host].ahead.unwrap_or(0);
        let one = |other: HostId| match other == host || !(self.clocks[host].alone() || self.clocks[other].alone()) {
            true => 0,
            false => Some((ahead(other) - ahead(host)).abs()).filter(|apart| *apart > LIKELY).unwrap_or(0),
        };
        hosts.map(one).min().unwrap_or(0)
    }

    /// Does this channel cover the span of the host's own time without a gap? A log's last record is not its end:
    /// the run that reaches its end covers until the latest record of any log of that host,
    /// since the logs of a host are exported together; but not where records were left out or lost, or one alone is
    /// there. No span reaches over a setting of the clock, and none over a moment when the log itself says that it lost
    /// records.
    pub fn covers(&self, host: HostId, channel: &str, from: Time, to: Time) -> bool {
        let steps = &self.steps[host];
        if steps.iter().any(|step| from < step.at && step.at <= to) || self.ledger.lost(host, channel, from, to) {
            return false;
        }
        if steps.iter().any(|step| step.corrected) {
            return self.ledger.holds(host, channel, &self.logs[host], from, to);
        }
        let latest = self.logs[host].latest;
        self.logs[host].of_channel(channel).any(|coverage| {
            let open_end = coverage.runs.last().is_some_and(|run| run.first <= from && Some(to) <= latest);
            coverage.covers(from, to) || (open_end && coverage.goes_on())
        })
    }

    /// Did this channel lose records, or were some left out of it, between two moments of the host's own clock? What
    /// stood at the first may have ended then.
    pub fn interrupted(&self, host: HostId, channel: &str, from: Time, to: Time) -> bool {
        let gap = |pair: &[Run]| matches!(pair, [before, after] if before.last < to && from < after.first);
        self.ledger.lost(host, channel, from, to)
            || self.logs[host].of_channel(channel).any(|coverage| coverage.runs.windows(2).any(gap))
    }
}

/// The logs of one host that number their records. A trace is no export: it may have been taken at another time.
#[derive(Clone, Debug, Default)]
pub struct Logs<'a> {
    by_channel: Vec<(&'a str, &'a Coverage)>,
    /// Time of the last record of any.
    latest: Option<Time>,
}

impl<'a> Logs<'a> {
    /// Those of these channels.
    pub fn of(channels: &[(&'a str, &'a Coverage)]) -> Self {
        let numbered = channels.iter().filter(|(_, coverage)| !coverage.runs.is_empty()).copied();
        let by_channel: Vec<(&str, &Coverage)> = numbered.collect();
        let latest = by_channel.iter().filter_map(|(_, coverage)| coverage.bounds()).map(|(_, last)| last).max();
        Logs { by_channel, latest }
    }

    fn of_channel(&self, channel: &str) -> impl Iterator<Item = &'a Coverage> {
        self.by_channel
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(channel))
            .map(|(_, coverage)| *coverage)
    }
}

/// What the records of single channels tell of their time beyond what their runs do.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Spans in which a channel lost records, arranged, by host and channel in lower case.
    holes: BTreeMap<HostId, BTreeMap<String, Vec<(Time, Time)>>>,
    /// Of hosts whose clocks went back, where times alone do not tell which record came first: by channel in
    /// lower case, corrected time and record id in order of time.
    marks: BTreeMap<(HostId, String), Vec<(Time, u64)>>,
}

impl Ledger {
    /// Reads it from items in order of time.
    pub fn of(items: &[Item<'_>], steps: &[Vec<Step>]) -> Self {
        let mut ledger = Ledger::default();
        let mut last: BTreeMap<(HostId, &str), Time> = BTreeMap::new();
        let mut open: BTreeMap<(HostId, &str), Time> = BTreeMap::new();
        for item in items {
            let record = &item.evidence.record;
            let key = (item.host, &*record.channel);
            let channel = || record.channel.to_lowercase();
            if let Some(from) = open.remove(&key) {
                ledger.hole(key, (from, item.time));
            }
            for state in item.meanings().filter_map(|meaning| meaning.sets.as_ref()).filter(|set| set.state == LOG) {
                match state.value.as_str() {
                    "stopped" | "full" => {
                        open.insert(key, item.time);
                    }
                    "dropped" => {
                        let from = last.get(&key).copied().unwrap_or_default();
                        ledger.hole(key, (from, item.time));
                    }
                    _ => {}
                }
            }
            last.insert(key, item.time);
            if let Some(id) = record.record_id.filter(|_| steps[item.host].iter().any(|step| step.corrected)) {
                ledger.marks.entry((item.host, channel())).or_default().push((item.time, id));
            }
        }
        let end = Time::from_filetime(u64::MAX);
        open.into_iter().for_each(|(key, from)| ledger.hole(key, (from, end)));
        ledger.holes.values_mut().flat_map(BTreeMap::values_mut).for_each(|spans| arrange(spans));
        ledger
    }

    fn hole(&mut self, (host, channel): (HostId, &str), span: (Time, Time)) {
        self.holes.entry(host).or_default().entry(channel.to_lowercase()).or_default().push(span);
    }

    /// Did the log lose records in this span of the host's own time, by its own word?
    fn lost(&self, host: HostId, channel: &str, from: Time, to: Time) -> bool {
        let Some(own) = self.holes.get(&host) else { return false };
        own.iter().any(|(name, spans)| name.eq_ignore_ascii_case(channel) && meets(spans, from, to))
    }

    /// A gapless run of record ids that begins before the span and ends after it, or at the end of the log.
    fn holds(&self, host: HostId, channel: &str, logs: &Logs<'_>, from: Time, to: Time) -> bool {
        let Some(marks) = self.marks.get(&(host, channel.to_lowercase())) else { return false };
        let Some((_, first)) = marks[..marks.partition_point(|(time, _)| *time <= from)].last() else { return false };
        let last = marks.get(marks.partition_point(|(time, _)| *time < to)).map(|(_, id)| *id);
        let own = self.marks.range((host, String::new())..(host + 1, String::new()));
        let latest = own.filter_map(|(_, marks)| marks.last()).map(|(time, _)| *time).max();
        logs.of_channel(channel).any(|coverage| {
            let holds = |id: u64| coverage.runs.iter().position(|run| run.first_id <= id && id <= run.last_id);
            match (holds(*first), last) {
                (Some(run), Some(last)) => holds(last) == Some(run),
                (Some(_), None) => coverage.goes_on() && latest.is_some_and(|latest| to <= latest),
                (None, _) => false,
            }
        })
    }
}

/// Spans by their ends, each with the first start of any from there on.
fn arrange(spans: &mut [(Time, Time)]) {
    spans.sort_unstable_by_key(|(_, end)| *end);
    let mut first = Time::from_filetime(u64::MAX);
    for (start, _) in spans.iter_mut().rev() {
        first = first.min(*start);
        *start = first;
    }
}

/// Does one of the arranged spans meet this one?
fn meets(spans: &[(Time, Time)], from: Time, to: Time) -> bool {
    let next = spans.partition_point(|(_, end)| *end < from);
    spans.get(next).is_some_and(|(start, _)| *start <= to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_meets_those_that_it_would_if_each_were_asked() {
        let time = |n: u64| Time::from_filetime(1_000_000 + n);
        let spans: Vec<(Time, Time)> = (0..9u64)
            .map(|n| (n * 7 % 10 * 10, n * 3 % 5))
            .map(|(at, length)| (time(at), time(at + length * 4)))
            .collect();
        let mut arranged = spans.clone();
        arrange(&mut arranged);
        for (from, to) in (0..130).flat_map(|from| (from..130).map(move |to| (time(from), time(to)))) {
            let any = spans.iter().any(|(start, end)| *start <= to && from <= *end);
            assert_eq!(meets(&arranged, from, to), any, "{from:?} {to:?}");
        }
        assert!(!meets(&[], time(0), time(9)));
    }
}
