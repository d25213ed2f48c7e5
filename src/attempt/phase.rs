//! How far an attempt came, and which phases it provably never entered.

use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::{Mark, Phase, Role};

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
        attempt.phase = attempt.phase.max(meaning.reaches);
        let earlier = |phase: &Phase| attempt.stopped.is_none_or(|(known, _)| *phase < known);
        if let Some(phase) = meaning.stops.filter(earlier) {
            attempt.stopped = Some((phase, id));
        }
    }
    attempt.phase = attempt.connections.iter().filter_map(|connection| connection.phase).chain(attempt.phase).max();
    let stops = attempt.connections.iter().filter_map(|connection| connection.stopped).chain(attempt.stopped);
    attempt.stopped = stops.filter(|(phase, _)| attempt.phase.is_none_or(|reached| reached <= *phase)).max();
    let by_record = attempt.stopped.and_then(|(phase, _)| phase.next(gateway));
    let by_absence = attempt.side(Role::Server).map(|connection| never_entered(connection, case)).max().flatten();
    attempt.phase_limit = by_record.into_iter().chain(by_absence).min();
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
    let opener = connection
        .items
        .iter()
        .map(|&id| &case.items[id])
        .find(|item| item.marks(connection.side, Mark::Open))?;
    let mut limit = None;
    for rule in case.signatures.rules() {
        let Some(meaning) = rule.meaning.as_ref().filter(|m| m.always && m.host == connection.side) else { continue };
        let Some(phase) = meaning.reaches else { continue };
        if connection.phase.is_some_and(|reached| reached >= phase) || limit.is_some_and(|known| known <= phase) {
            continue;
        }
        if covered(case, rule, opener, connection, from, to) {
            limit = Some(phase);
        }
    }
    limit
}

/// The channel in which the rule's records stand covers the connection.
fn covered(
    case: &Case<'_>,
    rule: &crate::signature::definition::Rule,
    opener: &super::Item<'_>,
    connection: &Connection,
    from: Time,
    to: Time,
) -> bool {
    case.signatures.providers(rule).iter().any(|provider| {
        if provider.eq_ignore_ascii_case(&opener.evidence.record.provider) {
            return case.covers(connection.host, &opener.evidence.record.channel, from, to);
        }
        let operational = format!("{provider}/Operational");
        case.covers(connection.host, &operational, from.plus(-SLACK), to)
    })
}
