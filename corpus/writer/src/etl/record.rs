//! Records of a trace, one form for each kind of header that Windows writes.

use crate::evtx::Guid;

/// A record: when, where and by whom it was written, and what it is.
#[derive(Debug, Clone)]
pub struct Record {
    /// 100 ns since 1601.
    pub ticks: u64,
    /// Process id.
    pub process: u32,
    /// Thread id.
    pub thread: u32,
    /// The writer was a 64-bit process.
    pub wide: bool,
    /// What it is.
    pub what: What,
}

/// What a record is.
#[derive(Debug, Clone)]
pub enum What {
    /// Of a manifest, or of TraceLogging if an item holds its schema.
    Event(Event),
    /// Of a class (MOF): class, type, version, payload.
    Classic(Guid, u8, u16, Vec<u8>),
    /// As [`What::Classic`], with an instance id and that of its parent.
    Instance(Guid, u8, u32, u32, Vec<u8>),
    /// WPP: GUID of the source file, number, payload.
    Message(Guid, u16, Vec<u8>),
    /// Of the kernel, with processor times: group and type, payload.
    System(u16, Vec<u8>),
    /// The same without processor times.
    Compact(u16, Vec<u8>),
    /// Of the kernel, short, without process.
    Perf(u16, Vec<u8>),
    /// An error of the session.
    Error,
}

/// An event's header, and what follows.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// Provider.
    pub provider: Option<Guid>,
    /// Event id.
    pub id: u16,
    /// Version.
    pub version: u8,
    /// Channel: 11 for TraceLogging.
    pub channel: u8,
    /// Level.
    pub level: u8,
    /// Opcode.
    pub opcode: u8,
    /// Task.
    pub task: u16,
    /// Keywords.
    pub keywords: u64,
    /// ActivityID.
    pub activity: Option<Guid>,
    /// Extended items: type and data.
    pub items: Vec<(u16, Vec<u8>)>,
    /// Values, one behind the other.
    pub payload: Vec<u8>,
}

/// Type of the item with a TraceLogging schema.
pub const SCHEMA: u16 = 0xB;
/// Type of the item with the provider's name.
pub const TRAITS: u16 = 0xC;

impl Record {
    /// The bytes, without padding. `raw`: its time in units of the session's clock; `sequence`: its number
    /// among messages.
    #[must_use]
    pub fn bytes(&self, raw: i64, sequence: u32) -> Vec<u8> {
        let kind = |narrow: u8, wide: u8| if self.wide { wide } else { narrow };
        match &self.what {
            What::Event(event) => self.event(event, kind(0x12, 0x13), raw),
            What::Classic(class, number, version, payload) => {
                let mut out = self.classic(class, *number, *version, kind(0x0A, 0x14), raw);
                out.extend([0; 8]);
                sized(out, payload)
            }
            What::Instance(class, number, id, parent, payload) => {
                let mut out = self.classic(class, *number, 0, kind(0x0B, 0x15), raw);
                out.extend([0; 8]);
                out.extend(id.to_le_bytes());
                out.extend(parent.to_le_bytes());
                out.extend([0; 16]);
                sized(out, payload)
            }
            What::Message(file, number, payload) => self.message(file, *number, raw, sequence, payload),
            What::System(hook, payload) => {
                let mut out = self.hook(*hook, kind(1, 2), raw);
                out.extend([0; 8]);
                hook_sized(out, payload)
            }
            What::Compact(hook, payload) => hook_sized(self.hook(*hook, kind(3, 4), raw), payload),
            What::Perf(hook, payload) => {
                let mut out = vec![2, 0, kind(0x10, 0x11), 0xC0, 0, 0];
                out.extend(hook.to_le_bytes());
                out.extend(raw.to_le_bytes());
                hook_sized(out, payload)
            }
            What::Error => sized(vec![0, 0, 0x0D, 0xC0, 0, 0, 0, 0], &[]),
        }
    }

    fn hook(&self, hook: u16, kind: u8, raw: i64) -> Vec<u8> {
        let mut out = vec![2, 0, kind, 0xC0, 0, 0];
        out.extend(hook.to_le_bytes());
        out.extend(self.thread.to_le_bytes());
        out.extend(self.process.to_le_bytes());
        out.extend(raw.to_le_bytes());
        out
    }

    fn classic(&self, class: &Guid, number: u8, version: u16, kind: u8, raw: i64) -> Vec<u8> {
        let mut out = vec![0, 0, kind, 0xC0, number, 4];
        out.extend(version.to_le_bytes());
        out.extend(self.thread.to_le_bytes());
        out.extend(self.process.to_le_bytes());
        out.extend(raw.to_le_bytes());
        out.extend(class.bytes());
        out
    }

    fn event(&self, event: &Event, kind: u8, raw: i64) -> Vec<u8> {
        let mut out = vec![0, 0, kind, 0xC0];
        out.extend(u16::from(!event.items.is_empty()).to_le_bytes());
        out.extend([0, 0]);
        out.extend(self.thread.to_le_bytes());
        out.extend(self.process.to_le_bytes());
        out.extend(raw.to_le_bytes());
        out.extend(event.provider.map_or([0; 16], |guid| guid.bytes()));
        out.extend(event.id.to_le_bytes());
        out.extend([event.version, event.channel, event.level, event.opcode]);
        out.extend(event.task.to_le_bytes());
        out.extend(event.keywords.to_le_bytes());
        out.extend([0; 8]);
        out.extend(event.activity.map_or([0; 16], |guid| guid.bytes()));
        for (at, (kind, data)) in event.items.iter().enumerate() {
            out.extend((8 + data.len()).next_multiple_of(8).to_le_bytes().into_iter().take(2));
            out.extend(kind.to_le_bytes());
            out.extend(u16::from(at + 1 < event.items.len()).to_le_bytes());
            out.extend(data.len().to_le_bytes().into_iter().take(2));
            out.extend(data);
            out.resize(out.len().next_multiple_of(8), 0);
        }
        sized(out, &event.payload)
    }

    fn message(&self, file: &Guid, number: u16, raw: i64, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0, 0, 0, 0x90];
        out.extend(number.to_le_bytes());
        let flags: u16 = if self.wide { 0xAB } else { 0x6B };
        out.extend(flags.to_le_bytes());
        out.extend(sequence.to_le_bytes());
        out.extend(file.bytes());
        out.extend(raw.to_le_bytes());
        out.extend(self.thread.to_le_bytes());
        out.extend(self.process.to_le_bytes());
        sized(out, payload)
    }
}

/// Adds the payload and writes the size where it stands first.
fn sized(mut out: Vec<u8>, payload: &[u8]) -> Vec<u8> {
    out.extend(payload);
    put(&mut out, 0);
    out
}

/// The same for headers whose size stands at 4.
fn hook_sized(mut out: Vec<u8>, payload: &[u8]) -> Vec<u8> {
    out.extend(payload);
    put(&mut out, 4);
    out
}

fn put(out: &mut [u8], at: usize) {
    let size = u16::try_from(out.len()).unwrap_or(u16::MAX);
    out[at..at + 2].copy_from_slice(&size.to_le_bytes());
}

/// Schema of a TraceLogging event: its name, and its fields as (name, in type, out type).
#[must_use]
pub fn schema(name: &str, fields: &[(String, u8, u8)]) -> Vec<u8> {
    let mut out = vec![0, 0, 0];
    out.extend(name.as_bytes());
    out.push(0);
    for (name, kind, shown) in fields {
        out.extend(name.as_bytes());
        out.push(0);
        if *shown == 0 {
            out.push(*kind);
        } else {
            out.extend([kind | 0x80, *shown]);
        }
    }
    put(&mut out, 0);
    out
}

/// Traits of a TraceLogging provider: its name.
#[must_use]
pub fn traits(name: &str) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend(name.as_bytes());
    out.push(0);
    put(&mut out, 0);
    out
}
