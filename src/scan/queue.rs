//! What is to be read next: blocks of files in order, files opened shortly before.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::block::{Part, complaint, panicked};
use super::{Interest, Lost, Machine, Problem, Row, Signatures};
use crate::source::{self, Aids, Input, Log, Snapshot};

/// Files opened at a time: enough to keep threads busy with small ones, few enough for any
/// limit on open files.
const OPEN_AHEAD: usize = 64;

/// A file as far as it could be opened.
#[derive(Clone)]
enum Opened {
    /// What the file was like then goes with it.
    Log(Arc<dyn Log>, Option<Snapshot>),
    Failed(Problem),
}

/// One step of work: a block, or all that is to be said of a file that has none.
pub struct Unit<'a> {
    /// The file.
    pub input: &'a Input,
    opened: Opened,
    block: usize,
    blocks: usize,
    /// Nothing of this file comes after it.
    pub last: bool,
}

impl Unit<'_> {
    /// Reads the block.
    pub fn read(&self, signatures: &Signatures, interest: &Interest) -> Part {
        let mut part = Part::default();
        match &self.opened {
            Opened::Failed(problem) => part.problem(problem.clone()),
            Opened::Log(log, _) => {
                if self.block == 0 {
                    for damage in log.damage() {
                        part.problem(complaint(&self.input.name, damage));
                    }
                }
                if self.block < self.blocks {
                    part.read(&self.input.name, &**log, self.block, signatures, interest);
                }
            }
        }
        part
    }

    /// What the file's logger says that it lost.
    pub fn lost(&self) -> Lost {
        self.opened.lost()
    }

    /// Somebody changed the file since it was opened.
    pub fn changed(&self) -> Option<Problem> {
        let Opened::Log(_, Some(then)) = &self.opened else { return None };
        Some(complaint(&self.input.name, then.changed(&self.input.path)?))
    }

    /// What the file's header tells of the computer that wrote it.
    pub fn machine(&self) -> Machine {
        self.opened.machine()
    }

    /// Bytes of the file that are done with this block, about.
    pub fn bytes_done(&self) -> u64 {
        let done = u128::from(self.input.bytes) * (self.block as u128 + 1) / (self.blocks.max(1) as u128);
        u64::try_from(done).unwrap_or(self.input.bytes).min(self.input.bytes)
    }
}

/// A file that is not read to its end.
pub struct Unread<'a> {
    /// The file.
    pub input: &'a Input,
    /// What is missing.
    pub problem: Problem,
    /// What its logger says that it lost.
    pub lost: Lost,
    /// What its header tells of the computer that wrote it.
    pub machine: Machine,
}

const NOT_READ: &str = "not read: asked to stop before";

fn unread(input: &Input, what: String) -> Problem {
    Problem { path: input.name.as_str().into(), offset: None, what: what.into(), lost: true }
}

/// Files not yet opened, and blocks of opened ones not yet read.
pub struct Queue<'a> {
    closed: &'a [Input],
    aids: &'a Aids,
    /// Whose threads open files.
    pool: Option<&'a ThreadPool>,
    open: VecDeque<(&'a Input, Opened, usize)>,
    /// Next block of the first open file.
    block: usize,
}

impl<'a> Queue<'a> {
    /// Everything is to be read.
    pub fn new(inputs: &'a [Input], aids: &'a Aids, pool: Option<&'a ThreadPool>) -> Self {
        Queue { closed: inputs, aids, pool, open: VecDeque::new(), block: 0 }
    }

    /// The next unit. `None`: that was the last.
    pub fn next(&mut self) -> Option<Unit<'a>> {
        if self.open.is_empty() {
            self.open_more();
        }
        let (input, opened, blocks) = self.open.front()?;
        let (block, blocks) = (self.block, *blocks);
        let last = block + 1 >= blocks;
        let unit = Unit { input, opened: opened.clone(), block, blocks, last };
        self.block += 1;
        if last {
            self.open.pop_front();
            self.block = 0;
        }
        Some(unit)
    }

    /// What is left, file by file, the first maybe read in part.
    pub fn rest(self) -> impl Iterator<Item = Unread<'a>> {
        let begun = self.block;
        let open = self.open.into_iter().enumerate().map(move |(at, (input, opened, blocks))| {
            let problem = match &opened {
                Opened::Failed(problem) => problem.clone(),
                Opened::Log(..) if at == 0 && begun > 0 => {
                    unread(input, format!("asked to stop: {begun} of {blocks} blocks of it were read"))
                }
                Opened::Log(..) => unread(input, NOT_READ.to_owned()),
            };
            Unread { input, problem, lost: opened.lost(), machine: opened.machine() }
        });
        let closed = self.closed.iter().map(|input| {
            let problem = unread(input, NOT_READ.to_owned());
            Unread { input, problem, lost: Lost::default(), machine: Machine::default() }
        });
        open.chain(closed)
    }

    fn open_more(&mut self) {
        let (now, later) = self.closed.split_at(self.closed.len().min(OPEN_AHEAD));
        self.closed = later;
        let aids = self.aids;
        let open = |input: &'a Input| (input, open(input, aids));
        let opened: Vec<_> = match self.pool {
            Some(pool) => pool.install(|| now.par_iter().map(open).collect()),
            None => now.iter().map(open).collect(),
        };
        for (input, opened) in opened {
            let blocks = match &opened {
                Opened::Log(log, _) => log.blocks(),
                Opened::Failed(_) => 0,
            };
            self.open.push_back((input, opened, blocks));
        }
    }
}

impl Opened {
    fn lost(&self) -> Lost {
        match self {
            Opened::Log(log, _) => log.lost(),
            Opened::Failed(_) => Lost::default(),
        }
    }

    fn machine(&self) -> Machine {
        match self {
            Opened::Log(log, _) => log.machine(),
            Opened::Failed(_) => Machine::default(),
        }
    }
}

fn open(input: &Input, aids: &Aids) -> Opened {
    let then = Snapshot::of(&input.path);
    let lost = |offset, what: String| {
        Opened::Failed(Problem { path: input.name.as_str().into(), offset, what: what.into(), lost: true })
    };
    match catch_unwind(AssertUnwindSafe(|| source::open_with(input, aids))) {
        Ok(Ok(log)) => Opened::Log(log.into(), then),
        Ok(Err(error)) => lost(error.offset, error.what),
        Err(panic) => lost(None, panicked("opening the file", &*panic)),
    }
}

impl From<Problem> for Row {
    fn from(problem: Problem) -> Self {
        Row::Problem(problem)
    }
}
