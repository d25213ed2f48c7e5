//! Frames that a trace holds: of `netsh trace start capture=yes` (NDIS-PacketCapture) and of `pktmon`. Both
//! write each packet once per layer that it passes.

use std::sync::atomic::{AtomicU8, Ordering};

use super::record::{self, Form, Next, Record};
use super::{Etl, Place};
use crate::event::Guid;
use crate::source::bytes::{u16_at, u32_at};
use crate::source::layout::Known;
use crate::source::packet::{Dropped, Frame, Frames, Link};
use crate::source::payload;

/// Microsoft-Windows-NDIS-PacketCapture.
const NDIS: &str = "2ed6006e-4729-4609-b423-3ee7bcd678ef";
/// Microsoft-Windows-PktMon.
const PKTMON: &str = "4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac";
/// A frame and one that passed a virtual switch.
const CAPTURED: [u32; 2] = [1001, 1003];
/// A packet, one that was dropped, and the packet in its later form.
const PASSED: [u32; 3] = [160, 170, 240];
const DROP: u32 = 170;
/// Keywords of NDIS frames: the first piece of a packet; IEEE 802.11; IP without a link.
const BEGINS: u64 = 0x4000_0000;
const ENDS: u64 = 0x8000_0000;
const WIFI: u64 = 0x1_0000;
const IP: u64 = 0x200;

/// Which blocks hold frames, as far as they were read: nothing else need be gone through again.
#[derive(Default)]
pub(super) struct Blocks(Vec<AtomicU8>);

const WITHOUT: u8 = 1;

impl Blocks {
    pub fn new(count: usize) -> Self {
        Blocks((0..count).map(|_| AtomicU8::new(0)).collect())
    }

    /// A block was read and held no frames.
    pub fn without(&self, block: usize) {
        if let Some(state) = self.0.get(block) {
            state.store(WITHOUT, Ordering::Relaxed);
        }
    }

    fn may_hold(&self, block: usize) -> bool {
        self.0.get(block).is_none_or(|state| state.load(Ordering::Relaxed) != WITHOUT)
    }
}

/// Who captures, if this record holds a frame.
fn capturer(record: &Record<'_>) -> Option<Guid> {
    static KNOWN: std::sync::OnceLock<[Option<Guid>; 2]> = std::sync::OnceLock::new();
    let [ndis, pktmon] = *KNOWN.get_or_init(|| [Guid::parse(NDIS), Guid::parse(PKTMON)]);
    let by = |guid: Option<Guid>, ids: &[u32]| ids.contains(&record.id) && guid == record.guid;
    (record.form == Form::Event && (by(ndis, &CAPTURED) || by(pktmon, &PASSED))).then_some(record.guid).flatten()
}

/// Does this record hold a frame?
pub(super) fn holds_frame(record: &Record<'_>) -> bool {
    capturer(record).is_some()
}

impl Frames for Etl {
    fn each(&self, take: &mut dyn FnMut(&Frame<'_>)) {
        for block in (0..self.data_blocks()).filter(|block| self.frames.may_hold(*block)) {
            // What cannot be read was told when the block was read for its records.
            let _ = self.buffers(block, &mut |buffer, place| {
                let Ok(data) = buffer else { return };
                let mut at = 0;
                while let Next::Record(record) = record::next(data, at, self.session.wide) {
                    self.frame(&record, place, at, take);
                    at += record.step;
                }
            });
        }
    }
}

impl Etl {
    fn frame(&self, record: &Record<'_>, place: Place, at: usize, take: &mut dyn FnMut(&Frame<'_>)) {
        let Some(by) = capturer(record) else { return };
        let Some(time) = record.raw.and_then(|raw| self.session.clock.time(raw)) else { return };
        let layouts = Known::get().provider(by).map_or(&[][..], |provider| provider.layouts(record.id));
        let fitting = payload::fitting(layouts, record.version, self.session.build, record.wide, record.payload);
        let bytes = |name| fitting.and_then(|layout| payload::bytes(layout, record.wide, record.payload, name));
        let ndis = CAPTURED.contains(&record.id);
        // Later pieces of a packet begin in its middle.
        if ndis && record.keywords & (BEGINS | ENDS) == ENDS {
            return;
        }
        let Some(data) = bytes(if ndis { "Fragment" } else { "Payload" }) else { return };
        let (link, length, dropped) = if ndis {
            let link = match record.keywords {
                keywords if keywords & WIFI != 0 => Link::Wifi,
                keywords if keywords & IP != 0 => Link::Ip,
                _ => Link::Ethernet,
            };
            (link, data.len(), None)
        } else {
            let number = |name| bytes(name).and_then(|bytes| u16_at(bytes, 0));
            let link = match number("PacketType") {
                Some(2) => Link::Wifi,
                Some(3) => Link::Ip,
                _ => Link::Ethernet,
            };
            let word = |name| bytes(name).and_then(|bytes| u32_at(bytes, 0));
            let dropped = || Some(Dropped { reason: word("DropReason")?, location: word("DropLocation")? });
            let length = number("OriginalPayloadSize").map_or(data.len(), usize::from);
            (link, length, if record.id == DROP { dropped() } else { None })
        };
        let within = data.as_ptr().addr().saturating_sub(record.payload.as_ptr().addr());
        let head = record.step.saturating_sub(record.payload.len());
        // Behind the record's own place, so that what is told of one frame has places of its own.
        let position = place.of(at).plus(head + within);
        take(&Frame { time, position, link, data, length: length.max(data.len()), dropped });
    }
}
