//! How much is held at once.

use std::num::NonZeroUsize;

/// About a gigabyte.
const ROWS: &str = "1000000";

/// As typed.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Behaviour")]
pub struct Memory {
    /// Records that are held at once, about 1 kB each; more are sorted on disk and judged in stretches of time
    #[arg(long, value_name = "COUNT", default_value = ROWS)]
    rows_in_memory: NonZeroUsize,
}

impl Memory {
    /// So many rows.
    pub fn rows(&self) -> usize {
        self.rows_in_memory.get()
    }
}
