//! TraceLogging: events that bring the names and types of their fields along.

use crate::event::Event;
use crate::source::bytes::u16_at;
use crate::source::layout::{Kind, Show};
use crate::source::payload::{Want, value};

/// Name under which an event's own name stands: its id is 0 nearly always.
pub(super) const EVENT_NAME: &str = "EventName";
/// Structures in structures.
const DEPTH: usize = 8;
/// Values of one event, those of arrays included.
const VALUES: usize = 4096;
/// Bytes of text of one event.
const TEXT: usize = 256 << 10;

/// Bytes of a provider's name: Windows allows 255 characters.
const NAME: usize = 1024;

/// Name of the provider, from an item with its traits.
pub(super) fn provider(traits: &[u8]) -> Option<String> {
    let size = usize::from(u16_at(traits, 0)?).min(traits.len());
    let name = traits.get(2..size)?.split(|byte| *byte == 0).next()?;
    (!name.is_empty()).then(|| String::from_utf8_lossy(name.get(..NAME).unwrap_or(name)).into_owned())
}

/// Adds the event's name and wanted fields. False where schema and payload do not agree.
pub(super) fn push(event: &mut Event, schema: &[u8], wide: bool, payload: &[u8], want: Want<'_>) -> bool {
    let Some((name, fields)) = read(schema) else { return false };
    if want.wants(EVENT_NAME) {
        event.push(EVENT_NAME, &String::from_utf8_lossy(name));
    }
    let mut reading = Reading { event, want, wide, rest: payload, values: VALUES, text: TEXT };
    let mut at = 0;
    while at < fields.len() {
        match reading.field(&fields, at, "", 0) {
            Some(next) => at = next,
            None => return false,
        }
    }
    true
}

/// A field as the schema tells it.
struct Field<'a> {
    name: &'a [u8],
    kind: u8,
    out: u8,
    count: Count,
}

enum Count {
    One,
    Fixed(usize),
    /// Told by the payload.
    Variable,
}

/// Type of a structure, whose members follow.
const STRUCTURE: u8 = 24;

/// Name and fields of a schema.
fn read(schema: &[u8]) -> Option<(&[u8], Vec<Field<'_>>)> {
    let size = usize::from(u16_at(schema, 0)?).min(schema.len());
    let mut rest = schema.get(2..size)?;
    tag(&mut rest)?;
    let name = text(&mut rest)?;
    let mut fields = Vec::new();
    while !rest.is_empty() && fields.len() < VALUES {
        let name = text(&mut rest)?;
        let kind = byte(&mut rest)?;
        let mut out = 0;
        if kind & 0x80 != 0 {
            out = byte(&mut rest)?;
            if out & 0x80 != 0 {
                tag(&mut rest)?;
            }
        }
        let count = match kind & 0x60 {
            0 => Count::One,
            0x40 => Count::Variable,
            other => {
                // What a serializer of its own made, nobody can read, nor what follows it.
                if other == 0x60 {
                    return Some((name, fields));
                }
                let number = usize::from(u16_at(rest, 0)?);
                rest = rest.get(2..)?;
                Count::Fixed(number)
            }
        };
        fields.push(Field { name, kind: kind & 0x1F, out: out & 0x7F, count });
    }
    Some((name, fields))
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, behind) = rest.split_first()?;
    *rest = behind;
    Some(*first)
}

/// Bytes of seven bits each, all but the last marked.
fn tag(rest: &mut &[u8]) -> Option<()> {
    while byte(rest)? & 0x80 != 0 {}
    Some(())
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (text, behind) = rest.split_at_checked(end)?;
    *rest = behind.get(1..)?;
    Some(text)
}

struct Reading<'e, 'a> {
    event: &'e mut Event,
    want: Want<'e>,
    wide: bool,
    rest: &'a [u8],
    values: usize,
    text: usize,
}

impl Reading<'_, '_> {
    /// Reads a field and what belongs to it; returns the position of the next.
    fn field(&mut self, fields: &[Field<'_>], at: usize, before: &str, depth: usize) -> Option<usize> {
        let field = fields.get(at)?;
        let name = format!("{before}{}", String::from_utf8_lossy(field.name));
        let count = match field.count {
            Count::One => 1,
            Count::Fixed(count) => count,
            Count::Variable => {
                let count = usize::from(u16_at(self.rest, 0)?);
                self.rest = self.rest.get(2..)?;
                count
            }
        };
        if field.kind == STRUCTURE {
            return self.structure(fields, at, count, &name, depth);
        }
        self.spend(count, 0)?;
        let (kind, show) = meaning(field.kind, field.out)?;
        let wanted = self.want.wants(&name);
        let mut text = String::new();
        for n in 0..count {
            let (bytes, rest) =
                value::split(kind, None, self.wide, self.rest).or_else(|| empty_text(kind, self.rest))?;
            self.rest = rest;
            if wanted && text.len() < self.text {
                // An array of characters is a text.
                if n > 0 && show != Show::Character {
                    text.push(',');
                }
                value::push(&mut text, kind, show, bytes);
            }
        }
        if wanted {
            self.spend(0, name.len() + text.len())?;
            self.event.push(&name, &text);
        }
        Some(at + 1)
    }

    fn structure(&mut self, fields: &[Field<'_>], at: usize, count: usize, name: &str, depth: usize) -> Option<usize> {
        let members = usize::from(fields.get(at)?.out);
        let within = format!("{name}.");
        if depth >= DEPTH || within.len() > TEXT {
            return None;
        }
        let mut end = at + 1;
        for _ in 0..count {
            self.spend(1, 0)?;
            end = at + 1;
            for _ in 0..members {
                end = self.field(fields, end, &within, depth + 1)?;
            }
        }
        // An empty array has members all the same.
        Some(if count == 0 { skip(fields, at, DEPTH)? } else { end })
    }

    /// Keeps hostile events within bounds.
    fn spend(&mut self, values: usize, text: usize) -> Option<()> {
        self.values = self.values.checked_sub(values)?;
        self.text = self.text.checked_sub(text)?;
        Some(())
    }
}

/// A string of which nothing is left, not even its NUL.
fn empty_text(kind: Kind, rest: &[u8]) -> Option<(&[u8], &[u8])> {
    (rest.is_empty() && matches!(kind, Kind::Utf16 | Kind::Ansi)).then_some((rest, rest))
}

/// The position behind a field and all its members.
fn skip(fields: &[Field<'_>], at: usize, depth: usize) -> Option<usize> {
    let field = fields.get(at)?;
    let mut end = at + 1;
    if field.kind == STRUCTURE {
        let depth = depth.checked_sub(1)?;
        for _ in 0..field.out {
            end = skip(fields, end, depth)?;
        }
    }
    Some(end)
}

/// What a type and an out type stand for.
fn meaning(kind: u8, out: u8) -> Option<(Kind, Show)> {
    let utf8 = matches!(out, 11 | 12 | 35);
    let kind = match kind {
        1 => Kind::Utf16,
        2 => Kind::Ansi,
        3 => Kind::Signed(1),
        4 => Kind::Unsigned(1),
        5 => Kind::Signed(2),
        6 => Kind::Unsigned(2),
        7 => Kind::Signed(4),
        8 => Kind::Unsigned(4),
        9 => Kind::Signed(8),
        10 => Kind::Unsigned(8),
        11 => Kind::Float(4),
        12 => Kind::Float(8),
        13 => Kind::Boolean,
        14 | 25 => Kind::CountedBytes,
        15 => Kind::Guid,
        16 => Kind::Pointer,
        17 => Kind::FileTime,
        18 => Kind::SystemTime,
        19 => Kind::Sid,
        20 => Kind::Hex(4),
        21 => Kind::Hex(8),
        22 => Kind::CountedUtf16,
        23 => Kind::CountedAnsi,
        _ => return None,
    };
    let show = match (out, kind) {
        (_, Kind::Ansi | Kind::CountedAnsi) if utf8 => Show::Utf8,
        (2, Kind::Signed(1 | 2) | Kind::Unsigned(1 | 2)) => Show::Character,
        (3, Kind::Signed(_) | Kind::Unsigned(_) | Kind::Boolean) => Show::Boolean,
        // Codes stand in signatures as in event logs: errors of Windows decimal, NTSTATUS and HRESULT hex.
        (4 | 14 | 15 | 37, _) => Show::Hex,
        (7, Kind::Unsigned(2)) => Show::Port,
        (8, Kind::Unsigned(4)) => Show::Ip4,
        (9 | 10, Kind::CountedBytes) => Show::Address,
        (17, Kind::Unsigned(_)) => Show::Signed,
        (16 | 33 | 38, Kind::Signed(8) | Kind::Unsigned(8)) => Show::Time,
        _ => Show::Plain,
    };
    Some((kind, show))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Fields;

    #[test]
    fn a_provider_s_name_without_end_is_kept_in_part() {
        let traits = [&[0xFF; 2][..], &[b'a'; 70_000]].concat();
        assert_eq!(provider(&traits).map(|name| name.len()), Some(NAME));
    }

    fn fields(schema: &[u8], payload: &[u8]) -> (bool, Vec<(String, String)>) {
        let mut event = Event::default();
        let all = Fields::All;
        let mut whole = (u16::try_from(schema.len() + 2).unwrap()).to_le_bytes().to_vec();
        whole.extend(schema);
        let done = push(&mut event, &whole, true, payload, Want([Some(&all), None]));
        (done, event.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn structures_arrays_and_out_types() {
        // "S" of two members, twice: a port and a string; then an array told by the payload.
        let mut schema = b"\0Ev\0S\0".to_vec();
        schema.extend([0x20 | 0x80 | 24, 2, 2, 0]);
        schema.extend(b"p\0\x86\x07s\0\x01n\0\x44");
        let mut payload = vec![0x0D, 0x3D, b'a', 0, 0, 0, 0x01, 0xBB, 0, 0];
        payload.extend([2, 0, 5, 6]);
        let (done, found) = fields(&schema, &payload);
        assert!(done);
        let expected = [
            pair("EventName", "Ev"),
            pair("S.p", "3389"),
            pair("S.s", "a"),
            pair("S.p", "443"),
            pair("S.s", ""),
            pair("n", "5,6"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_fits_is_shown_where_schema_and_payload_disagree() {
        let (done, found) = fields(b"\0Ev\0a\0\x08b\0\x0A", &[7, 0, 0, 0, 1]);
        assert!(!done);
        assert_eq!(found, [pair("EventName", "Ev"), pair("a", "7")]);
    }

    #[test]
    fn hostile_nesting_ends() {
        let mut schema = b"\0Ev\0".to_vec();
        for _ in 0..2000 {
            // Structures in structures, each an array of 65535.
            schema.extend(b"s\0");
            schema.extend([0x20 | 0x80 | 24, 0x7F, 0xFF, 0xFF]);
        }
        assert!(!fields(&schema, &[0; 64]).0);
        let mut flat = b"\0Ev\0s\0".to_vec();
        flat.extend([0x20 | 0x80 | 24, 0, 0xFF, 0xFF]);
        assert!(!fields(&flat, &[]).0);
    }
}
