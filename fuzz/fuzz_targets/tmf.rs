//! A file of message formats and messages read by it: two bytes tell how long the payload is, the formats follow.
#![no_main]

#[path = "../../tests/common/trace.rs"]
#[allow(dead_code)]
mod trace;

use std::sync::Arc;

use trace::{Trace, after, message};
use whyrdp::source::{Aids, Messages};

const FILE: &str = "3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [low, high, data @ ..] = bytes else { return };
    let (payload, text) = data.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(data.len()).min(900));
    let formats = [FILE.as_bytes(), b" fuzz // SRC=fuzz.cpp MJ= MN=\n", text].concat();
    let path = whyrdp_fuzz::file("formats.tmf", &formats);
    let (messages, problems) = Messages::read(whyrdp_fuzz::folder(&path)).unwrap();
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!(messages.len() + problems.len() <= lines, "more messages and complaints than lines");
    let aids = Aids { messages: Arc::new(messages), ..Aids::default() };
    // Seeds number their messages so.
    let records: Vec<_> = (0..8).map(|number| message(FILE, number, after(number.into()), payload)).collect();
    let told = whyrdp_fuzz::read_with(&Trace::default().buffer(&records).bytes(), "etl", &aids);
    assert!(told.is_some_and(|told| told.records >= 8), "a message is lost");
});
