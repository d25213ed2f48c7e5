//! Every case of the corpus generates what it always generated, and says what is true of it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use whyrdp_corpus::expand::Library;
use whyrdp_corpus::{cases, check, generate};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn shapes_sequences_and_noise_can_be_read() {
    Library::read().unwrap();
}

#[test]
fn cases_generate_the_same_bytes() {
    for case in cases(&corpus()).unwrap() {
        let differences = check(&case.dir).unwrap_or_else(|e| panic!("{}: {e}", case.slug));
        assert!(differences.is_empty(), "{differences:?}");
    }
}

#[test]
fn every_generated_record_is_read_back() {
    let out = std::env::temp_dir().join(format!("whyrdp-corpus-cases-{}", std::process::id()));
    for case in cases(&corpus()).unwrap() {
        let paths = generate(&case.dir, &out.join(&case.slug)).unwrap();
        for path in paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "evtx")) {
            let mut ids = BTreeSet::new();
            let mut parser = evtx::EvtxParser::from_path(&path).unwrap();
            for record in parser.records_json_value() {
                let record = record.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                assert!(ids.insert(record.event_record_id), "{}", path.display());
            }
        }
    }
    std::fs::remove_dir_all(&out).unwrap();
}

#[test]
fn expectations_do_not_contradict_themselves() {
    for case in cases(&corpus()).unwrap() {
        let expect = case.expect;
        let tops: Vec<String> = expect.top.clone().unwrap_or_default();
        for id in tops.iter().chain(&expect.also) {
            assert!(!expect.never.contains(id), "{}: {id}", case.slug);
            assert!(!expect.ruled_out.contains(id), "{}: {id}", case.slug);
        }
        assert!(!expect.about.trim().is_empty(), "{}", case.slug);
        assert!(!expect.made_from.is_empty(), "{}", case.slug);
        if let Some(o) = expect.outcome {
            let parts = [o.failed, o.established, o.dropped, o.abandoned];
            let sum: u32 = parts.iter().flatten().sum();
            assert!(o.attempts.is_none_or(|all| all >= sum), "{}", case.slug);
        }
    }
}
