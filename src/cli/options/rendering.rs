//! In which form the report comes, where it goes, and when it makes the program fail.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser};
use jiff::tz::TimeZone;
use whyrdp::evidence::Findings;
use whyrdp::report::model::{Level, Report};
use whyrdp::report::redact::{Hints, redact};
use whyrdp::report::{self, FORMATS, Options};
use whyrdp::signature::definition::Outcome;

use super::zone;
use crate::cli::Session;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::record::{Hashing, Manner, Record};

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

/// Where the report goes, and what is written beside it.
pub struct Outputs {
    report: Output,
    record: Option<Record>,
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
    /// Replace users, domains, hosts, addresses and paths by pseudonyms
    #[arg(long)]
    redact: bool,
    /// Write command line, machine and clock of this run to a file of its own
    #[arg(long, value_name = "FILE")]
    run_record: Option<PathBuf>,
    /// Exit with 1 if a failed or dropped attempt has a cause at least so sure
    #[arg(long, value_name = "LEVEL", value_enum)]
    fail_on: Option<FailOn>,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about)))
}

impl Rendering {
    /// Opens the output, and the record of the run where one is wanted.
    pub fn open(&self, session: &Session) -> Result<Outputs, Failure> {
        let report = Output::open(self.output.as_deref(), self.force, &session.unfinished)?;
        let record = self.run_record.as_ref().map(|path| Record::open(path, self.force, session)).transpose()?;
        Ok(Outputs { report, record })
    }

    /// The zone of times.
    pub fn zone(&self) -> &TimeZone {
        &self.tz
    }

    /// Writes the report and says how the program is to end because of what it says.
    pub fn write(
        &self,
        report: &Report,
        findings: &Findings,
        selected: bool,
        outputs: Outputs,
        session: &Session,
    ) -> Result<Exit, Failure> {
        let Outputs { report: mut output, record } = outputs;
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
        let redacted = if self.redact { Some(self.redacted(report, findings)?) } else { None };
        let shown = redacted.as_ref().unwrap_or(report);
        let exit = if self.fails(report) { Exit::Found } else { Exit::Done };
        let Some(record) = record else {
            output.write(|out| (format.write)(shown, out, &options))?;
            output.finish()?;
            return Ok(exit);
        };
        let name = output.name().to_owned();
        let mut written = (0, String::new());
        output.write(|out| {
            let mut out = Hashing::new(out);
            (format.write)(shown, &mut out, &options)?;
            written = out.done();
            Ok(())
        })?;
        output.finish()?;
        let manner = Manner { output: &name, format: format.name, redacted: self.redact, written, exit };
        record.write(report, manner)?;
        Ok(exit)
    }

    fn redacted(&self, report: &Report, findings: &Findings) -> Result<Report, Failure> {
        redact(report, &Hints::of(findings))
            .map_err(|error| Failure::new(Exit::Output, format_args!("cannot take the names out: {error}")))
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

/// Columns of the terminal, or what fits everywhere.
pub fn width(terminal: bool) -> usize {
    let screen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    if terminal { screen().unwrap_or(COLUMNS) } else { COLUMNS }
}
