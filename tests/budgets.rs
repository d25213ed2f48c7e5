//! Inputs made to fill memory or time: each bound of docs/limits.md is met in words, and the rest is still read.
//! Bounds of the scan, of event logs and of YAML have their tests beside them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::Path;

use common::trace::{Logged, Trace, after, schema};
use whyrdp::event::{Damage, Event, Interest, Sink, Stamp};
use whyrdp::evidence::{KEPT_BYTES, NAME_BYTES, Record};
use whyrdp::signature::Signatures;
use whyrdp::signature::read::{files_of, load_text};
use whyrdp::source::{Input, Messages, open};

#[derive(Default)]
struct Told {
    records: usize,
    events: Vec<Event>,
    damage: Vec<Damage>,
}

impl Sink for Told {
    fn record(&mut self, _: &Stamp<'_>) {
        self.records += 1;
    }

    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

impl Told {
    fn said(&self, what: &str) -> bool {
        self.damage.iter().any(|damage| damage.lost && damage.what.contains(what))
    }
}

fn read(bytes: &[u8], format: &'static str) -> Told {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let input = Input { path: file.path().to_owned(), name: "t".into(), format, bytes: bytes.len() as u64 };
    let log = open(&input).unwrap();
    let mut told = Told { damage: log.damage(), ..Told::default() };
    (0..log.blocks()).for_each(|block| log.read(block, &Interest::everything(), &mut told));
    told
}

const PROVIDER: &str = "11111111-2222-3333-4444-555555555555";

fn plain(id: u16) -> Vec<u8> {
    Logged { provider: PROVIDER, id, raw: after(1), ..Logged::default() }.bytes()
}

#[test]
fn a_buffer_that_would_grow_without_end_is_passed_over() {
    let trace = Trace { mode: 0x0400_0001, ..Trace::default() };
    let trace = trace.buffer(&[plain(1)]).buffer(&[plain(2)]).buffer(&[plain(3)]);
    let mut bytes = trace.bytes();
    // The third buffer of the file, of which the first is the header.
    let mut at = 0;
    for _ in 0..2 {
        at += u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    }
    bytes[at + 0x30..at + 0x34].copy_from_slice(&(60u32 << 20).to_le_bytes());
    let told = read(&bytes, "etl");
    assert!(told.said("would grow beyond all bounds"), "{:?}", told.damage);
    let ids: Vec<_> = told.events.iter().map(|event| event.system.event_id).filter(|id| *id > 0).collect();
    assert_eq!(ids, [1, 3]);
}

#[test]
fn a_schema_of_structures_within_structures_ends_somewhere() {
    // A structure of one member, again and again.
    let fields = [b"s\0".as_slice(), &[24 | 0x80, 1]].concat().repeat(400);
    let event = Logged { provider: PROVIDER, id: 9, items: vec![(11, schema("Deep", &fields))], ..Logged::default() };
    let told = read(&Trace::default().buffer(&[event.bytes(), plain(2)]).bytes(), "etl");
    assert!(told.said("do not agree, or go beyond all bounds"), "{:?}", told.damage);
    assert!(told.events.iter().any(|event| event.system.event_id == 2), "what stands behind is read");
}

#[test]
fn an_array_of_very_many_values_ends_somewhere() {
    // 65535 structures without a member each: nothing in the payload pays for them.
    let fields = [b"s\0".as_slice(), &[24 | 0x80 | 0x20, 1], &65535u16.to_le_bytes(), b"v\0", &[1 | 0x40]].concat();
    let items = vec![(11, schema("Wide", &fields))];
    let event = Logged { provider: PROVIDER, id: 9, items, payload: vec![0; 4000], ..Logged::default() };
    let told = read(&Trace::default().buffer(&[event.bytes(), plain(2)]).bytes(), "etl");
    let most = told.events.iter().map(|event| event.fields().count()).max().unwrap();
    assert!(most <= 4096, "{most}");
    assert!(told.events.iter().any(|event| event.system.event_id == 2), "what stands behind is read");
}

#[test]
fn an_event_in_xml_with_more_text_than_any_is_cut() {
    let values = format!("<Data Name='A'>{}</Data>", "x".repeat(10_000)).repeat(90);
    let event = |data: &str| {
        format!(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P'/>\
             <EventID>7</EventID></System><EventData>{data}</EventData></Event>\n"
        )
    };
    let text = format!("<Events>{}{}</Events>", event(&values), event(""));
    let told = read(text.as_bytes(), "event-xml");
    assert_eq!(told.records, 2);
    let text: usize = told.events[0].fields().map(|(name, value)| name.len() + value.len()).sum();
    assert!(text < 300 << 10, "{text}");
    assert!(told.said("more text than an event can hold"), "{:?}", told.damage);
}

#[test]
fn places_of_damage_in_a_text_are_told_up_to_a_number_and_the_rest_counted() {
    let good = "<Event xmlns=\"x\"><System><Provider Name=\"P\"/><EventID>7</EventID></System></Event>";
    let text = format!("<Events>{}{good}</Events>", "<Event xmlns=\"x\"><System/></Event>\n".repeat(200));
    let told = read(text.as_bytes(), "event-xml");
    assert_eq!((told.damage.len(), told.events.len()), (65, 1), "{:?}", told.damage);
    assert!(told.said("136 more places behind are damaged"), "{:?}", told.damage);
}

#[test]
fn what_is_kept_of_a_record_is_cut_and_says_so() {
    let mut event = Event::default();
    event.system.computer = "c".repeat(60_000);
    event.push("A", &"ä".repeat(60_000));
    (0..10_000).for_each(|_| event.push("", ""));
    let kept = Record::of(&event);
    assert!(kept.cut);
    assert_eq!(kept.computer.len(), NAME_BYTES);
    let fields: usize = kept.fields.iter().map(|field| field.0.len() + field.1.len()).sum();
    assert!(fields <= KEPT_BYTES && kept.fields.len() <= KEPT_BYTES, "{fields}");
    let mut event = Event::default();
    event.push("A", "b");
    assert!(!Record::of(&event).cut);
}

#[test]
fn folders_of_signatures_deeper_than_any_are_told_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("d/".repeat(18));
    std::fs::create_dir_all(&deep).unwrap();
    for place in [&deep, folder.path()] {
        std::fs::write(place.join("some_rule_of_mine.yml"), "title: x\n").unwrap();
    }
    let (files, problems) = files_of(folder.path());
    assert_eq!(files.len(), 1);
    assert!(problems.iter().any(|problem| problem.message.contains("more than 16 deep")), "{problems:?}");
}

#[test]
fn a_signature_file_that_unfolds_without_end_stops_at_a_bound_and_the_others_are_read() {
    let bomb: String = (1..20).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        let before = format!("*a{}, ", n - 1).repeat(9);
        format!("{text}a{n}: &a{n} [{}]\n", before.trim_end_matches(", "))
    });
    let files = [
        ("events/bomb.yml".to_owned(), bomb),
        ("codes/status.tsv".to_owned(), "number\tsymbol\tmeaning\tends\n5\tX\tdenied\tunwanted\n".to_owned()),
    ];
    let (definitions, problems) = load_text(&files);
    assert!(
        problems.iter().any(|problem| problem.file == "events/bomb.yml" && problem.message.contains("too large")),
        "{problems:?}"
    );
    assert!(problems.iter().all(|problem| problem.file != "codes/status.tsv"), "{problems:?}");
    assert!(!definitions.codes.is_empty());
}

#[test]
fn a_regular_expression_that_grows_beyond_all_bounds_costs_its_rule_and_no_other() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("signatures/rules");
    let file = |name: &str| (format!("rules/{name}"), std::fs::read_to_string(rules.join(name)).unwrap());
    let (name, text) = file("certificate/security_5058_machine_key_failed.yml");
    let grown = text.replace("(?i)MachineKeys\\\\f686aace", "'(\\w{900}){900}'");
    assert_ne!(grown, text);
    let (definitions, problems) = load_text(&[(name, grown), file("tls-cipher/schannel_36874_no_shared_cipher.yml")]);
    assert_eq!((definitions.rules.len(), problems), (2, Vec::new()));
    let (_, problems) = Signatures::compile(definitions);
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert!(problem.file.ends_with("security_5058_machine_key_failed.yml"), "{problem:?}");
    assert!(problem.message.contains("regular expression"), "{problem:?}");
}

#[test]
fn folders_and_files_of_message_formats_are_read_up_to_a_bound_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let message = "6a1b9b40-1a8e-4a2e-9d6c-3f5c12345678 comp // SRC=a.cpp MJ= MN=\n#typev a_cpp12 10 \"hello\" // LEVEL=x\n{\n}\n";
    let mut large = message.as_bytes().to_vec();
    large.resize(33 << 20, b'\n');
    std::fs::write(folder.path().join("00000.tmf"), large).unwrap();
    for n in 1..=20_000 {
        std::fs::write(folder.path().join(format!("{n:05}.tmf")), "").unwrap();
    }
    let (messages, problems) = Messages::read(folder.path()).unwrap();
    assert_eq!(messages.len(), 1);
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for what in ["only the first 20000 files are read", "00000.tmf: only the first 33554432 bytes are read"] {
        assert!(told.len() == 2 && told.iter().any(|told| told.contains(what)), "{what}: {told:?}");
    }
}

#[test]
fn a_packet_of_an_impossible_size_ends_its_capture_and_what_stands_before_it_is_read() {
    let packet =
        |size: usize| [&[0; 8][..], &[u32::try_from(size).unwrap().to_le_bytes(); 2].concat(), &vec![0; size]].concat();
    let head = [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, u32::MAX, 1].map(u32::to_le_bytes).concat();
    let sound = read(&[&head[..], &packet(60), &packet(60)].concat(), "pcap");
    assert!(sound.damage.is_empty(), "{:?}", sound.damage);
    let told = read(&[&head[..], &packet(60), &packet(17 << 20), &packet(60)].concat(), "pcap");
    assert!(told.said("a packet of an impossible size"), "{:?}", told.damage);
    assert_eq!((told.records, sound.records), (1, 2));
}
