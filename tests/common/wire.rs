//! Writes captures as tcpdump would: what nobody sends in earnest is tested on these.

use std::net::Ipv4Addr;

pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 1, 7, 17);
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 21);
/// Seconds since 1970 at which captures begin.
pub const BEGIN: u32 = 1_772_611_200;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// A TCP segment between the two hosts.
#[derive(Clone, Debug)]
pub struct Tcp {
    pub from_client: bool,
    pub client_port: u16,
    pub server_port: u16,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub hops: u8,
    pub payload: Vec<u8>,
}

impl Tcp {
    pub fn client(seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Self {
        let payload = payload.to_vec();
        Tcp { from_client: true, client_port: 50123, server_port: 3389, seq, ack, flags, hops: 128, payload }
    }

    pub fn server(seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Self {
        Tcp { from_client: false, ..Tcp::client(seq, ack, flags, payload) }
    }

    /// The IPv4 packet.
    pub fn ip(&self) -> Vec<u8> {
        let (from, to) = if self.from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let (a, b) = (self.client_port, self.server_port);
        let (source, destination) = if self.from_client { (a, b) } else { (b, a) };
        let length = u16::try_from(40 + self.payload.len()).unwrap();
        let mut ip = vec![0x45, 0];
        ip.extend(length.to_be_bytes());
        ip.extend([0, 0, 0x40, 0, self.hops, 6, 0, 0]);
        ip.extend(from.octets());
        ip.extend(to.octets());
        ip.extend(source.to_be_bytes());
        ip.extend(destination.to_be_bytes());
        ip.extend(self.seq.to_be_bytes());
        ip.extend(self.ack.to_be_bytes());
        ip.extend([0x50, self.flags, 0xFF, 0xFF, 0, 0, 0, 0]);
        ip.extend(&self.payload);
        ip
    }

    /// The Ethernet frame.
    pub fn frame(&self) -> Vec<u8> {
        ethernet(&self.ip())
    }
}

pub fn ethernet(ip: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend(ip);
    frame
}

/// A capture in the classic form: link type, and frames with milliseconds since [`BEGIN`].
pub fn pcap(link: u32, frames: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xA1B2_C3D4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(262_144_u32.to_le_bytes());
    file.extend(link.to_le_bytes());
    for (at, frame) in frames {
        let length = u32::try_from(frame.len()).unwrap();
        for number in [BEGIN + at / 1000, at % 1000 * 1000, length, length] {
            file.extend(number.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

/// The same as pcapng, in either byte order, times in nanoseconds.
pub fn pcapng(link: u16, big: bool, frames: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let n16 = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let n32 = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let length = n32(u32::try_from(body.len() + 12).unwrap());
        [&n32(kind)[..], &length, &body, &length].concat()
    };
    let mut file = block(0x0A0D_0D0A, &[&n32(0x1A2B_3C4D)[..], &n16(1), &n16(0), &[0xFF; 8]].concat());
    let precise = [&n16(9)[..], &n16(1), &[9, 0, 0, 0], &n16(0), &n16(0)].concat();
    file.extend(block(1, &[&n16(link)[..], &n16(0), &n32(0), &precise].concat()));
    for (at, frame) in frames {
        let time = (u64::from(BEGIN) * 1000 + u64::from(*at)) * 1_000_000;
        let length = n32(u32::try_from(frame.len()).unwrap());
        let (high, low) = ((time >> 32) as u32, (time & 0xFFFF_FFFF) as u32);
        file.extend(block(6, &[&n32(0)[..], &n32(high), &n32(low), &length, &length, frame].concat()));
    }
    // Statistics of the interface: 7 packets dropped.
    let count = if big { 7_u64.to_be_bytes() } else { 7_u64.to_le_bytes() };
    file.extend(block(5, &[&n32(0)[..], &[0; 8], &n16(5), &n16(8), &count, &n16(0), &n16(0)].concat()));
    file
}

/// An X.224 connection request with these protocols.
pub fn request(protocols: u8) -> Vec<u8> {
    let mut packet = vec![3, 0, 0, 0, 0, 0xE0, 0, 0, 0, 0, 0];
    packet.extend(b"Cookie: mstshash=bruno\r\n");
    packet.extend([1, 0, 8, 0, protocols, 0, 0, 0]);
    packet[3] = u8::try_from(packet.len()).unwrap();
    packet[4] = packet[3] - 5;
    packet
}

/// An X.224 connection confirm that refuses with this code.
pub fn refusal(code: u8) -> Vec<u8> {
    vec![3, 0, 0, 0x13, 0x0E, 0xD0, 0, 0, 0x12, 0x34, 0, 3, 0, 8, 0, code, 0, 0, 0]
}

/// An X.224 connection confirm that chooses this protocol.
pub fn confirm(protocol: u8) -> Vec<u8> {
    vec![3, 0, 0, 0x13, 0x0E, 0xD0, 0, 0, 0x12, 0x34, 0, 2, 0, 8, 0, protocol, 0, 0, 0]
}

/// The segments of a connection whose request is answered so, each a tenth of a second after the one before.
pub fn negotiation(protocols: u8, answer: &[u8]) -> Vec<(u32, Tcp)> {
    let (asked, answered) = (request(protocols), answer.to_vec());
    let (c, s) = (1000 + u32::try_from(asked.len()).unwrap() + 1, 9001 + u32::try_from(answered.len()).unwrap());
    let segments = [
        Tcp::client(1000, 0, SYN, &[]),
        Tcp::server(9000, 1001, SYN | ACK, &[]),
        Tcp::client(1001, 9001, ACK, &[]),
        Tcp::client(1001, 9001, ACK, &asked),
        Tcp::server(9001, c, ACK, &answered),
        Tcp::client(c, s, ACK | FIN, &[]),
    ];
    segments.into_iter().enumerate().map(|(n, segment)| (n as u32 * 100, segment)).collect()
}

pub fn frames(segments: &[(u32, Tcp)]) -> Vec<(u32, Vec<u8>)> {
    segments.iter().map(|(at, segment)| (*at, segment.frame())).collect()
}
