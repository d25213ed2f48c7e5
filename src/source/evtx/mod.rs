//! Windows event logs (.evtx): two stages by positioned reads. Stage one learns a little of
//! every record, stage two reads the fields of those that are wanted; what neither can read
//! goes to the crate `evtx`, which also renders records in full.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::Error;
use crate::event::{Damage, Interest, Sink};
use crate::os;
use crate::source::ahead::Ahead;
use crate::source::system as known;
use crate::source::{Aids, Input, Log, change, map};

mod authors;
mod binxml;
mod catalogue;
mod collected;
mod compile;
mod complaints;
mod fields;
mod gate;
mod header;
mod kept;
mod learned;
mod loose;
mod mark;
mod plan;
mod scan;
mod slow;
mod tally;
mod templates;
#[cfg(test)]
mod tests;
mod value;
mod words;
mod worker;

use header::{CHUNK, CHUNK_MAGIC, FILE_HEADER, FILE_MAGIC};
use worker::Worker;

/// Chunks of one block: what is worked out for one of them serves the others.
const CHUNKS_PER_BLOCK: usize = 32;
const BLOCK: u64 = (CHUNK * CHUNKS_PER_BLOCK) as u64;
/// Bytes read at once: large enough for the disk, small enough for the cache.
const PIECE: usize = CHUNK * 8;

/// By the header of the file or, where that is damaged, of the first chunk.
pub(super) fn sniff(head: &[u8]) -> bool {
    head.starts_with(FILE_MAGIC) || first_chunk(head).is_some()
}

/// Where the chunks begin, if one begins there: behind the file's header, or at once in a
/// chunk cut out by hand.
fn first_chunk(head: &[u8]) -> Option<u64> {
    [FILE_HEADER, 0].into_iter().find(|at| head.get(*at as usize..).is_some_and(|rest| rest.starts_with(CHUNK_MAGIC)))
}

struct Evtx {
    file: Ahead,
    /// Where the chunks begin.
    base: u64,
    bytes: u64,
    /// Where the chunks end that the file's header counts.
    counted: u64,
    damage: Vec<Damage>,
}

pub(super) fn open(input: &Input, _: &Aids) -> Result<Box<dyn Log>, Error> {
    let trouble = |error| Error::new(&input.path, error);
    let file = File::open(&input.path).map_err(trouble)?;
    let bytes = file.metadata().map_err(trouble)?.len();
    let mut head = [0; FILE_HEADER as usize + 8];
    let read = os::read_at(&file, &mut head, 0).map_err(trouble)?;
    let head = head.get(..read).unwrap_or_default();
    let mut damage = Vec::new();
    let mut report = |offset, what: String, lost| damage.push(Damage { offset, what, lost });
    let mut base = FILE_HEADER;
    let mut counted = 0;
    match header::file(head) {
        Some(header) => {
            if header.checksum_matches {
                counted = u64::from(header.chunks);
            } else {
                report(0, "checksum of the file's header does not match".to_owned(), false);
            }
            if header.unknown_flags() != 0 {
                report(120, format!("the file's header has unknown flags 0x{:x}", header.unknown_flags()), false);
            }
        }
        None => {
            base = first_chunk(head).unwrap_or(FILE_HEADER);
            report(0, "no header of a log file; its chunks were read all the same".to_owned(), false);
        }
    }
    if bytes < base {
        report(bytes, "the file ends within its header".to_owned(), true);
    } else if counted > (bytes - base).div_ceil(CHUNK as u64) {
        let here = (bytes - base).div_ceil(CHUNK as u64);
        report(bytes, format!("the file was cut off: its header counts {counted} chunks, {here} are here"), true);
    } else if !(bytes - base).is_multiple_of(CHUNK as u64) {
        report(bytes, "the file ends within a chunk: it was cut off, or still written".to_owned(), false);
    }
    Ok(Box::new(Evtx { file: Ahead::new(file, BLOCK), base, bytes, counted: base + counted * CHUNK as u64, damage }))
}

thread_local! {
    /// What a thread keeps from block to block.
    static WORKER: Cell<Option<Box<Worker>>> = const { Cell::new(None) };
}

impl Log for Evtx {
    fn blocks(&self) -> usize {
        // By the size of the file: the header's count of chunks is 16 bits wide.
        usize::try_from(self.bytes.saturating_sub(self.base).div_ceil(BLOCK)).unwrap_or(usize::MAX)
    }

    fn read(&self, block: usize, interest: &Interest, sink: &mut dyn Sink) {
        let start = self.base + block as u64 * BLOCK;
        // What is appended meanwhile is of another moment.
        let end = self.bytes.min(start + BLOCK);
        // Taken out while in use: a sink may read another block meanwhile.
        let mut worker = WORKER.take().unwrap_or_default();
        let mut buffer = std::mem::take(&mut worker.buffer);
        let mut scan = scan::Scan::new(&mut worker, interest, sink).counting(self.counted);
        let mut unread: Option<(u64, io::Error)> = None;
        for offset in (start..end).step_by(PIECE) {
            let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
            let piece = buffer.room(left.min(PIECE));
            match self.file.read_at(piece, offset) {
                Ok(read) => {
                    if let Some(unread) = unread.take() {
                        scan.damage(not_read(unread, offset));
                    }
                    let chunks = piece.get(..read).unwrap_or_default().chunks(CHUNK);
                    for (n, chunk) in chunks.enumerate() {
                        scan.chunk(chunk, offset + (n * CHUNK) as u64);
                    }
                    if read < piece.len() {
                        if let Some(cut) = change::cut(offset, left, read) {
                            scan.damage(cut);
                        }
                        break;
                    }
                }
                Err(error) => {
                    unread.get_or_insert((offset, error));
                }
            }
        }
        if let Some(unread) = unread {
            scan.damage(not_read(unread, end));
        }
        worker.buffer = buffer;
        WORKER.set(Some(worker));
    }

    fn damage(&self) -> Vec<Damage> {
        self.damage.clone()
    }
}

/// What the disk does not give, up to `end`.
fn not_read((offset, error): (u64, io::Error), end: u64) -> Damage {
    Damage { offset, what: format!("{} bytes cannot be read: {error}", end - offset), lost: true }
}

/// The whole record at a byte offset of a log file, as XML.
pub fn render(path: &Path, offset: u64) -> Result<String, Error> {
    let map = map(path)?;
    let wrong = |what: &str| Error::new(path, what).at(offset);
    let base = if header::file(&map).is_some() { FILE_HEADER } else { first_chunk(&map).unwrap_or(FILE_HEADER) };
    let within = offset.checked_sub(base).ok_or_else(|| wrong("no record begins here"))?;
    let start = offset - within % CHUNK as u64;
    let chunk = usize::try_from(start).ok().and_then(|start| map.get(start..)).unwrap_or_default();
    let chunk = chunk.get(..CHUNK).unwrap_or(chunk);
    let at = (within % CHUNK as u64) as usize;
    header::record(chunk, at).ok_or_else(|| wrong("no record begins here"))?;
    slow::render(chunk, at, true).map_err(|what| wrong(&what))
}
