//! The report as other programs read it: `model.rs`, written down.

use std::io::{self, Write};

use serde::Serialize;

use super::Options;
use super::model::{LongReport, Report};
use crate::evidence::write_indented;

/// Indented JSON, one object, a line break at its end.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    indented(report, out)
}

/// The same, of a report that is made while it is written.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_long(report: &LongReport<'_>, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    indented(report, out)
}

fn indented(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write_indented(&mut *out, report)?;
    out.write_all(b"\n")
}
