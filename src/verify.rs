//! Is a report still true of its inputs? The only thing beside a scan that reads them again:
//! every input must hash as the report says, and every cited record must be where it says and what it says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::event::{Damage, Event, Fields, Interest, Position, Sink, Stamp, Time, Wanted};
use crate::evidence::{EventRef, Field};
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
    done.told(report);
    let mut known: BTreeMap<&str, Vec<&InputReport>> = BTreeMap::new();
    for input in &report.inputs {
        known.entry(&input.path).or_default().push(input);
    }
    let names: BTreeSet<&str> = known.keys().chain(cited.keys()).copied().collect();
    for name in names {
        let path = place(name);
        let inputs = known.get(name).map_or(&[][..], Vec::as_slice);
        // Of what could not be read there is nothing to compare, unless it has a hash.
        let whole = inputs.iter().filter(|input| !input.is_unreadable() || input.sha256.is_some());
        done.inputs(&whole.copied().collect::<Vec<_>>(), &path);
        if let Some(rows) = cited.get(name) {
            if inputs.is_empty() {
                done.differs(name, None, "its records are cited, but it is no input of the report");
            }
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
    /// What the report rests on must be told by some row, which is looked up then.
    fn told(&mut self, report: &Report) {
        let rows: BTreeSet<EventRef> = rows(report).map(|row| row.event).collect();
        let mut check = |what: String, cited: &mut dyn Iterator<Item = EventRef>| {
            let without = cited.filter(|event| !rows.contains(event)).count();
            if without > 0 {
                self.differs(
                    &what,
                    None,
                    format!("{without} of the records that it cites stand in no row of the report"),
                );
            }
        };
        for cause in &report.causes {
            check(format!("cause {}", cause.id), &mut cause.evidence.iter().map(|cited| cited.event));
        }
        for finding in &report.findings {
            check(format!("finding {}", finding.id), &mut finding.evidence.iter().copied());
        }
        for attempt in &report.attempts {
            let out = attempt.ruled_out.iter().flat_map(|out| &out.events);
            check(format!("attempt {}", attempt.id), &mut attempt.events.iter().chain(out).copied());
        }
    }

    fn differs(&mut self, path: &str, offset: Option<u64>, what: impl ToString) {
        self.different.push(Difference { path: path.to_owned(), offset, what: what.to_string() });
    }

    /// Inputs of one name, as several computers may have; one of them at most can lie there.
    fn inputs(&mut self, inputs: &[&InputReport], path: &Path) {
        self.inputs += inputs.len() as u64;
        let hashed = || inputs.iter().filter_map(|input| Some((&input.path, input.sha256.as_ref()?)));
        self.unhashed += (inputs.len() - hashed().count()) as u64;
        if hashed().next().is_none() {
            return;
        }
        let actual = source::sha256(path);
        for (name, expected) in hashed() {
            match &actual {
                Ok(actual) if actual == expected => self.hashed += 1,
                Ok(actual) => self.differs(name, None, format_args!("SHA-256 is {actual}, was {expected}")),
                Err(error) => self.differs(name, None, format_args!("cannot be read: {error}")),
            }
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
    let ids = rows.iter().map(|row| (row.event_id, Fields::All)).collect();
    let interest = Interest::new(BTreeMap::new(), Wanted { ids, others: None });
    let cited = rows.iter().map(|row| Position { offset: row.source.offset, within: row.source.within }).collect();
    let mut seen = Seen { cited, found: HashMap::new() };
    // A file that finds a bug in its reader is told like any other that cannot be read.
    let read = catch_unwind(AssertUnwindSafe(|| {
        let log = source::open_with(input, aids).map_err(|error| error.to_string())?;
        (0..log.blocks()).for_each(|block| log.read(block, &interest, &mut seen));
        Ok(())
    }));
    read.unwrap_or_else(|_| Err("a bug in whyrdp stopped reading it".to_owned()))?;
    Ok(seen.found)
}

/// The records at the cited places. One packet may tell of several steps, each a record of its own.
struct Seen {
    cited: HashSet<Position>,
    found: HashMap<Position, Vec<Found>>,
}

/// What stands at an offset.
struct Found {
    event: EventRef,
    event_id: u32,
    version: Option<u8>,
    record_id: Option<u64>,
    time: Option<Time>,
    process_id: Option<u32>,
    channel: String,
    provider: String,
    user_id: String,
    fields: Vec<(String, String)>,
}

impl Found {
    /// Records without an id are named by the fields that were wanted of them; here all are.
    fn is(&self, row: &EventRow) -> bool {
        (self.event == row.event || row.record_id.is_none())
            && (self.event_id, self.record_id) == (row.event_id, row.record_id)
            && (&self.channel, &self.provider) == (&row.channel, &row.provider)
            && self.time.is_none_or(|time| time == row.time)
            && (self.version, self.process_id) == (row.kept.version, row.kept.process_id)
            && self.user_id == row.kept.user_id.as_deref().unwrap_or_default()
            && row.kept.fields.iter().all(|Field(name, value)| self.has(name, value, row.kept.cut))
    }

    /// A value that did not fit was cut.
    fn has(&self, name: &str, value: &str, cut: bool) -> bool {
        let is = |actual: &str| actual == value || (cut && actual.starts_with(value));
        self.fields.iter().any(|(known, actual)| known == name && is(actual))
    }
}

impl Sink for Seen {
    fn record(&mut self, _: &Stamp<'_>) {}

    fn event(&mut self, event: &Event) {
        if !self.cited.contains(&event.origin.position) {
            return;
        }
        let system = &event.system;
        let found = Found {
            event: EventRef::of(event),
            event_id: system.event_id,
            version: system.version,
            process_id: system.process_id,
            user_id: system.user_id.clone(),
            fields: event.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            record_id: system.record_id,
            time: system.time,
            channel: system.channel.clone(),
            provider: system.provider.clone(),
        };
        self.found.entry(event.origin.position).or_default().push(found);
    }

    fn damage(&mut self, _: Damage) {}
}
