//! What any log record is, whatever file it came from.
//!
//! Sources fill one [`Event`] again and again and push it through a [`Sink`];
//! nothing here knows a format, a signature or Remote Desktop. Text lives in one
//! buffer per event, so that a scan allocates nothing per record.

use std::ops::Range;

use serde::{Deserialize, Serialize};

mod code;
mod gate;
mod guid;
mod interest;
mod machine;
mod time;

pub use code::read_code;
pub use gate::{Gate, Place, Seen, Sign, Way, length_bit};
pub use guid::Guid;
pub use interest::{Fields, Interest, Names, Wanted};
pub use machine::Machine;
pub use time::{TICKS_PER_SECOND, Time};

/// The `System` part of a record, typed. Empty text stands for "absent".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// `Provider/@Name`.
    pub provider: String,
    /// `Provider/@EventSourceName`, the classic source behind a manifest provider.
    pub source_name: String,
    /// `Provider/@Guid`.
    pub provider_guid: Option<Guid>,
    /// `EventID`.
    pub event_id: u32,
    /// `EventID/@Qualifiers`.
    pub qualifiers: Option<u16>,
    /// `Version`.
    pub version: Option<u8>,
    /// `Level`: 0 always, 1 critical, 2 error, 3 warning, 4 information, 5 verbose.
    pub level: Option<u8>,
    /// `Task`.
    pub task: Option<u16>,
    /// `Opcode`.
    pub opcode: Option<u8>,
    /// `Keywords`.
    pub keywords: Option<u64>,
    /// `TimeCreated/@SystemTime`; `None` where it is missing or cannot be read.
    pub time: Option<Time>,
    /// `EventRecordID`.
    pub record_id: Option<u64>,
    /// `Correlation/@ActivityID`.
    pub activity_id: Option<Guid>,
    /// `Correlation/@RelatedActivityID`.
    pub related_activity_id: Option<Guid>,
    /// `Execution/@ProcessID`.
    pub process_id: Option<u32>,
    /// `Execution/@ThreadID`.
    pub thread_id: Option<u32>,
    /// `Channel`.
    pub channel: String,
    /// `Computer`, as written.
    pub computer: String,
    /// `Security/@UserID`, a SID.
    pub user_id: String,
}

impl System {
    fn clear(&mut self) {
        let System { provider, source_name, channel, computer, user_id, .. } = self;
        for text in [provider, source_name, channel, computer, user_id] {
            text.clear();
        }
        self.provider_guid = None;
        self.event_id = 0;
        self.qualifiers = None;
        self.version = None;
        self.level = None;
        self.task = None;
        self.opcode = None;
        self.keywords = None;
        self.time = None;
        self.record_id = None;
        self.activity_id = None;
        self.related_activity_id = None;
        self.process_id = None;
        self.thread_id = None;
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Byte offset in the file; of what is compressed there, that of the whole piece.
    pub offset: u64,
    /// Byte offset in the piece as it is decompressed, its header included, so that it is never 0; 0 where nothing is
    /// compressed.
    pub within: u32,
}

impl Position {
    /// In a file as it is.
    pub fn at(offset: u64) -> Self {
        Position { offset, within: 0 }
    }

    /// So many bytes further on.
    #[must_use]
    pub fn plus(self, bytes: usize) -> Self {
        if self.within == 0 {
            return Position { offset: self.offset.saturating_add(bytes as u64), within: 0 };
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Position { offset: self.offset, within: self.within.saturating_add(bytes) }
    }
}

/// Where a record lies in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Place of the record in its file.
    pub position: Position,
    /// Bytes from there that hold the record, 0 where the format has no such notion.
    pub length: u32,
    /// The record was forwarded by a collector (it carries `RenderingInfo`, or has no template).
    pub forwarded: bool,
}

/// One record. Made once per worker and filled again for each record.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The typed `System` part.
    pub system: System,
    /// Where it stands.
    pub origin: Origin,
    text: String,
    fields: Vec<(Range<usize>, Range<usize>)>,
}

/// Name under which unnamed `<Data>` values stand, as a list.
pub const UNNAMED: &str = "Data";

impl Event {
    /// Empties it for the next record, keeping its buffers.
    pub fn clear(&mut self) {
        self.system.clear();
        self.origin = Origin::default();
        self.text.clear();
        self.fields.clear();
    }

    /// Adds a value under `name`; an unnamed one goes under [`UNNAMED`]. Names may repeat.
    pub fn push(&mut self, name: &str, value: &str) {
        self.push_with(name, |text| text.push_str(value));
    }

    /// As [`Event::push`], the value written by `write` straight into the buffer.
    pub fn push_with(&mut self, name: &str, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        self.text.push_str(if name.is_empty() { UNNAMED } else { name });
        let middle = self.text.len();
        write(&mut self.text);
        self.fields.push((start..middle, middle..self.text.len()));
    }

    /// All values in record order, as (name, value). Bounds hold by construction.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&self.text[name.clone()], &self.text[value.clone()]))
    }

    /// The first value called `name`; `param1`, `param2`… also reach unnamed values by position.
    pub fn field<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// Every value called `name`, in record order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let position = positional(name).filter(|_| !self.fields.iter().any(|(n, _)| self.is(n, name)));
        let called = if position.is_some() { UNNAMED } else { name };
        let mut nth = 0;
        let own = self.fields.iter().filter(move |(n, _)| self.is(n, called));
        let wanted = own.filter(move |_| {
            nth += 1;
            position.is_none_or(|position| position == nth)
        });
        wanted.map(|(_, value)| &self.text[value.clone()])
    }

    /// Compared as bytes: asked for every field by every test of every rule.
    #[inline]
    fn is(&self, name: &Range<usize>, wanted: &str) -> bool {
        name.len() == wanted.len() && self.text.as_bytes()[name.clone()] == *wanted.as_bytes()
    }
}

/// `param3` -> 3: the position of an unnamed value, counted from one.
pub fn positional(name: &str) -> Option<usize> {
    name.strip_prefix("param")?.parse().ok().filter(|n| *n > 0)
}

/// The little that every record tells, wanted or not: what coverage is made of.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// Computer name as written.
    pub computer: &'a str,
    /// Channel.
    pub channel: &'a str,
    /// Provider name.
    pub provider: &'a str,
    /// Provider GUID, where the record names one.
    pub provider_guid: Option<Guid>,
    /// Event id.
    pub event_id: u32,
    /// Record id, where the format has one.
    pub record_id: Option<u64>,
    /// Time, where it can be read.
    pub time: Option<Time>,
    /// As in [`Origin::forwarded`].
    pub forwarded: bool,
    /// Kind of the record's header, for formats that have several; else empty.
    pub kind: &'static str,
}

/// What several records come to, for a [`Sink`] that asks for sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum<'a> {
    /// So many records of one provider.
    Provider {
        /// Its name.
        name: &'a str,
        /// Its GUID, where the records name one.
        guid: Option<Guid>,
        /// How many.
        records: u64,
    },
    /// The same records by channel: those of one, whose ids follow each other.
    Channel {
        /// Computer name as written.
        computer: &'a str,
        /// Channel.
        channel: &'a str,
        /// As in [`Origin::forwarded`].
        forwarded: bool,
        /// First and last record id.
        ids: (u64, u64),
        /// Earliest and latest time.
        times: (Time, Time),
    },
}

/// What a logger says that it lost before anything reached its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Events.
    pub events: u64,
    /// Buffers of events.
    pub buffers: u64,
}

/// What a source could not read, or read only in part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Damage {
    /// Byte offset in the file.
    pub offset: u64,
    /// What is wrong and what was lost, in words.
    pub what: String,
    /// Something is missing from the analysis because of it (a wrong checksum alone loses nothing).
    pub lost: bool,
}

/// Takes what a source reads, record by record, in file order within one block.
pub trait Sink {
    /// Every record whose `System` part could be read.
    fn record(&mut self, stamp: &Stamp<'_>);
    /// Are [`Sum`]s enough where a source can make them? Each record comes by [`Sink::record`] or in sums, once.
    fn takes_sums(&self) -> bool {
        false
    }
    /// Part of what the records of a block come to.
    fn sum(&mut self, _: Sum<'_>) {}
    /// A record that [`Interest`] wants.
    fn event(&mut self, event: &Event);
    /// Asked of a record of which only that is filled in by which signatures match: should it come whole? If so it
    /// comes at once. Sources need not ask.
    fn decides(&mut self, _: &Event) -> bool {
        true
    }
    /// A place that could not be read.
    fn damage(&mut self, damage: Damage);
    /// What a record tells of the computer that wrote a log without computer names.
    fn machine(&mut self, _: Machine) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_record_is_left_for_the_next() {
        let system = System {
            provider: "a".to_owned(),
            source_name: "b".to_owned(),
            provider_guid: Some(Guid([1; 16])),
            event_id: 2,
            qualifiers: Some(3),
            version: Some(4),
            level: Some(5),
            task: Some(6),
            opcode: Some(7),
            keywords: Some(8),
            time: Some(Time::from_filetime(9)),
            record_id: Some(10),
            activity_id: Some(Guid([11; 16])),
            related_activity_id: Some(Guid([12; 16])),
            process_id: Some(13),
            thread_id: Some(14),
            channel: "c".to_owned(),
            computer: "d".to_owned(),
            user_id: "e".to_owned(),
        };
        let mut event = Event { system, ..Event::default() };
        event.origin.forwarded = true;
        event.push("f", "15");
        event.clear();
        assert_eq!((&event.system, event.origin), (&System::default(), Origin::default()));
        assert_eq!(event.fields().count(), 0);
    }

    #[test]
    fn unnamed_values_are_reached_by_position_unless_a_field_has_that_name() {
        let mut event = Event::default();
        event.push("", "first");
        event.push("Binary", "00FF");
        event.push("", "second");
        assert_eq!(event.field("param2"), Some("second"));
        assert_eq!(event.field("Data"), Some("first"));
        assert_eq!(event.values("Data").count(), 2);
        event.push("param2", "named");
        assert_eq!(event.field("param2"), Some("named"));
        assert_eq!(event.field("param0"), None);
    }
}
