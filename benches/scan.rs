//! How long the steps take, each alone, over the logs of some cases.
#![allow(missing_docs, clippy::unwrap_used)]

use std::convert::Infallible;
use std::path::Path;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tempfile::TempDir;
use whyrdp::correlate::{Request, correlate};
use whyrdp::event::Event;
use whyrdp::evidence::Findings;
use whyrdp::scan::{Options, scan};
use whyrdp::signature::{Signatures, event};
use whyrdp::source::{Discovery, discover};

/// Cases of different kinds, so that no one path is all that is measured.
const CASES: &[&str] = &[
    "brute-force-beside-success",
    "clock-skew",
    "gw-target-unreachable",
    "lic-grace-expired-2022",
    "scanner-beside-success",
    "selfsigned-renewal-denied",
    "success-with-benign-noise",
    "wrong-password",
];

struct Logs {
    /// The files go with it.
    _folder: TempDir,
    found: Discovery,
    bytes: u64,
}

static LOGS: LazyLock<Logs> = LazyLock::new(|| {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for case in CASES {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        whyrdp_corpus::generate(&corpus.join(case), &folder.path().join(case)).unwrap();
    }
    let found = discover(&[folder.path().to_owned()]);
    let bytes = found.inputs.iter().map(|input| input.bytes).sum();
    Logs { _folder: folder, found, bytes }
});

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| Signatures::open(true, &[]).0);

fn main() {
    divan::main();
}

fn findings(signatures: &Signatures) -> Findings {
    let mut findings = Findings::default();
    let options = Options { threads: 1, ..Options::default() };
    let done = scan::<Infallible>(&LOGS.found.inputs, signatures, &options, &mut |row| {
        findings.add(row);
        Ok(())
    });
    assert!(done.is_ok());
    findings
}

/// Every start of the program pays this.
#[divan::bench]
fn signatures_are_made_ready() -> Signatures {
    Signatures::open(true, &[]).0
}

/// Stage one: header, provider, event id, record id and time of every record, nothing else wanted.
#[divan::bench]
fn records_are_walked_one_thread(bencher: Bencher<'_, '_>) {
    let (nothing, _) = Signatures::open(false, &[]);
    bencher.counter(BytesCount::new(LOGS.bytes)).bench(|| findings(&nothing));
}

/// Both stages and the rules. The generated logs hold far more of interest than real ones.
#[divan::bench]
fn logs_are_scanned_one_thread(bencher: Bencher<'_, '_>) {
    LazyLock::force(&SIGNATURES);
    bencher.counter(BytesCount::new(LOGS.bytes)).bench(|| findings(&SIGNATURES));
}

/// All rules meet the events that they match.
#[divan::bench]
fn rules_are_matched(bencher: Bencher<'_, '_>) {
    let examples = SIGNATURES.rules().filter_map(|rule| rule.meaning.as_ref()).flat_map(|of| &of.tests.hits);
    let events: Vec<Event> = examples.map(|example| event(example).unwrap()).collect();
    let mut matched = Vec::new();
    bencher.counter(ItemsCount::new(events.len())).bench_local(|| {
        for event in &events {
            matched.clear();
            SIGNATURES.matches(event, &mut matched);
            divan::black_box(&matched);
        }
    });
}

/// Rows become the report.
#[divan::bench]
fn findings_are_correlated(bencher: Bencher<'_, '_>) {
    let findings = findings(&SIGNATURES);
    bencher
        .counter(ItemsCount::new(findings.evidence.len()))
        .bench(|| correlate(&findings, &SIGNATURES, &Request::default()));
}
