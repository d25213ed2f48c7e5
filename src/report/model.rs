//! The report, as other programs read it (`docs/report.schema.json`).
//!
//! Change it only by adding. Unknown values are `null` or absent, never a placeholder.

mod attempt;
mod coverage;
mod input;
mod long;
mod states;
mod timeline;
mod verdict;

use serde::{Deserialize, Serialize};

use crate::event::Time;
use crate::evidence::EventRef;

pub use attempt::{
    AttemptReport, Basis, ClientEnd, CodeReport, ConnectionReport, GatewayEnd, Join, Noise, ServerEnd, Verdict,
};
pub use coverage::{
    AuditCoverage, CannotJudge, ChannelCoverage, Clock, ClockStep, ClockWitness, Collect, CoverageReport, HostCoverage,
};
pub use input::{DamageReport, InputReport, Lost, ProviderReport};
pub use long::{Each, Entries, LongReport};
pub use states::{AuditState, ChannelState, ClockState, CollectHow, OffsetBasis, RecordLevel, StepBasis};
pub use timeline::{EventRow, Place, Row, RunRow};
pub use verdict::{Absent, CauseReport, Change, Cited, Finding, Hit, Level, RuledOut, Scope};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
