//! From single events and packets to traces and captures, as a scenario wants them.

use crate::error::Error;
use crate::etl::{self, Clock, Event, Session, What};
use crate::evtx::{Guid, Payload, Value};
use crate::expand::{Happening, Sent, Story};
use crate::logs::Log;
use crate::packet;
use crate::scenario::{Host, Scenario, TraceOptions};
use crate::shape::Shapes;
use crate::{seed, span};
use std::path::PathBuf;

/// Microsoft-Windows-NDIS-PacketCapture
const NDIS: [u8; 16] = [0x2E, 0xD6, 0x00, 0x6E, 0x47, 0x29, 0x46, 0x09, 0xB4, 0x23, 0x3E, 0xE7, 0xBC, 0xD6, 0x78, 0xEF];
/// Microsoft-Windows-PktMon
const PKTMON: [u8; 16] =
    [0x4D, 0x4F, 0x80, 0xD9, 0xC8, 0xBD, 0x4D, 0x73, 0xBB, 0x5B, 0x19, 0xC9, 0x04, 0x02, 0xC5, 0xAC];
/// Channel of TraceLogging.
const TRACELOGGING: u8 = 11;
/// The kernel's records of the processors, with the computer's name, and of adapters, with addresses.
const CPU: u16 = 0x0B0A;
const NIC: u16 = 0x0B0D;

/// Makes the traces and captures that a scenario wants.
///
/// # Errors
/// [`Error::Scenario`] for an option that says nothing; [`Error::Format`] for records that do not fit.
pub fn traces(scenario: &Scenario, shapes: &Shapes, story: &Story) -> Result<Vec<Log>, Error> {
    let mut out = Vec::new();
    for (role, files) in &scenario.traces {
        let host = scenario.hosts.get(role).ok_or_else(|| Error::scenario(format!("no host {role}")))?;
        for (file, options) in files {
            let folder = host.name.split('.').next().unwrap_or_default();
            let packets = sent(role, host, options, story)?;
            let bytes = if options.packets.as_deref() == Some("pcap") {
                packet::pcap(&packets)
            } else {
                let own = story.happenings.iter().filter(|h| h.role == *role && options.of.contains(&h.shape));
                let mut records =
                    own.map(|happening| record(happening, shapes, options)).collect::<Result<Vec<_>, _>>()?;
                records.extend(captured(&packets, options)?);
                let session = session(options, file, host, &records)?;
                records.extend(extras(&session, options, host));
                etl::write(&session, &records)?
            };
            out.push(Log { path: PathBuf::from(folder).join(file), bytes });
        }
    }
    Ok(out)
}

/// Packets as this host's clock sees them.
fn sent(role: &str, host: &Host, options: &TraceOptions, story: &Story) -> Result<Vec<packet::Packet>, Error> {
    if options.packets.is_none() {
        return Ok(Vec::new());
    }
    let clock = span::parse(host.clock.as_deref().unwrap_or("0"))?;
    let seen = |sent: &&Sent| sent.seen_by.is_empty() || sent.seen_by.iter().any(|by| by == role);
    Ok(story
        .packets
        .iter()
        .filter(seen)
        .map(|sent| {
            let mut packet = sent.packet.clone();
            packet.ticks = packet.ticks.saturating_add_signed(clock);
            packet
        })
        .collect())
}

fn session(options: &TraceOptions, file: &str, host: &Host, records: &[etl::Record]) -> Result<Session, Error> {
    let first = records.iter().map(|record| record.ticks).min().unwrap_or(0);
    let last = records.iter().map(|record| record.ticks).max().unwrap_or(0);
    let start = first - span::SECOND as u64 * 2;
    let wide = options.bits.unwrap_or(64) == 64;
    let clock = match options.clock.as_deref() {
        None | Some("counter") => Clock::Counter(options.frequency.unwrap_or(10_000_000)),
        Some("system") => Clock::System,
        Some("cycles") => Clock::Cycles(options.frequency.unwrap_or(2592)),
        Some(other) => return Err(Error::value("clock", other)),
    };
    // A computer has one start, whatever traces it writes.
    let days = 1 + seed::number(&[&host.name, "boot"], 12);
    let boot = (start / 864_000_000_000).saturating_sub(days) * 864_000_000_000
        + seed::number(&[&host.name, "boot second"], 86_400) * 10_000_000
        + 5_000_000;
    Ok(Session {
        name: file.trim_end_matches(".etl").to_owned(),
        file: format!(r"C:\Traces\{file}"),
        build: options.build.unwrap_or(19045),
        wide,
        clock,
        compressed: options.compressed,
        buffer: options.buffer.unwrap_or(0x4000),
        processors: options.processors.unwrap_or(4),
        end: (!options.running).then_some(last + span::SECOND as u64),
        boot,
        bias: -60,
        circular: options.circular,
        lost_events: options.lost_events,
        lost_buffers: options.lost_buffers,
        ..Session::starting(start)
    })
}

/// An event as a record of a trace.
fn record(happening: &Happening, shapes: &Shapes, options: &TraceOptions) -> Result<etl::Record, Error> {
    let from = &happening.record;
    let wide = !options.narrow.contains(&happening.shape) && options.bits.unwrap_or(64) == 64;
    let provider = from.provider.guid;
    let name = || Error::scenario(format!("{} has no GUID: no trace can hold it", from.provider.name));
    let provider = provider.ok_or_else(name)?;
    let (Payload::Named { fields, .. } | Payload::User { fields, .. }) = &from.payload else {
        return Err(Error::scenario(format!("{} is classic: no trace holds it so", from.provider.name)));
    };
    let mut event = Event {
        provider: Some(provider),
        id: from.event_id,
        version: from.version,
        channel: if from.channel.is_empty() { 0 } else { 16 },
        level: from.level,
        opcode: from.opcode,
        task: from.task,
        keywords: from.keywords,
        activity: from.activity,
        ..Event::default()
    };
    let described = shapes.describes_itself(&happening.shape);
    for (_, value) in fields {
        event.payload.extend(payload(value, wide, described));
    }
    if described {
        let types = fields.iter().map(|(name, value)| (name.clone(), kind(value), 0)).collect::<Vec<_>>();
        event.channel = TRACELOGGING;
        event.items.push((etl::SCHEMA, etl::schema(&happening.label, &types)));
        event.items.push((etl::TRAITS, etl::traits(&from.provider.name)));
    }
    Ok(etl::Record { ticks: from.ticks, process: from.process, thread: from.thread, wide, what: What::Event(event) })
}

/// A value as a payload stores it: strings end with NUL, whatever an event log does.
fn payload(value: &Value, wide: bool, described: bool) -> Vec<u8> {
    match value {
        Value::Str { text, .. } => text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect(),
        Value::Pointer(number) if !wide => (*number as u32).to_le_bytes().to_vec(),
        Value::Binary(bytes) if described => {
            let mut out = (bytes.len() as u16).to_le_bytes().to_vec();
            out.extend(bytes);
            out
        }
        other => other.bytes(),
    }
}

/// In type of TraceLogging.
fn kind(value: &Value) -> u8 {
    match value {
        Value::Null | Value::Str { .. } | Value::Strings(_) => 1,
        Value::U8(_) => 4,
        Value::U16(_) => 6,
        Value::I32(_) => 7,
        Value::U32(_) => 8,
        Value::U64(_) => 10,
        Value::F64(_) => 12,
        Value::Bool(_) => 13,
        Value::Binary(_) => 14,
        Value::Guid(_) => 15,
        Value::Pointer(_) => 16,
        Value::FileTime(_) => 17,
        Value::Sid(_) => 19,
        Value::Hex32(_) => 20,
        Value::Hex64(_) => 21,
    }
}

/// Packets as events of the capturing provider.
fn captured(packets: &[packet::Packet], options: &TraceOptions) -> Result<Vec<etl::Record>, Error> {
    let pktmon = match options.packets.as_deref() {
        None => return Ok(Vec::new()),
        Some("ndis") => false,
        Some("pktmon") => true,
        Some(other) => return Err(Error::value("packets", other)),
    };
    let mut records = Vec::new();
    for (number, (ticks, sent, frame)) in packet::frames(packets).into_iter().enumerate() {
        let length = frame.len();
        let mut payload = Vec::new();
        let (id, keywords) = if pktmon {
            payload.extend((number as u64 + 1).to_le_bytes());
            for word in [1_u16, 1, if sent { 2 } else { 1 }, 1, 9, 1, 0] {
                payload.extend(word.to_le_bytes());
            }
            payload.extend([0; 8]);
            payload.extend((length as u16).to_le_bytes());
            payload.extend((length as u16).to_le_bytes());
            (160, 0x10)
        } else {
            for word in [9_u32, 9, length as u32] {
                payload.extend(word.to_le_bytes());
            }
            (1001, 0xC000_0000 | if sent { 0x1_0000_0000 } else { 0x2_0000_0000 })
        };
        payload.extend(frame);
        let provider = Some(Guid(if pktmon { PKTMON } else { NDIS }));
        let event = Event { provider, id, keywords, channel: 16, level: 4, payload, ..Event::default() };
        records.push(etl::Record { ticks, process: 4, thread: 8, wide: true, what: What::Event(event) });
    }
    Ok(records)
}

/// What stands in a trace besides: the kernel's description of the computer, messages that nobody can read.
fn extras(session: &Session, options: &TraceOptions, host: &Host) -> Vec<etl::Record> {
    let mut out = Vec::new();
    let record = |ticks, what| etl::Record { ticks, process: 6620, thread: 6624, wide: session.wide, what };
    if options.names_itself {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let short = host.name.split('.').next().unwrap_or_default();
        let mut cpu: Vec<u8> = [2592_u32, u32::from(session.processors), 16_384, 4096, 65_536]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        cpu.extend(utf16(short));
        cpu.resize(20 + 512 + 268, 0);
        cpu.extend([0; 8]);
        let mut nic = vec![0; 20];
        nic.extend(utf16(&format!("Adapter\0{};fe80::1\010.1.2.5\0", host.ip)));
        out.push(record(session.start, What::System(CPU, cpu)));
        out.push(record(session.start, What::System(NIC, nic)));
    }
    let gap = session.end.unwrap_or(session.start).saturating_sub(session.start) / u64::from(options.messages.max(1));
    for n in 0..options.messages {
        let file = Guid(seed::bytes(&[&host.name, "message", &(n % 3).to_string()]));
        let mut payload = vec![n as u8; 12];
        payload.extend("CClientProxyTransport".encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        let ticks = session.start + u64::from(n) * gap;
        out.push(record(ticks, What::Message(file, 10 + n as u16 % 40, payload)));
    }
    out
}

impl Sent {
    /// A packet that the hosts of these roles see; all, where none is named.
    pub(crate) fn new(packet: packet::Packet, seen_by: Vec<String>) -> Self {
        Sent { packet, seen_by }
    }
}

/// Bytes of a socket address as Windows stores it: IPv4, 16 bytes, or IPv6, 28.
///
/// # Errors
/// [`Error::Value`] where the text is none.
pub fn sockaddr(text: &str) -> Result<Vec<u8>, Error> {
    let address: std::net::SocketAddr = text.parse().map_err(|_| Error::value("sockaddr", text))?;
    let mut out = if address.is_ipv4() { vec![2, 0] } else { vec![0x17, 0] };
    out.extend(address.port().to_be_bytes());
    match address {
        std::net::SocketAddr::V4(v4) => {
            out.extend(v4.ip().octets());
            out.extend([0; 8]);
        }
        std::net::SocketAddr::V6(v6) => {
            out.extend(v6.flowinfo().to_le_bytes());
            out.extend(v6.ip().octets());
            out.extend(v6.scope_id().to_le_bytes());
        }
    }
    Ok(out)
}
