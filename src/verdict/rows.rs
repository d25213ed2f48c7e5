//! Attempts, noise and timeline as the report shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use crate::attempt::item::Item;
use crate::attempt::{Attempt, Case, Connection, ItemId};
use crate::event::Time;
use crate::evidence::EventRef;
use crate::report::kept::Kept;
use crate::report::model::{
    AttemptReport, Basis, ClientEnd, CodeReport, ConnectionReport, EventRow, GatewayEnd, Join, Noise, Place,
    RecordLevel, Row, RunRow, ServerEnd, Verdict,
};
use crate::signature::definition::{Ending, Outcome, Role, Slot};

use super::{Found, Judged, Said, rollup, words};

/// Alike neighbours beyond this many become one row.
const RUN: usize = 20;

/// One attempt.
pub fn attempt(case: &Case<'_>, at: usize, judged: &Judged<'_>, said: &Said, complained: bool) -> AttemptReport {
    let attempt = &case.attempts[at];
    let code = |number, space, from| code(case, number, space, from);
    let complaint = said.code.filter(|_| complained);
    AttemptReport {
        id: attempt.id,
        start: attempt.start,
        end: attempt.end,
        basis: basis(attempt),
        client: client(case, attempt),
        server: ServerEnd {
            host: attempt.server.map(|host| case.hosts.name(host).to_string()),
            typed_name: attempt.target.clone(),
            ip: attempt.target_ip.map(|ip| ip.to_string()),
        },
        gateway: gateway(case, attempt),
        user: attempt.user.clone(),
        outcome: attempt.outcome,
        phase: attempt.phase,
        phase_limit: attempt.phase_limit,
        disconnect: attempt
            .disconnect
            .map(|number| code(number, Slot::Disconnect, "client log"))
            .or_else(|| complaint.map(|number| code(number, Slot::Disconnect, "complaint"))),
        extended: extended(case, attempt)
            .map(|number| code(number, Slot::Extended, "server log"))
            .or_else(|| said.extended.filter(|_| complained).map(|number| code(number, Slot::Extended, "complaint"))),
        connections: attempt.connections.iter().map(|c| connection(case, c)).collect(),
        join: Join { by: attempt.joined_by.clone(), ambiguous: attempt.ambiguous },
        verdicts: judged.found.iter().map(|found| verdict(case, found)).collect(),
        ruled_out: judged.out.clone(),
        events: events(case, attempt),
    }
}

/// From whose logs an attempt is known.
fn basis(attempt: &Attempt) -> Basis {
    let has = |side: Role| attempt.side(side).next().is_some();
    match (has(Role::Client), has(Role::Server), has(Role::Gateway)) {
        (true, true, _) => Basis::Both,
        (true, false, _) => Basis::Client,
        (false, true, _) => Basis::Server,
        (false, false, true) => Basis::Gateway,
        (false, false, false) if has(Role::Network) => Basis::Network,
        (false, false, false) => Basis::Implied,
    }
}

/// A number with what is known of it.
fn code(case: &Case<'_>, number: u32, space: Slot, from: &str) -> CodeReport {
    let known = case.signatures.code(space.word(), number);
    CodeReport {
        code: number,
        hex: format!("{number:#x}"),
        symbol: known.and_then(|code| code.symbol.clone()),
        meaning: known.map(|code| code.meaning.clone()),
        from: from.to_string(),
    }
}

fn verdict(case: &Case<'_>, found: &Found<'_>) -> Verdict {
    Verdict {
        cause: found.cause.id.clone(),
        verdict: found.level,
        score: found.score,
        evidence: found.cited.iter().map(|cite| rollup::cited(case, cite)).collect(),
        caused_by: found.roots.clone(),
    }
}

fn events(case: &Case<'_>, attempt: &Attempt) -> Vec<EventRef> {
    let all: BTreeSet<ItemId> = attempt.items().into_iter().chain(attempt.timed()).collect();
    all.into_iter().map(|id| case.items[id].evidence.event).collect()
}

fn client(case: &Case<'_>, attempt: &Attempt) -> ClientEnd {
    let windows_user = attempt
        .side(Role::Client)
        .flat_map(|c| &c.items)
        .map(|id| &*case.items[*id].evidence.record.user_id)
        .find(|sid| !sid.is_empty());
    ClientEnd {
        host: attempt.client.map(|host| case.hosts.name(host).to_string()).or(attempt.client_name.clone()),
        ip: attempt.client_ips.first().map(ToString::to_string),
        windows_user: windows_user.map(str::to_string),
    }
}

fn gateway(case: &Case<'_>, attempt: &Attempt) -> Option<GatewayEnd> {
    let host = attempt.gateway?;
    Some(GatewayEnd {
        host: Some(case.hosts.name(host).to_string()),
        client_ip: attempt.side(Role::Gateway).find_map(|c| c.client_ip).map(|ip| ip.to_string()),
        target: attempt.side(Role::Gateway).find_map(|c| c.target.clone()),
    })
}

fn extended(case: &Case<'_>, attempt: &Attempt) -> Option<u32> {
    let items = attempt.connections.iter().flat_map(|connection| connection.items.iter());
    items.rev().filter_map(|id| case.items[*id].number(Slot::Extended)).find(|number| *number != 0)
}

fn connection(case: &Case<'_>, connection: &Connection) -> ConnectionReport {
    let peer = match connection.side {
        Role::Client | Role::Network => connection.target.clone().or(connection.target_ip.map(|ip| ip.to_string())),
        _ => connection.client_ip.map(|ip| ip.to_string()),
    };
    ConnectionReport {
        side: connection.side.word().to_string(),
        activity_id: connection.activity.map(|activity| activity.to_string()),
        host: case.hosts.name(connection.host).to_string(),
        peer,
        start: connection.start,
        end: connection.end,
        phase: connection.phase,
        outcome: ended(case, connection),
    }
}

/// How one connection ended, by its own records.
fn ended(case: &Case<'_>, connection: &Connection) -> Outcome {
    let says = |slot: Slot| {
        let number = connection.items.iter().rev().find_map(|id| case.items[*id].number(slot))?;
        case.signatures.code(slot.word(), number).map(|code| code.ends)
    };
    let unwanted =
        [Slot::Disconnect, Slot::SessionEnd, Slot::ServerEnd].into_iter().find_map(says) == Some(Ending::Unwanted);
    match (connection.session.is_some(), connection.ended || connection.stopped.is_some()) {
        (true, true) if unwanted => Outcome::Dropped,
        (true, _) => Outcome::Established,
        (false, true) => Outcome::Failed,
        (false, false) => Outcome::Unknown,
    }
}

/// Connections that no user made.
pub fn noise(case: &Case<'_>) -> Vec<Noise> {
    case.strays
        .iter()
        .filter_map(|stray| {
            let own = |connection: &&Connection| case.owns_all_of(connection.items.iter().copied());
            let own: Vec<&Connection> = stray.connections.iter().filter(own).collect();
            let first = own.iter().map(|connection| connection.start).min()?;
            let last = own.iter().map(|connection| connection.end).max()?;
            Some(Noise {
                host: case.hosts.name(stray.host).to_string(),
                client_ip: stray.client_ip.map(|ip| ip.to_string()),
                count: own.len() as u64,
                first: case.aligned(stray.host, first),
                last: case.aligned(stray.host, last),
                what: stray.what.to_string(),
            })
        })
        .collect()
}

/// Adds what the same comes to in a later stretch of time.
pub fn add_noise(known: &mut Noise, later: Noise) {
    known.count += later.count;
    (known.first, known.last) = (known.first.min(later.first), known.last.max(later.last));
}

/// How a record came into the timeline.
#[derive(Clone, Copy, Default)]
struct Shown {
    /// Attempt that holds it, counted from one; none where it is only cited.
    owner: Option<NonZeroUsize>,
    /// A verdict rests on it.
    cited: bool,
    /// It is in the timeline.
    here: bool,
}

/// Rows that attempts, causes and findings cite, in order of aligned time.
pub struct Timeline<'c> {
    case: &'c Case<'c>,
    order: Vec<ItemId>,
    shown: Vec<Shown>,
}

impl<'c> Timeline<'c> {
    /// Gathers and orders them; `cited` by findings and changes.
    pub fn new(case: &'c Case<'c>, judged: &BTreeMap<usize, Judged<'_>>, cited: &BTreeSet<EventRef>) -> Self {
        let mut shown = vec![Shown::default(); case.items.len()];
        let mut out = BTreeSet::new();
        for (at, judged) in judged {
            let attempt = &case.attempts[*at];
            for id in attempt.items().into_iter().chain(attempt.timed()) {
                (shown[id].owner, shown[id].here) = (NonZeroUsize::new(at + 1), true);
            }
            for cite in judged.found.iter().flat_map(|found| &found.cited) {
                (shown[cite.item].cited, shown[cite.item].here) = (true, true);
            }
            out.extend(judged.out.iter().flat_map(|out| &out.events).copied());
        }
        if !(cited.is_empty() && out.is_empty()) {
            for (item, shown) in case.items.iter().zip(&mut shown) {
                let event = &item.evidence.event;
                shown.cited |= out.contains(event);
                shown.here |= shown.cited || cited.contains(event);
            }
        }
        let mut order: Vec<ItemId> = (0..shown.len()).filter(|id| shown[*id].here).collect();
        order.sort_by_key(|id| {
            let item = &case.items[*id];
            let record = &item.evidence.record;
            (case.aligned(item.host, item.time), item.host, &record.channel, record.record_id, item.evidence.event)
        });
        Timeline { case, order, shown }
    }

    /// Hands over row by row until it is told to stop by `false`. Long runs of alike neighbours that nothing cites
    /// become one row.
    pub fn each(&self, take: &mut dyn FnMut(Row) -> bool) {
        let kind = |id: ItemId| {
            let item = &self.case.items[id];
            (item.host, &item.evidence.record.provider, item.evidence.record.event_id)
        };
        let mut at = 0;
        while at < self.order.len() {
            let first = self.order[at];
            let alike = |id: &&ItemId| kind(**id) == kind(first) && !self.shown[**id].cited;
            let count = self.order[at..].iter().take_while(alike).count();
            let members = &self.order[at..at + count.max(1)];
            let goes_on = match members {
                [first, .., last] if count > RUN => take(Row::Run(self.run(*first, *last, count))),
                _ => members.iter().all(|id| take(Row::Event(Box::new(self.row(*id))))),
            };
            if !goes_on {
                return;
            }
            at += members.len();
        }
    }

    fn run(&self, first: ItemId, last: ItemId, count: usize) -> RunRow {
        let (case, item) = (self.case, &self.case.items[first]);
        RunRow {
            count: count as u64,
            first: stamped(item),
            last: stamped(&case.items[last]),
            host: case.hosts.name(item.host).to_string(),
            provider: item.evidence.record.provider.to_string(),
            event_id: item.evidence.record.event_id,
            message: words::message(case, item),
        }
    }

    fn row(&self, id: ItemId) -> EventRow {
        let owner = self.shown[id].owner.map(|number| number.get() - 1);
        row(self.case, &self.case.items[id], owner)
    }
}

fn row(case: &Case<'_>, item: &Item<'_>, owner: Option<usize>) -> EventRow {
    let record = &item.evidence.record;
    let attempt = owner.map(|at| &case.attempts[at]);
    let role = attempt.and_then(|attempt| {
        [Role::Server, Role::Client, Role::Gateway].into_iter().find(|role| attempt.host(*role) == Some(item.host))
    });
    let phase =
        item.meanings().find_map(|meaning| meaning.stops).or_else(|| item.meanings().filter_map(|m| m.reaches).max());
    EventRow {
        event: item.evidence.event,
        time: stamped(item),
        aligned_time: aligned(case, item),
        host: case.hosts.name(item.host).to_string(),
        role: role.map(|role| role.word().to_string()),
        channel: record.channel.to_string(),
        provider: record.provider.to_string(),
        event_id: record.event_id,
        record_id: record.record_id,
        phase,
        level: record.level.and_then(level),
        message: words::message(case, item),
        signatures: item.evidence.signatures.iter().map(ToString::to_string).collect(),
        attempt: attempt.map(|attempt| attempt.id),
        source: Place::from(&item.evidence.source),
        kept: Kept::from(record),
    }
}

/// What the record itself says.
fn stamped(item: &Item<'_>) -> Time {
    item.evidence.record.time.unwrap_or(item.time)
}

fn aligned(case: &Case<'_>, item: &Item<'_>) -> Option<Time> {
    let known = case.clocks[item.host].known_at(item.time) || case.hosts.len() == 1;
    known.then(|| case.aligned(item.host, item.time))
}

fn level(level: u8) -> Option<RecordLevel> {
    Some(match level {
        1 => RecordLevel::Critical,
        2 => RecordLevel::Error,
        3 => RecordLevel::Warning,
        0 | 4 => RecordLevel::Information,
        5 => RecordLevel::Verbose,
        _ => return None,
    })
}
