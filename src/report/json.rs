//! The report as other programs read it: `model.rs`, written down.

use std::io::{self, Write};

use super::Options;
use super::model::Report;
use crate::evidence::write_indented;

/// Indented JSON, one object, a line break at its end.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    write_indented(&mut *out, report)?;
    out.write_all(b"\n")
}
