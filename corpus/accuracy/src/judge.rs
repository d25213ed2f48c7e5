//! One case: its logs are written, analyzed, and the report is held against the truth.

use std::convert::Infallible;
use std::error::Error;

use whyrdp::correlate::{Request, correlate};
use whyrdp::evidence::Findings;
use whyrdp::report::model::{Level, Report};
use whyrdp::scan::{Options, scan};
use whyrdp::signature::Signatures;
use whyrdp::source::discover;
use whyrdp_corpus::{Case, Expect, generate};

/// What a report says of a cause, and whether that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Cause id.
    pub cause: String,
    /// How sure the report is.
    pub level: Level,
    /// The case has this cause.
    pub right: bool,
}

/// A case, its truth, and what the report says.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Name of the case.
    pub slug: String,
    /// Family of its root cause; `unprovable` or `no cause` where nobody may be blamed.
    pub family: String,
    /// Root causes, one of which has to be on top; `None`: nobody may be blamed.
    pub truth: Option<Vec<String>>,
    /// The logs do not tell.
    pub unprovable: bool,
    /// Why the case is known to be missed.
    pub known_miss: Option<String>,
    /// The top cause of the report.
    pub top: Option<String>,
    /// Causes of the report, best first.
    pub causes: Vec<Said>,
    /// Causes of single attempts.
    pub verdicts: Vec<Said>,
}

/// Generates, analyzes and compares. Sends the error as text, for it comes from another thread.
pub fn judge(case: Case, signatures: &Signatures) -> Result<Judged, Box<dyn Error + Send + Sync>> {
    let logs = tempfile::Builder::new().prefix("accuracy-").tempdir()?;
    generate(&case.dir, logs.path()).map_err(|error| format!("{}: {error}", case.slug))?;
    let mut findings = Findings::default();
    // Cases are many and small: one thread for each.
    let options = Options { threads: 1, ..Options::default() };
    let inputs = discover(&[logs.path().to_owned()]).inputs;
    let done = scan::<Infallible>(&inputs, signatures, &options, &mut |row| {
        findings.add(row);
        Ok(())
    });
    done.map_err(|_| format!("{}: the scan broke off", case.slug))?;
    let report = correlate(&findings, signatures, &Request::default());
    Ok(compare(case.slug, case.expect, &report, signatures))
}

fn compare(slug: String, expect: Expect, report: &Report, signatures: &Signatures) -> Judged {
    let said = |cause: &String, level| Said { right: has(&expect, cause), cause: cause.clone(), level };
    let verdicts = report.attempts.iter().flat_map(|attempt| &attempt.verdicts);
    Judged {
        slug,
        family: family(&expect, signatures),
        top: report.summary.top_cause.clone(),
        causes: report.causes.iter().map(|cause| said(&cause.id, cause.verdict)).collect(),
        verdicts: verdicts.map(|verdict| said(&verdict.cause, verdict.verdict)).collect(),
        unprovable: expect.cannot_judge,
        known_miss: expect.known_miss,
        truth: expect.top,
    }
}

fn has(expect: &Expect, cause: &String) -> bool {
    let root = expect.top.as_ref().is_some_and(|top| top.contains(cause));
    (root || expect.also.contains(cause)) && !expect.never.contains(cause)
}

fn family(expect: &Expect, signatures: &Signatures) -> String {
    let first = expect.top.as_ref().and_then(|top| top.first());
    match first.map(|id| signatures.cause(id)) {
        Some(Some(cause)) => cause.family.clone(),
        Some(None) => "unknown cause".to_owned(),
        None if expect.cannot_judge => "unprovable".to_owned(),
        None => "no cause".to_owned(),
    }
}
