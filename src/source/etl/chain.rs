//! How buffers follow each other: mostly all of one size. Compressed ones have a size each, and so may those of
//! files that were put together of several.

use std::fs::File;
use std::io;

use super::BLOCK;
use super::buffer::{Buffer, HEADER};
use crate::event::Damage;
use crate::os;
use crate::source::change;

/// Where the blocks of a file begin and end: a block is some whole buffers.
pub(super) enum Chain {
    /// All of one size, so many in a block.
    Even { stride: usize, each: usize, bytes: u64 },
    /// Each of its own size: starts of blocks, the last one being the end of what can be read; places where a
    /// header is damaged, and where the next buffer begins.
    Own { starts: Vec<u64>, jumps: Vec<(u64, u64)> },
}

/// How many buffers are looked at to see whether all are of one size: so many at either end, and so many between.
const AT_ENDS: u64 = 16;
const BETWEEN: u64 = 256;
/// Places behind damage that are looked at closely in one file; what follows then is given up.
const TRIED: u32 = 4096;

impl Chain {
    pub fn of(file: &File, bytes: u64, first: &Buffer, own: bool, damage: &mut Vec<Damage>) -> io::Result<Self> {
        if !own && even(file, bytes, first.size as u64)? {
            return Ok(Chain::Even { stride: first.size, each: (BLOCK / first.size).max(1), bytes });
        }
        Walk { file, bytes, stride: first.size as u64, window: vec![0; 64 << 10], base: 0, held: 0, tried: 0 }
            .walk(damage)
    }

    pub fn blocks(&self) -> usize {
        match self {
            Chain::Even { stride, each, bytes } => {
                let length = (*stride as u64) * (*each as u64);
                usize::try_from(bytes.div_ceil(length)).unwrap_or(usize::MAX)
            }
            Chain::Own { starts, .. } => starts.len().saturating_sub(1),
        }
    }

    /// Where a block begins and ends.
    pub fn bounds(&self, block: usize) -> Option<(u64, u64)> {
        match self {
            Chain::Even { stride, each, bytes } => {
                let length = (*stride as u64) * (*each as u64);
                let start = (block as u64).checked_mul(length)?;
                (start < *bytes).then_some((start, start.saturating_add(length).min(*bytes)))
            }
            Chain::Own { starts, .. } => Some((*starts.get(block)?, *starts.get(block + 1)?)),
        }
    }

    /// Bytes from the buffer at `place` to the next. `None`: no other can follow.
    pub fn step(&self, place: u64, header: Option<&Buffer>) -> Option<usize> {
        match self {
            Chain::Even { stride, .. } => Some(*stride),
            Chain::Own { jumps, .. } => match jumps.binary_search_by_key(&place, |(from, _)| *from) {
                Ok(at) => jumps.get(at).and_then(|(from, to)| usize::try_from(to - from).ok()),
                Err(_) => Some(header?.size),
            },
        }
    }
}

/// Are all buffers of this size, as far as a sample tells?
fn even(file: &File, bytes: u64, stride: u64) -> io::Result<bool> {
    let count = bytes / stride;
    let mut header = [0; HEADER];
    let ends = (0..count.min(AT_ENDS)).chain(count.saturating_sub(AT_ENDS)..count);
    let between = (0..BETWEEN).map(|n| n * count / BETWEEN);
    for at in ends.chain(between) {
        let read = os::read_at(file, &mut header, at * stride)?;
        let header = header.get(..read).unwrap_or_default();
        // Room that was reserved and never written is zero.
        if header.iter().any(|byte| *byte != 0) && Buffer::read(header).is_none_or(|found| found.size as u64 != stride)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Goes from header to header.
struct Walk<'a> {
    file: &'a File,
    bytes: u64,
    stride: u64,
    window: Vec<u8>,
    /// Where the window's bytes stand, and how many there are.
    base: u64,
    held: usize,
    tried: u32,
}

impl Walk<'_> {
    fn walk(mut self, damage: &mut Vec<Damage>) -> io::Result<Chain> {
        let (mut starts, mut jumps) = (vec![0], Vec::new());
        let (mut at, mut started) = (0, 0);
        while at < self.bytes {
            let next = match self.header(at)? {
                Some(header) if self.sound(at, &header)? => at + header.size as u64,
                found => match self.next(at, found.as_ref())? {
                    Next::At(next) => {
                        jumps.push((at, next));
                        next
                    }
                    Next::Own => at + found.map_or(self.stride, |header| header.size as u64),
                    Next::Nothing => {
                        self.give_up(at, damage)?;
                        break;
                    }
                },
            };
            at = next;
            if at - started >= BLOCK as u64 {
                starts.push(at.min(self.bytes));
                started = at;
            }
        }
        if starts.last().is_some_and(|last| *last < at.min(self.bytes)) {
            starts.push(at.min(self.bytes));
        }
        Ok(Chain::Own { starts, jumps })
    }

    /// The bytes at a place, as far as the window reaches: a header's at least, if the file has them.
    fn bytes(&mut self, at: u64) -> io::Result<&[u8]> {
        let within = usize::try_from(at.wrapping_sub(self.base)).unwrap_or(usize::MAX);
        if at < self.base || within.saturating_add(HEADER) > self.held {
            self.base = at;
            self.held = os::read_at(self.file, &mut self.window, at)?;
        }
        let within = usize::try_from(at - self.base).unwrap_or(usize::MAX);
        Ok(self.window.get(within..self.held.max(within)).unwrap_or_default())
    }

    /// Nothing was ever written here.
    fn blank(&mut self, at: u64) -> io::Result<bool> {
        Ok(self.bytes(at)?.iter().take(HEADER).all(|byte| *byte == 0))
    }

    fn header(&mut self, at: u64) -> io::Result<Option<Buffer>> {
        Ok(Buffer::read(self.bytes(at)?))
    }

    /// Does another buffer follow this one, or reserved room, or the end?
    fn sound(&mut self, at: u64, header: &Buffer) -> io::Result<bool> {
        let next = at + header.size as u64;
        if next >= self.bytes {
            // Of ordinary size, or the last one of several sizes.
            return Ok(next == self.bytes || header.size as u64 == self.stride);
        }
        Ok(self.blank(next)? || self.bytes - next < HEADER as u64 || self.header(next)?.is_some())
    }

    /// What follows a damaged header, or one that nothing follows.
    fn next(&mut self, at: u64, found: Option<&Buffer>) -> io::Result<Next> {
        let own = found.map(|header| at + header.size as u64);
        if own == Some(at + self.stride) {
            // What is not as it should be is the next header.
            return Ok(Next::Own);
        }
        // Reserved room, or a header that is damaged: buffers mostly have the size that they have in memory.
        let mut likely = at + self.stride;
        while self.blank(at)? && likely < self.bytes && self.blank(likely)? {
            likely += self.stride;
        }
        if self.begins(likely)? {
            return Ok(Next::At(likely));
        }
        if self.blank(at)? {
            return Ok(Next::Nothing);
        }
        let mut place = at + 1;
        while place + HEADER as u64 <= self.bytes && self.tried < TRIED {
            let likely = self.bytes(place)?.windows(HEADER).position(plausible);
            let Some(ahead) = likely else {
                place += (self.bytes(place)?.len() + 1).saturating_sub(HEADER).max(1) as u64;
                continue;
            };
            place += ahead as u64;
            self.tried += 1;
            if self.begins(place)? {
                // Behind its end: it is the next header that is damaged.
                return Ok(if own.is_some_and(|own| own < place) { Next::Own } else { Next::At(place) });
            }
            place += 1;
        }
        // The file may end within this one.
        Ok(if own.is_some() { Next::Own } else { Next::Nothing })
    }

    /// Does a buffer begin here that another one follows, or the end?
    fn begins(&mut self, at: u64) -> io::Result<bool> {
        let bytes = self.bytes(at)?;
        if !bytes.get(..HEADER).is_some_and(plausible) {
            return Ok(false);
        }
        match Buffer::read(bytes) {
            Some(header) => self.sound(at, &header),
            None => Ok(false),
        }
    }

    fn give_up(&mut self, at: u64, damage: &mut Vec<Damage>) -> io::Result<()> {
        let left = self.bytes - at;
        let rest = self.bytes(at)?;
        if let Some(cut) = change::cut(at, 1, rest.len().min(1)) {
            damage.push(cut);
        } else if rest.iter().any(|byte| *byte != 0) {
            let what = format!("no buffer begins here; {left} bytes behind are missing");
            damage.push(Damage { offset: at, what, lost: true });
        }
        Ok(())
    }
}

enum Next {
    At(u64),
    /// Where the header says, whatever stands there.
    Own,
    Nothing,
}

/// Could this be the header of a buffer with data? Stricter than a reader who knows that there is one.
fn plausible(header: &[u8]) -> bool {
    let byte = |at: usize| header.get(at).copied().unwrap_or(0xFF);
    // Flags, kind and state are small numbers.
    byte(0x35) == 0
        && byte(0x36) < 16
        && byte(0x37) == 0
        && byte(0x2E) == 0
        && byte(0x2F) == 0
        && Buffer::read(header).is_some_and(|found| found.size > HEADER && found.end >= HEADER)
}
