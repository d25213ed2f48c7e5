//! What span of a channel the inputs hold: the ground on which absence is argued.

use serde::{Deserialize, Deserializer, Serialize};

use crate::event::Time;

/// A run of record ids without a gap, and the span of their times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Run {
    /// First record id.
    pub first_id: u64,
    /// Last record id.
    pub last_id: u64,
    /// Earliest time.
    pub first: Time,
    /// Latest time.
    pub last: Time,
}

impl Run {
    /// Records in it.
    pub fn records(&self) -> u64 {
        self.last_id.saturating_sub(self.first_id).saturating_add(1)
    }
}

/// A run as rows hold it, which anybody may have written.
#[derive(Deserialize)]
struct Written {
    first_id: u64,
    last_id: u64,
    first: Time,
    last: Time,
}

impl TryFrom<Written> for Run {
    type Error = &'static str;

    fn try_from(Written { first_id, last_id, first, last }: Written) -> Result<Self, Self::Error> {
        match first_id <= last_id {
            true => Ok(Run { first_id, last_id, first, last }),
            false => Err("a run of record ids ends before it begins"),
        }
    }
}

/// Runs as rows hold them, put in order.
fn ordered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Run>, D::Error> {
    let mut coverage = Coverage::default();
    coverage.insert_all(&Vec::deserialize(deserializer)?);
    Ok(coverage.runs)
}

/// One channel of one computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Coverage {
    /// Runs in order of ids, never touching each other.
    #[serde(deserialize_with = "ordered")]
    pub runs: Vec<Run>,
    /// Span of records without an id, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unnumbered: Option<(Time, Time)>,
    /// Some records came through a collector.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// The highest id of a log of which something was lost: what stood behind it may be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<u64>,
}

impl Coverage {
    /// Adds one record.
    pub fn record(&mut self, id: Option<u64>, time: Time, forwarded: bool) {
        match id {
            Some(id) => self.run(Run { first_id: id, last_id: id, first: time, last: time }, forwarded),
            None => {
                self.forwarded |= forwarded;
                self.span(time, time);
            }
        }
    }

    /// Adds records whose ids follow each other.
    pub fn run(&mut self, run: Run, forwarded: bool) {
        self.forwarded |= forwarded;
        // Records come in order nearly always: only the last run need be looked at.
        match self.runs.last_mut() {
            Some(last) if run.first_id >= last.first_id && run.first_id <= last.last_id.saturating_add(1) => {
                last.last_id = last.last_id.max(run.last_id);
                last.first = last.first.min(run.first);
                last.last = last.last.max(run.last);
            }
            Some(last) if last.last_id >= run.first_id => self.insert(run),
            _ => self.runs.push(run),
        }
    }

    /// Something was lost of the log that holds this.
    pub fn tear(&mut self) {
        self.torn = self.torn.max(self.runs.last().map(|run| run.last_id));
    }

    /// Adds what another part of the same channel holds.
    pub fn merge(&mut self, other: &Coverage) {
        self.forwarded |= other.forwarded;
        self.torn = self.torn.max(other.torn);
        if let Some((first, last)) = other.unnumbered {
            self.span(first, last);
        }
        match other.runs.as_slice() {
            [] => {}
            [run] => self.insert(*run),
            runs => self.insert_all(runs),
        }
    }

    /// Keeps at most so many runs: of the others, those of the lowest ids, only the span of time is left, from which
    /// nothing follows that a gap would forbid.
    pub fn limit(&mut self, most: usize) {
        let over = self.runs.len().saturating_sub(most);
        let bounds = self.runs.drain(..over).map(|run| (run.first, run.last));
        let span = bounds.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)));
        if let Some((first, last)) = span {
            self.span(first, last);
        }
    }

    fn span(&mut self, first: Time, last: Time) {
        let (from, to) = self.unnumbered.unwrap_or((first, last));
        self.unnumbered = Some((from.min(first), to.max(last)));
    }

    fn insert(&mut self, mut run: Run) {
        let start = self.runs.partition_point(|old| old.last_id.saturating_add(1) < run.first_id);
        let end = self.runs.partition_point(|old| old.first_id <= run.last_id.saturating_add(1));
        for old in &self.runs[start..end] {
            run.first_id = run.first_id.min(old.first_id);
            run.last_id = run.last_id.max(old.last_id);
            run.first = run.first.min(old.first);
            run.last = run.last.max(old.last);
        }
        self.runs.splice(start..end, [run]);
    }

    /// As [`Coverage::insert`], in time that grows with their number alone.
    fn insert_all(&mut self, runs: &[Run]) {
        let mut all = std::mem::take(&mut self.runs);
        all.extend(runs);
        // Two sorted lists mostly, which the sort finds out.
        all.sort_by_key(|run| run.first_id);
        for run in all {
            match self.runs.last_mut().filter(|last| run.first_id <= last.last_id.saturating_add(1)) {
                Some(last) => {
                    last.last_id = last.last_id.max(run.last_id);
                    last.first = last.first.min(run.first);
                    last.last = last.last.max(run.last);
                }
                None => self.runs.push(run),
            }
        }
    }

    /// Records with an id, each counted once.
    pub fn records(&self) -> u64 {
        self.runs.iter().map(Run::records).fold(0, u64::saturating_add)
    }

    /// Earliest and latest time.
    pub fn bounds(&self) -> Option<(Time, Time)> {
        let runs = self.runs.iter().map(|run| (run.first, run.last));
        runs.chain(self.unnumbered).reduce(|(a, b), (first, last)| (a.min(first), b.max(last)))
    }

    /// One run of ids: nothing between its ends is missing.
    pub fn contiguous(&self) -> bool {
        self.runs.len() == 1 && self.unnumbered.is_none()
    }

    /// Nothing tells that records behind the last one were left out or lost. One record alone may have been picked.
    pub fn goes_on(&self) -> bool {
        let [run] = self.runs.as_slice() else { return false };
        self.contiguous() && (run.first_id <= 1 || run.first_id < run.last_id) && Some(run.last_id) > self.torn
    }

    /// Its records are missing where a log of it is damaged, and nowhere else.
    pub fn damaged(&self) -> bool {
        let gaps = self.runs.windows(2).filter_map(|pair| pair.first());
        let torn = self.runs.last().is_some_and(|last| Some(last.last_id) == self.torn);
        self.unnumbered.is_none()
            && (torn || self.runs.len() > 1)
            && gaps.into_iter().all(|before| Some(before.last_id) < self.torn)
    }

    /// Ids that are missing between those of its records: so many were lost, or left out, at most.
    pub fn missing(&self) -> u64 {
        let held = self.records();
        let ends = self.runs.first().zip(self.runs.last());
        let all = ends.map_or(0, |(first, last)| last.last_id.saturating_sub(first.first_id).saturating_add(1));
        all.saturating_sub(held)
    }

    /// One gapless run holds this whole span of time.
    pub fn covers(&self, from: Time, to: Time) -> bool {
        self.runs.iter().any(|run| run.first <= from && to <= run.last)
    }
}
