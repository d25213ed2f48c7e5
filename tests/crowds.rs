//! Many records at one moment: of one connection and one program, or of as many connections. What stands near a record
//! is looked up; a walk over all the others for each would not end within the time that tests may take.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/cases.rs"]
mod cases;

use std::collections::BTreeSet;

use whyrdp::correlate::{Request, correlate};
use whyrdp::event::Guid;
use whyrdp::evidence::{Evidence, Findings, Row};
use whyrdp::report::model::{Level, Report};
use whyrdp::signature::Signatures;

/// Records of a crowd, about.
const RECORDS: usize = 12_000;

/// The records of a case, again and again. `apart`: each time of connections of their own.
fn crowd(slug: &str, signatures: &Signatures, apart: bool) -> (Findings, usize) {
    let folder = cases::logs(slug);
    let mut findings = cases::findings(folder.path().to_owned(), signatures);
    let once: Vec<_> = findings.evidence.values().cloned().collect();
    let times = RECORDS / once.len();
    for time in 1..times {
        for evidence in &once {
            let mut copy = evidence.clone();
            copy.event = evidence.event.derive(&time.to_string());
            copy.record.record_id = evidence.record.record_id.map(|id| id + time as u64 * 1000);
            if apart && let Some(Guid(mut bytes)) = evidence.record.activity_id {
                bytes.iter_mut().zip(time.to_le_bytes()).for_each(|(byte, other)| *byte ^= other);
                copy.record.activity_id = Some(Guid(bytes));
            }
            findings.add(Row::Evidence(copy));
        }
    }
    (findings, times)
}

/// Causes that are proven.
fn proven(report: &Report) -> BTreeSet<&str> {
    let causes = report.causes.iter().filter(|cause| cause.verdict == Level::Confirmed);
    causes.map(|cause| cause.id.as_str()).collect()
}

#[test]
fn a_connection_with_many_records_is_one_connection() {
    let (signatures, _) = Signatures::open(true, &[]);
    for slug in ["etl-tcp-timeout-kernel-network", "etl-gateway-not-reached", "etl-https-of-another-program"] {
        let one = cases::report(slug);
        let many = correlate(&crowd(slug, &signatures, false).0, &signatures, &Request::default());
        let came = |report: &Report| report.attempts.iter().map(|a| (a.outcome, a.phase)).collect::<Vec<_>>();
        assert_eq!(came(&many), came(&one), "{slug}");
        assert_eq!(proven(&many), proven(&one), "{slug}");
    }
}

#[test]
fn many_connections_at_one_moment_are_as_many() {
    let (signatures, _) = Signatures::open(true, &[]);
    for slug in ["etl-dns-name-unknown", "etl-packets-no-answer", "wrong-password", "credssp-oracle-client-only"] {
        let one = cases::report(slug);
        let (findings, times) = crowd(slug, &signatures, true);
        let many = correlate(&findings, &signatures, &Request::default());
        // Packets carry no ActivityID: those of one port are one connection's.
        let rest = many.attempts.len() - times * one.attempts.len();
        assert!(rest <= 1, "{slug}: {times} times {} and {rest}", one.attempts.len());
        assert_eq!(proven(&many), proven(&one), "{slug}");
    }
}

/// A record with other values of some fields, and its time and number.
fn changed(evidence: &Evidence, number: u64, time: &serde_json::Value, fields: &[(&str, &str)]) -> Evidence {
    let mut row = serde_json::to_value(evidence).unwrap();
    for field in row["fields"].as_array_mut().unwrap() {
        if let Some((_, value)) = fields.iter().find(|(name, _)| field[0] == *name) {
            field[1] = (*value).into();
        }
    }
    (row["time"], row["record_id"]) = (time.clone(), number.into());
    let mut copy: Evidence = serde_json::from_value(row).unwrap();
    copy.event = evidence.event.derive(&number.to_string());
    copy
}

#[test]
fn of_many_logons_at_its_time_those_of_its_own_client_speak_of_an_attempt() {
    let (signatures, _) = Signatures::open(true, &[]);
    let of = |slug: &str| cases::findings(cases::logs(slug).path().to_owned(), &signatures);
    let found = |findings: &Findings, rule: &str| {
        findings.evidence.values().find(|one| one.signatures.iter().any(|slug| &**slug == rule)).unwrap().clone()
    };
    let mut findings = of("missing-network-logon-right");
    let (refused, logon) =
        (found(&findings, "security_4625_network_right_missing"), found(&of("wrong-password"), "security_4624_type3"));
    let time = serde_json::to_value(&refused).unwrap()["time"].clone();
    let user = refused.record.field("TargetUserName").unwrap();
    let mut add = |number: u64, address: &str| {
        let fields = [("TargetUserName", user), ("IpAddress", address)];
        findings.add(Row::Evidence(changed(&logon, 100_000 + number, &time, &fields)));
        let report = correlate(&findings, &signatures, &Request::default());
        let verdicts = report.attempts.iter().flat_map(|attempt| &attempt.verdicts);
        verdicts.filter(|verdict| verdict.cause == "missing-network-logon-right").count()
    };
    let before = add(0, "10.9.0.1");
    assert_eq!((1..200).map(|number| add(number, &format!("10.9.0.{number}"))).last(), Some(before));
    assert_eq!(add(200, refused.record.field("IpAddress").unwrap()), before - 1);
}
