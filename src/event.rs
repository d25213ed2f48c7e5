//! What any log record is, whatever file it came from.
//!
//! Sources fill one [`Event`] again and again and push it through a [`Sink`];
//! nothing here knows a format, a signature or Remote Desktop. Text lives in one
//! buffer per event, so that a scan allocates nothing per record.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod gate;
mod machine;

pub use gate::{Gate, Sign};
pub use machine::Machine;

/// A point in time: 100-nanosecond steps since 1601-01-01T00:00:00Z, the unit of
/// Windows' `FILETIME` ([MS-DTYP] 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// Steps of a [`Time`] in one second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// Seconds between 1601-01-01 and 1970-01-01.
const UNIX_OFFSET_SECONDS: i64 = 11_644_473_600;

impl Time {
    /// From a `FILETIME`. Values past 9999-12-30T22:00:00Z (the last instant that calendars
    /// with every zone's offset can show) are cut to it.
    pub fn from_filetime(ticks: u64) -> Self {
        let last = (253_402_207_200 + UNIX_OFFSET_SECONDS) * TICKS_PER_SECOND;
        Time(i64::try_from(ticks).unwrap_or(last).min(last))
    }

    /// 100-nanosecond steps since 1601-01-01.
    pub fn ticks(self) -> i64 {
        self.0
    }

    /// This time moved by `ticks` (100 ns each), staying between 1601 and 9999.
    #[must_use]
    pub fn plus(self, ticks: i64) -> Self {
        Self::from_filetime(u64::try_from(self.0.saturating_add(ticks)).unwrap_or(0))
    }

    /// Steps of 100 ns from `earlier` to this time; negative if it is later.
    pub fn since(self, earlier: Time) -> i64 {
        self.0 - earlier.0
    }

    /// Reads RFC 3339 with any number of fraction digits; digits past the seventh are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.trim().parse().ok()?;
        Self::from_unix(stamp.as_second(), i64::from(stamp.subsec_nanosecond()))
    }

    /// From seconds and nanoseconds since 1970; `None` before 1601.
    pub fn from_unix(seconds: i64, nanoseconds: i64) -> Option<Self> {
        let ticks = seconds
            .checked_add(UNIX_OFFSET_SECONDS)?
            .checked_mul(TICKS_PER_SECOND)?
            .checked_add(nanoseconds.div_euclid(100))?;
        u64::try_from(ticks).ok().map(Self::from_filetime)
    }

    /// The same instant for calendar work.
    pub fn timestamp(self) -> jiff::Timestamp {
        let seconds = self.0.div_euclid(TICKS_PER_SECOND) - UNIX_OFFSET_SECONDS;
        let nanoseconds = self.0.rem_euclid(TICKS_PER_SECOND) * 100;
        // A Time never leaves the years 1601..9999, all of which jiff holds.
        jiff::Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or(0)).unwrap_or_default()
    }
}

impl fmt::Display for Time {
    /// RFC 3339, UTC, always seven fraction digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zoned = self.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
        let (date, time) = (zoned.date(), zoned.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            self.0.rem_euclid(TICKS_PER_SECOND)
        )
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// A GUID as its sixteen bytes in the order of their text form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// From the little-endian layout that Windows stores ([MS-DTYP] 2.3.4.2).
    pub fn from_le_bytes(b: [u8; 16]) -> Self {
        Guid([b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]])
    }

    /// Reads the text form, with or without braces.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('{').trim_end_matches('}');
        let mut bytes = [0; 16];
        let mut digits = text.bytes().filter(|b| *b != b'-');
        for byte in &mut bytes {
            let high = char::from(digits.next()?).to_digit(16)?;
            let low = char::from(digits.next()?).to_digit(16)?;
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        (digits.next().is_none() && text.len() == 36).then_some(Guid(bytes))
    }

    /// All bytes zero: what Windows writes for "none".
    pub fn is_nil(self) -> bool {
        self.0 == [0; 16]
    }
}

impl fmt::Display for Guid {
    /// Upper case, hyphens, no braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Guid::parse(&text).ok_or_else(|| serde::de::Error::custom("not a GUID"))
    }
}

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
        let mut kept = std::mem::take(self);
        for text in
            [&mut kept.provider, &mut kept.source_name, &mut kept.channel, &mut kept.computer, &mut kept.user_id]
        {
            text.clear();
        }
        *self = System {
            provider: kept.provider,
            source_name: kept.source_name,
            channel: kept.channel,
            computer: kept.computer,
            user_id: kept.user_id,
            ..System::default()
        };
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
        let position = positional(name).filter(|_| !self.fields().any(|(n, _)| n == name));
        let mut unnamed = 0;
        self.fields().filter_map(move |(n, value)| {
            if let Some(wanted) = position {
                unnamed += usize::from(n == UNNAMED);
                (n == UNNAMED && unnamed == wanted).then_some(value)
            } else {
                (n == name).then_some(value)
            }
        })
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

/// Which fields of a record are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fields {
    /// Every one.
    All,
    /// These.
    Named(Names),
}

/// Names of fields; unnamed data counts as [`UNNAMED`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// `true`: whether a signature matches depends on it. The others are only told of a record that matched.
    pub fields: BTreeMap<String, bool>,
    /// Whether one matches depends on more of the `System` part than a [`Stamp`] tells.
    pub system: bool,
    /// What a record must hold for any to match, where that can be told by a value or two.
    pub gate: Option<Gate>,
}

impl Names {
    /// Adds a name.
    pub fn add(&mut self, name: &str, decides: bool) {
        *self.fields.entry(name.to_owned()).or_default() |= decides;
    }
}

impl Fields {
    /// Is a value of this name wanted?
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Fields::All => true,
            Fields::Named(names) => names.fields.contains_key(listed(name)),
        }
    }

    /// What stands before records of which these fields are wanted.
    pub fn gate(&self) -> Option<&Gate> {
        match self {
            Fields::All => None,
            Fields::Named(names) => names.gate.as_ref(),
        }
    }

    /// Does it depend on a value of this name whether a signature matches?
    pub fn decided_by(&self, name: &str) -> bool {
        match self {
            Fields::All => true,
            Fields::Named(names) => names.fields.get(listed(name)).is_some_and(|decides| *decides),
        }
    }

    /// Wants what either wants. What stands before either alone does not stand before both.
    pub fn join(&mut self, other: &Fields) {
        match (&mut *self, other) {
            (Fields::All, _) => {}
            (_, Fields::All) => *self = Fields::All,
            (Fields::Named(mine), Fields::Named(theirs)) => {
                mine.system |= theirs.system;
                mine.gate = None;
                theirs.fields.iter().for_each(|(name, decides)| mine.add(name, *decides));
            }
        }
    }
}

fn listed(name: &str) -> &str {
    if name.is_empty() { UNNAMED } else { name }
}

/// What is wanted of one provider.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// By event id.
    pub ids: BTreeMap<u32, Fields>,
    /// Of ids not listed; `None` wants none of them.
    pub others: Option<Fields>,
}

impl Wanted {
    /// The fields wanted of this event id, `None` where the record is not wanted.
    pub fn fields(&self, event_id: u32) -> Option<&Fields> {
        self.ids.get(&event_id).or(self.others.as_ref())
    }
}

/// What signatures want of the records, as plain data, so that sources need not know signatures.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    /// By provider name (`Name` or `EventSourceName`) in lower case.
    pub providers: BTreeMap<String, Wanted>,
    /// Of every provider, whatever its name.
    pub any_provider: Wanted,
    /// Records too whose content nobody can tell without files of their maker (WPP messages, unknown
    /// classic events): never for signatures, which would match on numbers that mean nothing.
    pub undecoded: bool,
}

impl Interest {
    /// Everything of every record: for tests and for signatures without a provider.
    pub fn everything() -> Self {
        Interest {
            providers: BTreeMap::new(),
            any_provider: Wanted { ids: BTreeMap::new(), others: Some(Fields::All) },
            undecoded: true,
        }
    }

    /// What is wanted of a provider by its name, in any case of letters.
    pub fn provider(&self, name: &str) -> Option<&Wanted> {
        self.providers.get(&name.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_keeps_seven_digits_both_ways() {
        let time = Time::parse("2020-09-19T03:21:46.5654321Z").unwrap();
        assert_eq!(time.to_string(), "2020-09-19T03:21:46.5654321Z");
        assert_eq!(Time::parse("2020-09-19T05:21:46.565432199+02:00").unwrap(), time);
        assert_eq!(Time::from_filetime(0).to_string(), "1601-01-01T00:00:00.0000000Z");
        assert_eq!(Time::from_filetime(u64::MAX).to_string(), "9999-12-30T22:00:00.0000000Z");
    }

    #[test]
    fn guid_reads_braces_and_rejects_other_lengths() {
        let text = "F4201234-5678-49AB-8CDE-0123456789AB";
        assert_eq!(Guid::parse(&format!("{{{text}}}")).unwrap().to_string(), text);
        assert_eq!(Guid::parse("F420"), None);
        let mut le = Guid::parse(text).unwrap().0;
        le[..4].reverse();
        le[4..6].reverse();
        le[6..8].reverse();
        assert_eq!(Guid::from_le_bytes(le).to_string(), text);
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
