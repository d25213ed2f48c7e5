//! What both halves share: how trouble with inputs is told, and the end of the road to a report.

use jiff::tz::TimeZone;
use whyrdp::correlate::{Request, correlate};
use whyrdp::event::Time;
use whyrdp::evidence::{Findings, Problem};
use whyrdp::report::model::Report;
use whyrdp::signature::Signatures;

use super::console::Console;
use super::exit::{Exit, Failure};
use super::options::selecting::Selecting;

/// The report that is asked for.
pub fn report(
    findings: &Findings,
    signatures: &Signatures,
    selecting: &Selecting,
    zone: &TimeZone,
) -> Result<Report, Failure> {
    let newest: Option<Time> = findings.inputs.iter().filter_map(|input| input.last).max();
    let request: Request = selecting.request(zone, newest)?;
    Ok(correlate(findings, signatures, &request))
}

/// Tells what is wrong with the inputs, and how the program is to end because of it.
pub fn complain(findings: &Findings, console: &Console) -> Exit {
    let told = findings.problems.iter().filter(|problem| problem.lost || console.verbose());
    console.warn_all(told.map(words));
    if findings.partial() { Exit::Partial } else { Exit::Done }
}

/// A problem in a line.
pub fn words(problem: &Problem) -> String {
    match problem.offset {
        Some(offset) => format!("{}: at byte {offset}: {}", problem.path, problem.what),
        None => format!("{}: {}", problem.path, problem.what),
    }
}
