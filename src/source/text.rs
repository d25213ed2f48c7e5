//! Values as the text that Windows' XML shows, whatever format holds them.

use super::bytes::u16_at;
use crate::event::{Guid, Time};

/// UTF-16 up to the first NUL; broken surrogates become U+FFFD.
#[inline]
pub(super) fn push_utf16(out: &mut String, bytes: &[u8]) {
    let (mut rest, _) = bytes.as_chunks::<2>();
    // Nearly all text is ASCII: narrowed by blocks.
    while !rest.is_empty() {
        let (block, behind) = rest.split_at(rest.len().min(UNITS));
        if !is_ascii(block) {
            break;
        }
        let mut narrow = Narrow([b' '; UNITS]);
        narrow.0.iter_mut().zip(block).for_each(|(to, unit)| *to = u16::from_le_bytes(*unit) as u8);
        // Validated blanks behind included: fastest where it starts and ends on a word.
        let validated = narrow.0.get(..block.len().next_multiple_of(BLOCK)).unwrap_or_default();
        let text = std::str::from_utf8(validated).ok();
        let Some(text) = text.and_then(|text| text.get(..block.len())) else { break };
        out.push_str(text);
        rest = behind;
    }
    if !rest.is_empty() {
        push_letters(out, rest);
    }
}

/// Are all units letters of ASCII, and none NUL? Many are looked at at once.
#[inline]
fn is_ascii(units: &[[u8; 2]]) -> bool {
    let odd = |unit: u16| unit & 0xFF80 | if unit == 0 { 1 << 15 } else { 0 };
    units.iter().fold(0, |other, unit| other | odd(u16::from_le_bytes(*unit))) == 0
}

/// Longer text is no short way.
const NARROW: usize = 1 << 12;

/// As [`push_utf16`] would write it, where it is all in ASCII, and without NUL but at its end. `false`: it is not, or long.
#[inline]
pub(super) fn narrow(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let (mut units, _) = bytes.as_chunks::<2>();
    while let [rest @ .., [0, 0]] = units {
        units = rest;
    }
    let fits = units.len() <= NARROW && is_ascii(units);
    if fits {
        out.clear();
        out.extend(units.iter().map(|unit| u16::from_le_bytes(*unit) as u8));
    }
    fits
}

#[cold]
fn push_letters(out: &mut String, units: &[[u8; 2]]) {
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0);
    out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// Units narrowed at once, a multiple of a block.
const UNITS: usize = 64;
/// Bytes written at once.
const BLOCK: usize = 16;

#[repr(align(16))]
struct Narrow([u8; UNITS]);

/// What Windows-1252 means by 0x80 to 0x9F.
const C1: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

pub(super) fn push_ansi(out: &mut String, bytes: &[u8]) {
    out.extend(bytes.iter().filter(|byte| **byte != 0).map(|byte| match byte {
        0x80..=0x9F => C1.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(*byte),
    }));
}

pub(super) fn push_decimal(out: &mut String, value: u64) {
    out.push_str(itoa::Buffer::new().format(value));
}

pub(super) fn push_signed(out: &mut String, value: i64) {
    out.push_str(itoa::Buffer::new().format(value));
}

pub(super) fn push_hex(out: &mut String, value: u64) {
    let digits = (16 - value.leading_zeros() / 4).max(1);
    out.push_str("0x");
    for digit in (0..digits).rev() {
        out.extend(char::from_digit((value >> (4 * digit) & 0xF) as u32, 16));
    }
}

pub(super) fn push_bytes(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for block in bytes.chunks(BLOCK) {
        let mut digits = [[b'0'; 2]; BLOCK];
        for (pair, byte) in digits.iter_mut().zip(block) {
            *pair = [byte >> 4, byte & 15].map(|half| DIGITS[usize::from(half)]);
        }
        let digits = digits.get(..block.len()).unwrap_or_default();
        out.push_str(std::str::from_utf8(digits.as_flattened()).unwrap_or_default());
    }
}

pub(super) fn push_sid(out: &mut String, bytes: &[u8]) {
    let Some(([revision, count, authority @ ..], subs)) = bytes.split_first_chunk::<8>() else {
        return out.push_str("S-?");
    };
    out.push_str("S-");
    push_decimal(out, u64::from(*revision));
    out.push('-');
    push_decimal(out, authority.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    for sub in subs.as_chunks::<4>().0.iter().take(usize::from(*count)) {
        out.push('-');
        push_decimal(out, u64::from(u32::from_le_bytes(*sub)));
    }
}

/// Braces and lower case, as in Windows' XML.
pub(super) fn push_guid(out: &mut String, guid: Guid) {
    out.push('{');
    for (at, byte) in guid.0.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.extend(char::from_digit(u32::from(byte >> 4), 16));
        out.extend(char::from_digit(u32::from(byte & 15), 16));
    }
    out.push('}');
}

pub(super) fn push_time(out: &mut String, time: Time) {
    use std::fmt::Write;
    // Writing to a String cannot fail.
    let _ = write!(out, "{time}");
}

pub(super) fn push_system_time(out: &mut String, bytes: &[u8]) {
    match system_time(bytes) {
        Some(time) => push_time(out, time),
        // What Windows shows for one that is no time.
        None => push_time(out, Time::from_filetime(0)),
    }
}

/// A SYSTEMTIME ([MS-DTYP] 2.3.13).
pub(super) fn system_time(bytes: &[u8]) -> Option<Time> {
    let part = |at: usize| u16_at(bytes, at * 2);
    let small = |at| i8::try_from(part(at)?).ok();
    let nanoseconds = i32::from(part(7)?).checked_mul(1_000_000)?;
    let date = jiff::civil::DateTime::new(
        i16::try_from(part(0)?).ok()?,
        small(1)?,
        small(3)?,
        small(4)?,
        small(5)?,
        small(6)?,
        nanoseconds,
    );
    let stamp = jiff::tz::Offset::UTC.to_timestamp(date.ok()?).ok()?;
    Time::from_unix(stamp.as_second(), i64::from(stamp.subsec_nanosecond()))
}

pub(super) fn signed(bytes: &[u8]) -> Option<i64> {
    Some(match *bytes {
        [a] => i64::from(a as i8),
        [a, b] => i64::from(i16::from_le_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        _ => i64::from_le_bytes(*bytes.first_chunk()?),
    })
}

pub(super) fn unsigned(bytes: &[u8]) -> Option<u64> {
    Some(match *bytes {
        [a] => a.into(),
        [a, b] => u16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ if bytes.len() > 8 => return None,
        // Sizes that no type has.
        _ => bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    })
}

/// Decimal, or hexadecimal behind `0x`.
pub(super) fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
