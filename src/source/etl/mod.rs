//! Event traces (.etl): buffers of records, compressed or not, read block by block. Each buffer
//! stands for itself: what is damaged ends at its end.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use crate::error::Error;
use crate::event::{Damage, Guid, Interest, Lost, Machine, Sink};
use crate::os;
use crate::source::{Aids, Aligned, Input, Log, Messages, change, packet};

mod buffer;
mod chain;
mod compressed;
mod machine;
mod names;
mod packets;
mod record;
mod scan;
mod session;
mod tracelog;

use buffer::{Buffer, HEADER};
use chain::Chain;
use compressed::Method;
use names::Names;
use record::{Form, Next, TRAITS};
use scan::{Place, Scan};
use session::Session;

/// Bytes read at once, about.
const BLOCK: usize = 1 << 20;
/// Bytes that the compressed buffers of one block may make: far more than any real ones do.
const DECOMPRESSED: usize = 256 << 20;
/// Providers of one file whose names are known by records of their own, and providers that one block may meet
/// before it forgets what it looked up: far more than any computer has.
const NAMED: usize = 65_536;
/// What a thread keeps from block to block at most.
const KEPT: usize = 8 << 20;

/// By the headers of the first buffer and the first record: there is no magic number.
pub(super) fn sniff(head: &[u8]) -> bool {
    session::begins(head)
}

struct Etl {
    file: File,
    session: Session,
    chain: Chain,
    damage: Vec<Damage>,
    /// Names of providers that some records tell, gathered when first asked for.
    names: OnceLock<FxHashMap<Guid, String>>,
    messages: Arc<Messages>,
    frames: packets::Blocks,
    /// How compressed buffers are.
    method: Method,
}

pub(super) fn open(input: &Input, aids: &Aids) -> Result<Box<dyn Log>, Error> {
    let trouble = |error| Error::new(&input.path, error);
    let file = File::open(&input.path).map_err(trouble)?;
    let bytes = file.metadata().map_err(trouble)?.len();
    let mut head = [0; 4096];
    let read = os::read_at(&file, &mut head, 0).map_err(trouble)?;
    let head = head.get(..read).unwrap_or_default();
    let first = Buffer::read(head).filter(|_| session::begins(head));
    let (Some(first), Some(session)) = (first, Session::read(head)) else {
        return Err(Error::new(&input.path, "the header of the trace cannot be read"));
    };
    let mut damage = Vec::new();
    if session.clock.is_guess() {
        let what = "the header tells no frequency of the clock: times are counted as if it were 10 MHz";
        damage.push(Damage { offset: 0, what: what.to_owned(), lost: false });
    }
    if session.clock.is_lost() {
        let what = "the header tells no time of the session's start: times of its records cannot be told";
        damage.push(Damage { offset: 0, what: what.to_owned(), lost: true });
    }
    if !session.stopped {
        let what = "the session was not stopped when the file was copied: its last buffers may be missing";
        damage.push(Damage { offset: 0, what: what.to_owned(), lost: false });
    }
    let chain = Chain::of(&file, bytes, &first, session.compressed, &mut damage).map_err(trouble)?;
    let mut etl = Etl {
        file,
        session,
        chain,
        damage,
        names: OnceLock::new(),
        frames: packets::Blocks::default(),
        method: Method::of(first.compression),
        messages: aids.messages.clone(),
    };
    etl.frames = packets::Blocks::new(etl.data_blocks());
    Ok(Box::new(etl))
}

/// What a thread keeps from block to block.
#[derive(Default)]
struct Worker {
    raw: Aligned,
    decompressed: Vec<u8>,
}

thread_local! {
    static WORKER: Cell<Worker> = const { Cell::new(Worker { raw: Aligned::new(), decompressed: Vec::new() }) };
}

impl Etl {
    /// Calls `take` with the records of each buffer of a block, or with what is wrong with it.
    /// Returns what the file lacks that had it when it was opened.
    fn buffers(&self, block: usize, take: &mut Take<'_>) -> io::Result<Option<Damage>> {
        let Some((start, end)) = self.chain.bounds(block) else { return Ok(None) };
        // Taken out while in use: a sink may read another block meanwhile.
        let mut worker = WORKER.take();
        let length = usize::try_from(end - start).unwrap_or(usize::MAX).min(BLOCK + buffer::LARGEST);
        let raw = worker.raw.room(length);
        let read = os::read_at(&self.file, raw, start);
        if let Ok(read) = read {
            let data = raw.get(..read).unwrap_or_default();
            let mut budget = DECOMPRESSED;
            let mut at = 0;
            while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
                let place = start + at as u64;
                let Some(step) = self.buffer(rest, place, &mut worker.decompressed, &mut budget, take) else { break };
                at += step;
            }
        }
        if worker.raw.capacity() + worker.decompressed.capacity() > KEPT {
            worker = Worker::default();
        }
        WORKER.set(worker);
        read.map(|read| change::cut(start, length, read))
    }

    /// Reads the buffer at the start of `rest`; returns its length, `None` where none can follow.
    fn buffer(
        &self,
        rest: &[u8],
        place: u64,
        room: &mut Vec<u8>,
        budget: &mut usize,
        take: &mut Take<'_>,
    ) -> Option<usize> {
        let header = Buffer::read(rest);
        let step = self.chain.step(place, header.as_ref())?;
        let bytes = rest.get(..step).unwrap_or(rest);
        let file = Place::File(place);
        let Some(header) = header else {
            if bytes.iter().any(|byte| *byte != 0) {
                let why =
                    if bytes.len() < HEADER { "the file ends within a buffer" } else { "not a buffer; it is missing" };
                take(Err(Trouble { what: why, lost: true }), file);
            }
            return Some(step);
        };
        if header.after_loss {
            let what = "the session lost events or buffers before this one";
            take(Err(Trouble { what, lost: false }), file);
        }
        if header.compressed {
            let want = header.end.saturating_sub(HEADER);
            let input = bytes.get(HEADER..header.size.min(bytes.len())).unwrap_or_default();
            let larger = want > self.session.buffer_size.max(BLOCK);
            let done = match budget.checked_sub(want) {
                Some(left) if !larger => {
                    *budget = left;
                    self.method.decompress(input, want, room)
                }
                _ => Err("a compressed buffer that would grow beyond all bounds; it is missing"),
            };
            if let Err(what) = done {
                take(Err(Trouble { what, lost: true }), file);
            }
            // What was made before the fault is sound.
            take(Ok(room), Place::Compressed(place));
            room.clear();
            return Some(step);
        }
        let end = header.end.min(bytes.len());
        take(Ok(bytes.get(HEADER..end).unwrap_or_default()), file);
        if header.end.min(header.size) > bytes.len() {
            let what = "the file ends within a buffer: what stood behind is missing";
            take(Err(Trouble { what, lost: true }), Place::File(place));
        } else if bytes.len() < step {
            let what = "the file ends behind the records of a buffer: whether others followed is not told";
            take(Err(Trouble { what, lost: false }), Place::File(place));
        }
        Some(step)
    }
}

/// Takes the records of a buffer, or what is wrong with it.
type Take<'t> = dyn FnMut(Result<&[u8], Trouble>, Place) + 't;

/// What is wrong with a buffer.
struct Trouble {
    what: &'static str,
    lost: bool,
}

impl Log for Etl {
    /// One more than its data has: what captured packets show is told once all are at hand.
    fn blocks(&self) -> usize {
        self.data_blocks().saturating_add(1)
    }

    fn read(&self, block: usize, interest: &Interest, sink: &mut dyn Sink) {
        if block >= self.data_blocks() {
            if packet::wanted(interest) {
                packet::tell(packet::Overview::of(self), self, interest, sink);
            }
            return;
        }
        let mut scan = Scan::new((&self.session, &self.messages), self, interest, sink);
        let done = self.buffers(block, &mut |buffer, place| match buffer {
            Ok(data) => scan.records(data, place),
            Err(trouble) => {
                let (Place::File(offset) | Place::Compressed(offset)) = place;
                scan.report(offset, trouble.what.to_owned(), trouble.lost);
            }
        });
        let offset = self.chain.bounds(block).map_or(0, |(start, _)| start);
        match done {
            Ok(Some(cut)) => scan.report(cut.offset, cut.what, cut.lost),
            Ok(None) => {}
            Err(error) => scan.report(offset, format!("cannot be read: {error}"), true),
        }
        if !scan.frames {
            self.frames.without(block);
        }
        scan.finish(offset);
    }

    fn damage(&self) -> Vec<Damage> {
        self.damage.clone()
    }

    fn lost(&self) -> Lost {
        self.session.lost
    }

    fn machine(&self) -> Machine {
        self.session.machine.clone()
    }
}

impl Names for Etl {
    fn name(&self, guid: Guid) -> Option<String> {
        self.names.get_or_init(|| self.all_names()).get(&guid).cloned()
    }
}

impl Etl {
    /// Blocks of the file.
    fn data_blocks(&self) -> usize {
        self.chain.blocks()
    }

    fn all_names(&self) -> FxHashMap<Guid, String> {
        let mut names = FxHashMap::default();
        for block in 0..self.data_blocks() {
            // What cannot be read is reported by the scan.
            let _ = self.buffers(block, &mut |buffer, _| {
                let Ok(data) = buffer else { return };
                let mut at = 0;
                while let Next::Record(record) = record::next(data, at, self.session.wide) {
                    if record.form == Form::Event
                        && let Some(guid) = record.guid
                        && let Some(name) = record.item(TRAITS).and_then(tracelog::provider)
                        && (names.len() < NAMED || names.contains_key(&guid))
                    {
                        names.entry(guid).or_insert(name);
                    }
                    at += record.step;
                }
            });
        }
        names
    }
}
