//! How much one input, or one block of it, may leave behind. Real logs stay far below; without these, a file made
//! for it could fill the memory. docs/limits.md lists them beside those of each format.

/// Providers, and pairs of computer and channel, of one input.
pub const NAMES: usize = 16_384;
/// Runs of record ids of one channel of one input.
pub const RUNS: usize = 65_536;
/// Bytes of rows that one block may give: a row is about as long as its record, and a block has at most two
/// megabytes, or a few more when it was compressed.
pub const ROWS: usize = 16 << 20;
