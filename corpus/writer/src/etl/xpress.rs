//! Plain LZ77 ("XPRESS") as compressed traces hold it: [MS-XCA] 2.3. Finds matches by the last place of
//! three bytes alone: simple, deterministic, and good enough for tests.

use std::collections::HashMap;

/// Farthest match.
const REACH: usize = 8192;
/// Shortest match.
const LEAST: usize = 3;

/// The output while it grows: words of 32 flags stand before what they tell of.
struct Out {
    bytes: Vec<u8>,
    /// Where the present word of flags stands, and how many of it are used.
    word: usize,
    flags: u32,
    used: u32,
    /// Where the half-used byte of a length stands.
    half: Option<usize>,
}

impl Out {
    fn flag(&mut self, set: bool) {
        if self.used == 32 {
            self.close();
            self.open();
        }
        self.flags = self.flags << 1 | u32::from(set);
        self.used += 1;
    }

    fn open(&mut self) {
        self.word = self.bytes.len();
        self.bytes.extend([0; 4]);
        (self.flags, self.used) = (0, 0);
    }

    fn close(&mut self) {
        // What is left of the last word is ones.
        let rest = 32 - self.used;
        let flags = u32::try_from((u64::from(self.flags) << rest) | ((1 << rest) - 1)).unwrap_or(u32::MAX);
        self.bytes[self.word..self.word + 4].copy_from_slice(&flags.to_le_bytes());
    }

    fn matched(&mut self, distance: usize, length: usize) {
        let length = length - LEAST;
        let pair = (distance - 1) << 3 | length.min(7);
        self.bytes.extend((pair as u16).to_le_bytes());
        let Some(rest) = length.checked_sub(7) else { return };
        let nibble = rest.min(15) as u8;
        match self.half.take() {
            Some(at) => self.bytes[at] |= nibble << 4,
            None => {
                self.half = Some(self.bytes.len());
                self.bytes.push(nibble);
            }
        }
        let Some(rest) = rest.checked_sub(15) else { return };
        self.bytes.push(rest.min(255) as u8);
        if rest >= 255 {
            // The whole length, in 16 bits if it fits.
            match u16::try_from(length) {
                Ok(short) if short != 0 => self.bytes.extend(short.to_le_bytes()),
                _ => {
                    self.bytes.extend([0, 0]);
                    self.bytes.extend((length as u32).to_le_bytes());
                }
            }
        }
    }
}

/// Compresses `data`.
#[must_use]
pub fn compress(data: &[u8]) -> Vec<u8> {
    let mut out = Out { bytes: Vec::new(), word: 0, flags: 0, used: 0, half: None };
    out.open();
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut at = 0;
    while at < data.len() {
        let found = data.get(at..at + LEAST).and_then(|key| places.get(key)).filter(|from| at - **from <= REACH);
        let length = found.map_or(1, |from| {
            let same = data[at..].iter().zip(&data[*from..]).take_while(|(a, b)| a == b);
            same.count()
        });
        match found {
            Some(from) => {
                out.flag(true);
                out.matched(at - *from, length);
            }
            None => {
                out.flag(false);
                out.bytes.push(data[at]);
            }
        }
        for place in at..at + length {
            if let Some(key) = data.get(place..place + LEAST) {
                places.insert(key, place);
            }
        }
        at += length;
    }
    out.close();
    out.bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_specification() {
        // [MS-XCA] 3.1
        let mut alphabet = vec![0x3F, 0, 0, 0];
        alphabet.extend(b'a'..=b'z');
        assert_eq!(compress(&(b'a'..=b'z').collect::<Vec<_>>()), alphabet);
        let repeated = [0xFF, 0xFF, 0xFF, 0x1F, b'a', b'b', b'c', 0x17, 0, 0x0F, 0xFF, 0x26, 0x01];
        assert_eq!(compress(&b"abc".repeat(100)), repeated);
    }
}
