//! How far an attempt came, and which phases it provably never entered.

use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::{Mark, Phase, Role, Rule};

use super::item::Item;
use super::{Attempt, Case, Connection};

/// Slack at a connection's ends, 100 ns.
const SLACK: i64 = TICKS_PER_SECOND / 2;

/// Fills in `phase`, `phase_limit` and `stopped`.
///
/// TLS and CredSSP leave no mark of success, so the last phase proven entered and the
/// first proven not entered may lie apart. Each connection is judged on its own; the
/// attempt came as far as its best connection.
pub fn settle(attempt: &mut Attempt, case: &Case<'_>) {
    let gateway = attempt.gateway.is_some();
    let implied = attempt.implied.iter().flat_map(|&id| {
        case.items[id].meanings().filter(|meaning| meaning.implies.is_some()).map(move |meaning| (id, meaning))
    });
    for (id, meaning) in implied {
        attempt.phase = attempt.phase.max(meaning.reaches).max(meaning.stops);
        let earlier = |phase: &Phase| attempt.stopped.is_none_or(|(known, _)| *phase < known);
        if let Some(phase) = meaning.stops.filter(earlier) {
            attempt.stopped = Some((phase, id));
        }
    }
    let last: Vec<&Connection> = attempt.final_connections(case).collect();
    let phase = last.iter().filter_map(|connection| connection.phase).chain(attempt.phase).max();
    let stops = last.iter().filter_map(|connection| connection.stopped).chain(attempt.stopped);
    let stopped = stops.filter(|(stopped, _)| phase.is_none_or(|reached| !stopped.precedes(reached))).max();
    let servers = last.iter().filter(|connection| connection.side == Role::Server);
    let by_absence = servers.map(|connection| never_entered(connection, case)).max().flatten();
    (attempt.phase, attempt.stopped) = (phase, stopped);
    let by_record = attempt.stopped.and_then(|(phase, _)| phase.next(gateway));
    let never_seen = never_seen(attempt, case);
    attempt.phase_limit = by_record.into_iter().chain(by_absence).chain(never_seen).min();
    // What was proven entered on one connection cannot be out of reach of the attempt.
    attempt.phase_limit = attempt.phase_limit.filter(|limit| attempt.phase.is_none_or(|phase| phase < *limit));
}

/// The first phase whose records are always written and are missing, although the channel
/// covers the whole connection; `None` where nothing proves absence.
fn never_entered(connection: &Connection, case: &Case<'_>) -> Option<Phase> {
    if !connection.ended || !connection.opened {
        return None;
    }
    let (from, to) = (connection.start, connection.end);
    let opener =
        connection.items.iter().map(|&id| &case.items[id]).find(|item| item.marks(connection.side, Mark::Open))?;
    let mut limit = None;
    for rule in case.signatures.rules() {
        let Some(meaning) = rule.meaning.as_ref().filter(|m| m.host == connection.side) else { continue };
        let Some(phase) = meaning.always else { continue };
        if connection.phase.is_some_and(|reached| reached >= phase) || limit.is_some_and(|known| known <= phase) {
            continue;
        }
        let matched =
            |slug: &str| connection.items.iter().any(|&id| case.items[id].rules.iter().any(|own| own.slug == slug));
        if !matched(&rule.slug) && covered(case, rule, opener, connection, from, to) {
            limit = Some(phase);
        }
    }
    limit
}

/// The phase that a server's opening record proves, where the server's log covers the attempt
/// and shows no connection of anybody near it. Clocks that were never compared may be five minutes apart.
fn never_seen(attempt: &Attempt, case: &Case<'_>) -> Option<Phase> {
    let server = attempt.server.filter(|_| attempt.final_connections(case).all(|c| c.side != Role::Server))?;
    attempt.side(Role::Client).next()?;
    let slack = case.slack(attempt, server).max(2 * TICKS_PER_SECOND);
    let from = case.local(server, attempt.last_hop.unwrap_or(attempt.start).plus(-slack));
    let to = case.local(server, attempt.end.plus(slack));
    let opens = |rule: &&Rule| {
        rule.meaning
            .as_ref()
            .is_some_and(|m| m.always.is_some() && m.host == Role::Server && m.mark == Some(Mark::Open))
    };
    let covering = |rule: &&Rule| {
        case.signatures.providers(rule).iter().any(|p| case.covers(server, &format!("{p}/Operational"), from, to))
    };
    let rule = case.signatures.rules().filter(opens).find(covering)?;
    let listened = &case.listened[server];
    let first = listened.partition_point(|id| case.items[*id].time < from);
    let seen = listened.get(first).is_some_and(|id| case.items[*id].time <= to);
    rule.meaning.as_ref().and_then(|meaning| meaning.reaches).filter(|_| !seen)
}

/// The channel in which the rule's records stand covers the connection.
fn covered(case: &Case<'_>, rule: &Rule, opener: &Item<'_>, connection: &Connection, from: Time, to: Time) -> bool {
    case.signatures.providers(rule).iter().any(|provider| {
        if provider.eq_ignore_ascii_case(&opener.evidence.record.provider) {
            return case.covers(connection.host, &opener.evidence.record.channel, from, to);
        }
        let operational = format!("{provider}/Operational");
        case.covers(connection.host, &operational, from.plus(-SLACK), to)
    })
}
