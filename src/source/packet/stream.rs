//! The first bytes of one direction, put together of its pieces.

use super::flow::{Seen, Sent};

/// Bytes without a gap from the beginning, and which packets brought them.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub bytes: Vec<u8>,
    /// End of each piece, and its packet; offset of the piece's first byte in the file.
    pieces: Vec<(usize, Seen)>,
}

impl Stream {
    pub fn of(sent: &Sent) -> Self {
        let mut stream = Stream::default();
        for ((place, _), piece) in &sent.pieces {
            let done = stream.bytes.len();
            let Some(known) = done.checked_sub(*place as usize) else { break };
            let Some(fresh) = piece.bytes.get(known..).filter(|fresh| !fresh.is_empty()) else { continue };
            stream.bytes.extend_from_slice(fresh);
            let first = piece.sends.first;
            let seen = Seen { position: first.position.plus(known), ..first };
            stream.pieces.push((stream.bytes.len(), seen));
            if piece.bytes.len() < piece.length as usize {
                break;
            }
        }
        stream
    }

    /// Where the bytes from `start` to `end` stand in the file, and when the last of them came.
    pub fn seen(&self, start: usize, end: usize) -> Option<Seen> {
        let first = self.pieces.partition_point(|(until, _)| *until <= start);
        let begin = first.checked_sub(1).and_then(|before| self.pieces.get(before)).map_or(0, |(until, _)| *until);
        let (_, seen) = self.pieces.get(first)?;
        let last = self.pieces.partition_point(|(until, _)| *until < end);
        let pieces = self.pieces.get(first..=last).or(self.pieces.get(first..)).unwrap_or_default();
        let time = pieces.iter().map(|(_, seen)| seen.time).max()?;
        Some(Seen { time, position: seen.position.plus(start.saturating_sub(begin)), hops: seen.hops })
    }
}
