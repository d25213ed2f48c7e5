//! In which form the report comes, where it goes, and when it makes the program fail.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser};
use jiff::tz::TimeZone;
use whyrdp::report::model::{AttemptReport, Entries, Level, LongReport, Report};
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
    /// How the program is to end because of what it read.
    so_far: Exit,
}

impl Outputs {
    /// The program ends so, or worse.
    #[must_use]
    pub fn after(self, so_far: Exit) -> Self {
        Outputs { so_far, ..self }
    }

    /// An error where an input is to be written over.
    pub fn spares<'p>(&self, inputs: impl IntoIterator<Item = &'p Path> + Clone) -> Result<(), Failure> {
        self.report.spares(inputs.clone())?;
        self.record.as_ref().map_or(Ok(()), |record| record.output().spares(inputs))
    }
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
    /// Time zone of text, html and md, and of times typed without one: IANA name, UTC, local, +02:00
    #[arg(long, value_name = "ZONE", value_parser = zone::parse, default_value = "UTC")]
    tz: TimeZone,
    /// Replace users, domains, hosts, addresses and paths of the report by pseudonyms
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
        if record.as_ref().is_some_and(|record| record.output().is(&report)) {
            let what = "--run-record and --output name the same file: the record of a run stands beside its report";
            return Err(Failure::usage(what));
        }
        Ok(Outputs { report, record, so_far: Exit::Done })
    }

    /// The zone of times.
    pub fn zone(&self) -> &TimeZone {
        &self.tz
    }

    /// The whole report has to be held to write it.
    pub fn holds_report(&self) -> bool {
        self.redact || report::format(&self.format).is_some_and(|format| format.write_long.is_none())
    }

    /// Writes the report and says how the program is to end because of what it says.
    pub fn write(
        &self,
        report: LongReport<'_>,
        hints: impl FnOnce() -> Hints,
        selected: bool,
        outputs: Outputs,
        session: &Session,
    ) -> Result<Exit, Failure> {
        let Some(format) = report::format(&self.format) else {
            return Err(Failure::usage(format_args!("no such format: {}", self.format)));
        };
        let terminal = outputs.report.is_terminal();
        let options = Options {
            width: width(terminal),
            color: session.console.colors(terminal),
            timezone: self.tz.clone(),
            verbose: session.console.verbose(),
            selected,
        };
        let exit = if self.fails(&report) { Exit::Found } else { Exit::Done };
        // Whoever needs a part twice, or looks for names in all of it, has to hold it.
        if let Some(write) = format.write_long.filter(|_| !self.redact) {
            return self.put(outputs, exit, &report, |out| {
                write(&report, out, &options)?;
                report.trouble()
            });
        }
        let report = report.read().map_err(|error| Failure::output(outputs.report.name(), &error))?;
        let redacted = if self.redact { Some(redacted(&report, &hints())?) } else { None };
        let shown = redacted.as_ref().unwrap_or(&report);
        self.put(outputs, exit, &report, |out| (format.write)(shown, out, &options))
    }

    /// Writes with `write`, and the record of the run where one is wanted.
    fn put<A, T>(
        &self,
        outputs: Outputs,
        exit: Exit,
        report: &Report<A, T>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Exit, Failure> {
        let Outputs { report: mut output, record, so_far } = outputs;
        let exit = exit.max(so_far);
        let Some(record) = record else {
            output.write(write)?;
            output.finish()?;
            return Ok(exit);
        };
        let name = output.name().to_owned();
        let mut written = (0, String::new());
        output.write(|out| {
            let mut out = Hashing::new(out);
            write(&mut out)?;
            written = out.done();
            Ok(())
        })?;
        output.finish()?;
        let manner = Manner { output: &name, format: &self.format, redacted: self.redact, written, exit };
        record.write(report, manner)?;
        Ok(exit)
    }

    fn fails(&self, report: &LongReport<'_>) -> bool {
        let Some(fail_on) = self.fail_on else { return false };
        let least = match fail_on {
            FailOn::Possible => Level::Possible,
            FailOn::Probable => Level::Probable,
            FailOn::Confirmed => Level::Confirmed,
        };
        let counts = |attempt: &AttemptReport| {
            matches!(attempt.outcome, Outcome::Failed | Outcome::Dropped)
                && attempt.verdicts.iter().any(|verdict| verdict.verdict >= least)
        };
        report.attempts.each(|attempt| if counts(attempt) { Err(()) } else { Ok(()) }).is_err()
    }
}

fn redacted(report: &Report, hints: &Hints) -> Result<Report, Failure> {
    redact(report, hints)
        .map_err(|error| Failure::new(Exit::Output, format_args!("cannot take the names out: {error}")))
}

/// Columns of the terminal, or what fits everywhere.
pub fn width(terminal: bool) -> usize {
    let screen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    if terminal { screen().unwrap_or(COLUMNS) } else { COLUMNS }
}
