//! The timeline: what was written when, grouped by attempt.

use std::collections::HashSet;
use std::io;

use unicode_width::UnicodeWidthStr;

use super::alike::groups as groups_of_alike;
use super::attempts::{client, server, tint, unhappy};
use super::page::{Column, Entry, Page, Room, Style, Text};
use super::{Index, level};
use crate::event::Time;
use crate::evidence::EventRef;
use crate::report::headline::{count, digits};
use crate::report::model::{AttemptReport, RecordLevel, Report, Row};
use crate::report::provider::bare;
use crate::signature::definition::Outcome;

/// A timeline of more rows than this is cut to the records that matter…
const LONG: usize = 80;
/// …and to this many.
const SHOWN: usize = 120;

/// Neighbouring rows of one attempt.
struct Group<'a> {
    attempt: Option<EventRef>,
    rows: Vec<&'a Row>,
}

/// The whole timeline, or what matters of it.
pub fn write<'a>(page: &mut Page<'_>, report: &'a Report, index: &Index<'a>) -> io::Result<()> {
    if report.timeline.is_empty() {
        return Ok(());
    }
    page.heading("Timeline")?;
    let whole = page.options.verbose || report.timeline.len() <= LONG;
    let matters = if whole { HashSet::new() } else { what_matters(report, index) };
    let shape = Shape::of(report, index);
    let mut date = String::new();
    let (groups, left_out) = groups(report, whole, &matters);
    let mut told = HashSet::new();
    for group in groups {
        // What is written meanwhile parts an attempt's records: it is introduced once.
        let again = group.attempt.is_some_and(|attempt| !told.insert(attempt));
        write_group(page, report, index, &group, (again, &shape, &mut date))?;
    }
    if left_out > 0 {
        let line = format!(
            "{} left out: of attempts like those shown, or nothing rests on them (all with -v)",
            count(left_out, "record")
        );
        page.blank()?;
        page.put(0, "", &Text::of(Style::Dim, &line))?;
    }
    Ok(())
}

/// Records that a cause or finding cites, and the first and last of each attempt that went
/// wrong; of attempts that are alike only those of the first.
fn what_matters(report: &Report, index: &Index<'_>) -> HashSet<EventRef> {
    let mut out = HashSet::new();
    let firsts: Vec<&AttemptReport> = groups_of_alike(report, index, false).iter().map(|group| group.first).collect();
    for cause in &report.causes {
        let mut seen: Vec<(&str, usize)> = Vec::new();
        for cited in &cause.evidence {
            let at = seen.iter().position(|(rule, _)| *rule == cited.signature).unwrap_or(seen.len());
            if at == seen.len() {
                seen.push((&cited.signature, 0));
            }
            seen[at].1 += 1;
            if seen[at].1 <= 5 {
                out.insert(cited.event);
            }
        }
        out.extend(cause.changes.iter().map(|change| change.event));
    }
    out.extend(report.findings.iter().filter_map(|finding| finding.evidence.first()));
    let firsts_ids: HashSet<EventRef> = firsts.iter().map(|attempt| attempt.id).collect();
    out.retain(|event| {
        let attempt = index.rows.get(event).and_then(|row| row.attempt);
        attempt.is_none_or(|attempt| firsts_ids.contains(&attempt))
    });
    for attempt in firsts.into_iter().filter(|attempt| unhappy(attempt.outcome)) {
        out.extend(attempt.events.first().into_iter().chain(attempt.events.last()));
    }
    out
}

fn groups<'a>(report: &'a Report, whole: bool, matters: &HashSet<EventRef>) -> (Vec<Group<'a>>, u64) {
    let mut out: Vec<Group<'a>> = Vec::new();
    let (mut shown, mut left_out) = (0, 0);
    for row in &report.timeline {
        let (attempt, kept, records) = match row {
            Row::Event(row) => (row.attempt, matters.contains(&row.event), 1),
            // A run stands where its neighbour stands.
            Row::Run(run) => (out.last().and_then(|group| group.attempt), false, run.count),
        };
        if !whole && (!kept || shown >= SHOWN) {
            left_out += records;
            continue;
        }
        shown += 1;
        match out.last_mut().filter(|group| group.attempt == attempt) {
            Some(group) => group.rows.push(row),
            None => out.push(Group { attempt, rows: vec![row] }),
        }
    }
    (out, left_out)
}

fn write_group<'a>(
    page: &mut Page<'_>,
    report: &'a Report,
    index: &Index<'a>,
    group: &Group<'_>,
    (again, shape, date): (bool, &Shape, &mut String),
) -> io::Result<()> {
    let number = group.attempt.and_then(|id| index.attempts.get(&id).copied());
    let title = match number.and_then(|number| report.attempts.get(number - 1).map(|attempt| (number, attempt))) {
        Some((number, attempt)) if again => {
            let text = Text::of(Style::Bold, &format!("Attempt {number}")).add(Style::Plain, ", continued: ");
            who(text, attempt, index)
        }
        Some((number, attempt)) => about(number, attempt, index),
        None => Text::of(Style::Bold, "Outside any attempt"),
    };
    page.blank()?;
    page.put(0, "", &title)?;
    let mut rows: Vec<Line<'_>> = Vec::new();
    for row in &group.rows {
        let line = Line::of(page, index, row);
        let today = page.date(line.time);
        if today != *date {
            flush(page, shape, &mut rows)?;
            page.put(2, "", &Text::of(Style::Dim, &today))?;
            *date = today;
        }
        rows.push(line);
    }
    flush(page, shape, &mut rows)
}

/// Columns on a wide page; on a narrow one the message stands under its record.
fn flush(page: &mut Page<'_>, shape: &Shape, lines: &mut Vec<Line<'_>>) -> io::Result<()> {
    let lines = std::mem::take(lines);
    if lines.is_empty() {
        return Ok(());
    }
    let most = if page.options.verbose { 2000 } else { 300 };
    if page.wide() {
        let columns = [
            Column("", Room::Exactly(12)),
            Column("", Room::Exactly(shape.host)),
            Column("", Room::Exactly(shape.event)),
            Column("", Room::Rest),
        ];
        let rows = lines.iter().map(|line| {
            vec![
                Entry::plain(&page.clock(line.time)),
                Entry::cut(Style::Plain, line.host, 64),
                Entry::plain(&line.event),
                Entry::cut(line.style, &line.message, most),
            ]
        });
        let rows = rows.collect();
        return page.table(2, &columns, rows);
    }
    for line in lines {
        let head = Text::new().cut(Style::Bold, line.host, 64).add(Style::Plain, &format!(" {}", line.event));
        let clock = format!("{}  ", page.clock(line.time));
        page.put(2, &clock, &head)?;
        page.put(16, "", &Text::new().cut(line.style, &line.message, most))?;
    }
    Ok(())
}

/// Widths that all tables of one timeline share, so that they stand under each other.
struct Shape {
    host: u16,
    event: u16,
}

impl Shape {
    fn of(report: &Report, index: &Index<'_>) -> Self {
        let mut shape = Shape { host: 4, event: 8 };
        for row in &report.timeline {
            let (host, provider) = match row {
                Row::Event(row) => (&row.host, &row.provider),
                Row::Run(run) => (&run.host, &run.provider),
            };
            let wide = |words: &str, most: usize| u16::try_from(words.width().min(most)).unwrap_or(0);
            shape.host = shape.host.max(wide(index.host(host), 20));
            shape.event = shape.event.max(wide(bare(provider), 28) + 6);
        }
        shape
    }
}

/// What is told of one row.
struct Line<'a> {
    time: Time,
    host: &'a str,
    event: String,
    style: Style,
    message: String,
}

impl<'a> Line<'a> {
    fn of(page: &Page<'_>, index: &Index<'_>, row: &'a Row) -> Self {
        match row {
            Row::Event(row) => Line {
                time: row.aligned_time.unwrap_or(row.time),
                host: index.host(&row.host),
                event: format!("{}/{}", bare(&row.provider), row.event_id),
                style: match row.level {
                    Some(RecordLevel::Critical | RecordLevel::Error) => Style::Red,
                    Some(RecordLevel::Warning) => Style::Yellow,
                    Some(RecordLevel::Information | RecordLevel::Verbose | RecordLevel::Other(_)) | None => {
                        Style::Plain
                    }
                },
                message: match row.aligned_time {
                    Some(aligned) if page.clock(aligned) != page.clock(row.time) => {
                        format!("{} (its own clock: {})", row.message, page.clock(row.time))
                    }
                    _ => row.message.clone(),
                },
            },
            Row::Run(run) => Line {
                time: run.first,
                host: index.host(&run.host),
                event: format!("{}/{}", bare(&run.provider), run.event_id),
                style: Style::Dim,
                message: format!("{} times until {}: {}", digits(run.count), page.moment(run.last), run.message),
            },
        }
    }
}

/// Adds who wanted what of whom.
fn who(text: Text, attempt: &AttemptReport, index: &Index<'_>) -> Text {
    text.cut(Style::Plain, attempt.user.as_deref().unwrap_or("unknown user"), 64)
        .add(Style::Plain, " from ")
        .cut(Style::Plain, index.host(client(attempt)), 64)
        .add(Style::Plain, " to ")
        .cut(Style::Plain, index.host(server(attempt)), 64)
}

fn about<'a>(number: usize, attempt: &'a AttemptReport, index: &Index<'a>) -> Text {
    let text = Text::of(Style::Bold, &format!("Attempt {number}")).add(Style::Plain, ": ");
    let text = who(text, attempt, index).add(Style::Plain, ", ").add(tint(attempt.outcome), attempt.outcome.word());
    let text = match attempt.phase {
        Some(phase) if attempt.outcome == Outcome::Failed => {
            text.add(Style::Plain, &format!(", last phase entered {phase}"))
        }
        _ => text,
    };
    match attempt.verdicts.first() {
        Some(verdict) => {
            let (style, word) = level(verdict.verdict);
            let title = index.title(&verdict.cause).trim_end_matches('.');
            text.add(Style::Plain, &format!(": {title} (")).add(style, word).add(Style::Plain, ")")
        }
        None => text,
    }
}
