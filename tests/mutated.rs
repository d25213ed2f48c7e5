//! Real and generated logs, mutated, through the whole program in process: nothing panics, hangs or
//! swells, and what the damage did not touch is still reported, as the crate `evtx` reads it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;
mod common;
#[path = "common/mutate.rs"]
mod mutate;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use evtx::{EvtxChunkData, ParserSettings};
use mutate::{CHUNK, HEADER, Mutator};
use whyrdp::correlate::{Request, correlate};
use whyrdp::event::{Damage, Event, Interest, Sink, Stamp};
use whyrdp::evidence::{Findings, Row};
use whyrdp::report;
use whyrdp::scan::{Options, scan};
use whyrdp::signature::Signatures;
use whyrdp::source::{self, discover};

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| Signatures::open(true, &[]).0);

/// Cases whose logs are mutated beside real ones.
const CASES: [&str; 4] = ["wrong-password", "brute-force-beside-success", "gw-target-unreachable", "clock-skew"];
/// Chunks, or bytes of a trace, that one mutated file has at most.
const PIECE: usize = 2;
const TRACE: usize = 256 << 10;

/// A part of a log that is a log of its own.
struct Piece {
    name: String,
    bytes: Vec<u8>,
    is_log: bool,
}

/// Logs and traces, each a few times, evenly over its length.
fn pieces(of_each: usize) -> Vec<Piece> {
    let mut files: Vec<PathBuf> = common::real_logs().iter().flat_map(|folder| common::files_below(folder)).collect();
    files.extend(common::unpacked("etl.tar.xz", "etl").iter().flat_map(|folder| common::files_below(folder)));
    let generated: Vec<_> = CASES.iter().map(|case| cases::logs(case)).collect();
    files.extend(generated.iter().flat_map(|folder| common::files_below(folder.path())));
    let mut pieces = Vec::new();
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let name = |at: usize| format!("{} at chunk {at}", file.file_name().unwrap().to_string_lossy());
        if bytes.starts_with(b"ElfFile\0") {
            let chunks: Vec<&[u8]> = bytes[HEADER..].chunks_exact(CHUNK).collect();
            let step = (chunks.len() / of_each).max(1);
            for at in (0..chunks.len()).step_by(step).take(of_each) {
                let mut piece = bytes[..HEADER].to_vec();
                chunks[at..].iter().take(PIECE).for_each(|chunk| piece.extend(*chunk));
                pieces.push(Piece { name: name(at), bytes: piece, is_log: true });
            }
        } else if file.extension().is_some_and(|ending| ending == "etl") {
            let bytes = bytes[..bytes.len().min(TRACE)].to_vec();
            pieces.push(Piece { name: name(0), bytes, is_log: false });
        }
    }
    pieces
}

/// Everything that a source tells, by the offset of the record.
#[derive(Default)]
struct Told {
    events: BTreeMap<u64, u64>,
    stamps: u64,
    text: usize,
}

impl Sink for Told {
    fn record(&mut self, _: &Stamp<'_>) {
        self.stamps += 1;
    }

    fn event(&mut self, event: &Event) {
        let mut hash = DefaultHasher::new();
        let system = &event.system;
        (system.record_id, system.event_id, system.time).hash(&mut hash);
        // Providers of a trace may be named by another record.
        if event.system.record_id.is_some() {
            (&system.provider, &system.computer, &system.channel).hash(&mut hash);
            event.fields().for_each(|field| field.hash(&mut hash));
        }
        let text: usize = event.fields().map(|(name, value)| name.len() + value.len()).sum();
        self.text = self.text.max(text);
        self.events.insert(event.origin.position.offset, hash.finish());
    }

    fn damage(&mut self, _: Damage) {}
}

fn told(path: &Path) -> Told {
    let mut told = Told::default();
    let found = discover(&[path.to_owned()]);
    let Some(Ok(log)) = found.inputs.first().map(source::open) else { return told };
    (0..log.blocks()).for_each(|block| log.read(block, &Interest::everything(), &mut told));
    told
}

/// The whole program: rows, report, the report in words and for programs.
fn analysed(path: &Path) -> Result<(), String> {
    let found = discover(&[path.to_owned()]);
    let mut findings = Findings::default();
    let options = Options { threads: 1, ..Options::default() };
    let done = scan::<Infallible>(&found.inputs, &SIGNATURES, &options, &mut |row| {
        findings.add(row);
        Ok(())
    });
    assert!(done.is_ok());
    if let Some(bug) = findings.problems.iter().find(|problem| problem.what.contains("a bug in whyrdp")) {
        return Err(bug.what.to_string());
    }
    let rows = findings.evidence.values().map(|row| Row::Evidence(row.clone()));
    if let Some(row) = rows.map(|row| whyrdp::evidence::write_row(&row, "x").unwrap()).find(|row| row.len() > 64 << 10)
    {
        return Err(format!("a row of {} bytes", row.len()));
    }
    let made = correlate(&findings, &SIGNATURES, &Request::default());
    for format in report::FORMATS.iter().filter(|format| matches!(format.name, "text" | "json")) {
        (format.write)(&made, &mut std::io::sink(), &report::Options::default()).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// A record as the crate `evtx` reads it: its bytes, and a hash of its XML.
struct Reference {
    at: usize,
    size: usize,
    xml: u64,
}

/// Records of a chunk that the crate reads, in the order in which it comes to them.
fn reference(chunk: &[u8]) -> Vec<Reference> {
    let quiet = std::panic::catch_unwind(|| {
        let mut read = Vec::new();
        let Ok(mut data) = EvtxChunkData::new(chunk.to_vec(), false) else { return read };
        let settings = Arc::new(ParserSettings::new().indent(false));
        let Ok(mut parsed) = data.parse(settings) else { return read };
        for record in parsed.iter().filter_map(Result::ok) {
            let at = record.binxml_offset as usize - 24;
            let size = u32::from_le_bytes(chunk[at + 4..at + 8].try_into().unwrap()) as usize;
            if let Ok(xml) = record.into_xml() {
                let mut hash = DefaultHasher::new();
                xml.data.hash(&mut hash);
                read.push(Reference { at, size, xml: hash.finish() });
            }
        }
        read
    });
    quiet.unwrap_or_default()
}

/// Where the templates lie that a record may name. What looks like a use of one counts as one.
fn templates(chunk: &[u8], record: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let number = |at: usize| Some(u32::from_le_bytes(chunk.get(at..at + 4)?.try_into().ok()?) as usize);
    record.filter_map(move |at| {
        let is_use = chunk.get(at..at + 2) == Some(&[0x0C, 1]);
        let start = number(at + 6).filter(|start| is_use && *start < CHUNK)?;
        Some(start..(start + 24).saturating_add(number(start + 20)?).min(CHUNK))
    })
}

/// What must still be told of a mutated file: offset, and hash of the event.
fn untouched_log(whole: &[u8], known: &[(usize, Vec<Reference>)], before: &Told, mutated: &[u8]) -> Vec<(u64, u64)> {
    let mut kept = Vec::new();
    for (start, records) in known {
        let (Some(was), Some(is)) = (whole.get(*start..start + CHUNK), mutated.get(*start..start + CHUNK)) else {
            continue;
        };
        // The chunk's header holds the tables of names and templates.
        if was[..512] != is[..512] {
            continue;
        }
        let still = reference(is);
        for record in records {
            let span = record.at..record.at + record.size;
            let same = was.get(span.clone()) == is.get(span.clone())
                && templates(was, span).all(|template| was.get(template.clone()) == is.get(template));
            let read = still.iter().any(|still| still.at == record.at && still.xml == record.xml);
            let offset = (*start + record.at) as u64;
            if let Some(hash) = before.events.get(&offset).filter(|_| same && read) {
                kept.push((offset, *hash));
            }
        }
    }
    kept
}

/// Records of buffers that are as they were, as all before them.
fn untouched_trace(whole: &[u8], before: &Told, mutated: &[u8]) -> Vec<(u64, u64)> {
    let touched = whole.iter().zip(mutated).position(|(was, is)| was != is).unwrap_or(whole.len().min(mutated.len()));
    let (mut at, mut end) = (0, 0);
    while let Some(size) = whole.get(at..at + 4) {
        at += u32::from_le_bytes(size.try_into().unwrap()) as usize;
        if at == end || at > touched {
            break;
        }
        end = at;
    }
    before.events.iter().filter(|(offset, _)| **offset < end as u64).map(|(offset, hash)| (*offset, *hash)).collect()
}

/// What a run did.
#[derive(Default, Debug)]
struct Done {
    files: u64,
    kept: u64,
    slowest: Duration,
    wrong: Vec<String>,
}

/// Mutates every piece so many times. What is wrong is told with the seed that makes it again. How long it takes is
/// looked at only where a clock is given: on a machine that does other things too it tells nothing.
fn run(pieces: &[Piece], of_each: u64, first_seed: u64, clock: Option<&Clock>) -> Done {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = folder.path().join("mutated");
    let mut done = Done::default();
    for (number, piece) in pieces.iter().enumerate() {
        fs::write(&path, &piece.bytes).unwrap();
        let before = told(&path);
        let starts = (HEADER..piece.bytes.len()).step_by(CHUNK).filter(|_| piece.is_log);
        let known: Vec<_> =
            starts.map(|at| (at, reference(piece.bytes.get(at..at + CHUNK).unwrap_or_default()))).collect();
        for seed in (first_seed..).take(usize::try_from(of_each).unwrap()) {
            let other = &pieces[(number + seed as usize) % pieces.len()].bytes;
            let mutated = Mutator::new(seed ^ (number as u64) << 32).mutate(&piece.bytes, other, piece.is_log);
            fs::write(&path, &mutated).unwrap();
            let result = match clock {
                Some(clock) => clock.timed(&mut done.slowest, || analysed(&path)),
                None => analysed(&path),
            };
            done.files += 1;
            let wrong = |what: String| format!("{} (piece {number}), seed {seed}: {what}", piece.name);
            if let Err(what) = result {
                done.wrong.push(wrong(what));
            }
            let after = told(&path);
            if after.text > 2 << 20 {
                done.wrong.push(wrong(format!("{} bytes of text in one record", after.text)));
            }
            let kept = match piece.is_log {
                true => untouched_log(&piece.bytes, &known, &before, &mutated),
                false => untouched_trace(&piece.bytes, &before, &mutated),
            };
            done.kept += kept.len() as u64;
            let lost = kept.iter().find(|(offset, hash)| after.events.get(offset) != Some(hash));
            if let Some((offset, _)) = lost {
                let how = if after.events.contains_key(offset) { "reads otherwise" } else { "is missing" };
                done.wrong.push(wrong(format!("the untouched record at byte {offset} {how}")));
            }
        }
    }
    done
}

fn now() -> u64 {
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    std::time::SystemTime::now().duration_since(epoch).unwrap().as_secs()
}

/// Takes the time of each file, and ends the process where one takes a minute: a hang would never be told otherwise.
struct Clock {
    /// When the file at hand was begun, in seconds; 0 between files.
    begun: Arc<AtomicU64>,
}

impl Clock {
    fn watched() -> Self {
        let begun = Arc::new(AtomicU64::new(0));
        let watched = begun.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(5));
                let since = watched.load(Ordering::Relaxed);
                if since != 0 && now() > since + 60 {
                    eprintln!("a mutated file hangs");
                    std::process::abort();
                }
            }
        });
        Clock { begun }
    }

    /// Does it up to three times: a machine that is busy elsewhere takes its time once, a hang every time.
    fn timed<T>(&self, slowest: &mut Duration, work: impl Fn() -> T) -> T {
        self.begun.store(now(), Ordering::Relaxed);
        let mut took = Duration::MAX;
        let mut again = 3;
        let done = loop {
            let start = Instant::now();
            let done = work();
            took = took.min(start.elapsed());
            again -= 1;
            if took < Duration::from_secs(1) || again == 0 {
                break done;
            }
        };
        self.begun.store(0, Ordering::Relaxed);
        *slowest = took.max(*slowest);
        done
    }
}

/// Most memory that this process ever had, in MiB, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Writes one mutated file beside what it was made of, and says what the damage changed.
fn show(pieces: &[Piece], number: usize, seed: u64) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let piece = &pieces[number];
    let other = &pieces[(number + usize::try_from(seed).unwrap()) % pieces.len()].bytes;
    let mutated = Mutator::new(seed ^ (number as u64) << 32).mutate(&piece.bytes, other, piece.is_log);
    for (name, bytes) in [("before", &piece.bytes), ("after", &mutated)] {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        println!("{name}: {}", path.display());
    }
    let touched = piece.bytes.iter().zip(&mutated).enumerate().filter(|(_, (was, is))| was != is);
    println!("{}: {:?}", piece.name, touched.map(|(at, (was, is))| (at, *was, *is)).take(200).collect::<Vec<_>>());
}

#[test]
fn some_mutated_files_break_nothing() {
    let pieces = pieces(1);
    let every =
        pieces.into_iter().enumerate().filter(|(at, _)| at % 2 == 0).map(|(_, piece)| piece).collect::<Vec<_>>();
    let done = run(&every, 3, 0, None);
    assert!(done.wrong.is_empty(), "{}", done.wrong.join("\n"));
    assert!(done.files > 10 && done.kept > 100, "{done:?}");
}

/// `MUTATIONS` files, `SEED` for others than last time; with `PIECE` that one alone, to see again what was wrong.
#[test]
#[ignore = "takes long: .ci/extra"]
fn very_many_mutated_files_break_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let pieces = pieces(4);
    if let (Some(piece), Some(seed)) = (number("PIECE"), number("SEED")) {
        return show(&pieces, usize::try_from(piece).unwrap(), seed);
    }
    let of_each = number("MUTATIONS").unwrap_or(20_000).div_ceil(pieces.len() as u64);
    let done = run(&pieces, of_each, number("SEED").unwrap_or(1000), Some(&Clock::watched()));
    println!(
        "{} pieces, {} mutated files, {} untouched records still told, slowest {:?}, peak {:?} MiB",
        pieces.len(),
        done.files,
        done.kept,
        done.slowest,
        peak_mib()
    );
    assert!(done.wrong.is_empty(), "{} wrong:\n{}", done.wrong.len(), done.wrong.join("\n"));
    assert!(done.slowest < Duration::from_secs(2), "a file takes {:?}", done.slowest);
    assert!(peak_mib().is_none_or(|peak| peak < 512), "{:?} MiB", peak_mib());
}
