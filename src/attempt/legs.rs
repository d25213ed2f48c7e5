//! What only the server's or the gateway's log shows; a gateway's tunnels go to the attempts that used them.

use std::collections::BTreeSet;

use crate::event::TICKS_PER_SECOND;
use crate::signature::definition::{Role, Slot};

use super::identity::{HostId, bare_target, user_key};
use super::intervals::Intervals;
use super::join::EARLY;
use super::{Attempt, Case, Connection, group};

/// Slack between a tunnel's records and the connection behind it, 100 ns.
const SLACK: i64 = 5 * TICKS_PER_SECOND;

/// Makes attempts of what only the server's or the gateway's log shows.
pub fn one_end(case: &mut Case<'_>, connections: Vec<Connection>) {
    let (gateways, servers): (Vec<_>, Vec<_>) = connections.into_iter().partition(|c| c.side == Role::Gateway);
    for action in group::actions(servers) {
        case.attempts.push(Attempt::of(action));
    }
    let lives = lives(case);
    for mut legs in group::actions(gateways) {
        let near = around(case, &lives, &legs);
        let fitting = match near.iter().copied().find(|at| behind(case, &case.attempts[*at], &legs)) {
            Some(at) => Some((at, "gateway target")),
            None => only_client(case, &near, &legs).map(|at| (at, "only client at that time")),
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
    let Some(gateway) = case.only(Role::Gateway) else { return };
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
    let found: Vec<usize> =
        (0..case.attempts.len()).filter(|at| alone(&case.attempts[*at]) && told(&case.attempts[*at])).collect();
    for at in found {
        let attempt = &mut case.attempts[at];
        attempt.gateway = Some(gateway);
        attempt.ambiguous |= attempt.client.is_none_or(|client| !users.contains(&client));
        attempt.joined_by.push("only gateway in the case".to_string());
        attempt.joined_by.sort();
    }
}

/// From when to when each attempt has connections, on the reference clock.
fn lives(case: &Case<'_>) -> Intervals<usize> {
    let lives = case.attempts.iter().enumerate().filter_map(|(at, attempt)| {
        let starts = attempt.connections.iter().map(|c| case.aligned(c.host, c.start));
        let ends = attempt.connections.iter().map(|c| case.aligned(c.host, c.end));
        let start = starts.min()?;
        Some((start, ends.max()?.max(start), at))
    });
    lives.collect()
}

/// Attempts that may overlap these legs, in the order of the case.
fn around(case: &Case<'_>, lives: &Intervals<usize>, legs: &[Connection]) -> Vec<usize> {
    let from = legs.iter().map(|leg| case.aligned(leg.host, leg.start)).min().unwrap_or_default();
    let to = legs.iter().map(|leg| case.aligned(leg.host, leg.end)).max().unwrap_or_default();
    let mut near: Vec<usize> = lives.touching(from.plus(-SLACK), to.plus(SLACK)).collect();
    near.sort_unstable();
    near
}

/// A tunnel that was refused before it named a target: the one client whose connection was
/// alive then and reached no server. With two of them it stays alone.
fn only_client(case: &Case<'_>, near: &[usize], legs: &[Connection]) -> Option<usize> {
    let first = legs.first().filter(|_| legs.iter().all(|leg| leg.target.is_none()))?;
    let time = case.aligned(first.host, first.start);
    let mut fitting = near.iter().copied().filter(|at| {
        let attempt = &case.attempts[*at];
        attempt.gateway.is_none()
            && attempt.side(Role::Server).next().is_none()
            && attempt.side(Role::Client).any(|c| {
                case.aligned(c.host, c.start).plus(-EARLY) <= time && time <= case.aligned(c.host, c.end).plus(EARLY)
            })
    });
    let at = fitting.next()?;
    fitting.next().is_none().then_some(at)
}

/// Did this attempt go through these legs: same target, same time, nothing that speaks against?
fn behind(case: &Case<'_>, attempt: &Attempt, legs: &[Connection]) -> bool {
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
        leg_start.plus(-SLACK) <= start && start <= leg_end.plus(SLACK)
            || c.side == Role::Client && start <= leg_start && leg_start <= case.aligned(c.host, c.end)
    });
    (by_host || by_text) && near && !other_user
}
