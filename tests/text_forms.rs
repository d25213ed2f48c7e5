//! Logs that were handed in as text lead to the verdicts of the logs themselves, and FreeRDP's log leads to some
//! of its own.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fmt::Write;
use std::path::Path;

use jiff::civil::date;
use whyrdp::correlate::{Request, correlate};
use whyrdp::evidence::Findings;
use whyrdp::report::model::Report;
use whyrdp::scan::{Options, scan};
use whyrdp::signature::Signatures;
use whyrdp::source::{Aids, discover};
use whyrdp_corpus::{Form, generate_as};

fn report(folder: &Path) -> Report {
    let found = discover(&[folder.to_owned()]);
    assert!(found.problems.is_empty() && found.skipped == 0, "{:?}", found.problems);
    let (signatures, _) = Signatures::open(true, &[]);
    let aids = Aids { day: Some(date(2026, 11, 20)), ..Aids::default() };
    let mut all = Findings::default();
    scan(&found.inputs, &signatures, &Options { aids, threads: 1, ..Options::default() }, &mut |row| {
        all.add(row);
        Ok::<(), std::convert::Infallible>(())
    })
    .unwrap();
    assert!(!all.partial(), "{:?}", all.problems);
    correlate(&all, &signatures, &Request::default())
}

fn case(slug: &str, form: Form) -> Report {
    let folder = tempfile::tempdir().unwrap();
    generate_as(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(slug), folder.path(), form).unwrap();
    report(folder.path())
}

/// What a report says of attempts and causes.
fn told(report: &Report) -> String {
    let mut told = String::new();
    for cause in &report.causes {
        writeln!(told, "{} {} {}", cause.id, cause.verdict.word(), cause.score).unwrap();
    }
    for attempt in &report.attempts {
        writeln!(told, "{} to {}, {:?} in {:?}", attempt.start, attempt.end, attempt.outcome, attempt.phase).unwrap();
    }
    for out in &report.ruled_out {
        writeln!(told, "not {:?} {:?}: {}", out.id, out.family, out.because).unwrap();
    }
    told
}

const CASES: [&str; 10] = [
    "selfsigned-renewal-denied",
    "selfsigned-renewal-denied-german",
    "wrong-password",
    "wrong-password-ipv6",
    "success-2012r2",
    "dns-failure-client-only",
    "service-stopped-french",
    "gw-rap-denied",
    "lic-grace-expired-2022",
    "log-cleared",
];

#[test]
fn an_exported_log_as_xml_tells_what_the_log_tells() {
    CASES.iter().for_each(|slug| {
        assert_eq!(told(&case(slug, Form::Xml)), told(&case(slug, Form::Evtx)), "{slug}");
    });
}

/// Here the failure shows by what is absent, which only gapless record ids prove.
const ABSENCE: [&str; 1] = ["lic-grace-expired-2022"];

#[test]
fn tracerpt_without_record_ids_names_the_same_cause() {
    CASES.iter().for_each(|slug| {
        let (text, log) = (case(slug, Form::TracerptXml), case(slug, Form::Evtx));
        assert_eq!(text.summary.attempts, log.summary.attempts, "{slug}");
        if ABSENCE.contains(slug) {
            assert_eq!(text.summary.top_cause, None, "{slug}");
        } else {
            assert_eq!(text.summary.top_cause, log.summary.top_cause, "{slug}");
            assert_eq!(text.summary.failed, log.summary.failed, "{slug}");
        }
    });
}

#[test]
fn a_csv_without_names_of_computers_names_the_cause_of_the_client() {
    let report = case("dns-failure-client-only", Form::TracerptCsv);
    assert_eq!(report.summary.top_cause.as_deref(), Some("dns-name-not-resolved"));
    assert!(report.summary.failed > 0);
    assert_eq!(report.inputs[0].kind, "tracerpt-csv");
}

fn freerdp(lines: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("xfreerdp.log"), lines).unwrap();
    report(folder.path())
}

/// The first line is one that FreeRDP 2.11.7 printed.
#[test]
fn freerdp_alone_proves_what_it_says_itself() {
    let dns = "[12:42:54:207] [32097:32115] [ERROR][com.freerdp.core] - freerdp_tcp_is_hostname_resolvable:\
        freerdp_set_last_error_ex ERRCONNECT_DNS_NAME_NOT_FOUND [0x00020005]\n";
    let locked = "[12:42:54:207] [1:4a5b6c7d] [ERROR][com.freerdp.core.nla] - [nla_recv_pdu]: SPNEGO failed with NTSTATUS: \
        STATUS_ACCOUNT_LOCKED_OUT [0xC0000234]\n[12:42:54:208] [1:4a5b6c7d] [ERROR][com.freerdp.core] - [nla_recv_pdu]: \
        freerdp_set_last_error_ex ERRCONNECT_ACCOUNT_LOCKED_OUT [0x00020018]\n";
    let trust = "[12:42:54:207] [1:2] [ERROR][com.freerdp.crypto] - certificate not trusted, aborting.\n\
        [12:42:54:208] [1:2] [ERROR][com.freerdp.core] - transport_connect_tls:freerdp_set_last_error_ex \
        ERRCONNECT_TLS_CONNECT_FAILED [0x00020008]\n";
    for (lines, cause) in
        [(dns, "dns-name-not-resolved"), (locked, "account-locked"), (trust, "client-refuses-cert-name-or-trust")]
    {
        let report = freerdp(lines);
        assert_eq!(report.summary.top_cause.as_deref(), Some(cause));
        assert_eq!((report.summary.attempts, report.summary.failed), (1, 1), "{cause}");
    }
}

#[test]
fn freerdp_blames_nobody_where_its_error_has_many_causes() {
    let tls = "[12:05:00:100] [7:8] [ERROR][com.freerdp.core] - transport_connect_tls:freerdp_set_last_error_ex \
        ERRCONNECT_TLS_CONNECT_FAILED [0x00020008]\n";
    let report = freerdp(tls);
    assert_eq!((report.summary.top_cause.as_deref(), report.summary.failed), (None, 1));
    let refused = "[12:05:00:100] [7:8] [ERROR][com.freerdp.core] - [nla_recv]: freerdp_set_last_error_ex \
        ERRCONNECT_LOGON_FAILURE [0x00020014]\n";
    assert_eq!(freerdp(refused).summary.top_cause, None);
}

#[test]
fn a_session_of_freerdp_that_its_user_ended_is_no_failure() {
    let lines = "[12:10:00:100] [9:9] [INFO][com.freerdp.gdi] - Local framebuffer format  PIXEL_FORMAT_BGRX32\n\
        [12:40:00:101] [9:9] [INFO][com.freerdp.core.rdp] - [rdp_print_errinfo]: ERRINFO_LOGOFF_BY_USER (0x0000000C):x\n";
    let report = freerdp(lines);
    assert_eq!((report.summary.established, report.summary.failed, report.summary.dropped), (1, 0, 0));
}
