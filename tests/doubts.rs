//! Logs of which parts are missing, moved, or of strangers: what is not proven any more is not claimed.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/cases.rs"]
mod cases;

use serde_json::{Value, json};

const RDP: &str = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational";
const SESSIONS: &str = "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational";

fn run(args: &[&str], input: &str) -> String {
    let output = assert_cmd::Command::cargo_bin("whyrdp").unwrap().args(args).write_stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The rows of a case.
fn rows(slug: &str) -> Vec<Value> {
    let logs = cases::logs(slug);
    let text = run(&["scan", "-q", logs.path().to_str().unwrap()], "");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn report(rows: &[Value]) -> Value {
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    serde_json::from_str(&run(&["correlate", "-q", "--format", "json"], &text)).unwrap()
}

/// The verdict on a cause.
fn verdict<'r>(report: &'r Value, cause: &str) -> Option<&'r str> {
    report["causes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == cause)
        .map(|one| one["verdict"].as_str().unwrap())
}

/// Without one log.
fn without(rows: &[Value], channel: &str) -> Vec<Value> {
    let file = channel.replace('/', "%4");
    let of = |row: &&Value| row["channel"] == channel || row["path"].as_str().is_some_and(|path| path.contains(&file));
    rows.iter().filter(|row| !of(row)).cloned().collect()
}

fn has(row: &Value, signature: &str) -> bool {
    row["signatures"].as_array().is_some_and(|all| all.iter().any(|one| one == signature))
}

fn is_system(row: &Value) -> bool {
    row["channel"] == "System" && row["computer"] == "RDS01.corp.example"
}

#[test]
fn an_attempt_without_a_session_was_not_ended_by_a_person() {
    let whole = rows("fslogix-container-fails");
    let report = report(&without(&whole, SESSIONS));
    assert_eq!(verdict(&report, "fslogix-failed"), Some("confirmed"));
    assert_eq!(verdict(&report, "ended-by-admin-or-user"), None);
}

#[test]
fn the_key_of_a_configured_certificate_is_not_that_of_the_service() {
    let whole = rows("configured-cert-key-unreadable");
    assert_eq!(verdict(&report(&whole), "configured-cert-key-unreadable"), Some("confirmed"));
    let report = report(&without(&whole, RDP));
    assert_eq!(verdict(&report, "configured-cert-key-unreadable"), Some("probable"));
    assert_eq!(verdict(&report, "machinekeys-acl-broken"), None);
}

#[test]
fn a_state_is_not_sure_across_records_that_are_missing() {
    let mut rows = rows("termservice-stopped");
    assert_eq!(verdict(&report(&rows), "termservice-not-running"), Some("confirmed"));
    let stopped = rows.iter().rfind(|row| has(row, "scm_7036_termservice_stopped")).unwrap().clone();
    let coverage = rows.iter_mut().find(|row| row["row"] == "coverage" && is_system(row)).unwrap();
    let run = coverage["runs"][0].clone();
    let (mut before, mut after) = (run.clone(), run);
    (before["last_id"], before["last"]) = (stopped["record_id"].clone(), stopped["time"].clone());
    (after["first_id"], after["first"]) = (json!(stopped["record_id"].as_u64().unwrap() + 2), after["last"].clone());
    coverage["runs"] = json!([before, after]);
    assert_eq!(verdict(&report(&rows), "termservice-not-running"), Some("probable"));
}

#[test]
fn a_service_that_accepted_a_connection_since_was_not_stopped() {
    for (slug, cause, state) in [
        ("termservice-stopped", "termservice-not-running", "scm_7036_termservice_stopped"),
        ("rdp-port-conflict", "rdp-port-conflict", "rcm_260_address_in_use"),
    ] {
        let mut rows = rows(slug);
        assert_eq!(verdict(&report(&rows), cause), Some("confirmed"), "{slug}");
        let time = rows.iter().rfind(|row| has(row, state)).unwrap()["time"].clone();
        // Somebody else's connection, a moment later.
        let mut accepted = rows.iter().find(|row| has(row, "rdpcorets_131_tcp")).unwrap().clone();
        accepted["time"] = format!("{}.9999999Z", &time.as_str().unwrap()[..19]).into();
        accepted["ref"] = "ab".repeat(16).into();
        accepted["activity_id"] = "F4200001-0000-4000-8000-000000000000".into();
        accepted["record_id"] = 9_999.into();
        rows.push(accepted);
        assert_ne!(verdict(&report(&rows), cause), Some("confirmed"), "{slug}");
    }
}

#[test]
fn a_client_that_reached_nobody_made_no_connection_of_a_stranger() {
    let client = rows("no-answer-client-only").into_iter().filter(|row| row["computer"] == "PC17.corp.example");
    let stranger = |row: &Value| {
        let text = row.to_string().replace("10.1.7.17", "10.1.9.55").replace("PC17", "PC55").replace("anna", "zoe");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    for slug in ["drain-mode", "wrong-password"] {
        let server: Vec<Value> = rows(slug).into_iter().filter(|row| row["computer"] == "RDS01.corp.example").collect();
        let all: Vec<Value> = client.clone().chain(server.iter().map(stranger)).collect();
        let report = report(&all);
        let attempts = report["attempts"].as_array().unwrap();
        let from_pc17 = |one: &&Value| one["client"]["host"].as_str().is_some_and(|host| host.starts_with("PC17"));
        let own: Vec<&Value> = attempts.iter().filter(from_pc17).collect();
        assert!(
            !own.is_empty() && own.iter().all(|one| one["user"].is_null() && one["phase"] == "tcp"),
            "{slug}: {own:#?}"
        );
        assert!(attempts.iter().any(|one| one["user"] == "CORP\\zoe"), "{slug}");
    }
}
