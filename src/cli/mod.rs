//! The command line: what was typed becomes what is meant, one file per command.
//!
//! Data goes to standard output; progress, statistics and complaints to standard error.
//! Owns the exit codes; knows no format of logs and judges nothing.

mod analyze;
mod console;
mod correlate;
mod encoding;
mod exit;
mod explain;
mod findings;
mod inventory;
mod list;
mod options;
mod output;
mod progress;
mod record;
mod report;
mod rows;
mod runs;
mod scan;
mod schema;
mod signatures;
mod spool;
mod stop;
mod verify;
mod wild;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::{Console, Manner};
use exit::{Exit, Failure};
use output::Unfinished;
use stop::Stop;

/// Tells why Remote Desktop failed, offline, from exported Windows logs
#[derive(Debug, Parser)]
#[command(name = "whyrdp", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    manner: Manner,
}

const EXAMPLES: &str = "\
Examples:
  whyrdp analyze C:\\Cases\\SRV01                 every log below a folder, all hosts together
  whyrdp analyze --code 0x904/0x7 logs/         the dialog said 0x904, extended 0x7
  whyrdp analyze --format json -o case.json .   for programs
  whyrdp explain 0x904/0x7                      what a code or a dialog means, without logs

Exit codes:
  0 done, whatever was found     1 --fail-on met, or unknown   2 wrong usage or signatures
  3 part of the input was lost   4 nothing could be read       5 output could not be written
  130 interrupted                143 terminated";

/// Each variant is a file of its own.
#[derive(Debug, Subcommand)]
enum Command {
    /// Find the root causes, evidence and timeline of every connection attempt in the logs
    Analyze(Box<analyze::Args>),
    /// Tell what the logs hold: computers, channels, spans, records, damage, and what is missing
    Inventory(inventory::Args),
    /// Turn logs into rows (JSON Lines) that `correlate` reads; judges nothing
    Scan(scan::Args),
    /// Turn the rows of any number of scans into the report
    Correlate(Box<correlate::Args>),
    /// Say what a code, an event, a cause or the text of a dialog means; needs no logs
    Explain(explain::Args),
    /// List, show, check and test the signatures: what the program knows
    Signatures(signatures::Args),
    /// Check that inputs still hash the same and that cited records are where a report says
    Verify(verify::Args),
    /// Print the JSON Schema of reports or rows, or the SQL of a table for rows
    Schema(schema::Args),
}

/// What every command is given.
struct Session {
    console: Console,
    unfinished: Unfinished,
    stop: Stop,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. A reader that has gone is no trouble.
            let printed = error.print().and_then(|()| io::stdout().flush());
            let exit = match printed {
                _ if error.use_stderr() => Exit::Usage,
                Err(error) => Failure::output("standard output", &error).exit,
                Ok(()) => Exit::Done,
            };
            return exit.into();
        }
    };
    let session =
        Session { console: Console::new(&cli.manner), unfinished: Unfinished::default(), stop: Stop::default() };
    keep_panics_of_readers_quiet();
    let (unfinished, stop) = (session.unfinished.clone(), session.stop.clone());
    let heard = whyrdp::os::on_stop(move |signal| {
        if stop.on(signal) {
            unfinished.drop_and_exit(Exit::of_signal(signal));
        }
    });
    if let Err(error) = heard {
        session.console.note(format_args!("cannot listen for signals: {error}"));
    }
    let done = match cli.command {
        Command::Analyze(args) => analyze::run(*args, &session),
        Command::Inventory(args) => inventory::run(args, &session),
        Command::Scan(args) => scan::run(args, &session),
        Command::Correlate(args) => correlate::run(*args, &session),
        Command::Explain(args) => explain::run(args, &session),
        Command::Signatures(args) => signatures::run(args, &session),
        Command::Verify(args) => verify::run(&args, &session),
        Command::Schema(args) => schema::run(&args, &session),
    };
    let exit = done.unwrap_or_else(|Failure { exit, message }| {
        if let Some(message) = message {
            session.console.error(message);
        }
        exit
    });
    exit.max(session.stop.exit()).into()
}

/// A bug that a file finds in its reader becomes a row of that file; it need not be told twice.
fn keep_panics_of_readers_quiet() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if rayon::current_thread_index().is_none() {
            loud(panic);
        }
    }));
}
