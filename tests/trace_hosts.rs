//! Records that name no computer, as traces hold them, join attempts: by what the trace tells of its
//! writer, by the same record in a log with names, by what the reader says; else under the input's name.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use whyrdp::correlate::{Request, correlate};
use whyrdp::event::{Event, Guid, Machine, Time};
use whyrdp::evidence::{
    Coverage, EventRef, Evidence, Findings, InputFacts, Name, Record, Row, Source, is_unnamed, read_row, write_row,
};
use whyrdp::report::model::{Basis, Report};
use whyrdp::signature::Signatures;
use whyrdp::signature::definition::Outcome;

const CLIENT: &str = "Microsoft-Windows-TerminalServices-ClientActiveXCore";
const SERVER: &str = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS";
const TRY: &str = "{11112222-3333-4444-5555-666677770000}";
const ACCEPTED: &str = "{F4201111-2222-3333-4444-555566660000}";

fn signatures() -> Signatures {
    Signatures::open(true, &[]).0
}

/// Where a record stands, and what it says.
struct Said<'a> {
    path: &'a str,
    computer: &'a str,
    provider: &'a str,
    id: u32,
    /// Milliseconds.
    at: i64,
    activity: &'a str,
    fields: &'a [(&'a str, &'a str)],
}

fn row(signatures: &Signatures, said: &Said<'_>) -> Row {
    let mut event = Event::default();
    event.system.provider = said.provider.into();
    event.system.computer = said.computer.into();
    event.system.channel = format!("{}/Operational", said.provider);
    event.system.event_id = said.id;
    event.system.time = Some(Time::parse("2026-03-04T08:00:00Z").unwrap().plus(said.at * 10_000));
    event.system.activity_id = Guid::parse(said.activity);
    event.system.process_id = Some(4242);
    event.system.record_id = (!said.computer.is_empty()).then_some(said.at.unsigned_abs() + 1);
    said.fields.iter().for_each(|(name, value)| event.push(name, value));
    let mut matched = Vec::new();
    signatures.matches(&event, &mut matched);
    let mut slugs: Vec<Name> = matched.iter().map(|id| signatures.rule_at(*id).unwrap().slug.as_str().into()).collect();
    slugs.sort();
    assert!(!slugs.is_empty(), "{} {} matches nothing", said.provider, said.id);
    Row::Evidence(Evidence {
        event: EventRef::of(&event),
        record: Record::of(&event),
        signatures: slugs.into_iter().collect(),
        source: Source { path: said.path.into(), offset: said.at.unsigned_abs(), within: 0 },
    })
}

fn client<'a>(path: &'a str, computer: &'a str) -> Vec<Said<'a>> {
    let said = |id, at, fields| Said { path, computer, provider: CLIENT, id, at, activity: TRY, fields };
    vec![
        said(1024, 0, &[("Name", "Server Name"), ("Value", "rds01.corp.example")]),
        said(1102, 100, &[("Name", "ServerAddress"), ("Value", "10.1.2.21")]),
        said(1026, 900, &[("Name", "Disconnect Reason"), ("Value", "2308")]),
    ]
}

fn server<'a>(path: &'a str, computer: &'a str, from: &'a [(&'a str, &'a str)]) -> Vec<Said<'a>> {
    let said = |id, at, fields| Said { path, computer, provider: SERVER, id, at, activity: ACCEPTED, fields };
    vec![said(131, 200, from), said(102, 800, &[]), said(103, 801, &[("ReasonCode", "14")])]
}

fn facts(path: &str, machine: Machine) -> Row {
    let machine = Some(machine);
    Row::Input(InputFacts { path: path.into(), kind: "etl".into(), machine, ..InputFacts::default() })
}

fn findings(rows: &[Row]) -> Findings {
    let mut findings = Findings::default();
    rows.iter().cloned().for_each(|row| findings.add(row));
    findings
}

fn report(rows: &[Row], aliases: &[(&str, &str)]) -> Report {
    let aliases = aliases.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    correlate(&findings(rows), &signatures(), &Request { aliases, ..Request::default() })
}

fn rows(said: &[Said<'_>]) -> Vec<Row> {
    let signatures = signatures();
    said.iter().map(|said| row(&signatures, said)).collect()
}

fn named(name: &str) -> Machine {
    Machine { names: BTreeSet::from([name.into()]), ..Machine::default() }
}

fn booted(at: &str) -> Machine {
    Machine { boot: Time::parse(at), processors: Some((8, 2592)), ..Machine::default() }
}

fn hosts(report: &Report) -> Vec<&str> {
    report.coverage.hosts.iter().map(|host| host.host.as_str()).collect()
}

#[test]
fn a_trace_alone_makes_an_attempt_of_a_computer_that_is_not_named() {
    let report = report(&rows(&client("logs/net.etl", "")), &[]);
    assert_eq!((report.summary.attempts, report.summary.failed), (1, 1));
    let attempt = &report.attempts[0];
    assert_eq!((attempt.basis, attempt.outcome), (Basis::Client, Outcome::Failed));
    assert_eq!(attempt.client.host.as_deref(), Some("net.etl (unnamed computer)"));
    assert!(is_unnamed(attempt.client.host.as_deref().unwrap()));
    assert_eq!(attempt.server.typed_name.as_deref(), Some("rds01.corp.example"));
    assert!(report.timeline.len() >= 3);
}

#[test]
fn a_trace_that_names_its_computer_belongs_to_it() {
    let mut all = rows(&client("net.etl", ""));
    all.push(facts("net.etl", named("PC17")));
    let mut other = client("pc17.evtx", "PC17.corp.example");
    other.iter_mut().for_each(|said| said.at += 3_600_000);
    all.extend(rows(&other));
    let report = report(&all, &[]);
    assert_eq!(hosts(&report), ["PC17.corp.example"]);
    assert_eq!(report.attempts[0].client.host.as_deref(), Some("PC17.corp.example"));
}

#[test]
fn two_names_in_one_trace_are_nobody() {
    let mut all = rows(&client("net.etl", ""));
    let mut machine = named("PC17");
    machine.merge(named("PC18"));
    all.push(facts("net.etl", machine));
    let report = report(&all, &[]);
    assert_eq!(report.attempts[0].client.host.as_deref(), Some("net.etl (unnamed computer)"));
}

#[test]
fn what_the_reader_says_names_a_trace() {
    let all = rows(&client("logs/net.etl", ""));
    for input in ["net.etl", "logs/net.etl", "net.etl (unnamed computer)"] {
        let report = report(&all, &[(input, "PC17")]);
        assert_eq!(report.attempts[0].client.host.as_deref(), Some("PC17"), "{input}");
        assert_eq!(hosts(&report), ["PC17"], "{input}");
    }
}

#[test]
fn the_same_record_in_a_log_and_a_trace_is_one_record_of_one_computer() {
    let signatures = signatures();
    let mut traced = client("net.etl", "");
    // Each session stamps for itself.
    traced.iter_mut().for_each(|said| said.at += 3);
    let mut all: Vec<Row> = traced.iter().map(|said| row(&signatures, said)).collect();
    all.extend(rows(&client("client.evtx", "PC17.corp.example")));
    let one = report(&all, &[]);
    assert_eq!(hosts(&one), ["PC17.corp.example"]);
    assert_eq!((one.summary.attempts, one.attempts[0].events.len()), (1, 3));
    // The same ActivityID an hour later is another record: a client may carry one id to two servers.
    traced.iter_mut().for_each(|said| said.at += 3_600_000);
    let mut far: Vec<Row> = traced.iter().map(|said| row(&signatures, said)).collect();
    far.extend(rows(&client("client.evtx", "PC17.corp.example")));
    assert_eq!(hosts(&report(&far, &[])), ["PC17.corp.example", "net.etl (unnamed computer)"]);
}

#[test]
fn a_connection_from_the_same_address_and_port_was_accepted_by_the_same_computer() {
    let trace = |from| {
        let mut all = rows(&server("srv.etl", "", &[("ConnType", "TCP"), ("ClientIP", from)]));
        let log = server("srv.evtx", "RDS01", &[("ConnType", "TCP"), ("ClientIP", "10.1.7.17:50123")]);
        // Without the ids, so that the address alone tells.
        let bare = log.into_iter().map(|said| Said { activity: "", ..said });
        all.extend(rows(&bare.collect::<Vec<_>>()));
        all
    };
    assert_eq!(hosts(&report(&trace("10.1.7.17:50123"), &[])), ["RDS01"]);
    assert_eq!(hosts(&report(&trace("10.1.7.17:50124"), &[])).len(), 2);
}

#[test]
fn traces_of_one_run_of_the_system_are_of_one_computer() {
    let mut all = rows(&client("a/client.etl", ""));
    all.extend(rows(&server("a/core.etl", "", &[("ConnType", "TCP"), ("ClientIP", "10.1.7.17:50123")])));
    let boot = "2026-03-01T06:00:00.5Z";
    let same = [facts("a/client.etl", booted(boot)), facts("a/core.etl", booted(boot))];
    let one = report(&[all.clone(), same.to_vec()].concat(), &[]);
    assert_eq!(hosts(&one), ["client.etl (unnamed computer)"]);
    let other = [facts("a/client.etl", booted(boot)), facts("a/core.etl", booted("2026-03-01T06:00:01.5Z"))];
    let two = report(&[all, other.to_vec()].concat(), &[]);
    assert_eq!(hosts(&two), ["client.etl (unnamed computer)", "core.etl (unnamed computer)"]);
}

#[test]
fn a_trace_of_the_client_meets_the_log_of_the_server() {
    let mut all = rows(&client("net.etl", ""));
    all.extend(rows(&server(
        "srv.evtx",
        "rds01.corp.example",
        &[("ConnType", "TCP"), ("ClientIP", "10.1.7.17:50123")],
    )));
    let report = report(&all, &[]);
    assert_eq!((report.summary.attempts, report.attempts[0].basis), (1, Basis::Both));
    assert_eq!(report.attempts[0].server.host.as_deref(), Some("rds01.corp.example"));
}

#[test]
fn rows_in_any_order_over_the_wire_give_the_same_report() {
    let mut channels = std::collections::BTreeMap::new();
    let mut coverage = Coverage::default();
    coverage.record(None, Time::parse("2026-03-04T08:00:00Z").unwrap(), false);
    channels.insert("Some/Operational".into(), coverage);
    let mut all = rows(&client("x/net.etl", ""));
    all.extend(rows(&client("y/net.etl", "")));
    all.extend(rows(&server("srv.evtx", "RDS01", &[("ConnType", "TCP"), ("ClientIP", "10.1.7.17:50123")])));
    let machine = Some(named("PC17"));
    all.push(Row::Input(InputFacts { path: "x/net.etl".into(), machine, channels, ..InputFacts::default() }));
    let whole = serde_json::to_string(&report(&all, &[])).unwrap();
    let sent: Vec<Row> = all.iter().rev().map(|row| read_row(&write_row(row, "0").unwrap(), "0").unwrap()).collect();
    assert_eq!(serde_json::to_string(&report(&sent, &[])).unwrap(), whole);
    let mut halves = findings(&sent[..4]);
    halves.merge(findings(&sent[2..]));
    let merged = correlate(&halves, &signatures(), &Request::default());
    assert_eq!(serde_json::to_string(&merged).unwrap(), whole);
}

/// Rules as for packets: what a capture says of both ends.
const PACKET_RULES: [(&str, u32, &str); 2] =
    [("opens", 4, "kind: marker, mark: open, reaches: tcp"), ("refuses", 22, "kind: fact, stops: x224")];

fn packet_signatures(name: &str) -> Signatures {
    let folder = std::env::temp_dir().join(format!("whyrdp-packets-{name}-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("rules/packet")).unwrap();
    for (slug, id, says) in PACKET_RULES {
        let rule = format!(
            "title: t\nid: 00000000-0000-4000-8000-0000000000{id:02}\nstatus: test\ndescription: d\nauthor: a\ndate: 2026-01-01\n\
             logsource: {{product: windows}}\ndetection:\n  selection: {{Provider_Name: packets-of-a-test, EventID: {id}}}\n  condition: selection\n\
             level: low\nwhyrdp: {{schema: 1, {says}, host: network, join: [time],\n  capture: {{client_ip: Source, client_port: SourcePort, \
             target_ip: Target, target_port: TargetPort}}}}\n"
        );
        std::fs::write(folder.join(format!("rules/packet/packet_test_{slug}.yml")), rule).unwrap();
    }
    let (signatures, problems) = Signatures::open(true, std::slice::from_ref(&folder));
    assert!(problems.is_empty(), "{problems:?}");
    std::fs::remove_dir_all(&folder).unwrap();
    signatures
}

fn packets<'a>(at: i64, port: &'a [(&'a str, &'a str); 4]) -> Vec<Said<'a>> {
    let said = |id, at| Said {
        path: "wire.pcap",
        computer: "",
        provider: "packets-of-a-test",
        id,
        at,
        activity: "",
        fields: port,
    };
    vec![said(4, at), said(22, at + 20)]
}

fn ends(port: &str) -> [(&str, &str); 4] {
    [("Source", "10.1.7.17"), ("SourcePort", port), ("Target", "10.1.2.21"), ("TargetPort", "3389")]
}

#[test]
fn packets_alone_make_an_attempt_and_name_no_computer_as_its_end() {
    let signatures = packet_signatures("alone");
    let fields = ends("50123");
    let all: Vec<Row> = packets(200, &fields).iter().map(|said| row(&signatures, said)).collect();
    let report = correlate(&findings(&all), &signatures, &Request::default());
    let attempt = &report.attempts[0];
    assert_eq!((report.attempts.len(), attempt.basis, attempt.outcome), (1, Basis::Network, Outcome::Failed));
    assert_eq!((&attempt.client.host, attempt.client.ip.as_deref()), (&None, Some("10.1.7.17")));
    assert_eq!((&attempt.server.host, attempt.server.ip.as_deref()), (&None, Some("10.1.2.21")));
}

#[test]
fn packets_belong_to_the_attempt_whose_ends_say_the_same() {
    let signatures = packet_signatures("joined");
    let one = |said: Vec<Said<'_>>| -> Vec<Row> { said.iter().map(|said| row(&signatures, said)).collect() };
    let fields = ends("50123");
    let from = [("ConnType", "TCP"), ("ClientIP", "10.1.7.17:50123")];
    // The server says the port, the client the address that it went to.
    for log in [server("srv.evtx", "RDS01", &from), client("client.evtx", "PC17")] {
        let all = [one(packets(190, &fields)), one(log)].concat();
        let report = correlate(&findings(&all), &signatures, &Request::default());
        assert_eq!(report.attempts.len(), 1, "{:#?}", report.attempts);
        assert_eq!(report.attempts[0].connections.len(), 2);
    }
    // A trace that holds both, and whose client does not tell to which address it went.
    let silent: Vec<Said<'_>> = client("wire.pcap", "").into_iter().filter(|said| said.id != 1102).collect();
    let report =
        correlate(&findings(&[one(packets(190, &fields)), one(silent)].concat()), &signatures, &Request::default());
    assert_eq!((report.attempts.len(), report.attempts[0].basis), (1, Basis::Client));
    // Another port is another connection.
    let other = ends("50124");
    let all = [one(packets(190, &other)), one(server("srv.evtx", "RDS01", &from))].concat();
    assert_eq!(correlate(&findings(&all), &signatures, &Request::default()).attempts.len(), 2);
}

#[test]
fn what_the_network_stack_tells_belongs_to_the_attempt_of_its_process() {
    let stack = |process| {
        [
            ("LocalAddress", "10.1.7.17:50123"),
            ("RemoteAddress", "10.1.2.21:3389"),
            ("Status", "3221226038"),
            ("ProcessId", process),
        ]
    };
    let signatures = signatures();
    let (own, other) = (stack("4242"), stack("4243"));
    let refused = |fields| Said {
        path: "net.etl",
        computer: "",
        provider: "Microsoft-Windows-TCPIP",
        id: 1034,
        at: 500,
        activity: "",
        fields,
    };
    let all = [rows(&client("net.etl", "")), vec![row(&signatures, &refused(&own))]].concat();
    let joined = report(&all, &[]);
    assert_eq!((joined.attempts.len(), joined.attempts[0].events.len()), (1, 4));
    let all = [rows(&client("net.etl", "")), vec![row(&signatures, &refused(&other))]].concat();
    assert_eq!(report(&all, &[]).attempts[0].events.len(), 3);
}
