//! Plain LZ77 of [MS-XCA] 2.4, as compressed buffers hold it. Stops at the length that the buffer
//! states: what is left of the input then is filler, and no input makes more than that.

use crate::source::bytes::{u16_at, u32_at};

/// Decompresses exactly `want` bytes into `out`, which is emptied first.
pub(super) fn decompress(input: &[u8], want: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
    out.clear();
    let mut at = 0;
    let mut flags = 0;
    let mut left = 0;
    // Where the half-used byte of a length stands.
    let mut half: Option<usize> = None;
    while out.len() < want {
        if left == 0 {
            flags = u32_at(input, at).ok_or(SHORT)?;
            at += 4;
            left = 32;
        }
        left -= 1;
        if flags >> left & 1 == 0 {
            out.push(*input.get(at).ok_or(SHORT)?);
            at += 1;
            continue;
        }
        let pair = usize::from(u16_at(input, at).ok_or(SHORT)?);
        at += 2;
        let (distance, mut length) = (pair / 8 + 1, pair % 8);
        if length == 7 {
            length += match half.take() {
                Some(place) => usize::from(input.get(place).ok_or(SHORT)? >> 4),
                None => {
                    half = Some(at);
                    at += 1;
                    usize::from(input.get(at - 1).ok_or(SHORT)? & 15)
                }
            };
            if length == 7 + 15 {
                length = long(input, &mut at)?;
            }
        }
        length = (length + 3).min(want - out.len());
        let from = out.len().checked_sub(distance).ok_or("a match begins before the buffer")?;
        // A match may overlap what it makes: each round there is more to copy from.
        while length > 0 {
            let part = length.min(out.len() - from);
            out.extend_from_within(from..from + part);
            length -= part;
        }
    }
    Ok(())
}

const SHORT: &str = "the compressed bytes end too early";

/// A length of 22 or more, less 3.
fn long(input: &[u8], at: &mut usize) -> Result<usize, &'static str> {
    let byte = usize::from(*input.get(*at).ok_or(SHORT)?);
    *at += 1;
    if byte < 255 {
        return Ok(byte + 22);
    }
    let mut length = usize::from(u16_at(input, *at).ok_or(SHORT)?);
    *at += 2;
    if length == 0 {
        length = u32_at(input, *at).ok_or(SHORT)? as usize;
        *at += 4;
    }
    if length < 22 {
        return Err("a length is written in a longer form than it needs");
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(input: &[u8], want: usize) -> Result<Vec<u8>, &'static str> {
        let mut out = Vec::new();
        decompress(input, want, &mut out).map(|()| out)
    }

    #[test]
    fn examples_of_the_specification() {
        // [MS-XCA] 3.1
        let mut alphabet = vec![0x3F, 0, 0, 0];
        alphabet.extend(b'a'..=b'z');
        assert_eq!(done(&alphabet, 26).unwrap(), (b'a'..=b'z').collect::<Vec<_>>());
        let repeated = [0xFF, 0xFF, 0xFF, 0x1F, b'a', b'b', b'c', 0x17, 0, 0x0F, 0xFF, 0x26, 0x01];
        assert_eq!(done(&repeated, 300).unwrap(), b"abc".repeat(100));
    }

    #[test]
    fn a_full_word_of_flags_after_the_last_byte_is_not_read() {
        let mut input = vec![0x3F, 0, 0, 0];
        input.extend(b'a'..=b'z');
        input.extend([0xFF; 4]);
        assert_eq!(done(&input, 26).unwrap().len(), 26);
    }

    #[test]
    fn broken_input_is_an_error_and_never_longer_than_wanted() {
        assert_eq!(done(&[0xFF; 4], 10), Err(SHORT));
        assert!(done(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0], 10).is_err());
        assert!(done(&[], 1).is_err());
        assert_eq!(done(&[], 0).unwrap(), b"");
        // A match of four gigabytes.
        let bomb = [0, 0, 0, 0x40, b'a', 7, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(done(&bomb, 1000).unwrap(), vec![b'a'; 1000]);
    }
}
