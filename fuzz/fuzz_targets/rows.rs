//! What `correlate` is given: lines that may be rows, and the report on them.
#![no_main]

use std::sync::LazyLock;

use whyrdp::correlate::{Request, correlate};
use whyrdp::evidence::{Findings, read_row, write_row};
use whyrdp::signature::Signatures;

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| Signatures::open(true, &[]).0);
/// In seeds, this stands for the hash of the signatures, which changes with them.
const ANY: &str = "SIGNATURES";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut findings = Findings::default();
    for line in text.lines() {
        let Ok(row) = read_row(line, ANY) else { continue };
        let again = write_row(&row, ANY).unwrap();
        assert_eq!(read_row(&again, ANY).unwrap(), row);
        findings.add(row);
    }
    let report = correlate(&findings, &SIGNATURES, &Request::default());
    let mut out = Vec::new();
    (whyrdp::report::FORMATS[1].write)(&report, &mut out, &Default::default()).unwrap();
});
