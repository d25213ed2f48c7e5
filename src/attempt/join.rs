//! Both ends of one action found in two logs that share no key but names and time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::{TICKS_PER_SECOND, Time};
use crate::evidence::EventRef;
use crate::signature::definition::{Outcome, Role};

use super::clock::{self, Spans};
use super::identity::{HostId, address, bare_target};
use super::{Attempt, Case, Connection, HostClock, Item, ItemId, group};

/// A server connection may seem to start this much before the client's, after alignment (100 ns).
const EARLY: i64 = 2 * TICKS_PER_SECOND;
/// How long after its last record a client's connection may still start one at the server.
const LATE: i64 = TICKS_PER_SECOND;
/// Side connections of a session follow its start within this, 100 ns.
const SETTLED: i64 = 5 * TICKS_PER_SECOND;
/// A client connection without an end is taken to last this long at least.
const OPEN_END: i64 = 60 * TICKS_PER_SECOND;

impl Attempt {
    fn of(connections: Vec<Connection>) -> Self {
        let host = |side: Role| connections.iter().find(|c| c.side == side).map(|c| c.host);
        Attempt {
            id: EventRef::default(),
            client: host(Role::Client),
            server: host(Role::Server),
            gateway: host(Role::Gateway),
            connections,
            implied: Vec::new(),
            start: Time::default(),
            end: Time::default(),
            client_ips: BTreeSet::new(),
            client_name: None,
            target: None,
            target_ip: None,
            user: None,
            outcome: Outcome::Unknown,
            phase: None,
            phase_limit: None,
            stopped: None,
            disconnect: None,
            joined_by: Vec::new(),
            ambiguous: false,
        }
    }
}

/// Makes attempts of the clients' connections, with the server connections that belong to
/// them; gives back the connections that no client's log explains.
pub fn both_ends(case: &mut Case<'_>, connections: Vec<Connection>) -> Vec<Connection> {
    let (mut clients, mut rest): (Vec<_>, Vec<_>) = connections.into_iter().partition(|c| c.side == Role::Client);
    clients.sort_by_key(|c| (c.start, c.host, c.items.first().copied()));
    let target: Vec<Option<HostId>> = clients.iter().map(|c| server_of(case, c, &rest)).collect();
    align(case, &clients, &target, &rest);
    let ends: Vec<Time> = (0..clients.len()).map(|at| reach(case, &clients, at)).collect();
    for ((connection, server), end) in clients.into_iter().zip(target).zip(ends) {
        let joined = server.map(|server| take(case, &connection, server, end, &mut rest));
        let (mut parts, ambiguous) = joined.unwrap_or_default();
        let by_name = named(case, &connection) == server;
        parts.push(connection);
        let mut attempt = Attempt::of(parts);
        attempt.server = attempt.server.or(server);
        attempt.ambiguous = ambiguous || (server.is_some() && !by_name);
        if attempt.side(Role::Server).next().is_some() {
            let key = if by_name { "server name" } else { "only server in the case" };
            attempt.joined_by = vec![key.to_string(), "time".to_string()];
        } else if server.is_some() && by_name {
            attempt.joined_by = vec!["server name".to_string()];
        }
        merge_prelude(case, attempt);
    }
    learn_clients(case);
    rest
}

/// A join that is not ambiguous tells the client's address; an address that several clients share
/// (NAT, a gateway) tells nothing.
fn learn_clients(case: &mut Case<'_>) {
    let mut found = BTreeSet::new();
    for attempt in case.attempts.iter().filter(|attempt| !attempt.ambiguous) {
        let Some(host) = attempt.client else { continue };
        found.extend(attempt.side(Role::Server).filter_map(|connection| Some((host, connection.client_ip?))));
    }
    for (host, ip) in found {
        case.hosts.learn_address(host, ip);
    }
}

/// The next connection of the same client to the same target within seconds continues the
/// action when the one before was mstsc's own prelude.
fn merge_prelude(case: &mut Case<'_>, attempt: Attempt) {
    use crate::signature::definition::{Ending, Slot};
    let first = attempt.side(Role::Client).next();
    let earlier = case.attempts.iter().rposition(|known| {
        let (Some(a), Some(b)) = (known.side(Role::Client).last(), first) else { return false };
        let code = a.items.iter().rev().find_map(|&id| case.items[id].number(Slot::Disconnect));
        let prelude = code
            .and_then(|number| case.signatures.code(Slot::Disconnect.word(), number))
            .is_some_and(|code| code.ends == Ending::Prelude);
        a.host == b.host
            && prelude
            && a.target == b.target
            && (0..=3 * TICKS_PER_SECOND).contains(&b.start.since(a.end))
    });
    match earlier {
        Some(at) => {
            let known = &mut case.attempts[at];
            known.connections.extend(attempt.connections);
            known.ambiguous |= attempt.ambiguous;
            known.server = known.server.or(attempt.server);
        }
        None => case.attempts.push(attempt),
    }
}

/// The server that a client's log names: by name, by address.
fn named(case: &Case<'_>, connection: &Connection) -> Option<HostId> {
    let by_name = connection.target.as_deref().and_then(|name| case.hosts.resolve(name));
    let by_address = || {
        let ip = connection.target_ip.or_else(|| address(connection.target.as_deref()?))?;
        case.hosts.resolve(&ip.to_string())
    };
    by_name.or_else(by_address)
}

/// As [`named`]; else the only computer in the case that logged connections of clients, where
/// what was typed is an address or nothing: a typed name that fits nobody means another computer.
fn server_of(case: &Case<'_>, connection: &Connection, others: &[Connection]) -> Option<HostId> {
    named(case, connection).or_else(|| {
        let typed_name = connection.target.as_deref().is_some_and(|target| address(target).is_none());
        let servers: BTreeSet<HostId> = others.iter().filter(|c| c.side == Role::Server).map(|c| c.host).collect();
        let mut servers = servers.into_iter().filter(|host| *host != connection.host);
        match (servers.next(), servers.next()) {
            (Some(only), None) if !typed_name => Some(only),
            _ => None,
        }
    })
}

/// Until when, on its own clock, a client's connection may have started one at the server: it opens them
/// until it has its session, not while the session runs.
fn reach(case: &Case<'_>, clients: &[Connection], at: usize) -> Time {
    let connection = &clients[at];
    if let Some(session) = connection.session {
        return case.items[session].time.plus(SETTLED);
    }
    if connection.ended {
        return connection.end.plus(LATE);
    }
    let next = clients[at + 1..].iter().find(|c| c.host == connection.host && c.target == connection.target);
    let open = connection.end.max(connection.start.plus(OPEN_END));
    next.map_or(open, |next| next.start.plus(-1).min(open))
}

/// Clock offsets from pairs of anchors, per pair of hosts, put together over the whole case.
fn align(case: &mut Case<'_>, clients: &[Connection], target: &[Option<HostId>], others: &[Connection]) {
    let mut pairs: BTreeMap<(HostId, HostId), Spans> = BTreeMap::new();
    for (connection, server) in clients.iter().zip(target) {
        if let Some(server) = server {
            anchor(pairs.entry((*server, connection.host)).or_default(), connection);
        }
    }
    let mut edges = Vec::new();
    let mut failed = BTreeSet::new();
    for ((server, client), own) in pairs {
        let mut by_ip: BTreeMap<Option<IpAddr>, Spans> = BTreeMap::new();
        for c in others.iter().filter(|c| c.side == Role::Server && c.host == server) {
            anchor(by_ip.entry(c.client_ip).or_default(), c);
        }
        // Each address is one client: the one whose anchors agree best is ours.
        let found = by_ip.values().filter_map(|theirs| clock::offset(&own, theirs));
        match found.max_by_key(|o| (o.pairs, -o.ticks.abs())) {
            Some(offset) => edges.push((server, client, offset)),
            None if !by_ip.is_empty() => {
                failed.insert(client);
            }
            None => {}
        }
    }
    let mut count: BTreeMap<HostId, usize> = BTreeMap::new();
    for connection in others.iter().filter(|c| c.side == Role::Server) {
        *count.entry(connection.host).or_default() += 1;
    }
    let busiest = count.iter().max_by_key(|(host, count)| (**count, std::cmp::Reverse(**host))).map(|(host, _)| *host);
    let Some(reference) = busiest.or(clients.first().map(|c| c.host)) else { return };
    case.reference = Some(reference);
    case.clocks[reference].ahead = Some(0);
    spread(case, reference, &edges);
    for host in failed {
        case.clocks[host].failed = case.clocks[host].ahead.is_none();
    }
}

fn anchor(spans: &mut Spans, connection: &Connection) {
    spans.push((connection.start, connection.ended.then_some(connection.end)));
}

/// Walks from the reference over the pairs of hosts; `offset` is server minus client.
fn spread(case: &mut Case<'_>, reference: HostId, edges: &[(HostId, HostId, clock::Offset)]) {
    let mut queue = vec![reference];
    while let Some(host) = queue.pop() {
        let base = case.clocks[host].ahead.unwrap_or(0);
        for (server, client, offset) in edges {
            let (other, ahead) = match host {
                h if h == *server => (*client, base - offset.ticks),
                h if h == *client => (*server, base + offset.ticks),
                _ => continue,
            };
            if case.clocks[other].ahead.is_none() {
                case.clocks[other] =
                    HostClock { ahead: Some(ahead), spread: offset.spread, pairs: offset.pairs, failed: false };
                queue.push(other);
            }
        }
    }
}

/// Takes the server connections that start while the client's lives. Where several addresses
/// fit, the nearest start decides and the join is ambiguous.
fn take(
    case: &Case<'_>,
    client: &Connection,
    server: HostId,
    end: Time,
    rest: &mut Vec<Connection>,
) -> (Vec<Connection>, bool) {
    let from = case.aligned(client.host, client.start).plus(-EARLY);
    let to = case.aligned(client.host, end);
    let fits = |c: &Connection| {
        let start = case.aligned(c.host, c.start);
        c.side == Role::Server && c.host == server && from <= start && start <= to && !of_another(case, client, c)
    };
    let known = &case.hosts.get(client.host).addresses;
    let mut nearest: BTreeMap<Option<IpAddr>, i64> = BTreeMap::new();
    for connection in rest.iter().filter(|c| fits(c)) {
        let gap = case.aligned(server, connection.start).since(from.plus(EARLY)).abs();
        let entry = nearest.entry(connection.client_ip).or_insert(gap);
        *entry = gap.min(*entry);
    }
    let own = nearest.keys().find(|ip| ip.is_some_and(|ip| known.contains(&ip))).copied();
    let Some(ip) = own.or_else(|| nearest.iter().min_by_key(|(ip, gap)| (**gap, **ip)).map(|(ip, _)| *ip)) else {
        return (Vec::new(), false);
    };
    let ambiguous = own.is_none() && nearest.len() > 1;
    let (taken, left) = std::mem::take(rest).into_iter().partition(|c| fits(c) && c.client_ip == ip);
    *rest = left;
    (taken, ambiguous)
}

/// The server heard the name of a computer that is neither this client nor the server itself: another
/// client behind the same address.
fn of_another(case: &Case<'_>, client: &Connection, connection: &Connection) -> bool {
    let Some(name) = connection.client_host.as_deref() else { return false };
    let ends = [client.host, connection.host];
    // NetBIOS keeps fifteen characters of a name.
    let short = |host: &HostId| {
        let own = case.hosts.name(*host).split('.').next().unwrap_or_default();
        own.chars().take(15).collect::<String>().eq_ignore_ascii_case(name)
    };
    !ends.iter().any(short) && case.hosts.resolve(name).is_none_or(|host| !ends.contains(&host))
}

/// Makes attempts of what only the server's or the gateway's log shows.
pub fn one_end(case: &mut Case<'_>, connections: Vec<Connection>) {
    let (gateways, servers): (Vec<_>, Vec<_>) = connections.into_iter().partition(|c| c.side == Role::Gateway);
    for action in group::actions(servers) {
        case.attempts.push(Attempt::of(action));
    }
    for mut legs in group::actions(gateways) {
        let fitting = match case.attempts.iter().position(|attempt| behind(case, attempt, &legs)) {
            Some(at) => Some((at, "gateway target")),
            None => only_client(case, &legs).map(|at| (at, "only client at that time")),
        };
        match fitting {
            Some((at, key)) => {
                let attempt = &mut case.attempts[at];
                attempt.gateway = legs.first().map(|leg| leg.host);
                attempt.connections.append(&mut legs);
                attempt.joined_by.extend([key.to_string(), "time".to_string()]);
                attempt.joined_by.sort();
                attempt.joined_by.dedup();
            }
            None => {
                let server = legs.iter().find_map(|leg| case.hosts.resolve(leg.target.as_deref()?));
                let mut attempt = Attempt::of(legs);
                attempt.server = server;
                case.attempts.push(attempt);
            }
        }
    }
    by_code(case);
}

/// The client's code says that the gateway failed it, and the case knows one gateway only: that one, although
/// its log shows nothing of this connection. Sure only where the same client is seen to use it.
fn by_code(case: &mut Case<'_>) {
    use crate::signature::definition::Slot;
    let mut gateways = (0..case.roles.len()).filter(|host| case.roles[*host].contains(&Role::Gateway));
    let (Some(gateway), None) = (gateways.next(), gateways.next()) else { return };
    let told = |attempt: &Attempt| {
        attempt.side(Role::Client).flat_map(|c| &c.items).any(|&id| {
            let code = case.items[id].number(Slot::Disconnect);
            let code = code.and_then(|number| case.signatures.code(Slot::Disconnect.word(), number));
            code.and_then(|code| code.background.layer.as_deref()).is_some_and(|layer| layer.starts_with("gateway"))
        })
    };
    let users: BTreeSet<HostId> =
        case.attempts.iter().filter(|a| a.gateway == Some(gateway)).filter_map(|a| a.client).collect();
    let alone = |attempt: &Attempt| attempt.gateway.is_none() && attempt.side(Role::Server).next().is_none();
    let found: Vec<usize> = (0..case.attempts.len())
        .filter(|at| alone(&case.attempts[*at]) && told(&case.attempts[*at]))
        .collect();
    for at in found {
        let attempt = &mut case.attempts[at];
        attempt.gateway = Some(gateway);
        attempt.ambiguous |= attempt.client.is_none_or(|client| !users.contains(&client));
        attempt.joined_by.push("only gateway in the case".to_string());
        attempt.joined_by.sort();
    }
}

/// A tunnel that was refused before it named a target: the one client whose connection was
/// alive then and reached no server. With two of them it stays alone.
fn only_client(case: &Case<'_>, legs: &[Connection]) -> Option<usize> {
    let first = legs.first().filter(|_| legs.iter().all(|leg| leg.target.is_none()))?;
    let time = case.aligned(first.host, first.start);
    let mut fitting = case.attempts.iter().enumerate().filter(|(_, attempt)| {
        attempt.gateway.is_none()
            && attempt.side(Role::Server).next().is_none()
            && attempt.side(Role::Client).any(|c| {
                let slack = EARLY;
                case.aligned(c.host, c.start).plus(-slack) <= time && time <= case.aligned(c.host, c.end).plus(slack)
            })
    });
    let (at, _) = fitting.next()?;
    fitting.next().is_none().then_some(at)
}

/// Did this attempt go through these legs: same target, same time, nothing that speaks against?
fn behind(case: &Case<'_>, attempt: &Attempt, legs: &[Connection]) -> bool {
    use super::identity::user_key;
    if attempt.gateway.is_some() {
        return false;
    }
    let Some(first) = legs.first() else { return false };
    let target = legs.iter().find_map(|leg| leg.target.as_deref());
    let by_host = target.and_then(|name| case.hosts.resolve(name)).is_some_and(|host| attempt.server == Some(host));
    let by_text = attempt
        .side(Role::Client)
        .filter_map(|c| c.target.as_deref())
        .any(|typed| target.is_some_and(|name| bare_target(name).eq_ignore_ascii_case(bare_target(typed))));
    let users = (
        attempt.connections.iter().find_map(|c| user_key(c.user.as_deref()?)),
        legs.iter().find_map(|leg| user_key(leg.user.as_deref()?)),
    );
    let other_user = matches!(&users, (Some(a), Some(b)) if a != b);
    let leg_start = case.aligned(first.host, first.start);
    let leg_end = legs.iter().map(|leg| case.aligned(leg.host, leg.end)).max().unwrap_or(leg_start);
    let near = attempt.connections.iter().any(|c| {
        let start = case.aligned(c.host, c.start);
        leg_start.plus(-5 * TICKS_PER_SECOND) <= start && start <= leg_end.plus(5 * TICKS_PER_SECOND)
            || c.side == Role::Client && start <= leg_start && leg_start <= case.aligned(c.host, c.end)
    });
    (by_host || by_text) && near && !other_user
}

/// Records that by themselves show a connection that ended, and that no attempt holds.
pub fn implied(case: &mut Case<'_>) {
    let held: BTreeSet<ItemId> = case
        .attempts
        .iter()
        .flat_map(|attempt| attempt.connections.iter().flat_map(|c| c.items.iter().copied()))
        .chain(case.strays.iter().flat_map(|stray| stray.connections.iter().flat_map(|c| c.items.iter().copied())))
        .collect();
    let mut groups: Vec<(Role, Vec<ItemId>)> = Vec::new();
    for (id, item) in case.items.iter().enumerate() {
        let Some(meaning) =
            item.meanings().find(|m| m.implies.is_some()).filter(|_| !item.noise && !held.contains(&id))
        else {
            continue;
        };
        if witnessed(case, item, meaning.host) {
            continue;
        }
        let same = groups.iter_mut().rev().take(16).find(|(side, list)| {
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

/// Some attempt of that host holds this moment and does not contradict the record: the
/// record is evidence of that attempt, not another one.
fn witnessed(case: &Case<'_>, item: &Item<'_>, side: Role) -> bool {
    use super::identity::user_key;
    use crate::signature::definition::Slot;
    let ip = item.ip(Slot::ClientIp);
    let user = item.capture(Slot::User).and_then(user_key);
    // What a broker or controller says of a user is about the connection that this user has open just then.
    if !matches!(side, Role::Client | Role::Server | Role::Gateway | Role::Any) {
        let time = case.aligned(item.host, item.time);
        let slack = 5 * TICKS_PER_SECOND;
        return user.is_some()
            && case.attempts.iter().flat_map(|attempt| &attempt.connections).any(|c| {
                let holds = c.holds(case.local(c.host, time), slack);
                holds && c.session.is_none() && c.user.as_deref().and_then(user_key) == user
            });
    }
    case.attempts.iter().filter(|attempt| attempt.host(side) == Some(item.host)).any(|attempt| {
        attempt.connections.iter().filter(|c| c.side == side).any(|c| {
            let other_ip = ip.is_some() && c.client_ip.is_some() && ip != c.client_ip;
            let named = c.user.as_deref().and_then(user_key);
            let other_user = named.is_some() && user.is_some() && named != user;
            c.holds(item.time, 5 * TICKS_PER_SECOND) && !other_ip && !other_user && c.session.is_none()
        })
    })
}

/// Two records of one event: same host, same keys, within two seconds.
fn one_connection(a: &Item<'_>, b: &Item<'_>) -> bool {
    use crate::signature::definition::Slot;
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
