//! XPRESS with Huffman codes of [MS-XCA] 2.2, with codes of nine bits for all of the 512 symbols: a stream as
//! any other for who reads it.

use std::collections::HashMap;

/// Bytes that a block holds.
const BLOCK: usize = 0x1_0000;
const LEAST: usize = 3;
/// Length of every code.
const BITS: u32 = 9;

/// Compresses `data`.
#[must_use]
pub fn compress(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut at = 0;
    while at < data.len() {
        out.extend([(BITS | BITS << 4) as u8; 256]);
        let mut bits = Bits::starting(&mut out);
        let end = data.len().min(at + BLOCK);
        while at < end {
            let key = data.get(at..at + LEAST).filter(|_| at + LEAST <= end);
            let found = key.and_then(|key| places.get(key)).copied().filter(|from| at - from < BLOCK);
            let length = match found {
                Some(from) => {
                    let same = data[at..end].iter().zip(&data[from..]).take_while(|(a, b)| a == b).count();
                    bits.matched(at - from, same);
                    same
                }
                None => {
                    bits.put(u32::from(data[at]), BITS);
                    1
                }
            };
            for place in at..at + length {
                if let Some(key) = data.get(place..place + LEAST) {
                    places.insert(key, place);
                }
            }
            at += length;
        }
        bits.close();
    }
    out
}

/// Words of 16 bits whose places are kept before they are known: bytes stand between them.
struct Bits<'a> {
    out: &'a mut Vec<u8>,
    /// Places of the word being filled and of the next.
    words: [usize; 2],
    word: u32,
    used: u32,
}

impl<'a> Bits<'a> {
    fn starting(out: &'a mut Vec<u8>) -> Self {
        let first = out.len();
        out.extend([0; 4]);
        Bits { out, words: [first, first + 2], word: 0, used: 0 }
    }

    fn put(&mut self, bits: u32, count: u32) {
        for n in (0..count).rev() {
            // A word is full: the one after the next has its place here.
            if self.used == 16 {
                self.flush();
                self.words = [self.words[1], self.out.len()];
                self.out.extend([0; 2]);
            }
            self.word = self.word << 1 | bits >> n & 1;
            self.used += 1;
        }
    }

    fn flush(&mut self) {
        let word = (self.word << (16 - self.used)) as u16;
        self.out[self.words[0]..self.words[0] + 2].copy_from_slice(&word.to_le_bytes());
        (self.word, self.used) = (0, 0);
    }

    fn matched(&mut self, distance: usize, length: usize) {
        let high = distance.ilog2();
        let rest = length - LEAST;
        self.put(256 + high * 16 + rest.min(15) as u32, BITS);
        if let Some(more) = rest.checked_sub(15) {
            self.out.push(more.min(255) as u8);
            if more >= 255 {
                match u16::try_from(rest) {
                    Ok(short) => self.out.extend(short.to_le_bytes()),
                    Err(_) => {
                        self.out.extend([0, 0]);
                        self.out.extend((rest as u32).to_le_bytes());
                    }
                }
            }
        }
        self.put(distance as u32 & ((1 << high) - 1), high);
    }

    fn close(mut self) {
        self.flush();
    }
}
