//! A capture, or else a link type (two bytes) and frames, each behind its time and length (two bytes each).
#![no_main]

use whyrdp::source::recognise;
use whyrdp_fuzz::{read, wire};

fn frames(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let (mut frames, mut time) = (Vec::new(), 0);
    while let [a, b, low, high, rest @ ..] = bytes {
        let (frame, behind) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(rest.len()));
        time += u32::from(u16::from_le_bytes([*a, *b]));
        frames.push((time, frame.to_vec()));
        bytes = behind;
    }
    frames
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(format) = recognise(bytes).filter(|format| format.name.starts_with("pcap")) {
        read(bytes, format.name);
    } else if let [low, high, frames @ ..] = bytes {
        let link = u16::from_le_bytes([*low, *high]);
        let frames = self::frames(frames);
        let classic = read(&wire::pcap(link.into(), &frames), "pcap");
        let big = low % 2 == 0;
        assert_eq!(
            classic,
            read(&wire::pcapng(link, big, &frames), "pcapng"),
            "the form of the file changes what packets say"
        );
    }
});
