//! What the logs cover: hosts, their clocks and channels, and what cannot be judged.

use serde::{Deserialize, Serialize};

use super::{AuditState, ChannelState, ClockState, CollectHow, OffsetBasis, StepBasis};
use crate::event::Time;
use crate::evidence::EventRef;

/// What the logs cover.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CoverageReport {
    /// By host.
    pub hosts: Vec<HostCoverage>,
    /// What cannot be judged.
    pub cannot_judge: Vec<CannotJudge>,
    /// What to collect, the most decisive first.
    #[serde(default)]
    pub collect: Vec<Collect>,
}

/// One host of the case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostCoverage {
    /// Name.
    pub host: String,
    /// Other names and addresses of it.
    pub aliases: Vec<String>,
    /// Roles that its logs show.
    pub roles: Vec<String>,
    /// Operating system generation, where the logs tell.
    pub os: Option<String>,
    /// Its clock against the reference.
    pub clock: Clock,
    /// Its channels.
    pub channels: Vec<ChannelCoverage>,
    /// Which subcategories of the audit policy its Security log shows at work.
    #[serde(default)]
    pub audit: Vec<AuditCoverage>,
}

/// One subcategory of the audit policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCoverage {
    /// Its English name.
    pub subcategory: String,
    /// By which `auditpol` knows it in every language.
    pub guid: String,
    /// Is it at work?
    pub state: AuditState,
}

/// A host's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Host whose clock is the reference.
    pub reference: Option<String>,
    /// Milliseconds that this clock is ahead of the reference.
    pub offset_ms: Option<i64>,
    /// Spread of the pairs, ms.
    pub spread_ms: Option<i64>,
    /// Pairs of records that it rests on.
    pub pairs: u64,
    /// How it stands to the reference.
    pub state: ClockState,
    /// Parts between clock steps.
    pub segments: u64,
    /// What the offset rests on.
    #[serde(default)]
    pub known_by: Option<OffsetBasis>,
    /// Hosts with which it shares connections and cannot be compared.
    #[serde(default)]
    pub unaligned_with: Vec<String>,
    /// Settings of the clock while the logs were written, in order.
    #[serde(default)]
    pub steps: Vec<ClockStep>,
    /// What other records say of the clock.
    #[serde(default)]
    pub witnesses: Vec<ClockWitness>,
}

/// One setting of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStep {
    /// What the clock showed before.
    pub before: Time,
    /// What it showed after.
    pub after: Time,
    /// Milliseconds by which it was set; negative backwards.
    pub ms: i64,
    /// What shows it.
    pub known_by: StepBasis,
    /// Times before it were brought onto the later clock. A clock that went forward may have stood still with
    /// its computer, so its earlier times are left as they are.
    pub corrected: bool,
    /// Offset of the time before it against the reference, where pairs of that time tell one of its own, ms.
    pub offset_ms: Option<i64>,
    /// Records that say so.
    pub events: Vec<EventRef>,
}

/// A record that speaks of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockWitness {
    /// The record.
    pub event: EventRef,
    /// What it says.
    pub says: String,
    /// It bears out (`true`) or contradicts the offset found; `null` where it does neither.
    pub agrees: Option<bool>,
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelCoverage {
    /// Channel name.
    pub channel: String,
    /// How much of it is here.
    pub state: ChannelState,
    /// Earliest time.
    pub first: Option<Time>,
    /// Latest time.
    pub last: Option<Time>,
    /// Records with a number, each counted once.
    pub records: u64,
    /// Record numbers that are missing between its records where a log of it is damaged; what was lost behind the last
    /// one nobody can count.
    pub lost: u64,
}

impl ChannelCoverage {
    /// State and number of records for a reader. Records without numbers, as those of traces and of most texts,
    /// cannot be counted once each, and nothing tells whether some between them are missing.
    pub fn shown(&self) -> (&str, Option<u64>) {
        match (&self.state, self.records, self.first) {
            (ChannelState::Filtered, 0, Some(_)) => ("unnumbered", None),
            (state, records, _) => (state.word(), Some(records)),
        }
    }
}

/// Something that the logs do not let anybody judge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CannotJudge {
    /// Cause id, where one cause is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<String>,
    /// Family, where a whole family is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub family: Option<String>,
    /// Attempts that it is about.
    pub attempts: Vec<EventRef>,
    /// What is missing.
    pub because: String,
    /// What to collect.
    pub collect: String,
}

/// Logs or audit settings of one computer that would let more be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collect {
    /// The computer, where its name is known.
    pub host: Option<String>,
    /// What it is in the connection, in words.
    pub role: String,
    /// What has to happen first.
    pub how: CollectHow,
    /// The logs, the most decisive first.
    pub logs: Vec<String>,
    /// Subcategories of the audit policy to be switched on.
    pub audit: Vec<String>,
    /// Start of the span that they must cover.
    pub from: Option<Time>,
    /// Its end.
    pub to: Option<Time>,
    /// Commands for an elevated prompt on that computer, in order.
    pub commands: Vec<String>,
    /// Families of causes that they let anybody judge.
    pub serves: Vec<String>,
    /// How many causes these are.
    pub causes: u64,
}
