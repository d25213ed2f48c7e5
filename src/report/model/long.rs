//! A report that is too long to be held: its attempts and its timeline are made one entry at a time.

use std::cell::Cell;
use std::io;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::{AttemptReport, Report, Row};

/// A report whose attempts and whose timeline are made while they are read.
pub type LongReport<'r> = Report<Each<'r, AttemptReport>, Each<'r, Row>>;

/// Makes entries in their order and hands over each until it is told to stop by `false`.
pub type Make<'r, T> = dyn Fn(&mut dyn FnMut(T) -> bool) -> io::Result<()> + 'r;

/// Entries that are made, or read from where they were put, anew each time they are wanted.
pub struct Each<'r, T> {
    make: Box<Make<'r, T>>,
    trouble: Cell<Option<io::Error>>,
}

impl<'r, T> Each<'r, T> {
    /// Entries as `make` makes them.
    pub fn new(make: impl Fn(&mut dyn FnMut(T) -> bool) + 'r) -> Self {
        Each::read(move |take| {
            make(take);
            Ok(())
        })
    }

    /// Entries as `make` reads them. They end with the first trouble, which [`LongReport::trouble`] tells.
    pub fn read(make: impl Fn(&mut dyn FnMut(T) -> bool) -> io::Result<()> + 'r) -> Self {
        Each { make: Box::new(make), trouble: Cell::new(None) }
    }

    fn trouble(&self) -> io::Result<()> {
        self.trouble.take().map_or(Ok(()), Err)
    }

    fn take(&self, take: &mut dyn FnMut(T) -> bool) {
        if let Err(error) = (self.make)(take) {
            self.trouble.set(Some(error));
        }
    }

    /// All of them at once.
    pub fn all(&self) -> Vec<T> {
        let mut all = Vec::new();
        self.take(&mut |entry| {
            all.push(entry);
            true
        });
        all
    }
}

impl<A, T> Report<A, T> {
    /// The same report with other long parts.
    pub fn with<B, U>(self, attempts: B, timeline: U) -> Report<B, U> {
        Report {
            schema_version: self.schema_version,
            tool: self.tool,
            complaint: self.complaint,
            summary: self.summary,
            causes: self.causes,
            ruled_out: self.ruled_out,
            findings: self.findings,
            attempts,
            noise: self.noise,
            timeline,
            coverage: self.coverage,
            inputs: self.inputs,
        }
    }
}

impl LongReport<'_> {
    /// The report with all that is in it, where that is made and not read.
    pub fn whole(self) -> Report {
        let (attempts, timeline) = (self.attempts.all(), self.timeline.all());
        self.with(attempts, timeline)
    }

    /// The report with all that is in it.
    ///
    /// # Errors
    /// As of [`LongReport::trouble`].
    pub fn read(self) -> io::Result<Report> {
        let (attempts, timeline) = (self.attempts.all(), self.timeline.all());
        self.trouble()?;
        Ok(self.with(attempts, timeline))
    }

    /// To be asked once entries were taken: are they all?
    ///
    /// # Errors
    /// Where some could not be read: what was made of them is not the report.
    pub fn trouble(&self) -> io::Result<()> {
        self.attempts.trouble().and_then(|()| self.timeline.trouble())
    }
}

/// Something that has entries, held or made.
pub trait Entries<T> {
    /// Hands over each in order until it is told to stop by an error.
    ///
    /// # Errors
    /// The first that `take` gives.
    fn each<E>(&self, take: impl FnMut(&T) -> Result<(), E>) -> Result<(), E>;
}

impl<T> Entries<T> for Vec<T> {
    fn each<E>(&self, take: impl FnMut(&T) -> Result<(), E>) -> Result<(), E> {
        self.iter().try_for_each(take)
    }
}

impl<T> Entries<T> for Each<'_, T> {
    fn each<E>(&self, mut take: impl FnMut(&T) -> Result<(), E>) -> Result<(), E> {
        let mut done = Ok(());
        self.take(&mut |entry| {
            done = take(&entry);
            done.is_ok()
        });
        done
    }
}

impl<T: Serialize> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        self.each(|entry| list.serialize_element(entry))?;
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_cannot_be_read_are_not_the_end_of_them() {
        let broken = Each::read(|take: &mut dyn FnMut(u8) -> bool| {
            assert!(take(1));
            Err(io::ErrorKind::UnexpectedEof.into())
        });
        let mut read = 0;
        let done = broken.each(|_| {
            read += 1;
            Ok::<(), ()>(())
        });
        assert_eq!((done, read), (Ok(()), 1));
        assert_eq!(broken.trouble().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let whole = Each::new(|take: &mut dyn FnMut(u8) -> bool| assert!(take(1)));
        assert_eq!(whole.all(), [1]);
        assert!(whole.trouble().is_ok());
    }
}
