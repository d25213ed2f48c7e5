//! What `correlate` is given: lines that may be rows. They are read and written again, put together in two ways, and
//! judged at once and in stretches, as the command does it.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use whyrdp::correlate::{Request, Stretches, correlate, correlate_in_stretches};
use whyrdp::evidence::{Evidence, Findings, Row, read_row, write_row};
use whyrdp::signature::Signatures;

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| Signatures::open(true, &[]).0);
/// In seeds, this stands for the hash of the signatures, which changes with them.
const ANY: &str = "SIGNATURES";
/// Rows that are judged, at most: a case takes longer than its rows are read, and a few dozen make every connection.
const MOST: usize = 256;
/// Rows that are held at once where they are judged in stretches: some stretches of what a seed has.
const ROOM: usize = 32;

/// Rows as they were read; each survives being written.
fn rows(bytes: &[u8]) -> Vec<Row> {
    let text = String::from_utf8_lossy(bytes);
    let read = |line: &str| {
        let row = read_row(line, ANY).ok()?;
        let again = write_row(&row, ANY).unwrap();
        assert_eq!(read_row(&again, ANY).unwrap(), row);
        Some(row)
    };
    text.lines().filter_map(read).take(MOST).collect()
}

/// The set of these rows.
fn set<'r>(rows: impl Iterator<Item = &'r Row>) -> Findings {
    let mut findings = Findings::default();
    rows.for_each(|row| findings.add(row.clone()));
    findings
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let rows = rows(bytes);
    let mut findings = set(rows.iter());
    // Two scans, merged in the other order, and one of them twice.
    let (first, second) = rows.split_at(rows.len() / 2);
    let mut merged = set(second.iter());
    merged.merge(set(first.iter().rev()));
    merged.merge(set(second.iter()));
    assert_eq!(merged, findings, "the order of rows changes what they come to");

    let report = correlate(&findings, &SIGNATURES, &Request::default());
    let mut out = Vec::new();
    (whyrdp::report::FORMATS[1].write)(&report, &mut out, &Default::default()).unwrap();

    let mut evidence: Vec<Evidence> = findings.take_evidence().collect();
    evidence.sort_by_key(|row| (row.record.time, row.event));
    let stretches = Stretches::new(evidence.into_iter().map(Ok::<_, Infallible>), ROOM, &SIGNATURES);
    let request = Request::default();
    let Ok(head) = correlate_in_stretches(&findings, stretches, &request, false, |attempts, timeline| {
        attempts.all();
        timeline.all();
        Ok(())
    });
    assert_eq!(head.inputs, report.inputs, "stretches change what was read");
});
