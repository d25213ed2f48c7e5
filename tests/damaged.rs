//! Logs of which a part is gone or made unreadable on purpose: nothing is lost without a word, and no absence is argued.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/cases.rs"]
mod cases;

use std::fs;
use std::path::Path;

use serde_json::Value;

const CHUNK: usize = 0x1_0000;
const FIRST: usize = 0x1000;

/// The rows of one log, and what was said of it.
fn scanned(log: &Path) -> (Vec<Value>, String) {
    let output = assert_cmd::Command::cargo_bin("whyrdp").unwrap().arg("scan").arg(log).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let rows = String::from_utf8(output.stdout).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (rows, String::from_utf8(output.stderr).unwrap())
}

fn of<'r>(rows: &'r [Value], kind: &str) -> Vec<&'r Value> {
    rows.iter().filter(|row| row["row"] == kind).collect()
}

fn ids(rows: &[Value]) -> Vec<(u64, u64)> {
    let runs = of(rows, "coverage").into_iter().flat_map(|row| row["runs"].as_array().unwrap());
    runs.map(|run| (run["first_id"].as_u64().unwrap(), run["last_id"].as_u64().unwrap())).collect()
}

/// A log of more than one chunk, in a folder that vanishes with the value.
fn log() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let folder = cases::logs("wrong-password");
    let name = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS%4Operational.evtx";
    let log = folder.path().join("RDS01").join(name);
    let bytes = fs::read(&log).unwrap();
    (folder, log, bytes)
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    bytes[at..at + what.len()].copy_from_slice(what);
}

/// Makes the checksum of the first chunk's header fit it again.
fn seal(bytes: &mut [u8]) {
    let chunk = &bytes[FIRST..FIRST + CHUNK];
    let sum = evtx::checksum_ieee(&[&chunk[..120], &chunk[128..512]].concat());
    put(bytes, FIRST + 124, &sum.to_le_bytes());
}

#[test]
fn a_chunk_of_zeros_that_the_file_counts_is_told() {
    let (_folder, path, whole) = log();
    let chunks = (whole.len() - FIRST) / CHUNK;
    assert!(of(&scanned(&path).0, "problem").is_empty());
    for n in 0..chunks {
        let mut bytes = whole.clone();
        bytes[FIRST + n * CHUNK..FIRST + (n + 1) * CHUNK].fill(0);
        fs::write(&path, &bytes).unwrap();
        let (rows, said) = scanned(&path);
        let problems = of(&rows, "problem");
        assert!(problems.len() == 1 && problems[0]["lost"] == true, "{problems:?}");
        assert_eq!(problems[0]["offset"], FIRST + n * CHUNK);
        assert!(said.contains("a chunk of zeros"), "{said}");
    }
    // What a log grew by ahead is counted by nobody.
    let mut bytes = whole.clone();
    bytes.resize(whole.len() + CHUNK, 0);
    fs::write(&path, &bytes).unwrap();
    assert!(of(&scanned(&path).0, "problem").is_empty());
}

#[test]
fn the_header_of_a_chunk_hides_no_record() {
    let (_folder, path, whole) = log();
    let all = ids(&scanned(&path).0);
    // Its last id; the end of its records.
    let nothing = [0x200_u32.to_le_bytes(), [0; 4]].concat();
    let fewer: [(usize, &[u8]); 2] = [(FIRST + 0x20, &3_u64.to_le_bytes()), (FIRST + 0x30, &nothing)];
    for (at, what) in fewer {
        let mut bytes = whole.clone();
        put(&mut bytes, at, what);
        seal(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let (rows, _) = scanned(&path);
        assert_eq!(ids(&rows), all, "{at:#x}");
    }
    // A header that names more than there is.
    let mut bytes = whole.clone();
    put(&mut bytes, FIRST + 0x20, &60_000_u64.to_le_bytes());
    seal(&mut bytes);
    fs::write(&path, &bytes).unwrap();
    let (rows, said) = scanned(&path);
    assert_eq!(ids(&rows), all);
    assert!(said.contains("names records up to 60000, which are not here"), "{said}");
}

#[test]
fn a_record_that_takes_the_last_id_ends_nothing() {
    let (_folder, path, whole) = log();
    let (rows, _) = scanned(&path);
    let last = u64::from_le_bytes(whole[FIRST + 0x20..FIRST + 0x28].try_into().unwrap());
    let mut bytes = whole.clone();
    put(&mut bytes, FIRST + 0x200 + 8, &last.to_le_bytes());
    let free = u32::from_le_bytes(whole[FIRST + 0x30..FIRST + 0x34].try_into().unwrap()) as usize;
    let sum = evtx::checksum_ieee(&bytes[FIRST + 0x200..FIRST + free]);
    put(&mut bytes, FIRST + 0x34, &sum.to_le_bytes());
    seal(&mut bytes);
    fs::write(&path, &bytes).unwrap();
    let records = |rows: &[Value]| of(rows, "input")[0]["records"].clone();
    assert_eq!(records(&scanned(&path).0), records(&rows));
}

#[test]
fn a_damaged_log_says_from_where_on_records_may_be_gone() {
    let (_folder, path, whole) = log();
    let torn = |rows: &[Value]| of(rows, "coverage").iter().map(|row| row["torn"].clone()).collect::<Vec<_>>();
    assert_eq!(torn(&scanned(&path).0), [Value::Null]);
    fs::write(&path, &whole[..whole.len() - CHUNK]).unwrap();
    let (rows, _) = scanned(&path);
    assert_eq!(torn(&rows), [Value::from(ids(&rows)[0].1)]);
}
