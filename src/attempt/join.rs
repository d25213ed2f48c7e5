//! Both ends of one action found in two logs that share no key but names and time.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{TICKS_PER_SECOND, Time};
use crate::evidence::EventRef;
use crate::signature::definition::{Ending, Outcome, Role, Slot};

use super::identity::HostId;
use super::{Attempt, Case, Connection, align, pair};

/// A server connection may seem to start this much before the client's, after alignment (100 ns).
pub const EARLY: i64 = 2 * TICKS_PER_SECOND;

impl Attempt {
    /// An attempt of these connections; what happened in it is read later.
    pub fn of(connections: Vec<Connection>) -> Self {
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
            last_hop: None,
        }
    }
}

/// Makes attempts of the clients' connections, with the server connections that belong to
/// them; gives back the connections that no client's log explains.
pub fn both_ends(case: &mut Case<'_>, connections: Vec<Connection>) -> Vec<Connection> {
    let (mut clients, rest): (Vec<_>, Vec<_>) = connections.into_iter().partition(|c| c.side == Role::Client);
    clients.sort_by_key(|c| (c.start, c.host, c.items.first().copied()));
    let target = pair::servers_of(case, &clients, &rest);
    align::align(case, &clients, &target, &rest);
    learn_clients(case, &clients, &target, &rest);
    let paired = pair::pair(case, &clients, &target, &rest);
    let mut rest: Vec<Option<Connection>> = rest.into_iter().map(Some).collect();
    let mut latest = BTreeMap::new();
    case.attempts.reserve(clients.len());
    for ((connection, server), paired) in clients.into_iter().zip(target).zip(paired) {
        let by_name = pair::named(case, &connection) == server;
        let mut parts: Vec<Connection> = paired.servers.iter().filter_map(|at| rest[*at].take()).collect();
        let joined = !parts.is_empty();
        parts.push(connection);
        parts.shrink_to_fit();
        let mut attempt = Attempt::of(parts);
        attempt.server = attempt.server.or(server);
        let guessed = server.is_some() && !by_name && !paired.by_name;
        attempt.ambiguous = paired.ambiguous || guessed || case.doubtful(&attempt);
        attempt.joined_by = joined_by(joined, server.is_some(), by_name, paired.by_name);
        merge_prelude(case, attempt, &mut latest);
    }
    rest.into_iter().flatten().collect()
}

/// In words, what tied the two ends.
fn joined_by(joined: bool, server: bool, target_named: bool, client_named: bool) -> Vec<String> {
    let mut keys = Vec::new();
    match (joined, server && target_named) {
        (_, true) => keys.push("server name"),
        (true, false) => keys.push("only server in the case"),
        (false, false) => {}
    }
    if joined {
        keys.extend(client_named.then_some("client name"));
        keys.push("time");
    }
    keys.into_iter().map(str::to_string).collect()
}

/// A join that is not ambiguous tells the client's address; an address that several clients share
/// (NAT, a gateway) tells nothing.
fn learn_clients(case: &mut Case<'_>, clients: &[Connection], target: &[Option<HostId>], others: &[Connection]) {
    let mut found = BTreeSet::new();
    for (client, paired) in clients.iter().zip(pair::pair(case, clients, target, others)) {
        if !paired.ambiguous && (paired.by_name || target_is_named(case, client)) {
            found.extend(paired.servers.iter().filter_map(|at| Some((client.host, others[*at].client_ip?))));
        }
    }
    for (host, ip) in found {
        case.hosts.learn_address(host, ip);
    }
}

fn target_is_named(case: &Case<'_>, client: &Connection) -> bool {
    pair::named(case, client).is_some()
}

/// The next connection of the same client to the same target within seconds continues the
/// action when the one before was mstsc's own prelude. `latest`: the last attempt of each client and target.
fn merge_prelude(case: &mut Case<'_>, attempt: Attempt, latest: &mut BTreeMap<(HostId, Option<String>), usize>) {
    let Some(first) = attempt.side(Role::Client).next() else { return };
    let key = (first.host, first.target.clone());
    let earlier = latest.get(&key).copied().filter(|at| {
        let Some(last) = case.attempts[*at].side(Role::Client).last() else { return false };
        let code = last.items.iter().rev().find_map(|&id| case.items[id].number(Slot::Disconnect));
        let prelude = code
            .and_then(|number| case.signatures.code(Slot::Disconnect.word(), number))
            .is_some_and(|code| code.ends == Ending::Prelude);
        prelude && (0..=3 * TICKS_PER_SECOND).contains(&first.start.since(last.end))
    });
    match earlier {
        Some(at) => {
            let known = &mut case.attempts[at];
            known.connections.extend(attempt.connections);
            known.ambiguous |= attempt.ambiguous;
            known.server = known.server.or(attempt.server);
        }
        None => {
            latest.insert(key, case.attempts.len());
            case.attempts.push(attempt);
        }
    }
}
