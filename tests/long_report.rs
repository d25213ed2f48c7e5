//! A report whose long parts are made while it is written is the report that is held.
#![allow(clippy::unwrap_used)]

#[path = "common/cases.rs"]
mod cases;

use whyrdp::correlate::{Request, Said, correlate, correlate_long};
use whyrdp::report::model::Entries;
use whyrdp::report::{FORMATS, Options};
use whyrdp::signature::Signatures;

/// Both ends and a broker; noise of strangers beside a success; a session that dropped; clocks that differ.
const CASES: [&str; 6] = [
    "selfsigned-renewal-denied",
    "success-redirected-by-broker",
    "brute-force-beside-success",
    "scanner-beside-success",
    "automatic-reconnect-after-drop",
    "clock-skew",
];

#[test]
fn every_form_that_holds_no_report_writes_the_same_bytes() {
    let (signatures, _) = Signatures::open(true, &[]);
    let forms = || FORMATS.iter().filter_map(|form| Some((form, form.write_long?)));
    assert!(forms().count() >= 2);
    for slug in CASES {
        let folder = cases::logs(slug);
        let findings = cases::findings(folder.path().to_owned(), &signatures);
        let complaint = Said { code: Some(0x904), ..Said::default() };
        for request in [Request::default(), Request { complaint, ..Request::default() }] {
            let held = correlate(&findings, &signatures, &request);
            for (form, write_long) in forms() {
                let (mut whole, mut made) = (Vec::new(), Vec::new());
                (form.write)(&held, &mut whole, &Options::default()).unwrap();
                correlate_long(&findings, &signatures, &request, |report| {
                    write_long(&report, &mut made, &Options::default())
                })
                .unwrap();
                assert!(whole == made, "{slug} as {}", form.name);
            }
        }
    }
}

#[test]
fn reading_stops_at_the_first_error() {
    let (signatures, _) = Signatures::open(true, &[]);
    let folder = cases::logs(CASES[0]);
    let findings = cases::findings(folder.path().to_owned(), &signatures);
    correlate_long(&findings, &signatures, &Request::default(), |report| {
        let mut read = 0;
        let stopped = report.timeline.each(|_| {
            read += 1;
            if read < 3 { Ok(()) } else { Err("enough") }
        });
        assert_eq!((stopped, read), (Err("enough"), 3));
        assert!(report.attempts.each(|_| Ok::<(), ()>(())).is_ok());
    });
}
