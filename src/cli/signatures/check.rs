//! `whyrdp signatures check`: mistakes in signatures, one a line, as compilers tell them.

use whyrdp::report::terminal::clean;
use whyrdp::signature::check;

use super::{Folder, count};
use crate::cli::Session;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;

const EXAMPLES: &str = "\
Examples:
  whyrdp signatures check                       what came with the program
  whyrdp signatures check my-rules/             what you wrote, laid over it

A file known_events.tsv in the folder (provider, id, fields joined by |) adds events
that your rules may ask for.";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    folder: Folder,
}

/// Runs the command.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let (sources, mut problems, base) = args.folder.open()?;
    problems.extend(check(&sources, base));
    let mut output = Output::open(None, false, &session.unfinished)?;
    for problem in &problems {
        let rule = problem.rule.as_deref().unwrap_or("-");
        let line = problem.line.max(1);
        let text = format!("{}:{line}: {rule}: {}: {}", problem.file, problem.code, problem.message);
        output.write(|out| writeln!(out, "{}", clean(&text, 4000)))?;
    }
    output.finish()?;
    let files = count(sources.0.len(), "file");
    if problems.is_empty() {
        session.console.note(format_args!("{files}: nothing to complain of"));
        return Ok(Exit::Done);
    }
    session.console.warn(format_args!("{} in {files}", count(problems.len(), "mistake")));
    Ok(Exit::Found)
}
