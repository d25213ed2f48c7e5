//! What `tracerpt -of CSV` writes: one event a line, the payload in unnamed columns at its end.

use crate::error::Error;
use crate::event::{Damage, Event, Guid, Interest, Sink, Stamp, Time};
use crate::source::aids::Aids;
use crate::source::layout::{Known, Layout};
use crate::source::lines::{self, Lines, Piece, Reported};
use crate::source::payload::Want;
use crate::source::text::{parse_number, push_guid};
use crate::source::{Input, Log};

/// Columns before the payload.
const COLUMNS: usize = 19;
/// Values of one payload.
const VALUES: usize = 4096;
/// Name under which the name of an event without an id stands, as in traces.
const EVENT_NAME: &str = "EventName";

/// By the names of the columns, or a line of their shape: the names may be in another language.
pub(super) fn sniff(head: &[u8]) -> bool {
    let text = lines::head(head);
    let mut begun = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = begun.next().unwrap_or_default();
    is_header(first) || (first.contains(',') && begun.next().is_some_and(|line| Row::read(line).is_some()))
}

fn is_header(line: &str) -> bool {
    let mut cells = line.split(',').map(str::trim);
    cells.next() == Some("Event Name") && cells.any(|cell| cell == "Clock-Time")
}

struct TracerptCsv {
    lines: Lines,
}

pub(super) fn open(input: &Input, _: &Aids) -> Result<Box<dyn Log>, Error> {
    Ok(Box::new(TracerptCsv { lines: Lines::open(input)? }))
}

impl Log for TracerptCsv {
    fn blocks(&self) -> usize {
        self.lines.blocks()
    }

    fn read(&self, block: usize, interest: &Interest, sink: &mut dyn Sink) {
        let mut reported = Reported::default();
        let mut event = Event::default();
        let begins = |line: &str| Row::read(line).is_some();
        let done = self.lines.records(block, &begins, &mut |piece| match piece {
            Ok(piece) => {
                if let Err(what) = record(&piece, interest, &mut event, sink) {
                    reported.broken(piece.offset, what, sink);
                }
            }
            Err(damage) => reported.report(damage, sink),
        });
        reported.finish(self.lines.bounds(block).0, done, sink);
    }

    fn damage(&self) -> Vec<Damage> {
        Vec::new()
    }
}

/// The columns before the payload, and the payload.
struct Row<'a> {
    name: &'a str,
    kind: &'a str,
    event_id: u32,
    version: Option<u8>,
    level: Option<u8>,
    opcode: Option<u8>,
    task: Option<u16>,
    keywords: Option<u64>,
    process: Option<u32>,
    thread: Option<u32>,
    activity: Option<Guid>,
    related: Option<Guid>,
    time: Time,
    payload: &'a str,
}

impl<'a> Row<'a> {
    /// `None` where the line is not of this shape.
    fn read(line: &'a str) -> Option<Self> {
        let mut cells = [""; COLUMNS];
        let mut rest = line;
        for cell in &mut cells {
            let (own, behind) = rest.split_once(',')?;
            *cell = own.trim().trim_matches('"');
            rest = behind;
        }
        let number = |at: usize| cells.get(at).and_then(|cell| parse_number(cell));
        let guid = |at: usize| cells.get(at).and_then(|cell| Guid::parse(cell)).filter(|guid| !guid.is_nil());
        let known = |id: u32| !matches!(id, 0 | u32::MAX);
        let [process, thread] =
            [cells[9], cells[10]].map(|cell| cell.strip_prefix("0x").and_then(|_| parse_number(cell)));
        Some(Row {
            name: cells[0],
            kind: cells[1],
            event_id: u32::try_from(number(2)?).ok()?,
            version: number(3).and_then(|n| u8::try_from(n).ok()),
            level: number(5).and_then(|n| u8::try_from(n).ok()),
            opcode: number(6).and_then(|n| u8::try_from(n).ok()),
            task: number(7).and_then(|n| u16::try_from(n).ok()),
            keywords: number(8),
            process: u32::try_from(process?).ok().filter(|id| known(*id)),
            thread: u32::try_from(thread?).ok().filter(|id| known(*id)),
            activity: guid(14),
            related: guid(15),
            time: Time::from_filetime(cells[16].parse().ok()?),
            payload: rest,
        })
    }
}

/// Values of a payload: in quotes or not, quotes inside them and line ends included.
fn values(payload: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = payload.trim();
    while !rest.is_empty() && found.len() < VALUES {
        let (value, behind) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside),
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        found.push(value.trim());
        rest = behind.trim_start();
    }
    found
}

/// A value behind its opening quote. The quote that closes it stands before a comma or the end.
fn quoted(inside: &str) -> (&str, &str) {
    let mut from = 0;
    while let Some(at) = inside.get(from..).and_then(|rest| rest.find('"')).map(|at| from + at) {
        let behind = inside.get(at + 1..).unwrap_or_default().trim_start();
        let value = inside.get(..at).unwrap_or_default();
        match behind.strip_prefix(',') {
            Some(behind) => return (value, behind),
            None if behind.is_empty() => return (value, ""),
            None => from = at + 1,
        }
    }
    (inside, "")
}

/// Tells of a record, or what is wrong with it.
fn record(piece: &Piece<'_>, interest: &Interest, event: &mut Event, sink: &mut dyn Sink) -> Result<(), &'static str> {
    let Some(row) = Row::read(piece.text) else {
        let is_known = piece.text.trim().is_empty() || is_header(piece.text) || piece.offset < 4;
        return if is_known { Ok(()) } else { Err("a line that is no event; it is missing") };
    };
    if row.name == "EventTrace" {
        // Records that speak of the trace itself.
        let stamp = stamp(&row, "", None, "", "HEADER");
        sink.record(&Stamp { provider: "", ..stamp });
        return Ok(());
    }
    let known = match Guid::parse(row.name) {
        Some(guid) => Known::get().provider(guid),
        None => Known::get().named(row.name),
    };
    let layouts = known.map_or(&[][..], |known| known.layouts(row.event_id));
    let (whole, left) = split_tail(row.payload);
    let values = values(whole);
    let layout = fitting(layouts, row.version, values.len());
    let channel = layout.or(layouts.first()).map_or("", |layout| layout.channel);
    let own = Guid::parse(row.name);
    let mut name = String::new();
    match (known, own) {
        (Some(known), _) => name.push_str(known.name),
        (None, Some(guid)) => push_guid(&mut name, guid),
        (None, None) => name.push_str(row.name),
    }
    let guid = known.map(|known| known.guid).or(own);
    sink.record(&stamp(&row, &name, guid, channel, ""));
    // What the writer could not decode has its GUID for a name, and nobody knows its numbers.
    let decoded = own.is_none() || known.is_some();
    let want = Want::of(interest, interest.provider(&name), row.event_id);
    if want.any() && (decoded || interest.undecoded) {
        fill(event, piece, &row, channel, guid, &name);
        fields(event, &row, layout, &values, want);
        sink.event(event);
    }
    if left { Err("lines behind this event are none themselves; they are missing") } else { Ok(()) }
}

fn stamp<'a>(row: &Row<'_>, name: &'a str, guid: Option<Guid>, channel: &'a str, kind: &'static str) -> Stamp<'a> {
    Stamp {
        computer: "",
        channel,
        provider: name,
        provider_guid: guid,
        event_id: row.event_id,
        record_id: None,
        time: Some(row.time),
        forwarded: false,
        kind,
    }
}

/// A payload ends with its line, unless a quote is open. Does anything follow that is none of it?
fn split_tail(payload: &str) -> (&str, bool) {
    let mut open = false;
    for (at, c) in payload.char_indices() {
        match c {
            '"' => open = !open,
            '\n' if !open => {
                let (own, rest) = payload.split_at(at);
                return (own, !rest.trim().is_empty());
            }
            _ => {}
        }
    }
    (payload, false)
}

/// The layout of so many fields, of this version before others; else the only one of this version, if
/// fields are missing at its end.
fn fitting(layouts: &[Layout], version: Option<u8>, values: usize) -> Option<&Layout> {
    let fits = |layout: &&Layout| layout.fields.len() == values;
    let mut own = layouts.iter().filter(|layout| layout.version == version);
    let exact = own.clone().find(fits).or_else(|| layouts.iter().find(fits));
    let first = own.next().filter(|layout| own.next().is_none() && layout.fields.len() > values);
    exact.or(first)
}

fn fill(event: &mut Event, piece: &Piece<'_>, row: &Row<'_>, channel: &str, guid: Option<Guid>, name: &str) {
    event.clear();
    event.origin.position.offset = piece.offset;
    event.origin.length = piece.length;
    let system = &mut event.system;
    system.provider.push_str(name);
    system.channel.push_str(channel);
    system.provider_guid = guid;
    system.event_id = row.event_id;
    system.version = row.version;
    system.level = row.level;
    system.opcode = row.opcode;
    system.task = row.task;
    system.keywords = row.keywords;
    system.time = Some(row.time);
    system.process_id = row.process;
    system.thread_id = row.thread;
    system.activity_id = row.activity;
    system.related_activity_id = row.related;
}

fn fields(event: &mut Event, row: &Row<'_>, layout: Option<&Layout>, values: &[&str], want: Want<'_>) {
    if row.event_id == 0 && !row.kind.is_empty() && want.wants(EVENT_NAME) {
        event.push(EVENT_NAME, row.kind);
    }
    for (at, value) in values.iter().enumerate() {
        let name = layout.and_then(|layout| layout.fields.get(at)).map_or("", |field| field.name);
        if want.wants(name) {
            event.push(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_hold_quotes_commas_and_line_ends() {
        assert_eq!(values("\"a\", 5, \"b, \"c\" d\", 0x10, \"e\nf\""), ["a", "5", "b, \"c\" d", "0x10", "e\nf"]);
        assert_eq!(values("\"never closed, 5"), ["never closed, 5"]);
        assert_eq!(values("  "), [""; 0]);
        assert_eq!(values("1,,2,"), ["1", "", "2"]);
    }

    #[test]
    fn what_follows_a_closed_line_is_no_part_of_it() {
        assert_eq!(split_tail("\"a\nb\", 1"), ("\"a\nb\", 1", false));
        assert_eq!(split_tail("1, 2\nrubbish"), ("1, 2", true));
        assert_eq!(split_tail("1, 2\n\n"), ("1, 2", false));
    }
}
