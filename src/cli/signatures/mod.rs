//! `whyrdp signatures`: what the program knows, and whether what somebody wrote is sound.

mod check;
mod list;
mod show;
mod test;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use whyrdp::signature::Sources;
use whyrdp::signature::definition::Definitions;
use whyrdp::signature::read::{Problem, load_text};

use super::Session;
use super::exit::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  whyrdp signatures list --cause rdp-selfsigned-renewal-denied
  whyrdp signatures show schannel_36870_server_key_missing --format yaml
  whyrdp signatures check my-rules/             file:line: rule: code: message
  whyrdp signatures test my-rules/              every example of every rule

Exit codes:
  0 nothing found, everything holds     1 check or test found something, show knows nothing
  2 wrong usage";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List rules and causes
    List(list::Args),
    /// Show a rule or a cause
    Show(show::Args),
    /// Look for mistakes in signatures
    Check(check::Args),
    /// Run the examples in rules
    Test(test::Args),
}

/// Runs the command.
pub fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    match args.command {
        Command::List(args) => list::run(&args, session),
        Command::Show(args) => show::run(&args, session),
        Command::Check(args) => check::run(&args, session),
        Command::Test(args) => test::run(&args, session),
    }
}

/// Which signatures are looked at.
#[derive(Debug, clap::Args)]
struct Folder {
    /// Folder of signatures, or one file; the built-in ones unless given
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The folder stands alone: it may not name built-in rules and causes
    #[arg(long, requires = "folder")]
    no_builtin: bool,
}

impl Folder {
    /// The files, what of them could not be read, and what they are laid over.
    fn open(&self) -> Result<(Sources, Vec<Problem>, Definitions), Failure> {
        let Some(folder) = &self.folder else { return Ok((Sources::builtin(), Vec::new(), Definitions::default())) };
        let (sources, problems) = sources(folder)?;
        if sources.0.is_empty() && problems.is_empty() {
            let what = "holds no signature: rules and causes are files that end in .yml";
            return Err(Failure::usage(format_args!("{} {what}", folder.display())));
        }
        let base = if self.no_builtin { Definitions::default() } else { Definitions::builtin() };
        Ok((sources, problems, base))
    }
}

/// The files of a folder, which must be there.
fn sources(folder: &Path) -> Result<(Sources, Vec<Problem>), Failure> {
    if !(folder.is_dir() || folder.is_file()) {
        return Err(Failure::usage(format_args!("no such folder or file of signatures: {}", folder.display())));
    }
    Ok(Sources::folder(folder))
}

/// The files of several folders and, unless unwanted, the built-in ones, the last first: it overrides the others.
fn all_sources(builtin: bool, folders: &[PathBuf]) -> Result<Vec<Sources>, Failure> {
    let mut all = Vec::new();
    for folder in folders.iter().rev() {
        all.push(sources(folder)?.0);
    }
    all.extend(builtin.then(Sources::builtin));
    Ok(all)
}

/// What files define.
fn definitions(sources: &Sources) -> Definitions {
    load_text(&sources.0).0
}

/// `1 rule`, `2 rules`
fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
