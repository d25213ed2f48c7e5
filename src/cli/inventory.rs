//! `whyrdp inventory`: what is here, before anything is judged.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use jiff::tz::TimeZone;
use whyrdp::correlate::{Request, correlate};
use whyrdp::evidence::Findings;
use whyrdp::inventory::inventory;
use whyrdp::report::Options;
use whyrdp::report::inventory::FORMATS;

use super::Session;
use super::exit::{Exit, Failure};
use super::findings;
use super::options::rendering::width;
use super::options::zone;
use super::output::Output;
use super::scan::{self, Reading};

const EXAMPLES: &str = "\
Examples:
  whyrdp inventory logs/                        computers, channels, spans, what is missing
  whyrdp inventory --format json rdp.etl        records by kind and provider, for programs
  whyrdp inventory --tmf formats/ rdp.etl       WPP messages, read by .tmf files";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Form of the inventory
    #[arg(long, value_name = "FORMAT", value_parser = formats(), default_value = FORMATS[0].0, help_heading = "Output")]
    format: String,
    /// Write to this file, whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, help_heading = "Output")]
    force: bool,
    /// Time zone of the text: IANA name, UTC, local, +02:00
    #[arg(long, value_name = "ZONE", value_parser = zone::parse, default_value = "UTC", help_heading = "Output")]
    tz: TimeZone,
    #[command(flatten)]
    reading: Reading,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|(name, _)| *name))
}

/// Runs the command.
pub fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let mut output = Output::open(args.output.as_deref(), args.force, &session.unfinished)?;
    let signatures = args.reading.load(session)?;
    let (found, _spool) = args.reading.discover(session);
    output.spares(found.inputs.iter().map(|input| input.path.as_path()))?;
    let mut all = Findings::default();
    let totals = args.reading.rows(&found, signatures, session, &mut |row| {
        all.add(row);
        Ok(())
    })?;
    let partial = findings::complain(&all, &session.console);
    if let Some(failure) = scan::nothing(&found, totals) {
        return Err(failure);
    }
    let inventory = inventory(correlate(&all, signatures, &Request::default()), signatures);
    let Some((_, write)) = FORMATS.iter().find(|(name, _)| *name == args.format) else {
        return Err(Failure::usage(format_args!("no such format: {}", args.format)));
    };
    let terminal = output.is_terminal();
    let options = Options {
        width: width(terminal),
        color: session.console.colors(terminal),
        timezone: args.tz,
        verbose: session.console.verbose(),
        selected: false,
    };
    output.write(|out| write(&inventory, out, &options))?;
    output.finish()?;
    Ok(partial)
}
