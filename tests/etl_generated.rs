//! What the corpus writer writes into traces, the reader reads back, whatever the options; and whatever
//! becomes of the bytes, it ends in words.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation)]

#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::trace::Collected;
use proptest::prelude::*;
use whyrdp::event::{Interest, Lost, Time};
use whyrdp::source::{self, Input};
use whyrdp_corpus::etl::{self, Clock, Compression, Event, Record, Session, What};
use whyrdp_corpus::evtx::Guid;

const CLIENT: &str = "28AA95BB-D444-4719-A36F-40462168127E";
const OWN: &str = "A1B2C3D4-0000-4000-8000-000000000001";
const CORE_CLASS: &str = "9B79EE91-B5FD-41C0-A243-4248E266E9D0";

fn ticks(text: &str) -> u64 {
    Time::parse(text).unwrap().ticks() as u64
}

fn start() -> u64 {
    ticks("2026-03-04T08:00:00Z")
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn record(milliseconds: u64, wide: bool, what: What) -> Record {
    Record { ticks: start() + milliseconds * 10_000, process: 4242, thread: 77, wide, what }
}

fn disconnect(milliseconds: u64, wide_writer: bool, code: u32) -> Record {
    let payload = [wide("Disconnect Reason"), code.to_le_bytes().to_vec(), wide("Info")].concat();
    let event = Event {
        provider: Some(Guid::parse(CLIENT).unwrap()),
        id: 1026,
        level: 4,
        activity: Some(Guid::parse("11112222-3333-4444-5555-666677770000").unwrap()),
        payload,
        ..Event::default()
    };
    record(milliseconds, wide_writer, What::Event(event))
}

fn described(milliseconds: u64) -> Record {
    let fields = [("Module".to_owned(), 1, 0), ("ErrorCode".to_owned(), 7, 15), ("Address".to_owned(), 8, 8)];
    let items = vec![(etl::SCHEMA, etl::schema("RunFailure", &fields)), (etl::TRAITS, etl::traits("Contoso.Client"))];
    let payload = [wide("msrdc.exe"), (-2_147_024_894_i32).to_le_bytes().to_vec(), vec![10, 1, 2, 21]].concat();
    let event = Event { provider: Some(Guid::parse(OWN).unwrap()), channel: 11, items, payload, ..Event::default() };
    record(milliseconds, true, What::Event(event))
}

/// One record of each kind of header, and many events.
fn every_kind(narrow: bool) -> Vec<Record> {
    let class = Guid::parse(CORE_CLASS).unwrap();
    let mut all: Vec<Record> = (0..400).map(|n| disconnect(100 + n * 7, !narrow, 2000 + n as u32)).collect();
    all.push(described(5));
    all.push(record(6, !narrow, What::Message(class, 12, wide("CClientProxyTransport"))));
    all.push(record(7, !narrow, What::Classic(class, 5, 2, vec![1, 2, 3])));
    all.push(record(8, !narrow, What::Instance(class, 5, 1, 2, vec![1, 2, 3])));
    all.push(record(9, !narrow, What::System(0x0300, vec![1; 20])));
    all.push(record(10, !narrow, What::Compact(0x0524, vec![1; 9])));
    all.push(record(11, !narrow, What::Perf(0x0F2E, vec![1; 16])));
    all.push(record(12, !narrow, What::Error));
    all
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("whyrdp-generated-{name}-{}.etl", std::process::id()))
}

fn read(name: &str, bytes: &[u8]) -> Option<(Collected, Lost)> {
    let path = path(name);
    std::fs::write(&path, bytes).unwrap();
    let input = Input { path: path.clone(), name: name.into(), format: "etl", bytes: bytes.len() as u64 };
    let log = source::open(&input).ok()?;
    let mut found = Collected::default();
    (0..log.blocks()).for_each(|block| log.read(block, &Interest::everything(), &mut found));
    found.damage.extend(log.damage());
    let lost = log.lost();
    std::fs::remove_file(&path).unwrap();
    Some((found, lost))
}

fn codes(found: &Collected) -> Vec<u32> {
    let own = found.events.iter().filter(|event| event.system.event_id == 1026);
    let mut codes: Vec<u32> = own.map(|event| event.field("Value").unwrap().parse().unwrap()).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn every_combination_of_options_is_read_back() {
    let clocks = [Clock::Counter(10_000_000), Clock::Counter(3_579_545), Clock::System, Clock::Cycles(2592)];
    let mut tried = 0;
    for narrow in [false, true] {
        for clock in clocks {
            for compressed in [false, true] {
                for circular in [false, true] {
                    for (buffer, processors, build) in [(0x1000, 1, 7601), (0x4000, 4, 19045), (0x10000, 16, 26100)] {
                        let session = Session {
                            wide: !narrow,
                            clock,
                            compressed,
                            circular,
                            buffer,
                            processors,
                            build,
                            lost_events: 3,
                            lost_buffers: 4,
                            ..Session::starting(start())
                        };
                        one(&session, narrow);
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 96);
}

fn one(session: &Session, narrow: bool) {
    let bytes = etl::write(session, &every_kind(narrow)).unwrap();
    let (found, lost) = read("options", &bytes).unwrap_or_else(|| panic!("not opened: {session:?}"));
    let heavy: Vec<_> = found.damage.iter().filter(|damage| damage.lost).collect();
    assert!(heavy.is_empty(), "{session:?}: {heavy:?}");
    assert_eq!(lost, Lost { events: 3, buffers: 4 });
    let bits = if narrow { "32" } else { "64" };
    let kind = |name: &str| found.kinds.get(&format!("{name}{bits}") as &str).copied().unwrap_or(0);
    let other = u64::from(narrow);
    // The TraceLogging event is of a 64-bit process, in a log of either.
    assert_eq!(kind("EVENT"), 401 - other, "{session:?}: {:?}", found.kinds);
    assert_eq!(found.kinds.get("EVENT64").copied().unwrap_or(0), if narrow { 1 } else { 401 });
    assert_eq!([kind("SYSTEM"), kind("COMPACT"), kind("PERF"), kind("FULL"), kind("INSTANCE")], [2, 1, 1, 1, 1]);
    assert_eq!((found.kinds["WPP"], found.kinds["ERROR"]), (1, 1));
    assert_eq!(codes(&found), (2000..2400).collect::<Vec<_>>());
    let times: BTreeMap<u32, i64> = found
        .events
        .iter()
        .filter(|event| event.system.event_id == 1026)
        .map(|event| (event.field("Value").unwrap().parse().unwrap(), event.system.time.unwrap().ticks()))
        .collect();
    for (code, time) in times {
        let wanted = (start() + (100 + u64::from(code - 2000) * 7) * 10_000) as i64;
        // A coarse counter cannot tell more.
        assert!((time - wanted).abs() <= 3, "{session:?}: {code} {time} {wanted}");
    }
    let own = found.events.iter().find(|event| event.system.provider == "Contoso.Client").unwrap();
    let fields: Vec<_> = own.fields().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["EventName=RunFailure", "Module=msrdc.exe", "ErrorCode=0x80070002", "Address=10.1.2.21"]);
    let message = found.events.iter().find(|event| event.fields().any(|(_, value)| value == "CClientProxyTransport"));
    assert_eq!(message.unwrap().system.thread_id, Some(77));
}

#[test]
fn a_session_that_was_not_stopped_says_so_and_is_read() {
    let session = Session { end: None, ..Session::starting(start()) };
    let (found, _) = read("running", &etl::write(&session, &every_kind(false)).unwrap()).unwrap();
    assert_eq!(codes(&found).len(), 400);
    assert!(found.damage.iter().any(|damage| damage.what.contains("not stopped")));
}

#[test]
fn a_compressed_file_that_is_cut_gives_what_is_whole() {
    let session = Session { compressed: true, ..Session::starting(start()) };
    let bytes = etl::write(&session, &every_kind(false)).unwrap();
    let short = read("cut", &bytes[..session.buffer - 100]).unwrap().0;
    assert_eq!(short.damage.iter().map(|damage| damage.lost).collect::<Vec<_>>(), [false]);
    for cut in [bytes.len() - 1, bytes.len() - 40, session.buffer + 0x48, session.buffer + 7] {
        let (found, _) = read("cut", &bytes[..cut]).unwrap();
        assert!(found.damage.iter().any(|damage| damage.lost), "{cut} of {}: {:?}", bytes.len(), found.damage);
        assert!(found.kinds["SYSTEM64"] >= 1 && codes(&found).len() < 400, "{cut}");
    }
}

#[test]
fn a_file_with_preallocated_room_ends_quietly() {
    for compressed in [false, true] {
        let session = Session { compressed, mode: 0x20, ..Session::starting(start()) };
        let mut bytes = etl::write(&session, &every_kind(false)).unwrap();
        bytes.extend(vec![0; 5 * session.buffer]);
        let (found, _) = read("preallocated", &bytes).unwrap();
        assert!(found.damage.iter().all(|damage| !damage.lost), "{:?}", found.damage);
        assert_eq!(codes(&found).len(), 400);
    }
}

#[test]
fn buffers_of_several_sizes_are_read_where_they_stand() {
    // As where a tool puts files together: the first half has small buffers, the second large ones.
    let small = Session { buffer: 0x1000, ..Session::starting(start()) };
    let large = Session { buffer: 0x4000, ..Session::starting(start()) };
    let records = every_kind(false);
    let (first, second) = records.split_at(200);
    let mut bytes = etl::write(&small, first).unwrap();
    bytes.extend(&etl::write(&large, second).unwrap()[0x4000..]);
    let (found, _) = read("sizes", &bytes).unwrap();
    assert!(found.damage.iter().all(|damage| !damage.lost), "{:?}", found.damage);
    assert_eq!(codes(&found), (2000..2400).collect::<Vec<_>>());
}

#[test]
fn what_the_kernel_says_of_the_computer_is_told() {
    let mut cpu = vec![0; 20];
    cpu.extend(wide("PC17"));
    cpu.resize(20 + 512 + 268 + 8, 0);
    let mut nic = vec![0; 20];
    nic.extend([wide("Adapter"), wide("10.1.7.17;fe80::1%4"), wide("10.1.2.5")].concat());
    for narrow in [false, true] {
        let records = [
            record(1, !narrow, What::System(0x0B0A, cpu.clone())),
            record(2, !narrow, What::Perf(0x0B0D, nic.clone())),
            record(3, !narrow, What::System(0x030A, cpu.clone())),
        ];
        let session = Session { wide: !narrow, ..Session::starting(start()) };
        let (found, _) = read("machine", &etl::write(&session, &records).unwrap()).unwrap();
        assert_eq!(found.machine.names.iter().map(|name| &**name).collect::<Vec<_>>(), ["PC17"]);
        let addresses: Vec<String> = found.machine.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["10.1.7.17", "fe80::1"]);
    }
}

fn compressed_as(kind: u32, payload: &[u8], want: usize) -> Vec<u8> {
    let session = Session { compressed: true, ..Session::starting(start()) };
    let mut bytes = etl::write(&session, &[]).unwrap();
    bytes[0x2C..0x30].copy_from_slice(&kind.to_le_bytes());
    let mut buffer = vec![0; 0x48];
    buffer[..4].copy_from_slice(&((0x48 + payload.len()) as u32).to_le_bytes());
    buffer[0x2C..0x30].copy_from_slice(&kind.to_le_bytes());
    buffer[0x30..0x34].copy_from_slice(&((0x48 + want) as u32).to_le_bytes());
    buffer[0x34] = 0x60;
    bytes.extend(buffer);
    bytes.extend(payload);
    bytes
}

#[test]
fn a_bomb_of_compression_stays_within_its_bounds() {
    // A few bytes that would make 60 MB of one.
    let bomb = [0, 0, 0, 0x40, b'a', 7, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0x03];
    for kind in [2, 3, 4] {
        let (found, _) = read("bomb", &compressed_as(kind, &bomb, 60 << 20)).unwrap();
        let told = |damage: &whyrdp::event::Damage| damage.lost && damage.what.contains("bounds");
        assert!(found.damage.iter().any(told), "{:?}", found.damage);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn mutated_traces_never_stop_the_reader(
        narrow: bool,
        compressed: bool,
        form in 0_usize..3,
        at in proptest::collection::vec((0_usize..40_000, any::<u8>()), 1..12),
        cut in proptest::option::of(0_usize..40_000),
    ) {
        let compression = [Compression::Xpress, Compression::Lznt1, Compression::XpressHuffman][form];
        let session =
            Session { wide: !narrow, compressed, compression, buffer: 0x1000, ..Session::starting(start()) };
        let mut bytes = etl::write(&session, &every_kind(narrow)[320..]).unwrap();
        let length = bytes.len();
        for (place, value) in at {
            bytes[place % length] = value;
        }
        bytes.truncate(cut.map_or(length, |cut| cut % length));
        let _ = read("mutated", &bytes);
    }

    #[test]
    fn whatever_is_compressed_comes_back(
        parts in proptest::collection::vec((any::<u8>(), 1_usize..3000), 0..40),
        form in 0_usize..3,
    ) {
        // Runs of all lengths, so that all forms of lengths are used.
        let data: Vec<u8> = parts.iter().flat_map(|(byte, count)| std::iter::repeat_n(*byte, *count)).collect();
        let event = Event { provider: Some(Guid([7; 16])), payload: data[..data.len().min(60_000)].to_vec(), ..Event::default() };
        let compression = [Compression::Xpress, Compression::Lznt1, Compression::XpressHuffman][form];
        let session =
            Session { compressed: true, compression, buffer: 0x1_0000, ..Session::starting(start()) };
        let bytes = etl::write(&session, &[record(1, true, What::Event(event)), disconnect(2, true, 5)]).unwrap();
        let (found, _) = read("compressed", &bytes).unwrap();
        prop_assert!(found.damage.iter().all(|damage| !damage.lost), "{:?}", found.damage);
        prop_assert_eq!(codes(&found), vec![5]);
    }
}

#[test]
fn what_an_inventory_counts_is_what_was_written() {
    let bytes = |session: &Session, narrow| etl::write(session, &every_kind(narrow)).unwrap();
    let name = |name: &str| {
        let mut path = path(name);
        // A private logger puts the process id behind the name.
        path.set_extension("etl_4242");
        path
    };
    for (narrow, mode, bias) in [(false, 0, -480), (true, 0x800, 300), (false, 0x1000_0000, 0)] {
        let session =
            Session { wide: !narrow, mode, bias, lost_events: 7, lost_buffers: 2, ..Session::starting(start()) };
        let path = name("inventory");
        std::fs::write(&path, bytes(&session, narrow)).unwrap();
        let found = source::discover(std::slice::from_ref(&path));
        assert_eq!(found.inputs.iter().map(|input| input.format).collect::<Vec<_>>(), ["etl"]);
        let signatures = whyrdp::signature::Signatures::open(true, &[]).0;
        let mut facts = None;
        let done =
            whyrdp::scan::scan::<()>(&found.inputs, &signatures, &whyrdp::scan::Options::default(), &mut |row| {
                if let whyrdp::evidence::Row::Input(input) = row {
                    facts = Some(input);
                }
                Ok(())
            });
        std::fs::remove_file(&path).unwrap();
        assert!(done.is_ok());
        let facts = facts.unwrap();
        // The header of the session is a record too.
        assert_eq!(facts.records, 409);
        assert_eq!(facts.record_kinds.values().sum::<u64>(), 409);
        let client = &facts.providers["Microsoft-Windows-TerminalServices-ClientActiveXCore"];
        assert_eq!((client.records, facts.providers["Contoso.Client"].records), (400, 1));
        assert_eq!((facts.lost_events, facts.lost_buffers), (7, 2));
        // Times are UTC, whatever the zone of the computer was.
        let time = |ticks: u64| Some(Time::from_filetime(ticks));
        assert_eq!((facts.first, facts.last), (time(start()), time(start() + (100 + 399 * 7) * 10_000)));
        let machine = facts.machine.unwrap();
        assert_eq!((machine.session, machine.boot), (time(session.start), time(session.boot)));
    }
}
