//! All evidence of a case, put in order, and the attempts that it comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::identity::{self, HostId, Hosts};
use super::item::Item;
use super::ordered::Looked;
use super::{
    Attempt, HostClock, ItemId, Ledger, Logs, Step, Stray, attach, implied, join, legs, network, noise, ordered,
    outcome, redirect, step, writer,
};
use crate::event::Time;
use crate::evidence::{Coverage, Findings};
use crate::signature::Signatures;
use crate::signature::definition::{Phase, Role, Slot};

/// Evidence put in order: what attempts and verdicts are made from.
#[derive(Debug)]
pub struct Case<'a> {
    /// All that the scans found.
    pub findings: &'a Findings,
    /// What records mean.
    pub signatures: &'a Signatures,
    /// Who is who.
    pub hosts: Hosts,
    /// Every record with a time, by time, host, channel, record id.
    pub items: Vec<Item<'a>>,
    /// Records of each host, in the same order.
    pub of_host: Vec<Vec<ItemId>>,
    /// Those of them that show a connection to its listener.
    pub listened: Vec<Vec<ItemId>>,
    /// Records of each rule, by slug, in order; of a correlation, the members of its bursts.
    pub by_rule: BTreeMap<&'a str, Vec<ItemId>>,
    /// Bursts of each correlation that fired, by slug.
    pub bursts: BTreeMap<&'a str, Vec<Vec<ItemId>>>,
    /// Roles that each host's records show.
    pub roles: Vec<BTreeSet<Role>>,
    /// Hosts of each role.
    of_role: BTreeMap<Role, Vec<HostId>>,
    /// By host: nothing shows that it has logs of Windows.
    elsewhere: Vec<bool>,
    /// Every user action, by start.
    pub attempts: Vec<Attempt>,
    /// Connections that no user made.
    pub strays: Vec<Stray>,
    /// Each host's clock against the reference.
    pub clocks: Vec<HostClock>,
    /// Host whose clock is the reference.
    pub reference: Option<HostId>,
    /// Settings of each host's clock while its logs were written.
    pub steps: Vec<Vec<Step>>,
    /// What records tell of their logs.
    pub ledger: Ledger,
    /// Channels of each host.
    pub channels: Vec<Vec<(&'a str, &'a Coverage)>>,
    /// Those of them that number their records.
    pub logs: Vec<Logs<'a>>,
    /// What of it is to be told.
    pub own: Own,
    /// Of connections that earlier stretches of a long case hold.
    pub passed: Passed,
}

/// When the last connection began that left a phase behind, by the server's name and the phase.
pub type Passed = BTreeMap<(String, Phase), Time>;

/// Span of the attempts and records that a case answers for, by the clocks that stamped them: from the first moment
/// on, until before the second. What lies around it is there for what it tells of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Since when; from the beginning where nothing is said.
    pub from: Option<Time>,
    /// Until before when; to the end where nothing is said.
    pub to: Option<Time>,
}

impl Own {
    /// Is this moment within it?
    pub fn holds(&self, time: Time) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to)
    }
}

impl Case<'_> {
    /// Does it answer for this record?
    pub fn owns(&self, id: ItemId) -> bool {
        self.items[id].evidence.record.time.is_none_or(|time| self.own.holds(time))
    }

    /// Does it answer for what these records are of? It does where the first of them is its own.
    pub fn owns_all_of(&self, ids: impl Iterator<Item = ItemId>) -> bool {
        let first = || ids.filter_map(|id| self.items[id].evidence.record.time).min();
        self.own == Own::default() || first().is_none_or(|time| self.own.holds(time))
    }

    /// Hosts whose records show this role.
    pub fn of_role(&self, role: Role) -> &[HostId] {
        self.of_role.get(&role).map_or(&[], Vec::as_slice)
    }

    /// The only host of this role.
    pub fn only(&self, role: Role) -> Option<HostId> {
        match self.of_role(role) {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Nothing shows that this host has logs of Windows: all that it wrote is of programs that run elsewhere too.
    pub fn elsewhere(&self, host: HostId) -> bool {
        self.elsewhere[host]
    }

    fn wrote_elsewhere(&self, host: HostId) -> bool {
        let mut own = self.items_of(host).map(|item| &item.evidence.record).peekable();
        own.peek().is_some()
            && own.all(|record| self.signatures.elsewhere(&record.provider))
            && self.channels[host].iter().all(|(name, _)| name.is_empty())
    }
}

/// What the reader said beforehand.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Names and addresses that belong together.
    pub aliases: Vec<(String, String)>,
    /// Client addresses that were asked for.
    pub client_ips: BTreeSet<IpAddr>,
}

/// The address of the computer at one end, where its record tells both ends of a connection of its own.
fn own_address(item: &Item<'_>) -> Option<IpAddr> {
    let client = item.end(Slot::ClientIp, Slot::ClientPort)?.ip();
    let server = item.end(Slot::TargetIp, Slot::TargetPort)?.ip();
    let on = |side| item.on_side(side).any(|meaning| meaning.capture.contains_key(&Slot::TargetIp));
    if on(Role::Client) { Some(client) } else { Some(server).filter(|_| on(Role::Server)) }
}

impl<'a> Case<'a> {
    /// Builds attempts from evidence.
    pub fn build(findings: &'a Findings, signatures: &'a Signatures, hints: &Hints) -> Self {
        let mut case = Self::resolve(findings, signatures, hints);
        case.learn_addresses();
        let connections = attach::connections(&case.items);
        let (connections, bursts) = noise::bursts(connections, &case.items, &hints.client_ips);
        let alone = join::both_ends(&mut case, connections);
        let (users, lone) = noise::lone(alone, &case, &hints.client_ips);
        case.strays = noise::collect(bursts.into_iter().chain(lone));
        let (flows, users) = users.into_iter().partition(|connection| connection.side == Role::Network);
        legs::one_end(&mut case, users);
        network::join(&mut case, flows);
        redirect::follow(&mut case);
        implied::implied(&mut case);
        case.finish();
        case
    }

    /// Reads outcome and phases of every attempt and gives it its name.
    fn finish(&mut self) {
        let mut attempts = std::mem::take(&mut self.attempts);
        for attempt in &mut attempts {
            outcome::settle(attempt, self);
            attempt.connections.iter_mut().for_each(|connection| connection.items.shrink_to_fit());
        }
        attempts.sort_by_key(|attempt| (attempt.start, attempt.id));
        attempts.shrink_to_fit();
        self.attempts = attempts;
    }

    /// Looks up hosts and rules, and puts records in order.
    fn resolve(findings: &'a Findings, signatures: &'a Signatures, hints: &Hints) -> Self {
        let (hosts, writers) = writer::resolve(findings, signatures, &hints.aliases);
        let mut items = ordered::placed(findings, signatures, &hosts, &writers);
        let steps = step::correct(&mut items, &hosts, findings, signatures);
        ordered::sort(&mut items);
        writer::once(&mut items);
        let Looked { of_host, listened, by_rule, roles } = Looked::of(&items, hosts.len());
        let mut of_role: BTreeMap<Role, Vec<HostId>> = BTreeMap::new();
        for (host, roles) in roles.iter().enumerate() {
            roles.iter().for_each(|role| of_role.entry(*role).or_default().push(host));
        }
        let mut by_rule: BTreeMap<_, _> = by_rule.into_iter().collect();
        let bursts = ordered::bursts(&mut by_rule, &items, signatures);
        let channels = ordered::channels(findings, &hosts, &writers);
        let mut case = Case {
            findings,
            signatures,
            of_host,
            listened,
            by_rule,
            bursts,
            roles,
            of_role,
            elsewhere: Vec::new(),
            attempts: Vec::new(),
            strays: Vec::new(),
            clocks: vec![HostClock::default(); hosts.len()],
            reference: None,
            ledger: Ledger::of(&items, &steps),
            items,
            steps,
            logs: channels.iter().map(|channels| Logs::of(channels)).collect(),
            channels,
            own: Own::default(),
            passed: Passed::new(),
            hosts,
        };
        case.elsewhere = (0..case.hosts.len()).map(|host| case.wrote_elsewhere(host)).collect();
        case
    }

    /// Records of one host in order of time.
    pub fn items_of(&self, host: HostId) -> impl DoubleEndedIterator<Item = &Item<'a>> {
        self.of_host.get(host).into_iter().flatten().map(|id| &self.items[*id])
    }

    /// Did a host write any record between two moments of its own clock?
    pub fn wrote(&self, host: HostId, from: Time, to: Time) -> bool {
        let Some(own) = self.of_host.get(host) else { return false };
        own.get(own.partition_point(|id| self.items[*id].time < from)).is_some_and(|id| self.items[*id].time <= to)
    }

    /// A client's log ties the name that was typed to the address that it found.
    fn learn_addresses(&mut self) {
        let mut typed: BTreeMap<_, (Option<&str>, Option<IpAddr>)> = BTreeMap::new();
        let mut own = BTreeSet::new();
        for item in &self.items {
            own.extend(own_address(item).map(|ip| (item.host, ip)));
            if let Some(activity) = item.evidence.record.activity_id {
                let pair = typed.entry((item.host, activity)).or_default();
                pair.0 = pair.0.or(item.capture(Slot::Target));
                pair.1 = pair.1.or(item.ip(Slot::TargetIp));
            }
        }
        for (host, ip) in own {
            self.hosts.learn_address(host, ip);
        }
        for (name, ip) in typed.into_values() {
            if let (Some(name), Some(ip)) = (name, ip)
                && identity::address(name).is_none()
                && let Some(host) = self.hosts.resolve(name)
            {
                self.hosts.learn_address(host, ip);
            }
        }
    }
}
