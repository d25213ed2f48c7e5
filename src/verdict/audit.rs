//! Which subcategories of the audit policy a Security log shows at work.

use crate::attempt::Case;
use crate::attempt::identity::HostId;
use crate::event::TICKS_PER_SECOND;
use crate::report::model::AuditCoverage;
use crate::signature::audit::{CHANNEL, Subcategory, subcategories};
use crate::signature::definition::Role;

/// A logon is written this near the record that shows the session, 100 ns.
const NEAR: i64 = 60 * TICKS_PER_SECOND;

/// By subcategory, for a host whose Security log is here; nothing where it is not.
pub fn audit(case: &Case<'_>, host: HostId) -> Vec<AuditCoverage> {
    if !case.channels[host].iter().any(|(name, _)| name.eq_ignore_ascii_case(CHANNEL)) {
        return Vec::new();
    }
    let state = |one: &Subcategory| match () {
        () if seen(case, host, one) => "seen",
        () if is_off(case, host, one) => "off",
        () => "not-seen",
    };
    let told = |one: Subcategory| AuditCoverage {
        state: state(&one).to_string(),
        subcategory: one.name.to_string(),
        guid: one.guid.to_string(),
    };
    subcategories().into_iter().map(told).collect()
}

/// Subcategories that write nothing on this host although what they record happened.
pub fn off(case: &Case<'_>, host: HostId) -> Vec<Subcategory> {
    subcategories().into_iter().filter(|one| !seen(case, host, one) && is_off(case, host, one)).collect()
}

fn seen(case: &Case<'_>, host: HostId, one: &Subcategory) -> bool {
    case.items.iter().any(|item| {
        let record = &item.evidence.record;
        item.host == host && record.channel.eq_ignore_ascii_case(CHANNEL) && one.ids.contains(&record.event_id)
    })
}

/// A session was reached while the log covers the time, and the log has nothing of the kind.
fn is_off(case: &Case<'_>, host: HostId, one: &Subcategory) -> bool {
    one.of_sessions
        && case.attempts.iter().flat_map(|attempt| attempt.side(Role::Server)).any(|connection| {
            connection.host == host
                && connection.session.is_some_and(|id| {
                    let time = case.items[id].time;
                    case.covers(host, CHANNEL, time.plus(-NEAR), time.plus(NEAR))
                })
        })
}
