//! Record headers: what kinds there are and what each tells. One record of any kind reads into
//! one [`Record`]; nothing here knows what payloads mean.

use crate::event::Guid;
use crate::source::bytes::{u16_at, u32_at, u64_at};

/// The kinds of headers, by what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Of the kernel and of the session itself.
    System,
    /// Of the kernel, short.
    Kernel,
    /// Classic: a class GUID and a type.
    Classic,
    /// Manifest or TraceLogging.
    Event,
    /// WPP.
    Message,
    /// An error of the session.
    Error,
}

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    pub form: Form,
    /// Name of the kind of header.
    pub kind: &'static str,
    /// The writer's pointers are 8 bytes.
    pub wide: bool,
    /// Raw time, where it has one.
    pub raw: Option<i64>,
    pub process: Option<u32>,
    pub thread: Option<u32>,
    /// Provider, class, or source file of a message.
    pub guid: Option<Guid>,
    /// Event id; type of classic events; number of messages; group and type of the kernel's.
    pub id: u32,
    pub version: u8,
    pub level: u8,
    pub opcode: u8,
    pub task: u16,
    pub keywords: u64,
    pub activity: Option<Guid>,
    /// What stands between header and payload.
    pub extended: &'a [u8],
    pub payload: &'a [u8],
    /// Bytes to the next record.
    pub step: usize,
}

/// What stands at a place.
pub(super) enum Next<'a> {
    Record(Record<'a>),
    /// No more records in this buffer.
    End,
    /// A record that cannot be, and why.
    Broken(&'static str),
}

/// Kind of a header by its type: name, form, where its size stands, its length, where its time stands.
fn kind(header: u8) -> Option<(&'static str, Form, usize, usize, usize)> {
    Some(match header {
        0x01 => ("SYSTEM32", Form::System, 4, 0x20, 0x10),
        0x02 => ("SYSTEM64", Form::System, 4, 0x20, 0x10),
        0x03 => ("COMPACT32", Form::System, 4, 0x18, 0x10),
        0x04 => ("COMPACT64", Form::System, 4, 0x18, 0x10),
        0x0A => ("FULL32", Form::Classic, 0, 0x30, 0x10),
        0x0B => ("INSTANCE32", Form::Classic, 0, 0x38, 0x10),
        0x0D => ("ERROR", Form::Error, 0, 0x08, 0),
        0x10 => ("PERF32", Form::Kernel, 4, 0x10, 0x08),
        0x11 => ("PERF64", Form::Kernel, 4, 0x10, 0x08),
        0x12 => ("EVENT32", Form::Event, 0, 0x50, 0x10),
        0x13 => ("EVENT64", Form::Event, 0, 0x50, 0x10),
        0x14 => ("FULL64", Form::Classic, 0, 0x30, 0x10),
        0x15 => ("INSTANCE64", Form::Classic, 0, 0x38, 0x10),
        _ => return None,
    })
}

/// Length of EVENT_INSTANCE_GUID_HEADER.
const INSTANCE: usize = 0x48;

/// Types whose writer was a 32-bit process.
fn is_narrow(header: u8) -> bool {
    matches!(header, 0x01 | 0x03 | 0x0A | 0x0B | 0x10 | 0x12)
}

/// The record at `at`. `wide`: pointers of the system, for messages that do not say.
#[inline]
pub(super) fn next(data: &[u8], at: usize, wide: bool) -> Next<'_> {
    let Some(bytes) = data.get(at..).filter(|bytes| bytes.len() >= 8) else { return Next::End };
    let marker = u32_at(bytes, 0).unwrap_or(0);
    if marker == 0 || marker == u32::MAX {
        return Next::End;
    }
    let header = (marker >> 16 & 0xFF) as u8;
    match marker >> 24 {
        0xC0 => {}
        0x90 => return message(bytes, wide),
        _ => return Next::Broken("no known header of a record"),
    }
    let Some((name, form, size_at, length, time_at)) = kind(header) else {
        return Next::Broken("a header of a kind that nobody knows");
    };
    let size = usize::from(u16_at(bytes, size_at).unwrap_or(0));
    let Some(record) = bytes.get(..size).filter(|record| record.len() >= length) else {
        return Next::Broken("a record with an impossible size");
    };
    let empty = Record {
        form,
        kind: name,
        wide: !is_narrow(header),
        raw: None,
        process: None,
        thread: None,
        guid: None,
        id: 0,
        version: 0,
        level: 0,
        opcode: 0,
        task: 0,
        keywords: 0,
        activity: None,
        extended: &[],
        payload: record.get(length..).unwrap_or_default(),
        step: size.next_multiple_of(8),
    };
    let raw = if form == Form::Error { None } else { raw(record, time_at) };
    Next::Record(Record { raw, ..fill(empty, record, marker) })
}

fn raw(record: &[u8], at: usize) -> Option<i64> {
    u64_at(record, at).map(|raw| i64::from_ne_bytes(raw.to_ne_bytes()))
}

fn fill<'a>(mut record: Record<'a>, bytes: &'a [u8], marker: u32) -> Record<'a> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let both = |record: &mut Record<'a>| {
        record.thread = u32_at(bytes, 8);
        record.process = u32_at(bytes, 12);
    };
    match record.form {
        Form::System => {
            both(&mut record);
            record.id = u32::from(u16_at(bytes, 6).unwrap_or(0));
            record.opcode = byte(6);
        }
        Form::Kernel => {
            record.id = u32::from(u16_at(bytes, 6).unwrap_or(0));
            record.opcode = byte(6);
            let counters = (marker >> 8 & 7) as usize * 8 + if marker & 0x8000 == 0 { 0 } else { 8 };
            record.payload = record.payload.get(counters..).unwrap_or_default();
        }
        Form::Classic => {
            both(&mut record);
            record.guid = guid(bytes, 0x18);
            record.id = u32::from(byte(4));
            record.opcode = byte(4);
            record.level = byte(5);
            record.version = byte(6);
            // Behind an instance's id, its parent's GUID and id stand since Windows XP; [`kind`] tells the least.
            if matches!(record.kind, "INSTANCE32" | "INSTANCE64") {
                record.payload = bytes.get(INSTANCE.min(bytes.len())..).unwrap_or_default();
            }
        }
        Form::Event => {
            both(&mut record);
            record.guid = guid(bytes, 0x18);
            record.id = u32::from(u16_at(bytes, 0x28).unwrap_or(0));
            record.version = byte(0x2A);
            record.level = byte(0x2C);
            record.opcode = byte(0x2D);
            record.task = u16_at(bytes, 0x2E).unwrap_or(0);
            record.keywords = u64_at(bytes, 0x30).unwrap_or(0);
            record.activity = guid(bytes, 0x40).filter(|guid| !guid.is_nil());
            if u16_at(bytes, 4).unwrap_or(0) & 1 != 0 {
                let end = extended_end(record.payload);
                (record.extended, record.payload) = record.payload.split_at_checked(end).unwrap_or_default();
            }
        }
        Form::Message | Form::Error => {}
    }
    record
}

pub(super) fn guid(bytes: &[u8], at: usize) -> Option<Guid> {
    bytes.get(at..)?.first_chunk().map(|bytes| Guid::from_le_bytes(*bytes))
}

/// Kinds of extended items that are of use.
pub(super) const RELATED_ACTIVITY: u16 = 0x1;
pub(super) const USER: u16 = 0x2;
pub(super) const SCHEMA: u16 = 0xB;
pub(super) const TRAITS: u16 = 0xC;

/// Bytes that extended items take.
fn extended_end(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some((size, _, more, _)) = item(bytes, end) {
        end += size;
        if !more {
            break;
        }
    }
    end
}

/// An extended item: its size, kind, whether another follows, its data.
fn item(bytes: &[u8], at: usize) -> Option<(usize, u16, bool, &[u8])> {
    let rest = bytes.get(at..)?;
    let size = usize::from(u16_at(rest, 0)?);
    let data = usize::from(u16_at(rest, 6)?);
    let fits = size >= 8 && size.is_multiple_of(8) && data + 8 <= size && size <= rest.len();
    let more = u16_at(rest, 4)? & 1 != 0;
    fits.then_some((size, u16_at(rest, 2)?, more, rest.get(8..8 + data)?))
}

impl<'a> Record<'a> {
    /// Data of the first extended item of a kind.
    pub fn item(&self, kind: u16) -> Option<&'a [u8]> {
        let mut at = 0;
        while let Some((size, found, _, data)) = item(self.extended, at) {
            if found == kind {
                return Some(data);
            }
            at += size;
        }
        None
    }
}

/// A WPP message: everything optional stands by flags.
fn message(bytes: &[u8], wide: bool) -> Next<'_> {
    let size = usize::from(u16_at(bytes, 0).unwrap_or(0));
    let Some(record) = bytes.get(..size).filter(|record| record.len() >= 8) else {
        return Next::Broken("a message with an impossible size");
    };
    let flags = u16_at(record, 6).unwrap_or(0);
    let mut at = 8;
    let mut take = |present: bool, length: usize| {
        let place = at;
        at += if present { length } else { 0 };
        present.then_some(place)
    };
    take(flags & (0x1 | 0x4) != 0, 4);
    let file = take(flags & 0x2 != 0 && flags & 0x4 == 0, 16);
    let time = take(flags & (0x8 | 0x10) != 0, 8);
    let system = take(flags & 0x20 != 0, 8);
    if at > record.len() {
        return Next::Broken("a message shorter than its flags say");
    }
    Next::Record(Record {
        form: Form::Message,
        kind: "WPP",
        wide: if flags & 0xC0 == 0 { wide } else { flags & 0x80 != 0 },
        // Windows reserves the place for either flag, and fills it for one.
        raw: time.filter(|_| flags & 0x8 != 0).and_then(|at| raw(record, at)),
        thread: system.and_then(|at| u32_at(record, at)),
        process: system.and_then(|at| u32_at(record, at + 4)),
        guid: file.and_then(|at| guid(record, at)),
        id: u32::from(u16_at(record, 4).unwrap_or(0)),
        version: 0,
        level: 0,
        opcode: 0,
        task: 0,
        keywords: 0,
        activity: None,
        extended: &[],
        payload: record.get(at..).unwrap_or_default(),
        step: size.next_multiple_of(8),
    })
}
