//! What traces do not tell and their owner knows.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use whyrdp::source::{Aids, Discovery, FORMATS, Messages};

use crate::cli::console::Console;
use crate::cli::exit::Failure;

use super::zone;

/// As typed.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Traces")]
pub struct TraceOptions {
    /// Zone of the local times in texts that name none (tracefmt, netsh trace convert, pktmon, FreeRDP): that
    /// of the computer that wrote them; IANA name, +02:00, UTC, local
    #[arg(long, value_name = "ZONE", value_parser = zone::parse)]
    trace_tz: Option<TimeZone>,
    /// Day of the first line of FreeRDP's logs, which tell hours alone: 2026-03-04
    #[arg(long, value_name = "DATE", value_parser = day)]
    trace_day: Option<Date>,
    /// Folder of .tmf files by which WPP messages of .etl files are read; without them such
    /// messages stay unread
    #[arg(long, value_name = "DIR")]
    tmf: Option<PathBuf>,
}

fn day(typed: &str) -> Result<Date, String> {
    typed.parse().map_err(|_| "no date: give year, month and day, e.g. 2026-03-04".to_owned())
}

impl TraceOptions {
    /// What is meant. Complains of .tmf files that cannot be used.
    pub fn aids(&self, console: &Console) -> Result<Aids, Failure> {
        let mut aids = Aids { zone: self.trace_tz.clone(), day: self.trace_day, ..Aids::default() };
        if let Some(folder) = &self.tmf {
            let (messages, problems) = Messages::read(folder)
                .map_err(|error| Failure::usage(format_args!("no folder of .tmf files: {error}")))?;
            console.warn_all(&problems);
            if messages.is_empty() {
                console.warn(format_args!("no message in the .tmf files of {}", folder.display()));
            }
            aids.messages = Arc::new(messages);
        }
        Ok(aids)
    }

    /// Times that are guessed are said to be.
    pub fn complain(&self, found: &Discovery, console: &Console) {
        let local = |name: &str| FORMATS.iter().any(|format| format.name == name && format.local_times);
        let count = found.inputs.iter().filter(|input| local(input.format)).count();
        if self.trace_tz.is_none() && count > 0 {
            console.warn(format_args!(
                "{count} of the inputs tell local times and no zone: taken as UTC; --trace-tz ZONE says which it was"
            ));
        }
        let dayless = found.inputs.iter().filter(|input| input.format == "freerdp-log").count();
        if self.trace_day.is_none() && dayless > 0 {
            console.warn(format_args!(
                "{dayless} of the inputs tell hours and no day: taken to end on the day when the file was last \
                 written; --trace-day DATE says on which day they begin"
            ));
        }
    }
}
