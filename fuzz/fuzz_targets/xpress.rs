//! One compressed buffer of a trace: two bytes tell how much it shall make.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [low, high, data @ ..] = bytes else { return };
    let end = usize::from(u16::from_le_bytes([*low, *high]));
    whyrdp_fuzz::read(&whyrdp_fuzz::trace(0x0400_0001, &[(data.to_vec(), end)]), "etl");
});
