//! Logs of real computers, of which it is known what happened there. Each test is a truth.
//! They are skipped, with a word on stderr, where the logs are not at hand.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;
#[path = "common/told.rs"]
mod told;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use told::{Told, blamed};
use whyrdp::event::Time;
use whyrdp::report::model::{AttemptReport, Level, Report, Verdict};
use whyrdp::signature::definition::{Bearing, Outcome};

const SZECHUAN: &str =
    "evtx/AndrewRathbun+DFIRArtifactMuseum/Windows/EventLogs/Win2012R2/StolenSzechuan/StolenSzechuanEventLogs";
const MITRE: &str = "evtx/mdecrevoisier+EVTX-to-MITRE-Attack";
const SAMPLES: &str = "evtx/omerbenamram+evtx/samples";

/// The report on files or folders of the real logs.
fn told(paths: &[&str]) -> Option<Told> {
    let logs = common::real_logs()?;
    let paths: Vec<PathBuf> = paths.iter().map(|path| logs.join(path)).collect();
    for path in &paths {
        assert!(path.exists(), "{}", path.display());
    }
    Some(Told::of(&paths))
}

fn failed(report: &Report) -> Vec<&AttemptReport> {
    report.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Failed).collect()
}

fn confirmed<'a>(attempt: &'a AttemptReport, cause: &str) -> Option<&'a Verdict> {
    attempt.verdicts.iter().find(|verdict| verdict.cause == cause && verdict.verdict == Level::Confirmed)
}

/// Record ids that prove a cause, over these attempts.
fn proofs(told: &Told, attempts: &[&AttemptReport], cause: &str) -> BTreeSet<u64> {
    let verdicts = attempts.iter().filter_map(|attempt| confirmed(attempt, cause));
    let proofs = verdicts.flat_map(|verdict| &verdict.evidence).filter(|cited| cited.role == Bearing::Proof);
    proofs.filter_map(|cited| told.record_id(cited.event)).collect()
}

fn blamed_ids(report: &Report) -> Vec<String> {
    blamed(report).map(|cause| format!("{} ({})", cause.id, cause.family)).collect()
}

/// Causes of these families that are probable or confirmed.
fn blamed_of(report: &Report, families: &[&str]) -> Vec<String> {
    let of = |family: &String| families.contains(&family.as_str());
    blamed(report).filter(|cause| of(&cause.family)).map(|cause| cause.id.clone()).collect()
}

fn outcomes(report: &Report) -> Vec<(Outcome, Option<&str>, Time)> {
    report.attempts.iter().map(|a| (a.outcome, a.client.ip.as_deref(), a.start)).collect()
}

#[test]
fn an_unpatched_server_is_refused_by_the_client_eight_times() {
    let Some(told) = told(&[&format!("{SAMPLES}/2-vss_7-System.evtx")]) else { return };
    let attempts: Vec<&AttemptReport> = told.report.attempts.iter().collect();
    let cause = "credssp-oracle-client-blocks";
    assert_eq!(attempts.len(), 8, "{:?}", outcomes(&told.report));
    for attempt in &attempts {
        assert!(confirmed(attempt, cause).is_some(), "{} is not explained: {:?}", attempt.start, attempt.verdicts);
        assert_eq!(attempt.outcome, Outcome::Failed);
    }
    assert_eq!(proofs(&told, &attempts, cause), BTreeSet::from([349, 356, 801, 810, 812, 820, 962, 976]));
    assert_eq!(told.report.summary.top_cause.as_deref(), Some(cause));
}

/// The domain controller under attack, all its logs together.
static CITADEL: LazyLock<Option<Told>> = LazyLock::new(|| told(&[SZECHUAN]));

#[test]
fn guessed_passwords_are_ninety_five_failed_attempts() {
    let Some(told) = &*CITADEL else { return };
    let cause = "bad-password";
    let guesses: Vec<&AttemptReport> =
        failed(&told.report).into_iter().filter(|attempt| confirmed(attempt, cause).is_some()).collect();
    assert_eq!(guesses.len(), 95);
    assert_eq!(proofs(told, &guesses, cause), (7389..=7483).collect());
    assert_eq!(told.report.summary.top_cause.as_deref(), Some(cause));
}

#[test]
fn connections_of_the_tool_that_asked_for_nobody_are_no_attempts() {
    let Some(told) = &*CITADEL else { return };
    let other: Vec<_> = failed(&told.report)
        .into_iter()
        .filter(|attempt| confirmed(attempt, "bad-password").is_none())
        .map(|attempt| (attempt.start, attempt.client.ip.clone(), attempt.events.len()))
        .collect();
    assert!(other.is_empty(), "{} attempts, first {:?}", other.len(), other.first());
}

#[test]
fn a_flood_of_refused_handshakes_is_told_once_and_blames_nothing() {
    let Some(told) = &*CITADEL else { return };
    let report = &told.report;
    let counts: Vec<u64> = report.findings.iter().map(|finding| finding.count).collect();
    let counts: Vec<u64> = counts.into_iter().chain(report.noise.iter().map(|noise| noise.count)).collect();
    assert!(counts.iter().any(|count| (29_205..=58_410).contains(count)), "29,205 pairs are nowhere: {counts:?}");
    assert_eq!(blamed_of(report, &["tls-cipher", "certificate"]), [""; 0]);
}

#[test]
fn sessions_of_the_attacker_are_established() {
    let Some(told) = &*CITADEL else { return };
    // Record ids of 1149, each with a session behind it, and of the outgoing session's 1024.
    let mut wrong = Vec::new();
    for (event, record) in [(1149, 29_322), (1149, 29_324), (1149, 29_326), (1149, 29_328), (1024, 1)] {
        let is = |of: &&AttemptReport| {
            of.events.iter().any(|name| told.event_id(*name) == Some(event) && told.record_id(*name) == Some(record))
        };
        let attempt = told.report.attempts.iter().find(is);
        let outcome = attempt.map(|attempt| attempt.outcome);
        if outcome != Some(Outcome::Established) {
            wrong.push(format!("attempt of {event}, record {record}: {outcome:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_attack_is_named_beside_the_failures() {
    let Some(told) = &*CITADEL else { return };
    let found: Vec<&str> = told.report.findings.iter().map(|finding| &*finding.id).collect();
    assert!(found.iter().any(|id| id.contains("brute")), "{found:?}");
}

#[test]
fn the_sessions_that_followed_the_guesses_are_named() {
    let Some(told) = &*CITADEL else { return };
    let finding = told.report.findings.iter().find(|finding| finding.id == "access-after-guessing").unwrap();
    // Logons of type 10, the four sessions from the address of the guesses; the one to another computer is none.
    let events: Vec<_> = finding.evidence.iter().map(|name| told.event_id(*name)).collect();
    assert_eq!((finding.count, events), (4, vec![Some(4624); 4]));
}

#[test]
fn a_right_password_without_the_right_to_log_on_is_told_apart() {
    let file = "TA0008-Lateral Movement/T1021.001-Remote Desktop Protocol/\
                ID4825-Denied RDP connection with valid credentials.evtx";
    let Some(told) = told(&[&format!("{MITRE}/{file}")]) else { return };
    let attempts = failed(&told.report);
    assert_eq!((attempts.len(), told.report.attempts.len()), (2, 2), "{:?}", outcomes(&told.report));
    for attempt in &attempts {
        assert_eq!(attempt.user.as_deref(), Some("OFFSEC\\svc6test1"));
        assert_eq!(attempt.client.ip.as_deref(), Some("10.23.23.9"));
        assert!(confirmed(attempt, "not-in-remote-desktop-users").is_some(), "{:?}", attempt.verdicts);
    }
    assert_eq!(proofs(&told, &attempts, "not-in-remote-desktop-users").len(), 2, "each has a record of its own");
}

#[test]
fn one_dropped_packet_beside_a_wrong_password_is_not_the_firewall() {
    let Some(told) = told(&[&format!("{SAMPLES}/Security_short_selected.evtx")]) else { return };
    let attempts = failed(&told.report);
    assert_eq!(attempts.len(), 1, "{:?}", outcomes(&told.report));
    assert!(confirmed(attempts[0], "bad-password").is_some(), "{:?}", attempts[0].verdicts);
    assert_eq!(told.report.summary.top_cause.as_deref(), Some("bad-password"));
    assert_eq!(blamed_of(&told.report, &["network", "security-software", "service-listener"]), [""; 0]);
}

#[test]
fn one_event_id_with_two_meanings_is_told_apart_by_its_bytes() {
    let Some(told) = told(&["evtx/williballenthin+python-evtx/tests/data/system.evtx"]) else { return };
    let of = |event: u32, record: u64| -> Vec<String> {
        let evidence = told.findings.evidence.values();
        let mut is = evidence.filter(|of| &*of.record.provider == "TermDD" && of.record.event_id == event);
        let found = is.find(|of| of.record.record_id == Some(record));
        found.map(|of| of.signatures.iter().map(ToString::to_string).collect()).unwrap_or_default()
    };
    let protocol_error = [of(56, 12_303), of(56, 12_304)].concat();
    let timeout = of(56, 12_835);
    assert!(!protocol_error.is_empty() && !timeout.is_empty(), "56 is not evidence");
    assert!(protocol_error.iter().all(|name| name.starts_with("termdd")), "{protocol_error:?}");
    let timeouts = |names: &[String]| names.iter().any(|name| name.contains("timeout"));
    assert!(timeouts(&timeout) && !timeouts(&protocol_error), "{timeout:?} and {protocol_error:?}");
    assert!(!of(50, 12_303).is_empty() || !of(50, 12_304).is_empty(), "50 is not evidence");
}

#[test]
fn a_scan_of_many_servers_is_noise() {
    let file = "TA0007-Discovery/T1046-Network Service Scanning/ID131-RDP brutforce (no user info).evtx";
    let Some(told) = told(&[&format!("{MITRE}/{file}")]) else { return };
    let report = &told.report;
    assert_eq!(report.attempts.len(), 0, "{:?}", outcomes(report));
    assert_eq!(report.noise.iter().map(|noise| noise.count).sum::<u64>(), 154, "{:?}", report.noise);
    let from: BTreeSet<_> = report.noise.iter().map(|noise| noise.client_ip.as_deref()).collect();
    assert_eq!(from, BTreeSet::from([Some("10.23.123.11")]));
    assert_eq!(blamed_ids(report), [""; 0]);
}

#[test]
fn logons_that_worked_on_many_servers_are_no_failures() {
    let file = "TA0001-Initial access/T1078-Valid accounts/ID1149-RDP success logins to multiple hosts.evtx";
    let Some(told) = told(&[&format!("{MITRE}/{file}")]) else { return };
    assert_eq!(failed(&told.report).len(), 0, "{:?}", outcomes(&told.report));
    assert_eq!(blamed_ids(&told.report), [""; 0]);
}

#[test]
fn guesses_from_the_internet_are_wrong_passwords_not_a_broken_network() {
    let file = "2-vss_0-Microsoft-Windows-RemoteDesktopServices-RdpCoreTS%4Operational.evtx";
    let Some(told) = told(&[&format!("{SAMPLES}/{file}")]) else { return };
    let report = &told.report;
    let refused: Vec<&AttemptReport> = failed(report)
        .into_iter()
        .filter(|attempt| attempt.events.iter().any(|name| told.event_id(*name) == Some(140)))
        .collect();
    assert_eq!(refused.len(), 126, "of {} attempts", report.attempts.len());
    let wrong = ["network", "tls-cipher", "certificate", "graphics-protocol-udp", "security-software"];
    assert_eq!(blamed_of(report, &wrong), [""; 0]);
}

/// Logs in which Remote Desktop did not fail, whatever else did.
#[test]
fn what_is_no_failure_of_remote_desktop_blames_nothing() {
    let brute = format!("{MITRE}/TA0006-Credential Access/T1110.xxx-Brut force");
    let rathbun = "evtx/AndrewRathbun+DFIRArtifactMuseum/Windows/EventLogs/Win11/RathbunVM/RathbunVM_W11EventLogs";
    let controls = [
        format!("{brute}/ID4771-Kerberos brutforce with valid user.evtx"),
        format!("{brute}/ID4625-OpenSSH brutforce with non existing users.evtx"),
        format!("{brute}/ID4625-OpenSSH brutforce with valid users.evtx"),
        format!(
            "{MITRE}/TA0002-Execution/T1569.002-Service execution/\
             ID7000,7009,7045-Payload deployed via service - Tchopper.evtx"
        ),
        format!("{MITRE}/Antivirus/ID1116-1117-Defender threat detected.evtx"),
        format!(
            "{MITRE}/TA0005-Defense Evasion/T1562.004-Impair Defenses-Disable or Modify System Firewall/\
             ID2003-4950-Firewall disabled.evtx"
        ),
        format!("{SAMPLES}/E_ShadowCopy6_windows_system32_winevt_logs_Microsoft-Windows-CAPI2%4Operational.evtx"),
        format!("{SAMPLES}/sample-with-zero-data-size-event.evtx"),
        "evtx/log2timeline+plaso/test_data/evtx/System.evtx".to_owned(),
        "evtx/NickSmet+ts-evtx/test/fixtures".to_owned(),
        rathbun.to_owned(),
    ];
    let mut wrong = Vec::new();
    for path in &controls {
        let Some(told) = told(&[path]) else { return };
        let report = &told.report;
        let name = path.rsplit('/').next().unwrap_or_default();
        let summary = &report.summary;
        if summary.failed + summary.dropped > 0 {
            wrong.push(format!("{name}: {} failed, {} dropped", summary.failed, summary.dropped));
        }
        wrong.extend(blamed_ids(report).into_iter().map(|id| format!("{name}: blames {id}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Damage that a reader has to name; of the others of `bad/` all can be read.
const DAMAGED: &[&str] = &[
    "evtx__sample_with_a_bad_chunk_magic.evtx",
    "evtx__Microsoft-Windows-HelloForBusiness%4Operational.evtx",
    "evtx__Microsoft-Windows-LanguagePackSetup%4Operational.evtx",
    "evtx__security_bad_string_cache.evtx",
    "plaso__System2.evtx",
    "plaso__link_to_System.evtx",
    "hayabusa__test1_0bytes.evtx",
];

#[test]
fn damaged_logs_give_what_they_hold_and_say_what_is_wrong() {
    let Some(logs) = common::real_logs() else { return };
    let list = common::shared().map(|shared| shared.join("data/bad-files.tsv")).filter(|list| list.is_file());
    let Some(list) = list else { return };
    let list = fs::read_to_string(list).unwrap();
    let mut wrong = Vec::new();
    for line in list.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let path = logs.join(columns[0]);
        let least: u64 = columns[6].parse().unwrap_or(0);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Also named whole, not found by a walk: what was asked for may not pass in silence.
        let told = Told::of(&[path]);
        let read: u64 = told.report.inputs.iter().map(|input| input.records).sum();
        if read < least {
            wrong.push(format!("{name}: {read} records, {least} can be read"));
        }
        if DAMAGED.contains(&&*name) && told.findings.problems.is_empty() {
            wrong.push(format!("{name}: damage is not named"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
