//! What is said of causes, and of findings beside them.

use serde::{Deserialize, Serialize};

use crate::event::Time;
use crate::evidence::EventRef;
use crate::signature::definition::{Bearing, Severity};

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

/// A record that is missing although its log covers the time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Absent {
    /// The rule that would have matched it.
    pub signature: String,
    /// The log that covers the time.
    pub channel: String,
    /// Whose log.
    pub host: String,
    /// What its absence says of the cause.
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
    /// Attempts that it explains: where it is more than possible for any, those for which it is.
    pub attempts: Vec<EventRef>,
    /// The failed attempts for which it has this level are all guesses of an attack; none is known to be a user's.
    #[serde(default)]
    pub guesses_only: bool,
    /// Hosts that it concerns, of the attempts for which it has this level.
    pub hosts: Vec<String>,
    /// Evidence over all attempts, each once; of each rule as much as of the others where there is more than fits.
    pub evidence: Vec<Cited>,
    /// How much evidence there is, with what does not fit.
    #[serde(default)]
    pub evidence_total: u64,
    /// What is missing although it would have been written down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Absent>,
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
    /// `phase-not-reached`, `phase-passed`, `refuted`.
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
