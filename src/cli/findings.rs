//! How trouble with inputs is told.

use whyrdp::evidence::{Findings, Problem};

use super::console::Console;
use super::exit::Exit;

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
