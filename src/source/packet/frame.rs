//! One captured frame down to TCP: link, VLAN tags, IP, TCP header. What is of no use here (UDP, ARP,
//! later fragments) is told by kind only.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, IpNumber, LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};

use crate::event::{Position, Time};

/// What a frame begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Link {
    /// Ethernet II, VLAN tags allowed.
    Ethernet,
    /// IEEE 802.11, without what the radio adds.
    Wifi,
    /// IEEE 802.11 behind a radiotap header.
    Radiotap,
    /// IPv4 or IPv6 at once.
    Ip,
    /// Linux "any" devices, first form.
    Cooked,
    /// Their second form.
    Cooked2,
    /// Four bytes that name the address family.
    Loopback,
}

impl Link {
    /// By its number in <https://www.tcpdump.org/linktypes.html>.
    pub fn of(number: i32) -> Option<Self> {
        Some(match number {
            0 | 108 => Link::Loopback,
            1 => Link::Ethernet,
            12 | 14 | 101 | 228 | 229 => Link::Ip,
            105 => Link::Wifi,
            113 => Link::Cooked,
            127 => Link::Radiotap,
            276 => Link::Cooked2,
            _ => return None,
        })
    }
}

/// A packet that Windows says it dropped, in its own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source) struct Dropped {
    pub reason: u32,
    pub location: u32,
}

/// A captured frame.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Frame<'a> {
    pub time: Time,
    /// Where `data` begins in the file.
    pub position: Position,
    pub link: Link,
    pub data: &'a [u8],
    /// Bytes that were on the wire.
    pub length: usize,
    pub dropped: Option<Dropped>,
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub time: Time,
    /// Where its payload begins in the file (where it would, if it has none).
    pub position: Position,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub seq: u32,
    /// Next byte that is expected of the other side, where the header says so.
    pub ack: Option<u32>,
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    /// Hops that are left.
    pub hops: u8,
    pub payload: &'a [u8],
    /// Bytes of payload on the wire: more than were captured, perhaps.
    pub length: u32,
    pub dropped: Option<Dropped>,
}

/// Somebody on the way says that a segment could not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unreachable {
    pub time: Time,
    pub position: Position,
    /// Who says so.
    pub by: IpAddr,
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub seq: u32,
    pub version: u8,
    pub code: u8,
}

/// What a frame holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet<'a> {
    Tcp(Segment<'a>),
    Unreachable(Unreachable),
    /// A piece of a TCP segment that IP cut: not put together here.
    Fragment,
    /// Nothing of interest.
    Other,
}

/// Reads a frame.
pub(super) fn read<'a>(frame: &Frame<'a>) -> Packet<'a> {
    let Some(sliced) = slice(frame) else { return Packet::Other };
    let (from, to, hops, version) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            (IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()), header.ttl(), 4)
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()), header.hop_limit(), 6)
        }
        _ => return Packet::Other,
    };
    let Some(payload) = sliced.net.as_ref().and_then(LaxNetSlice::ip_payload_ref) else { return Packet::Other };
    if payload.fragmented {
        return if payload.ip_number == IpNumber::TCP { Packet::Fragment } else { Packet::Other };
    }
    match &sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => Packet::Tcp(segment(frame, tcp, [from, to], hops, payload.incomplete)),
        Some(TransportSlice::Icmpv4(icmp)) if icmp.type_u8() == 3 => {
            undelivered(frame, from, version, icmp.code_u8(), icmp.payload())
        }
        Some(TransportSlice::Icmpv6(icmp)) if icmp.type_u8() == 1 => {
            undelivered(frame, from, version, icmp.code_u8(), icmp.payload())
        }
        _ => Packet::Other,
    }
}

fn slice<'a>(frame: &Frame<'a>) -> Option<LaxSlicedPacket<'a>> {
    let data = frame.data;
    let tagged = |at: usize, rest: usize| {
        let kind = data.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))?;
        Some(LaxSlicedPacket::from_ether_type(EtherType(kind), data.get(rest..)?))
    };
    match frame.link {
        Link::Ethernet => LaxSlicedPacket::from_ethernet(data).ok(),
        Link::Ip => LaxSlicedPacket::from_ip(data).ok(),
        Link::Cooked => tagged(14, 16),
        Link::Cooked2 => tagged(0, 20),
        Link::Loopback => LaxSlicedPacket::from_ip(data.get(4..)?).ok(),
        Link::Wifi => wifi(data),
        Link::Radiotap => {
            let header = data.get(2..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))?;
            wifi(data.get(usize::from(header)..)?)
        }
    }
}

/// A data frame of IEEE 802.11 that is not encrypted: its header, then LLC/SNAP and the type.
fn wifi(data: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    let (control, flags) = (*data.first()?, *data.get(1)?);
    let (is_data, empty, quality) = (control & 0x0C == 0x08, control & 0x40 != 0, control & 0x80 != 0);
    if !is_data || empty {
        return None;
    }
    let four_addresses = flags & 0x03 == 0x03;
    let header = 24 + if four_addresses { 6 } else { 0 } + if quality { 2 } else { 0 };
    let rest = data.get(header..)?.strip_prefix(&[0xAA, 0xAA, 0x03, 0, 0, 0])?;
    let (kind, rest) = rest.split_first_chunk()?;
    Some(LaxSlicedPacket::from_ether_type(EtherType(u16::from_be_bytes(*kind)), rest))
}

fn segment<'a>(frame: &Frame<'a>, tcp: &TcpSlice<'a>, ends: [IpAddr; 2], hops: u8, incomplete: bool) -> Segment<'a> {
    let payload = tcp.payload();
    // Only the capture cuts: the sizes inside may lie, or be left out where the card cuts for the system.
    let missing = if incomplete { frame.length.saturating_sub(frame.data.len()) } else { 0 };
    let within = payload.as_ptr().addr().saturating_sub(frame.data.as_ptr().addr());
    Segment {
        time: frame.time,
        position: frame.position.plus(within),
        from: SocketAddr::new(ends[0], tcp.source_port()),
        to: SocketAddr::new(ends[1], tcp.destination_port()),
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        hops,
        payload,
        length: u32::try_from(payload.len().saturating_add(missing)).unwrap_or(u32::MAX),
        dropped: frame.dropped,
    }
}

/// The head of the packet that is quoted in a message about it ([RFC 792], [RFC 4443]).
fn undelivered<'a>(frame: &Frame<'_>, by: IpAddr, version: u8, code: u8, quoted: &[u8]) -> Packet<'a> {
    let read = || {
        let sliced = LaxSlicedPacket::from_ip(quoted).ok()?;
        let (from, to) = match sliced.net.as_ref()? {
            LaxNetSlice::Ipv4(ip) => {
                (IpAddr::V4(ip.header().source_addr()), IpAddr::V4(ip.header().destination_addr()))
            }
            LaxNetSlice::Ipv6(ip) => {
                (IpAddr::V6(ip.header().source_addr()), IpAddr::V6(ip.header().destination_addr()))
            }
            LaxNetSlice::Arp(_) => return None,
        };
        let payload = sliced.net.as_ref()?.ip_payload_ref().filter(|payload| payload.ip_number == IpNumber::TCP)?;
        let [a, b, c, d, seq @ ..] = payload.payload.first_chunk::<8>()?;
        Some(Unreachable {
            time: frame.time,
            position: frame.position,
            by,
            client: SocketAddr::new(from, u16::from_be_bytes([*a, *b])),
            server: SocketAddr::new(to, u16::from_be_bytes([*c, *d])),
            seq: u32::from_be_bytes(*seq),
            version,
            code,
        })
    };
    read().map_or(Packet::Other, Packet::Unreachable)
}
