//! How a text is encoded, and its bytes as text.

use std::borrow::Cow;

use encoding_rs::{Encoding as Known, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// An encoding that these texts come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Encoding {
    /// UTF-8; lines that are none are Windows-1252, as programs mix the two.
    Utf8,
    /// Little-endian UTF-16.
    Utf16Le,
    /// Big-endian UTF-16.
    Utf16Be,
    /// A code page that the text itself names.
    Named(&'static Known),
}

impl Encoding {
    /// By the first bytes: a mark, else where the zeros stand. Also the length of the mark.
    pub fn of(head: &[u8]) -> (Self, usize) {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
            [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
            _ => (Self::unmarked(head), 0),
        }
    }

    fn unmarked(head: &[u8]) -> Self {
        let start = head.get(..64).unwrap_or(head);
        let pairs = start.as_chunks::<2>().0;
        let (low, high) = pairs.iter().fold((0, 0), |(low, high), [first, second]| {
            (low + usize::from(*second == 0 && *first != 0), high + usize::from(*first == 0 && *second != 0))
        });
        match pairs.len() {
            0..4 => Encoding::Utf8,
            all if low * 4 > all * 3 => Encoding::Utf16Le,
            all if high * 4 > all * 3 => Encoding::Utf16Be,
            _ => declared(head),
        }
    }

    /// Bytes of one character at least.
    pub fn unit(self) -> usize {
        match self {
            Encoding::Utf16Le | Encoding::Utf16Be => 2,
            Encoding::Utf8 | Encoding::Named(_) => 1,
        }
    }

    /// Bytes as text; what is none becomes U+FFFD.
    pub fn text(self, bytes: &[u8]) -> Cow<'_, str> {
        let known = match self {
            Encoding::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => return Cow::Borrowed(text),
                // Half a character at the end is a cut, not another encoding.
                Err(error) if error.error_len().is_none() => UTF_8,
                Err(_) => WINDOWS_1252,
            },
            Encoding::Utf16Le => UTF_16LE,
            Encoding::Utf16Be => UTF_16BE,
            Encoding::Named(known) => known,
        };
        known.decode_without_bom_handling(bytes).0
    }

    /// ASCII in this encoding.
    pub fn bytes(self, ascii: &str) -> Vec<u8> {
        match self {
            Encoding::Utf16Le => ascii.bytes().flat_map(|byte| [byte, 0]).collect(),
            Encoding::Utf16Be => ascii.bytes().flat_map(|byte| [0, byte]).collect(),
            Encoding::Utf8 | Encoding::Named(_) => ascii.as_bytes().to_vec(),
        }
    }

    /// A unit, where it is ASCII.
    pub fn ascii(self, unit: &[u8]) -> Option<u8> {
        match (self, unit) {
            (Encoding::Utf16Le, [byte, 0]) | (Encoding::Utf16Be, [0, byte]) => Some(*byte),
            (Encoding::Utf8 | Encoding::Named(_), [byte]) => Some(*byte),
            _ => None,
        }
        .filter(u8::is_ascii)
    }
}

/// The code page that an XML declaration names.
fn declared(head: &[u8]) -> Encoding {
    let start = head.get(..256).unwrap_or(head);
    let declaration = start.strip_prefix(b"<?xml").and_then(|rest| {
        let end = rest.iter().position(|byte| *byte == b'>')?;
        std::str::from_utf8(rest.get(..end)?).ok()
    });
    let label = declaration.and_then(|text| {
        let (_, value) = text.split_once("encoding")?;
        value.split(['"', '\'']).nth(1)
    });
    match label.and_then(|label| Known::for_label(label.as_bytes())) {
        // A declaration in ASCII that says UTF-16 was copied along with a text that is none.
        Some(known) if known.is_ascii_compatible() && known != UTF_8 => Encoding::Named(known),
        _ => Encoding::Utf8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_zeros_and_declarations_tell_the_encoding() {
        assert_eq!(Encoding::of(b"\xEF\xBB\xBF<"), (Encoding::Utf8, 3));
        assert_eq!(Encoding::of(b"\xFF\xFE<\0"), (Encoding::Utf16Le, 2));
        assert_eq!(Encoding::of(b"\xFE\xFF\0<"), (Encoding::Utf16Be, 2));
        assert_eq!(Encoding::of(&Encoding::Utf16Le.bytes("Event Name, Type")), (Encoding::Utf16Le, 0));
        assert_eq!(Encoding::of(&Encoding::Utf16Be.bytes("Event Name, Type")), (Encoding::Utf16Be, 0));
        assert_eq!(Encoding::of(b""), (Encoding::Utf8, 0));
        let declared = b"<?xml version=\"1.0\" encoding='windows-1251'?><Events>";
        assert_eq!(Encoding::of(declared), (Encoding::Named(encoding_rs::WINDOWS_1251), 0));
        let copied = b"<?xml version=\"1.0\" encoding=\"UTF-16\"?><Events>";
        assert_eq!(Encoding::of(copied), (Encoding::Utf8, 0));
    }

    #[test]
    fn a_line_that_is_no_utf8_is_ansi() {
        assert_eq!(Encoding::Utf8.text("Größe".as_bytes()), "Größe");
        assert_eq!(Encoding::Utf8.text(b"Gr\xF6\xDFe"), "Größe");
        assert_eq!(Encoding::Utf8.text(b"cut \xE2\x82"), "cut \u{FFFD}");
        assert_eq!(Encoding::Utf16Le.text(b"a\0\x00\xD8b\0"), "a\u{FFFD}b");
    }
}
