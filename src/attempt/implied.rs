//! Attempts that no connection shows: a record says by itself that one was made and ended.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::{Role, Slot};

use super::connection::SIDES;
use super::identity::{HostId, user_key};
use super::intervals::Intervals;
use super::item::Item;
use super::{Attempt, Case, Connection, ItemId};

/// How many of the attempts begun last a record may still be of. Records of one attempt stand within two seconds of each
/// other, and others of the same moment seldom come between; one that finds its attempt no more makes its own.
const OPEN_GROUPS: usize = 16;

/// Records that by themselves show a connection that ended, and that no attempt holds.
pub fn implied(case: &mut Case<'_>) {
    let held: BTreeSet<ItemId> = case
        .attempts
        .iter()
        .flat_map(|attempt| attempt.connections.iter().flat_map(|c| c.items.iter().copied()))
        .chain(case.strays.iter().flat_map(|stray| stray.connections.iter().flat_map(|c| c.items.iter().copied())))
        .collect();
    let witnesses = Witnesses::of(case);
    let mut groups: Vec<(Role, Vec<ItemId>)> = Vec::new();
    for (id, item) in case.items.iter().enumerate() {
        let Some(meaning) =
            item.meanings().find(|m| m.implies.is_some()).filter(|_| !item.noise && !held.contains(&id))
        else {
            continue;
        };
        if witnesses.witnessed(case, item, meaning.host) {
            continue;
        }
        let same = groups.iter_mut().rev().take(OPEN_GROUPS).find(|(side, list)| {
            *side == meaning.host && list.last().is_some_and(|&last| one_connection(&case.items[last], item))
        });
        match same {
            Some((_, list)) => list.push(id),
            None => groups.push((meaning.host, vec![id])),
        }
    }
    for (side, list) in groups {
        let host = case.items[list[0]].host;
        let mut attempt = Attempt::of(Vec::new());
        match side {
            Role::Client => attempt.client = Some(host),
            Role::Gateway => attempt.gateway = Some(host),
            Role::Server => attempt.server = Some(host),
            _ => {}
        }
        attempt.implied = list;
        case.attempts.push(attempt);
    }
}

/// Slack around a connection in which a record may still tell of it, 100 ns.
const SLACK: i64 = 5 * TICKS_PER_SECOND;

/// Connections without a session.
struct Witnesses<'c> {
    connections: Vec<&'c Connection>,
    /// By host and side, as that host's clock stood.
    by_end: BTreeMap<(HostId, Role), Intervals<usize>>,
    /// By user, on the reference clock.
    by_user: BTreeMap<String, Intervals<usize>>,
}

impl<'c> Witnesses<'c> {
    fn of(case: &'c Case<'_>) -> Self {
        let mut connections = Vec::new();
        let mut by_end: BTreeMap<(HostId, Role), Vec<_>> = BTreeMap::new();
        let mut by_user: BTreeMap<String, Vec<_>> = BTreeMap::new();
        let all = case.attempts.iter().flat_map(|attempt| attempt.connections.iter().map(move |c| (attempt, c)));
        for (attempt, c) in all.filter(|(_, c)| c.session.is_none()) {
            let at = connections.len();
            connections.push(c);
            if let Some(user) = c.user.as_deref().and_then(user_key) {
                let life = (case.aligned(c.host, c.start), case.aligned(c.host, c.end), at);
                by_user.entry(user).or_default().push(life);
            }
            // Packets tell of both ends.
            let sides = SIDES.into_iter().filter(|side| c.side == *side || c.side == Role::Network);
            for end in sides.filter_map(|side| Some((attempt.host(side)?, side))) {
                by_end.entry(end).or_default().push((c.start, c.end, at));
            }
        }
        Witnesses { connections, by_end: indexed(by_end), by_user: indexed(by_user) }
    }

    /// Some connection of that host holds this moment and does not contradict the record: the
    /// record is evidence of that attempt, not another one.
    fn witnessed(&self, case: &Case<'_>, item: &Item<'_>, side: Role) -> bool {
        // What a broker or a controller says of a user is about the connection that this user has open just then.
        if matches!(side, Role::Dc | Role::Broker | Role::License) {
            let named = item.capture(Slot::User).and_then(user_key).and_then(|user| self.by_user.get(&user));
            let time = case.aligned(item.host, item.time);
            let near = named.into_iter().flat_map(|lives| lives.touching(time.plus(-SLACK), time.plus(SLACK)));
            return near.map(|at| self.connections[at]).any(|c| c.holds(case.local(c.host, time), SLACK));
        }
        let Some(lives) = self.by_end.get(&(item.host, side)) else { return false };
        let ip = item.ip(Slot::ClientIp);
        let user = item.capture(Slot::User).and_then(user_key);
        let near = lives.touching(item.time.plus(-SLACK), item.time.plus(SLACK));
        near.map(|at| self.connections[at]).any(|c| {
            let other_ip = ip.is_some() && c.client_ip.is_some() && ip != c.client_ip;
            let named = c.user.as_deref().and_then(user_key);
            let other_user = named.is_some() && user.is_some() && named != user;
            !other_ip && !other_user
        })
    }
}

fn indexed<K: Ord>(lives: BTreeMap<K, Vec<(Time, Time, usize)>>) -> BTreeMap<K, Intervals<usize>> {
    lives.into_iter().map(|(key, lives)| (key, lives.into_iter().collect())).collect()
}

/// Two records of one event: same host, same keys, within two seconds.
fn one_connection(a: &Item<'_>, b: &Item<'_>) -> bool {
    let same = |slot: Slot| match (a.capture(slot), b.capture(slot)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => true,
    };
    let other_record = a.evidence.record.event_id != b.evidence.record.event_id
        || a.evidence.record.provider != b.evidence.record.provider;
    a.host == b.host
        && other_record
        && b.time.since(a.time).abs() <= 2 * TICKS_PER_SECOND
        && [Slot::User, Slot::ClientIp, Slot::Target].into_iter().all(same)
}
