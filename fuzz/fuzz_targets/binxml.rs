//! The BinXML of one record in a chunk that is sound otherwise. Where both our reader and the crate `evtx`
//! read it, they agree on where it comes from.
#![no_main]

use whyrdp::source::render;

const RECORD: u64 = 4096 + 512;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let log = whyrdp_fuzz::log_with(bytes);
    let Some(told) = whyrdp_fuzz::read(&log, "evtx") else { return };
    if (told.events, told.lost) != (1, 0) {
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
