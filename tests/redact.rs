//! `--redact`: nobody's name is left in any form, and the report still says the same.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;
mod common;
#[path = "common/sample.rs"]
mod sample;
#[path = "common/schema.rs"]
mod schema;
#[path = "common/told.rs"]
mod told;

use std::collections::BTreeSet;
use std::net::IpAddr;

use proptest::prelude::*;
use rayon::prelude::*;
use told::Told;
use whyrdp::correlate::{Request, correlate};
use whyrdp::evidence::{Field, Findings};
use whyrdp::report::model::{Report, Row};
use whyrdp::report::redact::{Hints, redact};
use whyrdp::report::{FORMATS, Options};
use whyrdp::signature::Signatures;

fn render(report: &Report, form: &whyrdp::report::Format) -> String {
    let mut out = Vec::new();
    (form.write)(report, &mut out, &Options { verbose: true, ..Options::default() }).unwrap();
    String::from_utf8(out).unwrap()
}

/// Names that are left in some form.
fn left(report: &Report, names: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    for form in FORMATS {
        let text = render(report, form).to_lowercase();
        for name in names.iter().filter(|name| text.contains(&name.to_lowercase())) {
            left.push(format!("{name} in {}", form.name));
        }
    }
    left
}

#[test]
fn nobody_of_a_case_is_named_in_any_form() {
    let (signatures, _) = Signatures::open(true, &[]);
    for (slug, names) in [
        ("selfsigned-renewal-denied", &["PC17", "RDS01", "DC01", "corp.example", "anna", "10.1.7.17", "10.1.2.21"][..]),
        ("gw-rap-denied", &["corp.example", "anna", "10.1."]),
        ("wrong-password-ipv6", &["corp.example", "anna", "2001:db8:7"]),
        ("gw-wants-smart-card", &["corp.example", "anna", "2001:db8:7"]),
        // Domain controllers write ::ffff:10.1.7.17.
        ("account-disabled", &["corp.example", "10.1.", "1.7.17"]),
        ("brute-force-beside-success", &["corp.example", "203.0.113.", "198.51.100."]),
        ("forwarded-account-disabled", &["corp.example", "10.1."]),
    ] {
        let folder = cases::logs(slug);
        let findings = cases::findings(folder.path().to_owned(), &signatures);
        let report = correlate(&findings, &signatures, &Request::default());
        let all: BTreeSet<String> = findings.evidence.values().map(|e| e.record.computer.to_lowercase()).collect();
        let hosts = all.iter().flat_map(|host| [host.as_str(), host.split('.').next().unwrap()]);
        let names: Vec<&str> = names.iter().copied().chain(hosts).chain(["s-1-5-21-1004336348"]).collect();
        let redacted = redact(&report, &Hints::of(&findings)).unwrap();
        let left = left(&redacted, &names);
        assert!(left.is_empty(), "{slug}:\n{}", left.join("\n"));
        schema::assert_valid(&serde_json::to_value(&redacted).unwrap());
        assert_eq!(redacted, redact(&report, &Hints::of(&findings)).unwrap());
    }
}

/// The words of a text, in lower case: whole names, addresses and SIDs are words.
fn words(text: &str) -> BTreeSet<String> {
    let ends = |ch: char| !(ch.is_alphanumeric() || matches!(ch, '.' | '-'));
    let words = text.split(ends).flat_map(|word| [word, word.split('.').next().unwrap_or(word)]);
    words.map(|word| word.trim_matches(['.', '-']).to_lowercase()).collect()
}

/// Computers, addresses and SIDs of everything that was read, whoever tells them.
fn everybody(findings: &Findings) -> BTreeSet<String> {
    let shapes = regex::Regex::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|S-1-5-21(?:-\d+){4}").unwrap();
    let mut names = BTreeSet::new();
    for record in findings.evidence.values().map(|evidence| &evidence.record) {
        let computer = record.computer.to_lowercase();
        names.extend(computer.split('.').next().map(str::to_owned));
        names.insert(computer);
        let texts = record.fields.iter().map(|field| field.1).chain([&*record.user_id]);
        names.extend(texts.flat_map(|text| shapes.find_iter(text)).map(|found| found.as_str().to_lowercase()));
    }
    let everywhere = ["", "localhost", "127.0.0.1", "0.0.0.0"];
    let address = |name: &str| !name.starts_with(|ch: char| ch.is_ascii_digit()) || name.parse::<IpAddr>().is_ok();
    names.retain(|name| !everywhere.contains(&name.as_str()) && address(name));
    names
}

#[test]
fn no_computer_address_or_sid_of_any_log_is_left() {
    let mut cases: Vec<(String, Findings)> = whyrdp_corpus::cases(&told::root().join("corpus"))
        .unwrap()
        .into_par_iter()
        .map(|case| {
            let logs = cases::logs(&case.slug);
            let findings = Told::of(&[logs.path().to_owned()]).findings;
            (case.slug, findings)
        })
        .collect();
    cases.extend(common::real_logs().map(|logs| ("real logs".into(), Told::of(&[logs.join("evtx")]).findings)));
    let wrong: Vec<String> = cases
        .par_iter()
        .flat_map_iter(|(case, findings)| {
            let report = correlate(findings, &told::SIGNATURES, &Request::default());
            let redacted = redact(&report, &Hints::of(findings)).unwrap();
            let names = everybody(findings);
            // Traces name no computer.
            let nameless = findings.evidence.values().all(|evidence| evidence.record.computer.is_empty());
            assert!(!names.is_empty() || nameless, "{case}");
            // Every form is made of what this one holds.
            let words = words(&serde_json::to_string(&redacted).unwrap());
            let left: Vec<String> = words.intersection(&names).cloned().collect();
            left.into_iter().map(move |left| format!("{case}: {left}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_field_that_may_hold_an_unknown_name_is_left_out() {
    let field = |name: &str, value: &str| Field(name.into(), value.into());
    let mut report = sample::report();
    let Some(Row::Event(row)) = report.timeline.first_mut() else { panic!("no record") };
    row.kept.fields = vec![
        field("LogonType", "10"),
        field("Status", "0xC000006D"),
        field("FailureReason", "%%2313"),
        field("LogonProcessName", "User32 "),
        field("Server", "SRV01"),
        field("Peer", "10.0.0.7:50123"),
        field("param1", "zoe"),
        field("Employee", "4711004"),
        field("Base64(SHA256(UserName))", "YWxpY2U="),
        field("Data", "610062006300"),
        field("Message", "SRV01 refused zoe"),
    ];
    let redacted = redact(&report, &Hints::default()).unwrap();
    let Some(Row::Event(row)) = redacted.timeline.first() else { panic!("no record") };
    let told: Vec<(&str, &str)> = row.kept.fields.iter().map(|field| (&*field.0, &*field.1)).collect();
    assert_eq!(
        told[..4],
        [("LogonType", "10"), ("Status", "0xC000006D"), ("FailureReason", "%%2313"), ("LogonProcessName", "User32 ")]
    );
    assert_eq!((told.len(), told[4].0, told[5].0), (6, "Server", "Peer"));
    assert!(
        told[4].1.starts_with("host") && told[5].1.starts_with("240.") && told[5].1.ends_with(":50123"),
        "{told:?}"
    );
}

#[test]
fn the_hash_of_a_user_name_goes_as_well() {
    let mut report = sample::report();
    let hashes = ["W7mB0Ar6Yf4nQx2s1jH8t0PzKq4=", "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="];
    let Some(Row::Event(row)) = report.timeline.first_mut() else { panic!("no record") };
    row.message = format!("hash of the user name {}-, {}", hashes[0], hashes[1]);
    let redacted = redact(&report, &Hints::default()).unwrap();
    let Some(Row::Event(row)) = redacted.timeline.first() else { panic!("no record") };
    assert_eq!(row.message, "hash of the user name hash1-, hash2");
}

#[test]
fn the_report_still_says_the_same() {
    let report = cases::report("selfsigned-renewal-denied");
    let redacted = redact(&report, &Hints::default()).unwrap();
    assert_eq!(redacted.summary, report.summary);
    assert_eq!(redacted.tool, report.tool);
    let shape = |report: &Report| -> Vec<_> {
        let of = |at: &whyrdp::report::model::AttemptReport| {
            let causes: Vec<String> = at.verdicts.iter().map(|verdict| verdict.cause.clone()).collect();
            (at.start, at.outcome, at.phase, causes, at.events.len())
        };
        report.attempts.iter().map(of).collect()
    };
    assert_eq!(shape(&redacted), shape(&report));
    // References lead to the same rows.
    let at = |report: &Report| -> Vec<Vec<Option<usize>>> {
        let place = |event| report.timeline.iter().position(|row| matches!(row, Row::Event(row) if row.event == event));
        report.causes.iter().map(|cause| cause.evidence.iter().map(|cited| place(cited.event)).collect()).collect()
    };
    assert_eq!(at(&redacted), at(&report));
    // One computer has one pseudonym, whatever it is called.
    let attempt = &redacted.attempts[0];
    assert_eq!(attempt.server.host, attempt.server.typed_name);
    assert!(attempt.client.ip.as_deref().unwrap().starts_with("240."));
    assert_ne!(attempt.client.host, attempt.server.host);
}

#[test]
fn hostile_and_foreign_names_go_as_well() {
    let redacted = redact(&sample::report(), &Hints::default()).unwrap();
    let names = ["nimda", "alice", "Jürgen", "Lüdenscheidt", "CLIENT7", "SRV01", "GW1", "203.0.113.77", "10.0.0."];
    let left = left(&redacted, &names);
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn names_that_begin_like_those_of_services_go_as_well() {
    let mut report = sample::report();
    report.attempts[0].user = Some("dwm-anna".into());
    report.attempts[1].client.host = Some("UMFD-PC7".into());
    let long = "Quentin van der Zanden Berg".to_owned();
    if let Some(Row::Event(row)) = report.timeline.iter_mut().find(|row| matches!(row, Row::Event(_))) {
        row.message = format!("dwm-anna, 0xdata and {long} at umfd-pc7; DWM-3 and RDP-Tcp#7 with 0x904");
    }
    let hints = Hints { users: [long, "0xdata".to_owned()].into(), ..Hints::default() };
    let redacted = redact(&report, &hints).unwrap();
    let left = left(&redacted, &["anna", "pc7", "xdata", "Zanden"]);
    assert!(left.is_empty(), "{}", left.join("\n"));
    let text = render(&redacted, &FORMATS[0]);
    assert!(["DWM-3", "RDP-Tcp#7", "0x904"].iter().all(|kept| text.contains(kept)), "{text}");
}

#[test]
fn whatever_an_account_is_called_addresses_go_whole_and_in_time() {
    let mut report = sample::report();
    let text = "10 from 10.1.7.17: S-1-5-21-1-2-3-10 at ::ffff:10.1.7.17:22 or 2a02:8108:7::22:57800, 10@corp.other";
    for row in &mut report.timeline {
        if let Row::Event(row) = row {
            row.message = text.to_owned();
        }
    }
    // As many names as a guessing attack tries, numbers and the start of a SID among them.
    let words = ["1", "7", "10", "17", "s", "2a02", "::"].map(str::to_owned);
    let users = (100..20_000).map(|n| n.to_string()).chain(words).collect();
    let redacted = redact(&report, &Hints { users, ..Hints::default() }).unwrap();
    let left = left(&redacted, &["1.7.17", "1-2-3", "8108", "corp.other", "7::22"]);
    assert!(left.is_empty(), "{}", left.join("\n"));
    let Some(Row::Event(row)) = redacted.timeline.iter().find(|row| matches!(row, Row::Event(_))) else { panic!() };
    let (before, after) = row.message.split_once(" from ").unwrap();
    assert!(before.starts_with("user"), "{before}");
    let address = after.split(':').next().unwrap();
    assert!(address.starts_with("240.") && after.contains(&format!(" at {address}:22 or ")), "{after}");
    assert!(after.contains(":57800, user"), "{after}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_name_is_left_wherever_it_stood(
        user in "[A-Za-zäöß][A-Za-z0-9_. -]{4,14}[a-z0-9]",
        domain in "[A-Z]{5,9}",
        host in "[A-Z]{4,8}-?[0-9]{2,4}",
        stranger in "[A-Za-z]{6,9}[0-9]{3}",
        a in 11u8..99, b in 100u8..250,
        sid in 1_000_000_000u64..4_000_000_000,
    ) {
        let ip = format!("{a}.{b}.77.{b}");
        let sid = format!("S-1-5-21-{sid}-1-2-1001");
        let v6 = format!("2a02:{a}{b}::{b}");
        let texts = [
            format!("{domain}\\{user} from {ip}:3389 ({host}) failed: {sid}"),
            format!("{user}@{domain}.local, {}${v6}", host.to_lowercase()),
            format!("TERMSRV/{host}.{domain}.local;[{v6}]:3389,{user}"),
        ];
        let mut report = sample::report();
        report.attempts[0].user = Some(format!("{domain}\\{user}"));
        report.attempts[1].client.host = Some(format!("{host}.{domain}.local"));
        for (row, text) in report.timeline.iter_mut().zip(texts.iter().cycle()) {
            if let Row::Event(row) = row { row.message.clone_from(text); row.source.path = format!("/cases/{host}/{user}.evtx"); }
        }
        let utf16: String = user.encode_utf16().flat_map(u16::to_le_bytes).map(|byte| format!("{byte:02x}")).collect();
        for (row, text) in report.timeline.iter_mut().zip(texts.iter().chain([&utf16, &stranger]).cycle()) {
            if let Row::Event(row) = row { row.kept.fields = vec![Field("param1".into(), text.as_str().into()), Field("x".into(), stranger.as_str().into())]; }
        }
        report.causes[0].explanation.clone_from(&texts[0]);
        report.causes[0].fix = texts.to_vec();
        report.ruled_out[0].why.clone_from(&texts[1]);
        report.coverage.cannot_judge[0].collect.clone_from(&texts[2]);
        report.inputs[0].path.clone_from(&texts[0]);
        report.inputs[1].damage[0].what.clone_from(&texts[1]);
        report.complaint.as_mut().unwrap().said = Some(texts[0].clone());
        let redacted = redact(&report, &Hints::default()).unwrap();
        let text = serde_json::to_string(&redacted).unwrap().to_lowercase();
        for name in [&user, &domain, &host, &ip, &sid, &v6, &stranger, &utf16] {
            prop_assert!(!text.contains(&name.to_lowercase()), "{} in {}", name, text);
        }
    }
}
