//! How an attempt ended, and its name.

use crate::event::{TICKS_PER_SECOND, Time};
use crate::evidence::EventRef;
use crate::signature::definition::{Ending, Mark, Outcome, Phase, Role, Slot};

use super::identity::without_class;
use super::{Attempt, Case, Connection, ItemId, phase};

/// Fills in everything that follows from an attempt's records.
pub fn settle(attempt: &mut Attempt, case: &Case<'_>) {
    bounds(attempt, case);
    identify(attempt, case);
    attempt.disconnect = last_code(attempt, case, Role::Client, Slot::Disconnect);
    phase::settle(attempt, case);
    attempt.outcome = outcome(attempt, case);
    if let Some(lost) = lost_before(attempt, case) {
        attempt.end = lost;
    }
    attempt.id = name(attempt, case);
    for connection in &mut attempt.connections {
        connection.items.sort_unstable();
    }
    attempt.connections.sort_by_key(|connection| (case.aligned(connection.host, connection.start), connection.side));
}

fn bounds(attempt: &mut Attempt, case: &Case<'_>) {
    let times: Vec<_> =
        attempt.items().into_iter().map(|id| case.aligned(case.items[id].host, case.items[id].time)).collect();
    attempt.start = times.iter().min().copied().unwrap_or_default();
    attempt.end = times.iter().max().copied().unwrap_or_default();
}

fn identify(attempt: &mut Attempt, case: &Case<'_>) {
    for connection in &attempt.connections {
        attempt.client_ips.extend(connection.client_ip);
        keep(&mut attempt.target, connection.target.as_ref());
        attempt.target_ip = attempt.target_ip.or(connection.target_ip);
        keep(&mut attempt.client_name, connection.client_host.as_ref());
    }
    // The server knows the user best, then the gateway; a client logs only a hash.
    for side in [Role::Server, Role::Gateway, Role::Client] {
        let found = attempt.side(side).find_map(|connection| connection.user.clone());
        keep(&mut attempt.user, found.as_ref());
    }
    for &id in &attempt.implied {
        let item = &case.items[id];
        attempt.client_ips.extend(item.ip(Slot::ClientIp));
        keep(&mut attempt.user, super::connection::user(item).as_ref());
        keep(&mut attempt.target, item.capture(Slot::Target).map(|target| without_class(target).to_owned()).as_ref());
        keep(&mut attempt.client_name, item.capture(Slot::ClientHost).map(str::to_string).as_ref());
    }
    if attempt.client_ips.is_empty()
        && let Some(host) = attempt.client
    {
        attempt.client_ips.extend(&case.hosts.get(host).addresses);
    }
    if attempt.client.is_none() {
        let by_name = attempt.client_name.as_deref().and_then(|name| case.hosts.resolve(name));
        attempt.client = by_name.filter(|host| Some(*host) != attempt.server);
    }
}

fn keep(slot: &mut Option<String>, value: Option<&String>) {
    if slot.is_none() {
        *slot = value.cloned();
    }
}

fn last_code(attempt: &Attempt, case: &Case<'_>, side: Role, slot: Slot) -> Option<u32> {
    let items = attempt.side(side).flat_map(|connection| connection.items.iter());
    items.filter_map(|&id| case.items[id].number(slot)).last()
}

/// What the codes at the end of the connections say; a user's wish outweighs the transport's complaint.
fn ending(attempt: &Attempt, case: &Case<'_>) -> Ending {
    let mut found = Ending::Open;
    for &id in attempt.final_connections(case).flat_map(|connection| &connection.items) {
        for slot in [Slot::Disconnect, Slot::SessionEnd, Slot::ServerEnd] {
            let Some(number) = case.items[id].number(slot) else { continue };
            let says = case.signatures.code(slot.word(), number).map_or(Ending::Open, |code| code.ends);
            found = match (found, says) {
                (Ending::Cancelled, _) | (_, Ending::Cancelled) => Ending::Cancelled,
                (Ending::Wanted, _) | (_, Ending::Wanted) => Ending::Wanted,
                (Ending::Unwanted, _) | (_, Ending::Unwanted) => Ending::Unwanted,
                (Ending::Prelude, _) | (_, Ending::Prelude) => Ending::Prelude,
                _ => Ending::Open,
            };
        }
    }
    found
}

fn outcome(attempt: &Attempt, case: &Case<'_>) -> Outcome {
    let implied = attempt.implied.iter().flat_map(|&id| case.items[id].meanings()).find_map(|meaning| meaning.implies);
    if attempt.connections.is_empty() {
        return implied.unwrap_or(Outcome::Unknown);
    }
    // The client calls itself connected before the logon: where the server's log shows that none came, that outweighs it.
    let denied = attempt.phase_limit.is_some_and(|limit| limit <= Phase::ProfileShell);
    let session = attempt.side(Role::Server).any(|connection| connection.session.is_some())
        || (!denied && attempt.side(Role::Client).any(|connection| connection.session.is_some()));
    let ending = ending(attempt, case);
    if session {
        let dropped = ending == Ending::Unwanted || lost_before(attempt, case).is_some();
        return if dropped { Outcome::Dropped } else { Outcome::Established };
    }
    if tunnelled(attempt) {
        return Outcome::Established;
    }
    let by_client = attempt.disconnect.and_then(|number| case.signatures.code(Slot::Disconnect.word(), number));
    match by_client.map(|code| code.ends) {
        Some(Ending::Cancelled | Ending::Prelude) if attempt.stopped.is_none() => return Outcome::Abandoned,
        Some(Ending::Wanted) if attempt.stopped.is_none() => return Outcome::Abandoned,
        Some(Ending::Unwanted) => return Outcome::Failed,
        // Nobody wanted it to end, and the client's own log shows that it never got through.
        Some(Ending::Open) if attempt.disconnect != Some(0) && never_connected(attempt, case) => {
            return Outcome::Failed;
        }
        _ => {}
    }
    if attempt.stopped.is_some() || implied.is_some() || gave_up(attempt, case) {
        return Outcome::Failed;
    }
    // Only mstsc's short first connection is on record: whether the user went on is not.
    if attempt.connections.iter().all(super::group::prelude) {
        return Outcome::Unknown;
    }
    let over = attempt.final_connections(case).any(|connection| connection.ended);
    match attempt.phase_limit {
        // The server says that it ended as somebody wanted, before there was a session.
        Some(_) if over && ending == Ending::Wanted && attempt.phase < Some(Phase::Logon) => Outcome::Abandoned,
        // The logon was under way, and it ended by a logoff: a session there was, however short.
        Some(_) if over && ending == Ending::Wanted => Outcome::Established,
        // It is over, and a log that would show a session covers it and shows none.
        Some(limit) if over && limit <= Phase::ProfileShell => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

/// How long after a drop the user's own end may come and still be what ended the session, 100 ns.
const LEFT: i64 = 60 * TICKS_PER_SECOND;

/// When the server lost the connection that held the session, where the user left only long after: mstsc
/// reconnects by itself, and its end then speaks of a later connection.
fn lost_before(attempt: &Attempt, case: &Case<'_>) -> Option<Time> {
    let says = |id: ItemId, slots: &[Slot], ends: Ending| {
        let numbers = slots.iter().filter_map(|slot| Some((slot, case.items[id].number(*slot)?)));
        let mut codes = numbers.filter_map(|(slot, number)| case.signatures.code(slot.word(), number));
        codes.any(|code| code.ends == ends)
    };
    let ends = [Slot::SessionEnd, Slot::ServerEnd];
    let holding = attempt.side(Role::Server).filter(|connection| connection.session.is_some() && connection.ended);
    let asked = |connection: &&Connection| !connection.items.iter().any(|id| says(*id, &ends, Ending::Wanted));
    let lost = holding.filter(asked).filter(|c| c.items.iter().any(|id| says(*id, &ends, Ending::Unwanted)));
    let lost = lost.map(|c| case.aligned(c.host, c.end)).max()?;
    let left = attempt.side(Role::Client).flat_map(|connection| &connection.items).copied();
    let left = left.filter(|id| says(*id, &[Slot::Disconnect], Ending::Wanted));
    let left = left.map(|id| case.aligned(case.items[id].host, case.items[id].time)).max()?;
    (left.since(lost) > LEFT).then_some(lost)
}

/// The record that ends it says that the whole attempt failed, whatever the phase.
fn gave_up(attempt: &Attempt, case: &Case<'_>) -> bool {
    let last =
        attempt.final_connections(case).flat_map(|connection| connection.items.iter().map(move |id| (connection, id)));
    last.into_iter().any(|(connection, &id)| {
        let mut own = case.items[id].on_side(connection.side);
        own.any(|meaning| meaning.mark == Some(Mark::End) && meaning.implies == Some(Outcome::Failed))
    })
}

/// Only the client's log tells, it covers the whole connection, and it has no mark of being connected.
fn never_connected(attempt: &Attempt, case: &Case<'_>) -> bool {
    attempt.connections.iter().all(|connection| {
        let opener = connection.items.iter().map(|id| &case.items[*id]).find(|i| i.marks(Role::Client, Mark::Open));
        connection.side == Role::Client
            && connection.ended
            && connection.session.is_none()
            && opener.is_some_and(|opener| {
                case.covers(connection.host, &opener.evidence.record.channel, connection.start, connection.end)
            })
    })
}

/// Longer than any handshake that fails, 100 ns.
const LIVED: i64 = 60 * TICKS_PER_SECOND;

/// Only a gateway's log shows it, and its tunnel to the target lived on: what no failed handshake does.
fn tunnelled(attempt: &Attempt) -> bool {
    attempt.connections.iter().all(|connection| connection.side == Role::Gateway && connection.stopped.is_none())
        && attempt
            .side(Role::Gateway)
            .any(|connection| connection.phase >= Some(Phase::X224) && connection.end.since(connection.start) >= LIVED)
}

/// Hash of the earliest server anchor, else the client's, else the gateway's, else the proof's.
fn name(attempt: &Attempt, case: &Case<'_>) -> EventRef {
    let anchor = |side: Role| {
        let first = |connection: &Connection| -> Option<ItemId> {
            let open = connection.items.iter().find(|id| case.items[**id].marks(side, Mark::Open));
            open.or(connection.items.first()).copied()
        };
        attempt.side(side).filter_map(first).min()
    };
    let found = anchor(Role::Server)
        .or_else(|| anchor(Role::Client))
        .or_else(|| anchor(Role::Gateway))
        .or_else(|| anchor(Role::Network))
        .or_else(|| attempt.implied.iter().min().copied());
    found.map_or(EventRef::default(), |id| case.items[id].evidence.event.derive("attempt"))
}
