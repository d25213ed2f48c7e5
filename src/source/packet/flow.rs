//! Which TCP connections a capture holds, and the first bytes of each direction. Frames may come in any
//! order and several times over (traces show each packet at every layer): they are gone through twice, and
//! what is kept depends on their times and numbers only.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use rustc_hash::FxHashMap;

use super::frame::{Dropped, Segment, Unreachable};
use super::x224;
use crate::event::{Position, TICKS_PER_SECOND, Time};

/// Port of Remote Desktop.
const RDP: u16 = 3389;
/// Port of gateways: told as far as TCP goes.
const HTTPS: u16 = 443;
/// Pairs of ends on those ports, or whose first bytes are RDP's, that are followed.
const PAIRS: usize = 20_000;
/// Other pairs that are remembered until their first bytes tell.
const OTHERS: usize = 60_000;
/// Connections of one pair of ends.
const LIVES: usize = 64;
/// First bytes that are kept of each direction: certificates take a few thousand.
const FIRST: u32 = 24 << 10;
/// Pieces that they may come in.
const PIECES: usize = 64;
/// Bytes that are kept of all connections.
const BUDGET: usize = 64 << 20;
/// Copies of a packet within this are one packet seen at several layers; a repetition takes longer, 100 ns.
const LAYERS: i64 = TICKS_PER_SECOND / 20;
/// Clocks of processors may differ by this, 100 ns.
const SLACK: i64 = TICKS_PER_SECOND / 1000;

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Client,
    Server,
}

impl Side {
    pub fn word(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// A packet that was seen: when, where in the file, hops left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub time: Time,
    pub position: Position,
    pub hops: u8,
}

impl Seen {
    fn of(segment: &Segment<'_>) -> Self {
        Seen { time: segment.time, position: segment.position, hops: segment.hops }
    }

    fn earlier(slot: &mut Option<Seen>, seen: Seen) {
        *slot = Some(slot.map_or(seen, |known| known.min(seen)));
    }
}

/// How often something was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sends {
    pub count: u32,
    pub first: Seen,
    pub last: Time,
}

impl Sends {
    fn once(seen: Seen) -> Self {
        Sends { count: 1, first: seen, last: seen.time }
    }

    fn again(&mut self, seen: Seen) {
        let apart = |known: Time| seen.time.since(known).abs() > LAYERS;
        self.count += u32::from(apart(self.first.time) && apart(self.last));
        self.first = self.first.min(seen);
        self.last = self.last.max(seen.time);
    }
}

/// A piece of one direction's bytes.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub sends: Sends,
    pub bytes: Box<[u8]>,
    /// Bytes on the wire.
    pub length: u32,
}

/// What one end sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// By first byte and length, bytes counted from the first behind SYN.
    pub pieces: BTreeMap<(u32, u32), Piece>,
    /// SYN, or SYN with ACK.
    pub syn: Option<Sends>,
    pub fin: Option<Seen>,
    pub rst: Option<Seen>,
    /// Bytes of the other end that it acknowledged.
    pub acked: u32,
    /// Bytes that it sent.
    pub end: u32,
    /// Its first packet.
    pub first: Option<Seen>,
    /// The capture cut some of its first bytes.
    pub cut: bool,
}

impl Sent {
    /// When it ended the connection.
    pub fn gone(&self) -> Option<Seen> {
        self.fin.into_iter().chain(self.rst).min()
    }
}

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub client: SocketAddr,
    pub server: SocketAddr,
    pub start: Time,
    isn: u32,
    server_isn: Option<u32>,
    /// Its first bytes are RDP's, or it goes to RDP's port.
    pub rdp: bool,
    pub sent: [Sent; 2],
    pub unreachable: Option<Unreachable>,
    pub dropped: Option<(Dropped, Seen)>,
}

impl Life {
    pub fn sent(&self, side: Side) -> &Sent {
        &self.sent[side as usize]
    }
}

/// What a segment says of a connection's beginning.
struct Begin {
    client: SocketAddr,
    server: SocketAddr,
    isn: u32,
    server_isn: Option<u32>,
    asks: bool,
}

impl Begin {
    fn of(segment: &Segment<'_>) -> Option<Self> {
        let asks = x224::asks(segment.payload);
        let from_client = |isn, server_isn| Begin { client: segment.from, server: segment.to, isn, server_isn, asks };
        match (segment.syn, segment.ack) {
            (true, None) => Some(from_client(segment.seq, None)),
            (true, Some(ack)) => Some(Begin {
                client: segment.to,
                server: segment.from,
                isn: ack.wrapping_sub(1),
                server_isn: Some(segment.seq),
                asks: false,
            }),
            (false, ack) if asks => Some(from_client(segment.seq.wrapping_sub(1), ack.map(|ack| ack.wrapping_sub(1)))),
            _ => None,
        }
    }
}

type Pair = (SocketAddr, SocketAddr);

fn pair(a: SocketAddr, b: SocketAddr) -> Pair {
    if a <= b { (a, b) } else { (b, a) }
}

/// The connections of a capture.
#[derive(Default)]
pub(super) struct Flows {
    lives: FxHashMap<Pair, Vec<Life>>,
    /// Pairs on other ports, so far without RDP's first bytes.
    others: usize,
    kept: usize,
    /// Latest packet of any kind.
    pub last: Option<Time>,
    /// Connections that were left out, for there were too many.
    pub left_out: u64,
    /// Segments whose bytes were not kept, for there were too many.
    pub not_kept: u64,
}

impl Flows {
    /// First time through: which connections there are.
    pub fn open(&mut self, segment: &Segment<'_>) {
        let Some(begin) = Begin::of(segment) else { return };
        let key = pair(begin.client, begin.server);
        let known_port = matches!(begin.server.port(), RDP | HTTPS);
        if !self.lives.contains_key(&key) {
            let of_interest = self.lives.len() - self.others;
            if begin.asks || known_port {
                if of_interest >= PAIRS {
                    self.left_out += 1;
                    return;
                }
            } else {
                // What no first bytes make RDP's is forgotten: nothing is lost by leaving it out but those.
                if self.others >= OTHERS {
                    self.left_out += 1;
                    return;
                }
                self.others += 1;
            }
        }
        let lives = self.lives.entry(key).or_default();
        let same = lives.iter_mut().find(|life| life.client == begin.client && life.isn == begin.isn);
        if let Some(life) = same {
            life.start = life.start.min(segment.time);
            life.server_isn = life.server_isn.or(begin.server_isn);
            life.rdp |= begin.asks;
        } else if lives.len() < LIVES {
            lives.push(Life {
                client: begin.client,
                server: begin.server,
                start: segment.time,
                isn: begin.isn,
                server_isn: begin.server_isn,
                rdp: begin.asks || begin.server.port() == RDP,
                sent: Default::default(),
                unreachable: None,
                dropped: None,
            });
        } else {
            self.left_out += 1;
        }
    }

    /// Between the two: leaves the connections that may be Remote Desktop's. True if there are any.
    pub fn sift(&mut self) -> bool {
        for lives in self.lives.values_mut() {
            lives.retain(|life| life.rdp || life.server.port() == HTTPS);
            lives.sort_by_key(|life| (life.start, life.isn));
        }
        self.lives.retain(|_, lives| !lives.is_empty());
        !self.lives.is_empty()
    }

    /// Second time through: what was sent.
    pub fn fill(&mut self, segment: &Segment<'_>) {
        let Some(lives) = self.lives.get_mut(&pair(segment.from, segment.to)) else { return };
        let Some(life) = at(lives, segment.time) else { return };
        let side = if segment.from == life.client { Side::Client } else { Side::Server };
        let seen = Seen::of(segment);
        if let Some(dropped) = segment.dropped {
            let found = (dropped, seen);
            let earlier = |known: &(Dropped, Seen)| (known.1, known.0) <= (seen, dropped);
            life.dropped = Some(life.dropped.filter(earlier).unwrap_or(found));
        }
        let (own, theirs) = match side {
            Side::Client => (Some(life.isn), life.server_isn),
            Side::Server => (life.server_isn, Some(life.isn)),
        };
        let sent = &mut life.sent[side as usize];
        Seen::earlier(&mut sent.first, seen);
        if segment.fin {
            Seen::earlier(&mut sent.fin, seen);
        }
        if segment.rst {
            Seen::earlier(&mut sent.rst, seen);
        }
        if segment.syn {
            match &mut sent.syn {
                Some(sends) => sends.again(seen),
                none => *none = Some(Sends::once(seen)),
            }
        }
        if let (Some(ack), Some(isn)) = (segment.ack, theirs)
            && !segment.syn
        {
            sent.acked = sent.acked.max(behind(isn, ack).unwrap_or(0));
        }
        // A SYN takes a number of its own, before the bytes it may carry.
        let place =
            own.and_then(|isn| behind(isn, if segment.syn { segment.seq.wrapping_add(1) } else { segment.seq }));
        if let Some(place) = place.filter(|_| segment.length > 0) {
            sent.end = sent.end.max(place.saturating_add(segment.length));
            if life.rdp {
                let room = BUDGET - self.kept;
                match keep(sent, segment, place, seen, room) {
                    Some(taken) => self.kept += taken,
                    None => self.not_kept += 1,
                }
            }
        }
    }

    /// Second time through: what could not be delivered.
    pub fn undelivered(&mut self, found: &Unreachable) {
        let Some(lives) = self.lives.get_mut(&pair(found.client, found.server)) else { return };
        let same = lives.iter_mut().find(|life| life.client == found.client && life.isn == found.seq);
        if let Some(life) = same {
            life.unreachable = Some(life.unreachable.map_or(*found, |known| known.min(*found)));
        }
    }

    /// All, in order of their beginning.
    pub fn finish(self) -> Vec<Life> {
        let mut lives: Vec<Life> = self.lives.into_values().flatten().collect();
        lives.sort_by(|a, b| match a.start.cmp(&b.start) {
            Ordering::Equal => (a.client, a.server, a.isn).cmp(&(b.client, b.server, b.isn)),
            order => order,
        });
        lives
    }
}

/// Keeps a segment's bytes if they are among the first; gives how many were taken, `None` where `room` is too small.
fn keep(sent: &mut Sent, segment: &Segment<'_>, place: u32, seen: Seen, room: usize) -> Option<usize> {
    let Some(wanted) = FIRST.checked_sub(place).filter(|wanted| *wanted > 0) else { return Some(0) };
    let key = (place, segment.length);
    sent.cut |= segment.payload.len() < segment.length as usize;
    if let Some(piece) = sent.pieces.get_mut(&key) {
        piece.sends.again(seen);
        return Some(0);
    }
    let bytes = segment.payload.get(..wanted as usize).unwrap_or(segment.payload);
    if bytes.len() > room {
        return None;
    }
    if sent.pieces.len() >= PIECES {
        // The earliest are wanted, in whatever order they come.
        if sent.pieces.last_key_value().is_some_and(|(last, _)| *last < key) {
            return Some(0);
        }
        sent.pieces.pop_last();
    }
    sent.pieces.insert(key, Piece { sends: Sends::once(seen), bytes: bytes.into(), length: segment.length });
    Some(bytes.len())
}

/// The connection of this pair at a moment: the latest that had begun.
fn at(lives: &mut [Life], time: Time) -> Option<&mut Life> {
    let begun = lives.iter().rposition(|life| life.start <= time.plus(SLACK));
    lives.get_mut(begun.unwrap_or(0))
}

/// How far behind the first byte a number is; `None` before it.
fn behind(isn: u32, number: u32) -> Option<u32> {
    let ahead = number.wrapping_sub(isn.wrapping_add(1));
    (ahead < 1 << 31).then_some(ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_beyond_what_is_kept_of_a_capture_are_left_out_and_counted() {
        let end = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let segment = |seq, syn, payload: &'static [u8]| Segment {
            time: Time::from_filetime(1),
            position: Position::at(0),
            from: end(50_000),
            to: end(RDP),
            seq,
            ack: None,
            syn,
            fin: false,
            rst: false,
            hops: 64,
            payload,
            length: payload.len() as u32,
            dropped: None,
        };
        let mut flows = Flows::default();
        flows.open(&segment(7, true, b""));
        assert!(flows.sift());
        flows.kept = BUDGET - 4;
        flows.fill(&segment(8, false, b"four"));
        assert_eq!((flows.kept, flows.not_kept), (BUDGET, 0));
        flows.fill(&segment(12, false, b"more"));
        assert_eq!((flows.kept, flows.not_kept), (BUDGET, 1));
    }
}
