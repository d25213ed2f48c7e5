//! The report, as other programs read it (`docs/report.schema.json`).
//!
//! Change it only by adding. Unknown values are `null` or absent, never a placeholder.

mod coverage;
mod long;

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use crate::event::Time;
use crate::evidence::{EventRef, Problem, ProviderFacts, Source, is_zero};
use crate::signature::definition::{Bearing, Outcome, Phase, Severity};

pub use coverage::{
    AuditCoverage, CannotJudge, ChannelCoverage, Clock, ClockStep, ClockWitness, Collect, CoverageReport, HostCoverage,
};

pub use long::{Each, Entries, LongReport};

/// Version of the report's shape.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that was found out about a case. Its two long parts may be made while they are written
/// ([`LongReport`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report<A = Vec<AttemptReport>, T = Vec<Row>> {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// What the user said the dialog said.
    pub complaint: Option<Complaint>,
    /// Counts and the answer in one word.
    pub summary: Summary,
    /// Causes found, best first.
    pub causes: Vec<CauseReport>,
    /// What was ruled out for every failed attempt, and why.
    pub ruled_out: Vec<RuledOut>,
    /// What deserves attention and explains no failure.
    pub findings: Vec<Finding>,
    /// Every user action, by start.
    pub attempts: A,
    /// Connections that no user made.
    pub noise: Vec<Noise>,
    /// Rows that attempts, causes and findings cite.
    pub timeline: T,
    /// What the logs cover, and what cannot be judged for lack of logs.
    pub coverage: CoverageReport,
    /// What was read.
    pub inputs: Vec<InputReport>,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the signature set, lower-case hex.
    pub signatures_sha256: String,
}

/// The user's complaint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Disconnect reason.
    pub code: Option<u32>,
    /// Extended reason.
    pub extended: Option<u32>,
    /// Text of the dialog.
    pub said: Option<String>,
    /// Attempts that it was taken to be about.
    pub attempts: Vec<EventRef>,
}

/// The case in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// User actions.
    pub attempts: u64,
    /// Of them, without a session.
    pub failed: u64,
    /// Of them, with a session that ended against the user's will.
    pub dropped: u64,
    /// Of them, given up by the user.
    pub abandoned: u64,
    /// Of them, with a session that ended as wanted or still runs.
    pub established: u64,
    /// Of them, not told by the logs.
    pub unknown: u64,
    /// The first cause, if it is confirmed or probable.
    pub top_cause: Option<String>,
    /// Start of the first attempt.
    pub first: Option<Time>,
    /// End of the last attempt.
    pub last: Option<Time>,
}

/// How sure a verdict is; the order is from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It fits, but so do others.
    Possible,
    /// Proof with a shared binding, two independent supports, or a standing condition that fits.
    Probable,
    /// Proof inside the attempt, nothing against it.
    Confirmed,
}

impl Level {
    /// The word in JSON and text.
    pub fn word(self) -> &'static str {
        match self {
            Level::Possible => "possible",
            Level::Probable => "probable",
            Level::Confirmed => "confirmed",
        }
    }
}

/// One piece of evidence as cited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cited {
    /// The record.
    pub event: EventRef,
    /// The rule that matched it.
    pub signature: String,
    /// What it says of the cause.
    pub role: Bearing,
    /// Why, in words.
    pub why: String,
}

/// Affected of seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// How many the cause hits.
    pub affected: u64,
    /// How many the logs show.
    pub seen: u64,
}

/// Whom a cause hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Users.
    pub users: Hit,
    /// Client computers or addresses.
    pub clients: Hit,
    /// Servers.
    pub servers: Hit,
}

/// Something that changed shortly before the first failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The record.
    pub event: EventRef,
    /// What changed.
    pub what: String,
}

/// One cause over the whole case: the roll-up of its verdicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CauseReport {
    /// Cause id.
    pub id: String,
    /// Family.
    pub family: String,
    /// Title.
    pub title: String,
    /// Severity.
    pub severity: Severity,
    /// Strongest level over its attempts.
    pub verdict: Level,
    /// 0 to 100.
    pub score: u8,
    /// What happens, and one sentence on what proved, supported or spoke against it.
    pub explanation: String,
    /// Attempts that it explains.
    pub attempts: Vec<EventRef>,
    /// Hosts that it concerns.
    pub hosts: Vec<String>,
    /// Evidence over all attempts, each once.
    pub evidence: Vec<Cited>,
    /// First attempt that it explains.
    pub first: Option<Time>,
    /// Last one.
    pub last: Option<Time>,
    /// Last success on the same server before the first failure.
    pub last_success: Option<Time>,
    /// Whom it hits.
    pub scope: Scope,
    /// What changed before the first failure.
    pub changes: Vec<Change>,
    /// Causes found behind it.
    pub caused_by: Vec<String>,
    /// Steps that repair it.
    pub fix: Vec<String>,
    /// Popular advice that harms.
    pub avoid: Vec<String>,
    /// Commands that show it is repaired.
    pub verify: Vec<String>,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// Sources.
    pub references: Vec<String>,
}

/// Something that was ruled out: a cause or a whole family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuledOut {
    /// Cause id, where one cause is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Family, where a whole family is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub family: Option<String>,
    /// `phase-not-reached`, `phase-passed`, `refuted`, `other-host`, `role-missing`, `os`.
    pub because: String,
    /// In words.
    pub why: String,
    /// Records that show it.
    pub events: Vec<EventRef>,
}

/// Something that deserves attention beside the failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Cause or signature id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Severity.
    pub severity: Severity,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// Host, where one is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<String>,
    /// How many records.
    pub count: u64,
    /// Time of the first.
    pub first: Option<Time>,
    /// Time of the last.
    pub last: Option<Time>,
    /// The first few records.
    pub evidence: Vec<EventRef>,
}

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

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Input name.
    pub path: String,
    /// Byte offset; of a record in a compressed piece of the file, that of the piece.
    pub offset: u64,
    /// Byte offset in that piece as it is decompressed; 0 where nothing is compressed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub within: u32,
}

impl From<&Source> for Place {
    fn from(source: &Source) -> Self {
        Place { path: source.path.to_string(), offset: source.offset, within: source.within }
    }
}

/// One row of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Row {
    /// A record.
    Event(Box<EventRow>),
    /// A long run of alike records.
    Run(RunRow),
}

/// A record of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its name.
    #[serde(rename = "ref")]
    pub event: EventRef,
    /// Time of its computer's clock.
    pub time: Time,
    /// Time on the reference clock, where hosts can be aligned.
    pub aligned_time: Option<Time>,
    /// Computer.
    pub host: String,
    /// Role of the computer in the attempt.
    pub role: Option<String>,
    /// Channel.
    pub channel: String,
    /// Provider.
    pub provider: String,
    /// Event id.
    pub event_id: u32,
    /// Record id.
    pub record_id: Option<u64>,
    /// Phase that it speaks of.
    pub phase: Option<Phase>,
    /// `critical`, `error`, `warning`, `information`, `verbose`.
    pub level: Option<String>,
    /// In words.
    pub message: String,
    /// Rules that matched.
    pub signatures: Vec<String>,
    /// Attempt that it belongs to.
    pub attempt: Option<EventRef>,
    /// Where it stands.
    pub source: Place,
    /// What else is kept of it.
    #[serde(flatten)]
    pub kept: Kept,
}

/// A run of alike records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// How many.
    pub count: u64,
    /// First time.
    pub first: Time,
    /// Last time.
    pub last: Time,
    /// Computer.
    pub host: String,
    /// Provider.
    pub provider: String,
    /// Event id.
    pub event_id: u32,
    /// In words, of the first.
    pub message: String,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputReport {
    /// Name.
    pub path: String,
    /// Format.
    pub kind: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, where it was asked for.
    pub sha256: Option<String>,
    /// Records read.
    pub records: u64,
    /// Records by header kind.
    pub record_kinds: std::collections::BTreeMap<String, u64>,
    /// Records by provider.
    pub providers: Vec<ProviderReport>,
    /// Earliest time.
    pub first: Option<Time>,
    /// Latest time.
    pub last: Option<Time>,
    /// What the logger says it lost.
    pub lost: Lost,
    /// Places that could not be read.
    pub damage: Vec<DamageReport>,
}

/// Records of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderReport {
    /// Name.
    pub name: String,
    /// GUID.
    pub guid: Option<String>,
    /// How many.
    pub records: u64,
}

impl From<(&String, &ProviderFacts)> for ProviderReport {
    fn from((name, facts): (&String, &ProviderFacts)) -> Self {
        ProviderReport {
            name: facts.name(name).to_owned(),
            guid: facts.guid.map(|guid| guid.to_string()),
            records: facts.records,
        }
    }
}

/// What a logger lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Events.
    pub events: u64,
    /// Buffers.
    pub buffers: u64,
}

/// A place that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageReport {
    /// Byte offset, where one is known.
    pub offset: Option<u64>,
    /// What is wrong and what was lost.
    pub what: String,
}

impl From<&Problem> for DamageReport {
    fn from(problem: &Problem) -> Self {
        DamageReport { offset: problem.offset, what: problem.what.to_string() }
    }
}
