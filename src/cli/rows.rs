//! Rows on their way to a report: held while they are few, else sorted on disk.

use std::io::{self, Write};

use whyrdp::correlate::{Said, logs_code, said};
use whyrdp::event::Time;
use whyrdp::evidence::{EventRef, Evidence, Findings, Row, read_row, write_row};
use whyrdp::report::redact::Hints;
use whyrdp::signature::Signatures;

use super::exit::{Exit, Failure};
use super::runs::{Entry, Runs};

/// All rows of a case.
pub struct Rows<'s> {
    /// With which they were made.
    pub signatures: &'s Signatures,
    complaint: Said,
    /// How many pieces of evidence are held.
    pub room: usize,
    /// Everything; or, once there were more than are held, all but the evidence, and the last of that.
    pub found: Findings,
    /// Evidence in order of time.
    pub runs: Runs<Evidence>,
    /// Names in evidence that is on disk.
    pub hints: Hints,
    /// Some of it holds a code that the complaint speaks of.
    pub logged: bool,
}

impl<'s> Rows<'s> {
    /// None yet. More than `room` pieces of evidence go to disk.
    pub fn new(signatures: &'s Signatures, complaint: &Said, room: usize) -> Self {
        let (found, runs, hints) = (Findings::default(), Runs::default(), Hints::default());
        Rows { signatures, complaint: said(signatures, complaint), room, found, runs, hints, logged: false }
    }

    /// Adds one.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn add(&mut self, row: Row) -> Result<(), Failure> {
        self.found.add(row);
        if self.found.evidence.len() > self.room { self.put_away() } else { Ok(()) }
    }

    /// They are few enough to be held.
    pub fn are_held(&self) -> bool {
        self.runs.is_empty()
    }

    /// Puts what evidence is held on disk.
    pub fn put_away(&mut self) -> Result<(), Failure> {
        let mut rows: Vec<Evidence> = self.found.take_evidence().collect();
        rows.sort_unstable_by_key(Entry::key);
        for row in &rows {
            self.hints.add(&row.record);
            self.logged = self.logged || logs_code(row, self.signatures, &self.complaint);
        }
        self.runs.add(rows.into_iter().map(Ok)).map_err(no_disk)
    }
}

/// The disk for temporary files does not work.
pub fn no_disk(error: io::Error) -> Failure {
    let folder = std::env::temp_dir();
    let what = format_args!("{} takes no more rows: {error}; name another folder with TMPDIR", folder.display());
    Failure::new(Exit::Output, what)
}

impl Entry for Evidence {
    type Key = (Option<Time>, EventRef);

    fn key(&self) -> Self::Key {
        (self.record.time, self.event)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(write_row(&Row::Evidence(self.clone()), "")?.as_bytes())
    }

    fn read(line: &str) -> io::Result<Self> {
        match read_row(line, "") {
            Ok(Row::Evidence(evidence)) => Ok(evidence),
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }

    fn merge(&mut self, again: Self) {
        Evidence::merge(self, again);
    }
}
