//! Connections that no user made: scanners, probes, half-open ones, a bare touch of the listener.
//!
//! Measured on public logs: hosts on the internet show hundreds of foreign connections for
//! one legitimate one, so they are set apart before anything is ranked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::{Phase, Role};

use super::Case;
use super::connection::Connection;
use super::identity::{HostId, is_private};
use super::item::Item;

/// Bare connections of one address within [`BURST_SPAN`] that no person makes by hand.
const BURST: usize = 10;
/// One minute.
const BURST_SPAN: i64 = 60 * TICKS_PER_SECOND;
/// Bare connections of an address that never got further, over the whole case, that make it a probe.
const PROBE: usize = 10;

/// A set of such connections.
#[derive(Clone, Debug)]
pub struct Stray {
    /// Computer that logged them.
    pub host: HostId,
    /// Their address.
    pub client_ip: Option<IpAddr>,
    /// What they are.
    pub what: &'static str,
    /// Connections.
    pub connections: Vec<Connection>,
}

/// A connection set apart, and why.
pub type Apart = (Connection, &'static str);

/// Gathers what was set apart by host, address and reason.
pub fn collect(apart: impl Iterator<Item = Apart>) -> Vec<Stray> {
    let mut strays: BTreeMap<(HostId, Option<IpAddr>, &'static str), Vec<Connection>> = BTreeMap::new();
    for (connection, what) in apart {
        strays.entry((connection.host, connection.client_ip, what)).or_default().push(connection);
    }
    strays
        .into_iter()
        .map(|((host, client_ip, what), connections)| Stray { host, client_ip, what, connections })
        .collect()
}

/// Sets apart what cannot be a user whatever a client's log says: bare touches of the
/// listener, and bursts. Addresses that the reader asked for stay.
pub fn bursts(
    connections: Vec<Connection>,
    items: &[Item<'_>],
    wanted: &BTreeSet<IpAddr>,
) -> (Vec<Connection>, Vec<Apart>) {
    let burst = in_bursts(&connections);
    split(connections, |at, connection| {
        if connection.side == Role::Server && !connection.opened && connection.client_ip.is_none() && !connection.bare()
        {
            Some("a session without a network client: a console or the window of a virtual machine")
        } else if connection.side != Role::Server || !connection.bare() {
            None
        } else if !connection.opened && !failed_by_record(connection, items) {
            Some("the listener was touched and nothing more of it is on record")
        } else if burst.contains(&at) && !asked_for(connection, wanted) {
            Some("many connections within a minute that never sent credentials: a scan or a probe")
        } else {
            None
        }
    })
}

/// Of the connections that no client's log explains, sets apart those that no user made.
pub fn lone(connections: Vec<Connection>, case: &Case<'_>, wanted: &BTreeSet<IpAddr>) -> (Vec<Connection>, Vec<Apart>) {
    let joined = case.attempts.iter().flat_map(|attempt| &attempt.connections);
    let known: BTreeSet<IpAddr> = connections
        .iter()
        .filter(|connection| !connection.bare())
        .chain(joined)
        .filter(|connection| heard(connection.side))
        .filter_map(|connection| connection.client_ip)
        .collect();
    let mut count: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for ip in connections.iter().filter(|c| heard(c.side) && c.bare()).filter_map(|c| c.client_ip) {
        *count.entry(ip).or_default() += 1;
    }
    split(connections, |_, connection| {
        let ip = connection.client_ip.filter(|_| heard(connection.side) && connection.bare())?;
        if failed_by_record(connection, &case.items) || known.contains(&ip) || asked_for(connection, wanted) {
            None
        } else if count.get(&ip).is_some_and(|count| *count >= PROBE) {
            Some("an address that connects again and again and never goes on: monitoring or a probe")
        } else if is_private(ip) {
            None
        } else {
            Some("closed before authentication without an error, by an address that never logged on: a probe")
        }
    })
}

/// Sides that see whoever connects, not only what users of theirs do.
fn heard(side: Role) -> bool {
    matches!(side, Role::Server | Role::Network)
}

fn split(
    connections: Vec<Connection>,
    apart: impl Fn(usize, &Connection) -> Option<&'static str>,
) -> (Vec<Connection>, Vec<Apart>) {
    let mut kept = Vec::new();
    let mut strays = Vec::new();
    for (at, connection) in connections.into_iter().enumerate() {
        match apart(at, &connection) {
            None => kept.push(connection),
            Some(what) => strays.push((connection, what)),
        }
    }
    (kept, strays)
}

fn failed_by_record(connection: &Connection, items: &[Item<'_>]) -> bool {
    connection.stopped.is_some_and(|(_, id)| items[id].is_fact())
}

fn asked_for(connection: &Connection, wanted: &BTreeSet<IpAddr>) -> bool {
    connection.client_ip.is_some_and(|ip| wanted.contains(&ip))
}

/// Bare connections that stand in a burst of their address, over all hosts.
fn in_bursts(connections: &[Connection]) -> BTreeSet<usize> {
    let mut by_ip: BTreeMap<IpAddr, Vec<(Time, usize)>> = BTreeMap::new();
    for (at, connection) in connections.iter().enumerate() {
        if let Some(ip) = connection.client_ip
            && connection.side == Role::Server
            && connection.bare()
            && connection.phase.is_none_or(|phase| phase < Phase::Credssp)
        {
            by_ip.entry(ip).or_default().push((connection.start, at));
        }
    }
    let mut found = BTreeSet::new();
    for mut list in by_ip.into_values() {
        list.sort_unstable();
        for first in 0..list.len() {
            let Some(last) = list.get(first + BURST - 1) else { break };
            if last.0.since(list[first].0) <= BURST_SPAN {
                found.extend(list[first..first + BURST].iter().map(|(_, at)| *at));
            }
        }
    }
    found
}
