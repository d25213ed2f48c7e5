//! Stretches of time: more rows than are to be held at once, cut into cases that are judged one after the other.

use std::collections::VecDeque;

use super::standing::Standing;
use crate::attempt::Own;
use crate::event::{TICKS_PER_SECOND, Time};
use crate::evidence::{Evidence, Findings, Row};
use crate::signature::Signatures;

/// What lies this near a stretch is looked at with it, 100 ns: long enough for a working day's session.
const AROUND: i64 = 24 * 3600 * TICKS_PER_SECOND;

/// Cuts rows into stretches.
///
/// Half of the rows that may be held are a stretch's own; a quarter before and a quarter behind are what lies within
/// 24 hours of it, as far as they reach. Rows of one moment are never cut apart. Conditions that stand since earlier go
/// along with every stretch.
pub struct Stretches<'s, I> {
    pub(super) signatures: &'s Signatures,
    rows: I,
    room: usize,
    standing: Standing<'s>,
    /// Where the next stretch begins.
    from: Option<Time>,
    begun: bool,
    behind: Vec<Evidence>,
    ahead: VecDeque<Evidence>,
}

/// One of them.
pub struct Stretch {
    /// Its rows, those around it, and what logs cover.
    pub findings: Findings,
    /// What it answers for.
    pub own: Own,
}

impl<'s, E, I: Iterator<Item = Result<Evidence, E>>> Stretches<'s, I> {
    /// `rows` in order of time, those without a time first; `room`: how many are held at once.
    pub fn new(rows: I, room: usize, signatures: &'s Signatures) -> Self {
        let room = room.max(8);
        let standing = Standing::new(signatures, room / 4);
        let (behind, ahead) = (Vec::new(), VecDeque::new());
        Stretches { signatures, rows, room, standing, from: None, begun: false, behind, ahead }
    }

    /// The next one; `ground` holds all but the evidence.
    pub(super) fn next(&mut self, ground: &Findings) -> Result<Option<Stretch>, E> {
        let mut findings = ground.clone();
        let mut add = |row| findings.add(Row::Evidence(row));
        let (mut own, mut last) = (0, None);
        while let Some(row) = self.take()? {
            if own >= self.room / 2 {
                // A record without a time is part of no attempt.
                if row.record.time.is_none() {
                    continue;
                }
                if row.record.time != last {
                    self.ahead.push_front(row);
                    break;
                }
            }
            (own, last) = (own + 1, row.record.time);
            add(row);
        }
        if own == 0 && self.begun {
            return Ok(None);
        }
        self.begun = true;
        let to = self.ahead.front().and_then(|row| row.record.time);
        self.look_ahead(to)?;
        self.standing.rows().cloned().for_each(&mut add);
        std::mem::take(&mut self.behind).into_iter().chain(self.ahead.drain(..)).for_each(&mut add);
        Ok(Some(Stretch { findings, own: Own { from: self.from, to } }))
    }

    fn take(&mut self) -> Result<Option<Evidence>, E> {
        self.ahead.pop_front().map(Ok).or_else(|| self.rows.next()).transpose()
    }

    /// Reads what lies behind a stretch that ends at this time.
    fn look_ahead(&mut self, to: Option<Time>) -> Result<(), E> {
        let Some(to) = to else { return Ok(()) };
        let near = |row: &Evidence| row.record.time.is_none_or(|time| time < to.plus(AROUND));
        while self.ahead.len() < self.room / 4 && self.ahead.back().is_none_or(near) {
            let Some(row) = self.rows.next().transpose()? else { break };
            self.ahead.push_back(row);
        }
        Ok(())
    }

    /// Takes back of a stretch that was judged what the next one looks at.
    pub(super) fn done(&mut self, stretch: Stretch) {
        let Own { from, to } = stretch.own;
        let mut rows: Vec<Evidence> = stretch.findings.evidence.into_values().collect();
        rows.sort_unstable_by_key(|row| (row.record.time, row.event));
        let before = |time: Time| rows.partition_point(|row| row.record.time < Some(time));
        let (first, end) = (from.map_or(0, before), to.map_or(rows.len(), before));
        self.ahead = rows.split_off(end).into();
        rows.iter().skip(first).for_each(|row| self.standing.see(row));
        let near = to.map_or(0, |to| rows.partition_point(|row| row.record.time < Some(to.plus(-AROUND))));
        self.behind = rows.split_off(near.max(rows.len().saturating_sub(self.room / 4)));
        self.from = to;
    }
}
