//! A report that is too long to be held: its attempts and its timeline are made one entry at a time.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::{AttemptReport, Report, Row};

/// A report whose attempts and whose timeline are made while they are read.
pub type LongReport<'r> = Report<Each<'r, AttemptReport>, Each<'r, Row>>;

/// Makes entries in their order and hands over each until it is told to stop by `false`.
pub type Make<'r, T> = dyn Fn(&mut dyn FnMut(T) -> bool) + 'r;

/// Entries that are made anew each time they are read.
pub struct Each<'r, T>(Box<Make<'r, T>>);

impl<'r, T> Each<'r, T> {
    /// Entries as `make` makes them.
    pub fn new(make: impl Fn(&mut dyn FnMut(T) -> bool) + 'r) -> Self {
        Each(Box::new(make))
    }

    /// All of them at once.
    pub fn all(&self) -> Vec<T> {
        let mut all = Vec::new();
        (self.0)(&mut |entry| {
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
    /// The report with all that is in it.
    pub fn whole(self) -> Report {
        let (attempts, timeline) = (self.attempts.all(), self.timeline.all());
        self.with(attempts, timeline)
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
        (self.0)(&mut |entry| {
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
