//! The report as other programs read it: `model.rs`, written down.

use std::io::{self, Write};

use super::Options;
use super::model::Report;

/// Indented JSON, one object, a line break at its end.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report).map_err(io::Error::from)?;
    out.write_all(b"\n")
}
