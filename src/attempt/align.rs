//! Clocks of several hosts put against one reference: by connections that both ends logged, else by
//! times of a domain controller that stand in the records of both.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::{Role, Slot};

use super::clock::{self, Offset, Spans};
use super::identity::HostId;
use super::timeline::Part;
use super::{Case, Connection};

/// A reading has the other clock's whole seconds, and the answer took its time, 100 ns.
const READING: i64 = 2 * TICKS_PER_SECOND;
/// State of a clock that follows a time source.
const SYNCHRONISED: (&str, &str) = ("clock", "synchronised");

/// Two hosts and by how much the clock of the first is ahead.
type Edge = (HostId, HostId, Offset);
/// Connections of both ends: the client's, and those of the server that agree best with them.
type Ends = BTreeMap<(HostId, HostId), (Spans, Spans)>;

/// Clock offsets per pair of hosts, put together over the whole case.
pub fn align(case: &mut Case<'_>, clients: &[Connection], target: &[Option<HostId>], others: &[Connection]) {
    let (edges, ends, mut failed) = compare(case, clients, target, others);
    let mut count: BTreeMap<HostId, usize> = BTreeMap::new();
    for connection in others.iter().filter(|c| c.side == Role::Server) {
        *count.entry(connection.host).or_default() += 1;
    }
    let busiest = count.iter().max_by_key(|(host, count)| (**count, std::cmp::Reverse(**host))).map(|(host, _)| *host);
    let reference = busiest.or(clients.first().map(|c| c.host)).or(case.reference);
    if let Some(reference) = reference {
        case.reference = Some(reference);
        case.clocks[reference].ahead = Some(0);
        spread(case, &edges);
        spread_readings(case);
        parts(case, &edges, &ends);
    }
    // What was compared in vain may still be known by way of a third clock.
    failed.retain(|(a, b)| case.clocks[*a].ahead.is_none() || case.clocks[*b].ahead.is_none());
    for (a, b) in failed {
        for (one, other) in [(a, b), (b, a)] {
            case.clocks[one].failed |= case.clocks[one].ahead.is_none();
            case.clocks[one].apart.push(other);
        }
    }
    islands(case, &edges, &count);
}

/// Hosts that no pair ties to the reference, but that pairs tie to each other: their busiest server's clock
/// is taken as it stands, so that at least they are compared among themselves.
fn islands(case: &mut Case<'_>, edges: &[Edge], count: &BTreeMap<HostId, usize>) {
    let servers: BTreeSet<HostId> = edges.iter().map(|(server, _, _)| *server).collect();
    let mut servers: Vec<HostId> = servers.into_iter().collect();
    servers.sort_by_key(|server| (std::cmp::Reverse(count.get(server).copied()), *server));
    for server in servers {
        if case.clocks[server].ahead.is_none() {
            case.clocks[server].ahead = Some(0);
            spread(case, edges);
        }
    }
}

/// Every pair of hosts with connections of both ends: how far apart, or that nothing pairs up.
fn compare(
    case: &Case<'_>,
    clients: &[Connection],
    target: &[Option<HostId>],
    others: &[Connection],
) -> (Vec<Edge>, Ends, BTreeSet<(HostId, HostId)>) {
    let mut pairs: BTreeMap<(HostId, HostId), Spans> = BTreeMap::new();
    for (connection, server) in clients.iter().zip(target).filter(|(c, _)| !c.never_came_about()) {
        if let Some(server) = server {
            anchor(pairs.entry((*server, connection.host)).or_default(), connection);
        }
    }
    let mut theirs_of: BTreeMap<HostId, BTreeMap<Option<IpAddr>, Spans>> = BTreeMap::new();
    for connection in others.iter().filter(|c| c.side == Role::Server) {
        let by_ip = theirs_of.entry(connection.host).or_default();
        anchor(by_ip.entry(connection.client_ip).or_default(), connection);
    }
    let (mut edges, mut ends, mut failed) = (Vec::new(), Ends::new(), BTreeSet::new());
    for ((server, client), own) in pairs {
        let Some(by_ip) = theirs_of.get(&server) else { continue };
        // Each address is one client: the one whose anchors agree best is ours.
        let found = by_ip.iter().filter_map(|(ip, theirs)| Some((clock::offset(&own, theirs)?, *ip)));
        match found.max_by_key(|(offset, _)| (offset.pairs, -offset.ticks.abs())) {
            Some((offset, ip)) => {
                let theirs = by_ip.get(&ip).cloned().unwrap_or_default();
                let last = latest(&own, border(case, client), &theirs, border(case, server), offset);
                edges.push((server, client, last));
                ends.insert((server, client), (own, theirs));
            }
            None => {
                failed.insert((server, client));
            }
        }
    }
    (edges, ends, failed)
}

/// The last moment at which a host's clock was set by what nobody knows.
fn border(case: &Case<'_>, host: HostId) -> Time {
    case.steps[host].iter().rfind(|step| !step.sure()).map_or(Time::default(), |step| step.at)
}

/// The offset since the clocks were last set: that of the whole time, unless pairs since then tell another.
fn latest(own: &Spans, own_from: Time, theirs: &Spans, their_from: Time, whole: Offset) -> Offset {
    let since =
        |spans: &Spans, from: Time| spans.iter().filter(|(start, _)| from <= *start).copied().collect::<Spans>();
    let (own, theirs) = (since(own, own_from), since(theirs, their_from));
    if clock::agreeing(&own, &theirs, whole.ticks) > 0 {
        return whole;
    }
    clock::offset(&own, &theirs).unwrap_or(whole)
}

fn anchor(spans: &mut Spans, connection: &Connection) {
    spans.push((connection.start, connection.ended.then_some(connection.end)));
}

/// By how much hosts are ahead of a domain controller, as its times in their records tell, and by how many records.
fn readings(case: &Case<'_>) -> Vec<(HostId, i64, usize)> {
    let mut by_host: BTreeMap<HostId, Vec<i64>> = BTreeMap::new();
    for item in &case.items {
        if let Some(read) = item.clock(Slot::ClockOther) {
            by_host.entry(item.host).or_default().push(item.time.since(read));
        }
    }
    let mut ahead: Vec<(HostId, i64, usize)> = Vec::new();
    for (host, mut gaps) in by_host {
        gaps.sort_unstable();
        if let Some(middle) = gaps.get(gaps.len() / 2) {
            ahead.push((host, *middle, gaps.len()));
        }
    }
    if let Some(only) = case.only(Role::Dc) {
        ahead.retain(|(host, ..)| *host != only);
        ahead.push((only, 0, 0));
    }
    ahead
}

/// A known host that has such times (the last, so that it is always the same) tells the clocks of all others that have:
/// against the controller where there is but one in the case, and against each other.
fn spread_readings(case: &mut Case<'_>) {
    let ahead = readings(case);
    let known = ahead.iter().filter(|(host, ..)| case.clocks[*host].ahead.is_some()).max_by_key(|(host, ..)| *host);
    let Some((base, read, count)) =
        known.and_then(|(host, read, count)| Some((case.clocks[*host].ahead?, read, count)))
    else {
        return;
    };
    for (other, other_read, other_count) in &ahead {
        let clock = &mut case.clocks[*other];
        if clock.ahead.is_none() {
            clock.ahead = Some(base + other_read - read);
            (clock.spread, clock.pairs, clock.read) = (READING, *count.max(other_count), true);
        }
    }
}

/// Walks from the hosts that are known over the pairs of hosts.
fn spread(case: &mut Case<'_>, edges: &[Edge]) {
    let mut of_host: Vec<Vec<(HostId, i64, Offset)>> = vec![Vec::new(); case.clocks.len()];
    for (first, second, offset) in edges {
        of_host[*first].push((*second, -offset.ticks, *offset));
        of_host[*second].push((*first, offset.ticks, *offset));
    }
    let mut queue: Vec<HostId> = (0..case.clocks.len()).filter(|host| case.clocks[*host].ahead.is_some()).collect();
    while let Some(host) = queue.pop() {
        let base = case.clocks[host].ahead.unwrap_or(0);
        for (other, ticks, offset) in &of_host[host] {
            let clock = &mut case.clocks[*other];
            if clock.ahead.is_none() {
                (clock.ahead, clock.spread, clock.pairs) = (Some(base + ticks), offset.spread, offset.pairs);
                clock.read = false;
                queue.push(*other);
            }
        }
    }
}

/// Parts of a host's time before its clock was set by what nobody knows: their own pairs tell their own
/// offset; without any, only a clock that followed a time source is known.
fn parts(case: &mut Case<'_>, edges: &[Edge], ends: &Ends) {
    for host in 0..case.clocks.len() {
        let borders: Vec<Time> = case.steps[host].iter().filter(|step| !step.sure()).map(|step| step.at).collect();
        let Some(later) = case.clocks[host].ahead else { continue };
        let mut from = Time::default();
        let mut found = Vec::new();
        for until in borders {
            let own = edges.iter().filter(|(server, client, _)| *server == host || *client == host);
            let told = own.filter_map(|edge| within(case, edge, ends.get(&(edge.0, edge.1))?, host, (from, until)));
            let part = told.max_by_key(|(_, pairs)| *pairs);
            let (ahead, pairs) = part.unwrap_or((later, 0));
            found.push(Part { until, ahead, pairs, known: pairs > 0 || followed(case, host, from, until) });
            from = until;
        }
        case.clocks[host].parts = found;
    }
}

/// How far ahead the host was within a part of its time, by the pairs with one other host.
fn within(
    case: &Case<'_>,
    (server, client, whole): &Edge,
    (theirs, ours): &(Spans, Spans),
    host: HostId,
    (from, until): (Time, Time),
) -> Option<(i64, usize)> {
    let inside = |spans: &Spans| -> Spans {
        spans.iter().filter(|(start, _)| from <= *start && *start < until).copied().collect()
    };
    let (client_side, server_side) =
        if host == *client { (inside(theirs), ours.clone()) } else { (theirs.clone(), inside(ours)) };
    let agreeing = clock::agreeing(&client_side, &server_side, whole.ticks);
    let (ticks, pairs) = match agreeing {
        0 => clock::offset(&client_side, &server_side).map(|offset| (offset.ticks, offset.pairs))?,
        pairs => (whole.ticks, pairs),
    };
    let base = |other: HostId| case.clocks[other].ahead;
    let ahead = if host == *client { base(*server)? - ticks } else { base(*client)? + ticks };
    Some((ahead, pairs))
}

/// Records say that the clock followed a time source.
fn followed(case: &Case<'_>, host: HostId, from: Time, until: Time) -> bool {
    let own = &case.of_host[host];
    let start = own.partition_point(|id| case.items[*id].time < from);
    own[start..].iter().map(|id| &case.items[*id]).take_while(|item| item.time < until).any(|item| {
        let mut states = item.meanings().filter_map(|meaning| meaning.sets.as_ref());
        states.any(|set| (set.state.as_str(), set.value.as_str()) == SYNCHRONISED)
    })
}
