//! Rows on the wire: JSON Lines between `scan` and `correlate`.

use serde::{Deserialize, Serialize};

use super::{Coverage, Evidence, InputFacts, Problem};

/// Version of the rows' shape.
pub const SCHEMA_VERSION: u32 = 1;

/// One row of a scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "lowercase")]
pub enum Row {
    /// A record that a signature matched.
    Evidence(Evidence),
    /// What an input holds of one channel of one computer.
    Coverage {
        /// Computer name as written.
        computer: Box<str>,
        /// Channel.
        channel: Box<str>,
        /// The span.
        #[serde(flatten)]
        coverage: Coverage,
    },
    /// A place that could not be read.
    Problem(Problem),
    /// An input as a whole, after its other rows.
    Input(InputFacts),
}

#[derive(Serialize)]
struct Written<'a> {
    schema_version: u32,
    signatures_sha256: &'a str,
    #[serde(flatten)]
    row: &'a Row,
}

#[derive(Deserialize)]
struct Stamped {
    schema_version: u32,
    signatures_sha256: String,
}

/// Why a line is no row of ours.
#[derive(Debug, PartialEq, Eq)]
pub enum RowError {
    /// Not JSON, or not the shape of a row.
    Malformed(String),
    /// Another version of the rows.
    Version(u32),
    /// Made with other signatures; the SHA-256 that it names.
    Signatures(String),
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RowError::Malformed(why) => write!(f, "not a row of a scan: {why}"),
            RowError::Version(version) => {
                write!(f, "row schema version {version}, this program reads {SCHEMA_VERSION}")
            }
            RowError::Signatures(sha256) => {
                write!(f, "made with another signature set ({sha256}): scan again with this one")
            }
        }
    }
}

/// One line of JSON without its newline.
///
/// # Errors
/// When a row cannot be put into JSON, which no row of ours does.
pub fn write_row(row: &Row, signatures_sha256: &str) -> std::io::Result<String> {
    let mut line = Vec::with_capacity(512);
    super::write_line(&mut line, &Written { schema_version: SCHEMA_VERSION, signatures_sha256, row })?;
    String::from_utf8(line).map_err(std::io::Error::other)
}

/// Reads a line that [`write_row`] wrote.
///
/// # Errors
/// When the line is no row, of another version, or made with other signatures.
pub fn read_row(line: &str, signatures_sha256: &str) -> Result<Row, RowError> {
    let malformed = |error: serde_json::Error| RowError::Malformed(error.to_string());
    // As this program writes it, what a row is made with stands first: it need not be parsed twice.
    if let Some(rest) = line.strip_prefix("{\"schema_version\":1,\"signatures_sha256\":\"")
        && rest.strip_prefix(signatures_sha256).is_some_and(|rest| rest.starts_with("\","))
    {
        return serde_json::from_str(line).map_err(malformed);
    }
    let stamp: Stamped = serde_json::from_str(line).map_err(malformed)?;
    if stamp.schema_version != SCHEMA_VERSION {
        return Err(RowError::Version(stamp.schema_version));
    }
    if stamp.signatures_sha256 != signatures_sha256 {
        return Err(RowError::Signatures(stamp.signatures_sha256));
    }
    serde_json::from_str(line).map_err(malformed)
}
