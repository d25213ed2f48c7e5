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
    Lines::new(signatures_sha256).append(&mut line, row)?;
    String::from_utf8(line).map_err(std::io::Error::other)
}

/// Writes rows that were made with one set of signatures.
pub struct Lines {
    signatures_sha256: String,
    /// What all lines begin with.
    start: Vec<u8>,
}

impl Lines {
    /// Of rows that were made with the signatures of this SHA-256.
    pub fn new(signatures_sha256: &str) -> Self {
        let mut start = format!("{{\"schema_version\":{SCHEMA_VERSION},\"signatures_sha256\":").into_bytes();
        // Text is put into memory, which takes it.
        let _ = super::write_line(&mut start, &signatures_sha256);
        start.push(b',');
        Lines { signatures_sha256: signatures_sha256.to_owned(), start }
    }

    /// Appends a row as [`write_row`] writes it.
    ///
    /// # Errors
    /// As of [`write_row`].
    pub fn append(&self, out: &mut Vec<u8>, row: &Row) -> std::io::Result<()> {
        if let Row::Evidence(evidence) = row {
            out.extend_from_slice(&self.start);
            return super::line::write_evidence(out, evidence);
        }
        let signatures_sha256 = &self.signatures_sha256;
        super::write_line(out, &Written { schema_version: SCHEMA_VERSION, signatures_sha256, row })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Position};
    use crate::evidence::Name;

    #[test]
    fn evidence_is_written_as_its_serializer_writes_it() {
        let texts = ["", "SRV01", "a\"b\\c", "Größe", "\u{1b}[2J", "\u{202e}x", "tab\tline\n\u{7f}~ ", "\\", "\"\""];
        for round in 0..400usize {
            let pick = |n: usize| texts[(round / 3 + n * 2) % texts.len()];
            let mut event = Event::default();
            event.system.computer = pick(0).to_owned();
            event.system.channel = pick(1).to_owned();
            event.system.provider = pick(2).to_owned();
            event.system.source_name = pick(3).to_owned();
            event.system.user_id = pick(4).to_owned();
            event.system.event_id = [0, 9, 10, u32::MAX][round % 4];
            event.system.version = Some(round as u8).filter(|_| round % 3 == 0);
            event.system.level = Some(round as u8).filter(|_| round % 5 == 0);
            event.system.process_id = Some(round as u32).filter(|_| round % 2 == 0);
            event.system.record_id = Some(u64::MAX - round as u64).filter(|_| round % 7 > 0);
            event.system.time = Some(Time::from_filetime(round as u64 * 12_345_678_901)).filter(|_| round % 4 > 0);
            event.system.activity_id = Some(Guid([round as u8; 16])).filter(|_| round % 6 > 0);
            (0..round % 4).for_each(|n| event.push(pick(n), pick(n + 3)));
            let mut record = Record::of(&event);
            record.cut = round % 9 == 0;
            let position = Position { offset: round as u64 * 99, within: (round % 2 * 7) as u32 };
            let row = Row::Evidence(Evidence {
                event: EventRef::of(&event),
                record,
                signatures: (0..round % 3).map(|n| Name::from(pick(n))).collect(),
                source: Source::new(pick(5).into(), position),
            });
            let mut known = Vec::new();
            let written = Written { schema_version: SCHEMA_VERSION, signatures_sha256: "a\"bc", row: &row };
            crate::evidence::write_line(&mut known, &written).unwrap();
            let line = write_row(&row, "a\"bc").unwrap();
            assert_eq!(line.as_bytes(), known);
            assert_eq!(read_row(&line, "a\"bc").unwrap(), row);
        }
    }
}
