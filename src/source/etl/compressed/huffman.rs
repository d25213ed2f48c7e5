//! XPRESS with Huffman codes, [MS-XCA] 2.2: blocks that make 65536 bytes each, before each the lengths of its codes.

use super::{SHORT, repeat};
use crate::source::bytes::{u16_at, u32_at};

/// Bytes that a block makes; only the last may make fewer.
const BLOCK: usize = 0x1_0000;
/// Symbols: 256 literals, then matches by length (16 forms) and bits of distance (16).
const SYMBOLS: usize = 512;
/// Longest code.
const LONGEST: u32 = 15;
/// Lengths of codes take half a byte each.
const LENGTHS: usize = SYMBOLS / 2;
/// Shortest match.
const LEAST: usize = 3;
/// What the decoder reads ahead lies behind the end at most so far.
const AHEAD: usize = 4;

const WRONG: &str = "codes of a compressed buffer that no compressor makes";

pub(super) fn decompress(input: &[u8], want: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
    out.clear();
    let mut at = 0;
    let mut table = vec![(0, 0); 1 << LONGEST];
    while out.len() < want {
        let lengths = input.get(at..at + LENGTHS).ok_or(SHORT)?;
        codes(lengths, &mut table)?;
        let mut bits = Bits::starting(input, at + LENGTHS);
        let end = want.min(out.len() + BLOCK);
        while out.len() < end {
            let (symbol, length) = table.get(bits.next(LONGEST) as usize).copied().ok_or(WRONG)?;
            if length == 0 {
                return Err(WRONG);
            }
            bits.take(u32::from(length))?;
            match u8::try_from(symbol) {
                Ok(literal) => out.push(literal),
                Err(_) => {
                    let (distance, length) = bits.matched(symbol)?;
                    repeat(out, distance, length.min(end - out.len()))?;
                }
            }
        }
        at = bits.at;
    }
    Ok(())
}

/// Fills a table that tells, by the next 15 bits, the symbol and the length of its code.
fn codes(lengths: &[u8], table: &mut [(u16, u8)]) -> Result<(), &'static str> {
    let length = |symbol: usize| lengths.get(symbol / 2).map_or(0, |pair| pair >> (symbol % 2 * 4) & 15);
    let mut at = 0;
    // Shorter codes stand first, codes of one length in the order of their symbols.
    for bits in 1..=LONGEST as u8 {
        for symbol in (0..SYMBOLS).filter(|symbol| length(*symbol) == bits) {
            let next = at + (1 << (LONGEST as u8 - bits));
            table.get_mut(at..next).ok_or(WRONG)?.fill((symbol as u16, bits));
            at = next;
        }
    }
    // Codes that no symbol has.
    table.get_mut(at..).unwrap_or_default().fill((0, 0));
    Ok(())
}

/// Bits out of 16-bit words, between which whole bytes stand where they are needed.
struct Bits<'a> {
    input: &'a [u8],
    /// Where the next word or byte stands.
    at: usize,
    /// The next bits, the first one highest.
    word: u32,
    /// Bits at hand beyond 16.
    spare: i32,
}

impl<'a> Bits<'a> {
    fn starting(input: &'a [u8], at: usize) -> Self {
        let mut bits = Bits { input, at, word: 0, spare: 16 };
        bits.word = bits.fetch() << 16 | bits.fetch();
        bits
    }

    /// The next word. Behind the end there are zeros: the decoder reads ahead of what it needs.
    fn fetch(&mut self) -> u32 {
        let word = u16_at(self.input, self.at).map_or(0, u32::from);
        self.at += 2;
        word
    }

    fn next(&self, count: u32) -> u32 {
        self.word.checked_shr(32 - count).unwrap_or(0)
    }

    /// Goes on by so many bits, 15 at most.
    fn take(&mut self, count: u32) -> Result<(), &'static str> {
        self.word <<= count;
        self.spare -= count as i32;
        if self.spare < 0 {
            self.word |= self.fetch() << -self.spare;
            self.spare += 16;
        }
        if self.at > self.input.len() + AHEAD { Err(SHORT) } else { Ok(()) }
    }

    /// Distance and length of the match that a symbol begins.
    fn matched(&mut self, symbol: u16) -> Result<(usize, usize), &'static str> {
        let mut length = usize::from(symbol % 16);
        let bits = u32::from(symbol / 16) % 16;
        if length == 15 {
            length = self.long()?;
        }
        let distance = (1 << bits) + self.next(bits) as usize;
        self.take(bits)?;
        Ok((distance, length + LEAST))
    }

    /// A length of 15 or more, less 3.
    fn long(&mut self) -> Result<usize, &'static str> {
        let byte = usize::from(*self.input.get(self.at).ok_or(SHORT)?);
        self.at += 1;
        if byte < 255 {
            return Ok(byte + 15);
        }
        let mut length = usize::from(u16_at(self.input, self.at).ok_or(SHORT)?);
        self.at += 2;
        if length == 0 {
            length = u32_at(self.input, self.at).ok_or(SHORT)? as usize;
            self.at += 4;
        }
        if length < 15 { Err("a length is written in a longer form than it needs") } else { Ok(length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_lengths(lengths: &[(usize, u8)], data: &[u8]) -> Vec<u8> {
        let mut input = vec![0; LENGTHS];
        for (symbol, length) in lengths {
            input[symbol / 2] |= length << (symbol % 2 * 4);
        }
        input.extend(data);
        input
    }

    #[test]
    fn examples_of_the_specification() {
        // [MS-XCA] 3.2: the alphabet, and "abc" a hundred times.
        let mut lengths: Vec<_> = (b'a'..=b'v').map(|letter| (usize::from(letter), 5)).collect();
        lengths.extend((b'w'..=b'z').map(|letter| (usize::from(letter), 4)).chain([(256, 4)]));
        // The specification's own table, in its bytes.
        let mut alphabet = vec![0; 48];
        alphabet.extend([0x50, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x45, 0x44, 0x04]);
        alphabet.resize(128, 0);
        alphabet.push(0x04);
        alphabet.resize(LENGTHS, 0);
        let data = [0xD8, 0x52, 0x3E, 0xD7, 0x94, 0x11, 0x5B, 0xE9, 0x19, 0x5F, 0xF9, 0xD6, 0x7C, 0xDF, 0x8D, 0x04];
        alphabet.extend(data);
        alphabet.extend([0; 4]);
        assert_eq!(with_lengths(&lengths, &data)[..], alphabet[..LENGTHS + data.len()]);
        let mut out = Vec::new();
        assert_eq!(decompress(&alphabet, 26, &mut out), Ok(()));
        assert_eq!(out, (b'a'..=b'z').collect::<Vec<_>>());

        let lengths = [(97, 3), (98, 3), (99, 2), (256, 2), (287, 2)];
        let repeated = with_lengths(&lengths, &[0xA8, 0xDC, 0x00, 0x00, 0xFF, 0x26, 0x01]);
        assert_eq!(decompress(&repeated, 300, &mut out), Ok(()));
        assert_eq!(out, b"abc".repeat(100));
        for cut in 0..repeated.len() - 2 {
            assert!(decompress(&repeated[..cut], 300, &mut out).is_err(), "{cut}");
        }
    }

    #[test]
    fn hostile_codes_end_in_an_error() {
        let mut out = Vec::new();
        assert_eq!(decompress(&[0; 300], 10, &mut out), Err(WRONG));
        assert_eq!(decompress(&[0x11; 300], 10, &mut out), Err(WRONG));
        assert!(decompress(&[], 1, &mut out).is_err());
        // All symbols are of nine bits; the first is a match before the buffer.
        let mut input = vec![0x99; LENGTHS];
        input.extend([0xFF; 8]);
        assert!(decompress(&input, 1 << 20, &mut out).is_err());
        // A match of four gigabytes makes no more than was wanted.
        let lengths = [(97, 1), (271, 1)];
        let bomb = with_lengths(&lengths, &[0, 0x40, 0, 0, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
        assert_eq!(decompress(&bomb, 1000, &mut out), Ok(()));
        assert_eq!(out, vec![b'a'; 1000]);
    }
}
