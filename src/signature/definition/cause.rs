//! A cause: what goes wrong, and which observations prove, support, stand behind or refute it.

use serde::{Deserialize, Serialize};

use super::{Key, Phase, Role, Severity};

/// One cause file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// File name without ending.
    pub id: String,
    /// Folder it stands in.
    pub family: String,
    /// One line.
    pub title: String,
    /// How bad, for whom.
    pub severity: Severity,
    /// What happens and why, in a few sentences.
    pub explanation: String,
    /// Phases in which it strikes.
    pub phases: Vec<Phase>,
    /// Codes that mstsc shows for it.
    pub codes: Vec<CodePair>,
    /// 1 rare … 5 very common; breaks ties only.
    pub prior: u8,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// Sources.
    pub references: Vec<String>,
    /// What must hold for the cause to come into question.
    pub requires: Requires,
    /// Causes that may lie behind it.
    pub caused_by: Vec<String>,
    /// What proves, supports, stands behind or refutes it.
    pub evidence: Vec<Clue>,
    /// What to look at that is no event.
    pub check: Vec<String>,
    /// Steps that repair it.
    pub fix: Vec<String>,
    /// Popular advice that harms, and why.
    pub avoid: Vec<String>,
    /// Commands that show it is repaired.
    pub verify: Vec<String>,
}

/// A code pair as a hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodePair {
    /// Disconnect reason.
    pub code: u32,
    /// Extended reason; `None` fits any.
    pub extended: Option<u32>,
    /// Typical rather than merely possible.
    pub typical: bool,
}

/// Conditions on the attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requires {
    /// This phase must be proven entered.
    pub reached: Option<Phase>,
    /// This phase must be proven not entered.
    pub not_reached: Option<Phase>,
    /// A role that some computer of the case must show.
    pub role: Option<Role>,
}

/// Causes of this family explain no failure by themselves: they stand in `findings`.
pub const FINDINGS_FAMILY: &str = "attack";

words! {
    /// What a clue says about its cause.
    Bearing {
        /// Close to proof, when tied to the attempt.
        Proof = "proof",
        /// Raises the score, never decides alone.
        Support = "support",
        /// A condition that holds since before the attempt.
        Standing = "standing",
        /// Speaks against.
        Refute = "refute",
    }
}

/// One line of a cause's `evidence`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clue {
    /// What to look for.
    pub what: Observation,
    /// What it says.
    pub bearing: Bearing,
    /// When it must have happened; the attempt ±5 s unless given.
    pub window: Option<Window>,
    /// Keys that tie it; those of the rule unless given.
    pub join: Vec<Key>,
    /// Points of a support, 5 to 15; 10 unless given.
    pub weight: u8,
    /// It counts only after the last match of this rule (a renewal refutes only if it came later).
    pub after: Option<String>,
    /// Why it bears on the cause.
    pub why: String,
}

/// What a clue looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Observation {
    /// A match of this rule.
    Rule(String),
    /// A state that holds at the anchor.
    State {
        /// State name.
        state: String,
        /// Its value.
        value: String,
        /// When it must hold.
        at: Anchor,
    },
    /// No match of this rule, where these channels cover the time.
    Absent {
        /// The rule.
        rule: String,
        /// The channels whose coverage is needed, that of the rule first.
        needs: Vec<String>,
    },
    /// Matches of these rules in this order.
    Sequence {
        /// The rules.
        rules: Vec<String>,
        /// Least and greatest distance of neighbours in 100 ns steps.
        gap: (i64, i64),
    },
    /// A session from an address of what another cause of attacks tells of.
    SessionAfter {
        /// That cause.
        cause: String,
        /// How many failed attempts of it came from the address, at least.
        least: u32,
    },
}

words! {
    /// A moment of an attempt.
    Anchor {
        /// Its first record.
        Start = "start",
        /// Its last record.
        End = "end",
    }
}

/// A span around an attempt: anchors with offsets in 100 ns steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// From.
    pub from: (Anchor, i64),
    /// To.
    pub to: (Anchor, i64),
}
