//! The reader of traces, on real files against what is known of them, and on damaged ones.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::trace::{self, Collected, Logged, Trace, after, classic, message, schema, traits, wide};
use whyrdp::event::{Guid, Interest, Lost, Time};
use whyrdp::source::{self, Input};

fn read(path: &Path) -> Collected {
    let input = Input {
        path: path.to_owned(),
        name: path.display().to_string(),
        format: "etl",
        bytes: std::fs::metadata(path).unwrap().len(),
    };
    let log = source::open(&input).unwrap();
    let mut collected = Collected { damage: log.damage(), lost: log.lost(), ..Collected::default() };
    for block in 0..log.blocks() {
        log.read(block, &Interest::everything(), &mut collected);
    }
    collected
}

fn real() -> Option<PathBuf> {
    common::unpacked("etl.tar.xz", "etl")
}

/// One file of `etl-expected.txt`.
#[derive(Debug, Default)]
struct Expected {
    path: String,
    kinds: BTreeMap<String, u64>,
    lost: Lost,
    first: String,
    last: String,
    providers: BTreeMap<(Guid, String), u64>,
}

fn number(text: &str) -> u64 {
    text.trim().trim_end_matches(',').parse().unwrap()
}

fn expected() -> Option<Vec<Expected>> {
    let text = std::fs::read_to_string(common::shared()?.join("data/etl-expected.txt")).ok()?;
    let mut all: Vec<Expected> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["==", path, ..] = words[..] {
            all.push(Expected { path: path.to_owned(), ..Expected::default() });
            continue;
        }
        let now = all.last_mut().unwrap();
        match words[..] {
            ["buffers", .., "lost:", "events", events, "buffers", buffers] => {
                now.lost = Lost { events: number(events), buffers: number(buffers) };
            }
            ["events", _, ..] => {
                let inner = line.split(['{', '}']).nth(1).unwrap();
                for pair in inner.split(',') {
                    let (kind, records) = pair.split_once(':').unwrap();
                    now.kinds.insert(kind.trim().trim_matches('\'').to_owned(), number(records));
                }
            }
            ["time", first, "..", last, ..] => (now.first, now.last) = (first.to_owned(), last.to_owned()),
            [records, guid, kind, ..] if guid.starts_with('{') => {
                let kind = kind.split('/').next().unwrap().to_owned();
                now.providers.insert((Guid::parse(guid).unwrap(), kind), number(records));
            }
            _ => {}
        }
    }
    Some(all)
}

#[test]
fn real_files_hold_what_is_known_of_them() {
    let (Some(folder), Some(all)) = (real(), expected()) else { return };
    assert_eq!(all.len(), 8);
    for expected in all {
        let found = read(&folder.join(&expected.path));
        let path = &expected.path;
        assert_eq!(found.kinds, expected.kinds, "{path}");
        assert_eq!(found.first.unwrap().to_string(), expected.first, "{path}");
        assert_eq!(found.last.unwrap().to_string(), expected.last, "{path}");
        assert_eq!(found.lost, expected.lost, "{path}");
        let counts: BTreeMap<_, _> = found.providers.iter().map(|(key, (_, n))| (key.clone(), *n)).collect();
        assert_eq!(counts, expected.providers, "{path}");
        assert_eq!(found.damage.iter().filter(|damage| damage.lost).count(), 0, "{path}: {:?}", found.damage);
    }
}

/// Reads bytes as a file.
fn read_bytes(name: &str, bytes: &[u8]) -> Collected {
    let path = scratch(name);
    std::fs::write(&path, bytes).unwrap();
    let found = read(&path);
    let _ = std::fs::remove_file(&path);
    found
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}.etl", std::process::id()))
}

const CLIENT: &str = "{28aa95bb-d444-4719-a36f-40462168127e}";
const CORE: &str = "{1139c61b-b549-4251-8ed3-27250a1edec8}";
const TCPIP: &str = "{2f07e2ee-15db-40f1-90ef-9d7ba282188a}";
const SCHANNEL: &str = "{1f678132-5938-4686-9fdc-c8ff68f15c85}";
const ACTIVITY: &str = "{F4201234-5678-49AB-8CDE-0123456789AB}";
/// A source file of WPP messages, and a class of classic events of NTLM.
const UNKNOWN: &str = "{3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788}";
const NTLM: &str = "{19196b33-a302-4c12-9d5a-eac149e93c46}";

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// One attempt as client and server would trace it, and what nobody can decode.
fn attempt() -> Trace {
    let client =
        |id, raw, payload| Logged { provider: CLIENT, id, raw, payload, activity: Some(ACTIVITY), ..Logged::default() };
    let sock = [2, 0, 0x0D, 0x3D, 10, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
    let length = 16u32.to_le_bytes();
    let failed = joined(&[&length, &sock, &length, &sock, &0xC000_0236u32.to_le_bytes(), &[1; 16]]);
    let state = joined(&[
        &wide("RDPClient_SSL"),
        &1u32.to_le_bytes(),
        &wide("a"),
        &2u32.to_le_bytes(),
        &wide("b"),
        &3u32.to_le_bytes(),
        &wide("TsSslEventHandshakeFailed"),
        &0x8009_0327u32.to_le_bytes(),
    ]);
    Trace::default()
        .buffer(&[
            client(1024, after(0), joined(&[&wide("Server Name"), &wide("srv01"), &wide("Info")])).bytes(),
            client(226, after(400), state).bytes(),
            client(1026, after(500), joined(&[&wide("Disconnect Reason"), &2825u32.to_le_bytes(), &wide("Info")]))
                .bytes(),
        ])
        .buffer(&[
            Logged { provider: CORE, id: 140, raw: after(300), payload: wide("10.0.2.17"), ..Logged::default() }
                .bytes(),
            Logged { provider: TCPIP, id: 1034, raw: after(200), payload: failed, ..Logged::default() }.bytes(),
            message(UNKNOWN, 1026, after(250), &wide("Disconnect Reason")),
            classic(
                NTLM,
                2,
                after(260),
                &joined(&[&0xC000_006Du32.to_le_bytes(), &3u32.to_le_bytes(), &wide("ann"), &wide("CORP")]),
            ),
            classic(UNKNOWN, 2, after(270), &wide("CORP")),
        ])
}

fn field<'a>(found: &'a Collected, event_id: u32, name: &'a str) -> Option<&'a str> {
    found.events.iter().find(|event| event.system.event_id == event_id)?.field(name)
}

#[test]
fn manifest_events_read_as_their_twins_in_event_logs() {
    let found = read_bytes("attempt", &attempt().bytes());
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    let end = found.events.iter().find(|event| event.system.event_id == 1026 && event.system.task.is_some()).unwrap();
    let system = &end.system;
    assert_eq!(system.provider, "Microsoft-Windows-TerminalServices-ClientActiveXCore");
    assert_eq!(system.channel, "Microsoft-Windows-TerminalServices-RDPClient/Operational");
    assert_eq!(system.time.unwrap().to_string(), "2024-05-01T08:00:00.5000000Z");
    assert_eq!(system.activity_id, Guid::parse(ACTIVITY));
    assert_eq!((system.process_id, system.thread_id, system.level), (Some(4242), Some(77), Some(4)));
    assert_eq!(end.field("Value"), Some("2825"));
    assert_eq!(field(&found, 226, "Error Code"), Some("2148074279"));
    assert_eq!(field(&found, 140, "IPString"), Some("10.0.2.17"));
    assert_eq!(field(&found, 1034, "RemoteAddress"), Some("10.0.0.5:3389"));
    assert_eq!(field(&found, 1034, "Status"), Some("3221226038"));
}

#[test]
fn classic_events_and_messages_tell_what_can_be_told() {
    let found = read_bytes("classic", &attempt().bytes());
    assert_eq!(found.kinds["FULL64"], 2);
    assert_eq!(found.kinds["WPP"], 1);
    let known = found.events.iter().find(|event| event.system.provider == "NTLM Security Protocol").unwrap();
    assert_eq!(known.field("UserName"), Some("ann"));
    assert_eq!(known.field("Status"), Some("3221225581"));
    let message =
        found.events.iter().find(|event| event.system.event_id == 1026 && event.system.task.is_none()).unwrap();
    assert_eq!(message.system.provider, UNKNOWN);
    assert_eq!((message.system.process_id, message.field("param1")), (Some(4242), Some("Disconnect Reason")));
}

/// Wants what every provider writes, as signatures of no provider do, but nothing undecoded.
#[test]
fn no_signature_sees_what_nobody_can_decode() {
    let path = scratch("undecoded");
    std::fs::write(&path, attempt().bytes()).unwrap();
    let input =
        Input { path: path.clone(), name: "t".into(), format: "etl", bytes: std::fs::metadata(&path).unwrap().len() };
    let log = source::open(&input).unwrap();
    let mut found = Collected::default();
    let mut interest = Interest::everything();
    interest.undecoded = false;
    (0..log.blocks()).for_each(|block| log.read(block, &interest, &mut found));
    assert_eq!(found.kinds.values().sum::<u64>(), 9);
    assert!(found.events.iter().all(|event| !event.system.provider.starts_with('{')));
    assert_eq!(found.events.len(), 6);
}

#[test]
fn signatures_match_records_of_traces() {
    use whyrdp::evidence::Row;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-signed", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("client.etl"), attempt().bytes()).unwrap();
    let (signatures, _) = whyrdp::signature::Signatures::open(true, &[]);
    let found = source::discover(&[folder]);
    assert_eq!(found.inputs.iter().map(|input| input.format).collect::<Vec<_>>(), ["etl"]);
    let mut rows = Vec::new();
    let options = whyrdp::scan::Options::default();
    whyrdp::scan::scan(&found.inputs, &signatures, &options, &mut |row| {
        rows.push(row);
        Ok::<(), ()>(())
    })
    .unwrap();
    let matched: Vec<u32> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Evidence(evidence) => Some(evidence.record.event_id),
            _ => None,
        })
        .collect();
    assert_eq!(matched, [1024, 226, 1026, 140, 1034]);
    let Some(Row::Input(input)) = rows.last() else { panic!("no input row") };
    assert_eq!(input.records, 9);
    assert_eq!(input.record_kinds["EVENT64"], 5);
    assert_eq!(input.providers["Microsoft-Windows-TCPIP"].records, 1);
    assert_eq!(input.providers.values().map(|facts| facts.records).sum::<u64>(), 8);
}

#[test]
fn the_layout_that_uses_up_the_payload_is_taken() {
    let alert = joined(&[&wide("client"), &10u32.to_le_bytes(), &0u32.to_le_bytes()]);
    let newer = joined(&[&4u32.to_le_bytes(), &wide("SYSTEM"), &alert]);
    let event = |payload: Vec<u8>| {
        Logged { provider: SCHANNEL, id: 36872, raw: after(1), payload, ..Logged::default() }.bytes()
    };
    // The build says the one, the payload the other: as in files merged elsewhere.
    for build in [7601, 9200, 22621] {
        let trace = Trace { build, ..Trace::default() }
            .buffer(&[event(joined(&[&alert, &[0; 4]])), event(joined(&[&newer, &[0; 4]]))]);
        let found = read_bytes(&format!("layouts-{build}"), &trace.bytes());
        for event in &found.events {
            assert_eq!(event.field("Type"), Some("client"), "{build}: {:?}", event.fields().collect::<Vec<_>>());
            assert_eq!(event.field("ErrorCode"), Some("0xa"), "{build}");
        }
        assert_eq!(found.events[1].field("CallerProcessImageName"), Some("SYSTEM"));
    }
}

#[test]
fn a_32_bit_writer_has_short_pointers_in_any_log() {
    let payload = |pointer: &[u8]| {
        let length = 4u32.to_le_bytes();
        joined(&[pointer, &length, &[127, 0, 0, 1], &length, &[10, 0, 0, 5], &7u32.to_le_bytes(), &8u32.to_le_bytes()])
    };
    let event = |narrow, pointer: &[u8]| {
        Logged { provider: TCPIP, id: 1002, raw: after(1), narrow, payload: payload(pointer), ..Logged::default() }
            .bytes()
    };
    let trace = Trace::default().buffer(&[event(true, &[1; 4]), event(false, &[1; 8])]);
    let found = read_bytes("narrow", &trace.bytes());
    assert_eq!((found.kinds["EVENT32"], found.kinds["EVENT64"]), (1, 1));
    let pointers: Vec<_> = found.events.iter().map(|event| event.field("Tcb").unwrap()).collect();
    assert_eq!(pointers, ["0x1010101", "0x101010101010101"]);
    assert!(found.events.iter().all(|event| event.field("RemoteAddress") == Some("10.0.0.5")));
    assert!(found.events.iter().all(|event| event.field("RexmitCount") == Some("8")));
}

#[test]
fn clocks_headers_and_losses() {
    let at = |trace: Trace, raw: i64| {
        let event = Logged { provider: CORE, id: 140, raw, payload: wide("x"), ..Logged::default() }.bytes();
        let found = read_bytes("clock", &trace.buffer(&[event]).bytes());
        assert_eq!(found.lost, Lost { events: 3, buffers: 4 });
        found.events[0].system.time.unwrap().to_string()
    };
    let one = "2024-05-01T08:00:01.0000000Z";
    for narrow in [false, true] {
        let trace = || Trace { narrow, lost: (3, 4), ..Trace::default() };
        assert_eq!(at(Trace { frequency: 3_579_545, ..trace() }, trace::ZERO + 3_579_545), one);
        assert_eq!(at(Trace { clock: 2, ..trace() }, Time::parse(one).unwrap().ticks()), one);
        assert_eq!(at(Trace { clock: 3, ..trace() }, trace::ZERO + 2_500_000_000), one);
        assert_eq!(at(Trace { frequency: 0, ..trace() }, trace::ZERO + 10_000_000), one);
    }
}

#[test]
fn compressed_and_circular_files_hold_the_same_records() {
    let plain = read_bytes("plain", &attempt().bytes());
    let mut packed = attempt();
    packed.mode |= 0x0400_0000;
    let packed = read_bytes("packed", &packed.bytes());
    assert!(packed.damage.is_empty(), "{:?}", packed.damage);
    assert_eq!(packed.kinds, plain.kinds);
    let fields = |found: &Collected| -> Vec<Vec<String>> {
        found.events.iter().map(|event| event.fields().map(|(n, v)| format!("{n}={v}")).collect()).collect()
    };
    assert_eq!(fields(&packed), fields(&plain));
    // The oldest buffer of a circular log may stand anywhere, and blank ones between.
    let bytes = attempt().bytes();
    let mut turned = bytes[..0x2000].to_vec();
    turned.extend(&bytes[0x4000..]);
    turned.extend([0; 0x2000]);
    turned.extend(&bytes[0x2000..0x4000]);
    let turned = read_bytes("turned", &turned);
    assert!(turned.damage.is_empty());
    assert_eq!((turned.first, turned.last, &turned.kinds), (plain.first, plain.last, &plain.kinds));
}

#[test]
fn a_cut_file_gives_what_is_there_and_says_so() {
    let bytes = attempt().bytes();
    let cut = read_bytes("cut", &bytes[..0x4000 + 0x48 + 90]);
    assert_eq!(cut.kinds["EVENT64"], 3);
    assert!(cut.damage.iter().any(|damage| damage.lost && damage.offset >= 0x4000), "{:?}", cut.damage);
    let mut broken = bytes.clone();
    broken[0x2048] = 1;
    broken[0x2049] = 0;
    let broken = read_bytes("broken", &broken);
    assert_eq!(broken.kinds["EVENT64"], 2);
    assert_eq!(broken.damage.iter().map(|damage| (damage.offset, damage.lost)).collect::<Vec<_>>(), [(0x2048, true)]);
}

#[test]
fn a_name_that_one_event_tells_names_the_provider_throughout() {
    let event = |items| Logged { provider: UNKNOWN, raw: after(1), items, ..Logged::default() }.bytes();
    let schema = schema("RunFailure", b"");
    let trace = Trace::default()
        .buffer(&[event(vec![(11, schema.clone())])])
        .buffer(&[event(vec![(12, traits("Contoso.Client")), (11, schema)])]);
    let found = read_bytes("names", &trace.bytes());
    assert!(found.events.iter().all(|event| event.system.provider == "Contoso.Client"));
    assert!(found.events.iter().all(|event| event.field("EventName") == Some("RunFailure")));
    assert_eq!(found.events.len(), 2);
}

/// Marsaglia's generator: the same mutations each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }
}

#[test]
fn damaged_files_end_in_words_never_in_a_panic() {
    let mut packed = attempt();
    packed.mode |= 0x0400_0000;
    let mut samples = vec![attempt().bytes(), packed.bytes()];
    if let Some(folder) = real() {
        let files = common::files_below(&folder);
        samples.extend(files.iter().map(|path| std::fs::read(path).unwrap()).filter(|bytes| bytes.len() < 400_000));
    }
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let path = scratch("mutated");
    let mut opened = 0;
    for round in 0..3000 {
        let sample = &samples[round % samples.len()];
        // Large files cost time: of those only the first buffers.
        let mut bytes = sample[..sample.len().min(0x1_8000)].to_vec();
        for _ in 0..=random.below(8) {
            // Mostly where headers are.
            let at = match random.below(3) {
                0 => random.below(0x300.min(bytes.len())),
                1 => (random.below(bytes.len()) & !0x1FFF) + random.below(0x100),
                _ => random.below(bytes.len()),
            };
            let value = [0, 1, 0x7F, 0x80, 0xFF, random.below(256) as u8][random.below(6)];
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        if random.below(5) == 0 {
            bytes.truncate(random.below(bytes.len()));
        }
        std::fs::write(&path, &bytes).unwrap();
        let input = Input { path: path.clone(), name: "m".into(), format: "etl", bytes: bytes.len() as u64 };
        let Ok(log) = source::open(&input) else { continue };
        opened += 1;
        let mut found = Collected::default();
        (0..log.blocks()).for_each(|block| log.read(block, &Interest::everything(), &mut found));
    }
    assert!(opened > 2000, "{opened}");
}
