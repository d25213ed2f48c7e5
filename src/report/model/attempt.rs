//! Attempts as the report tells them.

use serde::{Deserialize, Serialize};

use super::{Cited, Level, RuledOut};
use crate::event::Time;
use crate::evidence::EventRef;
use crate::signature::definition::{Outcome, Phase};

/// Which logs show an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Only the client's.
    Client,
    /// Only the server's.
    Server,
    /// Client's and server's.
    Both,
    /// The gateway's, and neither end's.
    Gateway,
    /// No log; captured packets.
    Network,
    /// None; a record that only a failed connection writes.
    Implied,
}

/// The client end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientEnd {
    /// Computer name.
    pub host: Option<String>,
    /// Address as the server saw it.
    pub ip: Option<String>,
    /// SID or name of the Windows user who ran the client.
    pub windows_user: Option<String>,
}

/// The server end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerEnd {
    /// Computer name from its own log.
    pub host: Option<String>,
    /// Name as typed at the client.
    pub typed_name: Option<String>,
    /// Address as the client knew it.
    pub ip: Option<String>,
}

/// The gateway between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayEnd {
    /// Computer name.
    pub host: Option<String>,
    /// Client address as the gateway saw it.
    pub client_ip: Option<String>,
    /// Target as asked of the gateway.
    pub target: Option<String>,
}

/// A decoded code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeReport {
    /// The number.
    pub code: u32,
    /// The same in hex, `0x904`.
    pub hex: String,
    /// Official name.
    pub symbol: Option<String>,
    /// Meaning.
    pub meaning: Option<String>,
    /// Who says so: `client log`, `server log`, `complaint`.
    pub from: String,
}

/// One connection of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionReport {
    /// `client`, `server` or `gateway`.
    pub side: String,
    /// ActivityID.
    pub activity_id: Option<String>,
    /// Computer whose log shows it.
    pub host: String,
    /// Address or name of the other end.
    pub peer: Option<String>,
    /// First record.
    pub start: Time,
    /// Last record.
    pub end: Time,
    /// Last phase proven entered.
    pub phase: Option<Phase>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How the sides of an attempt were joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Keys that agreed, e.g. `server name`, `time`.
    pub by: Vec<String>,
    /// Another connection would have fitted as well.
    pub ambiguous: bool,
}

/// A verdict on one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Cause id.
    pub cause: String,
    /// How sure.
    pub verdict: Level,
    /// 0 to 100.
    pub score: u8,
    /// On what it rests.
    pub evidence: Vec<Cited>,
    /// Causes found behind it.
    pub caused_by: Vec<String>,
}

/// One user action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptReport {
    /// Hash of its earliest anchor record.
    pub id: EventRef,
    /// First record.
    pub start: Time,
    /// Last record.
    pub end: Time,
    /// Which logs show it.
    pub basis: Basis,
    /// Client end.
    pub client: ClientEnd,
    /// Server end.
    pub server: ServerEnd,
    /// Gateway, where one is used.
    pub gateway: Option<GatewayEnd>,
    /// User as the server or client names it.
    pub user: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Last phase proven entered.
    pub phase: Option<Phase>,
    /// First phase proven not entered.
    pub phase_limit: Option<Phase>,
    /// Disconnect reason.
    pub disconnect: Option<CodeReport>,
    /// Extended reason.
    pub extended: Option<CodeReport>,
    /// Its connections by start.
    pub connections: Vec<ConnectionReport>,
    /// How the sides were joined.
    pub join: Join,
    /// Causes, best first.
    pub verdicts: Vec<Verdict>,
    /// What was ruled out for it.
    pub ruled_out: Vec<RuledOut>,
    /// Its records in order.
    pub events: Vec<EventRef>,
}

/// Connections that no user made, by host and client address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Noise {
    /// Computer that logged them.
    pub host: String,
    /// Client address.
    pub client_ip: Option<String>,
    /// How many.
    pub count: u64,
    /// First record.
    pub first: Time,
    /// Last record.
    pub last: Time,
    /// What they are.
    pub what: String,
}
