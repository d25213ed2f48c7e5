//! What users read on their screen and on the Internet: dialogs, and claims about codes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Confidence;

/// A dialog of the client, known by words that stand in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialog {
    /// File name without ending.
    pub id: String,
    /// What it says, in our words.
    pub says: String,
    /// By language: each key is a few words which all stand in the dialog.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Codes that go with it.
    pub codes: Vec<DialogCode>,
    /// Causes of which it is typical, best first: it hints at them.
    pub causes: Vec<String>,
    /// Causes that may show it among many others.
    pub possible: Vec<String>,
    /// What it does not say, and what to look at.
    pub note: Option<String>,
    /// Sources.
    pub references: Vec<String>,
}

/// A code that goes with a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialogCode {
    /// Disconnect reason, or a status where there is no such reason.
    pub code: u32,
    /// Extended reason, where one belongs to it.
    pub extended: Option<u32>,
    /// How sure that is.
    pub confidence: Confidence,
}

/// A popular claim, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// File name without ending.
    pub id: String,
    /// What is claimed.
    pub claim: String,
    /// What is to be held of it.
    pub judgement: Judgement,
    /// What is known.
    pub facts: String,
    /// Records that speak for it.
    pub speaks_for: Option<String>,
    /// Records that speak against it.
    pub speaks_against: Option<String>,
    /// Code pairs that it is told of; the extended part may be open.
    pub codes: Vec<(u32, Option<u32>)>,
    /// Causes that it is told of.
    pub causes: Vec<String>,
    /// Families of causes that it is told of.
    pub families: Vec<String>,
    /// Events that it is told of, as `PROVIDER/ID`.
    pub events: Vec<String>,
}

words! {
    /// What is to be held of a claim.
    Judgement {
        /// Destroys or exposes something.
        Harmful = "harmful",
        /// Not so.
        Wrong = "wrong",
        /// Nobody has shown it.
        Unsupported = "unsupported",
        /// True of something else.
        Misleading = "misleading",
        /// Was so once.
        Outdated = "outdated",
        /// Hides the fault for a while.
        Workaround = "workaround",
        /// Does nothing either way.
        Irrelevant = "irrelevant",
        /// May be so: records decide.
        Depends = "depends",
    }
}
