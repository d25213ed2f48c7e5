//! Connections as packets show them: told by the addresses and ports of both ends, wherever the packets
//! were captured. Each belongs to the attempt whose end says the same of it, else it is one of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::event::TICKS_PER_SECOND;
use crate::signature::definition::{Mark, Role, Slot};

use super::attach::BACK;
use super::connection::Connection;
use super::identity::{HostId, address, bare_target};
use super::intervals::Intervals;
use super::item::Item;
use super::{Attempt, Case};

/// How far clocks that were never compared may be apart, 100 ns.
const APART: i64 = 300 * TICKS_PER_SECOND;
/// The same for clocks that were compared, and for one computer's own.
const CLOSE: i64 = 5 * TICKS_PER_SECOND;
/// mstsc goes on with a second connection within this after its short first one, 100 ns.
const GOES_ON: i64 = 4 * TICKS_PER_SECOND;

/// Where packets were captured, and the two ends between which they went.
type Flow = (HostId, SocketAddr, SocketAddr);

/// Connections of items that speak of packets; items are in order of time.
pub fn flows(items: &[Item<'_>]) -> Vec<Connection> {
    let mut found: Vec<Connection> = Vec::new();
    let mut latest: BTreeMap<Flow, usize> = BTreeMap::new();
    for (id, item) in items.iter().enumerate() {
        if item.on_side(Role::Network).next().is_none() {
            continue;
        }
        let client = item.end(Slot::ClientIp, Slot::ClientPort);
        let Some((client, server)) = client.zip(item.end(Slot::TargetIp, Slot::TargetPort)) else { continue };
        let flow = (item.host, client, server);
        let known = latest.get(&flow).copied();
        // A port comes round again: whatever opens a connection opens another one.
        let opens = item.marks(Role::Network, Mark::Open);
        match known
            .filter(|at| !(opens && found[*at].items.iter().any(|id| items[*id].marks(Role::Network, Mark::Open))))
        {
            Some(at) => found[at].items.push(id),
            None => {
                latest.insert(flow, found.len());
                found.push(Connection::new(Role::Network, None, id, item));
            }
        }
    }
    for connection in &mut found {
        connection.learn(items);
    }
    found
}

/// Gives each connection to the attempt that it belongs to, or makes one of it.
pub fn join(case: &mut Case<'_>, mut flows: Vec<Connection>) {
    flows.sort_by_key(|flow| (case.aligned(flow.host, flow.start), flow.host, flow.items.first().copied()));
    let logged = Logged::of(case);
    let mut by_packets: BTreeMap<Between, Vec<usize>> = BTreeMap::new();
    for flow in flows {
        let heard = logged.heard(case, &flow);
        let clients = if heard.is_none() { logged.clients_near(case, &flow) } else { Vec::new() };
        let asked = || asked(case, &clients, &flow, to_same).map(|at| (at, "server address"));
        let alone = || alone(case, &clients, &flow).map(|at| (at, "only client at that time"));
        let fitting = heard.map(|at| (at, "client port")).or_else(asked).or_else(alone);
        let before = by_packets.entry((flow.host, flow.client_ip, flow.target_ip)).or_default();
        let fitting = fitting.or_else(|| Some((continued(case, before, &flow)?, "both addresses")));
        match fitting {
            Some((at, key)) => {
                let ends = ends(case, &flow);
                let attempt = &mut case.attempts[at];
                attempt.client = attempt.client.or(ends.0);
                attempt.server = attempt.server.or(ends.1.filter(|host| Some(*host) != attempt.client));
                attempt.joined_by.extend([key.to_string(), "time".to_string()]);
                attempt.joined_by.sort();
                attempt.joined_by.dedup();
                attempt.connections.push(flow);
            }
            None => {
                let (client, server) = ends(case, &flow);
                let mut attempt = Attempt::of(vec![flow]);
                before.push(case.attempts.len());
                (attempt.client, attempt.server) = (client, server);
                case.attempts.push(attempt);
            }
        }
    }
}

/// Where packets were captured, and the addresses of both ends.
type Between = (HostId, Option<IpAddr>, Option<IpAddr>);

/// Attempts by their connections that logs of clients and servers tell of, on the reference clock.
struct Logged {
    /// By address and port of the client, when servers' connections began.
    servers: BTreeMap<(IpAddr, u16), Intervals<usize>>,
    clients: Intervals<usize>,
}

impl Logged {
    fn of(case: &Case<'_>) -> Self {
        let mut servers: BTreeMap<(IpAddr, u16), Vec<_>> = BTreeMap::new();
        let mut clients = Vec::new();
        for (at, attempt) in case.attempts.iter().enumerate() {
            for c in attempt.side(Role::Server) {
                if let Some(end) = c.client_ip.zip(c.client_port) {
                    let start = case.aligned(c.host, c.start);
                    servers.entry(end).or_default().push((start, start, at));
                }
            }
            let lives = attempt.side(Role::Client);
            clients.extend(lives.map(|c| (case.aligned(c.host, c.start), case.aligned(c.host, c.end), at)));
        }
        let servers = servers.into_iter().map(|(end, starts)| (end, starts.into_iter().collect()));
        Logged { servers: servers.collect(), clients: clients.into_iter().collect() }
    }

    /// The attempt whose server heard that connection.
    fn heard(&self, case: &Case<'_>, flow: &Connection) -> Option<usize> {
        let starts = self.servers.get(&flow.client_ip.zip(flow.client_port)?)?;
        near_start(case, starts, flow).filter(|at| accepted(case, &case.attempts[*at], flow)).min()
    }

    /// Attempts with a client's connection that held about when this one began, in the order of the case.
    fn clients_near(&self, case: &Case<'_>, flow: &Connection) -> Vec<usize> {
        let near: Vec<usize> = near_start(case, &self.clients, flow).collect();
        let mut last = near[near.len().saturating_sub(BACK)..].to_vec();
        last.sort_unstable();
        last.dedup();
        last
    }
}

/// What touches the start of a connection, as far as clocks may be apart.
fn near_start<'i>(case: &Case<'_>, all: &'i Intervals<usize>, flow: &Connection) -> impl Iterator<Item = usize> + 'i {
    let start = case.aligned(flow.host, flow.start);
    all.touching(start.plus(-APART), start.plus(APART))
}

/// The server's log tells of a connection from the same address and port at that time.
fn accepted(case: &Case<'_>, attempt: &Attempt, flow: &Connection) -> bool {
    attempt.side(Role::Server).any(|c| {
        let same = c.client_ip == flow.client_ip && c.client_port == flow.client_port && flow.client_port.is_some();
        same && case.aligned(c.host, c.start).since(case.aligned(flow.host, flow.start)).abs() <= slack(case, c, flow)
    })
}

/// How far apart the same moment may stand in two logs.
fn slack(case: &Case<'_>, a: &Connection, b: &Connection) -> i64 {
    let compared = a.host == b.host || [a.host, b.host].iter().all(|host| case.clocks[*host].ahead.is_some());
    if compared { CLOSE } else { APART }
}

/// Does this connection of a client go where the packets go?
type Same = fn(&Case<'_>, &Connection, &Connection) -> bool;

/// The attempt whose client went to that address then: of the computer that captured the packets before
/// those of others; of several the one that started last before it.
fn asked(case: &Case<'_>, clients: &[usize], flow: &Connection, same: Same) -> Option<usize> {
    let near = clients.iter().filter_map(|at| Some((near(case, &case.attempts[*at], flow, same)?, *at)));
    near.min().map(|(_, at)| at)
}

/// How near the attempt's client connection is that held when the packets came: on another computer, after
/// them, by how much.
fn near(case: &Case<'_>, attempt: &Attempt, flow: &Connection, same: Same) -> Option<(bool, bool, i64)> {
    let start = case.aligned(flow.host, flow.start);
    attempt.side(Role::Client).filter(|c| same(case, c, flow) && from_same(case, c, flow)).find_map(|c| {
        let slack = slack(case, c, flow);
        let from = case.aligned(c.host, c.start);
        let to = case.aligned(c.host, c.end).plus(slack);
        let distance = start.since(from);
        (from.plus(-slack) <= start && start <= to).then_some((c.host != flow.host, distance < 0, distance.abs()))
    })
}

/// The only attempt then of the computer that captured the packets, where its client does not tell to which
/// address it went.
fn alone(case: &Case<'_>, clients: &[usize], flow: &Connection) -> Option<usize> {
    let unknown: Same = |case, client, flow| {
        let told = client.target_ip.is_some() || client.target.as_deref().and_then(address).is_some();
        let own = flow.target_ip.is_some_and(|ip| owns(case, flow.host, ip));
        client.host == flow.host && !told && !own
    };
    let mut fitting = clients.iter().copied().filter(|at| near(case, &case.attempts[*at], flow, unknown).is_some());
    match (fitting.next(), fitting.next()) {
        (Some(at), None) => Some(at),
        _ => None,
    }
}

/// The client says that it went where the packets went.
fn to_same(case: &Case<'_>, client: &Connection, flow: &Connection) -> bool {
    let Some(ip) = flow.target_ip else { return false };
    let typed = client.target.as_deref();
    let told = client.target_ip.or_else(|| address(typed?));
    // A ClientHello names the server as it was typed.
    let named = typed.zip(flow.target.as_deref());
    let named = named.is_some_and(|(a, b)| bare_target(a).eq_ignore_ascii_case(bare_target(b)));
    told == Some(ip)
        || named
        || typed.is_some_and(|name| case.hosts.resolve(name).is_some_and(|host| owns(case, host, ip)))
}

/// Nothing tells that the packets came from another computer than this client.
fn from_same(case: &Case<'_>, client: &Connection, flow: &Connection) -> bool {
    let own = &case.hosts.get(client.host).addresses;
    let other = flow.client_ip.and_then(|ip| case.hosts.resolve(&ip.to_string()));
    own.is_empty() && other.is_none_or(|host| host == client.host) || flow.client_ip.is_some_and(|ip| own.contains(&ip))
}

fn owns(case: &Case<'_>, host: HostId, ip: IpAddr) -> bool {
    case.hosts.get(host).addresses.contains(&ip)
}

/// The attempt that only packets show and whose last connection broke off without an error a moment before. `before`:
/// such attempts between the same two, in order.
fn continued(case: &Case<'_>, before: &[usize], flow: &Connection) -> Option<usize> {
    before.iter().copied().rev().take(BACK).find(|at| {
        case.attempts[*at]
            .connections
            .last()
            .is_some_and(|last| last.stopped.is_none() && (0..=GOES_ON).contains(&flow.start.since(last.end)))
    })
}

/// The computers at both ends, as far as they are known: by their addresses; and the one that captured the
/// packets is the client where its own client's records stand beside them and nothing else is known.
fn ends(case: &Case<'_>, flow: &Connection) -> (Option<HostId>, Option<HostId>) {
    let of = |ip: Option<IpAddr>| case.hosts.resolve(&ip?.to_string());
    let (client, server) = (of(flow.client_ip), of(flow.target_ip));
    let own = || {
        let alone = server != Some(flow.host) && case.hosts.get(flow.host).addresses.is_empty();
        (alone && case.roles[flow.host].contains(&Role::Client)).then_some(flow.host)
    };
    (client.or_else(own), server)
}
