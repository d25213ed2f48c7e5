//! Evidence becomes attempts: one attempt is one user's action, with all its connections
//! on client, gateway and server. Knows what a connection, a phase and an outcome are;
//! what any one code or event means stands in the signatures.

mod align;
mod attach;
mod burst;
mod case;
mod clock;
mod connection;
mod group;
pub mod identity;
mod implied;
pub mod intervals;
pub mod item;
mod join;
mod legs;
mod network;
mod noise;
mod ordered;
mod outcome;
mod pair;
mod phase;
mod redirect;
mod step;
mod timeline;
mod writer;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::event::Time;
use crate::evidence::EventRef;
use crate::signature::definition::{Outcome, Phase, Role};

pub use case::{Case, Hints, Own, Passed};
pub use clock::Offset;
pub use connection::{Connection, ItemId};
use identity::HostId;
pub use noise::Stray;
pub use step::Step;
pub use timeline::{HostClock, Ledger, Logs};

/// One user's action.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its name.
    pub id: EventRef,
    /// Its connections by start.
    pub connections: Vec<Connection>,
    /// Records that imply it, where no connection is on record.
    pub implied: Vec<ItemId>,
    /// First record, on the reference clock.
    pub start: Time,
    /// Last record.
    pub end: Time,
    /// Client computer, where its log is in the case.
    pub client: Option<HostId>,
    /// Server.
    pub server: Option<HostId>,
    /// Gateway.
    pub gateway: Option<HostId>,
    /// Client addresses seen.
    pub client_ips: BTreeSet<IpAddr>,
    /// Client's name as the server heard it, where its log is not in the case.
    pub client_name: Option<String>,
    /// Name that was typed.
    pub target: Option<String>,
    /// Address that the client found.
    pub target_ip: Option<IpAddr>,
    /// User.
    pub user: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Last phase proven entered.
    pub phase: Option<Phase>,
    /// First phase proven not entered.
    pub phase_limit: Option<Phase>,
    /// Phase that a record says failed, and the record.
    pub stopped: Option<(Phase, ItemId)>,
    /// Disconnect reason that the client logged.
    pub disconnect: Option<u32>,
    /// Keys that joined its sides.
    pub joined_by: Vec<String>,
    /// Another connection would have fitted as well.
    pub ambiguous: bool,
    /// When its last connection began, on the reference clock, where a broker had sent it to another host.
    pub last_hop: Option<Time>,
}

impl Attempt {
    /// Connections of one side.
    pub fn side(&self, side: Role) -> impl Iterator<Item = &Connection> {
        self.connections.iter().filter(move |connection| connection.side == side)
    }

    /// Its connections to the host that it was to reach in the end: all but those that led to a redirection.
    pub fn final_connections<'s>(&'s self, case: &'s Case<'_>) -> impl Iterator<Item = &'s Connection> {
        self.connections.iter().filter(move |connection| {
            let lasting = |hop: Time| case.aligned(connection.host, connection.end) >= hop;
            let there = connection.side != Role::Server || self.server == Some(connection.host);
            self.last_hop.is_none_or(|hop| lasting(hop) && there)
        })
    }

    /// All its records in order of time.
    pub fn items(&self) -> Vec<ItemId> {
        let own = self.connections.iter().flat_map(|connection| connection.items.iter().copied());
        let all: BTreeSet<ItemId> = own.chain(self.implied.iter().copied()).collect();
        all.into_iter().collect()
    }

    /// Records without a key that stand at its time and can belong to no other attempt.
    pub fn timed(&self) -> impl Iterator<Item = ItemId> {
        self.connections.iter().flat_map(|connection| connection.timed.iter().copied())
    }

    /// Host in one of the three roles at the connection's ends.
    pub fn host(&self, role: Role) -> Option<HostId> {
        match role {
            Role::Client => self.client,
            Role::Server => self.server,
            Role::Gateway => self.gateway,
            _ => None,
        }
    }

    /// Hosts at its ends and between them, as far as they are known.
    pub fn ends(&self) -> impl Iterator<Item = HostId> {
        [self.client, self.server, self.gateway].into_iter().flatten()
    }

    /// No session was wanted or none was kept: an outage of someone.
    pub fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed | Outcome::Dropped)
    }
}
