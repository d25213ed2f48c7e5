//! One connection, as one side logged it: what its records tell of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::{Guid, Time};
use crate::signature::definition::{Mark, Phase, Role, Slot};

use super::identity::{HostId, user_key};
use super::item::Item;

/// Index of an item in the case.
pub type ItemId = usize;

/// The sides that log connections of their own.
pub const SIDES: [Role; 3] = [Role::Client, Role::Server, Role::Gateway];

/// One connection on one side.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Which side's log: client, server or gateway; or packets on the network.
    pub side: Role,
    /// Computer that logged it.
    pub host: HostId,
    /// Its ActivityID, where it has one.
    pub activity: Option<Guid>,
    /// Its records in order.
    pub items: Vec<ItemId>,
    /// Records without any key that stand at its time and can belong to no other: they say in
    /// which phase it failed.
    pub timed: Vec<ItemId>,
    /// First record.
    pub start: Time,
    /// Last record.
    pub end: Time,
    /// A record says that it is over.
    pub ended: bool,
    /// Client address.
    pub client_ip: Option<IpAddr>,
    /// Client port.
    pub client_port: Option<u16>,
    /// Client computer name.
    pub client_host: Option<String>,
    /// Name or address that was asked for.
    pub target: Option<String>,
    /// Address that the client found for it.
    pub target_ip: Option<IpAddr>,
    /// User, as written first.
    pub user: Option<String>,
    /// Processes of the client program.
    pub processes: BTreeSet<u32>,
    /// Session ids that it used, and since when.
    pub sessions: BTreeMap<u32, Time>,
    /// Last phase proven entered, by a record of it or of its failure.
    pub phase: Option<Phase>,
    /// Earliest phase that a record says failed and that was not gone through after all, and that record.
    pub stopped: Option<(Phase, ItemId)>,
    /// Last phase that a record shows entered.
    reached: Option<Phase>,
    /// Phases that records say failed, each with the record that was found first to say so.
    stops: BTreeMap<Phase, ItemId>,
    /// A session was reached: the record that shows it.
    pub session: Option<ItemId>,
    /// An identity was accepted.
    pub authenticated: bool,
    /// It has more than a touch of the listener.
    pub opened: bool,
    /// It has a touch of the listener.
    pub(super) knocked: bool,
}

impl Connection {
    /// Its client says that no connection came about: no other log has one of it.
    pub fn never_came_about(&self) -> bool {
        self.side == Role::Client && self.stopped.is_some_and(|(phase, _)| phase <= Phase::Tcp)
    }

    /// A connection of which one record is known so far.
    pub fn new(side: Role, activity: Option<Guid>, id: ItemId, item: &Item<'_>) -> Self {
        Connection {
            side,
            host: item.host,
            activity,
            items: vec![id],
            timed: Vec::new(),
            start: item.time,
            end: item.time,
            ended: false,
            client_ip: None,
            client_port: None,
            client_host: None,
            target: None,
            target_ip: None,
            user: None,
            processes: BTreeSet::new(),
            sessions: BTreeMap::new(),
            phase: None,
            stopped: None,
            reached: None,
            stops: BTreeMap::new(),
            session: None,
            authenticated: false,
            opened: false,
            knocked: false,
        }
    }

    /// Adds a record that is no earlier than the others, and reads what it tells. How far the connection came is
    /// known only when it has them all: [`Connection::learn`].
    pub(super) fn add(&mut self, id: ItemId, items: &[Item<'_>]) {
        self.items.push(id);
        self.read(id, &items[id]);
    }

    /// What one record tells of it.
    fn read(&mut self, id: ItemId, item: &Item<'_>) {
        self.start = self.start.min(item.time);
        self.end = self.end.max(item.time);
        self.client_ip = self.client_ip.or_else(|| item.ip(Slot::ClientIp));
        self.target_ip = self.target_ip.or_else(|| item.ip(Slot::TargetIp));
        self.client_port = self.client_port.or_else(|| item.client_port());
        keep(&mut self.client_host, || item.capture(Slot::ClientHost));
        keep(&mut self.target, || item.capture(Slot::Target));
        if user_key(self.user.as_deref().unwrap_or_default()).is_none() {
            self.user = user(item);
        }
        if self.side == Role::Client {
            self.processes.extend(item.process());
        }
        if let Some(session) = item.number(Slot::Session) {
            let since = self.sessions.entry(session).or_insert(item.time);
            *since = item.time.min(*since);
        }
        self.knocked |= item.marks(self.side, Mark::Knock);
        if item.noise {
            return;
        }
        for meaning in item.on_side(self.side) {
            self.reached = self.reached.max(meaning.reaches);
            if let Some(phase) = meaning.stops {
                self.stops.entry(phase).or_insert(id);
            }
            match meaning.mark {
                Some(Mark::Session) => self.session = self.session.or(Some(id)),
                Some(Mark::Authenticated) => self.authenticated = true,
                Some(Mark::End) => self.ended = true,
                Some(Mark::Open) => self.opened = true,
                _ => {}
            }
        }
    }

    /// Reads its life from its items again, after some were added. It takes as long as they are many: to be called
    /// once all are there.
    pub fn learn(&mut self, items: &[Item<'_>]) {
        self.items.sort_unstable();
        self.items.dedup();
        for at in 0..self.items.len() {
            let id = self.items[at];
            self.read(id, &items[id]);
        }
        for &id in &self.timed {
            for phase in items[id].on_side(self.side).filter_map(|meaning| meaning.stops) {
                self.stops.entry(phase).or_insert(id);
            }
        }
        // A phase that was proven entered later was not the one that failed: a wrong password may be typed again.
        let gone_through = |phase: Phase| self.reached.is_some_and(|reached| phase.precedes(reached));
        let mut stops = self.stops.iter().map(|(phase, id)| (*phase, *id));
        self.stopped = stops.find(|(phase, _)| !gone_through(*phase));
        // What failed had been entered.
        self.phase = self.reached.max(self.stopped.map(|(phase, _)| phase));
    }

    /// No user, no credential, no step past the handshakes: what a probe leaves as well.
    pub fn bare(&self) -> bool {
        // Packets hide whatever comes behind the beginning of TLS.
        let hidden = self.side == Role::Network && self.phase >= Some(Phase::Tls);
        !hidden
            && self.user.is_none()
            && !self.authenticated
            && self.session.is_none()
            && self.phase.is_none_or(|phase| phase < Phase::Mcs)
            && self.stopped.is_none_or(|(phase, _)| phase < Phase::Credssp)
    }

    /// Is this moment inside it, give or take `slack` (100 ns)?
    pub fn holds(&self, time: Time, slack: i64) -> bool {
        self.start.plus(-slack) <= time && time <= self.end.plus(slack)
    }
}

fn keep<'a>(slot: &mut Option<String>, value: impl FnOnce() -> Option<&'a str>) {
    if slot.is_none() {
        *slot = value().map(str::to_string);
    }
}

/// The user that a record names, with its domain where that stands apart.
pub fn user(item: &Item<'_>) -> Option<String> {
    let name = item.capture(Slot::User).filter(|name| user_key(name).is_some())?;
    match item.capture(Slot::Domain) {
        Some(domain) if !name.contains('\\') && !name.contains('@') => Some(format!("{domain}\\{name}")),
        _ => Some(name.to_string()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::event::{Event, Position};
    use crate::evidence::{EventRef, Evidence, Name, Record, Source};
    use crate::signature::Signatures;
    use crate::signature::definition::{Meaning, Rule};

    /// A match of that rule, and nothing else.
    fn evidence(rule: &Rule) -> Evidence {
        matched(&rule.slug, &Event::default())
    }

    /// A match of the rule of that slug.
    pub fn matched(slug: &str, event: &Event) -> Evidence {
        let signatures = [Name::from(slug)].into_iter().collect();
        let source = Source::new(Name::from("x"), Position::at(0));
        Evidence { event: EventRef::of(event), record: Record::of(event), signatures, source }
    }

    #[test]
    fn the_phase_that_failed_is_the_first_not_gone_through_however_often_it_is_asked() {
        let (signatures, _) = Signatures::open(true, &[]);
        let found = |is: &dyn Fn(&Meaning) -> bool| {
            let on_server = |meaning: &Meaning| meaning.host == Role::Server && is(meaning);
            signatures.rules().find(|rule| rule.meaning.as_ref().is_some_and(on_server)).map(evidence).unwrap()
        };
        let rows = [
            found(&|meaning| meaning.stops == Some(Phase::Credssp) && meaning.reaches <= Some(Phase::Credssp)),
            found(&|meaning| meaning.stops.is_none() && meaning.reaches == Some(Phase::Mcs)),
            found(&|meaning| meaning.stops == Some(Phase::Licensing) && meaning.reaches <= Some(Phase::Licensing)),
        ];
        let items: Vec<Item<'_>> = rows.iter().map(|row| Item::alone(row, &signatures)).collect();
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut connection = Connection::new(Role::Server, None, order[0], &items[order[0]]);
            connection.learn(&items);
            for id in &order[1..] {
                connection.items.push(*id);
                connection.learn(&items);
            }
            assert_eq!(connection.stopped, Some((Phase::Licensing, 2)), "{order:?}");
            assert_eq!(connection.phase, Some(Phase::Licensing), "{order:?}");
        }
    }
}
