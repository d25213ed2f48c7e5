//! A broker sends the client on to another host: the connection there continues the same action.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::{Phase, Role, Slot};

use super::identity::{HostId, address, bare_target, user_key};
use super::{Attempt, Case, ItemId};

/// A client follows within this, 100 ns.
const FOLLOWS: i64 = 10 * TICKS_PER_SECOND;
/// The record may stand this much after the client has gone, 100 ns.
const LATE: i64 = 2 * TICKS_PER_SECOND;

/// Where a host sent a client.
struct Redirect<'a> {
    from: usize,
    /// On the reference clock.
    time: Time,
    name: Option<&'a str>,
    ip: Option<IpAddr>,
    host: Option<HostId>,
}

/// Puts the attempts on both hosts together.
pub fn follow(case: &mut Case<'_>) {
    let redirects: Vec<Redirect<'_>> = case.attempts.iter().enumerate().filter_map(|(at, a)| of(case, at, a)).collect();
    let mut starts: Vec<(Time, usize)> =
        case.attempts.iter().enumerate().filter_map(|(at, attempt)| Some((start(case, attempt)?, at))).collect();
    starts.sort_unstable();
    let mut gone = BTreeSet::new();
    let mut hops = Vec::new();
    for redirect in redirects {
        let first = starts.partition_point(|(start, _)| *start < redirect.time.plus(-LATE));
        let upto = starts.partition_point(|(start, _)| *start <= redirect.time.plus(FOLLOWS));
        let next = starts[first..upto.max(first)].iter().find(|(_, at)| {
            *at != redirect.from && !gone.contains(at) && continues(case, &redirect, &case.attempts[*at])
        });
        if let Some((time, at)) = next {
            gone.insert(*at);
            hops.push((redirect.from, *at, *time, redirect.host));
        }
    }
    // The last hop first: a chain of them ends in its first attempt.
    for (from, at, time, host) in hops.into_iter().rev() {
        let mut next = std::mem::replace(&mut case.attempts[at], Attempt::of(Vec::new()));
        let attempt = &mut case.attempts[from];
        attempt.connections.append(&mut next.connections);
        attempt.server = next.server.or(host).or(attempt.server);
        attempt.client = attempt.client.or(next.client);
        attempt.gateway = attempt.gateway.or(next.gateway);
        attempt.ambiguous |= next.ambiguous && next.server.is_some();
        attempt.last_hop = next.last_hop.or(Some(time));
        attempt.joined_by.push("redirection".to_string());
    }
    let mut at = 0..;
    case.attempts.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
}

/// The last redirection that a host's record of this attempt tells.
fn of<'a>(case: &Case<'a>, at: usize, attempt: &Attempt) -> Option<Redirect<'a>> {
    let redirects = |id: &ItemId| {
        case.items[*id]
            .on_side(Role::Server)
            .any(|m| m.reaches == Some(Phase::BrokerRedirect) && m.capture.contains_key(&Slot::TargetIp))
    };
    let item = &case.items[attempt.items().into_iter().rfind(redirects)?];
    let name = item.capture(Slot::Target).map(bare_target);
    let ip = item.ip(Slot::TargetIp).or_else(|| address(name?));
    let host = name.and_then(|name| case.hosts.resolve(name)).or_else(|| case.hosts.resolve(&ip?.to_string()));
    Some(Redirect { from: at, time: case.aligned(item.host, item.time), name, ip, host })
}

fn start(case: &Case<'_>, attempt: &Attempt) -> Option<Time> {
    attempt.connections.iter().map(|connection| case.aligned(connection.host, connection.start)).min()
}

/// The same client asks for the host that it was sent to; or that host hears the same user or address, and
/// no other client's log explains it.
fn continues(case: &Case<'_>, redirect: &Redirect<'_>, next: &Attempt) -> bool {
    let before = &case.attempts[redirect.from];
    if next.side(Role::Client).next().is_some() {
        let asked = next.side(Role::Client).any(|connection| {
            let typed = connection.target.as_deref().map(bare_target);
            let by_name = typed.zip(redirect.name).is_some_and(|(typed, name)| typed.eq_ignore_ascii_case(name));
            let by_host = typed.and_then(|typed| case.hosts.resolve(typed)).is_some_and(|h| redirect.host == Some(h));
            let ip = connection.target_ip.or_else(|| address(typed?));
            by_name || by_host || (ip.is_some() && ip == redirect.ip)
        });
        return asked && before.client.is_some() && before.client == next.client;
    }
    let users = |attempt: &Attempt| -> BTreeSet<String> {
        attempt.connections.iter().filter_map(|c| user_key(c.user.as_deref()?)).collect()
    };
    let addresses =
        |attempt: &Attempt| -> BTreeSet<IpAddr> { attempt.connections.iter().filter_map(|c| c.client_ip).collect() };
    let (own, other) = (users(before), users(next));
    let other_user = !own.is_empty() && !other.is_empty() && own.is_disjoint(&other);
    let known = !own.is_disjoint(&other) || !addresses(before).is_disjoint(&addresses(next));
    redirect.host.is_some() && next.server == redirect.host && known && !other_user
}
