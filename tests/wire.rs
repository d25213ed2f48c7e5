//! Real connections, recorded between two hosts: the report on the packets, and on the packets together
//! with what the client wrote, is held against what is true of them.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/told.rs"]
mod told;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use told::{Told, blamed, root};
use whyrdp::report::model::{Level, Report};

#[derive(Deserialize)]
struct Expect {
    top: Option<String>,
    failed: u64,
    #[serde(default)]
    possible: Vec<String>,
}

fn expected() -> BTreeMap<String, Expect> {
    let text = std::fs::read_to_string(root().join("corpus/wire/expect.yml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn recording(file: &str) -> PathBuf {
    root().join("corpus/wire").join(file)
}

fn names(report: &Report, level: Level) -> Vec<&str> {
    report.causes.iter().filter(|cause| cause.verdict == level).map(|cause| cause.id.as_str()).collect()
}

#[test]
fn packets_alone_prove_what_they_can_and_blame_nobody_else() {
    for (name, expect) in expected() {
        let report = Told::of(&[recording(&format!("{name}.pcap"))]).report;
        let blamed: Vec<&str> = blamed(&report).map(|cause| cause.id.as_str()).collect();
        assert_eq!(blamed, expect.top.as_deref().into_iter().collect::<Vec<_>>(), "{name}");
        assert_eq!(report.summary.failed, expect.failed, "{name}");
        for cause in &expect.possible {
            assert!(names(&report, Level::Possible).contains(&cause.as_str()), "{name}: {cause}");
        }
        assert!(report.attempts.iter().all(|attempt| attempt.server.ip.is_some()), "{name}");
        assert!(!report.attempts.is_empty(), "{name}: what packets show is an attempt");
    }
}

/// The report of the program on these recordings, as one who knows the day and zone of the client's log asks for it.
fn told_by_both(name: &str) -> serde_json::Value {
    let mut command = assert_cmd::Command::cargo_bin("whyrdp").unwrap();
    command.args(["analyze", "--trace-day", "2026-11-21", "--trace-tz", "UTC", "--format", "json"]);
    let done = command.arg(recording(&format!("{name}.pcap"))).arg(recording(&format!("{name}.log"))).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn packets_and_the_log_of_the_client_are_one_attempt() {
    for (name, outcome, top) in [
        ("nla-required", "failed", Some("nla-required-client-without-credssp")),
        ("no-common-cipher", "failed", Some("tls-no-common-cipher")),
        ("certificate-expired", "failed", Some("client-refuses-cert-name-or-trust")),
        ("closed-port", "failed", None),
        ("dropped", "failed", None),
        ("nla-wrong-password", "unknown", None),
        ("nla-session", "established", None),
    ] {
        let report = told_by_both(name);
        let attempts = report["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{name}");
        let sides: Vec<&str> =
            attempts[0]["connections"].as_array().unwrap().iter().filter_map(|c| c["side"].as_str()).collect();
        assert!(sides.contains(&"client") && sides.contains(&"network"), "{name}: {sides:?}");
        assert_eq!(attempts[0]["outcome"], outcome, "{name}");
        assert_eq!(report["summary"]["top_cause"].as_str(), top, "{name}");
    }
}
