//! `whyrdp schema`: what other programs may rely on, as JSON Schema or as a table.

use clap::ValueEnum;

use super::Session;
use super::exit::{Exit, Failure};
use super::output::Output;

const REPORT: &str = include_str!("../../docs/report.schema.json");
const ROWS: &str = include_str!("../../docs/rows.schema.json");
const TABLE: &str = include_str!("../../docs/rows.sql");

/// Of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// The report of analyze and correlate (--format json)
    Report,
    /// The rows of scan
    Rows,
}

const EXAMPLES: &str = "\
Examples:
  whyrdp schema > report.schema.json            what --format json promises
  whyrdp schema rows                            the rows of whyrdp scan
  whyrdp schema rows --ddl | duckdb rows.db     a table that holds them";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Of what
    #[arg(value_enum, default_value_t = What::Report)]
    what: What,
    /// SQL of a table that holds the rows
    #[arg(long)]
    ddl: bool,
}

/// Runs the command.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let text = match (args.what, args.ddl) {
        (What::Report, true) => return Err(Failure::usage("--ddl is for rows: whyrdp schema rows --ddl")),
        (What::Report, false) => REPORT,
        (What::Rows, false) => ROWS,
        (What::Rows, true) => TABLE,
    };
    let mut output = Output::open(None, false, &session.unfinished)?;
    output.write(|out| out.write_all(text.as_bytes()))?;
    output.finish()?;
    Ok(Exit::Done)
}
