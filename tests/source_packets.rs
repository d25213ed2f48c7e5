//! Captures of packets: what was recorded between two hosts, and what nobody would send in earnest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "common/trace.rs"]
#[allow(dead_code)]
mod trace;
#[path = "common/wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;
use trace::{Logged, Trace, after};
use whyrdp::event::{Damage, Event, Interest, Lost, Sink, Stamp, Time};
use whyrdp::source;
use wire::{ACK, FIN, RST, SYN, Tcp, confirm, frames, negotiation, pcap, pcapng, refusal, request};

const PROVIDER: &str = "whyrdp-Packets";
const NOTHING: [u32; 0] = [];

#[derive(Default)]
struct Collected {
    format: &'static str,
    records: u64,
    first: Option<Time>,
    events: Vec<Event>,
    damage: Vec<Damage>,
    lost: Lost,
}

impl Sink for Collected {
    fn record(&mut self, stamp: &Stamp<'_>) {
        self.records += 1;
        self.first = self.first.or(stamp.time);
    }

    fn event(&mut self, event: &Event) {
        if event.system.provider == PROVIDER {
            self.events.push(event.clone());
        }
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

fn read(path: &Path) -> Collected {
    let found = source::discover(&[path.to_owned()]);
    assert_eq!(found.problems, [], "{}", path.display());
    let log = source::open(&found.inputs[0]).unwrap();
    let mut collected = Collected { damage: log.damage(), format: found.inputs[0].format, ..Collected::default() };
    (0..log.blocks()).for_each(|block| log.read(block, &Interest::everything(), &mut collected));
    collected.lost = log.lost();
    collected
}

fn read_bytes(bytes: &[u8]) -> Collected {
    let file = tempfile::Builder::new().suffix(".pcap").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read(file.path())
}

fn ids(collected: &Collected) -> Vec<u32> {
    collected.events.iter().map(|event| event.system.event_id).collect()
}

/// The first event of an id.
fn event(collected: &Collected, id: u32) -> &Event {
    let found = collected.events.iter().find(|event| event.system.event_id == id);
    found.unwrap_or_else(|| panic!("no event {id} in {:?}", ids(collected)))
}

fn fields<'a>(event: &'a Event, names: &[&'a str]) -> Vec<&'a str> {
    names.iter().map(|name| event.field(name).unwrap_or("-")).collect()
}

#[derive(Deserialize)]
struct Expect {
    ids: Vec<u32>,
}

/// What a recording must give, without what is said besides and more than once.
fn in_order(wanted: &[u32], found: &[u32]) -> bool {
    let mut rest = found.iter();
    wanted.iter().all(|id| rest.any(|found| found == id))
}

#[test]
fn recordings_of_real_connections_give_what_is_true_of_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/wire");
    let text = std::fs::read_to_string(folder.join("expect.yml")).unwrap();
    let all: BTreeMap<String, Expect> = serde_saphyr::from_str(&text).unwrap();
    let captures = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let captures = captures.filter(|path| path.extension().is_some_and(|ending| ending == "pcap"));
    assert_eq!(captures.count(), all.len(), "each recording is told in expect.yml");
    for (name, expect) in &all {
        let collected = read(&folder.join(format!("{name}.pcap")));
        let found = ids(&collected);
        assert!(in_order(&expect.ids, &found), "{name}: {found:?}");
        assert_eq!(collected.damage, [], "{name}");
        assert!(collected.events.iter().all(|event| event.field("DestinationPort") == Some("3389")), "{name}");
    }
}

fn recording(name: &str) -> Collected {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/wire").join(name))
}

#[test]
fn a_certificate_is_told_with_names_validity_key_and_signature() {
    let expired = recording("certificate-expired.pcap");
    let names = ["Subject", "NotAfter", "Validity", "SelfSigned", "KeyAlgorithm", "KeyBits", "SignatureAlgorithm"];
    assert_eq!(
        fields(event(&expired, 32), &names),
        [
            "CN=rds01.corp.example",
            "2025-12-31T00:00:00.0000000Z",
            "expired",
            "true",
            "RSA",
            "2048",
            "sha256WithRSAEncryption"
        ]
    );
    let weak = recording("certificate-weak.pcap");
    assert_eq!(fields(event(&weak, 32), &names[2..]), ["valid", "true", "RSA", "1024", "sha1WithRSAEncryption"]);
}

#[test]
fn under_tls_1_3_no_certificate_is_seen_and_none_is_made_up() {
    let collected = recording("tls13-login-screen.pcap");
    assert_eq!(fields(event(&collected, 31), &["Version"]), ["TLS 1.3"]);
    assert!(!ids(&collected).contains(&32));
}

#[test]
fn alerts_and_refusals_are_told_by_their_numbers() {
    let alert = |name| {
        let collected = recording(name);
        fields(event(&collected, 33), &["From", "AlertDescription", "After"]).join(" ")
    };
    assert_eq!(alert("no-common-cipher.pcap"), "server 40 client-hello");
    assert_eq!(alert("version-refused.pcap"), "server 70 client-hello");
    let nla = recording("nla-required.pcap");
    assert_eq!(fields(event(&nla, 22), &["FailureCode", "Protocols"]), ["5", "0x1"]);
    assert_eq!(fields(event(&nla, 20), &["Cookie", "Offered"]), ["anna", "TLS"]);
}

#[test]
fn the_end_is_told_with_who_and_after_what() {
    let cut = recording("reset-after-hello.pcap");
    assert_eq!(fields(event(&cut, 7), &["From", "After", "Stage"]), ["server", "client-hello", "tls"]);
    let lost = recording("large-packets-repeated.pcap");
    assert_eq!(fields(event(&lost, 6), &["From", "Stage"]), ["server", "tls"]);
    let denied = recording("certificate-denied.pcap");
    assert_eq!(fields(event(&denied, 8), &["From", "Stage", "ApplicationData"]), ["client", "encrypted", "false"]);
}

#[test]
fn all_six_failure_codes_are_told_with_the_protocols_that_were_asked_for() {
    for code in 1..=6 {
        let collected = read_bytes(&pcap(1, &frames(&negotiation(3, &refusal(code)))));
        let said = event(&collected, 22);
        assert_eq!(fields(said, &["FailureCode", "Protocols"]), [&code.to_string(), "0x3"]);
        let ends = ["SourceAddress", "SourcePort", "DestinationAddress", "DestinationPort"];
        assert_eq!(fields(said, &ends), ["10.1.7.17", "50123", "10.1.2.21", "3389"]);
        assert_eq!(said.system.time.unwrap().to_string(), "2026-03-04T08:00:00.4000000Z");
    }
}

#[test]
fn every_form_of_capture_and_link_tells_the_same() {
    let segments = negotiation(1, &refusal(5));
    let plain = ids(&read_bytes(&pcap(1, &frames(&segments))));
    assert_eq!(plain, [4, 20, 22, 8]);
    let on = |link: &[u8]| -> Vec<(u32, Vec<u8>)> {
        segments.iter().map(|(at, tcp)| (*at, [link, &tcp.ip()].concat())).collect()
    };
    let tagged = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 42, 8, 0];
    let cooked: Vec<u8> = [&[0; 14][..], &[8, 0]].concat();
    let cooked2: Vec<u8> = [&[8, 0][..], &[0; 18]].concat();
    let wifi: Vec<u8> = [&[8, 1][..], &[0; 22], &[0xAA, 0xAA, 3, 0, 0, 0, 8, 0]].concat();
    let radiotap: Vec<u8> = [&[0, 0, 8, 0, 0, 0, 0, 0][..], &wifi].concat();
    for (link, head) in [
        (1, &tagged[..]),
        (101, &[]),
        (113, &cooked),
        (276, &cooked2),
        (0, &[2, 0, 0, 0]),
        (105, &wifi),
        (127, &radiotap),
    ] {
        assert_eq!(ids(&read_bytes(&pcap(link, &on(head)))), plain, "link type {link}");
    }
    for big in [false, true] {
        let collected = read_bytes(&pcapng(1, big, &frames(&segments)));
        assert_eq!((ids(&collected), collected.format, collected.records), (plain.clone(), "pcapng", 6));
        assert_eq!(collected.lost.events, 7, "the interface says what it dropped");
        assert_eq!(collected.first.unwrap().to_string(), "2026-03-04T08:00:00.0000000Z");
    }
}

#[test]
fn neither_order_nor_copies_nor_overlaps_change_what_is_told() {
    let segments = negotiation(1, &refusal(5));
    let plain = read_bytes(&pcap(1, &frames(&segments)));
    let mut shuffled = segments.clone();
    shuffled.reverse();
    assert_eq!(ids(&read_bytes(&pcap(1, &frames(&shuffled)))), ids(&plain));
    let mut twice: Vec<_> = segments.iter().flat_map(|segment| [segment.clone(), segment.clone()]).collect();
    twice.iter_mut().skip(1).step_by(2).for_each(|(at, _)| *at += 1);
    let doubled = read_bytes(&pcap(1, &frames(&twice)));
    assert_eq!(ids(&doubled), ids(&plain));
    // The request in three pieces that overlap, the last one first.
    let asked = request(1);
    let mut pieces = segments[..3].to_vec();
    for (n, (from, to)) in [(20, asked.len()), (0, 12), (8, 25)].into_iter().enumerate() {
        pieces.push((300 + n as u32, Tcp::client(1001 + from as u32, 9001, ACK, &asked[from..to])));
    }
    pieces.extend(segments[4..].iter().cloned());
    let pieced = read_bytes(&pcap(1, &frames(&pieces)));
    assert_eq!(ids(&pieced), ids(&plain));
    assert_eq!(event(&pieced, 20).field("Cookie"), Some("bruno"));
}

#[test]
fn a_request_is_unanswered_only_if_it_was_repeated_and_the_capture_goes_on() {
    let syn = Tcp::client(1000, 0, SYN, &[]);
    let asked = |times: &[u32]| -> Vec<u32> {
        let frames: Vec<_> = times.iter().map(|at| (*at, syn.frame())).collect();
        ids(&read_bytes(&pcap(1, &frames)))
    };
    assert_eq!(asked(&[0, 1000, 3000]), [1]);
    assert_eq!(asked(&[0]), NOTHING, "the capture may have ended before the answer");
    assert_eq!(asked(&[0, 1000]), NOTHING, "a second is too short");
    assert_eq!(asked(&[0, 1, 2, 3]), NOTHING, "copies at several layers are no repetition");
    let mut answered = frames(&[(0, syn.clone()), (1000, syn.clone()), (5000, syn)]);
    answered.push((5100, Tcp::server(9000, 1001, SYN | ACK, &[]).frame()));
    assert_eq!(ids(&read_bytes(&pcap(1, &answered))), [4]);
}

#[test]
fn a_refusal_and_a_reset_with_other_hops_are_told() {
    let syn = Tcp::client(1000, 0, SYN, &[]);
    let refused = [(0, syn), (1, Tcp::server(0, 1001, RST | ACK, &[]))];
    assert_eq!(ids(&read_bytes(&pcap(1, &frames(&refused)))), [2]);
    let mut cut = negotiation(1, &confirm(1));
    cut.truncate(4);
    cut.push((500, Tcp { hops: 61, ..Tcp::server(9001, 1100, RST, &[]) }));
    let collected = read_bytes(&pcap(1, &frames(&cut)));
    assert_eq!(fields(event(&collected, 7), &["After", "HopsDiffer", "Hops"]), ["x224-request", "true", "61"]);
}

#[test]
fn a_port_that_comes_round_again_is_another_connection() {
    let first = negotiation(1, &refusal(5));
    let mut both = first.clone();
    for (at, mut segment) in negotiation(3, &confirm(2)) {
        segment.seq = segment.seq.wrapping_add(0x7000_0000);
        segment.ack = if segment.flags & ACK == 0 { 0 } else { segment.ack.wrapping_add(0x7000_0000) };
        both.push((at + 60_000, segment));
    }
    assert_eq!(ids(&read_bytes(&pcap(1, &frames(&both)))), [4, 20, 22, 8, 4, 20, 21, 8]);
}

#[test]
fn any_port_is_remote_desktops_that_begins_like_it_and_no_other() {
    let moved = |payload_of: &[u8]| {
        let mut segments = negotiation(1, payload_of);
        segments.iter_mut().for_each(|(_, segment)| segment.server_port = 13389);
        segments
    };
    assert_eq!(ids(&read_bytes(&pcap(1, &frames(&moved(&refusal(2)))))), [4, 20, 22, 8]);
    let mut web = moved(&refusal(2));
    web[3].1.payload = b"GET / HTTP/1.1\r\n\r\n".to_vec();
    assert_eq!(ids(&read_bytes(&pcap(1, &frames(&web)))), NOTHING);
}

#[test]
fn a_link_that_is_not_read_and_pieces_of_ip_are_said() {
    let strange = read_bytes(&pcap(189, &[(0, vec![0; 64])]));
    assert_eq!(strange.records, 1);
    assert!(strange.damage[0].what.contains("link type 189") && strange.damage[0].lost, "{:?}", strange.damage);
    let mut fragment = Tcp::client(1000, 0, ACK, &[0; 32]).frame();
    fragment[20] = 0x20;
    let cut = read_bytes(&pcap(1, &[(0, fragment)]));
    assert!(cut.damage[0].what.contains("IP had cut"), "{:?}", cut.damage);
}

#[test]
fn short_captures_say_that_they_are_short() {
    let whole = pcap(1, &frames(&negotiation(1, &refusal(5))));
    let cut = read_bytes(&whole[..whole.len() - 10]);
    assert_eq!((cut.records, cut.damage.len()), (5, 1));
    assert!(cut.damage[0].what.contains("cut off") && cut.damage[0].lost);
    let mut lying = whole.clone();
    lying[24 + 8..24 + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let lied = read_bytes(&lying);
    assert_eq!(lied.records, 0);
    assert!(lied.damage.iter().any(|damage| damage.lost), "{:?}", lied.damage);
    // Frames of which only the first 60 bytes were kept.
    let mut snapped = pcap(1, &[]);
    for (at, frame) in frames(&negotiation(1, &refusal(5))) {
        let kept = frame.len().min(60);
        for number in [wire::BEGIN, at * 1000, kept as u32, frame.len() as u32] {
            snapped.extend(number.to_le_bytes());
        }
        snapped.extend(&frame[..kept]);
    }
    let short = read_bytes(&snapped);
    assert!(short.damage.iter().any(|damage| damage.what.contains("cut when they were captured")));
    assert!(!ids(&short).contains(&22), "what was not captured is not made up");
}

#[test]
fn thousands_of_connections_are_bounded_and_said() {
    let syn = |n: u32| {
        let mut frame = Tcp { client_port: (n % 60_000) as u16, ..Tcp::client(n, 0, SYN, &[]) }.frame();
        frame[28] = (n / 60_000) as u8;
        (n / 1000, frame)
    };
    let flood: Vec<_> = (0..25_000).map(syn).collect();
    let collected = read_bytes(&pcap(1, &flood));
    assert_eq!(collected.records, 25_000);
    assert!(collected.damage.iter().any(|damage| damage.what.contains("5000 connections beyond") && damage.lost));
}

/// A frame as `netsh trace` writes it.
fn ndis(at: i64, frame: &[u8]) -> Vec<u8> {
    let mut payload = [[1, 0, 0, 0], [2, 0, 0, 0], (frame.len() as u32).to_le_bytes()].concat();
    payload.extend(frame);
    Logged { provider: "2ed6006e-4729-4609-b423-3ee7bcd678ef", id: 1001, raw: after(at), payload, ..Logged::default() }
        .bytes()
}

/// A frame as `pktmon` writes it, at one of the components that it passes.
fn pktmon(at: i64, id: u16, component: u16, frame: &[u8]) -> Vec<u8> {
    let mut payload = 7_u64.to_le_bytes().to_vec();
    for number in [1, 2, 1, 1, component, 1, 0] {
        payload.extend(u16::to_le_bytes(number));
    }
    payload.extend(if id == 170 { 59_u32 } else { 0 }.to_le_bytes());
    payload.extend(0_u32.to_le_bytes());
    payload.extend((frame.len() as u16).to_le_bytes());
    payload.extend((frame.len() as u16).to_le_bytes());
    payload.extend(frame);
    Logged { provider: "4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac", id, raw: after(at), payload, ..Logged::default() }
        .bytes()
}

#[test]
fn packets_in_traces_tell_the_same_whatever_buffers_and_layers_they_stand_in() {
    let segments = negotiation(1, &refusal(5));
    let netsh: Vec<_> = segments.iter().map(|(at, tcp)| ndis(i64::from(*at), &tcp.frame())).collect();
    // Buffers of several processors stand in any order.
    let trace = Trace::default().buffer(&netsh[3..]).buffer(&netsh[..3]);
    let collected = read_bytes(&trace.bytes());
    assert_eq!(ids(&collected), [4, 20, 22, 8]);
    assert_eq!(event(&collected, 22).system.time.unwrap().to_string(), "2024-05-01T08:00:00.4000000Z");
    let layers = |(at, tcp): &(u32, Tcp)| -> Vec<Vec<u8>> {
        (0..3).map(|n| pktmon(i64::from(*at), 160, n, &tcp.frame())).collect()
    };
    let records: Vec<_> = segments.iter().flat_map(layers).collect();
    assert_eq!(ids(&read_bytes(&Trace::default().buffer(&records).bytes())), [4, 20, 22, 8]);
}

#[test]
fn a_packet_that_windows_dropped_is_told_with_its_reason() {
    let syn = Tcp::client(1000, 0, SYN, &[]).frame();
    let collected = read_bytes(&Trace::default().buffer(&[pktmon(5, 170, 1, &syn)]).bytes());
    assert_eq!(event(&collected, 5).field("DropReason"), Some("59"));
}

#[test]
fn each_event_has_a_place_of_its_own_in_the_file() {
    for name in ["tls12-login-screen.pcap", "nla-required.pcap"] {
        let collected = recording(name);
        let mut places: Vec<_> =
            collected.events.iter().map(|event| (event.origin.position.offset, event.system.event_id)).collect();
        let all = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), all, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_captures_never_panic(
        changes in prop::collection::vec((0_usize..4096, any::<u8>()), 1..40),
        cut in 24_usize..4096,
        which in 0_usize..4,
    ) {
        let names = ["certificate-expired", "nla-required", "tls13-login-screen", "prohibited"];
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("corpus/wire/{}.pcap", names[which]));
        let mut bytes = std::fs::read(path).unwrap();
        for (at, value) in changes {
            let length = bytes.len();
            // The magic number stays: what is no capture is never opened.
            bytes[4 + at % (length - 4)] = value;
        }
        bytes.truncate(cut.max(24));
        read_bytes(&bytes);
    }

    #[test]
    fn any_payload_on_the_port_never_panics(
        client in prop::collection::vec(any::<u8>(), 0..300),
        server in prop::collection::vec(any::<u8>(), 0..300),
        kind in prop::sample::select(vec![0x03_u8, 0x14, 0x15, 0x16, 0x17]),
    ) {
        let head = |bytes: &[u8]| {
            let length = (bytes.len() as u16).to_be_bytes();
            [&[kind, 3, 3], &length[..], bytes].concat()
        };
        let (client, server) = (head(&client), head(&server));
        let segments = [
            (0, Tcp::client(1000, 0, SYN, &[])),
            (1, Tcp::server(9000, 1001, SYN | ACK, &[])),
            (2, Tcp::client(1001, 9001, ACK, &client)),
            (3, Tcp::server(9001, 1001, ACK | FIN, &server)),
        ];
        let collected = read_bytes(&pcap(1, &frames(&segments)));
        prop_assert!(ids(&collected).contains(&4));
    }
}
