//! Values of payloads: where each ends, and as text that reads as in an event log.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use crate::event::{Guid, Time};
use crate::source::bytes::u16_at;
use crate::source::layout::{Kind, Show};
use crate::source::text::{
    push_ansi, push_bytes, push_decimal, push_guid, push_hex, push_sid, push_signed, push_system_time, push_time,
    push_utf16, signed, unsigned,
};

/// Splits a value off the front: its bytes without length or NUL, and what follows. `length` in units of
/// the kind where the layout tells it. `None` where the payload ends before.
pub(in crate::source) fn split(kind: Kind, length: Option<usize>, wide: bool, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let counted = || {
        let length = usize::from(u16_at(bytes, 0)?);
        bytes.get(2..)?.split_at_checked(length)
    };
    match (kind, length) {
        (Kind::Utf16, Some(length)) => bytes.split_at_checked(length.checked_mul(2)?),
        (Kind::Ansi | Kind::Bytes, Some(length)) => bytes.split_at_checked(length),
        (Kind::Utf16, None) => {
            let units = bytes.as_chunks::<2>().0;
            // The NUL may be missing at the end of a record.
            let end = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len()) * 2;
            (!bytes.is_empty()).then_some((bytes.get(..end)?, bytes.get(end + 2..).unwrap_or_default()))
        }
        (Kind::Ansi, None) => {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            (!bytes.is_empty()).then_some((bytes.get(..end)?, bytes.get(end + 1..).unwrap_or_default()))
        }
        (Kind::Bytes, None) => Some((bytes, &[])),
        (Kind::CountedUtf16 | Kind::CountedAnsi | Kind::CountedBytes, _) => counted(),
        (Kind::Sid, _) => bytes.split_at_checked(8 + 4 * usize::from(*bytes.get(1)?)),
        _ => bytes.split_at_checked(fixed(kind, wide)?),
    }
}

/// Bytes of a value whose kind has only one size.
pub(in crate::source) fn fixed(kind: Kind, wide: bool) -> Option<usize> {
    Some(match kind {
        Kind::Signed(size) | Kind::Unsigned(size) | Kind::Hex(size) | Kind::Float(size) => usize::from(size),
        Kind::Boolean => 4,
        Kind::Pointer => 4 + 4 * usize::from(wide),
        Kind::Guid | Kind::SystemTime => 16,
        Kind::FileTime => 8,
        _ => return None,
    })
}

/// Appends a value as text.
pub(in crate::source) fn push(out: &mut String, kind: Kind, show: Show, value: &[u8]) {
    match show {
        Show::Plain => plain(out, kind, value),
        Show::Hex => match kind {
            Kind::Signed(_) | Kind::Unsigned(_) => push_hex(out, unsigned(value).unwrap_or(0)),
            _ => plain(out, kind, value),
        },
        Show::Signed => push_signed(out, signed(value).unwrap_or(0)),
        Show::Boolean => match unsigned(value) {
            Some(number) => out.push_str(if number == 0 { "false" } else { "true" }),
            None => plain(out, kind, value),
        },
        Show::Character => {
            let code = unsigned(value).and_then(|code| u32::try_from(code).ok());
            out.extend(code.and_then(char::from_u32).filter(|c| *c != '\0'));
        }
        Show::Utf8 => out.push_str(&String::from_utf8_lossy(value)),
        Show::Port => match value {
            [high, low] => push_decimal(out, u64::from(u16::from_be_bytes([*high, *low]))),
            _ => plain(out, kind, value),
        },
        Show::Ip4 => match value.first_chunk::<4>() {
            Some(address) if value.len() == 4 => push_shown(out, Ipv4Addr::from(*address)),
            _ => plain(out, kind, value),
        },
        Show::Address => match address(value) {
            Some(text) => out.push_str(&text),
            None => plain(out, kind, value),
        },
        Show::Time => push_time(out, Time::from_filetime(unsigned(value).unwrap_or(0))),
    }
}

fn push_shown(out: &mut String, value: impl std::fmt::Display) {
    use std::fmt::Write;
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

fn plain(out: &mut String, kind: Kind, value: &[u8]) {
    match kind {
        Kind::Utf16 | Kind::CountedUtf16 => push_utf16(out, value),
        Kind::Ansi | Kind::CountedAnsi => push_ansi(out, value.split(|byte| *byte == 0).next().unwrap_or_default()),
        Kind::Bytes | Kind::CountedBytes => push_bytes(out, value),
        Kind::Signed(_) => push_signed(out, signed(value).unwrap_or(0)),
        Kind::Unsigned(_) => push_decimal(out, unsigned(value).unwrap_or(0)),
        Kind::Hex(_) | Kind::Pointer => push_hex(out, unsigned(value).unwrap_or(0)),
        Kind::Float(4) => push_shown(out, f32::from_le_bytes(value.first_chunk().copied().unwrap_or_default())),
        Kind::Float(_) => push_shown(out, f64::from_le_bytes(value.first_chunk().copied().unwrap_or_default())),
        Kind::Boolean => match unsigned(value) {
            Some(0) => out.push_str("false"),
            Some(1) => out.push_str("true"),
            other => push_decimal(out, other.unwrap_or(0)),
        },
        Kind::Guid => push_guid(out, Guid::from_le_bytes(value.first_chunk().copied().unwrap_or_default())),
        Kind::FileTime => push_time(out, Time::from_filetime(unsigned(value).unwrap_or(0))),
        Kind::SystemTime => push_system_time(out, value),
        Kind::Sid => push_sid(out, value),
    }
}

/// A socket address, or a bare address, by its bytes. Families as Windows numbers them.
pub(in crate::source) fn address(bytes: &[u8]) -> Option<String> {
    let ip4 = |at: usize| bytes.get(at..)?.first_chunk().map(|raw: &[u8; 4]| Ipv4Addr::from(*raw));
    let ip6 = |at: usize| bytes.get(at..)?.first_chunk().map(|raw: &[u8; 16]| Ipv6Addr::from(*raw));
    let port = || bytes.get(2..)?.first_chunk().map(|raw| u16::from_be_bytes(*raw));
    match (bytes.len(), bytes.get(..2)) {
        (16.., Some([2, 0])) => Some(SocketAddrV4::new(ip4(4)?, port()?).to_string()),
        (28.., Some([0x17, 0])) => {
            let scope = bytes.get(24..)?.first_chunk().map(|raw| u32::from_le_bytes(*raw))?;
            Some(SocketAddrV6::new(ip6(8)?, port()?, 0, scope).to_string())
        }
        (4, _) => ip4(0).map(|ip| ip.to_string()),
        (16, _) => ip6(0).map(|ip| ip.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: Kind, show: Show, value: &[u8]) -> String {
        let mut out = String::new();
        push(&mut out, kind, show, value);
        out
    }

    #[test]
    fn addresses_and_ports_are_in_network_order() {
        let four = [2, 0, 0x0D, 0x3D, 10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(text(Kind::Bytes, Show::Address, &four), "10.0.0.5:3389");
        let mut six = vec![0x17, 0, 0x0D, 0x3D, 0, 0, 0, 0, 0xFE, 0x80];
        six.resize(23, 0);
        six.extend([1, 4, 0, 0, 0]);
        assert_eq!(text(Kind::Bytes, Show::Address, &six), "[fe80::1%4]:3389");
        assert_eq!(text(Kind::Bytes, Show::Address, &[1, 2]), "0102");
        assert_eq!(text(Kind::Unsigned(4), Show::Ip4, &[192, 168, 1, 2]), "192.168.1.2");
        assert_eq!(text(Kind::Unsigned(2), Show::Port, &[0x0D, 0x3D]), "3389");
    }

    #[test]
    fn values_read_as_in_an_event_log() {
        assert_eq!(text(Kind::Unsigned(4), Show::Plain, &2825u32.to_le_bytes()), "2825");
        assert_eq!(text(Kind::Hex(4), Show::Plain, &0xC000_006Du32.to_le_bytes()), "0xc000006d");
        assert_eq!(text(Kind::Signed(4), Show::Plain, &(-2i32).to_le_bytes()), "-2");
        assert_eq!(text(Kind::Signed(4), Show::Hex, &(-2i32).to_le_bytes()), "0xfffffffe");
        assert_eq!(text(Kind::Boolean, Show::Plain, &1u32.to_le_bytes()), "true");
        assert_eq!(text(Kind::Unsigned(1), Show::Boolean, &[1]), "true");
        assert_eq!(text(Kind::Ansi, Show::Plain, b"\x80uro"), "€uro");
        assert_eq!(text(Kind::Ansi, Show::Utf8, "€uro".as_bytes()), "€uro");
        assert_eq!(text(Kind::Float(8), Show::Plain, &1.5f64.to_le_bytes()), "1.5");
    }

    #[test]
    fn a_value_never_ends_behind_its_payload() {
        let kinds = [
            Kind::Utf16,
            Kind::Ansi,
            Kind::CountedUtf16,
            Kind::CountedAnsi,
            Kind::CountedBytes,
            Kind::Bytes,
            Kind::Signed(8),
            Kind::Boolean,
            Kind::Pointer,
            Kind::Guid,
            Kind::SystemTime,
            Kind::Sid,
        ];
        for kind in kinds {
            for fill in [0, 1, 0xFF] {
                for length in 0..40 {
                    let bytes = vec![fill; length];
                    for given in [None, Some(0), Some(7), Some(usize::MAX)] {
                        if let Some((value, rest)) = split(kind, given, true, &bytes) {
                            assert!(value.len() + rest.len() <= length);
                            text(kind, Show::Plain, value);
                            text(kind, Show::Address, value);
                        }
                    }
                }
            }
        }
    }
}
