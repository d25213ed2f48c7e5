//! Finds the connections of a case: by the ActivityID that client, server and gateway give each of theirs; records without
//! one are added by connection name, session, address or time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::{Guid, TICKS_PER_SECOND, Time};
use crate::signature::definition::{Key, Mark, Phase, Role, Slot};

use super::connection::{Connection, ItemId, SIDES};
use super::identity::{HostId, user_key};
use super::item::Item;

/// Slack for records that belong to a connection but carry no key, 100 ns.
const NEAR: i64 = 2 * TICKS_PER_SECOND;

/// Finds the connections of a case; items are in order of time.
pub fn connections(items: &[Item<'_>]) -> Vec<Connection> {
    let mut found = by_activity(items);
    let mut taken: BTreeSet<ItemId> = found.iter().flat_map(|c| c.items.iter().copied()).collect();
    attach_by_session(items, &mut found, &mut taken);
    attach_or_open(items, &mut found, &mut taken);
    by_process(items, &mut found, &mut taken);
    adopt(items, &mut found, &mut taken);
    time_stops(items, &mut found, &taken);
    found.extend(super::network::flows(items));
    found.sort_by_key(|c| (c.start, c.host, c.side, c.items.first().copied()));
    found
}

/// Records of one ActivityID on one side of one host.
fn by_activity(items: &[Item<'_>]) -> Vec<Connection> {
    let mut groups: BTreeMap<(HostId, Role, Guid), Connection> = BTreeMap::new();
    for (id, item) in items.iter().enumerate() {
        let Some(activity) = item.evidence.record.activity_id else { continue };
        for side in SIDES {
            if item.on_side(side).any(|meaning| meaning.join.contains(&Key::Activity)) {
                groups
                    .entry((item.host, side, activity))
                    .or_insert_with(|| Connection::new(side, Some(activity), id, item))
                    .items
                    .push(id);
            }
        }
    }
    let mut found: Vec<Connection> = groups.into_values().collect();
    for connection in &mut found {
        connection.learn(items);
    }
    // Ids of the listener, of console sessions and the like tell of no connection.
    found.retain(|connection| {
        connection.items.iter().any(|&id| {
            items[id].on_side(connection.side).any(|meaning| {
                matches!(meaning.mark, Some(Mark::Open | Mark::Knock | Mark::Authenticated | Mark::Session | Mark::End))
                    || (meaning.stops.is_some() && !items[id].noise)
            })
        })
    });
    found
}

/// What the system tells of a client program (its TCP connections and the like): to the connection of the
/// same process that held at that moment.
fn by_process(items: &[Item<'_>], found: &mut [Connection], taken: &mut BTreeSet<ItemId>) {
    let mut programs: BTreeMap<(HostId, u32), Vec<usize>> = BTreeMap::new();
    for (at, connection) in found.iter().enumerate().filter(|(_, c)| c.side == Role::Client && c.activity.is_some()) {
        for process in &connection.processes {
            programs.entry((connection.host, *process)).or_default().push(at);
        }
    }
    for list in programs.values_mut() {
        list.sort_by_key(|at| found[*at].start);
    }
    let mut changed = Vec::new();
    for (id, item) in items.iter().enumerate() {
        let keyed = item.on_side(Role::Client).any(|meaning| meaning.join.contains(&Key::Process));
        let Some(process) = item.process().filter(|_| keyed && !taken.contains(&id)) else { continue };
        let Some(list) = programs.get(&(item.host, process)) else { continue };
        // A connection that did not end may go on, until the program begins the next.
        let upto = list.partition_point(|at| found[*at].start <= item.time.plus(NEAR));
        let latest = list[..upto]
            .iter()
            .rev()
            .copied()
            .find(|at| found[*at].start <= item.time)
            .or(list[..upto].last().copied());
        if let Some(at) = latest.filter(|at| !over(&found[*at], item.time)) {
            changed.push((at, id));
            taken.insert(id);
        }
    }
    let connections: BTreeSet<usize> = changed.iter().map(|(at, _)| *at).collect();
    for (at, id) in changed {
        found[at].items.push(id);
    }
    for at in connections {
        found[at].learn(items);
    }
}

/// Session records without an ActivityID: to the latest connection that used the session.
fn attach_by_session(items: &[Item<'_>], found: &mut [Connection], taken: &mut BTreeSet<ItemId>) {
    let mut users: BTreeMap<(HostId, u32), Vec<(Time, usize)>> = BTreeMap::new();
    for (at, connection) in found.iter().enumerate().filter(|(_, c)| c.side == Role::Server) {
        for (session, since) in &connection.sessions {
            users.entry((connection.host, *session)).or_default().push((*since, at));
        }
    }
    users.values_mut().for_each(|list| list.sort_unstable());
    let mut changed = BTreeSet::new();
    for (id, item) in items.iter().enumerate() {
        let keyed = item.on_side(Role::Server).any(|meaning| meaning.join.contains(&Key::Session));
        if taken.contains(&id) || !keyed || item.marks(Role::Server, Mark::Session) {
            continue;
        }
        let Some(session) = item.number(Slot::Session) else { continue };
        let Some(list) = users.get(&(item.host, session)) else { continue };
        // A session passes from one connection to the next: the last that had it by then.
        let upto = list.partition_point(|(since, _)| *since <= item.time);
        let latest = list[..upto].last().map(|(_, at)| *at);
        // A session id is used again by others: only a connection that still lives owns the record.
        if let Some(at) = latest.filter(|at| !over(&found[*at], item.time)) {
            found[at].items.push(id);
            taken.insert(id);
            changed.insert(at);
        }
    }
    for at in changed {
        found[at].learn(items);
    }
}

/// Its records ended well before this moment.
fn over(connection: &Connection, time: Time) -> bool {
    connection.ended && time > connection.end.plus(NEAR)
}

/// How many connections before or about a moment are looked at for what bears no key of one.
pub(super) const BACK: usize = 256;

/// How many of the connections begun last are looked at for a record that bears only a user, an address or a time. All
/// of them that hold its moment must be of one client, or the record stays loose; a server at which so many
/// begin and still last is at a scan's mercy, and a flood of records would be held against a flood of connections.
const BEGUN_LAST: usize = 64;

/// Markers without an ActivityID (older builds, classic logs): to a connection of the
/// same address at that time, else a connection of their own.
fn attach_or_open(items: &[Item<'_>], found: &mut Vec<Connection>, taken: &mut BTreeSet<ItemId>) {
    // By start, so that the latest that fits is found by walking back.
    let mut lists: BTreeMap<(HostId, Role), Vec<usize>> = BTreeMap::new();
    for (at, connection) in found.iter().enumerate() {
        lists.entry((connection.host, connection.side)).or_default().push(at);
    }
    for list in lists.values_mut() {
        list.sort_by_key(|at| found[*at].start);
    }
    let mut changed = BTreeSet::new();
    for (id, item) in items.iter().enumerate() {
        for side in SIDES {
            let opens = item.on_side(side).any(|meaning| {
                matches!(meaning.mark, Some(Mark::Knock | Mark::Open | Mark::Authenticated | Mark::Session))
            });
            if !opens || taken.contains(&id) {
                continue;
            }
            let list = lists.entry((item.host, side)).or_default();
            let upto = list.partition_point(|at| found[*at].start <= item.time.plus(NEAR));
            let latest = list[..upto].iter().rev().take(BACK).copied().find(|at| fits(&found[*at], side, item));
            let at = latest.unwrap_or_else(|| {
                found.push(Connection::new(side, item.evidence.record.activity_id, id, item));
                let place = list.partition_point(|at| found[*at].start <= item.time);
                list.insert(place, found.len() - 1);
                found.len() - 1
            });
            found[at].add(id, items);
            changed.insert(at);
            taken.insert(id);
        }
    }
    for at in changed {
        found[at].learn(items);
    }
}

/// May this record without a connection's key belong to the connection?
fn fits(connection: &Connection, side: Role, item: &Item<'_>) -> bool {
    let ip = item.ip(Slot::ClientIp);
    let other_ip = ip.is_some() && connection.client_ip.is_some() && connection.client_ip != ip;
    let other_key = item.evidence.record.activity_id.is_some() && connection.activity.is_some();
    let knock = item.marks(side, Mark::Knock);
    let second_knock = knock && (connection.start.since(item.time).abs() > NEAR || connection.knocked);
    !other_ip && !other_key && !over(connection, item.time) && !second_knock
}

/// Server records that name a user or address but no connection (Security logons and the
/// like): to the connection that held at that moment. Where several of different clients did,
/// the record stays loose: it would be a guess.
fn adopt(items: &[Item<'_>], found: &mut [Connection], taken: &mut BTreeSet<ItemId>) {
    let mut by_host: BTreeMap<HostId, Vec<usize>> = BTreeMap::new();
    for (at, connection) in found.iter().enumerate().filter(|(_, c)| c.side == Role::Server && c.opened) {
        by_host.entry(connection.host).or_default().push(at);
    }
    for list in by_host.values_mut() {
        list.sort_by_key(|at| found[*at].start);
    }
    let mut given: BTreeSet<(usize, String)> = BTreeSet::new();
    for (id, item) in items.iter().enumerate() {
        let wants = item.on_side(Role::Server).find(|meaning| {
            meaning.join.iter().any(|key| matches!(key, Key::ClientIp | Key::User)) && meaning.mark != Some(Mark::Knock)
        });
        let Some(meaning) = wants.filter(|_| !taken.contains(&id) && !item.noise) else { continue };
        let Some(list) = by_host.get(&item.host) else { continue };
        let upto = list.partition_point(|at| found[*at].start <= item.time.plus(TICKS_PER_SECOND / 10));
        let near: Vec<usize> = list[..upto]
            .iter()
            .rev()
            .take(BEGUN_LAST)
            .copied()
            .filter(|at| agrees(&found[*at], item))
            .filter(|at| !given.contains(&(*at, meaning.fact.clone())))
            .collect();
        let clients: BTreeSet<Option<IpAddr>> = near.iter().map(|at| found[*at].client_ip).collect();
        // Several users behind one address: a connection that is known as the user's goes first.
        let names = item.capture(Slot::User).and_then(user_key);
        let own = |at: &&usize| names.is_some() && found[**at].user.as_deref().and_then(user_key) == names;
        if let (Some(at), 1) = (near.iter().find(own).or(near.first()), clients.len()) {
            found[*at].items.push(id);
            found[*at].learn(items);
            taken.insert(id);
            given.insert((*at, meaning.fact.clone()));
        }
    }
}

/// Keyless matches of one rule within a minute that outnumber the connections there this many times are a scan's.
const SCAN_RATIO: usize = 5;
/// Half that minute, 100 ns.
const HALF_MINUTE: i64 = 30 * TICKS_PER_SECOND;

/// Keyless records that say a phase failed (Schannel and the like): to the one connection that was
/// in its handshakes at that moment. With several clients at it, or in a scan's flood, to none.
fn time_stops(items: &[Item<'_>], found: &mut [Connection], taken: &BTreeSet<ItemId>) {
    let mut by_host: BTreeMap<HostId, Vec<usize>> = BTreeMap::new();
    for (at, connection) in found.iter().enumerate().filter(|(_, c)| c.side == Role::Server && c.opened) {
        by_host.entry(connection.host).or_default().push(at);
    }
    for list in by_host.values_mut() {
        list.sort_by_key(|at| found[*at].start);
    }
    let mut flood: BTreeMap<(HostId, &str), Vec<Time>> = BTreeMap::new();
    let stops = |item: &Item<'_>| item.on_side(Role::Server).any(|m| m.stops.is_some() && m.join == [Key::Time]);
    for item in items.iter().filter(|item| !item.noise && stops(item)) {
        for rule in item.rules.iter() {
            flood.entry((item.host, &rule.slug)).or_default().push(item.time);
        }
    }
    for (id, item) in items.iter().enumerate() {
        if taken.contains(&id) || item.noise || !stops(item) {
            continue;
        }
        let Some(list) = by_host.get(&item.host) else { continue };
        let within = |from: Time, to: Time| {
            list.partition_point(|at| found[*at].start <= to) - list.partition_point(|at| found[*at].start < from)
        };
        let span = (item.time.plus(-HALF_MINUTE), item.time.plus(HALF_MINUTE));
        let hits = item.rules.iter().filter_map(|rule| flood.get(&(item.host, rule.slug.as_str())));
        let most = hits.map(|times| count_within(times, span)).max().unwrap_or(0);
        if most > SCAN_RATIO * (within(span.0, span.1) + 1) {
            continue;
        }
        let upto = list.partition_point(|at| found[*at].start <= item.time.plus(TICKS_PER_SECOND / 10));
        let near = || {
            list[..upto].iter().rev().take(BEGUN_LAST).copied().filter(|at| {
                let c = &found[*at];
                c.holds(item.time, TICKS_PER_SECOND) && c.phase.is_none_or(|phase| phase <= Phase::Tls)
            })
        };
        let clients: BTreeSet<Option<IpAddr>> = near().map(|at| found[at].client_ip).collect();
        if let (Some(at), 1) = (near().next(), clients.len()) {
            found[at].timed.push(id);
            found[at].learn(items);
        }
    }
}

fn count_within(times: &[Time], span: (Time, Time)) -> usize {
    times.partition_point(|time| *time <= span.1) - times.partition_point(|time| *time < span.0)
}

/// Nothing in the record speaks against this connection, and it held at that time.
fn agrees(connection: &Connection, item: &Item<'_>) -> bool {
    if !connection.holds(item.time, TICKS_PER_SECOND) {
        return false;
    }
    let other_ip = || {
        let ip = item.ip(Slot::ClientIp);
        ip.is_some() && connection.client_ip.is_some() && ip != connection.client_ip
    };
    // A shared folder, say, that the same client opens at that moment.
    let other_port = || connection.client_port.zip(item.client_port()).is_some_and(|(own, told)| own != told);
    let other_user = || {
        let named = connection.user.as_deref().and_then(user_key);
        let names = item.capture(Slot::User).and_then(user_key);
        named.is_some() && names.is_some() && named != names
    };
    !other_ip() && !other_port() && !other_user()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::connection::tests::matched;
    use crate::event::Event;
    use crate::evidence::Evidence;
    use crate::signature::Signatures;

    #[test]
    fn a_record_without_a_key_belongs_to_one_of_the_last_connections() {
        let (signatures, _) = Signatures::open(true, &[]);
        // One user's record, as many of others, and one more of the first's.
        let count = |others: u16| {
            let second = |n: u16, client: [u8; 4]| {
                let mut event = Event::default();
                event.system.time = Some(Time::from_filetime(u64::from(n) * TICKS_PER_SECOND as u64));
                event.push("Param3", &std::net::Ipv4Addr::from(client).to_string());
                matched("rcm_1149_authenticated", &event)
            };
            let strangers = (1..=others).map(|n| second(n, [10, 1, n.to_be_bytes()[0], n.to_be_bytes()[1]]));
            let ends = |n: u16| std::iter::once(second(n, [10, 0, 0, 1]));
            let rows: Vec<Evidence> = ends(0).chain(strangers).chain(ends(300)).collect();
            let items: Vec<Item<'_>> = rows.iter().map(|row| Item::alone(row, &signatures)).collect();
            connections(&items).len()
        };
        let most = u16::try_from(BACK).unwrap();
        assert_eq!(count(most - 1), BACK);
        assert_eq!(count(most), BACK + 2, "one of its own");
    }

    #[test]
    fn behind_one_address_a_record_belongs_to_the_connection_of_its_user() {
        let (signatures, _) = Signatures::open(true, &[]);
        let row = |tenth: u64, of: u8, rule: &str, fields: &[(&str, &str)]| {
            let mut event = Event::default();
            event.system.time = Some(Time::from_filetime(tenth * TICKS_PER_SECOND as u64 / 10));
            event.system.activity_id = Some(Guid([of; 16])).filter(|_| of > 0);
            fields.iter().for_each(|(name, value)| event.push(name, value));
            matched(rule, &event)
        };
        let opened = |tenth, of| row(tenth, of, "rdpcorets_131_tcp", &[("ClientIP", "10.1.0.1:4000")]);
        let named = |tenth, of, user| row(tenth, of, "rcm_1149_authenticated", &[("Param1", user)]);
        let logon = [("TargetUserName", "anna"), ("IpAddress", "10.1.0.1")];
        let rows = [opened(100, 1), opened(101, 2), named(103, 1, "anna"), row(104, 0, "security_4624_type3", &logon)];
        let items: Vec<Item<'_>> = rows.iter().map(|row| Item::alone(row, &signatures)).collect();
        let found = connections(&items);
        let own = found.iter().find(|connection| connection.items.contains(&3)).unwrap();
        assert_eq!(own.activity, Some(Guid([1; 16])));
    }
}
