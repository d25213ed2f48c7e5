//! What the inputs hold and what they lack: the report without any attempt.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::model::{CoverageReport, InputReport, Tool};
use super::{Options, text};

/// An inventory; the names are those of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// Version of the report's shape, of which this is a part.
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// By host, and what cannot be judged of the attempts that are there.
    pub coverage: CoverageReport,
    /// What is missing, in words.
    pub missing: Vec<String>,
    /// What was read.
    pub inputs: Vec<InputReport>,
}

/// Writes an inventory in one form.
pub type Render = fn(&Inventory, &mut dyn Write, &Options) -> io::Result<()>;

/// Every form, the default first.
pub const FORMATS: &[(&str, Render)] = &[("text", text::inventory::write), ("json", json)];

fn json(inventory: &Inventory, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    crate::evidence::write_indented(&mut *out, inventory)?;
    out.write_all(b"\n")
}
