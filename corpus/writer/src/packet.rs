//! Packets of Remote Desktop connections: Ethernet, IPv4 and TCP around RDP's first messages.
//!
//! Messages after [MS-RDPBCGR] 2.2.1 (X.224) and RFC 5246 (TLS 1.2). Checksums of TCP stay 0, as where a network adapter
//! makes them.

use crate::error::Error;
use crate::evtx::{hex, unsigned};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

/// A packet of a scenario.
#[derive(Debug, Clone)]
pub struct Packet {
    /// 100 ns since 1601, by the clock of whoever captures it.
    pub ticks: u64,
    /// Sender.
    pub from: SocketAddrV4,
    /// Receiver.
    pub to: SocketAddrV4,
    /// `syn ack rst fin psh`, split by blanks.
    pub flags: u8,
    /// Hops left.
    pub hops: u8,
    /// What TCP carries.
    pub data: Vec<u8>,
    /// A repetition: it takes no new sequence numbers.
    pub again: bool,
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// Reads flags.
///
/// # Errors
/// [`Error::Value`] for a flag that TCP has not.
pub fn flags(text: &str) -> Result<u8, Error> {
    text.split_whitespace().try_fold(0, |sum, word| {
        Ok(sum
            | match word {
                "fin" => FIN,
                "syn" => SYN,
                "rst" => 4,
                "psh" => PSH,
                "ack" => ACK,
                _ => return Err(Error::value("flag of TCP", word)),
            })
    })
}

/// The frames of packets in order of time, each with its time. Sequence numbers follow from what was sent before.
#[must_use]
pub fn frames(packets: &[Packet]) -> Vec<(u64, bool, Vec<u8>)> {
    let mut order: Vec<&Packet> = packets.iter().collect();
    order.sort_by_key(|packet| packet.ticks);
    let mut next: BTreeMap<(SocketAddrV4, SocketAddrV4), u32> = BTreeMap::new();
    let client = order.first().map(|packet| *packet.from.ip());
    let mut frames = Vec::new();
    for (number, packet) in order.into_iter().enumerate() {
        let start = || u32::from(packet.from.port()) << 12;
        let acked = next.get(&(packet.to, packet.from)).copied().unwrap_or(0);
        let own = next.entry((packet.from, packet.to)).or_insert_with(start);
        // A new connection of the same ends begins anew.
        if packet.flags & (SYN | ACK) == SYN && !packet.again {
            *own = start().wrapping_add(number as u32 * 0x1_0000);
        }
        let length = packet.data.len() as u32 + u32::from(packet.flags & (SYN | FIN) != 0);
        let sequence = if packet.again { own.wrapping_sub(length) } else { *own };
        *own = sequence.wrapping_add(length);
        let sent = Some(*packet.from.ip()) == client;
        frames.push((packet.ticks, sent, frame(packet, sequence, acked, number as u16)));
    }
    frames
}

fn frame(packet: &Packet, sequence: u32, acked: u32, number: u16) -> Vec<u8> {
    let mut tcp = Vec::new();
    tcp.extend(packet.from.port().to_be_bytes());
    tcp.extend(packet.to.port().to_be_bytes());
    tcp.extend(sequence.to_be_bytes());
    tcp.extend(if packet.flags & ACK == 0 { 0 } else { acked }.to_be_bytes());
    tcp.extend([0x50, packet.flags, 0xFA, 0xF0, 0, 0, 0, 0]);
    tcp.extend(&packet.data);
    let mut ip = vec![0x45, 0];
    ip.extend(((20 + tcp.len()) as u16).to_be_bytes());
    ip.extend(number.to_be_bytes());
    ip.extend([0x40, 0, packet.hops, 6, 0, 0]);
    ip.extend(packet.from.ip().octets());
    ip.extend(packet.to.ip().octets());
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut out = Vec::new();
    out.extend(adapter(*packet.to.ip()));
    out.extend(adapter(*packet.from.ip()));
    out.extend([8, 0]);
    out.extend(ip);
    out.extend(tcp);
    out
}

/// An adapter's address for an IP address.
fn adapter(ip: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = ip.octets();
    [2, 0, a, b, c, d]
}

fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let sum: u32 = words.sum();
    let sum = (sum & 0xFFFF) + (sum >> 16);
    !((sum & 0xFFFF) + (sum >> 16)) as u16
}

/// A file of libpcap with these frames: microseconds, Ethernet.
#[must_use]
pub fn pcap(packets: &[Packet]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 0x4_0000, 1] {
        out.extend(word.to_le_bytes());
    }
    for (ticks, _, frame) in frames(packets) {
        let unix = ticks.saturating_sub(116_444_736_000_000_000);
        let length = frame.len() as u32;
        for word in [(unix / 10_000_000) as u32, (unix / 10 % 1_000_000) as u32, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

/// What a packet says, by its name and words:
/// `x224-request PROTOCOLS`, `x224-confirm PROTOCOL`, `x224-failure CODE`, `client-hello`, `server-hello CIPHER`,
/// `certificate NAME` (a file of `certificates/`), `alert DESCRIPTION`, `finished`, `data LENGTH`.
///
/// # Errors
/// [`Error::Value`] for another name or a number that is none.
pub fn message(text: &str) -> Result<Vec<u8>, Error> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let number = || unsigned(rest.trim()).and_then(|n| u32::try_from(n).ok()).ok_or_else(|| Error::value(name, rest));
    Ok(match name {
        "x224-request" => {
            let mut cookie = b"Cookie: mstshash=anna\r\n".to_vec();
            cookie.extend([1, 0, 8, 0]);
            cookie.extend(number()?.to_le_bytes());
            x224(0xE0, &cookie)
        }
        "x224-confirm" => x224(0xD0, &[&[2, 0x1F, 8, 0][..], &number()?.to_le_bytes()].concat()),
        "x224-failure" => x224(0xD0, &[&[3, 0, 8, 0][..], &number()?.to_le_bytes()].concat()),
        "client-hello" => handshake(1, &client_hello(rest.trim())),
        "server-hello" => handshake(2, &server_hello(number()? as u16)),
        "certificate" => handshake(11, &certificate(&known(rest.trim())?)),
        "hello-done" => handshake(14, &[]),
        "key-exchange" => handshake(16, &[0x20; 33]),
        "finished" => [record(20, &[1]), record(22, &[0xA5; 40])].concat(),
        "alert" => record(21, &[2, number()? as u8]),
        "data" => record(23, &vec![0x5A; number()? as usize]),
        _ => return Err(Error::value("message", text)),
    })
}

/// A certificate of the files beside the source.
fn known(name: &str) -> Result<Vec<u8>, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("certificates").join(format!("{name}.hex"));
    hex(std::fs::read_to_string(&path).map_err(Error::io(&path))?.trim())
}

/// TPKT and X.224 with what follows.
fn x224(kind: u8, more: &[u8]) -> Vec<u8> {
    let mut out = vec![3, 0];
    out.extend(((11 + more.len()) as u16).to_be_bytes());
    out.extend([
        (6 + more.len()) as u8,
        kind,
        0,
        0,
        if kind == 0xD0 { 0x12 } else { 0 },
        if kind == 0xD0 { 0x34 } else { 0 },
        0,
    ]);
    out.extend(more);
    out
}

/// A record of TLS 1.2.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 3, 3];
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(body);
    out
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    record(22, &[&[kind, a, b, c][..], body].concat())
}

fn client_hello(name: &str) -> Vec<u8> {
    let mut out = vec![3, 3];
    out.extend([0x11; 32]);
    out.push(0);
    // What Schannel offers: ECDHE and RSA with AES.
    let suites: [u16; 4] = [0xC030, 0xC02F, 0xC028, 0x009D];
    out.extend(((suites.len() * 2) as u16).to_be_bytes());
    out.extend(suites.into_iter().flat_map(u16::to_be_bytes));
    out.extend([1, 0]);
    let mut more = Vec::new();
    if !name.is_empty() {
        let length = name.len() as u16;
        for word in [0, length + 5, length + 3] {
            more.extend(word.to_be_bytes());
        }
        more.push(0);
        more.extend(length.to_be_bytes());
        more.extend(name.as_bytes());
    }
    out.extend((more.len() as u16).to_be_bytes());
    out.extend(more);
    out
}

fn server_hello(suite: u16) -> Vec<u8> {
    let mut out = vec![3, 3];
    out.extend([0x22; 32]);
    out.push(0);
    out.extend(suite.to_be_bytes());
    out.push(0);
    out
}

fn certificate(der: &[u8]) -> Vec<u8> {
    let three = |length: usize| {
        let [_, a, b, c] = (length as u32).to_be_bytes();
        [a, b, c]
    };
    let mut out = three(der.len() + 3).to_vec();
    out.extend(three(der.len()));
    out.extend(der);
    out
}
