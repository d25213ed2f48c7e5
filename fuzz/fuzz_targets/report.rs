//! What `verify` is given: a report, maybe. Its inputs are not there.
#![no_main]

use std::path::PathBuf;

use whyrdp::report::model::Report;
use whyrdp::source::Aids;
use whyrdp::verify::verify;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(report) = serde_json::from_slice::<Report>(bytes) else { return };
    verify(&report, &Aids::default(), &|_| PathBuf::from("/nonexistent/log"));
    // One form a run: any length may come, so each form has its turn.
    let format = &whyrdp::report::FORMATS[bytes.len() % whyrdp::report::FORMATS.len()];
    let _ = (format.write)(&report, &mut Vec::new(), &Default::default());
});
