//! Captures of packets (.pcap, .pcapng), as tcpdump, Wireshark and `pktmon etl2pcap` write them. What the
//! packets show is the same whatever file holds them (`packet/`).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use pcap_parser::pcapng::OptionCode;
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};

use super::packet::{self, Frame, Frames, Link};
use super::{Aids, Input, Log};
use crate::error::Error;
use crate::event::{Damage, Interest, Lost, Position, Sink, Stamp, Time};
use crate::os;

/// Bytes read at once, and the longest packet that is believed.
const BUFFER: usize = 1 << 20;
const LARGEST: usize = 16 << 20;
/// Interfaces of one section that are known.
const INTERFACES: usize = 4096;
const NANOSECONDS: u128 = 1_000_000_000;

/// By the magic numbers of the two byte orders and the two precisions.
pub(super) fn sniff(head: &[u8]) -> bool {
    let magic = head.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    matches!(magic, Some(0xA1B2_C3D4 | 0xD4C3_B2A1 | 0xA1B2_3C4D | 0x4D3C_B2A1))
}

/// By the type of the section header and its byte-order magic.
pub(super) fn sniff_ng(head: &[u8]) -> bool {
    let order = head.get(8..).and_then(|rest| rest.first_chunk::<4>());
    head.starts_with(&[0x0A, 0x0D, 0x0D, 0x0A])
        && matches!(order, Some([0x1A, 0x2B, 0x3C, 0x4D] | [0x4D, 0x3C, 0x2B, 0x1A]))
}

struct Pcap {
    file: File,
    /// Packets that the capturing system says it could not take in; known once the file was read.
    lost: AtomicU64,
}

pub(super) fn open(input: &Input, _: &Aids) -> Result<Box<dyn Log>, Error> {
    let path: &Path = &input.path;
    let file = File::open(path).map_err(|error| Error::new(path, error))?;
    let pcap = Pcap { file, lost: AtomicU64::new(0) };
    pcap.reader().map_err(|what| Error::new(path, what))?;
    Ok(Box::new(pcap))
}

/// Reads a file from its beginning, whoever else reads it.
struct From<'a> {
    file: &'a File,
    at: u64,
}

impl Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = os::read_at(self.file, buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// What stands in a capture.
enum Piece<'a> {
    /// A packet of this link type at this place.
    Packet { time: Option<Time>, offset: u64, link: i32, data: &'a [u8], length: usize },
    /// Packets that the capturing system could not take in.
    Dropped(u64),
}

/// An interface of a pcapng section.
#[derive(Clone, Copy)]
struct Interface {
    link: i32,
    /// Exponent of the time's unit: of two if the highest bit is set, else of ten.
    resolution: u8,
    /// Seconds to add.
    offset: i64,
    snap: u32,
}

impl Interface {
    fn time(&self, high: u32, low: u32) -> Option<Time> {
        let raw = u128::from(high) << 32 | u128::from(low);
        let exponent = u32::from(self.resolution & 0x7F);
        let unit =
            if self.resolution & 0x80 == 0 { 10_u128.checked_pow(exponent)? } else { 1_u128.checked_shl(exponent)? };
        let seconds = i64::try_from(raw / unit).ok()?.checked_add(self.offset)?;
        Time::from_unix(seconds, i64::try_from((raw % unit).checked_mul(NANOSECONDS)? / unit).ok()?)
    }
}

impl Pcap {
    fn reader(&self) -> Result<Box<dyn PcapReaderIterator + Send + '_>, String> {
        create_reader(BUFFER, From { file: &self.file, at: 0 })
            .map_err(|_| "the header of the capture cannot be read".to_owned())
    }

    /// Calls `take` with all that stands in the file; `Err` with where and why it ends early.
    fn walk(&self, take: &mut dyn FnMut(Piece<'_>)) -> Result<(), (u64, String)> {
        let mut reader = self.reader().map_err(|what| (0, what))?;
        let mut state = State::default();
        let mut size = BUFFER;
        loop {
            let place = reader.consumed() as u64;
            let had = reader.data().len();
            match reader.next() {
                Ok((length, block)) => {
                    state.block(block, place, take);
                    reader.consume(length);
                }
                Err(PcapError::Eof) => return Ok(()),
                Err(PcapError::Incomplete(_)) => {
                    let done = reader.refill().is_ok();
                    if !done || (reader.data().len() == had && !reader.reader_exhausted()) {
                        return Err((place, "cannot be read any further".to_owned()));
                    }
                }
                Err(PcapError::BufferTooSmall) if size < LARGEST => {
                    size *= 2;
                    if !reader.grow(size) || reader.refill().is_err() {
                        return Err((place, "cannot be read any further".to_owned()));
                    }
                }
                Err(PcapError::BufferTooSmall) => {
                    return Err((place, "a packet of an impossible size; what stands behind is missing".to_owned()));
                }
                Err(PcapError::UnexpectedEof) => {
                    return Err((place, "the file ends within a packet: it was cut off, or still written".to_owned()));
                }
                Err(PcapError::ReadError) => return Err((place, "cannot be read".to_owned())),
                Err(_) => return Err((place, "no packet begins here; what stands behind is missing".to_owned())),
            }
        }
    }
}

/// What of a file must be known to read its next block.
#[derive(Default)]
struct State {
    interfaces: Vec<Interface>,
    nanoseconds: bool,
    link: i32,
    big_endian: bool,
}

impl State {
    fn block(&mut self, block: PcapBlockOwned<'_>, place: u64, take: &mut dyn FnMut(Piece<'_>)) {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.nanoseconds = header.is_nanosecond_precision();
                // The upper half says how long the checksums of frames are.
                self.link = header.network.0 & 0xFFFF;
            }
            PcapBlockOwned::Legacy(packet) => {
                let fraction = i64::from(packet.ts_usec) * if self.nanoseconds { 1 } else { 1000 };
                let time = Time::from_unix(i64::from(packet.ts_sec), fraction);
                let length = packet.origlen as usize;
                take(Piece::Packet { time, offset: place + 16, link: self.link, data: packet.data, length });
            }
            PcapBlockOwned::NG(block) => self.block_ng(block, place, take),
        }
    }

    fn block_ng(&mut self, block: Block<'_>, place: u64, take: &mut dyn FnMut(Piece<'_>)) {
        match block {
            Block::SectionHeader(section) => {
                self.interfaces.clear();
                self.big_endian = section.big_endian();
            }
            Block::InterfaceDescription(found) if self.interfaces.len() < INTERFACES => {
                self.interfaces.push(Interface {
                    link: found.linktype.0,
                    resolution: found.if_tsresol,
                    offset: found.if_tsoffset,
                    snap: found.snaplen,
                });
            }
            Block::EnhancedPacket(packet) => {
                let Some(interface) = self.interfaces.get(packet.if_id as usize) else { return };
                let data = packet.data.get(..packet.caplen as usize).unwrap_or(packet.data);
                let time = interface.time(packet.ts_high, packet.ts_low);
                let length = packet.origlen as usize;
                take(Piece::Packet { time, offset: place + 28, link: interface.link, data, length });
            }
            // Without a time of its own.
            Block::SimplePacket(packet) => {
                let Some(interface) = self.interfaces.first() else { return };
                let length = packet.origlen as usize;
                let whole = packet.data.len().min(length).min(if interface.snap == 0 {
                    usize::MAX
                } else {
                    interface.snap as usize
                });
                let data = packet.data.get(..whole).unwrap_or(packet.data);
                take(Piece::Packet { time: None, offset: place + 12, link: interface.link, data, length });
            }
            Block::InterfaceStatistics(found) => {
                let dropped = found.options.iter().filter(|option| matches!(option.code, OptionCode(5)));
                let number = if self.big_endian { u64::from_be_bytes } else { u64::from_le_bytes };
                let counts = dropped.filter_map(|option| option.value.first_chunk().map(|bytes| number(*bytes)));
                take(Piece::Dropped(counts.fold(0, u64::saturating_add)));
            }
            _ => {}
        }
    }
}

impl Frames for Pcap {
    fn each(&self, take: &mut dyn FnMut(&Frame<'_>)) {
        // What is wrong with the file was told when its packets were counted.
        let _ = self.walk(&mut |piece| {
            if let Some(frame) = piece.frame() {
                take(&frame);
            }
        });
    }
}

impl<'a> Piece<'a> {
    /// The frame, if it is one that can be read and has a time.
    fn frame(&self) -> Option<Frame<'a>> {
        let Piece::Packet { time, offset, link, data, length } = *self else { return None };
        let (position, length) = (Position::at(offset), length.max(data.len()));
        Some(Frame { time: time?, position, link: Link::of(link)?, data, length, dropped: None })
    }
}

impl Log for Pcap {
    /// One: what a packet means depends on those before.
    fn blocks(&self) -> usize {
        1
    }

    fn read(&self, _: usize, interest: &Interest, sink: &mut dyn Sink) {
        let mut strange: Option<(u64, i32)> = None;
        let (mut unread, mut timeless, mut dropped) = (0_u64, 0_u64, 0_u64);
        let wanted = packet::wanted(interest);
        let mut overview = packet::Overview::default();
        let end = self.walk(&mut |piece| {
            if let Some(frame) = piece.frame().filter(|_| wanted) {
                overview.see(&frame);
            }
            let (time, offset, link) = match piece {
                Piece::Packet { time, offset, link, .. } => (time, offset, link),
                Piece::Dropped(count) => return dropped = dropped.saturating_add(count),
            };
            if Link::of(link).is_none() {
                unread += 1;
                strange = strange.or(Some((offset, link)));
            }
            timeless += u64::from(time.is_none());
            sink.record(&Stamp {
                computer: "",
                channel: packet::CHANNEL,
                provider: packet::PROVIDER,
                provider_guid: None,
                event_id: 0,
                record_id: None,
                time,
                forwarded: false,
                kind: "PACKET",
            });
        });
        self.lost.store(dropped, Ordering::Relaxed);
        if let Err((offset, what)) = end {
            sink.damage(Damage { offset, what, lost: true });
        }
        if let Some((offset, link)) = strange {
            let what = format!(
                "{unread} packets are of link type {link}, which is not read here: capture Ethernet, Wi-Fi or raw IP"
            );
            sink.damage(Damage { offset, what, lost: true });
        }
        if timeless > 0 {
            let what = format!("{timeless} packets have no time and are left out");
            sink.damage(Damage { offset: 0, what, lost: true });
        }
        if wanted {
            packet::tell(overview, self, interest, sink);
        }
    }

    fn damage(&self) -> Vec<Damage> {
        Vec::new()
    }

    fn lost(&self) -> Lost {
        Lost { events: self.lost.load(Ordering::Relaxed), buffers: 0 }
    }
}
