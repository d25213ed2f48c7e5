//! The part of a file that is at hand, read on as it is asked for.

use std::fs::File;
use std::io;

use memchr::{memchr_iter, memmem};

use super::Encoding;
use crate::os;

/// Bytes read at once.
const STEP: usize = 256 << 10;

/// Bytes of a file from some place on.
pub(super) struct Window<'f> {
    file: &'f File,
    bytes: u64,
    encoding: Encoding,
    base: u64,
    data: Vec<u8>,
}

/// A line without its end.
pub(super) struct Line<'a> {
    pub bytes: &'a [u8],
    /// Bytes to the next line.
    pub step: u64,
    /// It goes on behind what was read of it.
    pub cut: bool,
}

impl<'f> Window<'f> {
    /// `start`: nothing before the character in front of it will be asked for.
    pub fn new(file: &'f File, bytes: u64, encoding: Encoding, start: u64) -> io::Result<Self> {
        let base = start.saturating_sub(encoding.unit() as u64);
        Ok(Window { file, bytes, encoding, base, data: Vec::new() })
    }

    /// Reads until `end` is at hand, or the file ends.
    fn reach(&mut self, end: u64) -> io::Result<()> {
        let end = end.min(self.bytes);
        while self.base + (self.data.len() as u64) < end {
            let held = self.data.len();
            let missing = usize::try_from(end - self.base).unwrap_or(usize::MAX).saturating_sub(held);
            self.data.resize(held + missing.max(STEP), 0);
            let rest = self.data.get_mut(held..).unwrap_or_default();
            let read = os::read_at(self.file, rest, self.base + held as u64)?;
            self.data.truncate(held + read);
            if read == 0 {
                // The file was cut meanwhile.
                self.bytes = self.base + held as u64;
                break;
            }
        }
        Ok(())
    }

    /// Bytes of this span, as far as the file goes.
    pub fn bytes(&mut self, start: u64, end: u64) -> io::Result<&[u8]> {
        self.reach(end)?;
        let index = |at: u64| usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.data.len());
        Ok(self.data.get(index(start)..index(end)).unwrap_or_default())
    }

    /// Where a mark stands first that begins in this span.
    pub fn find(&mut self, mark: &[u8], start: u64, end: u64) -> io::Result<Option<u64>> {
        let unit = self.encoding.unit() as u64;
        let mut at = start;
        while at < end {
            // By steps: the mark may be near and the end far.
            let stop = at.saturating_add(STEP as u64).min(end);
            let behind = stop.saturating_add(mark.len() as u64 - unit);
            let bytes = self.bytes(at, behind)?;
            let aligned = |place: &usize| (*place as u64).is_multiple_of(unit);
            if let Some(place) = memmem::find_iter(bytes, mark).find(aligned) {
                return Ok(Some(at + place as u64));
            }
            at = stop;
        }
        Ok(None)
    }

    /// As [`Window::find`], the mark followed by a blank or the end of a tag.
    pub fn element(&mut self, mark: &[u8], start: u64, end: u64) -> io::Result<Option<u64>> {
        let unit = self.encoding.unit() as u64;
        let mut at = start;
        while let Some(found) = self.find(mark, at, end)? {
            let behind = found + mark.len() as u64;
            let encoding = self.encoding;
            let next = encoding.ascii(self.bytes(behind, behind + unit)?);
            if next.is_some_and(|next| next.is_ascii_whitespace() || next == b'>') {
                return Ok(Some(found));
            }
            at = behind;
        }
        Ok(None)
    }

    /// Where the first line begins that begins in this span. `top` is where the text begins.
    pub fn first_line(&mut self, start: u64, end: u64, top: u64) -> io::Result<Option<u64>> {
        if start <= top {
            return Ok((top < end).then_some(top));
        }
        let unit = self.encoding.unit() as u64;
        let mark = self.encoding.bytes("\n");
        let found = self.find(&mark, start - unit, end.saturating_sub(unit))?;
        Ok(found.map(|found| found + unit))
    }

    /// The line that begins here, at most so long; `None` at the end of the file.
    pub fn line(&mut self, at: u64, most: usize) -> io::Result<Option<Line<'_>>> {
        if at >= self.bytes {
            return Ok(None);
        }
        let unit = self.encoding.unit();
        let limit = at.saturating_add(most as u64);
        let from = usize::try_from(at - self.base).unwrap_or(usize::MAX);
        let mut seen = from;
        let end = loop {
            let known = self.data.get(seen..).unwrap_or_default();
            let is_end = |place: &usize| self.ends_line(from, seen + place);
            if let Some(place) = memchr_iter(b'\n', known).find(is_end) {
                // Of big-endian UTF-16 the second byte was found.
                let place = seen + place;
                break Some(if self.encoding == Encoding::Utf16Be { place - 1 } else { place });
            }
            let held = self.base + self.data.len() as u64;
            if held >= self.bytes.min(limit) {
                break None;
            }
            // A unit may be half read.
            seen = self.data.len().saturating_sub(1).max(from);
            self.reach(held + 1)?;
        };
        let stop = usize::try_from(limit.min(self.bytes) - self.base).unwrap_or(usize::MAX).min(self.data.len());
        let (stop, step, cut) = match end {
            Some(place) if place - from <= most => (place, place - from + unit, false),
            _ => (stop, stop.saturating_sub(from).max(1), self.base + (stop as u64) < self.bytes),
        };
        let bytes = self.data.get(from..stop).unwrap_or_default();
        let ends = self.encoding.bytes("\r");
        let bytes = bytes.strip_suffix(ends.as_slice()).unwrap_or(bytes);
        Ok(Some(Line { bytes, step: step as u64, cut }))
    }

    /// Is the byte at `place` the telling one of a line's end, in a text that is aligned to `from`?
    fn ends_line(&self, from: usize, place: usize) -> bool {
        let at = |place: usize| self.data.get(place).copied();
        match self.encoding {
            Encoding::Utf16Le => (place - from).is_multiple_of(2) && at(place + 1) == Some(0),
            Encoding::Utf16Be => !(place - from).is_multiple_of(2) && at(place - 1) == Some(0),
            Encoding::Utf8 | Encoding::Named(_) => true,
        }
    }
}
