//! Which of a server's connections a client's connection made: the two logs share no key but
//! names, addresses and time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::Role;

use super::identity::{HostId, address, user_key};
use super::join::EARLY;
use super::{Case, Connection};

/// How long after its last record a client's connection may still start one at the server.
const LATE: i64 = TICKS_PER_SECOND;
/// Side connections of a session follow its start within this, 100 ns.
const SETTLED: i64 = 5 * TICKS_PER_SECOND;
/// A client connection without an end is taken to last this long at least.
const OPEN_END: i64 = 60 * TICKS_PER_SECOND;
/// A client reaches its server within this.
const AT_ONCE: i64 = 3 * TICKS_PER_SECOND;
/// Starts that differ by less than aligned clocks do tell nothing, 100 ns.
const BLUR: i64 = TICKS_PER_SECOND;
/// How many clients before a moment are looked at.
const BACK: usize = 256;

/// The server's connections of one client connection.
#[derive(Clone, Debug, Default)]
pub struct Paired {
    /// Indices among the server's connections.
    pub servers: Vec<usize>,
    /// Others would have fitted as well.
    pub ambiguous: bool,
    /// The server heard the client's own name.
    pub by_name: bool,
}

/// The server that a client's log names: by name, by address.
pub fn named(case: &Case<'_>, connection: &Connection) -> Option<HostId> {
    let by_name = connection.target.as_deref().and_then(|name| case.hosts.resolve(name));
    let by_address = || {
        let ip = connection.target_ip.or_else(|| address(connection.target.as_deref()?))?;
        case.hosts.resolve(&ip.to_string())
    };
    by_name.or_else(by_address)
}

/// The server of each client connection: as [`named`]; else the only computer in the case that logged
/// connections of clients, where what was typed is an address or nothing: a typed name that fits
/// nobody means another computer.
pub fn servers_of(case: &Case<'_>, clients: &[Connection], others: &[Connection]) -> Vec<Option<HostId>> {
    let servers: BTreeSet<HostId> = others.iter().filter(|c| c.side == Role::Server).map(|c| c.host).collect();
    let only = |connection: &Connection| {
        let typed_name = connection.target.as_deref().is_some_and(|target| address(target).is_none());
        let mut servers = servers.iter().filter(|host| **host != connection.host);
        match (servers.next(), servers.next()) {
            (Some(only), None) if !typed_name => Some(*only),
            _ => None,
        }
    };
    clients.iter().map(|connection| named(case, connection).or_else(|| only(connection))).collect()
}

/// Until when, on its own clock, each client connection may have started one at the server: it opens them
/// until it has its session, not while the session runs. Clients are in order of start.
fn reach(case: &Case<'_>, clients: &[Connection]) -> Vec<Time> {
    let mut next: BTreeMap<(HostId, Option<&str>), Time> = BTreeMap::new();
    let mut found = Vec::with_capacity(clients.len());
    for connection in clients.iter().rev() {
        let following = next.insert((connection.host, connection.target.as_deref()), connection.start);
        let open = connection.end.max(connection.start.plus(OPEN_END));
        found.push(match connection.session {
            Some(session) => case.items[session].time.plus(SETTLED),
            None if connection.ended => connection.end.plus(LATE),
            None => following.map_or(open, |next| next.plus(-1).min(open)),
        });
    }
    found.reverse();
    found
}

/// What a server's connection may be to a client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// Both say the same port of the client.
    by_port: bool,
    /// The server heard the client's name.
    by_name: bool,
    /// The address is known to be the client's (2), of nobody (1), of another client (0).
    address: u8,
    /// Distance of the starts, 100 ns; less is better.
    gap: Reverse<i64>,
}

/// A client connection at its server, on the reference clock.
struct Caller<'c> {
    at: usize,
    connection: &'c Connection,
    start: Time,
    until: Time,
}

/// Pairs client connections with the server connections in `others`. Each of these goes to the client
/// that it fits best: by name, by a known address, by the nearest start before it.
pub fn pair(case: &Case<'_>, clients: &[Connection], target: &[Option<HostId>], others: &[Connection]) -> Vec<Paired> {
    let mut callers: BTreeMap<HostId, Vec<Caller<'_>>> = BTreeMap::new();
    for ((at, connection), (server, end)) in clients.iter().enumerate().zip(target.iter().zip(reach(case, clients))) {
        let Some(server) = server.filter(|_| !connection.never_came_about()) else { continue };
        let start = case.aligned(connection.host, connection.start);
        let until = case.aligned(connection.host, end);
        callers.entry(server).or_default().push(Caller { at, connection, start, until });
    }
    for list in callers.values_mut() {
        list.sort_by_key(|caller| (caller.start, caller.at));
    }
    let mut wanted: Vec<Vec<(usize, Fit, bool)>> = vec![Vec::new(); clients.len()];
    let mut second: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, server) in others.iter().enumerate().filter(|(_, c)| c.side == Role::Server) {
        let Some(callers) = callers.get(&server.host) else { continue };
        let fitting = fitting(case, callers, server);
        let Some((caller, fit)) = fitting.first() else { continue };
        let rival = fitting.get(1).is_some_and(|(other, next)| rivals(caller, fit, other, next));
        wanted[caller.at].push((at, *fit, rival));
        if fitting.len() > 1 {
            second.push((at, fitting[1..].iter().map(|(caller, _)| caller.at).collect()));
        }
    }
    let mut paired: Vec<Paired> =
        wanted.into_iter().enumerate().map(|(at, list)| choose(case, &clients[at], list, others)).collect();
    let taken: BTreeSet<usize> = paired.iter().flat_map(|paired| paired.servers.iter().copied()).collect();
    second.retain(|(at, _)| !taken.contains(at));
    for (at, callers) in second {
        let same = |caller: &usize| paired[*caller].servers.iter().any(|own| continues(&others[*own], &others[at]));
        if let Some(caller) = callers.into_iter().find(same) {
            paired[caller].servers.push(at);
            paired[caller].servers.sort_unstable();
        }
    }
    paired
}

/// A further connection of the same computer and person.
fn continues(own: &Connection, other: &Connection) -> bool {
    own.client_ip.is_some() && own.client_ip == other.client_ip && !of_two_users(own, other)
}

/// The callers that may have made this connection, best first.
fn fitting<'c>(case: &Case<'_>, callers: &'c [Caller<'c>], server: &Connection) -> Vec<(&'c Caller<'c>, Fit)> {
    let start = case.aligned(server.host, server.start);
    let heard = server.client_host.as_deref().and_then(|name| case.hosts.resolve(name));
    let upto = callers.partition_point(|caller| caller.start <= start.plus(EARLY));
    let mut found: Vec<(&Caller<'_>, Fit)> = callers[..upto]
        .iter()
        .rev()
        .take(BACK)
        .filter(|caller| start <= caller.until)
        .filter_map(|caller| {
            let host = caller.connection.host;
            // A logon without the network names the server itself.
            let by_name = heard == Some(host);
            if heard.is_some_and(|heard| heard != host && heard != server.host) || is_foreign(case, host, server, heard)
            {
                return None;
            }
            let address = server.client_ip.map_or(1, |ip| known(case, host, ip));
            let by_port = server.client_port.is_some() && server.client_port == caller.connection.client_port;
            Some((caller, Fit { by_port, by_name, address, gap: Reverse(start.since(caller.start).abs()) }))
        })
        .collect();
    found.sort_by_key(|(caller, fit)| (Reverse(*fit), caller.at));
    found
}

/// The server heard the name of a computer of which no log is here, and an address that is not the client's.
fn is_foreign(case: &Case<'_>, client: HostId, server: &Connection, heard: Option<HostId>) -> bool {
    // Only the first letters of a long name are heard.
    let own = |name: &str| case.hosts.get(client).names.iter().any(|own| own.starts_with(&name.to_lowercase()));
    let named = server.client_host.as_deref().is_some_and(|name| !name.is_empty() && !own(name)) && heard.is_none();
    named && server.client_ip.is_some_and(|ip| known(case, client, ip) < 2)
}

fn known(case: &Case<'_>, client: HostId, ip: IpAddr) -> u8 {
    match case.hosts.get(client).addresses.contains(&ip) {
        true => 2,
        false => u8::from(case.hosts.resolve(&ip.to_string()).is_none()),
    }
}

/// The second best is as good a guess: another computer, nothing but time to tell them apart, and
/// the first did not reach the server at once.
fn rivals(first: &Caller<'_>, fit: &Fit, second: &Caller<'_>, next: &Fit) -> bool {
    let alike = (fit.by_port, fit.by_name, fit.address) == (next.by_port, next.by_name, next.address);
    let distance = next.gap.0 - fit.gap.0;
    let apart = fit.gap.0 <= AT_ONCE && distance > BLUR;
    alike && first.connection.host != second.connection.host && !apart
}

/// Of the connections that fit this client best, those of one address and one user.
fn choose(case: &Case<'_>, client: &Connection, list: Vec<(usize, Fit, bool)>, others: &[Connection]) -> Paired {
    let Some(best) = list.iter().max_by_key(|(at, fit, _)| (*fit, Reverse(*at))).copied() else {
        return Paired::default();
    };
    let ip = others[best.0].client_ip;
    let addresses: BTreeSet<Option<IpAddr>> = list.iter().map(|(at, _, _)| others[*at].client_ip).collect();
    let mut same: Vec<(usize, Fit, bool)> = list.into_iter().filter(|(at, _, _)| others[*at].client_ip == ip).collect();
    same.sort_by_key(|(at, fit, _)| (Reverse(*fit), *at));
    let mut taken: Vec<usize> = Vec::new();
    for (at, _, _) in &same {
        if !taken.iter().any(|other| of_two_users(&others[*other], &others[*at])) {
            taken.push(*at);
        }
    }
    let ours = best.1.by_port || best.1.by_name || best.1.address == 2;
    // An address is known of this computer, and this is another one.
    let stranger = !ours && !case.hosts.get(client.host).addresses.is_empty();
    Paired { ambiguous: best.2 || (!ours && addresses.len() > 1) || stranger, by_name: best.1.by_name, servers: taken }
}

/// Two people at the same time: no second try of one.
fn of_two_users(a: &Connection, b: &Connection) -> bool {
    let user = |c: &Connection| c.user.as_deref().and_then(user_key);
    let differ = matches!((user(a), user(b)), (Some(a), Some(b)) if a != b);
    differ && a.start <= b.end && b.start <= a.end
}
