//! States that records set on a host, and conditions that stand since before an attempt.

use crate::attempt::identity::HostId;
use crate::attempt::item::Item;
use crate::attempt::{Case, ItemId};
use crate::event::{TICKS_PER_SECOND, Time};
use crate::signature::definition::{Anchor, Bearing, Cause, Clue, Key, Observation, Phase, Role, Window};

use super::bind::{self, Index};

/// State whose setting means a boot.
const BOOT: &str = "boot";

/// What a computer still writes as it goes down, 100 ns.
const MINUTE: i64 = 60 * TICKS_PER_SECOND;

/// The last record that set a state on a host before a moment of the host's own clock, and the value;
/// unknown before the first one and after what undoes it.
pub fn state_at<'c>(index: &Index<'c>, host: HostId, state: &str, before: Time) -> Option<(ItemId, &'c str)> {
    let items = &index.case().items;
    let last = |state: &str| {
        let ids = index.settings(host, state);
        ids[..ids.partition_point(|id| items[*id].time <= before)].last().copied()
    };
    let id = last(state)?;
    let setting = items[id].meanings().filter_map(|m| m.sets.as_ref()).find(|setting| setting.state == state)?;
    let booted = last(BOOT).is_some_and(|boot| boot > id);
    let accepted = || {
        let listened = &index.case().listened[host];
        listened[..listened.partition_point(|id| items[*id].time <= before)].last().is_some_and(|last| *last > id)
    };
    let wrote = || index.case().wrote(host, items[id].time.plus(MINUTE), before);
    let over =
        (booted && setting.until_boot) || (setting.until_accept && accepted()) || (setting.until_record && wrote());
    (!over).then_some((id, setting.value.as_str()))
}

/// The last record of a standing clue before the attempt, unless a later one undid it.
pub fn standing(
    index: &Index<'_>,
    case: &Case<'_>,
    attempt: usize,
    cause: &Cause,
    clue: &Clue,
    slug: &str,
) -> Option<ItemId> {
    // Most conditions stand nowhere in the case.
    if !index.has(slug) {
        return None;
    }
    let role = bind::meaning(case, slug)?.host;
    let window = clue.window.unwrap_or(STANDING);
    let (from, to) = index.window(attempt, window);
    let hosts = case.attempts[attempt].host(role).map_or_else(
        || match role {
            Role::Client | Role::Server | Role::Gateway => Vec::new(),
            // Packets show a condition of the connection that they are of, of no other.
            Role::Network => case.attempts[attempt].side(role).map(|connection| connection.host).collect(),
            // Any end for facts of any host; every host of the role for the others.
            Role::Any => case.attempts[attempt].ends().collect(),
            _ => case.of_role(role).to_vec(),
        },
        |host| vec![host],
    );
    // A record that names another user, client or target than the attempt's stands for somebody else.
    let fits = |slug: &str, keys: &[Key], id: ItemId| {
        let Some(meaning) = bind::meaning(case, slug) else { return false };
        if role == Role::Network {
            return case.attempts[attempt].side(role).any(|connection| connection.items.contains(&id));
        }
        let keys = if keys.is_empty() { &meaning.join } else { keys };
        index.keys().agree(attempt, id, keys, role).is_some()
    };
    let last = |slug: &str, keys: &[Key], to: Time| {
        hosts
            .iter()
            .filter_map(|&host| {
                let span = (case.local(host, from), case.local(host, to));
                let ids = index.on_host(slug, host, span);
                ids.iter().rev().find(|id| !case.items[**id].noise && fits(slug, keys, **id)).copied()
            })
            .max()
    };
    let found = last(slug, &clue.join, to)?;
    let undone = cause.evidence.iter().any(|other| {
        let Observation::Rule(undoing) = &other.what else { return false };
        other.bearing == Bearing::Refute
            && other.after.as_deref() == Some(slug)
            && last(undoing, &other.join, to)
                .is_some_and(|later| later > found && case.items[later].host == case.items[found].host)
    });
    (!undone && !was_over(index, attempt, cause, found)).then_some(found)
}

/// Did another connection leave the cause's phases behind, at the server that the record is of and between both?
fn was_over(index: &Index<'_>, attempt: usize, cause: &Cause, since: ItemId) -> bool {
    let (case, item) = (index.case(), &index.case().items[since]);
    let attempt = &case.attempts[attempt];
    let Some(server) = attempt.server.filter(|server| *server == item.host || spoken_of(item)) else { return false };
    index.passes().any(server, &cause.phases, (case.aligned(item.host, item.time), attempt.start))
}

/// Does the record, of a computer that is no end of a connection, name the one that it speaks of?
fn spoken_of(item: &Item<'_>) -> bool {
    item.meanings().any(|meaning| bind::elsewhere(meaning.host) && meaning.join.contains(&Key::Target))
}

/// Did another one do so soon after the attempt? Who is to be asked who a user is may be out of reach for a moment, but
/// was there again.
pub fn was_over_soon(index: &Index<'_>, attempt: usize, cause: &Cause) -> bool {
    let attempt = &index.case().attempts[attempt];
    let after = (attempt.end, attempt.end.plus(SOON));
    cause.phases.contains(&Phase::Credssp)
        && attempt.server.is_some_and(|server| index.passes().any(server, &cause.phases, after))
}

/// Five minutes.
const SOON: i64 = 300 * TICKS_PER_SECOND;

/// A condition is believed to stand for a month unless its clue says otherwise.
const STANDING: Window = Window { from: (Anchor::Start, -30 * 24 * 3600 * TICKS_PER_SECOND), to: (Anchor::Start, 0) };
