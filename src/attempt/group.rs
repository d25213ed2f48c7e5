//! Server and gateway connections of one user action.

use crate::event::TICKS_PER_SECOND;
use crate::signature::definition::{Phase, Role};

use super::connection::Connection;

/// Most that lies between mstsc's short first connection and its second one, 100 ns.
const PRELUDE_GAP: i64 = 4 * TICKS_PER_SECOND;
/// Longest such first connection, 100 ns.
const PRELUDE_SPAN: i64 = TICKS_PER_SECOND;
/// Legs of one gateway tunnel start within this, 100 ns.
const LEGS: i64 = 10 * TICKS_PER_SECOND;

/// Puts server connections of one action together. mstsc often opens a short connection while
/// it prompts and a second one a few seconds later; the first is no failure of its own.
pub fn actions(mut connections: Vec<Connection>) -> Vec<Vec<Connection>> {
    connections.sort_by_key(|c| (c.host, c.side, c.client_ip, c.start, c.end));
    let mut groups: Vec<Vec<Connection>> = Vec::new();
    for connection in connections {
        match groups.last_mut() {
            Some(group) if follows(group, &connection) => group.push(connection),
            _ => groups.push(vec![connection]),
        }
    }
    groups
}

fn follows(group: &[Connection], next: &Connection) -> bool {
    let Some(last) = group.last() else { return false };
    if (last.host, last.side, last.client_ip) != (next.host, next.side, next.client_ip) || last.client_ip.is_none() {
        return false;
    }
    match next.side {
        Role::Gateway => group.iter().all(|leg| next.start.since(leg.start) <= LEGS) && same_tunnel(group, next),
        _ => group.len() == 1 && prelude(last) && next.start.since(last.end) <= PRELUDE_GAP,
    }
}

/// Legs carry no user and end without a verdict; two connections with a user are two tunnels.
fn same_tunnel(group: &[Connection], next: &Connection) -> bool {
    let spoke = |c: &Connection| c.user.is_some() && (c.stopped.is_some() || c.phase >= Some(Phase::GatewayCap));
    !(spoke(next) && group.iter().any(spoke))
}

/// mstsc's own short first connection: over at once, nobody's name on it, no error of a phase.
fn prelude(connection: &Connection) -> bool {
    connection.side == Role::Server
        && connection.ended
        && connection.bare()
        && connection.stopped.is_none()
        && connection.end.since(connection.start) <= PRELUDE_SPAN
}
