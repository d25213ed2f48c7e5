//! Traces as no sample at hand is: what sessions, relogging and copying may make of a file. What an inventory counts
//! must be what was written.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation)]

#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeMap;

use common::trace::Collected;
use whyrdp::event::{Interest, Time};
use whyrdp::evidence::{InputFacts, Problem, Row};
use whyrdp::report::model::ProviderReport;
use whyrdp::signature::Signatures;
use whyrdp::source::{self, Input};
use whyrdp_corpus::etl::{self, Clock, Compression, Event, Record, Session, What};
use whyrdp_corpus::evtx::Guid;

const CLIENT: &str = "28AA95BB-D444-4719-A36F-40462168127E";
const OWN: &str = "A1B2C3D4-0000-4000-8000-000000000001";
const TWIN: &str = "A1B2C3D4-0000-4000-8000-000000000002";
/// Two classes of one provider (`Active Directory: NetLogon`), and one that nobody knows.
const CLASSES: [&str; 3] = [
    "393DA8C0-DBED-11D2-895B-00C04F79AB69",
    "63DBB180-DBED-11D2-895B-00C04F79AB69",
    "9B79EE91-B5FD-41C0-A243-4248E266E9D0",
];
/// 2026-03-04T08:00:00Z
const START: u64 = 134_170_560_000_000_000;

fn guid(text: &str) -> Guid {
    Guid::parse(text).unwrap()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn record(milliseconds: u64, what: What) -> Record {
    Record { ticks: START + milliseconds * 10_000, process: 4242, thread: 77, wide: true, what }
}

fn disconnect(milliseconds: u64, code: u32) -> Record {
    let payload = [wide("Disconnect Reason"), code.to_le_bytes().to_vec(), wide("Info")].concat();
    record(
        milliseconds,
        What::Event(Event { provider: Some(guid(CLIENT)), id: 1026, level: 4, payload, ..Event::default() }),
    )
}

fn many() -> Vec<Record> {
    (0..600).map(|n| disconnect(n * 10, 2000 + n as u32)).collect()
}

/// What an inventory tells of these bytes.
struct Told {
    facts: InputFacts,
    problems: Vec<Problem>,
    /// Numbers of disconnections that were read, in order.
    codes: Vec<u32>,
}

fn told(name: &str, bytes: &[u8]) -> Told {
    let path = std::env::temp_dir().join(format!("whyrdp-strange-{name}-{}.etl", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    let found = source::discover(std::slice::from_ref(&path));
    let signatures = Signatures::open(true, &[]).0;
    let (mut facts, mut problems, mut codes) = (None, Vec::new(), Vec::new());
    let options = whyrdp::scan::Options { threads: 2, ..Default::default() };
    let done = whyrdp::scan::scan::<()>(&found.inputs, &signatures, &options, &mut |row| {
        match row {
            Row::Input(input) => facts = Some(input),
            Row::Problem(problem) => problems.push(problem),
            Row::Evidence(evidence) => {
                codes.extend(evidence.record.field("Value").and_then(|code| code.parse::<u32>().ok()))
            }
            Row::Coverage { .. } => {}
        }
        Ok(())
    });
    std::fs::remove_file(&path).unwrap();
    assert!(done.is_ok());
    codes.sort_unstable();
    Told { facts: facts.unwrap_or_else(|| panic!("{name}: not taken for a trace")), problems, codes }
}

impl Told {
    fn losses(&self) -> Vec<&str> {
        self.problems.iter().filter(|problem| problem.lost).map(|problem| &*problem.what).collect()
    }

    fn events(&self) -> u64 {
        self.facts.record_kinds.get("EVENT64").copied().unwrap_or(0)
    }
}

fn time(ticks: u64) -> Option<Time> {
    Some(Time::from_filetime(ticks))
}

#[test]
fn every_form_of_compression_holds_the_same() {
    for compression in [Compression::Lznt1, Compression::Xpress, Compression::XpressHuffman] {
        // Buffers of a megabyte are several blocks of Huffman codes.
        for buffer in [0x1000, 0x1_0000, 0x10_0000] {
            let session = Session { compressed: true, compression, buffer, ..Session::starting(START) };
            let records: Vec<Record> = (0..9000).map(|n| disconnect(n, 2000 + n as u32 % 5000)).collect();
            let told = told("forms", &etl::write(&session, &records).unwrap());
            assert_eq!(told.losses(), [""; 0], "{compression:?} {buffer:#x}");
            assert_eq!(told.events(), 9000, "{compression:?} {buffer:#x}");
            assert_eq!((told.facts.first, told.facts.last), (time(START), time(START + 8999 * 10_000)));
        }
    }
}

#[test]
fn one_odd_buffer_in_the_middle_does_not_hide_what_follows() {
    // Put together of three sessions: only the middle one had larger buffers.
    let records = many();
    let part = |buffer: usize, records: &[Record]| {
        etl::write(&Session { buffer, ..Session::starting(START) }, records).unwrap()
    };
    let mut bytes = part(0x1000, &records[..280]);
    bytes.extend(&part(0x4000, &records[280..320])[0x4000..]);
    bytes.extend(&part(0x1000, &records[320..])[0x1000..]);
    let told = told("odd", &bytes);
    assert_eq!(told.losses(), [""; 0]);
    assert_eq!(told.codes, (2000..2600).collect::<Vec<_>>());
}

#[test]
fn a_damaged_header_costs_its_buffer_and_is_told() {
    for compressed in [false, true] {
        let session = Session { compressed, buffer: 0x1000, ..Session::starting(START) };
        let mut bytes = etl::write(&session, &many()).unwrap();
        let mut places = vec![0];
        while let Some(size) = bytes.get(*places.last().unwrap()..).and_then(|rest| rest.first_chunk()) {
            places.push(places.last().unwrap() + u32::from_le_bytes(*size) as usize);
        }
        let victim = places[places.len() / 2];
        for (name, damage) in
            [("zero", [0; 4]), ("wild", [0xFF; 4]), ("small", [0x10, 0, 0, 0]), ("other", [0, 0x24, 0, 0])]
        {
            bytes[victim..victim + 4].copy_from_slice(&damage);
            let told = told(name, &bytes);
            assert!(told.events() > 500, "{compressed} {name}: {} {:?}", told.events(), told.losses());
            // A size that may be is not seen to be wrong where all the others agree on theirs.
            assert!(told.events() == 600 || !told.losses().is_empty(), "{compressed} {name}: lost in silence");
            assert!(told.codes.contains(&2599), "{compressed} {name}: what follows is lost");
        }
    }
}

#[test]
fn empty_buffers_and_room_that_was_reserved_hold_nothing() {
    let session = Session { buffer: 0x1000, ..Session::starting(START) };
    let bytes = etl::write(&session, &many()).unwrap();
    let mut turned = Vec::new();
    for (at, buffer) in bytes.chunks(0x1000).enumerate() {
        turned.extend(buffer);
        if at == 3 {
            // One that was flushed without a record, one that was never filled, one that says nothing of its end.
            for end in [0x48_u32, 0, 0x10] {
                let mut empty = buffer[..0x48].to_vec();
                empty[0x30..0x34].copy_from_slice(&end.to_le_bytes());
                empty.resize(0x1000, 0xFF);
                turned.extend(empty);
            }
            turned.extend(vec![0; 0x3000]);
        }
    }
    let told = told("empty", &turned);
    assert_eq!(told.losses(), [""; 0]);
    assert_eq!((told.facts.records, told.codes.len()), (601, 600));
}

#[test]
fn an_end_of_data_beyond_the_buffer_is_the_end_of_the_buffer() {
    let session = Session { buffer: 0x1000, ..Session::starting(START) };
    let mut bytes = etl::write(&session, &many()).unwrap();
    for end in [0x1001_u32, 0x10_0000, u32::MAX] {
        bytes[0x1030..0x1034].copy_from_slice(&end.to_le_bytes());
        let told = told("end", &bytes);
        assert_eq!((told.losses(), told.codes.len()), (vec![], 600), "{end:#x}");
    }
}

#[test]
fn every_cut_gives_the_buffers_before_it() {
    for compressed in [false, true] {
        let session = Session { compressed, buffer: 0x1000, processors: 1, ..Session::starting(START) };
        let bytes = etl::write(&session, &many()).unwrap();
        let mut before = 0;
        for cut in (0x1000..bytes.len()).step_by(509) {
            let told = told("cut", &bytes[..cut]);
            assert!(told.events() >= before && told.events() <= 600, "{compressed} {cut}");
            before = told.events();
            // Whoever loses records is told so; what fills a buffer up is none.
            if told.losses().is_empty() && cut > 0x1000 {
                let whole = self::told("whole", &bytes[..cut.next_multiple_of(0x1000)]);
                assert!(!compressed && whole.events() == before, "{compressed} {cut}: cut in silence");
            }
        }
        assert!(before > 500, "{compressed}: {before}");
    }
}

#[test]
fn clocks_of_every_kind_tell_the_same_times() {
    let clocks = [Clock::Counter(10_000_000), Clock::Counter(1_818_300), Clock::System, Clock::Cycles(3408)];
    for clock in clocks {
        for mode in [0, 0x100, 0x400, 0x800, 0x1_0000, 0x2_0000, 0x0200_0000, 0x0800_0000, 0x1000_0000] {
            let session = Session { clock, mode, ..Session::starting(START) };
            let told = told("clocks", &etl::write(&session, &many()).unwrap());
            let [first, last] = [told.facts.first, told.facts.last].map(|time| time.unwrap().ticks() as u64);
            assert!(first.abs_diff(START) <= 6 && last.abs_diff(START + 5990 * 10_000) <= 6, "{clock:?} {mode:#x}");
            assert_eq!((told.facts.records, told.losses()), (601, vec![]));
        }
    }
}

/// Overwrites a number in the header of the session, by its offset in the 64-bit form.
fn header(bytes: &mut [u8], at: usize, value: &[u8]) {
    let at = 0x48 + 0x20 + at;
    bytes[at..at + value.len()].copy_from_slice(value);
}

#[test]
fn a_header_without_a_clock_is_told_and_the_records_are_counted() {
    let bytes = etl::write(&Session::starting(START), &many()).unwrap();
    let mut frequency = bytes.clone();
    header(&mut frequency, 0x100, &[0; 8]);
    let told_frequency = told("frequency", &frequency);
    // As if it were 10 MHz, which it is.
    assert_eq!(told_frequency.facts.first, time(START));
    assert!(told_frequency.problems.iter().any(|problem| problem.what.contains("frequency")));
    let mut start = bytes.clone();
    header(&mut start, 0x108, &[0; 8]);
    let told_start = told("start", &start);
    assert_eq!((told_start.facts.records, told_start.facts.first), (601, None));
    assert!(told_start.losses().iter().any(|what| what.contains("start")), "{:?}", told_start.losses());
    // A counter is not needed where records tell times themselves.
    let mut system = etl::write(&Session { clock: Clock::System, ..Session::starting(START) }, &many()).unwrap();
    header(&mut system, 0x100, &[0; 8]);
    header(&mut system, 0x108, &[0; 8]);
    let told_system = told("system", &system);
    assert_eq!((told_system.facts.first, told_system.losses()), (time(START), vec![]));
}

#[test]
fn a_version_of_the_first_record_does_not_matter() {
    let mut bytes = etl::write(&Session::starting(START), &many()).unwrap();
    for version in [0, 1, 3] {
        bytes[0x48] = version;
        assert_eq!(told("version", &bytes).facts.records, 601);
    }
}

#[test]
fn records_before_the_session_and_records_without_a_time_are_counted() {
    let early = Record { ticks: START - 60 * 10_000_000, ..disconnect(0, 0xABC_DEF7) };
    let records = [vec![early], many()].concat();
    let bytes = etl::write(&Session::starting(START), &records).unwrap();
    let told_early = told("early", &bytes);
    assert_eq!((told_early.facts.records, told_early.facts.first), (602, time(START - 600_000_000)));
    // The same with a raw time of 0, as where a session writes down what runs.
    let mut blank = bytes;
    let place = blank.windows(4).position(|window| window == 0xABC_DEF7_u32.to_le_bytes()).unwrap();
    let start = (0..place).rev().find(|at| blank[*at + 2..*at + 4] == [0x13, 0xC0]).unwrap();
    blank[start + 0x10..start + 0x18].fill(0);
    let told_blank = told("blank", &blank);
    assert_eq!((told_blank.facts.records, told_blank.facts.first), (602, time(START)));
}

#[test]
fn providers_are_counted_by_their_guids_whatever_their_names() {
    let named = |guid: &str, traits: bool, n: u64| {
        let mut items = vec![(etl::SCHEMA, etl::schema("Failed", &[]))];
        if traits {
            items.push((etl::TRAITS, etl::traits("Contoso.Client")));
        }
        let provider = Some(Guid::parse(guid).unwrap());
        record(n, What::Event(Event { provider, channel: 11, items, ..Event::default() }))
    };
    let plain = |guid: &str, n: u64| {
        let provider = Some(Guid::parse(guid).unwrap());
        record(n, What::Event(Event { provider, id: 5, payload: vec![0; 700], ..Event::default() }))
    };
    let mut records = Vec::new();
    for n in 0..300 {
        // Two providers of one name, one of which says it rarely; classes of one provider.
        records.push(named(OWN, n % 100 == 50, n));
        records.push(named(TWIN, true, n));
        records.push(plain(OWN, n));
        let class = guid(CLASSES[n as usize % 3]);
        records.push(record(n, What::Classic(class, 1, 0, vec![1; 600])));
        records.push(record(n, What::Instance(class, 1, 1, 2, vec![1; 8])));
    }
    for compressed in [false, true] {
        let session = Session { compressed, buffer: 0x1000, ..Session::starting(START) };
        let told = told("providers", &etl::write(&session, &records).unwrap());
        let providers: Vec<ProviderReport> = told.facts.providers.iter().map(ProviderReport::from).collect();
        let mut found: BTreeMap<String, (String, u64)> = BTreeMap::new();
        for provider in providers {
            let guid = provider.guid.unwrap();
            assert_eq!(found.insert(guid.clone(), (provider.name, provider.records)), None, "{guid} twice");
        }
        let expected = [
            (CLASSES[0], "Active Directory: NetLogon", 200),
            (CLASSES[1], "Active Directory: NetLogon", 200),
            (CLASSES[2], "{9b79ee91-b5fd-41c0-a243-4248e266e9d0}", 200),
            (OWN, "Contoso.Client", 600),
            (TWIN, "Contoso.Client", 300),
        ];
        let expected = expected.map(|(guid, name, records)| (guid.to_owned(), (name.to_owned(), records)));
        assert_eq!(found, BTreeMap::from(expected));
        assert_eq!((told.facts.record_kinds["FULL64"], told.facts.record_kinds["INSTANCE64"]), (300, 300));
    }
}

/// Providers of one file whose names are remembered for their other records: docs/limits.md.
const NAMED: u32 = 65_536;

#[test]
fn names_that_records_bring_along_are_remembered_up_to_a_bound() {
    let event = |provider: u32, items: Vec<(u16, Vec<u8>)>| {
        let provider = Some(guid(&format!("A1B2C3D4-0000-4000-8000-0001{provider:08X}")));
        record(0, What::Event(Event { provider, channel: 11, items, ..Event::default() }))
    };
    // Each says its name once, and writes another record before.
    let met = [0, NAMED - 1, NAMED, NAMED + 8];
    let mut records: Vec<Record> =
        met.iter().map(|n| event(*n, vec![(etl::SCHEMA, etl::schema("Failed", &[]))])).collect();
    records.extend((0..NAMED + 9).map(|n| event(n, vec![(etl::TRAITS, etl::traits(&format!("Contoso.{n}")))])));
    let file = tempfile::NamedTempFile::with_suffix(".etl").unwrap();
    let session = Session { processors: 1, ..Session::starting(START) };
    std::fs::write(file.path(), etl::write(&session, &records).unwrap()).unwrap();
    let bytes = file.as_file().metadata().unwrap().len();
    let input = Input { path: file.path().to_owned(), name: "many".to_owned(), format: "etl", bytes };
    let log = source::open(&input).unwrap();
    let mut told = Collected::default();
    (0..log.blocks()).for_each(|block| log.read(block, &Interest::everything(), &mut told));
    let called: Vec<&str> = told.events.iter().map(|event| event.system.provider.as_str()).collect();
    let expected = [
        "Contoso.0".to_owned(),
        format!("Contoso.{}", NAMED - 1),
        format!("{{a1b2c3d4-0000-4000-8000-0001{NAMED:08x}}}"),
        format!("{{a1b2c3d4-0000-4000-8000-0001{:08x}}}", NAMED + 8),
    ];
    assert_eq!(called[..4], expected);
    // Whoever says its name itself is called so all the same.
    assert_eq!(called.last().unwrap(), &format!("Contoso.{}", NAMED + 8));
    assert_eq!((called.len(), told.damage), (records.len(), vec![]));
}

#[test]
fn extended_items_of_every_kind_and_size_are_skipped() {
    let items = vec![
        (1, vec![7; 16]),
        (2, [vec![1, 5, 0, 0, 0, 0, 0, 5], vec![1; 20]].concat()),
        (3, vec![2, 0, 0, 0]),
        (4, vec![3; 24]),
        (6, vec![4; 8 + 8 * 192]),
        (0xA, vec![5; 8]),
        (0xD, vec![6; 8]),
        (0x12, vec![6; 16]),
        (0x7FFF, vec![9; 30_000]),
    ];
    let payload = [wide("Disconnect Reason"), 2308_u32.to_le_bytes().to_vec(), wide("Info")].concat();
    let event = Event { provider: Some(guid(CLIENT)), id: 1026, level: 4, items, payload, ..Event::default() };
    let records = [many(), vec![record(9000, What::Event(event))]].concat();
    let told = told("items", &etl::write(&Session { buffer: 0x1_0000, ..Session::starting(START) }, &records).unwrap());
    assert_eq!((told.losses(), told.facts.records), (vec![], 602));
    assert_eq!(told.codes.iter().filter(|code| **code == 2308).count(), 2);
}

#[test]
fn the_kernels_records_of_any_shape_are_stepped_over() {
    // Counters of the processor before the payload, by flags of the marker.
    let mut bytes = etl::write(
        &Session { buffer: 0x1000, processors: 1, ..Session::starting(START) },
        &(0..40).map(|n| record(n, What::Perf(0x0F00, vec![n as u8; 40]))).collect::<Vec<_>>(),
    )
    .unwrap();
    let mut at = 0x1048;
    for n in 0..40_u8 {
        bytes[at + 1] = [0, 1, 3, 0x80][usize::from(n) % 4];
        at += 56;
    }
    let told = told("perf", &bytes);
    assert_eq!((told.losses(), told.facts.record_kinds["PERF64"]), (vec![], 40));
}
