//! GUIDs, stored and written.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A GUID as its sixteen bytes in the order of their text form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// From the little-endian layout that Windows stores ([MS-DTYP] 2.3.4.2).
    pub fn from_le_bytes(b: [u8; 16]) -> Self {
        Guid([b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]])
    }

    /// Reads the text form, with or without braces.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('{').trim_end_matches('}');
        let mut bytes = [0; 16];
        let mut digits = text.bytes().filter(|b| *b != b'-');
        for byte in &mut bytes {
            let high = char::from(digits.next()?).to_digit(16)?;
            let low = char::from(digits.next()?).to_digit(16)?;
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        (digits.next().is_none() && text.len() == 36).then_some(Guid(bytes))
    }

    /// All bytes zero: what Windows writes for "none".
    pub fn is_nil(self) -> bool {
        self.0 == [0; 16]
    }

    /// Upper case, hyphens, no braces, in ASCII.
    pub fn to_ascii(self) -> [u8; 36] {
        let mut text = *b"00000000-0000-0000-0000-000000000000";
        let mut digits = text.iter_mut().filter(|place| **place != b'-');
        for byte in self.0 {
            for half in [byte >> 4, byte & 15] {
                if let Some(digit) = digits.next() {
                    *digit = b"0123456789ABCDEF"[usize::from(half)];
                }
            }
        }
        text
    }
}

impl fmt::Display for Guid {
    /// As [`Guid::to_ascii`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_ascii()).unwrap_or_default())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Guid::parse(&text).ok_or_else(|| serde::de::Error::custom("not a GUID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guid_reads_braces_and_rejects_other_lengths() {
        let text = "F4201234-5678-49AB-8CDE-0123456789AB";
        assert_eq!(Guid::parse(&format!("{{{text}}}")).unwrap().to_string(), text);
        assert_eq!(Guid::parse("F420"), None);
        let mut le = Guid::parse(text).unwrap().0;
        le[..4].reverse();
        le[4..6].reverse();
        le[6..8].reverse();
        assert_eq!(Guid::from_le_bytes(le).to_string(), text);
    }
}
