//! Writes event traces (`.etl`) as sessions of Windows do. Knows no scenario.

mod huffman;
mod lznt1;
mod record;
mod session;
mod xpress;

pub use record::{Event, Record, SCHEMA, TRAITS, What, schema, traits};
pub use session::{Clock, Compression, Session};

use crate::error::Error;

/// Length of a buffer's header.
const HEADER: usize = 0x48;

/// The file of a session with these records, in any order.
///
/// # Errors
/// [`Error::Format`] when a record is larger than a buffer.
pub fn write(session: &Session, records: &[Record]) -> Result<Vec<u8>, Error> {
    let mut order: Vec<&Record> = records.iter().collect();
    order.sort_by_key(|record| record.ticks);
    let processors = usize::from(session.processors.max(1));
    let mut open: Vec<Vec<u8>> = vec![Vec::new(); processors];
    let mut full: Vec<(usize, Vec<u8>)> = Vec::new();
    let room = session.buffer - HEADER;
    for (at, record) in order.into_iter().enumerate() {
        let bytes = record.bytes(session.raw(record.ticks), at as u32 + 1);
        if bytes.len() > room || bytes.len() > usize::from(u16::MAX) {
            return Err(Error::Format(format!("a record of {} bytes in buffers of {}", bytes.len(), session.buffer)));
        }
        // Neighbours mostly come from one processor.
        let processor = at / 3 % processors;
        let data = &mut open[processor];
        if data.len() + bytes.len() > room {
            full.push((processor, std::mem::take(data)));
        }
        data.extend(bytes);
        let padded = data.len().next_multiple_of(8).min(room);
        data.resize(padded, 0xCC);
    }
    full.extend(open.into_iter().enumerate().filter(|(_, data)| !data.is_empty()));
    if session.circular {
        // The newest stand where the oldest were.
        let middle = full.len() / 2;
        full.rotate_left(middle);
    }
    let mut file = buffer(session, &session.head(full.len() + 1), 0, 0, false);
    for (sequence, (processor, data)) in full.iter().enumerate() {
        file.extend(buffer(session, data, sequence + 1, *processor, session.compressed));
    }
    Ok(file)
}

/// A buffer around its data.
fn buffer(session: &Session, data: &[u8], sequence: usize, processor: usize, compressed: bool) -> Vec<u8> {
    let mut out = vec![0; HEADER];
    if compressed {
        out.extend(session.compression.compress(data));
    } else {
        out.extend(data);
        out.resize(session.buffer, 0xFF);
    }
    let mut put = |at: usize, value: &[u8]| out[at..at + value.len()].copy_from_slice(value);
    let lost = sequence == 1 && (session.lost_events > 0 || session.lost_buffers > 0);
    let first = sequence == 0;
    // The newer form of the header tells the processor in 16 bits.
    let old = session.build < 9200;
    let flags = (if old { 0 } else { 0x20 }) | (if compressed { 0x40 } else { 0 }) | (if lost { 2 } else { 0 });
    let end = (HEADER + data.len()) as u32;
    put(0x08, &end.to_le_bytes());
    put(0x18, &(sequence as u64).to_le_bytes());
    put(0x20, &(1_u64 | session.clock.frequency() << 3).to_le_bytes());
    put(0x28, &(processor as u16).to_le_bytes());
    if old {
        put(0x29, &[8]);
    } else {
        // Windows 7 leaves it 0 in the first buffer.
        put(0x04, &end.to_le_bytes());
    }
    // Flushed; in compressed traces the kind of compression, the usual one of which has the same number.
    let state = if session.compressed { session.compression.number() } else { 3 };
    put(0x2C, &state.to_le_bytes());
    put(0x30, &end.to_le_bytes());
    put(0x34, &(flags as u16).to_le_bytes());
    put(0x36, &(if first { 4_u16 } else { 0 }).to_le_bytes());
    let size = out.len() as u32;
    out[..4].copy_from_slice(&size.to_le_bytes());
    out
}
