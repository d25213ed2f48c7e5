//! Is a report still true of its inputs? The only thing beside a scan that reads them again:
//! every input must hash as the report says, and every cited record must be where it says and what it says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::event::{Damage, Event, Fields, Interest, Position, Sink, Stamp, Time, Wanted};
use crate::evidence::EventRef;
use crate::report::model::{EventRow, InputReport, Place, Report, Row};
use crate::source::{self, Aids, Given, Input};

/// What was looked at, and what is not as the report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Inputs that the report had read.
    pub inputs: u64,
    /// Inputs whose hash is that of the report.
    pub hashed: u64,
    /// Inputs of which the report has no hash.
    pub unhashed: u64,
    /// Records found where the report has them.
    pub records: u64,
    /// What differs, in the order of inputs.
    pub different: Vec<Difference>,
}

/// Something that is not as the report says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Input name.
    pub path: String,
    /// Byte offset, where it is about a record.
    pub offset: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// Looks every input and record of a report up. `aids` are those of the analysis; `place` says where an input of a name lies.
pub fn verify(report: &Report, aids: &Aids, place: &dyn Fn(&str) -> PathBuf) -> Verified {
    let mut done = Verified::default();
    let mut cited: BTreeMap<&str, Vec<&EventRow>> = BTreeMap::new();
    for row in rows(report) {
        cited.entry(&row.source.path).or_default().push(row);
    }
    done.causes(report);
    let known: BTreeMap<&str, &InputReport> = report.inputs.iter().map(|input| (&*input.path, input)).collect();
    let names: BTreeSet<&str> = known.keys().chain(cited.keys()).copied().collect();
    for name in names {
        let path = place(name);
        if let Some(input) = known.get(name).filter(|input| input.kind != "unreadable") {
            done.input(input, &path);
        }
        if let Some(rows) = cited.get(name) {
            done.rows(name, &path, aids, rows);
        }
    }
    done
}

/// Single records that the report tells.
fn rows(report: &Report) -> impl Iterator<Item = &EventRow> {
    report.timeline.iter().filter_map(|row| if let Row::Event(row) = row { Some(&**row) } else { None })
}

/// Was it made without names? Its records are numbered from one then, which no hash comes near.
pub fn is_redacted(report: &Report) -> bool {
    let rows = rows(report).map(|row| row.event);
    rows.chain(report.attempts.iter().map(|attempt| attempt.id)).any(|event| event.0 >> 64 == 0)
}

impl Verified {
    /// What causes rest on must be told by some row, which is looked up then.
    fn causes(&mut self, report: &Report) {
        let rows: BTreeSet<EventRef> = rows(report).map(|row| row.event).collect();
        for cause in &report.causes {
            let without = cause.evidence.iter().filter(|cited| !rows.contains(&cited.event)).count();
            if without > 0 {
                let what = format!("{without} of the records that it cites stand in no row of the report");
                self.differs(&format!("cause {}", cause.id), None, what);
            }
        }
    }

    fn differs(&mut self, path: &str, offset: Option<u64>, what: impl ToString) {
        self.different.push(Difference { path: path.to_owned(), offset, what: what.to_string() });
    }

    fn input(&mut self, input: &InputReport, path: &Path) {
        self.inputs += 1;
        let Some(expected) = &input.sha256 else {
            self.unhashed += 1;
            return;
        };
        match source::sha256(path) {
            Ok(actual) if actual == *expected => self.hashed += 1,
            Ok(actual) => self.differs(&input.path, None, format_args!("SHA-256 is {actual}, was {expected}")),
            Err(error) => self.differs(&input.path, None, format_args!("cannot be read: {error}")),
        }
    }

    /// Reads the input once and asks for every cited record by its offset.
    fn rows(&mut self, name: &str, path: &Path, aids: &Aids, rows: &[&EventRow]) {
        let found = match records(path, aids, rows) {
            Ok(found) => found,
            Err(what) => return self.differs(name, None, format_args!("{} cited records: {what}", rows.len())),
        };
        for row in rows {
            let Place { offset, within, .. } = row.source;
            match found.get(&Position { offset, within }) {
                Some(here) if here.iter().any(|actual| actual.is(row)) => self.records += 1,
                Some(here) if here.iter().any(|actual| actual.event == row.event) => {
                    self.differs(name, Some(offset), "the record is not what the report says of it");
                }
                Some(_) => self.differs(name, Some(offset), "another record stands here"),
                None => self.differs(name, Some(offset), "the cited record is not here"),
            }
        }
    }
}

/// Records of the cited kinds, by their places.
fn records(path: &Path, aids: &Aids, rows: &[&EventRow]) -> Result<HashMap<Position, Vec<Found>>, String> {
    let found = source::discover_given(&[Given { path: path.to_owned(), name: None }]);
    let input: &Input = match found.inputs.first() {
        Some(input) => input,
        None => return Err(found.problems.first().map_or("no such log".to_owned(), |problem| problem.what.clone())),
    };
    let log = source::open_with(input, aids).map_err(|error| error.to_string())?;
    let ids = rows.iter().map(|row| (row.event_id, Fields::All)).collect();
    let interest = Interest::new(BTreeMap::new(), Wanted { ids, others: None });
    let mut seen = Seen::default();
    (0..log.blocks()).for_each(|block| log.read(block, &interest, &mut seen));
    Ok(seen.0)
}

/// One packet may tell of several steps, each a record of its own.
#[derive(Default)]
struct Seen(HashMap<Position, Vec<Found>>);

/// What stands at an offset.
struct Found {
    event: EventRef,
    event_id: u32,
    record_id: Option<u64>,
    time: Option<Time>,
    channel: String,
    provider: String,
}

impl Found {
    /// Records without an id are named by the fields that were wanted of them; here all are.
    fn is(&self, row: &EventRow) -> bool {
        (self.event == row.event || row.record_id.is_none())
            && (self.event_id, self.record_id) == (row.event_id, row.record_id)
            && (&self.channel, &self.provider) == (&row.channel, &row.provider)
            && self.time.is_none_or(|time| time == row.time)
    }
}

impl Sink for Seen {
    fn record(&mut self, _: &Stamp<'_>) {}

    fn event(&mut self, event: &Event) {
        let system = &event.system;
        let found = Found {
            event: EventRef::of(event),
            event_id: system.event_id,
            record_id: system.record_id,
            time: system.time,
            channel: system.channel.clone(),
            provider: system.provider.clone(),
        };
        self.0.entry(event.origin.position).or_default().push(found);
    }

    fn damage(&mut self, _: Damage) {}
}
