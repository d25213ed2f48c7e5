//! The timeline: records, and runs of like ones.

use serde::{Deserialize, Serialize};

use super::RecordLevel;
use crate::event::Time;
use crate::evidence::{EventRef, Source, is_zero};
use crate::report::kept::Kept;
use crate::signature::definition::Phase;

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
    /// How grave it calls itself.
    pub level: Option<RecordLevel>,
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
