//! What the targets share: bytes go through a file, as they do in the program.
#![allow(missing_docs)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use whyrdp::event::{Damage, Event, Guid, Interest, Sink, Stamp, Sum, System, Time};
use whyrdp::signature::Signatures;
use whyrdp::source::{self, Aids, Input};

#[path = "../../tests/common/wire.rs"]
pub mod wire;

/// Most text of one record, as docs/limits.md has it, and what names and the System part may add.
const MOST_TEXT: usize = 4 << 20;

/// What the built-in signatures want.
static WANTED: LazyLock<Interest> = LazyLock::new(|| Signatures::open(true, &[]).0.interest().clone());

thread_local! {
    static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

/// A file of this name with these bytes; the next one of the name replaces it.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.with_borrow_mut(|folder| {
        let made = || tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        folder.get_or_insert_with(made).path().join(name)
    });
    fs::write(&path, bytes).unwrap();
    path
}

/// Where [`file`] writes.
pub fn folder(path: &Path) -> &Path {
    path.parent().unwrap()
}

/// What a source told.
#[derive(Default, PartialEq, Debug)]
pub struct Told {
    pub records: u64,
    pub events: u64,
    pub text: usize,
    pub damage: u64,
    /// Places of damage at which something was lost.
    pub lost: u64,
    /// What the last event says of itself.
    pub last: System,
    sums: Sums,
}

/// What records come to, told one by one or in sums.
#[derive(Default, PartialEq, Debug)]
struct Sums {
    are_asked_for: bool,
    providers: BTreeMap<(String, Option<Guid>), u64>,
    /// By computer and channel: the least and the highest id and time.
    channels: BTreeMap<(String, String), ((u64, u64), (Time, Time))>,
}

impl Sums {
    fn channel(&mut self, computer: &str, channel: &str, ids: (u64, u64), times: (Time, Time)) {
        let known = self.channels.entry((computer.to_owned(), channel.to_owned())).or_insert((ids, times));
        known.0 = (known.0.0.min(ids.0), known.0.1.max(ids.1));
        known.1 = (known.1.0.min(times.0), known.1.1.max(times.1));
    }
}

impl Sink for Told {
    fn record(&mut self, stamp: &Stamp<'_>) {
        self.records += 1;
        self.text += stamp.provider.len() + stamp.computer.len() + stamp.channel.len();
        *self.sums.providers.entry((stamp.provider.to_owned(), stamp.provider_guid)).or_default() += 1;
        if let (Some(id), Some(time)) = (stamp.record_id, stamp.time) {
            self.sums.channel(stamp.computer, stamp.channel, (id, id), (time, time));
        }
    }

    fn takes_sums(&self) -> bool {
        self.sums.are_asked_for
    }

    fn sum(&mut self, sum: Sum<'_>) {
        match sum {
            Sum::Provider { name, guid, records } => {
                assert!(records > 0);
                self.records += records;
                *self.sums.providers.entry((name.to_owned(), guid)).or_default() += records;
            }
            Sum::Channel { computer, channel, ids, times, .. } => {
                assert!(ids.0 <= ids.1 && times.0 <= times.1);
                self.sums.channel(computer, channel, ids, times);
            }
        }
    }

    fn event(&mut self, event: &Event) {
        self.events += 1;
        let text: usize = event.fields().map(|(name, value)| name.len() + value.len()).sum();
        assert!(text <= MOST_TEXT, "{text} bytes of text in one record");
        self.text += text;
        self.last.clone_from(&event.system);
    }

    fn damage(&mut self, damage: Damage) {
        assert!(!damage.what.is_empty() && damage.what.len() < 4096);
        self.damage += 1;
        self.lost += u64::from(damage.lost);
    }
}

/// [`read_with`] nothing known beside the file.
pub fn read(bytes: &[u8], format: &'static str) -> Option<Told> {
    read_with(bytes, format, &Aids::default())
}

/// Reads bytes as a file of this format: without wishes, as the signatures wish, and for everything.
pub fn read_with(bytes: &[u8], format: &'static str, aids: &Aids) -> Option<Told> {
    let input = Input { path: file("input", bytes), name: "input".to_owned(), format, bytes: bytes.len() as u64 };
    let log = source::open_with(&input, aids).ok()?;
    let interests = [&Interest::default(), &*WANTED, &Interest::everything()];
    let read = |interest: &Interest, are_asked_for| {
        let mut told = Told { sums: Sums { are_asked_for, ..Sums::default() }, ..Told::default() };
        (0..log.blocks()).for_each(|block| log.read(block, interest, &mut told));
        told
    };
    let [none, wanted, all] = interests.map(|interest| read(interest, false));
    let counts = [none.records, wanted.records];
    assert_eq!(counts, [all.records; 2], "what is wanted changes what is counted");
    let summed = read(&WANTED, true);
    assert_eq!(summed.records, wanted.records, "sums change what is counted");
    let both = [&summed.sums, &wanted.sums].map(|sums| (&sums.providers, &sums.channels));
    assert_eq!(both[0], both[1], "sums do not come to what the records come to");
    log.damage();
    Some(all)
}

/// A file of event logs with one chunk that has this record, templates and all.
pub fn log_with(binxml: &[u8]) -> Vec<u8> {
    let binxml = &binxml[..binxml.len().min(60_000)];
    let mut file = vec![0; 4096];
    file[..8].copy_from_slice(b"ElfFile\0");
    let size = (24 + binxml.len() + 4).next_multiple_of(8) as u32;
    let mut chunk = vec![0; 512];
    chunk[..8].copy_from_slice(b"ElfChnk\0");
    for (at, value) in [(8, 1u64), (16, 1), (24, 1), (32, 1)] {
        chunk[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    for (at, value) in [(40, 128u32), (44, 512), (48, 512 + size)] {
        chunk[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    chunk.extend(b"**\0\0");
    chunk.extend(size.to_le_bytes());
    chunk.extend(1u64.to_le_bytes());
    chunk.extend(132_000_000_000_000_000u64.to_le_bytes());
    chunk.extend(binxml);
    chunk.resize(512 + size as usize - 4, 0);
    chunk.extend(size.to_le_bytes());
    chunk.resize(65_536, 0);
    file.extend(chunk);
    file
}

const BUFFER: usize = 0x2000;

/// A buffer of a trace whose data ends there once it is unfolded.
fn buffer(data: &[u8], end: usize, compressed: bool) -> Vec<u8> {
    let mut buffer = [&[0; 0x48], data].concat();
    if !compressed {
        buffer.resize(BUFFER, 0xFF);
    }
    let size = buffer.len() as u32;
    buffer[..4].copy_from_slice(&size.to_le_bytes());
    buffer[0x30..0x34].copy_from_slice(&((0x48 + end) as u32).to_le_bytes());
    buffer[0x34..0x36].copy_from_slice(&if compressed { 0x60u16 } else { 0x20 }.to_le_bytes());
    buffer
}

/// A trace: the session's header, which is never compressed, then buffers as they come.
pub fn trace(mode: u32, buffers: &[(Vec<u8>, usize)]) -> Vec<u8> {
    let mut head = vec![0; 0x200];
    head[..4].copy_from_slice(&0xC002_0002u32.to_le_bytes());
    head[4..6].copy_from_slice(&0x200u16.to_le_bytes());
    let header = &mut head[0x20..];
    header[..4].copy_from_slice(&(BUFFER as u32).to_le_bytes());
    header[8..12].copy_from_slice(&19045u32.to_le_bytes());
    header[0x10..0x18].copy_from_slice(&132_000_000_000_000_000u64.to_le_bytes());
    header[0x20..0x24].copy_from_slice(&mode.to_le_bytes());
    header[0x2C..0x30].copy_from_slice(&8u32.to_le_bytes());
    header[0x34..0x38].copy_from_slice(&2500u32.to_le_bytes());
    header[0x100..0x108].copy_from_slice(&10_000_000u64.to_le_bytes());
    header[0x108..0x110].copy_from_slice(&132_000_000_000_000_000u64.to_le_bytes());
    header[0x110..0x114].copy_from_slice(&1u32.to_le_bytes());
    let mut file = buffer(&head, head.len(), false);
    for (data, end) in buffers {
        file.extend(buffer(data, *end, mode & 0x0400_0000 != 0));
    }
    file
}
