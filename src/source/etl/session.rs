//! The first record of a trace: what the session says of itself, and its clock.

use crate::event::{Lost, Machine, Time};
use crate::source::bytes::{u16_at, u32_at, u64_at};

use super::buffer::HEADER;

/// Length of a record's SYSTEM header, behind which TRACE_LOGFILE_HEADER begins.
const SYSTEM_HEADER: usize = 0x20;
/// Least length of the first record.
const LEAST: u16 = 0x130;
/// Mode of a session whose buffers are compressed.
const COMPRESSED: u32 = 0x0400_0000;
/// A moment this far from the session's start is no time but damage.
const PLAUSIBLE: i64 = 10 * 366 * 24 * 3600 * crate::event::TICKS_PER_SECOND;

/// What is of use of a session's header.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Windows build; may be that of the tool that merged the file.
    pub build: u32,
    /// Pointers of the system are 8 bytes.
    pub wide: bool,
    pub compressed: bool,
    /// Size of buffers in memory.
    pub buffer_size: usize,
    pub lost: Lost,
    pub clock: Clock,
    /// It was stopped in order: nothing stood in memory only.
    pub stopped: bool,
    pub machine: Machine,
}

/// Is this the start of a trace?
pub(super) fn begins(head: &[u8]) -> bool {
    let size = u32_at(head, 0).unwrap_or(0) as usize;
    let marker = u32_at(head, HEADER).unwrap_or(0);
    let record = u16_at(head, HEADER + 4).unwrap_or(0);
    let known = matches!(marker >> 16, 0xC001 | 0xC002);
    let fits = (HEADER + usize::from(LEAST)..=super::buffer::LARGEST).contains(&size);
    known && fits && record >= LEAST && u16_at(head, HEADER + 6) == Some(0)
}

impl Session {
    /// From the first bytes of a file.
    pub fn read(head: &[u8]) -> Option<Self> {
        let record = head.get(HEADER..)?;
        let narrow = record.get(2) == Some(&1);
        let header = record.get(SYSTEM_HEADER..)?;
        // Behind two pointers everything stands 8 bytes later in the 64-bit form.
        let late = |at| if narrow { at } else { at + 8 };
        let flags = u32_at(header, late(0x108))?;
        let clock = Clock {
            kind: match flags {
                2 => Ticks::System,
                3 => Ticks::Cycles,
                _ => Ticks::Counter,
            },
            zero: signed(u64_at(record, 0x10)?),
            start: signed(u64_at(header, late(0x100))?),
            frequency: signed(u64_at(header, late(0xF8))?),
            mhz: u32_at(header, 0x34)?,
        };
        Some(Session {
            build: u32_at(header, 8)?,
            wide: u32_at(header, 0x2C)? != 4,
            compressed: u32_at(header, 0x20)? & COMPRESSED != 0,
            buffer_size: u32_at(header, 0)? as usize,
            lost: Lost { events: u64::from(u32_at(header, 0x30)?), buffers: u64::from(u32_at(header, late(0x10C))?) },
            stopped: u64_at(header, 0x10)? != 0,
            machine: Machine {
                boot: moment(u64_at(header, late(0xF0))?),
                session: moment(u64_at(header, late(0x100))?),
                processors: Some((u32_at(header, 0xC)?, clock.mhz)),
                ..Machine::default()
            },
            clock,
        })
    }
}

/// A FILETIME that was filled in.
fn moment(ticks: u64) -> Option<Time> {
    (ticks != 0).then(|| Time::from_filetime(ticks))
}

fn signed(value: u64) -> i64 {
    i64::from_ne_bytes(value.to_ne_bytes())
}

/// What raw time stamps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ticks {
    /// The performance counter.
    Counter,
    /// FILETIME.
    System,
    /// Cycles of the processor.
    Cycles,
}

/// Makes times of raw time stamps.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    kind: Ticks,
    /// Raw value that is `start`.
    zero: i64,
    /// FILETIME.
    start: i64,
    /// Per second.
    frequency: i64,
    mhz: u32,
}

impl Clock {
    /// The time of a raw value; `None` for values that can be none.
    pub fn time(&self, raw: i64) -> Option<Time> {
        if raw == 0 || self.is_lost() {
            return None;
        }
        let since = i128::from(raw) - i128::from(self.zero);
        let ticks = match (self.kind, self.frequency, self.mhz) {
            (Ticks::System, ..) => i128::from(raw),
            // Nearly every system since Windows 10; it needs no division.
            (Ticks::Counter, 10_000_000, _) => i128::from(self.start) + since,
            (Ticks::Counter, frequency @ 1.., _) => i128::from(self.start) + since * 10_000_000 / i128::from(frequency),
            (Ticks::Cycles, _, mhz @ 1..) => i128::from(self.start) + since * 10 / i128::from(mhz),
            // Without a frequency the commonest one.
            (Ticks::Counter | Ticks::Cycles, ..) => i128::from(self.start) + since,
        };
        let near = (ticks - i128::from(self.start)).abs() < i128::from(PLAUSIBLE) || self.start <= 0;
        u64::try_from(ticks).ok().filter(|_| near).map(Time::from_filetime)
    }

    /// Nothing tells when the session began, from which its clock counts.
    pub fn is_lost(&self) -> bool {
        self.kind != Ticks::System && self.start <= 0
    }

    /// Time stamps cannot be told for want of a frequency.
    pub fn is_guess(&self) -> bool {
        match self.kind {
            Ticks::Counter => self.frequency <= 0,
            Ticks::Cycles => self.mhz == 0,
            Ticks::System => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(kind: Ticks) -> Clock {
        let start = Time::parse("2024-05-01T08:00:00Z").unwrap().ticks();
        Clock { kind, zero: 1000, start, frequency: 3_000_000, mhz: 2500 }
    }

    #[test]
    fn each_clock_counts_from_the_start() {
        let text = |kind, raw| clock(kind).time(raw).unwrap().to_string();
        assert_eq!(text(Ticks::Counter, 3_001_000), "2024-05-01T08:00:01.0000000Z");
        assert_eq!(text(Ticks::Counter, 1000 - 1500), "2024-05-01T07:59:59.9995000Z");
        assert_eq!(text(Ticks::Cycles, 2_500_001_000), "2024-05-01T08:00:01.0000000Z");
        let now = Time::parse("2024-05-02T00:00:00Z").unwrap();
        assert_eq!(clock(Ticks::System).time(now.ticks()), Some(now));
    }

    #[test]
    fn no_value_overflows_and_wild_ones_are_no_time() {
        for kind in [Ticks::Counter, Ticks::System, Ticks::Cycles] {
            for raw in [0, i64::MIN, i64::MAX, -1] {
                let mut clock = clock(kind);
                assert_eq!(clock.time(raw), clock.time(raw).filter(|time| time.ticks() > clock.start - PLAUSIBLE));
                clock.frequency = 0;
                clock.mhz = 0;
                clock.zero = i64::MIN;
                clock.start = i64::MAX;
                clock.time(raw);
            }
            assert_eq!(clock(kind).time(i64::MAX), None);
        }
    }
}
