//! Any input that is no event log and no trace, read by whatever recognises it.
#![no_main]

use whyrdp::source::{HEAD, recognise};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let head = &bytes[..bytes.len().min(HEAD)];
    let Some(format) = recognise(head).filter(|format| !matches!(format.name, "evtx" | "etl")) else { return };
    whyrdp_fuzz::read(bytes, format.name);
});
