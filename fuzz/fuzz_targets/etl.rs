//! A whole trace, compressed or not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    whyrdp_fuzz::read(bytes, "etl");
});
