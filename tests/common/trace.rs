//! Writes traces (.etl) as a session would: what no public file holds is tested on these.

use std::collections::BTreeMap;

use whyrdp::event::{Damage, Event, Guid, Lost, Machine, Sink, Stamp, Time};

/// A trace to be.
pub struct Trace {
    pub build: u32,
    pub clock: u32,
    pub frequency: i64,
    pub mhz: u32,
    pub mode: u32,
    pub lost: (u32, u32),
    pub narrow: bool,
    pub buffers: Vec<Vec<u8>>,
}

pub const START: &str = "2024-05-01T08:00:00Z";
/// Raw value of the clock at the start.
pub const ZERO: i64 = 1_000_000;
const BUFFER: usize = 0x2000;
const HEADER: usize = 0x48;

impl Default for Trace {
    fn default() -> Self {
        Trace {
            build: 19045,
            clock: 1,
            frequency: 10_000_000,
            mhz: 2500,
            mode: 1,
            lost: (0, 0),
            narrow: false,
            buffers: Vec::new(),
        }
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

impl Trace {
    /// Adds a buffer of records.
    pub fn buffer(mut self, records: &[Vec<u8>]) -> Self {
        let mut data = Vec::new();
        for record in records {
            data.extend(record);
            data.resize(data.len().next_multiple_of(8), 0xCC);
        }
        self.buffers.push(data);
        self
    }

    fn head(&self) -> Vec<u8> {
        let shift = |at: usize| if self.narrow { at } else { at + 8 };
        let mut record = vec![0; 0x200];
        let marker: u32 = if self.narrow { 0xC001_0002 } else { 0xC002_0002 };
        put(&mut record, 0, &marker.to_le_bytes());
        put(&mut record, 4, &0x200u16.to_le_bytes());
        put(&mut record, 0x10, &ZERO.to_le_bytes());
        let header = &mut record[0x20..];
        put(header, 0, &(BUFFER as u32).to_le_bytes());
        put(header, 8, &self.build.to_le_bytes());
        put(header, 0x10, &(Time::parse(START).unwrap().ticks() + 600_000_000).to_le_bytes());
        put(header, 0x20, &self.mode.to_le_bytes());
        put(header, 0x2C, &if self.narrow { 4u32 } else { 8 }.to_le_bytes());
        put(header, 0x30, &self.lost.0.to_le_bytes());
        put(header, 0x34, &self.mhz.to_le_bytes());
        put(header, shift(0xF8), &self.frequency.to_le_bytes());
        put(header, shift(0x100), &Time::parse(START).unwrap().ticks().to_le_bytes());
        put(header, shift(0x108), &self.clock.to_le_bytes());
        put(header, shift(0x10C), &self.lost.1.to_le_bytes());
        record
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut file = wrapped(&self.head(), 0, false);
        let compressed = self.mode & 0x0400_0000 != 0;
        for (n, data) in self.buffers.iter().enumerate() {
            file.extend(wrapped(data, n + 1, compressed));
        }
        file
    }
}

fn wrapped(data: &[u8], sequence: usize, compressed: bool) -> Vec<u8> {
    let mut buffer = vec![0; HEADER];
    if compressed {
        // Literals alone: 32 of them behind each word of flags.
        for part in data.chunks(32) {
            buffer.extend([0; 4]);
            buffer.extend(part);
        }
    } else {
        buffer.extend(data);
        assert!(buffer.len() <= BUFFER);
        buffer.resize(BUFFER, 0xFF);
    }
    let size = buffer.len() as u32;
    put(&mut buffer, 0, &size.to_le_bytes());
    put(&mut buffer, 0x18, &(sequence as u64).to_le_bytes());
    put(&mut buffer, 0x30, &((HEADER + data.len()) as u32).to_le_bytes());
    put(&mut buffer, 0x34, &if compressed { 0x60u16 } else { 0x20 }.to_le_bytes());
    buffer
}

/// A GUID as Windows stores it.
pub fn stored(guid: &str) -> [u8; 16] {
    let b = Guid::parse(guid).unwrap().0;
    Guid::from_le_bytes(b).0
}

/// UTF-16 with its NUL.
pub fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Some milliseconds after the start, by a clock of 10 MHz.
pub fn after(milliseconds: i64) -> i64 {
    ZERO + milliseconds * 10_000
}

/// An event of a manifest or of TraceLogging.
#[derive(Clone, Default)]
pub struct Logged<'a> {
    pub provider: &'a str,
    pub id: u16,
    pub version: u8,
    pub raw: i64,
    pub narrow: bool,
    pub activity: Option<&'a str>,
    /// Kinds and data of extended items.
    pub items: Vec<(u16, Vec<u8>)>,
    pub payload: Vec<u8>,
}

impl Logged<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let mut record = vec![0; 0x50];
        record[2] = if self.narrow { 0x12 } else { 0x13 };
        record[3] = 0xC0;
        put(&mut record, 4, &u16::from(!self.items.is_empty()).to_le_bytes());
        put(&mut record, 8, &77u32.to_le_bytes());
        put(&mut record, 12, &4242u32.to_le_bytes());
        put(&mut record, 0x10, &self.raw.to_le_bytes());
        put(&mut record, 0x18, &stored(self.provider));
        put(&mut record, 0x28, &self.id.to_le_bytes());
        record[0x2A] = self.version;
        record[0x2C] = 4;
        if let Some(activity) = self.activity {
            put(&mut record, 0x40, &stored(activity));
        }
        for (n, (kind, data)) in self.items.iter().enumerate() {
            let size = (8 + data.len()).next_multiple_of(8);
            record.extend((size as u16).to_le_bytes());
            record.extend(kind.to_le_bytes());
            record.extend(u16::from(n + 1 < self.items.len()).to_le_bytes());
            record.extend((data.len() as u16).to_le_bytes());
            record.extend(data);
            record.resize(record.len().next_multiple_of(8), 0);
        }
        record.extend(&self.payload);
        let size = record.len() as u16;
        put(&mut record, 0, &size.to_le_bytes());
        record
    }
}

/// A classic event.
pub fn classic(class: &str, kind: u8, raw: i64, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 0x30];
    put(&mut record, 0, &((0x30 + payload.len()) as u16).to_le_bytes());
    record[2] = 0x14;
    record[3] = 0xC0;
    record[4] = kind;
    put(&mut record, 0x10, &raw.to_le_bytes());
    put(&mut record, 0x18, &stored(class));
    record.extend(payload);
    record
}

/// A WPP message.
pub fn message(file: &str, number: u16, raw: i64, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![0, 0, 0, 0x90];
    record.extend(number.to_le_bytes());
    record.extend(0xABu16.to_le_bytes());
    record.extend(9u32.to_le_bytes());
    record.extend(stored(file));
    record.extend(raw.to_le_bytes());
    record.extend(77u32.to_le_bytes());
    record.extend(4242u32.to_le_bytes());
    record.extend(payload);
    let size = record.len() as u16;
    put(&mut record, 0, &size.to_le_bytes());
    record
}

/// A schema of TraceLogging for an event without fields.
pub fn schema(name: &str, fields: &[u8]) -> Vec<u8> {
    let mut schema = vec![0, 0, 0];
    schema.extend(name.as_bytes());
    schema.push(0);
    schema.extend(fields);
    let size = schema.len() as u16;
    put(&mut schema, 0, &size.to_le_bytes());
    schema
}

/// Traits that name a provider.
pub fn traits(name: &str) -> Vec<u8> {
    let mut traits = ((name.len() + 3) as u16).to_le_bytes().to_vec();
    traits.extend(name.as_bytes());
    traits.push(0);
    traits
}

/// All that a reader tells.
#[derive(Default)]
pub struct Collected {
    pub kinds: BTreeMap<String, u64>,
    /// By GUID and kind of header.
    pub providers: BTreeMap<(Guid, String), (String, u64)>,
    pub first: Option<Time>,
    pub last: Option<Time>,
    pub events: Vec<Event>,
    pub damage: Vec<Damage>,
    pub lost: Lost,
    pub machine: Machine,
}

impl Sink for Collected {
    fn record(&mut self, stamp: &Stamp<'_>) {
        *self.kinds.entry(stamp.kind.to_owned()).or_default() += 1;
        if let Some(time) = stamp.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        if let Some(guid) = stamp.provider_guid {
            let entry = self.providers.entry((guid, stamp.kind.to_owned())).or_default();
            entry.0 = stamp.provider.to_owned();
            entry.1 += 1;
        }
    }

    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }

    fn machine(&mut self, machine: Machine) {
        self.machine.merge(machine);
    }
}
