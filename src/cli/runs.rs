//! More entries than are to be held: sorted runs of them in temporary files, read again as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::marker::PhantomData;

use whyrdp::os;

/// Runs that stand side by side; one more, and they become one.
const MOST: usize = 64;

/// What has an order, and a form on disk: a line.
pub trait Entry: Sized {
    /// What it is sorted by. Entries of one key are the same, seen twice.
    type Key: Ord;

    /// Its place.
    fn key(&self) -> Self::Key;

    /// Writes it without a line break.
    fn write(&self, out: &mut dyn Write) -> io::Result<()>;

    /// Reads what was written.
    fn read(line: &str) -> io::Result<Self>;

    /// Takes from the same, seen again in a later run, what it lacks.
    fn merge(&mut self, _again: Self) {}
}

/// Runs of entries. The files have no names: they are gone with the program, however it ends.
pub struct Runs<T> {
    files: Vec<File>,
    entries: PhantomData<T>,
}

impl<T> Default for Runs<T> {
    fn default() -> Self {
        Runs { files: Vec::new(), entries: PhantomData }
    }
}

impl<T: Entry> Runs<T> {
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds entries that are in order.
    pub fn add(&mut self, mut entries: impl Iterator<Item = io::Result<T>>) -> io::Result<()> {
        self.write(|take| entries.try_for_each(|entry| take(&entry?)))
    }

    /// Adds what `fill` hands over, which is in order.
    pub fn write(
        &mut self,
        fill: impl FnOnce(&mut dyn FnMut(&T) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.files.len() >= MOST {
            let all = std::mem::take(self);
            self.add(all.merged()?)?;
        }
        let mut out = BufWriter::new(tempfile::tempfile()?);
        fill(&mut |entry| {
            entry.write(&mut out)?;
            out.write_all(b"\n")
        })?;
        self.files.push(out.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }

    /// All of them in order, each key once.
    pub fn merged(&self) -> io::Result<Merged<'_, T>> {
        let mut merged = Merged { runs: Vec::new(), next: BinaryHeap::new(), failed: false };
        for (at, file) in self.files.iter().enumerate() {
            merged.runs.push(BufReader::new(Cursor { file, offset: 0 }));
            merged.next.extend(read(&mut merged.runs[at], at)?);
        }
        Ok(merged)
    }
}

/// A place in a file of its own, so that several may read it.
struct Cursor<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = os::read_at(self.file, buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// The entry of a run that comes next.
struct Next<T: Entry> {
    key: T::Key,
    run: usize,
    entry: T,
}

fn read<T: Entry>(run: &mut impl BufRead, at: usize) -> io::Result<Option<Reverse<Next<T>>>> {
    let mut line = String::new();
    if run.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let entry = T::read(line.trim_end_matches('\n'))?;
    Ok(Some(Reverse(Next { key: entry.key(), run: at, entry })))
}

impl<T: Entry> Ord for Next<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key).then(self.run.cmp(&other.run))
    }
}

impl<T: Entry> PartialOrd for Next<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Entry> PartialEq for Next<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Entry> Eq for Next<T> {}

/// Entries of all runs in order.
pub struct Merged<'r, T: Entry> {
    runs: Vec<BufReader<Cursor<'r>>>,
    next: BinaryHeap<Reverse<Next<T>>>,
    failed: bool,
}

impl<T: Entry> Merged<'_, T> {
    /// The first of all, and in its place the one behind it.
    fn pop(&mut self) -> io::Result<Option<Next<T>>> {
        let Some(mut first) = self.next.peek_mut() else { return Ok(None) };
        let run = first.0.run;
        match read(&mut self.runs[run], run)? {
            Some(next) => Ok(Some(std::mem::replace(&mut *first, next).0)),
            None => Ok(Some(PeekMut::pop(first).0)),
        }
    }

    fn one(&mut self) -> io::Result<Option<T>> {
        let Some(mut first) = self.pop()? else { return Ok(None) };
        while self.next.peek().is_some_and(|other| other.0.key == first.key) {
            if let Some(again) = self.pop()? {
                first.entry.merge(again.entry);
            }
        }
        Ok(Some(first.entry))
    }
}

impl<T: Entry> Iterator for Merged<'_, T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<io::Result<T>> {
        if self.failed {
            return None;
        }
        let next = self.one();
        self.failed = next.is_err();
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Number(u32, &'static str);

    impl Entry for Number {
        type Key = u32;

        fn key(&self) -> u32 {
            self.0
        }

        fn write(&self, out: &mut dyn Write) -> io::Result<()> {
            write!(out, "{} {}", self.0, self.1)
        }

        fn read(line: &str) -> io::Result<Self> {
            let (number, word) = line.split_once(' ').ok_or(io::ErrorKind::InvalidData)?;
            let word = ["a", "b"].into_iter().find(|known| *known == word).ok_or(io::ErrorKind::InvalidData)?;
            Ok(Number(number.parse().map_err(io::Error::other)?, word))
        }
    }

    fn all(runs: &Runs<Number>) -> Vec<(u32, &'static str)> {
        runs.merged().unwrap().map(|entry| entry.map(|entry| (entry.0, entry.1)).unwrap()).collect()
    }

    #[test]
    fn more_runs_than_stand_side_by_side_are_read_in_order_and_twice() {
        let mut runs = Runs::default();
        let count = u32::try_from(3 * MOST).unwrap();
        for run in 0..count {
            runs.add((0..5).map(|n| Ok(Number(n * count + (run * 7) % count, "a")))).unwrap();
            assert!(runs.files.len() <= MOST);
        }
        let expected: Vec<(u32, &str)> = (0..5 * count).map(|n| (n, "a")).collect();
        assert!(all(&runs) == expected && all(&runs) == expected);
    }

    #[test]
    fn of_entries_with_one_key_the_first_that_was_added_stands() {
        let mut runs = Runs::default();
        assert!(runs.is_empty() && all(&runs).is_empty());
        runs.add([Number(1, "a"), Number(2, "b")].into_iter().map(Ok)).unwrap();
        runs.add([Number(1, "b"), Number(2, "a"), Number(3, "b")].into_iter().map(Ok)).unwrap();
        assert_eq!(all(&runs), [(1, "a"), (2, "b"), (3, "b")]);
    }

    #[test]
    fn a_run_that_cannot_be_read_ends_the_reading_with_an_error() {
        let mut runs = Runs::default();
        runs.write(|take| take(&Number(1, "other"))).unwrap();
        assert!(runs.merged().is_err());
    }
}
