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
        ("nla-wrong-password", "failed", None),
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

/// The report on a log of FreeRDP alone.
fn told_by_log(path: &std::path::Path) -> serde_json::Value {
    let mut command = assert_cmd::Command::cargo_bin("whyrdp").unwrap();
    command.args(["analyze", "--trace-day", "2026-11-21", "--trace-tz", "UTC", "--format", "json"]);
    serde_json::from_slice(&command.arg(path).output().unwrap().stdout).unwrap()
}

fn outcomes(report: &serde_json::Value) -> Vec<&str> {
    report["attempts"].as_array().unwrap().iter().filter_map(|attempt| attempt["outcome"].as_str()).collect()
}

#[test]
fn a_log_of_the_client_alone_tells_whether_it_got_through() {
    for (name, outcome) in [
        ("closed-port", "failed"),
        ("prohibited", "failed"),
        ("nla-not-known", "failed"),
        ("nla-wrong-password", "failed"),
        ("tls-required", "failed"),
        ("certificate-denied", "failed"),
        ("nla-session", "established"),
        // Somebody stopped the client while it waited.
        ("dropped", "unknown"),
    ] {
        let report = told_by_log(&recording(&format!("{name}.log")));
        assert_eq!(outcomes(&report), [outcome], "{name}");
    }
}

#[test]
fn a_log_of_the_client_alone_names_what_may_keep_tcp_from_coming_about() {
    let line = |at: u32, level: &str, words: &str| {
        format!("[13:31:{at:02}:000] [21343:21358] [{level}][com.freerdp.core] - {words}\n")
    };
    let log = [
        line(1, "DEBUG", "freerdp_connect:freerdp_set_last_error_ex resetting error state"),
        line(2, "DEBUG", "connecting to peer 192.0.2.21"),
        line(17, "ERROR", "freerdp_tcp_connect:freerdp_set_last_error_ex ERRCONNECT_CONNECT_FAILED [0x00020006]"),
        line(17, "ERROR", "freerdp_post_connect failed"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.log");
    std::fs::write(&file, log.concat()).unwrap();
    let report = told_by_log(&file);
    assert_eq!(outcomes(&report), ["failed"]);
    assert_eq!(report["summary"]["top_cause"], serde_json::Value::Null);
    let causes = report["causes"].as_array().unwrap().iter();
    let possible: Vec<_> = causes.map(|cause| (cause["id"].as_str().unwrap(), &cause["verdict"])).collect();
    for cause in ["host-unreachable", "perimeter-firewall-blocks-rdp"] {
        assert!(possible.contains(&(cause, &"possible".into())), "{cause}: {possible:?}");
    }
}

#[test]
fn nobody_is_sent_for_logs_of_windows_to_a_client_that_is_none() {
    for name in ["closed-port", "no-common-cipher", "nla-wrong-password"] {
        let report = told_by_log(&recording(&format!("{name}.log")));
        let collect = report["coverage"]["collect"].as_array().unwrap();
        assert!(!collect.is_empty(), "{name}: the server's logs would tell");
        assert!(collect.iter().all(|one| one["role"] != "client"), "{name}: {collect:?}");
        let text = report["coverage"].to_string();
        assert!(!text.contains("RDPClient"), "{name}: {text}");
    }
}

#[test]
fn two_runs_of_one_process_id_are_two_attempts() {
    // A program with a window connects twice, or the number is used again: the second time it succeeds.
    let read = |name: &str| std::fs::read_to_string(recording(name)).unwrap();
    let process = |text: &str| text.split("] [").nth(1).unwrap().split(':').next().unwrap().to_owned();
    let (first, second) = (read("nla-wrong-password.log"), read("nla-session.log"));
    let (from, to) = (format!("[{}:", process(&second)), format!("[{}:", process(&first)));
    let second = second.replace(&from, &to).replace("[13:", "[15:");
    assert!(second.contains(&to));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("both.log");
    std::fs::write(&file, first + &second).unwrap();
    assert_eq!(outcomes(&told_by_log(&file)), ["failed", "established"]);
}
