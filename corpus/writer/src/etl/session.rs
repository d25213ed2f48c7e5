//! The session of a trace: its header, its clock.

use super::{huffman, lznt1, xpress};

/// What raw times of a session count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The performance counter, of this frequency.
    Counter(u32),
    /// 100 ns since 1601.
    System,
    /// Cycles of a processor of so many MHz.
    Cycles(u32),
}

impl Clock {
    pub(super) fn frequency(self) -> u64 {
        match self {
            Clock::Counter(frequency) => u64::from(frequency),
            _ => 10_000_000,
        }
    }
}

/// How buffers are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// LZNT1.
    Lznt1,
    /// Plain LZ77, the usual one.
    #[default]
    Xpress,
    /// LZ77 with Huffman codes.
    XpressHuffman,
}

impl Compression {
    /// `COMPRESSION_FORMAT_*` of winnt.h.
    pub(super) fn number(self) -> u32 {
        match self {
            Compression::Lznt1 => 2,
            Compression::Xpress => 3,
            Compression::XpressHuffman => 4,
        }
    }

    pub(super) fn compress(self, data: &[u8]) -> Vec<u8> {
        match self {
            Compression::Lznt1 => lznt1::compress(data),
            Compression::Xpress => xpress::compress(data),
            Compression::XpressHuffman => huffman::compress(data),
        }
    }
}

/// A session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its name.
    pub name: String,
    /// The file, as the computer calls it.
    pub file: String,
    /// Windows build.
    pub build: u32,
    /// The system is a 64-bit one.
    pub wide: bool,
    /// What times count.
    pub clock: Clock,
    /// Buffers are compressed.
    pub compressed: bool,
    /// How, if they are.
    pub compression: Compression,
    /// Size of a buffer.
    pub buffer: usize,
    /// Processors.
    pub processors: u16,
    /// Start of the session, 100 ns since 1601.
    pub start: u64,
    /// Its end; `None` where it was never stopped.
    pub end: Option<u64>,
    /// Start of the system.
    pub boot: u64,
    /// Minutes that UTC is ahead of local time.
    pub bias: i32,
    /// The newest buffers stand before the oldest.
    pub circular: bool,
    /// Events that it lost.
    pub lost_events: u32,
    /// Buffers that it lost.
    pub lost_buffers: u32,
    /// Bits of the mode besides those that follow from the rest.
    pub mode: u32,
}

/// Raw time of a session's start: a counter runs since the start of the system.
const ZERO: i64 = 31_415_926_535;
/// `LogFileMode`: circular, compressed.
const CIRCULAR: u32 = 2;
const COMPRESSED: u32 = 0x0400_0000;

impl Session {
    /// A session of a 64-bit Windows 10 that starts then.
    #[must_use]
    pub fn starting(start: u64) -> Self {
        Session {
            name: "rdp".to_owned(),
            file: r"C:\Traces\rdp.etl".to_owned(),
            build: 19045,
            wide: true,
            clock: Clock::Counter(10_000_000),
            compressed: false,
            compression: Compression::default(),
            buffer: 0x4000,
            processors: 2,
            start,
            end: Some(start + 36_000_000_000),
            boot: start - 864_000_000_000,
            bias: 0,
            circular: false,
            lost_events: 0,
            lost_buffers: 0,
            mode: 0,
        }
    }

    /// A moment in units of the clock.
    #[must_use]
    pub fn raw(&self, ticks: u64) -> i64 {
        let since = i128::from(ticks) - i128::from(self.start);
        let raw = match self.clock {
            Clock::Counter(frequency) => i128::from(ZERO) + (since * i128::from(frequency)).div_euclid(10_000_000),
            Clock::Cycles(mhz) => i128::from(ZERO) + (since * i128::from(mhz)).div_euclid(10),
            Clock::System => i128::from(ticks),
        };
        i64::try_from(raw).unwrap_or(i64::MAX)
    }

    /// The first record: SYSTEM_TRACE_HEADER, TRACE_LOGFILE_HEADER and two names.
    pub(super) fn head(&self, buffers: usize) -> Vec<u8> {
        let names: Vec<u8> = [&self.name, &self.file]
            .iter()
            .flat_map(|name| name.encode_utf16().chain([0]))
            .flat_map(u16::to_le_bytes)
            .collect();
        // Two pointers stand before the time zone.
        let shift = |at: usize| if self.wide { at + 8 } else { at };
        let mut out = vec![0; 0x20 + shift(0x110)];
        let size = (out.len() + names.len()) as u16;
        let mut put = |at: usize, value: &[u8]| out[at..at + value.len()].copy_from_slice(value);
        put(0, &[2, 0, if self.wide { 2 } else { 1 }, 0xC0]);
        put(4, &size.to_le_bytes());
        put(0x10, &self.raw(self.start).to_le_bytes());
        let mut put = |at: usize, value: &[u8]| put(0x20 + at, value);
        put(0, &(self.buffer as u32).to_le_bytes());
        put(4, &[10, 0, if self.compressed { 2 } else { 1 }, if self.compressed { 0 } else { 5 }]);
        put(8, &self.build.to_le_bytes());
        put(0xC, &u32::from(self.processors).to_le_bytes());
        put(0x10, &self.end.unwrap_or(0).to_le_bytes());
        put(0x18, &156_250_u32.to_le_bytes());
        let mode = self.mode | if self.circular { CIRCULAR } else { 1 } | if self.compressed { COMPRESSED } else { 0 };
        put(0x20, &mode.to_le_bytes());
        put(0x24, &(if self.end.is_some() { buffers as u32 } else { 0 }).to_le_bytes());
        put(0x28, &1_u32.to_le_bytes());
        put(0x2C, &(if self.wide { 8_u32 } else { 4 }).to_le_bytes());
        put(0x30, &self.lost_events.to_le_bytes());
        let mhz = if let Clock::Cycles(mhz) = self.clock { mhz } else { 2592 };
        put(0x34, &mhz.to_le_bytes());
        put(shift(0x40), &self.bias.to_le_bytes());
        put(shift(0xF0), &self.boot.to_le_bytes());
        put(shift(0xF8), &self.clock.frequency().to_le_bytes());
        put(shift(0x100), &self.start.to_le_bytes());
        let kind: u32 = match self.clock {
            Clock::Counter(_) => 1,
            Clock::System => 2,
            Clock::Cycles(_) => 3,
        };
        put(shift(0x108), &kind.to_le_bytes());
        put(shift(0x10C), &self.lost_buffers.to_le_bytes());
        out.extend(names);
        out
    }
}
