//! What lines of FreeRDP do not tell: their day, and which of several runs they are of.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, Time as Hour};

use super::{FreerdpLog, Prefix, begins};
use crate::event::{Guid, Time};
use crate::source::lines::Lines;

/// A line so much earlier than the one before is of the next day: threads only differ by moments.
const NIGHT: i64 = 12 * 3600;

/// Beginnings of runs that are told apart in one log.
const RUNS: usize = 1 << 16;

/// Nights that the hours of a log show.
#[derive(Debug, Default)]
pub(super) struct Days {
    /// Before each block: nights so far, and the last hour.
    blocks: Vec<(i32, Option<Hour>)>,
    /// In all.
    pub nights: i32,
    /// Any line tells an hour.
    pub told: bool,
    /// Blocks in which a process began to connect, in order.
    starts: Vec<(usize, u32)>,
}

impl Days {
    pub fn of(lines: &Lines) -> Self {
        let mut days = Days::default();
        let mut last = None;
        for block in 0..lines.blocks() {
            days.blocks.push((days.nights, last));
            // What cannot be read is reported by the scan.
            let _ = lines.records(block, &begins, &mut |piece| {
                let Ok(piece) = piece else { return };
                let Some(prefix) = Prefix::read(piece.text) else { return };
                if let Some(hour) = prefix.hour {
                    days.nights += i32::from(is_next_day(&mut last, hour));
                    days.told = true;
                }
                if let Some(process) = prefix.process.filter(|_| prefix.connects() && days.starts.len() < RUNS) {
                    days.starts.push((block, process));
                }
            });
        }
        days
    }
}

/// Did a night pass since the last hour?
pub(super) fn is_next_day(last: &mut Option<Hour>, hour: Hour) -> bool {
    let seconds = |hour: Hour| i64::from(hour.hour()) * 3600 + i64::from(hour.minute()) * 60 + i64::from(hour.second());
    let back = last.map_or(0, |last| seconds(last) - seconds(hour));
    // A late line of the day before does not begin a day that it ends.
    if back > -NIGHT {
        *last = Some(hour);
    }
    back > NIGHT
}

/// Tells the moments of a block's lines.
pub(super) struct Clock<'a> {
    log: &'a FreerdpLog,
    first: Option<Date>,
    nights: i32,
    last: Option<Hour>,
    /// How often each process began to connect so far.
    runs: BTreeMap<u32, u8>,
}

impl<'a> Clock<'a> {
    pub fn of(log: &'a FreerdpLog, block: usize) -> Self {
        let (nights, last) = log.days().blocks.get(block).copied().unwrap_or_default();
        let mut clock = Clock { log, first: log.first_day(), nights, last, runs: BTreeMap::new() };
        let before = log.days().starts.partition_point(|(at, _)| *at < block);
        log.days().starts.iter().take(before).for_each(|(_, process)| clock.start(*process));
        clock
    }

    fn start(&mut self, process: u32) {
        let runs = self.runs.entry(process).or_default();
        *runs = runs.saturating_add(1);
    }

    /// One for each run of a process: a window may connect again, and process ids are used again. Who does not log
    /// where it begins serves one user's action. No ActivityID of Windows begins so.
    pub fn activity(&mut self, prefix: &Prefix<'_>) -> Option<Guid> {
        let process = prefix.process?;
        if prefix.connects() {
            self.start(process);
        }
        let day = self.first.unwrap_or_default();
        let mut bytes = *b"FreeRDP\0\0\0\0\0\0\0\0\0";
        bytes[7] = self.runs.get(&process).map_or(0, |runs| runs.saturating_sub(1));
        bytes[8..10].copy_from_slice(&day.year().to_be_bytes());
        bytes[10..12].copy_from_slice(&day.day_of_year().to_be_bytes());
        bytes[12..].copy_from_slice(&process.to_be_bytes());
        Some(Guid(bytes))
    }

    pub fn moment(&mut self, hour: Hour) -> Option<Time> {
        self.nights += i32::from(is_next_day(&mut self.last, hour));
        let day = self.first?.checked_add(self.nights.days()).ok()?;
        self.log.aids.moment(day.to_datetime(hour))
    }
}
