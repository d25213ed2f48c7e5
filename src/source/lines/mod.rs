//! Texts, block by block: records of one or more lines, or pieces between two marks. Where a record
//! begins can be told by itself, so that blocks need not know each other: a record belongs to the
//! block in which it begins.

mod encoding;
mod stamp;
mod window;

use std::borrow::Cow;
use std::fs::File;
use std::io;

use crate::error::Error;
use crate::event::{Damage, Sink};
use crate::os;
use crate::source::{HEAD, Input};

pub(super) use encoding::Encoding;
pub(super) use stamp::{hour, stamp};
use window::Window;

/// Bytes of a block: even, so that no unit of UTF-16 is cut.
const BLOCK: u64 = 1 << 20;
/// Bytes of one record at most; what is longer is cut.
const RECORD: usize = 1 << 20;
/// Places reported per block; the rest are counted.
const DAMAGE_PER_BLOCK: u64 = 64;

/// A text file.
pub(super) struct Lines {
    file: File,
    bytes: u64,
    encoding: Encoding,
    /// Behind the mark of the encoding.
    start: u64,
}

/// A part of a text that stands for itself.
pub(super) struct Piece<'a> {
    /// Byte offset in the file.
    pub offset: u64,
    /// Bytes from there.
    pub length: u32,
    pub text: &'a str,
}

/// The first bytes of a file as text, for recognising it.
pub(super) fn head(bytes: &[u8]) -> Cow<'_, str> {
    let (encoding, mark) = Encoding::of(bytes);
    encoding.text(bytes.get(mark..).unwrap_or_default())
}

/// Takes pieces in order, or places that are broken.
pub(super) type Take<'t> = dyn FnMut(Result<Piece<'_>, Damage>) + 't;

fn broken(offset: u64, what: impl Into<String>) -> Damage {
    Damage { offset, what: what.into(), lost: true }
}

impl Lines {
    pub fn open(input: &Input) -> Result<Self, Error> {
        let trouble = |error| Error::new(&input.path, error);
        let file = File::open(&input.path).map_err(trouble)?;
        let bytes = file.metadata().map_err(trouble)?.len();
        let mut first = vec![0; HEAD];
        let read = os::read_at(&file, &mut first, 0).map_err(trouble)?;
        let first = first.get(..read).unwrap_or_default();
        let (encoding, mark) = Encoding::of(first);
        Ok(Lines { file, bytes, encoding, start: mark as u64 })
    }

    pub fn blocks(&self) -> usize {
        usize::try_from(self.bytes.div_ceil(BLOCK)).unwrap_or(usize::MAX)
    }

    /// Where a block begins and ends.
    pub fn bounds(&self, block: usize) -> (u64, u64) {
        let start = (block as u64).saturating_mul(BLOCK);
        (start.max(self.start), start.saturating_add(BLOCK).min(self.bytes))
    }

    /// Calls `take` with the records that begin in a block: a line that `begins` one, and the lines
    /// behind it that do not. Lines before any record come one by one.
    pub fn records(&self, block: usize, begins: &dyn Fn(&str) -> bool, take: &mut Take<'_>) -> io::Result<()> {
        let (start, end) = self.bounds(block);
        let mut window = Window::new(&self.file, self.bytes, self.encoding, start)?;
        let Some(mut at) = window.first_line(start, end, self.start)? else { return Ok(()) };
        let mut open: Option<Open> = None;
        while at < end || open.is_some() {
            let reach = open.as_ref().map_or(0, |open| at.saturating_sub(open.offset));
            if at >= end && reach > RECORD as u64 {
                break;
            }
            let Some(line) = window.line(at, RECORD)? else { break };
            let text = self.encoding.text(line.bytes);
            if begins(&text) {
                if at >= end {
                    break;
                }
                close(open.take(), take);
                open = Some(Open { offset: at, length: line.step, text: text.into_owned(), cut: line.cut });
            } else if let Some(open) = &mut open {
                open.add(&text, line.step, line.cut);
            } else if block == 0 && at < end {
                take(Ok(Piece { offset: at, length: short(line.step), text: &text }));
            }
            let cut = line.cut;
            at += line.step;
            if cut {
                // The rest of a line without end: the next block finds its own first line.
                match window.first_line(at, end, self.start)? {
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
        close(open, take);
        Ok(())
    }

    /// Calls `take` with the pieces of a block that begin with `first` and end with the next `last`,
    /// both included. `first` is a name in angle brackets without the right one, `last` ends with one.
    pub fn pieces(&self, block: usize, first: &str, last: &str, take: &mut Take<'_>) -> io::Result<()> {
        let (start, end) = self.bounds(block);
        let encoding = self.encoding;
        let marks = (encoding.bytes(first), encoding.bytes(last));
        let mut window = Window::new(&self.file, self.bytes, encoding, start)?;
        let mut next = window.element(&marks.0, start, end)?;
        while let Some(at) = next {
            let inside = at + marks.0.len() as u64;
            let reach = inside.saturating_add(RECORD as u64).min(self.bytes);
            next = window.element(&marks.0, inside, reach)?;
            let limit = next.unwrap_or(reach);
            match window.find(&marks.1, inside, limit)? {
                Some(found) => {
                    let stop = found + marks.1.len() as u64;
                    let bytes = window.bytes(at, stop)?;
                    let text = encoding.text(bytes);
                    take(Ok(Piece { offset: at, length: short(stop - at), text: &text }));
                    if next.is_none() && stop < end {
                        next = window.element(&marks.0, stop, end)?;
                    }
                }
                None => {
                    let what = match next {
                        Some(_) => "an event without its end; it is missing",
                        None if reach == self.bytes => "the file ends within an event; it is missing",
                        None => "an event longer than 1 MiB; it is missing",
                    };
                    take(Err(broken(at, what)));
                    if next.is_none() && reach < end {
                        next = window.element(&marks.0, reach, end)?;
                    }
                }
            }
            next = next.filter(|next| *next < end);
        }
        Ok(())
    }
}

/// A record whose end is not yet seen.
struct Open {
    offset: u64,
    length: u64,
    text: String,
    cut: bool,
}

impl Open {
    fn add(&mut self, line: &str, step: u64, cut: bool) {
        self.length += step;
        if self.text.len() + line.len() < RECORD {
            self.text.push('\n');
            self.text.push_str(line);
            self.cut |= cut;
        } else {
            self.cut = true;
        }
    }
}

fn close(open: Option<Open>, take: &mut Take<'_>) {
    let Some(open) = open else { return };
    if open.cut {
        let what = "a record longer than 1 MiB: the rest of it is missing";
        take(Err(broken(open.offset, what)));
    }
    take(Ok(Piece { offset: open.offset, length: short(open.length), text: &open.text }));
}

fn short(length: u64) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The start of a text, so many bytes at most.
pub(super) fn at_most(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// Hands damage on, the first places of a block one by one.
#[derive(Default)]
pub(super) struct Reported {
    count: u64,
    lost: bool,
}

impl Reported {
    pub fn report(&mut self, damage: Damage, sink: &mut dyn Sink) {
        self.count += 1;
        if self.count <= DAMAGE_PER_BLOCK {
            sink.damage(damage);
        } else {
            self.lost |= damage.lost;
        }
    }

    /// A place that cannot be read.
    pub fn broken(&mut self, offset: u64, what: impl Into<String>, sink: &mut dyn Sink) {
        self.report(broken(offset, what), sink);
    }

    /// To be called at the end of a block.
    pub fn finish(self, offset: u64, done: io::Result<()>, sink: &mut dyn Sink) {
        if let Err(error) = done {
            sink.damage(broken(offset, format!("cannot be read: {error}")));
        }
        if self.count > DAMAGE_PER_BLOCK {
            let what = format!("{} more places behind are damaged", self.count - DAMAGE_PER_BLOCK);
            sink.damage(Damage { offset, what, lost: self.lost });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> (tempfile::NamedTempFile, Lines) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let input = Input { path: file.path().to_owned(), name: "t".into(), format: "t", bytes: bytes.len() as u64 };
        let lines = Lines::open(&input).unwrap();
        (file, lines)
    }

    fn all(lines: &Lines, read: impl Fn(&Lines, usize, &mut Take<'_>) -> io::Result<()>) -> Vec<(u64, String)> {
        let mut found = Vec::new();
        for block in 0..lines.blocks() {
            read(lines, block, &mut |piece| match piece {
                Ok(piece) => found.push((piece.offset, piece.text.chars().take(60).collect())),
                Err(damage) => found.push((damage.offset, format!("! {}", damage.what))),
            })
            .unwrap();
        }
        found
    }

    fn starred(lines: &Lines) -> Vec<(u64, String)> {
        all(lines, |lines, block, take| lines.records(block, &|line| line.starts_with('*'), take))
    }

    #[test]
    fn records_across_blocks_are_read_once_in_every_encoding() {
        let mut text = String::from("head\r\n");
        for n in 0..60_000 {
            text += &format!("*{n} one\r\n  two {n}\r\n");
        }
        let wide = |swap: bool| {
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            units.flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect::<Vec<u8>>()
        };
        for bytes in [text.clone().into_bytes(), wide(false), wide(true)] {
            let (_file, lines) = lines(&bytes);
            assert!(lines.blocks() > 1);
            let found = starred(&lines);
            assert_eq!(found.len(), 60_001);
            assert_eq!(found[0].1, "head");
            for (n, (_, text)) in found[1..].iter().enumerate() {
                assert_eq!(*text, format!("*{n} one\n  two {n}"));
            }
            assert!(found.is_sorted());
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_what_follows_is_read() {
        let mut bytes = b"*a\n*".to_vec();
        bytes.resize(5 << 20, b'x');
        bytes.extend(b"\n*b\n");
        let (_file, lines) = lines(&bytes);
        let found = starred(&lines);
        let told: Vec<&str> = found.iter().map(|(_, text)| text.get(..2).unwrap_or(text)).collect();
        assert_eq!(told, ["*a", "! ", "*x", "*b"]);
        assert_eq!(found[3].0, (5 << 20) + 1);
    }

    #[test]
    fn continuations_without_end_belong_to_one_record_that_is_cut() {
        let mut text = String::from("*a\n");
        text.extend(std::iter::repeat_n("no record at all, again and again\n", 200_000));
        text += "*b";
        let (_file, lines) = lines(text.as_bytes());
        let found = starred(&lines);
        let told: Vec<&str> = found.iter().map(|(_, text)| &text[..2]).collect();
        assert_eq!(told, ["! ", "*a", "*b"]);
    }

    #[test]
    fn pieces_need_their_end_and_longer_names_are_others() {
        let text = "<E><EE>x</EE></E>\n<E a=1>no end <E>2</E><E>3";
        let (_file, lines) = lines(text.as_bytes());
        let found = all(&lines, |lines, block, take| lines.pieces(block, "<E", "</E>", take));
        let told: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            told,
            [
                "<E><EE>x</EE></E>",
                "! an event without its end; it is missing",
                "<E>2</E>",
                "! the file ends within an event; it is missing"
            ]
        );
    }
}
