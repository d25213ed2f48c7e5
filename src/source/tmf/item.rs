//! Kinds of values of WPP messages: how they are stored and how they read.

use std::fmt;

use crate::event::{Guid, Time};
use crate::source::layout::{Kind as Stored, Show};
use crate::source::payload::value;
use crate::source::text::{parse_number, signed, unsigned};

/// Names of one list, and values of a set.
const NAMES: usize = 256;

/// What kind of value, by the name that .tmf files call it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// An integer of so many bytes.
    Number(u8),
    /// As [`Kind::Number`], a code.
    Code,
    /// A single character of four bytes, last one first.
    Tag,
    /// One of these names, by number.
    List(u8, Vec<(u64, Box<str>)>),
    /// Any of these names, by bit.
    Set(u8, Vec<Box<str>>),
    /// Milliseconds.
    Span,
    /// Stored and shown as fields of events are.
    Plain(Stored, Show),
}

impl Kind {
    /// `ItemLong`, `ItemListLong(a,b=5)`…
    pub fn read(text: &str) -> Option<Self> {
        let (name, inside) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.rsplit_once(')').map_or(rest, |(inside, _)| inside)),
            None => (text, ""),
        };
        let plain = |stored| Kind::Plain(stored, Show::Plain);
        Some(match name.strip_prefix("Item")? {
            "Char" | "UChar" | "CharHidden" => Kind::Number(1),
            "Short" | "UShort" | "CharShort" => Kind::Number(2),
            "Long" | "ULong" | "ULongX" | "Enum" | "FlagsEnum" => Kind::Number(4),
            "LongLong" | "ULongLong" | "LongLongX" | "LongLongXX" | "LongLongO" | "ULongLongX" => Kind::Number(8),
            "Double" => plain(Stored::Float(8)),
            "Ptr" => plain(Stored::Pointer),
            "String" | "RString" => plain(Stored::Ansi),
            "WString" | "RWString" => plain(Stored::Utf16),
            "PString" => plain(Stored::CountedAnsi),
            "PWString" => plain(Stored::CountedUtf16),
            "HexDump" => plain(Stored::CountedBytes),
            "NTSTATUS" | "HRESULT" | "WINERROR" | "NDIS_STATUS" | "NDIS_OID" | "NTerror" | "SetLongX" => Kind::Code,
            "Char4" => Kind::Tag,
            "ListByte" => Kind::List(1, list(inside)),
            "ListShort" => Kind::List(2, list(inside)),
            "ListLong" => Kind::List(4, list(inside)),
            "SetByte" => Kind::Set(1, names(inside)),
            "SetShort" => Kind::Set(2, names(inside)),
            "SetLong" => Kind::Set(4, names(inside)),
            "Guid" | "CLSID" | "IID" | "LIBID" => plain(Stored::Guid),
            "Timestamp" | "WaitTime" => plain(Stored::FileTime),
            "TimeDelta" => Kind::Span,
            "IPAddr" => Kind::Plain(Stored::Unsigned(4), Show::Ip4),
            "IPV6Addr" => Kind::Plain(Stored::Guid, Show::Address),
            "Port" => Kind::Plain(Stored::Unsigned(2), Show::Port),
            "Sid" => plain(Stored::Sid),
            _ => return None,
        })
    }

    fn stored(&self) -> Stored {
        match self {
            Kind::Number(bytes) | Kind::List(bytes, _) | Kind::Set(bytes, _) => Stored::Unsigned(*bytes),
            Kind::Code | Kind::Tag => Stored::Unsigned(4),
            Kind::Span => Stored::Unsigned(8),
            Kind::Plain(stored, _) => *stored,
        }
    }

    /// Splits a value off a payload. `None` where it ends before.
    pub fn split<'a>(&self, payload: &'a [u8], wide: bool) -> Option<(Read, &'a [u8])> {
        let (bytes, rest) = value::split(self.stored(), None, wide, payload)?;
        let number = || unsigned(bytes).unwrap_or(0);
        let read = match self {
            Kind::Number(_) => Read::Number(number(), signed(bytes).unwrap_or(0)),
            Kind::Code => Read::Code(number()),
            Kind::Tag => Read::Text(bytes.iter().filter(|b| b.is_ascii_graphic()).map(|b| char::from(*b)).collect()),
            Kind::List(_, names) => {
                let name = names.iter().find(|(known, _)| *known == number());
                name.map_or(Read::Number(number(), signed(bytes).unwrap_or(0)), |(_, name)| {
                    Read::Text((**name).to_owned())
                })
            }
            Kind::Set(_, names) => {
                let set = (0..64).zip(names).filter(|(bit, _)| number() >> bit & 1 != 0);
                Read::Text(set.map(|(_, name)| &**name).collect::<Vec<_>>().join("|"))
            }
            Kind::Span => Read::Text(format!("{} ms", number())),
            Kind::Plain(Stored::Pointer, _) => Read::Code(number()),
            Kind::Plain(Stored::Guid, Show::Plain) => {
                Read::Text(Guid::from_le_bytes(bytes.first_chunk().copied()?).to_string())
            }
            Kind::Plain(Stored::FileTime, _) => Read::Text(Time::from_filetime(number()).to_string()),
            Kind::Plain(stored, show) => {
                let mut text = String::new();
                value::push(&mut text, *stored, *show, bytes);
                Read::Text(text)
            }
        };
        Some((read, rest))
    }
}

/// `a,b=5,c`: counted from 0, or on from what a name says.
fn list(inside: &str) -> Vec<(u64, Box<str>)> {
    let mut next = 0;
    let words = inside.split(',').take(NAMES).map(|word| word.trim().trim_matches('"'));
    words
        .map(|word| {
            let (name, number) = match word.split_once('=') {
                Some((name, number)) => (name.trim(), parse_number(number).unwrap_or(next)),
                None => (word, next),
            };
            next = number.saturating_add(1);
            (number, name.into())
        })
        .collect()
}

fn names(inside: &str) -> Vec<Box<str>> {
    inside.split(',').take(64).map(|word| word.trim().trim_matches('"').into()).collect()
}

/// A value that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    /// As unsigned and as signed: the format tells which.
    Number(u64, i64),
    /// Shown in hex.
    Code(u64),
    /// Anything else.
    Text(String),
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Read::Number(_, number) => write!(f, "{number}"),
            Read::Code(code) => write!(f, "0x{code:x}"),
            Read::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, bytes: &[u8]) -> String {
        Kind::read(kind).unwrap().split(bytes, false).unwrap().0.to_string()
    }

    #[test]
    fn every_kind_reads_as_it_is_stored() {
        assert_eq!(read("ItemLong", &(-2i32).to_le_bytes()), "-2");
        assert_eq!(read("ItemNTSTATUS", &0xC000_006Du32.to_le_bytes()), "0xc000006d");
        assert_eq!(read("ItemListLong(low, APC=5, next)", &6u32.to_le_bytes()), "next");
        assert_eq!(read("ItemListByte(false,true)", &[7]), "7");
        assert_eq!(read("ItemSetShort(a,b,c)", &[5, 0]), "a|c");
        assert_eq!(read("ItemIPAddr", &[10, 0, 0, 5]), "10.0.0.5");
        assert_eq!(read("ItemPort", &[0x0D, 0x3D]), "3389");
        assert_eq!(read("ItemPtr", &[1, 2, 0, 0]), "0x201");
        assert_eq!(read("ItemChar4", b"Tdx "), "Tdx");
        assert_eq!(read("ItemString", b"abc\0def"), "abc");
        assert_eq!(read("ItemPWString", b"\x04\0a\0b\0c"), "ab");
        assert_eq!(read("ItemHexDump", b"\x02\0\x01\xFF"), "01FF");
        assert_eq!(read("ItemTimeDelta", &5u64.to_le_bytes()), "5 ms");
        let le = [0x52, 0x1d, 0x9a, 0x3f, 0x0e, 0x6c, 0x7d, 0x4b, 0x9a, 0x44, 0x0d, 0x3c, 0x5e, 0x1f, 0x77, 0x88];
        assert_eq!(read("ItemGuid", &le), "3F9A1D52-6C0E-4B7D-9A44-0D3C5E1F7788");
        assert_eq!(Kind::read("ItemLong").unwrap().split(&[1, 2, 3], false), None);
        assert_eq!(Kind::read("Long"), None);
    }
}
