//! A whole event log: headers, chunks, stage one and the field reader.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    whyrdp_fuzz::read(bytes, "evtx");
});
