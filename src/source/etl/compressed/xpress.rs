//! Plain LZ77 of [MS-XCA] 2.4, as compressed buffers hold it. Stops at the length that the buffer
//! states: what is left of the input then is filler, and no input makes more than that.

use super::{BEFORE, SHORT};
use crate::source::bytes::{u16_at, u32_at};

/// Bytes that are copied at once where there is room: what stands behind is written again later.
const AT_ONCE: usize = 16;
/// Room behind the end for that.
const SLACK: usize = 32;

pub(super) fn decompress(input: &[u8], want: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
    out.clear();
    out.resize(want.saturating_add(SLACK), 0);
    let mut made = 0;
    let done = fill(input, want, out, &mut made);
    out.truncate(made);
    done
}

/// Writes `want` bytes to the start of `out`; `made` tells how many are there, whatever happens.
fn fill(input: &[u8], want: usize, out: &mut [u8], made: &mut usize) -> Result<(), &'static str> {
    let mut at = 0;
    let mut flags = 0;
    let mut left = 0;
    // Where the half-used byte of a length stands.
    let mut half: Option<usize> = None;
    while *made < want {
        if left == 0 {
            flags = u32_at(input, at).ok_or(SHORT)?;
            at += 4;
            left = 32;
        }
        let literals = flags.leading_zeros().min(left);
        if literals > 0 {
            // A word may be used up at once, which no shift of 32 bits can do.
            flags = flags.checked_shl(literals).unwrap_or(0);
            left -= literals;
            let count = (literals as usize).min(want - *made);
            *made += literal(input, at, count, out, *made);
            at += count;
            if at > input.len() {
                return Err(SHORT);
            }
            continue;
        }
        flags <<= 1;
        left -= 1;
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
        let length = (length + 3).min(want - *made);
        let from = made.checked_sub(distance).ok_or(BEFORE)?;
        repeat(out, from, *made, length);
        *made += length;
    }
    Ok(())
}

/// Copies `count` literals, 32 at most, or as many as there are; returns how many.
fn literal(input: &[u8], at: usize, count: usize, out: &mut [u8], to: usize) -> usize {
    let source = input.get(at..).unwrap_or_default();
    let Some(target) = out.get_mut(to..) else { return 0 };
    if let (Some(source), Some(target)) = (source.first_chunk::<SLACK>(), target.first_chunk_mut::<SLACK>()) {
        *target = *source;
        return count;
    }
    let count = count.min(source.len());
    if let (Some(source), Some(target)) = (source.get(..count), target.get_mut(..count)) {
        target.copy_from_slice(source);
    }
    count
}

/// Repeats `length` bytes from `from` at `to`; they may overlap.
fn repeat(out: &mut [u8], from: usize, to: usize, length: usize) {
    let Some((before, target)) = out.split_at_mut_checked(to) else { return };
    if length <= AT_ONCE
        && let Some(source) = before.get(from..).and_then(<[u8]>::first_chunk::<AT_ONCE>)
        && let Some(target) = target.first_chunk_mut::<AT_ONCE>()
    {
        *target = *source;
        return;
    }
    let (mut done, step) = (0, to - from);
    while done < length {
        // Each round there is twice as much to copy from.
        let part = (step + done).min(length - done);
        if from + part > out.len() || to + done + part > out.len() {
            return;
        }
        out.copy_within(from..from + part, to + done);
        done += part;
    }
}

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
