//! Rows on the wire: JSON Lines between `scan` and `correlate`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Coverage, EventRef, Evidence, Fields, InputFacts, List, Problem, Record, Source};
use crate::event::{Guid, Time};

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

/// An evidence row in the same shape, without the detour over a tree of values that a tagged row takes. Keys that it
/// does not know, its own tag among them, mean nothing to it.
#[derive(Deserialize)]
struct Straight<'l> {
    #[serde(rename = "ref")]
    event: EventRef,
    #[serde(borrow)]
    computer: Cow<'l, str>,
    #[serde(borrow)]
    channel: Cow<'l, str>,
    #[serde(borrow)]
    provider: Cow<'l, str>,
    #[serde(borrow, default)]
    source_name: Cow<'l, str>,
    event_id: u32,
    #[serde(default)]
    version: Option<u8>,
    #[serde(default)]
    level: Option<u8>,
    #[serde(default)]
    record_id: Option<u64>,
    #[serde(default)]
    time: Option<Time>,
    #[serde(default)]
    activity_id: Option<Guid>,
    #[serde(default)]
    process_id: Option<u32>,
    #[serde(borrow, default)]
    user_id: Cow<'l, str>,
    #[serde(default)]
    fields: Fields,
    #[serde(default)]
    cut: bool,
    signatures: List,
    source: Source,
}

impl From<Straight<'_>> for Row {
    fn from(row: Straight<'_>) -> Self {
        let record = Record {
            computer: row.computer.into(),
            channel: row.channel.into(),
            provider: row.provider.into(),
            source_name: row.source_name.into(),
            event_id: row.event_id,
            version: row.version,
            level: row.level,
            record_id: row.record_id,
            time: row.time,
            activity_id: row.activity_id,
            process_id: row.process_id,
            user_id: row.user_id.into(),
            fields: row.fields,
            cut: row.cut,
        };
        Row::Evidence(Evidence { event: row.event, record, signatures: row.signatures, source: row.source })
    }
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

/// What stands behind the version and the signatures, where both are these and stand first, as [`write_row`] puts
/// them: such a line need not be parsed twice.
fn stamped<'l>(line: &'l str, signatures_sha256: &str) -> Option<&'l str> {
    let (version, rest) = line.strip_prefix("{\"schema_version\":")?.split_once(",\"signatures_sha256\":\"")?;
    let rest = rest.strip_prefix(signatures_sha256)?.strip_prefix("\",")?;
    (version.parse() == Ok(SCHEMA_VERSION)).then_some(rest)
}

/// Reads a line that [`write_row`] wrote.
///
/// # Errors
/// When the line is no row, of another version, or made with other signatures.
pub fn read_row(line: &str, signatures_sha256: &str) -> Result<Row, RowError> {
    let malformed = |error: serde_json::Error| RowError::Malformed(error.to_string());
    if let Some(rest) = stamped(line, signatures_sha256) {
        // Nearly all rows are evidence, which is read straight; whatever else it may be, it is read by its tag.
        let straight = rest.starts_with("\"row\":\"evidence\",");
        let evidence = straight.then(|| serde_json::from_str::<Straight<'_>>(line).ok()).flatten();
        return evidence.map_or_else(|| serde_json::from_str(line).map_err(malformed), |row| Ok(row.into()));
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
