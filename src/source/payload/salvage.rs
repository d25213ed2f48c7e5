//! What can be told of a payload that nobody can decode: its strings.

use crate::event::Event;
use crate::source::text::push_utf16;

/// Least characters of a string.
const LEAST: usize = 4;
/// Most strings of one payload.
const MOST: usize = 64;

/// Adds the printable runs of a payload, unnamed, in order.
pub(in crate::source) fn strings(event: &mut Event, payload: &[u8]) {
    let mut at = 0;
    let mut found = 0;
    while at < payload.len() && found < MOST {
        let rest = payload.get(at..).unwrap_or_default();
        let wide = rest.as_chunks::<2>().0.iter().take_while(|unit| unit[1] == 0 && printable(unit[0])).count();
        let narrow = rest.iter().take_while(|byte| printable(**byte)).count();
        if wide >= LEAST {
            event.push_with("", |out| push_utf16(out, rest.get(..wide * 2).unwrap_or_default()));
            at += wide * 2;
        } else if narrow >= LEAST {
            event.push_with("", |out| out.extend(rest.iter().take(narrow).map(|byte| char::from(*byte))));
            at += narrow;
        } else {
            at += narrow.max(1);
            continue;
        }
        found += 1;
    }
}

fn printable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_strings_are_found_between_other_bytes() {
        let mut payload = b"\x01\0\0\0ab\0".to_vec();
        payload.extend("server01".encode_utf16().flat_map(u16::to_le_bytes));
        payload.extend(b"\0\0\xFFplain text\0xy");
        let mut event = Event::default();
        strings(&mut event, &payload);
        let found: Vec<_> = event.fields().map(|(_, value)| value.to_owned()).collect();
        assert_eq!(found, ["server01", "plain text"]);
    }
}
