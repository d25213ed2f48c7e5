//! The end of the road: rows become the report that is asked for.

use std::io::{self, Write};

use whyrdp::correlate::{Request, Stretches, correlate_in_stretches, correlate_long};
use whyrdp::event::Time;
use whyrdp::evidence::{EventRef, write_line};
use whyrdp::report::model::{self, AttemptReport, Each, Entries, Report};
use whyrdp::report::redact::Hints;

use super::Session;
use super::exit::{Exit, Failure};
use super::options::rendering::{Outputs, Rendering};
use super::options::selecting::Selecting;
use super::rows::{Rows, no_disk};
use super::runs::{Entry, Runs};

/// Makes the report that is asked for and writes it; says how the program is to end because of what it says.
pub fn tell(
    mut rows: Rows<'_>,
    selecting: &Selecting,
    rendering: &Rendering,
    outputs: Outputs,
    session: &Session,
) -> Result<Exit, Failure> {
    // A time that no clock shows is no end to count back from.
    let ends = rows.found.inputs.iter().filter_map(|input| input.last);
    let newest: Option<Time> = ends.filter(|time| *time < Time::LAST).max();
    let request: Request = selecting.request(rendering.zone(), newest)?;
    let selects = selecting.selects();
    if rows.are_held() {
        let found = rows.found;
        let told = correlate_long(&found, rows.signatures, &request, |report| {
            rendering.write(report, || Hints::of(&found), selects, outputs, session)
        });
        // The program ends: taking so many small things apart would be work for nobody.
        std::mem::forget(found);
        return told;
    }
    rows.put_away()?;
    session.console.warn(format_args!(
        "more than {} rows: they are judged in stretches of time, and what is more than a day outside of one is not put \
         together with it (--rows-in-memory allows for more)",
        rows.room
    ));
    if rendering.holds_report() {
        session.console.warn(
            "this form holds the whole report, 2 to 3 kB a row: --format jsonl and json do not, without --redact",
        );
    }
    let long = Long::make(&rows, &request).map_err(no_disk)?;
    let report = long.head.with(long.attempts.each(), long.timeline.each());
    rendering.write(report, || rows.hints, selects, outputs, session)
}

/// A report whose long parts are on disk.
struct Long {
    head: Report<(), ()>,
    attempts: Runs<AttemptReport>,
    timeline: Runs<model::Row>,
}

impl Long {
    fn make(rows: &Rows<'_>, request: &Request) -> io::Result<Self> {
        let (mut attempts, mut timeline) = (Runs::default(), Runs::default());
        let stretches = Stretches::new(rows.runs.merged()?, rows.room, rows.signatures);
        let head = correlate_in_stretches(&rows.found, stretches, request, rows.logged, |own, events| {
            attempts.write(|take| own.each(take))?;
            timeline.write(|take| events.each(take))
        })?;
        Ok(Long { head, attempts, timeline })
    }
}

impl<T: Entry> Runs<T> {
    /// All entries, read anew each time.
    fn each(&self) -> Each<'_, T> {
        Each::read(|take| {
            let lost = |error| io::Error::other(format!("what was sorted on disk cannot be read again: {error}"));
            for entry in self.merged().map_err(lost)? {
                if !take(entry.map_err(lost)?) {
                    break;
                }
            }
            Ok(())
        })
    }
}

impl Entry for AttemptReport {
    type Key = (Time, EventRef);

    fn key(&self) -> Self::Key {
        (self.start, self.id)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write_line(out, self)
    }

    fn read(line: &str) -> io::Result<Self> {
        Ok(serde_json::from_str(line)?)
    }
}

impl Entry for model::Row {
    /// Time, computer, channel, record id, name; a run of alike records stands where its first one does.
    type Key = (Time, String, String, Option<u64>, Option<EventRef>);

    fn key(&self) -> Self::Key {
        match self {
            model::Row::Event(row) => {
                let time = row.aligned_time.unwrap_or(row.time);
                (time, row.host.clone(), row.channel.clone(), row.record_id, Some(row.event))
            }
            model::Row::Run(run) => (run.first, run.host.clone(), String::new(), None, None),
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write_line(out, self)
    }

    fn read(line: &str) -> io::Result<Self> {
        Ok(serde_json::from_str(line)?)
    }

    fn merge(&mut self, again: Self) {
        // A record that one stretch only cites belongs to an attempt of the other.
        if let (model::Row::Event(own), model::Row::Event(again)) = (self, again)
            && own.attempt.is_none()
        {
            *own = again;
        }
    }
}
