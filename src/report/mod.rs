//! The report and its renderers: one file per form, each reading nothing but the report.
//!
//! Renderers add no judgement of their own. Text from logs reaches no reader
//! unescaped; how that is done is each form's own affair.

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
pub mod redact;
pub mod terminal;
mod text;
mod timesketch;
mod wanted;
mod when;

pub use headline::headline;
pub use text::page;

use std::io::{self, Write};

use model::Report;

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

/// A form in which a report can be had.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is good for.
    pub about: &'static str,
    /// Writes it.
    pub write: Render,
}

/// Every form, the default first.
pub const FORMATS: &[Format] = &[
    Format { name: "text", about: "for reading, the verdict first", write: text::write },
    Format { name: "json", about: "everything, for programs (docs/report.schema.json)", write: json::write },
    Format { name: "html", about: "one page with pictures and a timeline to search in", write: html::write },
    Format { name: "md", about: "Markdown for a ticket", write: markdown::write },
    Format { name: "jsonl", about: "everything, one part of the report a line", write: jsonl::write },
    Format { name: "csv", about: "verdicts, attempts and records for a spreadsheet", write: csv::write },
    Format { name: "ecs", about: "Elastic Common Schema 9.4, one document a line", write: ecs::write },
    Format { name: "ocsf", about: "OCSF 1.8, one event a line", write: ocsf::write },
    Format { name: "timesketch", about: "timeline for Timesketch, JSON Lines", write: timesketch::write_jsonl },
    Format { name: "timesketch-csv", about: "timeline for Timesketch, CSV", write: timesketch::write_csv },
    Format { name: "l2tcsv", about: "timeline in the columns of log2timeline", write: l2tcsv::write },
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
