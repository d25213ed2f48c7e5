//! Large logs to measure with, and the least that any reader of them must do: `scripts/bench` runs it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use whyrdp::source::{Aligned, map};

const HEADER: usize = 0x1000;
const CHUNK: usize = 0x1_0000;
/// What one read takes: as much as a scan reads at once.
const BLOCK: usize = 8 * CHUNK;
const USAGE: &str = "\
bytes make MEGABYTES OUT FOLDER...   a log of so many megabytes, of the chunks of all logs below the folders
bytes read THREADS LOG               reads it in blocks
bytes crc THREADS LOG                reads it in blocks and sums them up
bytes walk THREADS LOG               reads it in blocks and goes from record to record
bytes walk-mapped THREADS LOG        goes from record to record in a memory map";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["make", megabytes, out, ref folders @ ..] if !folders.is_empty() => {
            make(megabytes.parse().unwrap(), Path::new(out), folders);
        }
        [how, threads, log] => println!("{}", pass(how, threads.parse().unwrap(), Path::new(log))),
        _ => {
            eprintln!("{USAGE}");
            std::process::exit(2);
        }
    }
}

/// Writes whole chunks, over and over, behind the header of the first log. As in a log of that size, a chunk is
/// followed by another one of its computer and channel where its log has more. Where there are more than fit, they are
/// taken at even distances, so that a small log is of the same kind.
fn make(megabytes: usize, out: &Path, folders: &[&str]) {
    let mut logs = Vec::new();
    let mut below: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(path) = below.pop() {
        if path.is_dir() {
            let mut inner: Vec<PathBuf> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
            inner.sort();
            below.extend(inner.into_iter().rev());
        } else if path.extension().is_some_and(|ending| ending == "evtx") {
            logs.push(fs::read(&path).unwrap());
        }
    }
    let header = logs.iter().find_map(|log| log.get(..HEADER)).unwrap().to_vec();
    let chunks: Vec<&[u8]> =
        logs.iter().filter_map(|log| log.get(HEADER..)).flat_map(|log| log.chunks_exact(CHUNK)).collect();
    let chunks: Vec<&[u8]> = chunks.into_iter().filter(|chunk| chunk.starts_with(b"ElfChnk\0")).collect();
    let mut file = BufWriter::with_capacity(BLOCK, File::create(out).unwrap());
    file.write_all(&header).unwrap();
    let count = (megabytes << 20).div_ceil(CHUNK);
    let spread = chunks.len().max(count);
    (0..count).for_each(|n| file.write_all(chunks[n * spread / count % chunks.len()]).unwrap());
    file.into_inner().unwrap().sync_all().unwrap();
    println!("{count} chunks, {} different ones of {} logs", chunks.len(), logs.len());
}

/// Shares the blocks of a log between threads. What each adds up is told, so that no pass is left out.
fn pass(how: &str, threads: usize, log: &Path) -> u64 {
    let bytes = fs::metadata(log).unwrap().len();
    let next = AtomicU64::new(HEADER as u64);
    let sum = AtomicU64::new(0);
    let map = (how == "walk-mapped").then(|| map(log).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut file = File::open(log).unwrap();
                let mut buffer = Aligned::new();
                loop {
                    let at = next.fetch_add(BLOCK as u64, Ordering::Relaxed);
                    if at >= bytes {
                        break;
                    }
                    let block = at..bytes.min(at + BLOCK as u64);
                    let bytes = match &map {
                        Some(map) => &map[usize::try_from(block.start).unwrap()..usize::try_from(block.end).unwrap()],
                        None => read(&mut file, buffer.room(BLOCK), block).unwrap(),
                    };
                    let found = match how {
                        "read" => u64::from(bytes[0]),
                        "crc" => u64::from(crc32fast::hash(bytes)),
                        "walk" | "walk-mapped" => bytes.chunks(CHUNK).map(walk).sum(),
                        _ => panic!("{USAGE}"),
                    };
                    sum.fetch_add(found, Ordering::Relaxed);
                }
            });
        }
    });
    sum.into_inner()
}

fn read<'a>(file: &mut File, buffer: &'a mut [u8], block: Range<u64>) -> io::Result<&'a [u8]> {
    let bytes = &mut buffer[..usize::try_from(block.end - block.start).unwrap()];
    file.seek(SeekFrom::Start(block.start))?;
    file.read_exact(bytes)?;
    Ok(bytes)
}

/// Records of a chunk, by the sizes in their headers.
fn walk(chunk: &[u8]) -> u64 {
    let mut records = 0;
    let mut at = 0x200;
    while let Some([b'*', b'*', 0, 0, a, b, c, d]) = chunk.get(at..at + 8) {
        records += 1;
        at += u32::from_le_bytes([*a, *b, *c, *d]).max(8) as usize;
    }
    records
}
