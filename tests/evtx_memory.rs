//! What a thread remembers from chunk to chunk (templates, authors, what gates look at) changes nothing of what it
//! tells, whatever it read before; and sums come to what the records come to.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;
mod common;
#[path = "common/mutate.rs"]
mod mutate;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mutate::{CHUNK, HEADER, Mutator};
use whyrdp::event::{Damage, Event, Guid, Interest, Sink, Stamp, Sum};
use whyrdp::evidence::Coverage;
use whyrdp::signature::Signatures;
use whyrdp::source::{self, Input};

/// Logs of these are read besides real ones.
const CASES: [&str; 3] = ["wrong-password", "gw-target-unreachable", "clock-skew"];
/// Chunks of one log that are taken.
const CHUNKS: usize = 6;
const SEEDS: u64 = 3;

/// All that a log tells, with places counted from its chunk.
#[derive(Default, PartialEq, Debug)]
struct Told(Vec<String>);

impl Sink for Told {
    fn record(&mut self, stamp: &Stamp<'_>) {
        self.0.push(format!("{stamp:?}"));
    }

    fn event(&mut self, event: &Event) {
        let at = (event.origin.position.offset - HEADER as u64) % CHUNK as u64;
        let fields: Vec<_> = event.fields().collect();
        self.0.push(format!("{at} {} {:?} {fields:?}", event.origin.forwarded, event.system));
    }

    fn damage(&mut self, damage: Damage) {
        let at = damage.offset.wrapping_sub(HEADER as u64) % CHUNK as u64;
        self.0.push(format!("{at} {} {}", damage.what, damage.lost));
    }
}

/// What records come to.
#[derive(Default, PartialEq, Debug)]
struct Come {
    providers: BTreeMap<(String, Option<Guid>), u64>,
    channels: BTreeMap<(String, String), Coverage>,
    sums: bool,
}

impl Come {
    fn provider(&mut self, name: &str, guid: Option<Guid>, records: u64) {
        *self.providers.entry((name.to_owned(), guid)).or_default() += records;
    }

    fn channel(&mut self, computer: &str, channel: &str) -> &mut Coverage {
        self.channels.entry((computer.to_owned(), channel.to_owned())).or_default()
    }
}

impl Sink for Come {
    fn record(&mut self, stamp: &Stamp<'_>) {
        self.provider(stamp.provider, stamp.provider_guid, 1);
        if let Some(time) = stamp.time {
            self.channel(stamp.computer, stamp.channel).record(stamp.record_id, time, stamp.forwarded);
        }
    }

    fn takes_sums(&self) -> bool {
        self.sums
    }

    fn sum(&mut self, sum: Sum<'_>) {
        match sum {
            Sum::Provider { name, guid, records } => self.provider(name, guid, records),
            Sum::Channel { computer, channel, forwarded, ids: (first_id, last_id), times: (first, last) } => {
                // One by one, so that nothing of how runs are added is taken for granted.
                let coverage = self.channel(computer, channel);
                for id in first_id..=last_id {
                    coverage.record(Some(id), first, forwarded);
                    coverage.record(Some(id), last, forwarded);
                }
            }
        }
    }

    fn event(&mut self, _: &Event) {}

    fn damage(&mut self, _: Damage) {}
}

fn read(log: &[u8], interest: &Interest, sink: &mut dyn Sink) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), log).unwrap();
    let input = Input { path: file.path().to_owned(), name: "log".to_owned(), format: "evtx", bytes: log.len() as u64 };
    let log = source::open(&input).unwrap();
    (0..log.blocks()).for_each(|block| log.read(block, interest, sink));
}

/// Headers of logs, and some chunks of each.
fn logs() -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut files = Vec::new();
    let folders: Vec<_> = CASES.into_iter().map(cases::logs).collect();
    let real = common::real_logs().map(|root| root.join("evtx"));
    if real.is_none() {
        eprintln!("no real logs here: generated ones alone");
    }
    for folder in folders.iter().map(tempfile::TempDir::path).chain(real.as_deref()) {
        files.extend(common::files_below(folder));
    }
    let is_log = |path: &Path| path.extension().is_some_and(|ending| ending == "evtx");
    let logs = files.iter().filter(|path| is_log(path)).map(|path| fs::read(path).unwrap());
    let split = |log: Vec<u8>| {
        let chunks = log.get(HEADER..)?.chunks_exact(CHUNK).take(CHUNKS).map(<[u8]>::to_vec).collect();
        let mut header = log[..HEADER].to_vec();
        // Of how many chunks a file has, a chunk alone knows nothing.
        header[42..44].fill(0);
        Some((header, chunks))
    };
    logs.filter_map(split).filter(|(_, chunks): &(_, Vec<_>)| !chunks.is_empty()).collect()
}

/// A log's chunks, and the same damaged in several ways, in one row.
fn with_damage(header: &[u8], chunks: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let whole: Vec<u8> = [header.to_vec(), chunks.concat()].concat();
    let mut all = chunks.to_vec();
    for seed in 0..SEEDS {
        let damaged = Mutator::new(seed).mutate(&whole, &whole, true);
        let rest = damaged.get(HEADER..).unwrap_or_default();
        all.extend(rest.chunks_exact(CHUNK).map(<[u8]>::to_vec));
    }
    all
}

#[test]
fn a_chunk_tells_the_same_alone_and_behind_others() {
    let signatures = Signatures::open(true, &[]).0;
    let everything = Interest::everything();
    let (mut compared, mut told) = (0, 0);
    for (header, chunks) in logs().iter().step_by(3) {
        let chunks = with_damage(header, chunks);
        for interest in [&everything, signatures.interest()] {
            // The thread remembers the logs before, too.
            let mut behind = Told::default();
            read(&[header.as_slice(), &chunks.concat()].concat(), interest, &mut behind);
            let mut alone = Told::default();
            for chunk in &chunks {
                let log = [header.as_slice(), chunk].concat();
                std::thread::scope(|scope| scope.spawn(|| read(&log, interest, &mut alone)).join().unwrap());
            }
            let differs = alone.0.iter().zip(&behind.0).find(|(alone, behind)| alone != behind);
            assert_eq!(differs, None);
            assert_eq!(alone.0.len(), behind.0.len());
            compared += chunks.len();
            told += alone.0.len();
        }
    }
    assert!(compared > 10 && told > 100, "{compared} chunks, {told} told");
}

#[test]
fn sums_come_to_what_the_records_come_to() {
    let mut records = 0;
    for (header, chunks) in logs().iter().step_by(2) {
        let log = [header.as_slice(), &with_damage(header, chunks).concat()].concat();
        let (mut each, mut sums) = (Come::default(), Come { sums: true, ..Come::default() });
        let interest = Interest::default();
        read(&log, &interest, &mut each);
        read(&log, &interest, &mut sums);
        assert_eq!(each.channels, sums.channels);
        assert_eq!(each.providers, sums.providers);
        records += each.providers.values().sum::<u64>();
    }
    assert!(records > 100, "{records} records");
}
