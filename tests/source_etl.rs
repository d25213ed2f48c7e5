//! The reader of traces, on real files against what is known of them, and on damaged ones.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use whyrdp::event::{Damage, Event, Guid, Interest, Lost, Sink, Stamp, Time};
use whyrdp::source::{self, Input};

#[derive(Default)]
struct Collected {
    kinds: BTreeMap<String, u64>,
    /// By GUID and kind of header.
    providers: BTreeMap<(Guid, String), (String, u64)>,
    first: Option<Time>,
    last: Option<Time>,
    events: Vec<Event>,
    damage: Vec<Damage>,
    lost: Lost,
}

impl Sink for Collected {
    fn record(&mut self, stamp: &Stamp<'_>) {
        *self.kinds.entry(stamp.kind.to_owned()).or_default() += 1;
        if let Some(time) = stamp.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        if let Some(guid) = stamp.provider_guid {
            let entry = self.providers.entry((guid, stamp.kind.to_owned())).or_default();
            entry.0 = stamp.provider.to_owned();
            entry.1 += 1;
        }
    }

    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

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
