//! Which records bear on an attempt, and how firmly they are tied to it.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::attempt::identity::{HostId, is_private};
use crate::attempt::intervals::Intervals;
use crate::attempt::item::Item;
use crate::attempt::{Attempt, Case, HostClock, ItemId};
use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::{Anchor, Key, Meaning, Outcome, Phase, Role, Window};

use super::keys::Keys;
use super::loose::Loose;
use super::passes::Passes;
use super::sorted::{self, BySlug, Owner, Sorted};
use super::suspect::{self, Suspect};

/// How firmly a record is tied to an attempt; the order is from loose to firm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// By time, and other attempts of that host that ended otherwise share the moment;
    /// or it drowns in a burst of its kind.
    Shared,
    /// By host and time, and no other attempt that ended otherwise shares the moment.
    Time,
    /// By a key that both carry.
    Key,
}

/// A record tied to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The record.
    pub item: ItemId,
    /// How firmly.
    pub tie: Tie,
}

/// The default window: the attempt and five seconds around it.
pub const AROUND: Window =
    Window { from: (Anchor::Start, -5 * TICKS_PER_SECOND), to: (Anchor::End, 5 * TICKS_PER_SECOND) };

/// Records of one log may be written a little before that of the step that they are of.
const BEFORE: i64 = TICKS_PER_SECOND;

/// Matches of one keyless rule within a minute that outnumber the attempts there this many times are a burst.
const BURST_RATIO: usize = 5;
/// Half the span in which a burst is counted, 100 ns.
const BURST_HALF: i64 = 30 * TICKS_PER_SECOND;

/// Records of one rule on one host that are held against one attempt, at most.
pub(super) const NEAREST: usize = 1 << 14;

/// A role that no end of the connection plays.
pub(super) fn elsewhere(role: Role) -> bool {
    matches!(role, Role::Dc | Role::Broker | Role::License)
}

/// A window around an attempt on the reference clock.
pub(super) fn around(attempt: &Attempt, window: Window) -> (Time, Time) {
    let at = |(anchor, offset): (Anchor, i64)| match anchor {
        Anchor::Start => attempt.start.plus(offset),
        Anchor::End => attempt.end.plus(offset),
    };
    (at(window.from), at(window.to))
}

/// Of more records than any log has of one kind, those about the moment before which these lie: where countless attempts
/// and records stand at one moment, all would be held against all.
fn nearest<T>(records: &[T], is_before: impl Fn(&T) -> bool) -> &[T] {
    if records.len() <= NEAREST {
        return records;
    }
    let first = records.partition_point(is_before).saturating_sub(NEAREST / 2).min(records.len() - NEAREST);
    &records[first..first + NEAREST]
}

/// Of these, the records of a rule on one host, in order of time.
pub(super) fn on<'i>(all: &'i BySlug<'_>, slug: &str, host: HostId) -> &'i [ItemId] {
    all.get(slug).and_then(|hosts| hosts.get(&host)).map_or(&[][..], Vec::as_slice)
}

/// Of these records of one host, in order of time, those within a span of that host's own clock.
fn within<'i>(case: &Case<'_>, ids: &'i [ItemId], (from, to): (Time, Time)) -> &'i [ItemId] {
    let start = ids.partition_point(|id| case.items[*id].time < from);
    let end = ids.partition_point(|id| case.items[*id].time <= to);
    &ids[start..end.max(start)]
}

/// When the attempt's first connection in this host's own log began, where the log shows that.
fn began(attempt: &Attempt, host: HostId) -> Option<Time> {
    let own = attempt.connections.iter().filter(|connection| connection.host == host && connection.opened);
    own.map(|connection| connection.start).min()
}

/// How an attempt ended, and how far it came.
type End = (Outcome, Option<Phase>, Option<Phase>);

fn end(attempt: &Attempt) -> End {
    (attempt.outcome, attempt.phase_limit, attempt.phase)
}

/// When attempts were under way, by how they ended.
fn lives(case: &Case<'_>, attempts: &[usize]) -> Vec<(End, Intervals<usize>)> {
    let mut found: BTreeMap<End, Vec<(Time, Time, usize)>> = BTreeMap::new();
    for at in attempts {
        let attempt = &case.attempts[*at];
        found.entry(end(attempt)).or_default().push((attempt.start, attempt.end, *at));
    }
    found.into_iter().map(|(end, lives)| (end, lives.into_iter().collect())).collect()
}

/// Whoever connects to a server in this time, 100 ns, may have done so when an attempt was made.
const STRANGERS: i64 = 600 * TICKS_PER_SECOND;

/// Look-ups over all attempts of a case.
pub struct Index<'c> {
    case: &'c Case<'c>,
    /// Who holds each record.
    owner: Vec<Owner>,
    /// Attempts that touch a host, by start.
    attempts: BTreeMap<HostId, Vec<usize>>,
    /// When those were under way that ended alike, on the reference clock.
    lives: BTreeMap<HostId, Vec<(End, Intervals<usize>)>>,
    /// Records of each rule.
    rules: BySlug<'c>,
    /// When and where those were logged that no end of a connection logs, in order of time.
    elsewhere: FxHashMap<&'c str, Vec<(Time, HostId)>>,
    /// The least and the most, 100 ns, by which a clock was ever ahead.
    ahead: (i64, i64),
    /// Those of them that nobody holds.
    loose: Loose<'c>,
    /// Those that attempts hold, without noise, by attempt and in order of time.
    held: FxHashMap<&'c str, Vec<(usize, ItemId)>>,
    /// Records that set each state.
    settings: BySlug<'c>,
    keys: Keys<'c>,
    /// By record: far more of its kind stand around it than attempts could have made.
    drowned: Vec<bool>,
    passes: Passes,
    suspects: Vec<Suspect<'c>>,
}

impl<'c> Index<'c> {
    /// Builds the look-ups.
    pub fn new(case: &'c Case<'c>) -> Self {
        let (owner, attempts) = sorted::owners(case);
        let lives = attempts.iter().map(|(host, list)| (*host, lives(case, list))).collect();
        let is_held = |id: ItemId| owner[id] != Owner::Nobody;
        let keys = Keys::new(case, |id, item| {
            let often = |meaning: &Meaning| !is_held(id) || elsewhere(meaning.host) || meaning.sets.is_some();
            !item.noise && item.meanings().any(often)
        });
        let Sorted { rules, free, held, elsewhere } = Sorted::of(case, &owner);
        let ranges = case.clocks.iter().map(HostClock::range);
        let ahead = ranges.fold((0, 0), |all, own| (own.0.min(all.0), own.1.max(all.1)));
        let mut index = Index {
            case,
            owner,
            attempts,
            lives,
            rules,
            elsewhere,
            ahead,
            loose: Loose::new(case, free, &keys),
            held,
            settings: sorted::settings(case),
            keys,
            drowned: Vec::new(),
            passes: Passes::of(case),
            suspects: Vec::new(),
        };
        let drowned = |(id, item): (ItemId, &Item<'_>)| index.owner[id] == Owner::Nobody && index.drowns(item);
        index.drowned = case.items.iter().enumerate().map(drowned).collect();
        index.suspects = suspect::all(&index);
        index
    }

    /// All causes but those of attacks, which stand in the findings.
    pub fn suspects(&self) -> &[Suspect<'c>] {
        &self.suspects
    }

    /// Connections that left the handshakes behind.
    pub fn passes(&self) -> &Passes {
        &self.passes
    }

    /// The keys of attempts and records.
    pub fn keys(&self) -> &Keys<'c> {
        &self.keys
    }

    /// The case that it looks into.
    pub fn case(&self) -> &'c Case<'c> {
        self.case
    }

    /// Records of a host that set this state, in order of time.
    pub fn settings(&self, host: HostId, state: &str) -> &[ItemId] {
        self.settings.get(state).and_then(|hosts| hosts.get(&host)).map_or(&[], Vec::as_slice)
    }

    /// Some record of the case sets this state.
    pub fn sets(&self, state: &str) -> bool {
        self.settings.contains_key(state)
    }

    /// Some record of the case matched this rule.
    pub fn has(&self, slug: &str) -> bool {
        self.rules.contains_key(slug)
    }

    /// Records of a rule on one host within a span of that host's own clock, in order of time.
    pub fn on_host(&self, slug: &str, host: HostId, span: (Time, Time)) -> &[ItemId] {
        within(self.case, on(&self.rules, slug, host), span)
    }

    /// Hosts whose records of a rule may speak of the attempt, in this window of the reference clock.
    fn hosts(&self, attempt: &Attempt, slug: &str, role: Role, (from, to): (Time, Time)) -> BTreeSet<HostId> {
        match role {
            // A host that sent the client on has records of the connection too.
            Role::Client | Role::Server | Role::Gateway => {
                attempt.side(role).map(|connection| connection.host).chain(attempt.host(role)).collect()
            }
            Role::Network => attempt.side(Role::Network).map(|connection| connection.host).collect(),
            Role::Any => attempt.ends().collect(),
            Role::Dc | Role::Broker | Role::License => {
                let (Some(all), Some(logged)) = (self.rules.get(slug), self.elsewhere.get(slug)) else {
                    return BTreeSet::new();
                };
                let start = logged.partition_point(|(time, _)| *time < from.plus(self.ahead.0));
                let end = logged.partition_point(|(time, _)| *time <= to.plus(self.ahead.1));
                match logged.get(start..end).unwrap_or_default() {
                    few if few.len() < all.len() => few.iter().map(|(_, host)| *host).collect(),
                    _ => all.keys().copied().collect(),
                }
            }
        }
    }

    /// Does the record belong to a connection that no user made?
    pub fn is_stray(&self, id: ItemId) -> bool {
        self.owner[id] == Owner::Stray
    }

    /// Records of a rule that are tied to the attempt within the window, in order of time.
    pub fn bound(&self, attempt: usize, slug: &'c str, window: Option<Window>, keys: &[Key]) -> Vec<Bound> {
        if !self.has(slug) {
            return Vec::new();
        }
        let Some(meaning) = meaning(self.case, slug) else { return Vec::new() };
        let keys = if keys.is_empty() { &meaning.join } else { keys };
        let mut found = Vec::new();
        let window = window.unwrap_or(AROUND);
        let begins = window.from.0 == Anchor::Start && window.from.1 >= AROUND.from.1;
        let (from, to) = self.window(attempt, window);
        let held = if elsewhere(meaning.host) { &[] } else { self.held_by(attempt, slug) };
        for host in self.hosts(&self.case.attempts[attempt], slug, meaning.host, (from, to)) {
            let mut span = (self.case.local(host, from), self.case.local(host, to));
            let start = self.case.local(host, self.case.attempts[attempt].start);
            // Where the same log shows how the connection began, nothing of it stands before.
            if begins && let Some(began) = began(&self.case.attempts[attempt], host) {
                span.0 = span.0.max(began.plus(-BEFORE));
            }
            let records = match elsewhere(meaning.host) {
                // What others hold may still speak of this attempt, if no end of a connection logged it.
                true => vec![on(&self.rules, slug, host)],
                false => self.loose.of(&self.case.attempts[attempt], (slug, host), meaning.host, keys),
            };
            for records in records {
                let near = within(self.case, records, span);
                let near = nearest(near, |id| self.case.items[*id].time < start).iter();
                found.extend(near.filter_map(|&item| {
                    let tie = self.tie(attempt, item, meaning, keys)?;
                    Some(Bound { item, tie })
                }));
            }
            let own = held.iter().map(|(_, id)| *id).filter(|id| {
                let item = &self.case.items[*id];
                item.host == host && span.0 <= item.time && item.time <= span.1
            });
            found.extend(own.map(|item| Bound { item, tie: Tie::Key }));
        }
        found.sort_by_key(|bound| bound.item);
        if keys.contains(&Key::ClientIp) && self.among_strangers(attempt, &found, slug) {
            let timed = found.iter_mut().filter(|bound| bound.tie == Tie::Time);
            timed.for_each(|bound| bound.tie = Tie::Shared);
        }
        found
    }

    /// Records name addresses, the attempt's client is known by none, and they are of the Internet, where strangers knock
    /// all day, or those about them name several: nobody knows which of them is its.
    fn among_strangers(&self, attempt: usize, found: &[Bound], slug: &str) -> bool {
        let timed = |bound: &&Bound| bound.tie == Tie::Time && self.keys.client_ip(bound.item).is_some();
        let Some(first) = found.iter().find(timed).filter(|_| self.case.attempts[attempt].client_ips.is_empty()) else {
            return false;
        };
        let told = found.iter().filter(timed).filter_map(|bound| self.keys.client_ip(bound.item));
        if told.into_iter().all(|address| !is_private(address)) {
            return true;
        }
        let item = &self.case.items[first.item];
        let about = (item.time.plus(-STRANGERS), item.time.plus(STRANGERS));
        let near = nearest(self.on_host(slug, item.host, about), |id| self.case.items[*id].time < item.time);
        let mut told = near.iter().filter_map(|id| self.keys.client_ip(*id));
        told.next().is_some_and(|one| told.any(|other| other != one))
    }

    /// Records of a rule that the attempt itself holds.
    fn held_by(&self, attempt: usize, slug: &str) -> &[(usize, ItemId)] {
        let all = self.held.get(slug).map_or(&[][..], Vec::as_slice);
        let start = all.partition_point(|(at, _)| *at < attempt);
        let end = all.partition_point(|(at, _)| *at <= attempt);
        &all[start..end]
    }

    /// A window around an attempt on the reference clock.
    pub fn window(&self, attempt: usize, window: Window) -> (Time, Time) {
        around(&self.case.attempts[attempt], window)
    }

    fn tie(&self, at: usize, id: ItemId, meaning: &Meaning, keys: &[Key]) -> Option<Tie> {
        if elsewhere(meaning.host) {
            match self.owner[id] {
                _ if self.case.items[id].noise => return None,
                Owner::Attempt(owner) if owner == at => return Some(Tie::Key),
                Owner::Stray => return None,
                _ => {}
            }
        }
        let matched = self.keys.agree(at, id, keys, meaning.host)?;
        if matched {
            // The same user at another computer may have done something else at that time.
            let foreign = elsewhere(meaning.host) && self.keys.is_foreign(at, id);
            return Some(if foreign { Tie::Shared } else { Tie::Key });
        }
        if elsewhere(meaning.host) || !keys.contains(&Key::Time) {
            return elsewhere(meaning.host).then_some(Tie::Shared);
        }
        let item = &self.case.items[id];
        let shared =
            self.drowned[id] || self.crowded(at, item) || self.case.unsure(&self.case.attempts[at], item.host) > 0;
        Some(if shared { Tie::Shared } else { Tie::Time })
    }

    /// Another attempt of that host holds this moment and did not end alike.
    fn crowded(&self, at: usize, item: &Item<'_>) -> bool {
        let own = end(&self.case.attempts[at]);
        let slack = 5 * TICKS_PER_SECOND;
        let time = self.case.aligned(item.host, item.time);
        let others = self.lives.get(&item.host).into_iter().flatten().filter(|(end, _)| *end != own);
        others.flat_map(|(_, lives)| lives.touching(time.plus(-slack), time.plus(slack))).next().is_some()
    }

    /// Far more records of its kind stand around it than attempts could have made: a scan's.
    fn drowns(&self, item: &Item<'_>) -> bool {
        let Some(rule) = item.rules.iter().find(|rule| rule.meaning.is_some()) else { return false };
        let span = (item.time.plus(-BURST_HALF), item.time.plus(BURST_HALF));
        let count = self.on_host(&rule.slug, item.host, span).len();
        let minute = self.attempts.get(&item.host).map_or(0, |list| {
            let time = self.case.aligned(item.host, item.time);
            let from = list.partition_point(|at| self.case.attempts[*at].start < time.plus(-BURST_HALF));
            let to = list.partition_point(|at| self.case.attempts[*at].start <= time.plus(BURST_HALF));
            to.saturating_sub(from)
        });
        count > BURST_RATIO * (minute + 1)
    }
}

/// What a rule means; a correlation means what the rule means that it counts.
pub fn meaning<'c>(case: &'c Case<'_>, slug: &str) -> Option<&'c Meaning> {
    let signatures = case.signatures;
    let counted = || signatures.correlations().iter().find(|c| c.slug == slug)?.rules.first().map(String::as_str);
    let rule = signatures.rule(slug).or_else(|| signatures.rule(counted()?))?;
    rule.meaning.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_countless_records_those_about_the_attempt_are_looked_at() {
        let all: Vec<usize> = (0..NEAREST * 3).collect();
        let about = |moment: usize| nearest(&all, |at| *at < moment);
        assert_eq!(nearest(&all[..NEAREST], |_| true), &all[..NEAREST]);
        assert_eq!(about(0), &all[..NEAREST]);
        assert_eq!(about(all.len()), &all[all.len() - NEAREST..]);
        let middle = about(NEAREST + 7);
        assert_eq!((middle.len(), middle.first()), (NEAREST, Some(&(NEAREST / 2 + 7))));
    }
}
