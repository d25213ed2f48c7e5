//! What both halves share: how trouble with inputs is told, and the end of the road to a report.

use whyrdp::correlate::{Request, correlate_long};
use whyrdp::event::Time;
use whyrdp::evidence::{Findings, Problem};
use whyrdp::signature::Signatures;

use super::Session;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::options::rendering::{Outputs, Rendering};
use super::options::selecting::Selecting;

/// Makes the report that is asked for and writes it; says how the program is to end because of what it says.
pub fn tell(
    findings: &Findings,
    signatures: &Signatures,
    selecting: &Selecting,
    rendering: &Rendering,
    outputs: Outputs,
    session: &Session,
) -> Result<Exit, Failure> {
    let newest: Option<Time> = findings.inputs.iter().filter_map(|input| input.last).max();
    let request: Request = selecting.request(rendering.zone(), newest)?;
    correlate_long(findings, signatures, &request, |report| {
        rendering.write(report, findings, selecting.selects(), outputs, session)
    })
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
