//! How fast event traces are read, on one thread: every header walked, the fields of wanted events read.
//! A trace of a busy client is generated; real ones of `../shared` are read too, where they are.
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use tempfile::TempDir;
use whyrdp::scan::{Options, scan};
use whyrdp::signature::Signatures;
use whyrdp::source::{Discovery, discover};
use whyrdp_corpus::etl::{self, Event, Record, Session, What};
use whyrdp_corpus::evtx::Guid;

/// Size of the generated trace and capture, about.
const BYTES: usize = 64 << 20;
/// Size of each text.
const TEXT: usize = 16 << 20;

fn main() {
    divan::main();
}

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| Signatures::open(true, &[]).0);

struct Traces {
    /// The files go with it.
    _folder: TempDir,
    plain: Discovery,
    compressed: Discovery,
    /// Bytes of the records in either.
    records: u64,
    /// The text forms of events, by name, and a capture.
    texts: Vec<(&'static str, Discovery)>,
}

static TRACES: LazyLock<Traces> = LazyLock::new(|| {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let records = busy_client();
    let write = |name: &str, compressed| {
        let path = folder.path().join(name);
        let session = Session { compressed, buffer: 0x1_0000, processors: 8, ..Session::starting(START) };
        std::fs::write(&path, etl::write(&session, &records).unwrap()).unwrap();
        discover(&[path])
    };
    let plain = write("plain.etl", false);
    let bytes = plain.inputs.iter().map(|input| input.bytes).sum();
    let texts = [
        ("event-xml", xml()),
        ("tracerpt-csv", csv()),
        ("trace-text", lines()),
        ("freerdp-log", freerdp()),
        ("pcap", capture()),
    ];
    let texts = texts.map(|(name, bytes)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let found = discover(&[path]);
        assert_eq!(found.inputs.first().map(|input| input.format), Some(name));
        (name, found)
    });
    Traces { plain, compressed: write("compressed.etl", true), records: bytes, texts: texts.into(), _folder: folder }
});

/// Pieces of text, each made of its number, until they are as many bytes as the text forms are measured with.
fn pieces(head: &str, piece: impl Fn(u32) -> String) -> Vec<u8> {
    let mut out = head.as_bytes().to_vec();
    for n in 0.. {
        if out.len() >= TEXT {
            break;
        }
        out.extend(piece(n).bytes());
    }
    out
}

fn xml() -> Vec<u8> {
    let mut out = pieces("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Events>\n", |n| {
        let (seconds, id) = (n / 100 % 60, if n % 32 == 0 { 1026 } else { 1000 + n % 7 });
        format!(
            "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System>\
             <Provider Name=\"Microsoft-Windows-TerminalServices-ClientActiveXCore\" \
             Guid=\"{{28aa95bb-d444-4719-a36f-40462168127e}}\" /><EventID>{id}</EventID><Version>0</Version><Level>4</Level>\
             <Task>101</Task><Opcode>10</Opcode><Keywords>0x4000000000000000</Keywords>\
             <TimeCreated SystemTime=\"2026-03-04T08:{:02}:{seconds:02}.{n:09}+00:59\" /><Correlation />\
             <Execution ProcessID=\"4242\" ThreadID=\"77\" /><Channel /><Computer /></System><EventData>\
             <Data Name=\"Name\">Disconnect Reason</Data><Data Name=\"Value\">{}</Data></EventData></Event>\n",
            n / 6000 % 60,
            2000 + n % 900
        )
    });
    out.extend(b"</Events>\n");
    out
}

fn csv() -> Vec<u8> {
    let head = "Event Name, Type, Event ID, Version, Channel, Level, Opcode, Task, Keyword, PID, TID, Processor Number, \
                Instance ID, Parent Instance ID, Activity ID, Related Activity ID, Clock-Time, Kernel(ms), User(ms), User Data\n";
    pieces(head, |n| {
        let id = if n % 32 == 0 { 1026 } else { 1000 + n % 7 };
        format!(
            "Microsoft-Windows-TerminalServices-ClientActiveXCore, 0, {id}, 0, 16, 4, 10, 101, 0x4000000000000000, \
             0x00001092, 0x0000004D, 0, , , {{00000000-0000-0000-0000-000000000000}}, , {}, 0, 0, \"Disconnect Reason\", {}, \"Info\"\n",
            START + u64::from(n) * 900,
            2000 + n % 900
        )
    })
}

fn lines() -> Vec<u8> {
    pieces("EventTrace\n", |n| {
        let (minutes, seconds) = (n / 6000 % 60, n / 100 % 60);
        format!(
            "[{}]08FC.2CB4::2026/03/04-08:{minutes:02}:{seconds:02}.{n:09} [Microsoft-Windows-TCPIP]TCP: connection \
             (local=10.1.7.17:50123 remote=10.1.2.21:3389) connect proceeding, status 0xC0000236.\n",
            n % 8
        )
    })
}

fn freerdp() -> Vec<u8> {
    pieces("", |n| {
        let (minutes, seconds, parts) = (n / 60_000 % 60, n / 1000 % 60, n % 1000);
        let said = match n % 64 {
            0 => "freerdp_connect:freerdp_set_last_error_ex resetting error state",
            1 => "transport_write:freerdp_set_last_error_ex ERRCONNECT_CONNECT_TRANSPORT_FAILED [0x0002000D]",
            _ => "rdp_client_transition_to_state CONNECTION_STATE_INITIAL --> CONNECTION_STATE_NEGO",
        };
        format!(
            "[08:{minutes:02}:{seconds:02}:{parts:03}] [{}:25127] [DEBUG][com.freerdp.core] - {said}\n",
            4000 + n / 64
        )
    })
}

/// Packets of many connections, one in eight to the port of Remote Desktop.
fn capture() -> Vec<u8> {
    let mut out = Vec::new();
    for part in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 0x4_0000, 1] {
        out.extend(part.to_le_bytes());
    }
    for n in 0_u32.. {
        if out.len() >= BYTES {
            break;
        }
        let (payload, flow) = ([n as u8; 600], n / 16);
        let port: u16 = if flow % 8 == 0 { 3389 } else { 8080 };
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, 0]);
        frame.extend((40 + payload.len() as u16).to_be_bytes());
        frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0, 10, 1, (flow >> 8) as u8, flow as u8, 10, 1, 2, 21]);
        frame.extend((40_000 + (flow % 20_000) as u16).to_be_bytes());
        frame.extend(port.to_be_bytes());
        frame.extend((n % 16 * 600).to_be_bytes());
        frame.extend([0, 0, 0, 0, 0x50, if n % 16 == 0 { 2 } else { 0x10 }, 0x20, 0, 0, 0, 0, 0]);
        frame.extend(payload);
        for part in [1_772_611_200 + n / 1000, n % 1000 * 1000, frame.len() as u32, frame.len() as u32] {
            out.extend(part.to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

/// 2026-03-04T08:00:00Z
const START: u64 = 134_170_560_000_000_000;

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn event(provider: &str, id: u16, payload: Vec<u8>, items: Vec<(u16, Vec<u8>)>) -> What {
    let provider = Some(Guid::parse(provider).unwrap());
    What::Event(Event { provider, id, level: 4, keywords: 0x8000_0000_0000_0010, items, payload, ..Event::default() })
}

/// What a network trace of a client holds: mostly events that no signature wants, some that rules read.
fn busy_client() -> Vec<Record> {
    const KERNEL_NETWORK: &str = "7DD42A49-5329-4832-8DFD-43D979153A88";
    const TCPIP: &str = "2F07E2EE-15DB-40F1-90EF-9D7BA282188A";
    const CLIENT: &str = "28AA95BB-D444-4719-A36F-40462168127E";
    const OTHER: &str = "A1B2C3D4-0000-4000-8000-000000000001";
    let address = |port: u16| {
        let mut bytes = vec![16, 0, 0, 0, 2, 0];
        bytes.extend(port.to_be_bytes());
        bytes.extend([10, 1, 2, 21, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    };
    let schema = etl::schema("CacheLookup", &[("Key".to_owned(), 1, 0), ("Hits".to_owned(), 8, 0)]);
    let mut made = 0;
    let mut records = Vec::new();
    for n in 0_u32.. {
        let what = match n % 64 {
            0 => {
                let mut payload = [address(50_123), address(if n % 128 == 0 { 3389 } else { 443 })].concat();
                payload.extend([0; 20]);
                event(TCPIP, 1033, payload, Vec::new())
            }
            1 => event(CLIENT, 1102, [wide("ServerAddress"), wide("10.1.2.21"), wide("Info")].concat(), Vec::new()),
            2..=9 => What::Message(Guid([n as u8 % 7; 16]), n as u16 % 500, vec![n as u8; 48]),
            10..=19 => What::Perf(0x0F00, vec![n as u8; 24]),
            20..=29 => event(
                OTHER,
                0,
                [wide("a key of the cache"), vec![1, 0, 0, 0]].concat(),
                vec![(etl::SCHEMA, schema.clone())],
            ),
            30..=39 => event(TCPIP, 1300 + (n % 40) as u16, vec![n as u8; 60], Vec::new()),
            _ => event(KERNEL_NETWORK, 10, vec![n as u8; 48], Vec::new()),
        };
        let record = Record { ticks: START + u64::from(n) * 900, process: 4000 + n % 40, thread: 77, wide: true, what };
        made += record.bytes(0, 0).len().next_multiple_of(8);
        records.push(record);
        if made >= BYTES {
            break;
        }
    }
    records
}

fn read(found: &Discovery) -> u64 {
    let mut rows = 0;
    let options = Options { threads: 1, ..Options::default() };
    let done = scan::<Infallible>(&found.inputs, &SIGNATURES, &options, &mut |row| {
        divan::black_box(row);
        rows += 1;
        Ok(())
    });
    assert!(done.is_ok());
    rows
}

fn measure(bencher: Bencher<'_, '_>, found: &Discovery) {
    LazyLock::force(&SIGNATURES);
    let bytes: u64 = found.inputs.iter().map(|input| input.bytes).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| read(found));
}

#[divan::bench(max_time = 10)]
fn a_trace_is_read_one_thread(bencher: Bencher<'_, '_>) {
    measure(bencher, &TRACES.plain);
}

/// Bytes that it decompresses to.
#[divan::bench(max_time = 10)]
fn a_compressed_trace_is_read_one_thread(bencher: Bencher<'_, '_>) {
    LazyLock::force(&SIGNATURES);
    let bytes = TRACES.records;
    bencher.counter(BytesCount::new(bytes)).bench(|| read(&TRACES.compressed));
}

/// Text forms, and a capture of packets.
#[divan::bench(max_time = 5, args = ["event-xml", "tracerpt-csv", "trace-text", "freerdp-log", "pcap"])]
fn another_form_is_read_one_thread(bencher: Bencher<'_, '_>, form: &str) {
    if let Some((_, found)) = TRACES.texts.iter().find(|(name, _)| *name == form) {
        measure(bencher, found);
    }
}

/// Small files: opening them and the rows counts too.
#[divan::bench(max_time = 5)]
fn real_traces_are_read_one_thread(bencher: Bencher<'_, '_>) {
    let real: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("etl");
    let found = discover(&[real]);
    if !found.inputs.is_empty() {
        measure(bencher, &found);
    }
}
