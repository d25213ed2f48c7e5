//! Writes .evtx files as Windows does.
//!
//! Owns the file format: header, chunks, checksums, binary XML, the two usual layouts of a
//! record's System part. It knows no provider and no scenario: [`Record`] is all it is told.
//!
//! Facts that it keeps to, seen in real files: EventID is substitution 3, Level 0, TimeCreated 6;
//! Computer is literal; provider and channel are literal for classic sources and substituted for
//! the others; EventData is one nested value of type 0x21; unnamed Data is one array of strings.

mod binxml;
mod chunk;
mod forwarded;
mod record;
pub mod time;
mod value;

pub use binxml::{Element, Instance, Piece, Slot};
pub use record::{Layout, Payload, Provider, Record};
pub use value::{Guid, Sid, Value, hex, unsigned};

use crate::error::Error;
use chunk::Chunk;

/// How a log is laid out as a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Write records as a collector stores forwarded ones: literal text, no templates.
    pub forwarded: bool,
    /// Let the oldest chunk stand second, as in a log that has wrapped around (needs two chunks).
    pub rotated: bool,
}

/// Writes one log. `records` are in record order, each with its record id.
///
/// # Errors
/// [`Error::Format`] when one record is larger than a chunk or the log has too many chunks.
pub fn write(records: &[Record], options: Options) -> Result<Vec<u8>, Error> {
    let mut chunks = Vec::new();
    let mut chunk = Chunk::new();
    for (i, record) in records.iter().enumerate() {
        let number = i as u64 + 1;
        if put(&mut chunk, record, number, options) {
            continue;
        }
        chunks.push(std::mem::replace(&mut chunk, Chunk::new()).finish());
        if !put(&mut chunk, record, number, options) {
            let words = format!("record {} does not fit into a chunk", record.record_id);
            return Err(Error::Format(words));
        }
    }
    if !chunk.is_empty() || chunks.is_empty() {
        chunks.push(chunk.finish());
    }
    let count =
        u16::try_from(chunks.len()).map_err(|_| Error::Format(format!("{} chunks are too many", chunks.len())))?;
    let turn = options.rotated && count > 1;
    if turn {
        chunks.rotate_right(1);
    }
    // The header names the places of the oldest and of the newest chunk.
    let (oldest, newest) = if turn { (1, 0) } else { (0, count - 1) };
    let next = records.last().map_or(1, |r| header_id(r, options) + 1);
    let mut file = file_header(oldest, newest, next, count);
    chunks.iter().for_each(|c| file.extend_from_slice(c));
    Ok(file)
}

/// The id in the record's own header: the collector's where the record was forwarded.
fn header_id(record: &Record, options: Options) -> u64 {
    match record.collector_id {
        Some(id) if options.forwarded => id,
        _ => record.record_id,
    }
}

fn put(chunk: &mut Chunk, record: &Record, number: u64, options: Options) -> bool {
    let id = header_id(record, options);
    let ticks = record.ticks.max(record.received);
    if options.forwarded {
        let event = forwarded::event(record);
        chunk.record(number, id, ticks, |c| event.write(c, false))
    } else {
        let event = record.instance();
        chunk.record(number, id, ticks, |c| event.write(c))
    }
}

/// The first 4096 bytes of a file: `next` is the record id that would come next.
fn file_header(oldest: u16, newest: u16, next: u64, chunks: u16) -> Vec<u8> {
    let mut h = b"ElfFile\0".to_vec();
    h.extend(u64::from(oldest).to_le_bytes());
    h.extend(u64::from(newest).to_le_bytes());
    h.extend(next.to_le_bytes());
    h.extend(128u32.to_le_bytes());
    for short in [1u16, 3, 4096, chunks] {
        h.extend(short.to_le_bytes());
    }
    h.resize(120, 0);
    let sum = crc32fast::hash(&h);
    h.extend(0u32.to_le_bytes());
    h.extend(sum.to_le_bytes());
    h.resize(4096, 0);
    h
}
