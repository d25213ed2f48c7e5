//! Which subcategories of the audit policy a Security log shows at work.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::HostId;
use crate::attempt::{Case, ItemId};
use crate::event::TICKS_PER_SECOND;
use crate::report::model::{AuditCoverage, AuditState};
use crate::signature::audit::{CHANNEL, Subcategory, subcategories};
use crate::signature::definition::Role;

/// A logon is written this near the record that shows the session, 100 ns.
const NEAR: i64 = 60 * TICKS_PER_SECOND;

/// Records that show a session, by the server that wrote them.
pub struct Sessions(BTreeMap<HostId, Vec<ItemId>>);

impl Sessions {
    /// Those of all attempts.
    pub fn of(case: &Case<'_>) -> Self {
        let mut found: BTreeMap<HostId, Vec<ItemId>> = BTreeMap::new();
        for connection in case.attempts.iter().flat_map(|attempt| attempt.side(Role::Server)) {
            if let Some(session) = connection.session {
                found.entry(connection.host).or_default().push(session);
            }
        }
        Sessions(found)
    }
}

/// By subcategory, for a host whose Security log is here; nothing where it is not.
pub fn audit(case: &Case<'_>, sessions: &Sessions, host: HostId) -> Vec<AuditCoverage> {
    if !case.channels[host].iter().any(|(name, _)| name.eq_ignore_ascii_case(CHANNEL)) {
        return Vec::new();
    }
    let ids = written(case, host);
    let state = |one: &Subcategory| match () {
        () if seen(&ids, one) => AuditState::Seen,
        () if is_off(case, sessions, host, one) => AuditState::Off,
        () => AuditState::NotSeen,
    };
    let told = |one: Subcategory| AuditCoverage {
        state: state(&one),
        subcategory: one.name.to_string(),
        guid: one.guid.to_string(),
    };
    subcategories().into_iter().map(told).collect()
}

/// Subcategories that write nothing on this host although what they record happened.
pub fn off(case: &Case<'_>, sessions: &Sessions, host: HostId) -> Vec<Subcategory> {
    let ids = written(case, host);
    subcategories().into_iter().filter(|one| !seen(&ids, one) && is_off(case, sessions, host, one)).collect()
}

/// Ids of the events in a host's Security log.
fn written(case: &Case<'_>, host: HostId) -> BTreeSet<u32> {
    let records = case.items_of(host).map(|item| &item.evidence.record);
    records.filter(|record| record.channel.eq_ignore_ascii_case(CHANNEL)).map(|record| record.event_id).collect()
}

fn seen(ids: &BTreeSet<u32>, one: &Subcategory) -> bool {
    one.ids.iter().any(|id| ids.contains(id))
}

/// A session was reached while the log covers the time, and the log has nothing of the kind.
fn is_off(case: &Case<'_>, sessions: &Sessions, host: HostId, one: &Subcategory) -> bool {
    one.of_sessions
        && sessions.0.get(&host).into_iter().flatten().any(|id| {
            let time = case.items[*id].time;
            case.covers(host, CHANNEL, time.plus(-NEAR), time.plus(NEAR))
        })
}
