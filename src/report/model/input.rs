//! What was read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Time;
use crate::evidence::{Problem, ProviderFacts};

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
    pub record_kinds: BTreeMap<String, u64>,
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

impl InputReport {
    /// Kind of what could not be opened, so that nobody knows its format.
    pub const UNREADABLE: &str = "unreadable";

    /// It could not be opened.
    pub fn is_unreadable(&self) -> bool {
        self.kind == Self::UNREADABLE
    }

    /// Places of which something is missing, without mere remarks.
    pub fn losses(&self) -> usize {
        self.damage.iter().filter(|damage| damage.lost).count()
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

/// A place that could not be read, or something that readers of an input should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageReport {
    /// Byte offset, where one is known.
    pub offset: Option<u64>,
    /// What is wrong and what was lost.
    pub what: String,
    /// Something is missing because of it; `false` of a remark, say that times had to be guessed.
    #[serde(default = "yes")]
    pub lost: bool,
}

/// Older reports do not tell remarks from losses.
fn yes() -> bool {
    true
}

impl From<&Problem> for DamageReport {
    fn from(problem: &Problem) -> Self {
        DamageReport { offset: problem.offset, what: problem.what.to_string(), lost: problem.lost }
    }
}
