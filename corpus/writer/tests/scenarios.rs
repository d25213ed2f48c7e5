//! What a scenario may not say, and how the writer says no.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use whyrdp_corpus::generate;

const HEAD: &str = "title: t\nbase: \"2026-03-04T08:15:00Z\"\nhosts:\n  \
    server: {name: RDS01.corp.example, ip: 10.1.2.21}\n  \
    old: {name: OLD02.corp.example, ip: 10.1.2.34, os: 2012r2}\n  \
    client: {name: PC17.corp.example, ip: 10.1.7.17, clock: +3s}\n";

/// Generates a scenario of its own folder; the error's words, or the logs' paths.
fn run(name: &str, rest: &str) -> Result<Vec<PathBuf>, String> {
    let dir = std::env::temp_dir().join(format!("whyrdp-corpus-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("scenario.yml"), format!("{HEAD}{rest}")).unwrap();
    let result = generate(&dir, &dir.join("out")).map_err(|e| e.to_string());
    let paths = result.map(|paths| {
        let out = dir.join("out");
        let name = |p: PathBuf| p.strip_prefix(&out).unwrap().to_owned();
        paths.into_iter().map(name).collect()
    });
    std::fs::remove_dir_all(&dir).unwrap();
    paths
}

fn error(name: &str, step: &str) -> String {
    run(name, &format!("events:\n  - {step}\n")).unwrap_err()
}

#[test]
fn an_event_without_a_shape_is_named() {
    let words = error("unknown", "{at: 5s, on: server, event: RdpCoreTS/999}");
    assert!(words.contains("no shape for event RdpCoreTS/999"), "{words}");
}

#[test]
fn a_field_that_the_event_lacks_is_named() {
    let step = "{at: 5s, on: server, event: RdpCoreTS/131, fields: {Nonsense: x}}";
    let words = error("field", step);
    assert!(words.contains("RdpCoreTS/131 has no field Nonsense"), "{words}");
}

#[test]
fn a_field_without_a_text_is_named() {
    let words = error("text", "{at: 5s, on: server, event: RdpCoreTS/103}");
    assert!(words.contains("field ReasonCode"), "{words}");
}

#[test]
fn schannel_never_has_an_activity_id() {
    let step = "{at: 5s, on: server, event: Schannel/36870, activity: a}";
    assert!(error("activity", step).contains("never has an ActivityID"));
}

#[test]
fn a_2012_r2_host_does_not_write_what_came_later() {
    let step = "{at: 5s, on: old, event: RdpCoreTS/72, fields: {MethodName: OnReady}}";
    assert!(error("os", step).contains("2012r2 does not write RdpCoreTS/72"));
}

#[test]
fn logs_have_the_names_that_windows_gives_them() {
    let rest = "logs: {server: {Security: {}}}\nevents:\n  \
        - {at: \"0\", on: client, event: RDPClient/1024}\n";
    let client = "Microsoft-Windows-TerminalServices-RDPClient%4Operational.evtx";
    let expected = [PathBuf::from("PC17").join(client), PathBuf::from("RDS01").join("Security.evtx")];
    assert_eq!(run("names", rest).unwrap(), expected);
}
