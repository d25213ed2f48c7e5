//! Sums up what stage one reads of the records of a chunk, for who does not ask for each.

use super::authors::{AuthorId, Authors};
use super::learned::Facts;
use super::words::Words;
use crate::event::{Sink, Sum, Time};

/// Sums not yet told.
#[derive(Default)]
pub(super) struct Tally {
    /// Records by author, and the authors in the order in which they were met.
    counts: Vec<u64>,
    met: Vec<AuthorId>,
    run: Option<Run>,
}

/// Records of one channel whose ids follow each other.
#[derive(Clone, Copy)]
struct Run {
    author: AuthorId,
    forwarded: bool,
    ids: (u64, u64),
    times: (Time, Time),
    /// So many of the last ones are not counted yet, all by `author`.
    uncounted: u64,
}

impl Run {
    fn of(facts: &Facts) -> Self {
        let (ids, times) = ((facts.record_id, facts.record_id), (facts.time, facts.time));
        Run { author: facts.author, forwarded: facts.forwarded, ids, times, uncounted: 0 }
    }

    /// Adds the next record, by the same author. `false`: it is not.
    #[inline]
    fn add_next(&mut self, facts: &Facts) -> bool {
        let is_next = facts.author == self.author
            && self.ids.1.checked_add(1) == Some(facts.record_id)
            && facts.forwarded == self.forwarded;
        if is_next {
            self.ids.1 = facts.record_id;
            self.times = (self.times.0.min(facts.time), self.times.1.max(facts.time));
            self.uncounted += 1;
        }
        is_next
    }

    /// Adds a record of the same channel. `false`: its id does not follow, or it came another way.
    fn add(&mut self, facts: &Facts) -> bool {
        let follows = facts.record_id >= self.ids.0 && facts.record_id <= self.ids.1.saturating_add(1);
        if !follows || self.forwarded != facts.forwarded {
            return false;
        }
        self.author = facts.author;
        self.ids.1 = self.ids.1.max(facts.record_id);
        self.times = (self.times.0.min(facts.time), self.times.1.max(facts.time));
        true
    }
}

impl Tally {
    #[inline]
    pub fn add(&mut self, facts: &Facts, authors: &Authors, words: &Words, sink: &mut dyn Sink) {
        if !self.run.as_mut().is_some_and(|run| run.add_next(facts)) {
            self.add_other(facts, authors, words, sink);
        }
    }

    /// Adds a record that is not by the author of the one before it, or does not follow that.
    #[inline(never)]
    fn add_other(&mut self, facts: &Facts, authors: &Authors, words: &Words, sink: &mut dyn Sink) {
        self.count();
        match self.counts.get_mut(facts.author as usize) {
            Some(count) if *count > 0 => *count += 1,
            _ => self.meet(facts.author),
        }
        // Authors of one channel share its runs.
        let channel = |id| authors.get(id).map(|author| (author.computer, author.channel));
        let is_of = |run: &Run| run.author == facts.author || channel(run.author) == channel(facts.author);
        if !self.run.as_mut().is_some_and(|run| is_of(run) && run.add(facts)) {
            self.tell_run(authors, words, sink);
            self.run = Some(Run::of(facts));
        }
    }

    #[cold]
    fn meet(&mut self, author: AuthorId) {
        let at = author as usize;
        self.counts.resize(self.counts.len().max(at + 1), 0);
        if let Some(count) = self.counts.get_mut(at) {
            *count = 1;
            self.met.push(author);
        }
    }

    /// Counts the last records.
    fn count(&mut self) {
        let Some(run) = &mut self.run else { return };
        let uncounted = std::mem::take(&mut run.uncounted);
        // Whoever wrote a run is counted since its first record.
        if let Some(count) = self.counts.get_mut(run.author as usize) {
            *count += uncounted;
        }
    }

    #[cold]
    fn tell_run(&mut self, authors: &Authors, words: &Words, sink: &mut dyn Sink) {
        self.count();
        let Some(run) = self.run.take() else { return };
        let Some(author) = authors.get(run.author) else { return };
        let Run { forwarded, ids, times, .. } = run;
        let (computer, channel) = (words.text(author.computer), words.text(author.channel));
        sink.sum(Sum::Channel { computer, channel, forwarded, ids, times });
    }

    /// Tells all that was added.
    pub fn tell(&mut self, authors: &Authors, words: &Words, sink: &mut dyn Sink) {
        self.tell_run(authors, words, sink);
        for id in self.met.drain(..) {
            let records = self.counts.get_mut(id as usize).map(std::mem::take).unwrap_or_default();
            if let Some(author) = authors.get(id) {
                let (name, guid) = (words.text(author.provider), author.provider_guid);
                sink.sum(Sum::Provider { name, guid, records });
            }
        }
    }
}
