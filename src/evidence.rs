//! What a scan leaves of the logs: evidence, coverage, problems and inputs.
//!
//! All of it is small, owned and ordered. [`Findings`] are a set of such rows;
//! merging sets is associative, commutative and idempotent, so that the same files
//! give the same report in any order, on any number of threads or machines, even
//! when delivered twice. Knows records and rule names, no file format, no attempt.

mod coverage;
mod findings;
mod keep;
mod line;
mod name;
mod plain;
mod row;
mod set;

pub use coverage::{Coverage, Run};
pub use findings::Findings;
pub use keep::Keeper;
pub use name::{Fields, List, Name, Names};
pub use plain::{hides, write_indented, write_line};
pub use row::{Lines, Row, RowError, read_row, write_row};
pub use set::EvidenceSet;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::event::{Event, Guid, Machine, Position, Time};

/// Most bytes of field names and values that one piece of evidence keeps.
pub const KEPT_BYTES: usize = 4096;

/// Most bytes of a computer's, channel's or provider's name that are kept: Windows allows 255 characters.
pub const NAME_BYTES: usize = 1024;

/// A name as far as it is kept.
pub fn bounded(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Name of a record that never depends on where its file lies: hash of computer,
/// channel, provider, event id, record id and time; of the payload where a record has no id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventRef(pub u128);

impl EventRef {
    /// The name of an event.
    pub fn of(event: &Event) -> Self {
        let system = &event.system;
        let mut hash = Self::begin(event);
        let mut part = |bytes: &[u8]| add(&mut hash, bytes);
        part(&system.event_id.to_le_bytes());
        part(&system.time.map_or([0; 8], |time| time.ticks().to_le_bytes()));
        match system.record_id {
            Some(id) => part(&id.to_le_bytes()),
            None => event.fields().for_each(|(name, value)| {
                part(name.as_bytes());
                part(value.as_bytes());
            }),
        }
        Self::cut(&hash.finalize())
    }

    /// What the names of all events of one computer, channel and provider begin with.
    fn begin(event: &Event) -> Sha256 {
        let system = &event.system;
        let mut hash = Sha256::new();
        for name in [&system.computer, &system.channel, &system.provider] {
            add(&mut hash, name.to_lowercase().as_bytes());
        }
        hash
    }

    /// A name derived from this one, for what rests on the record.
    #[must_use]
    pub fn derive(self, word: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        hash.update(word.as_bytes());
        Self::cut(&hash.finalize())
    }

    /// 32 digits in lower case, in ASCII.
    pub fn to_ascii(self) -> [u8; 32] {
        let mut text = [0; 32];
        let (digits, _) = text.as_chunks_mut::<2>();
        for (pair, byte) in digits.iter_mut().zip(self.0.to_be_bytes()) {
            *pair = [byte >> 4, byte & 15].map(|half| b"0123456789abcdef"[usize::from(half)]);
        }
        text
    }

    fn cut(digest: &[u8]) -> Self {
        EventRef(digest.iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
    }
}

/// A part, and how long it is, so that no two sets of parts are one.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

impl fmt::Display for EventRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_ascii()).unwrap_or_default())
    }
}

impl fmt::Debug for EventRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for EventRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match u128::from_str_radix(&text, 16) {
            Ok(number) if text.len() == 32 => Ok(EventRef(number)),
            _ => Err(serde::de::Error::custom("an event reference is 32 hexadecimal digits")),
        }
    }
}

/// What stands behind an input's name where its records name no computer and nothing else tells it.
const UNNAMED: &str = " (unnamed computer)";

/// What a report calls the computer of an input that does not tell its name: no computer is called so.
pub fn unnamed(input: &str) -> String {
    format!("{input}{UNNAMED}")
}

/// Is this such a makeshift, and no computer's name?
pub fn is_unnamed(host: &str) -> bool {
    host.ends_with(UNNAMED)
}

/// One field of a kept record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Field(pub Box<str>, pub Box<str>);

/// What is kept of a record: its System part and the wanted fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// Computer name as written.
    pub computer: Name,
    /// Channel.
    pub channel: Name,
    /// Provider name.
    pub provider: Name,
    /// Classic source name, where it differs.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub source_name: Name,
    /// Event id.
    pub event_id: u32,
    /// Event version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// Level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Record id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<u64>,
    /// Time, UTC, of the computer's own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// ActivityID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<Guid>,
    /// Process id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<u32>,
    /// SID of `Security/@UserID`.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub user_id: Name,
    /// Wanted fields in record order; unnamed values are called `Data`.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// Fields were cut to [`KEPT_BYTES`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl Record {
    /// Copies what is kept of an event. A [`Keeper`] does so for many.
    pub fn of(event: &Event) -> Self {
        Keeper::default().keep(event).1
    }

    /// Bytes of memory that it takes, about.
    pub fn size(&self) -> usize {
        let names = [&self.computer, &self.channel, &self.provider, &self.source_name, &self.user_id];
        let fields = self.fields.iter().map(|(name, value)| size_of::<Field>() + name.len() + value.len());
        size_of::<Evidence>() + names.map(|name| name.len()).iter().sum::<usize>() + fields.sum::<usize>()
    }

    /// The first value called `name`; `param1`… reach unnamed values by position,
    /// and System fields answer to their Sigma names.
    pub fn field(&self, name: &str) -> Option<&str> {
        if let Some((_, value)) = self.fields.iter().find(|(known, _)| *known == name) {
            return Some(value);
        }
        if let Some(position) = crate::event::positional(name) {
            let mut unnamed = self.fields.iter().filter(|(known, _)| *known == crate::event::UNNAMED);
            return unnamed.nth(position - 1).map(|(_, value)| value);
        }
        match name {
            "Computer" => Some(&self.computer),
            "Channel" => Some(&self.channel),
            "Provider_Name" => Some(&self.provider),
            "Security_UserID" => Some(&self.user_id).filter(|sid| !sid.is_empty()).map(|sid| &**sid),
            _ => None,
        }
    }
}

/// Where a record was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// Input name.
    pub path: Name,
    /// Byte offset; of a record in a compressed piece of the file, that of the piece.
    pub offset: u64,
    /// Byte offset in that piece as it is decompressed; 0 where nothing is compressed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub within: u32,
}

impl Source {
    /// A place in an input.
    pub fn new(path: Name, position: Position) -> Self {
        Source { path, offset: position.offset, within: position.within }
    }
}

/// Of what is left out where it is 0.
pub(crate) fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A record that at least one signature matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its name.
    #[serde(rename = "ref")]
    pub event: EventRef,
    /// The record.
    #[serde(flatten)]
    pub record: Record,
    /// Slugs of the rules that matched, sorted.
    pub signatures: List,
    /// Where it stands; of several copies the bytewise smallest.
    pub source: Source,
}

impl Evidence {
    /// Holds what it has in common with others only once.
    pub fn share(&mut self, names: &mut Names) {
        let record = &mut self.record;
        for name in [&mut record.computer, &mut record.channel, &mut record.provider, &mut record.source_name] {
            names.share(name);
        }
        names.share(&mut record.user_id);
        names.share(&mut self.source.path);
        names.share_fields(&mut record.fields);
        names.share_list(&mut self.signatures);
    }

    /// Takes over what another copy of the record tells, and says whether that is anything new. Most copies are the
    /// same record once more, from a log that was read before.
    pub fn merge(&mut self, other: Evidence) -> bool {
        let matched = self.signatures != other.signatures;
        if matched {
            let mut signatures = self.signatures.to_vec();
            signatures.extend(other.signatures.iter().cloned());
            signatures.sort_unstable();
            signatures.dedup();
            self.signatures = signatures.into_iter().collect();
        }
        // Copies may differ where one was cut by damage: the smaller pair is shown, whichever came first.
        let smaller = (&other.source, &other.record) < (&self.source, &self.record);
        if smaller {
            (self.source, self.record) = (other.source, other.record);
        }
        matched || smaller
    }

    /// Id of the claim that this signature matched this record.
    pub fn id(&self, signature: &str) -> EventRef {
        self.event.derive(signature)
    }
}

/// A place in an input that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// Input name.
    pub path: Box<str>,
    /// Byte offset, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What is wrong and what was lost.
    pub what: Box<str>,
    /// Something is missing from the analysis because of it.
    pub lost: bool,
}

/// One input as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InputFacts {
    /// Input name.
    pub path: Box<str>,
    /// Format name.
    pub kind: Box<str>,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hex, where it was asked for.
    pub sha256: Option<Box<str>>,
    /// Records read.
    pub records: u64,
    /// Records by header kind, for formats that have several.
    pub record_kinds: BTreeMap<String, u64>,
    /// Records by provider name and GUID.
    pub providers: BTreeMap<String, ProviderFacts>,
    /// Earliest time.
    pub first: Option<Time>,
    /// Latest time.
    pub last: Option<Time>,
    /// Events that the logger says it lost.
    pub lost_events: u64,
    /// Buffers that the logger says it lost.
    pub lost_buffers: u64,
    /// What it tells of the computer that wrote it, where its records name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Channels of its records that name no computer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<Box<str>, Coverage>,
}

/// Records of one provider in one input.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProviderFacts {
    /// GUID, where a record named one.
    pub guid: Option<Guid>,
    /// How many.
    pub records: u64,
}

impl ProviderFacts {
    /// What a provider is listed as whose name another one has too.
    pub fn twin(name: &str, guid: Guid) -> String {
        format!("{name} {{{guid}}}")
    }

    /// Its name, of that under which it is listed.
    pub fn name<'a>(&self, listed: &'a str) -> &'a str {
        let name = || listed.strip_suffix(&format!(" {{{}}}", self.guid?));
        name().unwrap_or(listed)
    }
}
