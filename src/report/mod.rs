//! The report and its renderers: one file per form, each reading nothing but the report.
//!
//! Renderers add no judgement of their own. Text from logs reaches no reader
//! unescaped; how that is done is each form's own affair.

mod headline;
pub mod inventory;
mod json;
pub mod model;
pub mod terminal;
mod text;
mod wanted;

pub use headline::headline;
pub use text::page;

use std::io::{self, Write};

use model::Report;

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
];

/// The form of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
