//! The BinXML of one record in a chunk that is sound otherwise.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    whyrdp_fuzz::read(&whyrdp_fuzz::log_with(bytes), "evtx");
});
