//! The map half: inputs become rows. The only place that knows threads.
//!
//! Blocks of all files are read in parallel, a bounded number at a time, and what they gave
//! is handed on in the order of inputs and blocks, so that the same inputs give the same
//! rows whatever the number of threads. Trouble in a file, even a bug that a file finds in
//! its reader, becomes a problem row. Judges nothing.

mod block;
mod limits;
mod providers;
mod queue;
mod spans;

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc;

use crate::event::{Interest, Lost, Machine};
use crate::evidence::{Coverage, InputFacts, Problem, ProviderFacts, Row};
use crate::signature::Signatures;
use crate::source::{self, Aids, Input};
use block::Part;
use queue::{Queue, Unit};

/// Blocks per thread that are read, or wait until those before them are handed on: what bounds memory.
const BLOCKS_PER_THREAD: usize = 6;

/// How to scan.
pub struct Options<'a> {
    /// Threads; 0 takes one for each processor.
    pub threads: usize,
    /// Told now and then how many bytes of input are done.
    pub progress: &'a dyn Fn(u64),
    /// Take the SHA-256 of every input.
    pub hash: bool,
    /// Asked now and then: `true` ends the reading, and what was not read is told.
    pub stop: &'a dyn Fn() -> bool,
    /// What is known beside the files.
    pub aids: Aids,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { threads: 0, progress: &|_| (), hash: false, aids: Aids::default(), stop: &|| false }
    }
}

/// A scan in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Inputs.
    pub inputs: u64,
    /// Inputs of which nothing could be read.
    pub unreadable: u64,
    /// Records.
    pub records: u64,
    /// Records that a signature matched.
    pub evidence: u64,
    /// Problems by which something is missing.
    pub lost: u64,
    /// It was asked to stop before everything was read.
    pub stopped: bool,
}

/// Reads `inputs` in order and hands their rows to `emit`: evidence and problems as they
/// stand in the file, then coverage, then the input as a whole.
///
/// # Errors
/// The first error of `emit`; nothing is read after it.
pub fn scan<E>(
    inputs: &[Input],
    signatures: &Signatures,
    options: &Options<'_>,
    emit: &mut dyn FnMut(Row) -> Result<(), E>,
) -> Result<Totals, E> {
    // A pool that cannot be built, and one thread, leave the work to the caller's: slower, never different. A pool of
    // one would not do: while it waits, the caller's thread takes up other work of the pool that it is part of.
    let builder = (options.threads != 1).then(|| rayon::ThreadPoolBuilder::new().num_threads(options.threads));
    let pool = builder.and_then(|builder| builder.build().ok());
    let interest = signatures.interest();
    let mut queue = Queue::new(inputs, &options.aids, pool.as_ref());
    let mut next = || if (options.stop)() { None } else { queue.next() };
    let mut emitter = Emitter { options, emit, file: Part::default(), before: 0, totals: Totals::default() };
    emitter.totals.inputs = inputs.len() as u64;
    match &pool {
        None => {
            while let Some(unit) = next() {
                emitter.unit(unit.read(signatures, interest), &unit)?;
            }
        }
        // The caller's thread hands on what was read, while others read on.
        Some(pool) => pool.in_place_scope(|scope| {
            let mut line = VecDeque::new();
            let most = pool.current_num_threads() * BLOCKS_PER_THREAD;
            loop {
                while line.len() < most
                    && let Some(unit) = next()
                {
                    let (hand_in, handed_in) = mpsc::sync_channel(1);
                    line.push_back(handed_in);
                    scope.spawn(move |_| {
                        let part = unit.read(signatures, interest);
                        let _ = hand_in.send((part, unit));
                    });
                }
                // Half of them, while others read the rest. The last is waited for first, so that most are there by then.
                // (Who panics hands nothing in; the scope passes that on.)
                let first_half = line.drain(..line.len().div_ceil(2));
                let done: Vec<_> = first_half.rev().map_while(|unit| unit.recv().ok()).collect();
                if done.is_empty() {
                    return Ok(());
                }
                for (part, unit) in done.into_iter().rev() {
                    emitter.unit(part, &unit)?;
                }
            }
        })?,
    }
    if (options.stop)() { emitter.stopped(queue) } else { Ok(emitter.totals) }
}

/// Hands rows on, in the order of inputs and blocks.
struct Emitter<'a, 'o, E> {
    options: &'a Options<'o>,
    emit: &'a mut dyn FnMut(Row) -> Result<(), E>,
    /// What was read so far of the file that is being read; its rows are handed on already.
    file: Part,
    /// Bytes of the files before it.
    before: u64,
    totals: Totals,
}

impl<E> Emitter<'_, '_, E> {
    /// What a unit gave.
    fn unit(&mut self, part: Part, unit: &Unit<'_>) -> Result<(), E> {
        self.part(part)?;
        (self.options.progress)(self.before + unit.bytes_done());
        if !unit.last {
            return Ok(());
        }
        self.before += unit.input.bytes;
        if let Some(changed) = unit.changed() {
            self.file.lost += u64::from(changed.lost);
            (self.emit)(Row::Problem(changed))?;
        }
        self.file.machine.merge(unit.machine());
        if let Some(what) = self.file.beyond() {
            let path = unit.input.name.as_str().into();
            (self.emit)(Row::Problem(Problem { path, offset: None, what: what.into(), lost: false }))?;
        }
        self.finish(unit.input, unit.lost(), self.options.hash)
    }

    fn part(&mut self, mut part: Part) -> Result<(), E> {
        for row in part.rows.drain(..) {
            self.totals.evidence += u64::from(matches!(row, Row::Evidence(_)));
            (self.emit)(row)?;
        }
        self.file.merge(part);
        Ok(())
    }

    /// Ends a scan before everything was read: what was read stands, and every input says what it lacks.
    fn stopped(mut self, queue: Queue<'_>) -> Result<Totals, E> {
        for rest in queue.rest() {
            self.totals.stopped = true;
            let mut part = Part { machine: rest.machine, ..Part::default() };
            part.problem(rest.problem);
            self.part(part)?;
            self.finish(rest.input, rest.lost, false)?;
        }
        Ok(self.totals)
    }

    /// The hash of a file as it is now, after it was read: what was read a moment ago is still at hand.
    fn hashed(&mut self, input: &Input) -> Result<Option<Box<str>>, E> {
        match source::sha256(&input.path) {
            Ok(hash) => Ok(Some(hash.into())),
            Err(error) => {
                let (path, what) = (input.name.as_str().into(), format!("cannot be hashed: {error}").into());
                self.totals.lost += 1;
                (self.emit)(Row::Problem(Problem { path, offset: None, what, lost: true }))?;
                Ok(None)
            }
        }
    }

    /// The rows that end a file.
    fn finish(&mut self, input: &Input, lost: Lost, hash: bool) -> Result<(), E> {
        let file = std::mem::take(&mut self.file);
        self.totals.records += file.records;
        self.totals.lost += file.lost;
        self.totals.unreadable += u64::from(file.records == 0 && file.lost > 0);
        let sha256 = if hash { self.hashed(input)? } else { None };
        let mut coverage = file.coverage.sorted();
        if file.lost > 0 {
            coverage.values_mut().for_each(Coverage::tear);
        }
        let (nameless, named): (BTreeMap<_, _>, BTreeMap<_, _>) =
            coverage.into_iter().partition(|((computer, _), _)| computer.is_empty());
        let facts = InputFacts {
            sha256,
            path: input.name.as_str().into(),
            kind: input.format.into(),
            bytes: input.bytes,
            records: file.records,
            first: file.first,
            last: file.last,
            record_kinds: file.kinds.into_iter().map(|(kind, records)| (kind.to_owned(), records)).collect(),
            lost_events: lost.events,
            lost_buffers: lost.buffers,
            providers: file.providers.sorted().collect(),
            machine: Some(file.machine).filter(|machine| !machine.is_empty()),
            channels: nameless.into_iter().map(|((_, channel), coverage)| (channel, coverage)).collect(),
        };
        for ((computer, channel), coverage) in named {
            (self.emit)(Row::Coverage { computer, channel, coverage })?;
        }
        (self.emit)(Row::Input(facts))
    }
}
