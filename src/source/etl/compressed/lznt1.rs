//! LZNT1, [MS-XCA] 2.5: chunks that make 4096 bytes each and refer to nothing outside of themselves.

use super::{BEFORE, SHORT, repeat};
use crate::source::bytes::u16_at;

/// Bytes that a chunk makes; only the last may make fewer.
const CHUNK: usize = 4096;
/// In the header of a chunk: it is compressed, not stored.
const COMPRESSED: u16 = 0x8000;
/// Shortest match.
const LEAST: usize = 3;

pub(super) fn decompress(mut input: &[u8], want: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
    out.clear();
    while out.len() < want {
        let header = u16_at(input, 0).filter(|header| *header != 0).ok_or(SHORT)?;
        let rest = input.get(2..).unwrap_or_default();
        let size = usize::from(header & 0xFFF) + 1;
        let (data, behind) = rest.split_at(size.min(rest.len()));
        let start = out.len();
        let end = want.min(start + CHUNK);
        if header & COMPRESSED == 0 {
            out.extend_from_slice(data.get(..end - start).unwrap_or(data));
        } else {
            chunk(data, start, end, out)?;
        }
        if out.len() < end && data.len() < size {
            return Err(SHORT);
        }
        input = behind;
    }
    Ok(())
}

/// One compressed chunk: before each eight items a byte whose bits tell literals and matches.
fn chunk(data: &[u8], start: usize, end: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let mut at = 0;
    while let Some(flags) = data.get(at) {
        at += 1;
        for bit in 0..8 {
            if out.len() >= end || at >= data.len() {
                break;
            }
            if flags >> bit & 1 == 0 {
                out.extend(data.get(at));
                at += 1;
                continue;
            }
            let pair = u16_at(data, at).ok_or(SHORT)?;
            at += 2;
            let made = out.len() - start;
            let bits = distance_bits(made);
            let distance = usize::from(pair >> (16 - bits)) + 1;
            let length = usize::from(pair & (0xFFFF >> bits)) + LEAST;
            if distance > made {
                return Err(BEFORE);
            }
            repeat(out, distance, length.min(end - out.len()))?;
        }
    }
    Ok(())
}

/// Bits that tell how far back a match goes: as many as the place in the chunk needs, four at least.
fn distance_bits(made: usize) -> u32 {
    made.saturating_sub(1).checked_ilog2().map_or(4, |log| (log + 1).clamp(4, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        // [MS-XCA] 3.3
        let input = [
            0x38, 0xB0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xA2, 0x47, 0x01, 0xA0, 0x45,
            0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xC0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xB4,
            0x02, 0x4A, 0x44, 0xEF, 0x03, 0x58, 0x02, 0x8C, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xBE, 0x00, 0x9E, 0x00,
            0x04, 0x01, 0x18, 0x90, 0x00,
        ];
        let text = "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D \
                    E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0";
        let mut out = Vec::new();
        assert_eq!(decompress(&input, text.len(), &mut out), Ok(()));
        assert_eq!(String::from_utf8_lossy(&out), text);
        // Cut anywhere, it makes the beginning of the same and says that it is short.
        for cut in 0..input.len() - 2 {
            assert!(decompress(&input[..cut], text.len(), &mut out).is_err(), "{cut}");
            assert!(text.as_bytes().starts_with(&out), "{cut}");
        }
    }

    #[test]
    fn the_split_of_a_pair_moves_with_the_place() {
        let bits: Vec<u32> = [1, 16, 17, 32, 33, 2048, 2049, 4095].map(distance_bits).to_vec();
        assert_eq!(bits, [4, 4, 5, 5, 6, 11, 12, 12]);
    }

    #[test]
    fn stored_chunks_and_hostile_ones() {
        let mut out = Vec::new();
        assert_eq!(decompress(&[0x02, 0x30, 7, 8, 9], 3, &mut out), Ok(()));
        assert_eq!(out, [7, 8, 9]);
        // A match before the chunk, of which there is nothing; and nothing at all.
        assert_eq!(decompress(&[0x02, 0xB0, 1, 0, 0], 10, &mut out), Err(BEFORE));
        assert_eq!(decompress(&[], 1, &mut out), Err(SHORT));
        // One byte and a match of 4098 fill a chunk, and no more.
        assert_eq!(decompress(&[0x03, 0xB0, 2, b'a', 0xFF, 0x0F], 4096, &mut out), Ok(()));
        assert_eq!(out, vec![b'a'; 4096]);
    }
}
