//! Logs on disk become a report, in process.
#![allow(dead_code)]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use whyrdp::correlate::{Request, correlate};
use whyrdp::evidence::{EventRef, Findings, Problem, Row};
use whyrdp::report::model::{CauseReport, Level, Report};
use whyrdp::scan::{Options, scan};
use whyrdp::signature::Signatures;
use whyrdp::source::{Input, discover};

/// The signatures that the program carries.
pub static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| {
    let (signatures, problems) = Signatures::open(true, &[]);
    assert!(problems.is_empty(), "{problems:?}");
    signatures
});

/// What was found and what is made of it.
pub struct Told {
    pub findings: Findings,
    pub report: Report,
}

impl Told {
    /// Of files and folders.
    pub fn of(paths: &[PathBuf]) -> Self {
        let found = discover(paths);
        let mut findings: Findings = collected(rows(&found.inputs, 1));
        for problem in found.problems {
            let (path, what) = (problem.name.into(), problem.what.into());
            findings.add(Row::Problem(Problem { path, offset: problem.offset, what, lost: problem.lost }));
        }
        let report = correlate(&findings, &SIGNATURES, &Request::default());
        Told { findings, report }
    }

    /// Record id of a record that is cited.
    pub fn record_id(&self, event: EventRef) -> Option<u64> {
        self.findings.evidence.get(&event)?.record.record_id
    }

    /// Event id of a record that is cited.
    pub fn event_id(&self, event: EventRef) -> Option<u32> {
        Some(self.findings.evidence.get(&event)?.record.event_id)
    }
}

/// The rows of a scan of these inputs in this order.
pub fn rows(inputs: &[Input], threads: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let options = Options { threads, ..Options::default() };
    let done = scan::<Infallible>(inputs, &SIGNATURES, &options, &mut |row| {
        rows.push(row);
        Ok(())
    });
    assert!(done.is_ok());
    rows
}

/// Rows as a set.
pub fn collected(rows: impl IntoIterator<Item = Row>) -> Findings {
    let mut findings = Findings::default();
    rows.into_iter().for_each(|row| findings.add(row));
    findings
}

/// Causes that a report blames.
pub fn blamed(report: &Report) -> impl Iterator<Item = &CauseReport> {
    report.causes.iter().filter(|cause| cause.verdict >= Level::Probable)
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
