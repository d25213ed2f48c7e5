//! In which form the report comes, where it goes, and when it makes the program fail.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser};
use jiff::tz::TimeZone;
use whyrdp::report::model::{Level, Report};
use whyrdp::report::{self, FORMATS, Options};
use whyrdp::signature::definition::Outcome;

use super::zone;
use crate::cli::Session;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;

/// Columns where nobody looks on: what fits everywhere.
const COLUMNS: usize = 80;

/// How sure a cause must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Any cause
    Possible,
    /// A probable or confirmed one
    Probable,
    /// A confirmed one
    Confirmed,
}

/// As typed.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Rendering {
    /// Form of the report
    #[arg(long, value_name = "FORMAT", value_parser = formats(), default_value = FORMATS[0].name)]
    format: String,
    /// Write to this file, whole or not at all
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
    /// Time zone of the text report, and of times typed without one: IANA name, UTC, local, +02:00
    #[arg(long, value_name = "ZONE", value_parser = zone::parse, default_value = "UTC")]
    tz: TimeZone,
    /// Exit with 1 if a failed or dropped attempt has a cause at least so sure
    #[arg(long, value_name = "LEVEL", value_enum)]
    fail_on: Option<FailOn>,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about)))
}

impl Rendering {
    /// Opens the output.
    pub fn open(&self, session: &Session) -> Result<Output, Failure> {
        Output::open(self.output.as_deref(), self.force, &session.unfinished)
    }

    /// The zone of times.
    pub fn zone(&self) -> &TimeZone {
        &self.tz
    }

    /// Writes the report and says how the program is to end because of what it says.
    pub fn write(
        &self,
        report: &Report,
        selected: bool,
        mut output: Output,
        session: &Session,
    ) -> Result<Exit, Failure> {
        let Some(format) = report::format(&self.format) else {
            return Err(Failure::usage(format_args!("no such format: {}", self.format)));
        };
        let terminal = output.is_terminal();
        let options = Options {
            width: width(terminal),
            color: session.console.colors(terminal),
            timezone: self.tz.clone(),
            verbose: session.console.verbose(),
            selected,
        };
        output.write(|out| (format.write)(report, out, &options))?;
        output.finish()?;
        Ok(if self.fails(report) { Exit::Found } else { Exit::Done })
    }

    fn fails(&self, report: &Report) -> bool {
        let Some(fail_on) = self.fail_on else { return false };
        let least = match fail_on {
            FailOn::Possible => Level::Possible,
            FailOn::Probable => Level::Probable,
            FailOn::Confirmed => Level::Confirmed,
        };
        report.attempts.iter().any(|attempt| {
            matches!(attempt.outcome, Outcome::Failed | Outcome::Dropped)
                && attempt.verdicts.iter().any(|verdict| verdict.verdict >= least)
        })
    }
}

/// Columns to write in.
pub fn width(terminal: bool) -> usize {
    let known = terminal_size::terminal_size().filter(|_| terminal);
    known.map_or(COLUMNS, |(width, _)| usize::from(width.0))
}
