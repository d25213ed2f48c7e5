//! The report and its renderers: one file per form, each reading nothing but the report.
//!
//! Renderers add no judgement of their own. Text from logs reaches no reader
//! unescaped; how that is done is each form's own affair.

pub mod accounts;
mod csv;
mod ecs;
mod facts;
mod headline;
mod html;
pub mod inventory;
mod json;
mod jsonl;
pub mod kept;
mod l2tcsv;
mod markdown;
pub mod model;
mod ocsf;
mod provider;
mod reading;
pub mod redact;
pub mod terminal;
mod text;
mod timesketch;
mod wanted;
mod when;

pub use headline::headline;
pub use text::page;

use std::io::{self, Write};

use model::{LongReport, Report};

use crate::evidence::write_line;

/// How a reader wants it. Forms for programs look at none of this.
#[derive(Clone, Debug)]
pub struct Options {
    /// Columns of the reader's screen or paper.
    pub width: usize,
    /// Colours are wanted.
    pub color: bool,
    /// Zone in which times are told.
    pub timezone: jiff::tz::TimeZone,
    /// Nothing is left out for brevity.
    pub verbose: bool,
    /// Not every attempt was wanted, so that what is missing may be there all the same.
    pub selected: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { width: 80, color: false, timezone: jiff::tz::TimeZone::UTC, verbose: false, selected: false }
    }
}

/// Writes a report in one form.
pub type Render = fn(&Report, &mut dyn Write, &Options) -> io::Result<()>;

/// Writes a report that is made while it is written; the same bytes.
pub type RenderLong = fn(&LongReport<'_>, &mut dyn Write, &Options) -> io::Result<()>;

/// A form in which a report can be had.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is good for.
    pub about: &'static str,
    /// Writes it.
    pub write: Render,
    /// Writes it without holding it, where the form needs every part only once.
    pub write_long: Option<RenderLong>,
}

impl Format {
    const fn whole(name: &'static str, about: &'static str, write: Render) -> Self {
        Format { name, about, write, write_long: None }
    }

    const fn long(name: &'static str, about: &'static str, write: Render, write_long: RenderLong) -> Self {
        Format { name, about, write, write_long: Some(write_long) }
    }
}

/// Every form, the default first.
pub const FORMATS: &[Format] = &[
    Format::whole("text", "for reading, the verdict first", text::write),
    Format::long("json", "everything, for programs (docs/report.schema.json)", json::write, json::write_long),
    Format::whole("html", "one page with pictures and a timeline to search in", html::write),
    Format::whole("md", "Markdown for a ticket", markdown::write),
    Format::long("jsonl", "everything, one part of the report a line", jsonl::write, jsonl::write_long),
    Format::whole("csv", "verdicts, attempts and records for a spreadsheet", csv::write),
    Format::whole("ecs", "Elastic Common Schema 9.4, one document a line", ecs::write),
    Format::whole("ocsf", "OCSF 1.8, one event a line", ocsf::write),
    Format::whole("timesketch", "timeline for Timesketch, JSON Lines", timesketch::write_jsonl),
    Format::whole("timesketch-csv", "timeline for Timesketch, CSV", timesketch::write_csv),
    Format::whole("l2tcsv", "timeline in the columns of log2timeline", l2tcsv::write),
];

/// The form of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// One value as one line of JSON.
fn line(out: &mut dyn Write, value: &impl serde::Serialize) -> io::Result<()> {
    write_line(&mut *out, value)?;
    out.write_all(b"\n")
}
