//! How time and memory of `correlate` grow with the case: three sizes of one story, the largest with 100
//! user actions on 40 hosts and what is kept of two million records.
#![allow(missing_docs, clippy::unwrap_used)]

use std::convert::Infallible;
use std::path::Path;
use std::sync::LazyLock;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use whyrdp::correlate::{Request, correlate};
use whyrdp::event::{Guid, Time};
use whyrdp::evidence::{Coverage, Evidence, Field, Findings};
use whyrdp::scan::{Options, scan};
use whyrdp::signature::Signatures;
use whyrdp::source::discover;

/// Shows the memory that a run holds at most.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// The story: one user's failures and one success, seen on both ends.
const STORY: &str = "selfsigned-renewal-denied";
/// User actions of one copy of it.
const ACTIONS: usize = 4;
/// Pairs of computers of the largest case.
const PAIRS: usize = 20;
/// Of two million records this share is kept by the rules, on busy computers of the internet.
const KEPT: usize = 260_000;
/// 100 ns.
const HOUR: i64 = 3_600 * 10_000_000;

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| Signatures::open(true, &[]).0);

fn main() {
    divan::main();
}

fn story() -> Findings {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(STORY);
    whyrdp_corpus::generate(&case, folder.path()).unwrap();
    let found = discover(&[folder.path().to_owned()]);
    let mut findings = Findings::default();
    let done = scan::<Infallible>(&found.inputs, &SIGNATURES, &Options::default(), &mut |row| {
        findings.add(row);
        Ok(())
    });
    assert_eq!(done.unwrap().unreadable, 0);
    findings
}

/// A copy of a computer's name: another computer for every pair.
fn renamed(text: &str, pair: usize) -> Box<str> {
    let text = text.replace("PC17", &format!("PC17-{pair}")).replace("RDS01", &format!("RDS01-{pair}"));
    text.replace("10.1.7.17", &format!("10.1.7.{}", 100 + pair))
        .replace("10.1.2.21", &format!("10.1.2.{}", 100 + pair))
        .into()
}

fn moved(evidence: &Evidence, copy: usize, pair: usize, by: i64, ids: u64) -> Evidence {
    let mut evidence = evidence.clone();
    let record = &mut evidence.record;
    record.computer = renamed(&record.computer, pair).into();
    record.time = record.time.map(|time| time.plus(by));
    record.record_id = record.record_id.map(|id| id + ids);
    record.activity_id = record.activity_id.map(|Guid(mut bytes)| {
        bytes[8..16].copy_from_slice(&(copy as u64 + 1).to_le_bytes());
        Guid(bytes)
    });
    let fields = record.fields.iter().map(|(name, value)| Field(name.into(), renamed(value, pair)));
    record.fields = fields.collect();
    evidence.event = evidence.event.derive(&format!("{copy} {ids}"));
    evidence
}

/// `percent` of the largest case.
fn enlarged(story: &Findings, percent: usize) -> (Findings, usize) {
    let (copies, pairs) = (percent / ACTIONS, PAIRS * percent / 100);
    let mut findings = Findings::default();
    // What stands in every log and belongs to no connection.
    let common = |one: &&Evidence| matches!(one.record.event_id, 6013 | 36871);
    let background: Vec<&Evidence> = story.evidence.values().filter(common).collect();
    let rows = KEPT * percent / 100 / copies;
    for copy in 0..copies {
        let (pair, by) = (copy % pairs, HOUR * copy as i64);
        for evidence in story.evidence.values() {
            let evidence = moved(evidence, copy, pair, by, 0);
            findings.evidence.insert(evidence);
        }
        for more in 0..rows {
            let step = 60 * 10_000_000 * more as i64;
            let evidence = moved(background[more % background.len()], copy, pair, by - step, 1_000_000 + more as u64);
            findings.evidence.insert(evidence);
        }
        for ((computer, channel), coverage) in &story.coverage {
            let mut coverage: Coverage = coverage.clone();
            for run in &mut coverage.runs {
                let later = |time: Time| time.plus(by);
                (run.first, run.last) = (later(run.first), later(run.last));
            }
            findings.coverage.insert((renamed(computer, pair), channel.clone()), coverage);
        }
    }
    let kept = findings.evidence.len();
    (findings, kept)
}

#[divan::bench(args = [20, 40, 100], sample_count = 5)]
fn percent_of_100_actions_40_hosts_2_million_records(bencher: Bencher<'_, '_>, percent: usize) {
    let (findings, kept) = enlarged(&story(), percent);
    assert_eq!(correlate(&findings, &SIGNATURES, &Request::default()).summary.attempts as usize, percent);
    bencher.counter(ItemsCount::new(kept)).bench_local(|| correlate(&findings, &SIGNATURES, &Request::default()));
}
