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

/// Size of the generated trace, about.
const BYTES: usize = 64 << 20;

fn main() {
    divan::main();
}

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| Signatures::open(true, &[]).0);

struct Traces {
    /// The files go with it.
    _folder: TempDir,
    plain: Discovery,
    compressed: Discovery,
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
    Traces { plain: write("plain.etl", false), compressed: write("compressed.etl", true), _folder: folder }
});

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

/// Bytes of the file, not of what is made of them.
#[divan::bench(max_time = 10)]
fn a_compressed_trace_is_read_one_thread(bencher: Bencher<'_, '_>) {
    measure(bencher, &TRACES.compressed);
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
