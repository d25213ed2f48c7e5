//! Typed values as the text that Windows' XML shows ([MS-EVEN6] 2.2.12, 3.1.4.7.5), and as
//! numbers. Values of a size that their type does not have read as empty.

use super::binxml::{BINARY, BINXML, STRING, u32_at, u64_at};
use crate::event::{Guid, Time};
use crate::source::text::{
    parse_number, push_ansi, push_bytes, push_decimal, push_guid, push_hex, push_sid, push_signed, push_system_time,
    push_time, signed, system_time, unsigned,
};

pub(super) use crate::source::text::push_utf16;

/// Set in the type of an array.
const ARRAY: u8 = 0x80;

fn float(out: &mut String, text: &str) {
    out.push_str(text);
}

/// Appends the text of one value, or of an array's values with commas between.
pub(super) fn push_text(out: &mut String, kind: u8, bytes: &[u8]) {
    match kind {
        STRING => push_utf16(out, bytes),
        0x02 => push_ansi(out, bytes),
        BINARY => push_bytes(out, bytes),
        0x13 => push_sid(out, bytes),
        0x10 => push_hex(out, unsigned(bytes).unwrap_or(0)),
        BINXML => {}
        _ if kind & ARRAY != 0 => {
            for (n, item) in items(kind, bytes).enumerate() {
                if n > 0 {
                    out.push(',');
                }
                push_text(out, kind & !ARRAY, item);
            }
        }
        _ => {
            let size = super::binxml::fixed_size(kind).unwrap_or(usize::MAX);
            if let Some(bytes) = bytes.get(..size).filter(|bytes| !bytes.is_empty()) {
                push_fixed(out, kind, bytes);
            }
        }
    }
}

fn push_fixed(out: &mut String, kind: u8, bytes: &[u8]) {
    match kind {
        0x03 | 0x05 | 0x07 | 0x09 => push_signed(out, signed(bytes).unwrap_or(0)),
        0x04 | 0x06 | 0x08 | 0x0A => push_decimal(out, unsigned(bytes).unwrap_or(0)),
        0x0B => float(out, &f32::from_bits(u32_at(bytes, 0).unwrap_or(0)).to_string()),
        0x0C => float(out, &f64::from_bits(u64_at(bytes, 0).unwrap_or(0)).to_string()),
        // Windows writes bit masks as booleans too: those stay numbers.
        0x0D => match signed(bytes) {
            Some(0) => out.push_str("false"),
            Some(1) => out.push_str("true"),
            other => push_signed(out, other.unwrap_or(0)),
        },
        0x0F => push_guid(out, guid(bytes).unwrap_or_default()),
        0x11 => push_time(out, Time::from_filetime(unsigned(bytes).unwrap_or(0))),
        0x12 => push_system_time(out, bytes),
        0x14 | 0x15 => push_hex(out, unsigned(bytes).unwrap_or(0)),
        _ => {}
    }
}

/// Is this the type of a string?
pub(super) fn is_text(kind: u8) -> bool {
    matches!(kind, STRING | 0x02)
}

/// Is this the type of an array?
pub(super) fn is_array(kind: u8) -> bool {
    kind & ARRAY != 0
}

/// A GUID as stored.
pub(super) fn guid(bytes: &[u8]) -> Option<Guid> {
    bytes.first_chunk().map(|bytes| Guid::from_le_bytes(*bytes))
}

/// The values of an array, each as its bytes; none where the type is no array that Windows
/// repeats elements for.
pub(super) fn items(kind: u8, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = if kind & ARRAY == 0 { &[][..] } else { bytes };
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (len, step) = match kind & !ARRAY {
            STRING => {
                let units = rest.as_chunks::<2>().0;
                let len = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len()) * 2;
                (len, len + 2)
            }
            0x02 => {
                let len = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
                (len, len + 1)
            }
            0x13 => {
                let len = 8 + usize::from(*rest.get(1)?) * 4;
                (len, len)
            }
            other => {
                let size = super::binxml::fixed_size(other).filter(|size| *size > 0)?;
                (size, size)
            }
        };
        let item = rest.get(..len)?;
        rest = rest.get(step..).unwrap_or_default();
        Some(item)
    })
}

/// A value as a number; text is read as decimal, or hexadecimal behind `0x`.
pub(super) fn number(kind: u8, bytes: &[u8]) -> Option<u64> {
    match kind {
        STRING | 0x02 => {
            let mut text = String::new();
            push_text(&mut text, kind, bytes);
            parse_number(&text)
        }
        0x03 | 0x05 | 0x07 | 0x09 => u64::try_from(signed(bytes)?).ok(),
        0x04 | 0x06 | 0x08 | 0x0A | 0x0D | 0x10 | 0x14 | 0x15 if !bytes.is_empty() => unsigned(bytes),
        _ => None,
    }
}

/// A value as a time.
pub(super) fn time(kind: u8, bytes: &[u8]) -> Option<Time> {
    match kind {
        0x11 => u64_at(bytes, 0).map(Time::from_filetime),
        0x12 => system_time(bytes),
        STRING | 0x02 => {
            let mut text = String::new();
            push_text(&mut text, kind, bytes);
            Time::parse(&text)
        }
        _ => None,
    }
}

/// Is there nothing in it, so that an optional substitution is left out?
pub(super) fn is_empty(kind: u8, bytes: &[u8]) -> bool {
    match kind {
        0x00 => true,
        STRING => bytes.as_chunks::<2>().0.first().is_none_or(|unit| *unit == [0, 0]),
        _ => bytes.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: u8, bytes: &[u8]) -> String {
        let mut out = String::new();
        push_text(&mut out, kind, bytes);
        out
    }

    #[test]
    fn values_read_as_windows_shows_them() {
        assert_eq!(text(STRING, b"a\0\xE4\0\0\0x\0"), "aä");
        assert_eq!(text(STRING, b"\x3D\xD8\x00\xDE\x00\xD8"), "\u{1F600}\u{FFFD}");
        assert_eq!(text(0x02, b"\x80uro\0"), "€uro");
        assert_eq!(text(0x07, &(-5i32).to_le_bytes()), "-5");
        assert_eq!(text(0x0A, &u64::MAX.to_le_bytes()), "18446744073709551615");
        assert_eq!(text(0x14, &0xC000_006Du32.to_le_bytes()), "0xc000006d");
        assert_eq!(text(0x15, &0u64.to_le_bytes()), "0x0");
        assert_eq!(text(0x0D, &16u32.to_le_bytes()), "16");
        assert_eq!(text(0x0E, &[0, 0xAB]), "00AB");
        assert_eq!(text(0x13, &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]), "S-1-5-32-544");
        assert_eq!(text(0x11, &[0; 8]), "1601-01-01T00:00:00.0000000Z");
        assert_eq!(text(0x12, &[0; 16]), "1601-01-01T00:00:00.0000000Z");
        assert_eq!(text(0x86, &[1, 0, 2, 0]), "1,2");
        assert_eq!(text(0x08, &[1]), "", "shorter than its type");
    }

    #[test]
    fn string_arrays_keep_empty_items() {
        let items: Vec<_> = items(0x81, b"a\0\0\0\0\0b\0").map(|item| text(STRING, item)).collect();
        assert_eq!(items, ["a", "", "b"]);
    }

    #[test]
    fn no_kind_or_size_is_too_strange_to_read() {
        for kind in 0..=255 {
            for len in 0..40 {
                let bytes = vec![0xFF; len];
                text(kind, &bytes);
                items(kind, &bytes).count();
                number(kind, &bytes);
                time(kind, &bytes);
            }
        }
    }
}
