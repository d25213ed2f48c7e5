//! The files are read by other people's readers: the crate `evtx`, and libevtx where installed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use evtx::EvtxParser;
use serde_json::Value as Json;
use std::process::Command;
use whyrdp_corpus::evtx::{Guid, Layout, Options, Payload, Provider, Record, Sid, Value, write};

const TICKS: u64 = 133_500_000_000_000_000;

fn text(text: &str) -> Value {
    Value::Str { text: text.into(), nul: true }
}

fn record(id: u64, payload: Payload) -> Record {
    Record {
        record_id: id,
        collector_id: Some(id + 900),
        received: 0,
        happened: 0,
        ticks: TICKS + id * 10_000_000,
        provider: Provider {
            name: "Some-Provider".into(),
            guid: Some(Guid::parse("1139C61B-B549-4251-8ED3-27250A1EDEC8").unwrap()),
            source_name: None,
        },
        layout: Layout::Manifest,
        event_id: 131,
        qualifiers: None,
        version: 2,
        level: 4,
        task: 5,
        opcode: 15,
        keywords: 0x4000_0000_0000_0000,
        activity: Some(Guid::parse("F4209C33-F1F2-4FBF-91ED-8699B5430000").unwrap()),
        related: None,
        process: 1148,
        thread: 1152,
        channel: "Some-Provider/Operational".into(),
        computer: "PC17.corp.example".into(),
        user: Some(Sid::parse("S-1-5-20").unwrap()),
        traced: true,
        payload,
    }
}

fn all_types() -> Payload {
    let fields = [
        ("Text", text("ä\\b \"c\" <&>")),
        ("Empty", text("")),
        ("U8", Value::U8(7)),
        ("U16", Value::U16(65_535)),
        ("U32", Value::U32(2308)),
        ("I32", Value::I32(-3)),
        ("U64", Value::U64(1 << 40)),
        ("Double", Value::F64(1.5)),
        ("Bool", Value::Bool(true)),
        ("Hex32", Value::Hex32(0x8009_030d)),
        ("Hex64", Value::Hex64(0x3e7)),
        ("Pointer", Value::Pointer(0x2740)),
        ("Binary", Value::Binary(vec![0x32, 0, 0x0a, 0xd0])),
        ("Guid", Value::Guid(Guid::parse("5828227C-20CF-4408-B73F-73AB70B8849F").unwrap())),
        ("Sid", Value::Sid(Sid::parse("S-1-5-21-1-2-3-500").unwrap())),
        ("Time", Value::FileTime(TICKS)),
        ("With Blank", Value::U32(1)),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Payload::Named { fields, binary: None }
}

fn classic(id: u64, guid: bool) -> Record {
    let mut record = record(
        id,
        Payload::List { strings: vec!["first".into(), String::new(), "third\r\n".into()], binary: vec![0xAB, 0xCD] },
    );
    record.layout = Layout::Classic;
    record.traced = false;
    record.activity = None;
    record.user = None;
    record.qualifiers = Some(49_152);
    record.event_id = 1058;
    record.channel = "System".into();
    record.provider.source_name = guid.then(|| "TermService".into());
    if !guid {
        record.provider.guid = None;
    }
    record
}

fn read(bytes: Vec<u8>) -> Vec<(u64, Json)> {
    let mut parser = EvtxParser::from_buffer(bytes).unwrap();
    parser.records_json_value().map(|r| r.map(|r| (r.event_record_id, r.data)).unwrap()).collect()
}

#[test]
fn every_type_is_read_back() {
    let bytes = write(&[record(1, all_types())], Options::default()).unwrap();
    let (id, event) = read(bytes).remove(0);
    assert_eq!(id, 1);
    let system = &event["Event"]["System"];
    assert_eq!(system["EventID"], 131);
    assert_eq!(system["Computer"], "PC17.corp.example");
    assert_eq!(system["Provider"]["#attributes"]["Name"], "Some-Provider");
    assert_eq!(system["Security"]["#attributes"]["UserID"], "S-1-5-20");
    assert_eq!(system["Correlation"]["#attributes"]["ActivityID"], "{f4209c33-f1f2-4fbf-91ed-8699b5430000}");
    let data = &event["Event"]["EventData"];
    assert_eq!(data["Text"], "ä\\b \"c\" <&>");
    assert_eq!(data["U8"], 7);
    assert_eq!(data["U16"], 65_535);
    assert_eq!(data["U32"], 2308);
    assert_eq!(data["I32"], -3);
    assert_eq!(data["U64"], 1_u64 << 40);
    assert_eq!(data["Bool"], true);
    assert_eq!(data["Hex32"], "0x8009030d");
    assert_eq!(data["Hex64"], "0x3e7");
    assert_eq!(data["Binary"], "32000AD0");
    assert_eq!(data["Guid"], "{5828227c-20cf-4408-b73f-73ab70b8849f}");
    assert_eq!(data["Sid"], "S-1-5-21-1-2-3-500");
    assert_eq!(data["With Blank"], 1);
}

#[test]
fn classic_events_keep_all_strings_and_the_binary() {
    for guid in [true, false] {
        let bytes = write(&[classic(5, guid)], Options::default()).unwrap();
        let (id, event) = read(bytes).remove(0);
        assert_eq!(id, 5);
        let system = &event["Event"]["System"];
        assert_eq!(system["EventID"]["#attributes"]["Qualifiers"], 49_152);
        assert_eq!(system["EventID"]["#text"], 1058);
        assert_eq!(system.get("Version").is_some(), guid);
        let data = event["Event"]["EventData"].to_string();
        for part in ["first", "third", "ABCD"] {
            assert!(data.contains(part), "{part} in {data}");
        }
    }
}

#[test]
fn user_data_keeps_its_element_and_empty_fields() {
    let fields = [("Param1", "anna"), ("Param2", ""), ("Param3", "10.1.7.17")];
    let payload = Payload::User {
        element: "EventXML".into(),
        namespace: "Event_NS".into(),
        fields: fields.map(|(n, t)| (n.to_owned(), text(t))).to_vec(),
    };
    let bytes = write(&[record(1, payload)], Options::default()).unwrap();
    let (_, event) = read(bytes).remove(0);
    let xml = &event["Event"]["UserData"]["EventXML"];
    assert_eq!(xml["#attributes"]["xmlns"], "Event_NS");
    assert_eq!(xml["Param1"], "anna");
    assert_eq!(xml["Param3"], "10.1.7.17");
}

#[test]
fn forwarded_records_hold_no_template_and_only_text() {
    let forwarded = Options { forwarded: true, ..Options::default() };
    let bytes = write(&[record(77, all_types()), classic(78, true)], forwarded).unwrap();
    let marker = [0x0f, 1, 1, 0, 0x0c];
    assert!(!bytes.windows(5).any(|w| w == marker), "a template instance");
    let events = read(bytes);
    // The record's own header holds the collector's id.
    assert_eq!(events[0].0, 977);
    let system = &events[0].1["Event"]["System"];
    assert_eq!(system["EventRecordID"], "77");
    assert_eq!(system["EventID"], "131");
    let data = &events[0].1["Event"]["EventData"];
    assert_eq!(data["Hex32"], "0x8009030d");
    assert!(events[1].1.to_string().contains("RenderingInfo"));
}

#[test]
fn an_empty_log_is_a_log() {
    let bytes = write(&[], Options::default()).unwrap();
    assert_eq!(bytes.len(), 4096 + 65_536);
    assert!(read(bytes).is_empty());
}

#[test]
fn long_logs_fill_chunk_after_chunk_and_may_wrap_around() {
    let records: Vec<Record> = (40_000..41_500)
        .map(|id| if id % 3 == 0 { classic(id, id % 2 == 0) } else { record(id, all_types()) })
        .collect();
    let plain = write(&records, Options::default()).unwrap();
    assert!(plain.len() > 4096 + 3 * 65_536);
    let ids: Vec<u64> = read(plain.clone()).iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, (40_000..41_500).collect::<Vec<_>>());
    assert_eq!(plain, write(&records, Options::default()).unwrap());
    let rotated = Options { rotated: true, ..Options::default() };
    let turned = write(&records, rotated).unwrap();
    let first_id = |bytes: &[u8]| u64::from_le_bytes(bytes[4096 + 24..4096 + 32].try_into().unwrap());
    assert_eq!(first_id(&plain), 40_000);
    assert!(first_id(&turned) > 41_000);
    let mut ids: Vec<u64> = read(turned).iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (40_000..41_500).collect::<Vec<_>>());
}

#[test]
fn libevtx_lists_all_records_with_their_values() {
    let program = "/usr/bin/evtxexport";
    if !std::path::Path::new(program).exists() {
        eprintln!("skipped: {program} is not installed (package libevtx-utils)");
        return;
    }
    let mut records: Vec<Record> = (100..400).map(|id| record(id, all_types())).collect();
    records.extend((400..500).map(|id| classic(id, id % 2 == 0)));
    // Forwarded records are not tried: libevtx refuses literal attributes outside of templates,
    // in real collectors' logs too.
    let name = format!("whyrdp-corpus-{}.evtx", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, write(&records, Options::default()).unwrap()).unwrap();
    let output = Command::new(program).args(["-f", "xml"]).arg(&path).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    let xml = String::from_utf8_lossy(&output.stdout);
    for record in &records {
        let id = format!("<EventRecordID>{}</EventRecordID>", record.record_id);
        assert!(xml.contains(&id), "{id} is missing");
    }
    for part in [
        "<Data Name=\"Hex32\">0x8009030d</Data>",
        "<Data Name=\"U32\">2308</Data>",
        "<Data Name=\"Sid\">S-1-5-21-1-2-3-500</Data>",
        "<Computer>PC17.corp.example</Computer>",
        "<Data>first</Data>",
        "<Binary>ABCD</Binary>",
    ] {
        assert!(xml.contains(part), "{part} is missing");
    }
}
