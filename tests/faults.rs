//! What goes wrong around the logs: files that change meanwhile, disks that are full, signals, odd names.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;
mod common;

use std::cell::Cell;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use common::trace::{Logged, Trace, after};
use whyrdp::evidence::{InputFacts, Problem, Row};
use whyrdp::scan::{Options, Totals, scan};
use whyrdp::signature::Signatures;
use whyrdp::source::discover;

const CASE: &str = "wrong-password";
const CHUNK: u64 = 65_536;
const HEADER: u64 = 4096;

/// The largest log of a case, in a folder that goes with it.
fn a_log() -> (tempfile::TempDir, PathBuf) {
    let folder = cases::logs(CASE);
    let logs = common::files_below(folder.path());
    let log = logs.into_iter().filter(|file| file.extension().is_some_and(|e| e == "evtx"));
    let log = log.max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    (folder, log)
}

/// A log of many chunks: those of a real case again and again.
fn long_log(at: &Path, chunks: u64) {
    let (_folder, log) = a_log();
    let bytes = fs::read(log).unwrap();
    let (head, chunk) = (&bytes[..HEADER as usize], &bytes[HEADER as usize..(HEADER + CHUNK) as usize]);
    let mut out = std::io::BufWriter::new(File::create(at).unwrap());
    out.write_all(head).unwrap();
    (0..chunks).for_each(|_| out.write_all(chunk).unwrap());
}

fn signatures() -> Signatures {
    Signatures::open(true, &[]).0
}

/// Scans what was found, and does something once, after the first batch of blocks.
fn scanned(path: &Path, stop: &dyn Fn() -> bool, meanwhile: &dyn Fn()) -> (Totals, Vec<Row>) {
    let found = discover(&[path.to_owned()]);
    let done = Cell::new(false);
    let progress = |_| {
        if !done.replace(true) {
            meanwhile();
        }
    };
    let mut rows = Vec::new();
    let options = Options { threads: 1, progress: &progress, hash: false, stop, ..Options::default() };
    let totals = scan::<Infallible>(&found.inputs, &signatures(), &options, &mut |row| {
        rows.push(row);
        Ok(())
    });
    (totals.unwrap(), rows)
}

fn problems(rows: &[Row]) -> Vec<&Problem> {
    rows.iter().filter_map(|row| if let Row::Problem(problem) = row { Some(problem) } else { None }).collect()
}

fn inputs(rows: &[Row]) -> Vec<&InputFacts> {
    rows.iter().filter_map(|row| if let Row::Input(input) = row { Some(input) } else { None }).collect()
}

fn resize(path: &Path, bytes: u64) {
    File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

/// Chunks of more than one batch of blocks.
const MANY: u64 = 200;

#[test]
fn a_log_cut_while_it_is_read_keeps_what_was_read_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.evtx");
    long_log(&log, MANY);
    let whole = scanned(&log, &|| false, &|| ()).0;
    let (cut, rows) = scanned(&log, &|| false, &|| resize(&log, HEADER + MANY * 80 / 100 * CHUNK));
    assert!(cut.records >= whole.records * 80 / 100 && cut.records < whole.records, "{cut:?} of {whole:?}");
    let said = problems(&rows);
    assert!(said.iter().any(|problem| problem.lost && problem.what.contains("became shorter while it was read")));
    assert!(said.iter().any(|problem| problem.what.contains("its size went from")), "{said:?}");
    assert_eq!(inputs(&rows).len(), 1);
}

#[test]
fn a_log_cut_between_two_chunks_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.evtx");
    long_log(&log, 3);
    let mut bytes = fs::read(&log).unwrap();
    bytes[42..44].copy_from_slice(&10u16.to_le_bytes());
    let checksum = evtx::checksum_ieee(&bytes[..120]);
    bytes[124..128].copy_from_slice(&checksum.to_le_bytes());
    let said = |bytes: &[u8]| {
        fs::write(&log, bytes).unwrap();
        let rows = scanned(&log, &|| false, &|| ()).1;
        let cut = |problem: &&&Problem| problem.lost && problem.what.contains("counts 10 chunks, 3 are here");
        problems(&rows).iter().filter(cut).count()
    };
    assert_eq!(said(&bytes), 1);
    // A log that was not closed counts fewer than it has; a header that is damaged counts nothing.
    bytes[124] ^= 1;
    assert_eq!(said(&bytes), 0);
}

#[test]
fn a_trace_cut_while_it_is_read_is_a_row_and_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.etl");
    let event =
        Logged { provider: "1139C61B-B549-4251-8ED3-27250A1EDEC8", id: 261, raw: after(1), ..Logged::default() };
    // Each buffer has 8 KiB, a batch of blocks 16 MiB.
    let trace = (0..4000).fold(Trace::default(), |trace, _| trace.buffer(&[event.bytes()]));
    fs::write(&path, trace.bytes()).unwrap();
    let whole = scanned(&path, &|| false, &|| ()).0;
    let (cut, rows) = scanned(&path, &|| false, &|| resize(&path, 20 << 20));
    assert!(cut.records > 2000 && cut.records < whole.records, "{cut:?} of {whole:?}");
    assert!(problems(&rows).iter().any(|problem| problem.lost && problem.what.contains("became shorter")));
}

#[test]
fn a_log_that_grows_while_it_is_read_is_read_as_it_was_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.evtx");
    long_log(&log, MANY);
    let before = scanned(&log, &|| false, &|| ()).0;
    let longer = fs::read(&log).unwrap()[HEADER as usize..].to_vec();
    let grow = || File::options().append(true).open(&log).unwrap().write_all(&longer).unwrap();
    let (after, rows) = scanned(&log, &|| false, &grow);
    assert_eq!(after.records, before.records);
    let said = problems(&rows);
    assert!(matches!(said[..], [one] if !one.lost && one.what.contains("its size went from")), "{said:?}");
}

#[test]
fn a_log_rewritten_while_it_is_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.evtx");
    long_log(&log, MANY);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    let rewrite = || {
        let file = File::options().write(true).open(&log).unwrap();
        file.set_modified(later).unwrap();
    };
    let (totals, rows) = scanned(&log, &|| false, &rewrite);
    assert!(totals.records > 0);
    assert!(matches!(problems(&rows)[..], [one] if !one.lost && one.what.contains("something wrote to it")));
}

#[test]
fn a_scan_that_is_stopped_tells_every_input_that_it_did_not_finish() {
    let folder = tempfile::tempdir().unwrap();
    let logs: Vec<PathBuf> = ["a", "b", "c"].iter().map(|name| folder.path().join(format!("{name}.evtx"))).collect();
    logs.iter().for_each(|log| long_log(log, MANY));
    let stopped = Cell::new(false);
    let (totals, rows) = scanned(folder.path(), &|| stopped.get(), &|| stopped.set(true));
    assert!(totals.stopped && totals.records > 0 && totals.unreadable == 2, "{totals:?}");
    let said: Vec<_> = problems(&rows).iter().map(|problem| (problem.lost, &*problem.what)).collect();
    assert!(
        matches!(said[..], [(true, begun), (true, second), (true, third)]
        if begun.contains("blocks of it were read") && second.contains("not read") && third.contains("not read")),
        "{said:?}"
    );
    assert_eq!(inputs(&rows).len(), 3);
    assert!(rows.iter().any(|row| matches!(row, Row::Coverage { .. })), "what was read has its coverage");
    // Stopped before anything: nothing is read, and all is told.
    let (totals, rows) = scanned(folder.path(), &|| true, &|| ());
    assert_eq!((totals.records, totals.unreadable, problems(&rows).len()), (0, 3, 3));
}

#[test]
fn a_sparse_log_ends_where_its_chunks_end() {
    let (_folder, log) = a_log();
    let whole = scanned(&log, &|| false, &|| ());
    resize(&log, HEADER + 512 * CHUNK);
    let sparse = scanned(&log, &|| false, &|| ());
    assert_eq!(sparse.0.records, whole.0.records);
    assert!(problems(&sparse.1).is_empty(), "{:?}", problems(&sparse.1));
}

fn many_small_files(count: usize) {
    let (_folder, log) = a_log();
    let small = fs::read(&log).unwrap()[..(HEADER + CHUNK) as usize].to_vec();
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("0.evtx");
    fs::write(&first, small).unwrap();
    for number in 1..count {
        let below = folder.path().join(format!("{}", number / 1000));
        // All but some are as short as a log can be: the number is what is tried here.
        let bytes = if number % 100 == 1 { fs::read(&first).unwrap() } else { b"ElfFile\0".to_vec() };
        fs::create_dir_all(&below).unwrap();
        fs::write(below.join(format!("{number}.evtx")), bytes).unwrap();
    }
    let (totals, rows) = scanned(folder.path(), &|| false, &|| ());
    let whole = 1 + (count - 2) / 100 + 1;
    assert_eq!(totals.inputs, count as u64);
    assert_eq!(totals.unreadable, (count - whole) as u64);
    assert_eq!(inputs(&rows).len(), count);
}

#[test]
fn many_small_files_are_all_read() {
    many_small_files(500);
}

#[test]
#[ignore = "writes a hundred thousand files: .ci/extra"]
fn a_hundred_thousand_small_files_are_all_read() {
    many_small_files(100_000);
}
