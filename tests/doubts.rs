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

/// The one row of a case that a signature matched, and that names nothing else.
fn row(slug: &str, signature: &str) -> Value {
    rows(slug).into_iter().find(|row| has(row, signature)).unwrap()
}

/// A row as another record, at another time.
fn moved(row: &Value, time: &str) -> Value {
    let mut row = row.clone();
    row["time"] = time.into();
    row["ref"] = "cd".repeat(16).into();
    row["record_id"] = 77_777.into();
    row
}

/// The same with a letter sequence in place of another wherever it stands.
fn changed(row: &Value, from: &str, to: &str) -> Value {
    serde_json::from_str(&row.to_string().replace(from, to)).unwrap()
}

#[test]
fn a_certificate_that_others_connected_with_since_hinders_nobody() {
    let mut all = rows("old-thin-client");
    let before = report(&all);
    all.push(moved(&row("selfsigned-renewal-denied", "rcm_1058_renewal_failed"), "2026-02-12T10:00:00.0000000Z"));
    let after = report(&all);
    assert_eq!(verdict(&after, "machinekeys-acl-broken"), None);
    assert_eq!(after["summary"]["top_cause"], before["summary"]["top_cause"]);
}

#[test]
fn a_profile_of_another_user_is_not_this_one() {
    let whole = rows("profile-load-failed");
    assert_eq!(verdict(&report(&whole), "profile-load-failed"), Some("confirmed"));
    let other = |row: &Value| match has(row, "userprofiles_load_failed") {
        true => {
            let mut row = row.clone();
            row["user_id"] = "S-1-5-21-1004336348-1177238915-682003330-7777".into();
            row
        }
        false => row.clone(),
    };
    let report = report(&whole.iter().map(other).collect::<Vec<_>>());
    assert_eq!(verdict(&report, "profile-load-failed"), None);
}

#[test]
fn a_saved_password_of_another_user_is_behind_nothing() {
    let whole = rows("stale-saved-credential");
    assert_eq!(verdict(&report(&whole), "stale-saved-credential"), Some("confirmed"));
    let other = |row: &Value| match has(row, "kerberos_14_stored_password_invalid") {
        true => changed(row, "anna", "backup"),
        false => row.clone(),
    };
    let report = report(&whole.iter().map(other).collect::<Vec<_>>());
    assert_ne!(verdict(&report, "stale-saved-credential"), Some("confirmed"));
}

#[test]
fn what_a_controller_says_of_another_computer_proves_nothing_of_this_one() {
    let mut all = rows("unknown-user");
    // The server does not say why.
    for row in all.iter_mut().filter(|row| has(row, "security_4625_remote_logon_failed")) {
        row["signatures"] = json!(["security_4625_remote_logon_failed"]);
        *row = changed(row, "0xc0000064", "0x0");
    }
    assert_eq!(verdict(&report(&all), "unknown-user"), Some("confirmed"));
    let other = |row: &Value| match has(row, "security_4768_unknown_user") {
        true => changed(row, "10.1.7.17", "10.9.77.3"),
        false => row.clone(),
    };
    let report = report(&all.iter().map(other).collect::<Vec<_>>());
    assert_eq!(verdict(&report, "unknown-user"), Some("probable"));
}

#[test]
fn a_computer_that_writes_records_does_not_sleep() {
    let mut all = rows("host-asleep");
    assert_eq!(verdict(&report(&all), "host-asleep-or-powered-down"), Some("confirmed"));
    let asleep = all.iter().rfind(|row| has(row, "kernel_power_42_server_sleep")).unwrap()["time"].clone();
    let hour = asleep.as_str().unwrap()[11..13].parse::<u32>().unwrap();
    let since = format!("{}{hour:02}:59:59.0000000Z", &asleep.as_str().unwrap()[..11]);
    let mut awake = row("termservice-stopped", "scm_7036_termservice_stopped");
    awake = moved(&awake, &since);
    all.push(awake);
    assert_ne!(verdict(&report(&all), "host-asleep-or-powered-down"), Some("confirmed"));
}

#[test]
fn a_restart_that_was_asked_for_and_did_not_come_ended_nothing() {
    let mut all = rows("network-drop");
    let dropped = report(&all);
    let end =
        dropped["attempts"].as_array().unwrap().iter().find(|one| one["outcome"] == "dropped").unwrap()["end"].clone();
    let asked = row("planned-restart", "user32_1074_shutdown_asked");
    let minute = end.as_str().unwrap()[14..16].parse::<u32>().unwrap();
    assert!(minute >= 4, "{end}");
    all.push(moved(&asked, &format!("{}{:02}:00.0000000Z", &end.as_str().unwrap()[..14], minute - 3)));
    let after = report(&all);
    assert_ne!(verdict(&after, "planned-restart-or-shutdown"), Some("confirmed"));
    assert_eq!(after["summary"]["top_cause"], dropped["summary"]["top_cause"]);
}

#[test]
fn nothing_is_missing_behind_the_last_record_of_a_damaged_log() {
    let missing = |report: &Value| {
        let causes = report["causes"].as_array().unwrap();
        causes.iter().filter_map(|cause| cause["absent"].as_array()).flatten().count()
    };
    let mut all = rows("host-unreachable");
    let whole = report(&all);
    assert!(missing(&whole) > 0);
    let said = whole["causes"][0]["explanation"].as_str().unwrap();
    assert!(said.contains("nothing matches rdpcorets_131_tcp, although the log covers the time"), "{said}");
    // The log ends before the attempts.
    let covers = |row: &&mut Value| row["row"] == "coverage" && row["channel"] == RDP;
    let log = all.iter_mut().find(covers).unwrap();
    log["runs"][0]["last"] = "2026-03-04T06:00:00.0000000Z".into();
    let last = log["runs"][0]["last_id"].clone();
    assert!(missing(&report(&all)) > 0, "all logs of a computer are exported together");
    all.iter_mut().find(covers).unwrap()["torn"] = last;
    assert_eq!(missing(&report(&all)), 0);
}

#[test]
fn runs_that_nobody_can_have_written_are_refused() {
    let mut all = rows("host-unreachable");
    let run = |first: u64, last: u64| json!({"first_id": first, "last_id": last, "first": "2026-03-04T06:00:00Z", "last": "2026-03-04T06:00:00Z"});
    // Out of order, and touching: put in order.
    let covers = |row: &&mut Value| row["row"] == "coverage" && row["channel"] == RDP;
    all.iter_mut().find(covers).unwrap()["runs"] = json!([run(50, 60), run(1, 20), run(21, 30)]);
    report(&all);
    let mut other = all.iter_mut().find(covers).unwrap().clone();
    other["runs"] = json!([run(9, 3)]);
    all.push(other);
    let text: String = all.iter().map(|row| format!("{row}\n")).collect();
    let output = assert_cmd::Command::cargo_bin("whyrdp").unwrap().arg("correlate").write_stdin(text).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("ends before it begins"), "{said}");
}

/// With these rows changed, the others as they are.
fn but(rows: &[Value], which: impl Fn(&Value) -> bool, to: impl Fn(&Value) -> Value) -> Vec<Value> {
    rows.iter().map(|row| if which(row) { to(row) } else { row.clone() }).collect()
}

#[test]
fn a_licence_server_that_a_licence_came_from_since_is_in_reach() {
    let mut all = rows("lic-server-unreachable");
    // All that is left is a warning of half an hour before the attempt.
    let later = |row: &Value| row["time"].as_str().is_some_and(|time| time > "2026-03-04T08:00:00");
    all.retain(|row| !has(row, "scm_7036_termservlicensing_stopped") && !has(row, "rcm_20497_licensing_slow"));
    all.retain(|row| !has(row, "rcm_1131_license_server_unreachable") || !later(row));
    assert_eq!(verdict(&report(&all), "lic-server-unreachable"), Some("probable"));
    for passed in ["rdpcorets_72_license_sent", "lsm_21_logon"] {
        let mut since = all.clone();
        let mut sent = moved(&row("lic-server-unreachable", passed), "2026-03-04T08:05:00.0000000Z");
        sent["activity_id"] = "F4200001-0000-4000-8000-000000000000".into();
        since.push(sent);
        assert_eq!(verdict(&report(&since), "lic-server-unreachable"), None, "{passed}");
    }
}

#[test]
fn a_domain_without_a_controller_that_is_not_the_attempts_hinders_nobody() {
    let whole = rows("client-cannot-reach-kdc");
    assert_eq!(verdict(&report(&whole), "client-cannot-reach-kdc"), Some("confirmed"));
    let no_kdc = |row: &Value| has(row, "kerberos_200_no_kdc");
    let of = |domain: &'static str| but(&whole, no_kdc, |row| changed(row, "CORP.EXAMPLE", domain));
    for own in ["CORP", "corp.example.", "EU.CORP.EXAMPLE"] {
        assert_eq!(verdict(&report(&of(own)), "client-cannot-reach-kdc"), Some("confirmed"), "{own}");
    }
    assert_eq!(verdict(&report(&of("OTHER.EXAMPLE")), "client-cannot-reach-kdc"), Some("possible"));
    // Whose domain a server without one is in nobody knows: what else speaks for it counts.
    let client = |row: &&Value| row["computer"] == "PC17.corp.example";
    let short: Vec<Value> =
        of("OTHER").iter().filter(client).map(|row| changed(row, "RDS01.corp.example", "rds01")).collect();
    assert_eq!(verdict(&report(&short), "client-cannot-reach-kdc"), Some("probable"));
}

/// The rows of a minute again, behind all others of their logs.
fn again(rows: &[Value], minute: &str) -> Vec<Value> {
    let of_then = rows.iter().filter(|row| row["time"].as_str().is_some_and(|time| time.contains(minute)));
    let later = minute.replace("T08", "T09");
    let other = |(at, row): (usize, &Value)| {
        let mut row = changed(row, minute, &later);
        if let Some(id) = row["activity_id"].as_str() {
            row["activity_id"] = format!("{}BEEF{}", &id[..4], &id[8..]).into();
        }
        row["ref"] = format!("{:032x}", 0xabc_0000 + at).into();
        row["record_id"] = (50_000 + at).into();
        row
    };
    of_then.enumerate().map(other).collect()
}

#[test]
fn one_account_under_two_names_is_hit_once() {
    let whole = rows("wrong-password");
    for (domain, hit, seen) in [("corp.example", 1, 2), ("RDS01", 2, 3)] {
        let again = again(&whole, "T08:15:");
        let other = but(&again, |_| true, |row| changed(row, "\"CORP\"", &format!("\"{domain}\"")));
        let all: Vec<Value> = whole.iter().cloned().chain(other).collect();
        let told = report(&all);
        assert_eq!(told["summary"]["failed"], 2, "{domain}");
        assert_eq!(told["causes"][0]["scope"]["users"], json!({"affected": hit, "seen": seen}), "{domain}");
        let text: String = all.iter().map(|row| format!("{row}\n")).collect();
        let both = run(&["correlate", "-q"], &text).contains("anna, ");
        assert_eq!(both, hit == 2, "{domain}");
    }
}

#[test]
fn where_no_attempt_is_on_record_the_logs_that_would_show_one_are_asked_for() {
    let whole = rows("wrong-password-controller-proves");
    // What was written of one computer, or of one log of it.
    let of = |computer: &str, log: &str| -> Vec<Value> {
        let of_it = |row: &&Value| match row["path"].as_str().or(row["source"]["path"].as_str()) {
            Some(path) => path.contains(&format!("/{computer}/")) && path.contains(log),
            None => {
                row["computer"].as_str().is_some_and(|own| own.starts_with(computer))
                    && row["channel"].as_str().is_some_and(|own| own.contains(log))
            }
        };
        whole.iter().filter(of_it).cloned().collect()
    };
    let asked = |rows: &[Value]| {
        let report = report(rows);
        assert_eq!(report["summary"]["attempts"], 0);
        let collect = report["coverage"]["collect"].as_array().unwrap().clone();
        let mut roles: Vec<String> = collect.iter().map(|one| one["role"].as_str().unwrap().to_owned()).collect();
        assert!(collect.iter().all(|one| !one["commands"].as_array().unwrap().is_empty()), "{collect:#?}");
        roles.sort();
        roles
    };
    assert_eq!(asked(&of("DC01", "")), ["client", "server"]);
    assert_eq!(asked(&of("PC17", "System")), ["client", "server"]);
    let text: String = of("DC01", "").iter().map(|row| format!("{row}\n")).collect();
    let told = run(&["correlate", "-q"], &text);
    assert!(told.starts_with("No Remote Desktop attempt is recorded in these logs: collect"), "{told}");
    assert!(told.contains("covering the time of") && told.contains("wevtutil epl \"Security\""), "{told}");
    for format in ["md", "html"] {
        let told = run(&["correlate", "-q", "--format", format], &text);
        assert!(told.contains("wevtutil epl") && told.contains("covering the time of the failure"), "{format}");
    }
}

#[test]
fn an_attempt_that_others_stand_between_is_introduced_once() {
    let text: String = rows("two-clients-two-causes").iter().map(|row| format!("{row}\n")).collect();
    let told = run(&["correlate", "-q"], &text);
    let timeline = told.split("TIMELINE").nth(1).unwrap();
    for number in 1..=3 {
        assert!(timeline.matches(&format!("\nAttempt {number}: ")).count() <= 1, "{timeline}");
    }
    assert!(timeline.contains(", continued: "), "{timeline}");
}

#[test]
fn one_pair_of_records_alone_does_not_tell_what_came_first_on_two_computers() {
    let client = |row: &Value| row["channel"] == "Microsoft-Windows-TerminalServices-RDPClient/Operational";
    // Two minutes before the service was stopped.
    let mut all = but(&rows("termservice-stopped"), client, |row| changed(row, "T08:15:", "T06:15:"));
    assert_eq!(verdict(&report(&all), "termservice-not-running"), Some("possible"));
    // Four minutes before a stranger's visit to the server, of which no other log is here.
    let try_before = all.iter().find(|row| has(row, "rdpclient_1024_connecting")).unwrap().clone();
    let mut try_before = moved(&try_before, "2026-03-03T10:11:00.0000000Z");
    try_before["activity_id"] = "C1950001-0000-4000-8000-000000000000".into();
    try_before["record_id"] = 0.into();
    all.push(try_before);
    let told = report(&all);
    let clock = told["coverage"]["hosts"][0]["clock"].clone();
    assert_eq!((clock["offset_ms"].as_i64().unwrap() / 1000, &clock["pairs"]), (-240, &json!(1)), "{clock}");
    assert_ne!(verdict(&told, "termservice-not-running"), Some("confirmed"));
    let text: String = all.iter().map(|row| format!("{row}\n")).collect();
    let told = run(&["correlate", "-q"], &text);
    assert!(told.contains("one witness"), "{told}");
}

#[test]
fn what_befell_another_client_or_user_is_not_what_befell_this_one() {
    for (slug, cause, rule, own, other) in [
        ("lic-temporary-expired-2012r2", "lic-temporary-expired", "rcm_1011_temporary_license_expired", "PC17", "PC99"),
        ("lic-of-one-client-invalid", "lic-client-license-invalid", "rcm_1003_client_license_invalid", "PC17", "PC99"),
        ("token-too-large", "kerberos-token-too-large", "kerberos_6_token_too_large", "anna", "zoe"),
    ] {
        let whole = rows(slug);
        assert_eq!(verdict(&report(&whole), cause), Some("confirmed"), "{slug}");
        let report = report(&but(
            &whole,
            |row| has(row, rule),
            |row| {
                let mut row = row.clone();
                row["fields"] = changed(&row["fields"], own, other);
                row
            },
        ));
        let attempts = report["attempts"].as_array().unwrap().iter();
        let ours = attempts.filter(|one| one["client"]["host"].as_str().is_some_and(|host| host.starts_with("PC17")));
        let blamed: Vec<&Value> = ours
            .flat_map(|one| one["verdicts"].as_array().unwrap())
            .filter(|one| one["cause"] == cause && one["verdict"] != "possible")
            .collect();
        assert!(blamed.is_empty(), "{slug}: {blamed:#?}");
    }
}

#[test]
fn a_firewall_that_drops_strangers_all_day_may_have_dropped_one_of_them() {
    let mut all = rows("host-firewall-blocks-rdp");
    assert_eq!(verdict(&report(&all), "host-firewall-blocks-rdp"), Some("confirmed"));
    // Some minutes before, of an address that nobody knows, as those of the attempt are: its client never came through.
    let strangers: Vec<Value> = ["security_5157_rdp_blocked", "security_5152_rdp_packet_dropped"]
        .into_iter()
        .zip(["cd", "ef"])
        .map(|(rule, id)| {
            let dropped = all.iter().find(|row| has(row, rule)).unwrap();
            let mut dropped = moved(&changed(dropped, "10.1.7.17", "198.51.100.7"), "2026-03-04T08:10:00.0000000Z");
            dropped["ref"] = id.repeat(16).into();
            dropped["record_id"] = 0.into();
            dropped
        })
        .collect();
    all.extend(strangers);
    assert_eq!(verdict(&report(&all), "host-firewall-blocks-rdp"), Some("probable"));
}

#[test]
fn a_broker_or_a_gateway_that_served_somebody_since_is_in_order() {
    for (slug, cause, from, served) in [
        (
            "brk-database-unavailable",
            "brk-database-unavailable",
            "success-redirected-by-broker",
            "broker_801_processed",
        ),
        ("gw-key-unreadable", "gw-cert-missing-or-unreadable", "success-through-gateway", "gateway_200_cap_passed"),
    ] {
        let mut all = rows(slug);
        // What was written as the user tried stays true.
        all.retain(|row| !has(row, "broker_database_read_failed"));
        let before = report(&all);
        assert!(["confirmed", "probable"].map(Some).contains(&verdict(&before, cause)), "{slug}");
        let first = before["attempts"].as_array().unwrap().iter().find(|one| one["outcome"] == "failed").unwrap();
        let start: jiff::Timestamp = first["start"].as_str().unwrap().parse().unwrap();
        let since = start + jiff::SignedDuration::from_secs(-60);
        all.push(moved(&changed(&row(from, served), "anna", "zoe"), &since.to_string()));
        let after = report(&all);
        let blamed = |one: &&Value| one["cause"] == cause && one["verdict"] != "possible";
        let ours = after["attempts"].as_array().unwrap().iter().find(|one| one["id"] == first["id"]).unwrap();
        assert_eq!(ours["verdicts"].as_array().unwrap().iter().filter(blamed).count(), 0, "{slug}");
    }
}

/// The failed logon of a service account, from the address that the attempts came from, as the first of them failed.
fn logon_of_another(at: &Value, port: &str) -> Value {
    let failed = moved(&row("wrong-password", "security_4625_bad_password"), at.as_str().unwrap());
    let failed = changed(&failed, "\"anna\"", "\"svc_backup\"");
    changed(&failed, r#"["IpPort","0"]"#, &format!(r#"["IpPort","{port}"]"#))
}

/// The first attempt that failed.
fn first_failed(report: &Value) -> &Value {
    report["attempts"].as_array().unwrap().iter().find(|one| one["outcome"] == "failed").unwrap()
}

#[test]
fn a_logon_that_came_through_another_port_is_not_this_connections() {
    for (slug, cause) in
        [("selfsigned-renewal-denied", "rdp-selfsigned-renewal-denied"), ("account-disabled", "account-disabled")]
    {
        let mut all = rows(slug);
        let before = report(&all);
        all.push(logon_of_another(&first_failed(&before)["start"], "50123"));
        let after = report(&all);
        let (own, told) = (first_failed(&before), first_failed(&after));
        assert_eq!((&told["user"], &told["phase"]), (&own["user"], &own["phase"]), "{slug}");
        assert_eq!(verdict(&after, cause), Some("confirmed"), "{slug}");
        assert_eq!(verdict(&after, "bad-password"), None, "{slug}");
    }
}

/// A visit of another user, hours before the attempts of the other cases.
fn visit(at: &str) -> Vec<Value> {
    let of_then = |row: &Value| {
        row["computer"] == "RDS01.corp.example" && row["time"].as_str().is_some_and(|time| time.contains("T05:15:"))
    };
    let all = rows("host-unreachable").into_iter().filter(of_then).enumerate();
    let visit = all.map(|(number, row)| {
        let mut row = changed(&changed(&row, "T05:15:", at), "\"F4", "\"E4");
        row["ref"] = format!("{:032x}", 0xdef_0000 + number).into();
        row["record_id"] = 0.into();
        row
    });
    visit.collect()
}

#[test]
fn a_network_that_was_public_and_let_somebody_in_since_hinders_nobody() {
    let whole = rows("network-became-public");
    assert_eq!(verdict(&report(&whole), "network-profile-public"), Some("probable"));
    let known_again = moved(&row("network-became-public", "networkprofile_10000_trusted"), "2026-03-04T07:50:00Z");
    for since in [vec![known_again], visit("T07:50:")] {
        let all: Vec<Value> = whole.iter().cloned().chain(since).collect();
        let report = report(&all);
        assert_eq!(verdict(&report, "network-profile-public"), None);
        assert_eq!(verdict(&report, "host-unreachable"), Some("probable"), "nor is it ruled out on that account");
    }
}

#[test]
fn what_a_controller_said_of_a_server_hours_ago_may_be_over() {
    let told = |row: &Value| has(row, "netlogon_5723_no_trust_account") || has(row, "security_4625_trust_broken");
    let all: Vec<Value> = rows("secure-channel-broken").into_iter().filter(|row| !told(row)).collect();
    // Six hours before a controller refused the server, and the end of the attempts tells nothing.
    assert_eq!(verdict(&report(&all), "secure-channel-broken"), Some("probable"));
    let since: Vec<Value> = all.into_iter().chain(visit("T05:15:")).collect();
    assert_eq!(verdict(&report(&since), "secure-channel-broken"), None);
}

#[test]
fn what_a_licence_server_or_a_broker_refused_yesterday_is_no_proof_today() {
    for (slug, cause, refused, echo, level) in [
        (
            "lic-endpoint-group",
            "lic-endpoint-group",
            "licensing_4141_not_endpoint_member",
            "rcm_1043_endpoint_group",
            "possible",
        ),
        (
            "brk-refuses-host",
            "brk-host-not-authorized",
            "broker_1016_unauthorized_computer",
            "brokerclient_1296_no_redirection",
            "probable",
        ),
    ] {
        let whole = rows(slug);
        assert_eq!(verdict(&report(&whole), cause), Some("confirmed"), "{slug}");
        let mut all: Vec<Value> = whole.into_iter().filter(|row| !has(row, refused) && !has(row, echo)).collect();
        all.push(moved(&row(slug, refused), "2026-03-03T20:00:00Z"));
        assert_eq!(verdict(&report(&all), cause), Some(level), "{slug}");
    }
    let mut all = rows("lic-endpoint-group");
    let refused = |row: &Value| {
        has(row, "licensing_4141_not_endpoint_member")
            || (has(row, "rcm_1043_endpoint_group") && row["time"].as_str() > Some("2026-03-04T08:00:00"))
    };
    all.retain(|row| !refused(row));
    assert_eq!(verdict(&report(&all), "lic-endpoint-group"), Some("probable"));
    all.extend(visit("T07:50:"));
    assert_eq!(verdict(&report(&all), "lic-endpoint-group"), None, "a licence was sent since");
}

#[test]
fn one_packet_of_the_internet_is_not_that_of_a_client_whom_nobody_knows() {
    let dropped = |row: &Value| has(row, "security_5152_5157_rdp_dropped");
    let none: Vec<Value> = rows("host-firewall-blocks-rdp").into_iter().filter(|row| !dropped(row)).collect();
    for (address, level) in [("198.51.100.7", "probable"), ("10.1.9.55", "confirmed")] {
        let one = row("host-firewall-blocks-rdp", "security_5152_rdp_packet_dropped");
        let one = moved(&changed(&one, "10.1.7.17", address), "2026-03-04T08:15:10Z");
        let all: Vec<Value> = none.iter().cloned().chain([one]).collect();
        assert_eq!(verdict(&report(&all), "host-firewall-blocks-rdp"), Some(level), "{address}");
    }
}

#[test]
fn a_client_that_no_broker_sent_anywhere_was_not_sent_to_a_wrong_address() {
    for slug in ["host-unreachable", "no-answer-client-only", "rdp-disabled"] {
        assert_eq!(verdict(&report(&rows(slug)), "brk-redirect-to-unreachable-address"), None, "{slug}");
    }
}

#[test]
fn clocks_that_were_never_compared_are_some_seconds_apart() {
    let whole = rows("termservice-stopped");
    let stopped = whole.iter().rfind(|row| has(row, "scm_7036_termservice_stopped")).unwrap();
    for (time, level) in [("2026-03-04T08:14:58Z", "probable"), ("2026-03-04T08:14:40Z", "confirmed")] {
        let report = report(&but(&whole, |row| row == stopped, |row| moved(row, time)));
        let first = &first_failed(&report)["verdicts"][0];
        assert_eq!((&first["cause"], &first["verdict"]), (&json!("termservice-not-running"), &json!(level)), "{time}");
    }
}

#[test]
fn a_time_out_alone_tells_neither_that_a_connection_failed_nor_why() {
    let mut one = row("old-client-breaks-stream", "termdd_56_security_layer_error");
    one = changed(&one, "32000AD0", "B50000D0");
    one["signatures"] = json!(["termdd_50_56_errors", "termdd_56_io_timeout"]);
    let report = report(&[one]);
    let attempts = report["attempts"].as_array().unwrap();
    assert!(attempts.len() == 1 && attempts[0]["outcome"] == "unknown", "{attempts:#?}");
    assert_eq!(report["causes"], json!([]));
    assert!(!report["coverage"]["cannot_judge"].as_array().unwrap().is_empty());
}

#[test]
fn what_kept_a_broker_or_a_gateway_from_serving_is_over_once_it_served_somebody() {
    // Another record of the same computer, as a rule names it.
    let named = |row: &Value, rule: &str, time: &str| {
        let mut row = moved(row, time);
        row["signatures"] = json!([rule]);
        row
    };
    let broker = row("success-redirected-by-broker", "broker_801_processed");
    let gateway = row("success-through-gateway", "gateway_200_cap_passed");
    for (slug, cause, served, told, rule) in [
        (
            "brk-no-host-in-collection",
            "brk-not-ready-for-rpc",
            &broker,
            "broker_802_request_failed",
            "broker_898_start_failed",
        ),
        (
            "brk-no-host-in-collection",
            "brk-host-not-authorized",
            &broker,
            "broker_802_request_failed",
            "broker_902_group_empty",
        ),
        (
            "gw-key-unreadable",
            "gw-cert-missing-or-unreadable",
            &gateway,
            "gateway_103_certificate_unreadable",
            "gateway_certificate_problem",
        ),
    ] {
        let mut all: Vec<Value> = rows(slug).into_iter().filter(|row| !has(row, told)).collect();
        all.retain(|row| !has(row, "brokerclient_1306_redirect_failed"));
        let own = rows(slug).into_iter().find(|row| has(row, told)).unwrap();
        all.push(named(&own, rule, "2026-03-04T08:01:00Z"));
        assert!(["confirmed", "probable"].map(Some).contains(&verdict(&report(&all), cause)), "{cause}");
        let mut since = changed(&moved(served, "2026-03-04T08:05:00Z"), "anna", "zoe");
        since["ref"] = "ef".repeat(16).into();
        since["computer"] = own["computer"].clone();
        all.push(since);
        assert_eq!(verdict(&report(&all), cause), None, "{cause}");
    }
}

/// A record of the server that a rule names.
fn named(rule: &str, time: &str) -> Value {
    let mut row = moved(&row("termservice-stopped", "scm_7036_termservice_stopped"), time);
    row["signatures"] = json!([rule]);
    row["fields"] = json!([]);
    row["ref"] = format!("{:032x}", rule.len()).into();
    row
}

#[test]
fn what_every_start_and_every_day_leaves_is_no_firewall_that_blocks() {
    let whole = rows("host-unreachable");
    for (cause, every_day) in [
        ("third-party-firewall-blocks", ["filtermanager_6_filter_loaded", "scm_7036_security_product"]),
        // Somebody connected three hours before the attempts.
        ("host-firewall-blocks-rdp", ["firewall_rule_changed_or_deleted", "firewall_2003_profile_enabled"]),
    ] {
        let mut all = whole.clone();
        all.extend(every_day.map(|rule| named(rule, "2026-03-03T20:00:00Z")));
        let told = report(&all);
        assert!([None, Some("possible")].contains(&verdict(&told, cause)), "{cause}");
        assert_eq!(told["summary"]["top_cause"], "host-unreachable", "{cause}");
    }
}

#[test]
fn a_session_over_udp_that_drops_for_another_reason_was_not_broken_by_it() {
    let of = |row: &Value, rules: &[&str]| {
        let mut row = moved(row, "2026-03-04T07:40:05Z");
        row["signatures"] = json!(rules);
        row["fields"] = json!([]);
        row["ref"] = format!("{:032x}", rules[0].len()).into();
        row
    };
    let mut all = rows("network-drop");
    let near = |row: &&Value| row["time"].as_str().is_some_and(|time| time.contains("T07:40:"));
    let server = all.iter().filter(near).find(|row| has(row, "rdpcorets_131_tcp")).unwrap();
    let client = all.iter().filter(near).find(|row| has(row, "rdpclient_1024_connecting")).unwrap();
    let more = [
        of(server, &["rdpcorets_135_udp", "rdpcorets_135_side_transport_set"]),
        of(server, &["rdpcorets_137_path_quality"]),
        of(client, &["rdpclient_1030_build"]),
    ];
    all.retain(|row| !has(row, "rdpcorets_135_tcp"));
    all.extend(more);
    let told = report(&all);
    for cause in ["udp-path-unstable", "upd-24h2-udp-65s"] {
        assert!([None, Some("possible")].contains(&verdict(&told, cause)), "{cause}");
    }
    assert_eq!(told["summary"]["top_cause"], "link-loss-roaming");
}

#[test]
fn a_restart_that_was_asked_for_after_the_end_is_no_reason_for_it() {
    for slug in ["account-disabled", "lic-grace-expired-2016", "network-drop"] {
        let mut all = rows(slug);
        let before = report(&all);
        for (rule, at) in [("user32_1074_shutdown_asked", "08:19:00"), ("eventlog_6006_log_stopped", "08:20:00")] {
            let mut record = moved(&row("planned-restart", rule), &format!("2026-03-04T{at}Z"));
            record["ref"] = format!("{:032x}", rule.len()).into();
            all.push(record);
        }
        let after = report(&all);
        assert_eq!(after["summary"]["top_cause"], before["summary"]["top_cause"], "{slug}");
        let restart = verdict(&after, "planned-restart-or-shutdown");
        assert!([None, Some("possible")].contains(&restart), "{slug}: {restart:?}");
    }
}

#[test]
fn tickets_for_other_computers_and_of_other_accounts_rule_nothing_out() {
    let ticket = changed(&row("account-locked", "security_4769_computer_ticket"), "10.1.7.22", "10.1.7.17");
    for (slug, cause) in
        [("protected-user-by-address", "protected-users-ntlm"), ("silo-refuses-device", "authentication-policy-silo")]
    {
        let whole = rows(slug);
        let at = first_failed(&report(&whole))["start"].as_str().unwrap().to_owned();
        for (user, service, refuted) in [("anna", "FS01$", false), ("PC17$", "RDS01$", false), ("anna", "RDS01$", true)]
        {
            let ticket = changed(&changed(&moved(&ticket, &at), "carla", user), "RDS01$", service);
            let all: Vec<Value> = whole.iter().cloned().chain([ticket]).collect();
            let report = report(&all);
            let found = first_failed(&report)["verdicts"].as_array().unwrap().iter().any(|one| one["cause"] == cause);
            assert_eq!(found, !refuted, "{slug}: {user} {service}");
        }
    }
}

#[test]
fn a_server_whose_service_may_have_been_stopped_is_not_taken_for_unreachable() {
    let no_log = |slug: &str, log: &str| {
        let mut rows = rows(slug);
        rows.retain(|row| {
            let path = row["path"].as_str().unwrap_or_default();
            let of_server = row["computer"] == "RDS01.corp.example" || path.contains("/RDS01/");
            !(of_server && (row["channel"] == log || path.contains(&log.replace('/', "%4"))))
        });
        report(&rows)
    };
    let manager = "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational";
    for (slug, log) in [("termservice-stopped", "System"), ("rdp-disabled", manager), ("rdp-port-conflict", manager)] {
        let told = no_log(slug, log);
        assert!([None, Some("possible")].contains(&verdict(&told, "host-unreachable")), "{slug}");
        let asked = told["coverage"]["collect"].to_string();
        assert!(asked.contains(log), "{slug}: {asked}");
    }
}
