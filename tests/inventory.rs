//! `whyrdp inventory` from outside: what is here, for people and programs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use assert_cmd::Command;
use common::trace::{Logged, Trace, after, message, wide};
use serde_json::Value;

fn run(folder: &std::path::Path, more: &[&str]) -> (i32, String) {
    let output = Command::cargo_bin("whyrdp").unwrap().arg("inventory").arg(folder).args(more).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// A folder with a trace of a server and of messages that nobody can read.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let core = "{1139c61b-b549-4251-8ed3-27250a1edec8}";
    let event =
        Logged { provider: core, id: 140, raw: after(10), payload: wide("10.0.2.17"), ..Logged::default() }.bytes();
    let unread = message("{3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788}", 11, after(20), b"");
    let trace = Trace { lost: (5, 0), ..Trace::default() }.buffer(&[event, unread]);
    std::fs::write(folder.path().join("rdp.etl"), trace.bytes()).unwrap();
    folder
}

#[test]
fn a_trace_is_counted_by_kind_and_provider() {
    let folder = folder();
    let (code, json) = run(folder.path(), &["--format", "json"]);
    assert_eq!(code, 0);
    let inventory: Value = serde_json::from_str(&json).unwrap();
    let input = &inventory["inputs"][0];
    assert_eq!(input["kind"], "etl");
    assert_eq!(input["records"], 3);
    assert_eq!(input["record_kinds"], serde_json::json!({"EVENT64": 1, "SYSTEM64": 1, "WPP": 1}));
    assert_eq!(input["lost"], serde_json::json!({"events": 5, "buffers": 0}));
    assert_eq!(input["first"], "2024-05-01T08:00:00.0000000Z");
    assert_eq!(input["last"], "2024-05-01T08:00:00.0200000Z");
    let names: Vec<_> = input["providers"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Microsoft-Windows-RemoteDesktopServices-RdpCoreTS", "{3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788}"]);
    let missing = inventory["missing"].to_string();
    assert!(missing.contains("TMF") && missing.contains("lost events (5)"), "{missing}");
    assert!(missing.contains("no log of a client"), "{missing}");
}

#[test]
fn logs_show_their_hosts_and_channels() {
    let logs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/selfsigned-renewal-denied/logs");
    let (code, json) = run(&logs, &["--format", "json"]);
    assert_eq!(code, 0);
    let inventory: Value = serde_json::from_str(&json).unwrap();
    let hosts = inventory["coverage"]["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 2);
    assert!(hosts.iter().any(|host| host["roles"].to_string().contains("server")));
    let records: u64 =
        inventory["inputs"].as_array().unwrap().iter().map(|input| input["records"].as_u64().unwrap()).sum();
    let channels = hosts.iter().flat_map(|host| host["channels"].as_array().unwrap());
    assert_eq!(channels.map(|channel| channel["records"].as_u64().unwrap()).sum::<u64>(), records);
    let (_, text) = run(&logs, &[]);
    assert!(text.contains("WHAT THE LOGS COVER") && text.contains("RDS01"), "{text}");
}

#[test]
fn nothing_to_read_ends_with_4() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(run(empty.path(), &[]).0, 4);
}
