//! What is read by the short ways (gates, values that decide, guesses) matches as what is read whole.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "common/mutate.rs"]
mod mutate;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use whyrdp::event::{Damage, Event, Guid, Interest, Sink, Stamp, System};
use whyrdp::signature::{RuleId, Signatures};
use whyrdp::source::{self, Input};

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| Signatures::open(true, &[]).0);

/// Records that rules match, by their place.
#[derive(Default)]
struct Matched {
    records: usize,
    asked: usize,
    found: Vec<(u64, Vec<RuleId>, Kept)>,
}

/// What evidence keeps of the System part: version, level, activity, process and user.
type Kept = (Option<u8>, Option<u8>, Option<Guid>, Option<u32>, String);

fn kept(system: &System) -> Kept {
    (system.version, system.level, system.activity_id, system.process_id, system.user_id.clone())
}

impl Sink for Matched {
    fn record(&mut self, _: &Stamp<'_>) {
        self.records += 1;
    }

    fn decides(&mut self, event: &Event) -> bool {
        self.asked += 1;
        let mut rules = Vec::new();
        SIGNATURES.matches(event, &mut rules);
        !rules.is_empty()
    }

    fn event(&mut self, event: &Event) {
        let mut rules = Vec::new();
        SIGNATURES.matches(event, &mut rules);
        if !rules.is_empty() {
            self.found.push((event.origin.position.offset, rules, kept(&event.system)));
        }
    }

    fn damage(&mut self, _: Damage) {}
}

fn matched(path: &Path, interest: &Interest) -> Matched {
    let input =
        Input { path: path.to_owned(), name: String::new(), format: "evtx", bytes: fs::metadata(path).unwrap().len() };
    let log = source::open(&input).unwrap();
    let mut matched = Matched::default();
    (0..log.blocks()).for_each(|block| log.read(block, interest, &mut matched));
    matched
}

/// Records of the file, and how many of them the rules were asked about.
fn agree(path: &Path) -> (usize, usize) {
    let short = matched(path, SIGNATURES.interest());
    let whole = matched(path, &Interest::everything());
    assert_eq!(short.found, whole.found, "{}", path.display());
    assert_eq!(short.records, whole.records, "{}", path.display());
    (short.records, short.asked)
}

#[test]
fn records_of_generated_logs_match_by_the_short_ways_as_when_read_whole() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut cases: Vec<_> = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.join("scenario.yml").is_file());
    cases.sort();
    assert!(cases.len() > 50, "{}", cases.len());
    let mut records = 0;
    for case in cases.iter().step_by(9) {
        let folder = tempfile::tempdir().unwrap();
        whyrdp_corpus::generate(case, folder.path()).unwrap();
        for path in common::files_below(folder.path()).iter().filter(|path| path.extension() == Some("evtx".as_ref())) {
            records += agree(path).0;
        }
    }
    assert!(records > 500, "{records}");
}

#[test]
fn records_of_real_and_damaged_logs_match_by_the_short_ways_as_when_read_whole() {
    let Some(logs) = common::real_logs() else { return };
    let small = |path: &&std::path::PathBuf| fs::metadata(path).unwrap().len() < 3 << 20;
    let (mut records, mut asked) = (0, 0);
    let all = common::files_below(&logs.join("evtx"));
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.evtx");
    for (seed, path) in all.iter().filter(small).enumerate() {
        let (own, decided) = agree(path);
        (records, asked) = (records + own, asked + decided);
        let mut bytes = fs::read(path).unwrap();
        bytes.truncate(mutate::HEADER + 4 * mutate::CHUNK);
        for round in 0..3 {
            let seed = seed as u64 * 3 + round;
            fs::write(&damaged, mutate::Mutator::new(seed).mutate(&bytes, &bytes, true)).unwrap();
            agree(&damaged);
        }
    }
    assert!(records > 1000 && asked < records / 2, "{asked} of {records}");
}
