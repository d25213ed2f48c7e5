//! Captures of packets: what was recorded between two hosts, and what nobody would send in earnest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;

use whyrdp::event::{Damage, Event, Interest, Sink, Stamp};
use whyrdp::source;

#[derive(Default)]
struct Collected {
    records: u64,
    events: Vec<Event>,
    damage: Vec<Damage>,
}

impl Sink for Collected {
    fn record(&mut self, _: &Stamp<'_>) {
        self.records += 1;
    }

    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

fn read(path: &Path) -> Collected {
    let found = source::discover(&[path.to_owned()]);
    assert_eq!(found.problems, [], "{}", path.display());
    let log = source::open(&found.inputs[0]).unwrap();
    let mut collected = Collected { damage: log.damage(), ..Collected::default() };
    (0..log.blocks()).for_each(|block| log.read(block, &Interest::everything(), &mut collected));
    collected
}

/// One line per event, without the ends.
fn told(collected: &Collected) -> Vec<String> {
    let line = |event: &Event| {
        let fields = event.fields().skip(4).map(|(name, value)| format!(" {name}={value}"));
        format!("{}{}", event.system.event_id, fields.collect::<String>())
    };
    collected.events.iter().map(line).collect()
}

#[test]
fn shows() {
    let mut paths: Vec<_> = std::fs::read_dir("corpus/wire").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "pcap")) {
        let collected = read(path);
        println!("== {} {} records {:?}", path.display(), collected.records, collected.damage);
        for line in told(&collected) {
            println!("   {line}");
        }
    }
}
