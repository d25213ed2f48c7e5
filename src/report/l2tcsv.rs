//! The seventeen columns of log2timeline's l2tcsv, for timelines that are kept in that form.
//! Times are UTC, to the second as the form has it; the seven digits stand in `extra`.

use std::io::{self, Write};

use super::facts::{Fact, Facts, known, pairs};
use super::model::{AttemptReport, Report};
use super::{Options, csv};
use crate::event::Time;

const HEAD: [&str; 17] = [
    "date",
    "time",
    "timezone",
    "MACB",
    "source",
    "sourcetype",
    "type",
    "user",
    "host",
    "short",
    "desc",
    "version",
    "filename",
    "inode",
    "notes",
    "format",
    "extra",
];

/// Longest text of the column `short`.
const SHORT: usize = 80;

/// Writes the table.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, _: &Options) -> io::Result<()> {
    let facts = Facts::of(report);
    let rows = facts.all().filter_map(|fact| entry(&facts, fact));
    csv::table(out, &HEAD, rows.map(Entry::cells))
}

/// What differs from line to line.
#[derive(Default)]
struct Entry {
    time: Time,
    source: &'static str,
    sourcetype: String,
    what: &'static str,
    user: String,
    host: String,
    desc: String,
    filename: String,
    notes: String,
    extra: String,
}

impl Entry {
    fn cells(self) -> Vec<String> {
        let zoned = self.time.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
        let cells: [String; 17] = [
            zoned.strftime("%m/%d/%Y").to_string(),
            zoned.strftime("%H:%M:%S").to_string(),
            "UTC".to_owned(),
            "M...".to_owned(),
            self.source.to_owned(),
            self.sourcetype,
            self.what.to_owned(),
            self.user,
            self.host,
            super::terminal::clean(&self.desc, SHORT),
            self.desc,
            "2".to_owned(),
            self.filename,
            String::new(),
            self.notes,
            "whyrdp".to_owned(),
            format!("datetime: {}{}{}", self.time, if self.extra.is_empty() { "" } else { "; " }, self.extra),
        ];
        cells.into()
    }
}

fn entry(facts: &Facts<'_>, fact: Fact<'_>) -> Option<Entry> {
    Some(match fact {
        Fact::Verdict(attempt, verdict) => {
            let title = facts.cause(&verdict.cause).map_or(verdict.cause.as_str(), |cause| cause.title.as_str());
            Entry {
                time: facts.decided(attempt, verdict),
                what: "Cause Decided",
                desc: format!("{} ({})", title.trim_end_matches('.'), verdict.verdict.word()),
                notes: verdict.cause.clone(),
                ..of(attempt)
            }
        }
        Fact::Finding(finding) => Entry {
            time: facts.seen(finding)?,
            source: "LOG",
            sourcetype: "whyrdp".to_owned(),
            what: "Last Seen",
            host: finding.host.clone().unwrap_or_default(),
            desc: finding.title.clone(),
            notes: finding.attack.join(" "),
            extra: format!("count: {}", finding.count),
            ..Entry::default()
        },
        Fact::Attempt(attempt) => Entry {
            what: "Attempt Started",
            desc: format!("Remote Desktop connection attempt: {}", attempt.outcome.word()),
            ..of(attempt)
        },
        Fact::Event(row) => Entry {
            time: row.time,
            source: "EVT",
            sourcetype: row.provider.clone(),
            what: "Event Logged",
            user: String::new(),
            host: row.host.clone(),
            desc: format!("[{}] {}", row.event_id, row.message),
            filename: row.source.path.clone(),
            notes: row.signatures.join(" "),
            extra: record(row),
        },
        Fact::Run(run) => Entry {
            time: run.first,
            source: "EVT",
            sourcetype: run.provider.clone(),
            what: "Event Logged",
            host: run.host.clone(),
            desc: format!("[{}] {} ({} times)", run.event_id, run.message, run.count),
            extra: format!("last: {}", run.last),
            ..Entry::default()
        },
    })
}

fn record(row: &super::model::EventRow) -> String {
    let number = row.record_id.map(|id| format!("; record_number: {id}")).unwrap_or_default();
    let aligned = row.aligned_time.map(|time| format!("; aligned: {time}")).unwrap_or_default();
    let activity = row.kept.activity_id.as_ref().map(|id| format!("; activity_id: {id}")).unwrap_or_default();
    let fields = pairs(&row.kept).into_iter().fold(String::new(), |all, pair| all + "; " + &pair);
    format!("channel: {}{number}; offset: {}{aligned}{activity}{fields}", row.channel, row.source.offset)
}

fn of(attempt: &AttemptReport) -> Entry {
    Entry {
        time: attempt.start,
        source: "LOG",
        sourcetype: "whyrdp".to_owned(),
        user: known(attempt.user.as_deref()).unwrap_or_default().to_owned(),
        host: known(attempt.server.host.as_deref()).unwrap_or_default().to_owned(),
        extra: format!("attempt: {}", attempt.id),
        ..Entry::default()
    }
}
