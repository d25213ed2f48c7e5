//! The BinXML of one record in a chunk that is sound otherwise. Where both our reader and the crate `evtx`
//! read it, they agree on where it comes from.
#![no_main]

use whyrdp::source::render;

const RECORD: u64 = 4096 + 512;
/// Where a definition stands right behind its use: in the BinXML, and in the chunk.
const DEFINITION: usize = 14;
const DEFINITION_IN_CHUNK: usize = 512 + 24 + DEFINITION;

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize)
}

/// Has every value the size of its type? Else the crate goes by the type and we by the size.
fn fits(bytes: &[u8]) -> Option<bool> {
    if !bytes.starts_with(&[0x0F, 1, 1, 0, 0x0C]) || number(bytes, DEFINITION - 4)? != DEFINITION_IN_CHUNK {
        return None;
    }
    let table = DEFINITION + 24 + number(bytes, DEFINITION + 20)?;
    let (entries, _) = bytes.get(table + 4..)?.as_chunks::<4>();
    Some(entries.get(..number(bytes, table)?)?.iter().all(|[low, high, kind, _]| {
        let size = u16::from_le_bytes([*low, *high]);
        match kind {
            0x00 => size == 0,
            0x03 | 0x04 => size == 1,
            0x05 | 0x06 => size == 2,
            0x07 | 0x08 | 0x0B | 0x0D | 0x14 => size == 4,
            0x09 | 0x0A | 0x0C | 0x11 | 0x15 => size == 8,
            0x0F | 0x12 => size == 16,
            0x01 | 0x21 => true,
            _ => false,
        }
    }))
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let log = whyrdp_fuzz::log_with(bytes);
    let Some(told) = whyrdp_fuzz::read(&log, "evtx") else { return };
    if (told.events, told.lost) != (1, 0) || !fits(bytes).unwrap_or(false) {
        return;
    }
    let Ok(xml) = render(&whyrdp_fuzz::file("input", &log), RECORD) else { return };
    let system = &told.last;
    for text in [&*system.provider, &system.channel, &system.computer, &system.event_id.to_string()] {
        // Both have their own ways with what XML cannot hold.
        if text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./%".contains(c)) && system.event_id != 0 {
            assert!(xml.contains(text), "{text} is not in {xml}");
        }
    }
});
