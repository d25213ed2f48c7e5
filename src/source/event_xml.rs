//! Events as XML: what `tracerpt`, `netsh trace convert`, `wevtutil qe` and the Event Viewer write.
//! Each event is cut out and read by itself, so that a broken one costs no other.

use jiff::civil::DateTime;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event as Tag};

use crate::error::Error;
use crate::event::{Damage, Event, Interest, Sink, Stamp, TICKS_PER_SECOND, Time};
use crate::source::aids::Aids;
use crate::source::layout::{Known, Provider};
use crate::source::lines::{self, Lines, Piece, Reported};
use crate::source::payload::{self, Want};
use crate::source::system;
use crate::source::{Input, Log};

/// Depth of elements that is followed.
const DEPTH: usize = 16;
/// Bytes of fields of one event.
const TEXT: usize = 256 << 10;
/// Name under which the name of an event without an id stands, as in traces.
const EVENT_NAME: &str = "EventName";

/// By its root or first event, and the name space of Windows' events.
pub(super) fn sniff(head: &[u8]) -> bool {
    let text = lines::head(head);
    let text = text.trim_start();
    let text = match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest.trim_start(),
        None => text,
    };
    let begins = ["<Events", "<Event"].iter().any(|mark| {
        text.strip_prefix(mark).is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || c == '>'))
    });
    begins && (text.contains("schemas.microsoft.com/win/2004/08/events") || text.starts_with("<Events>"))
}

struct EventXml {
    lines: Lines,
    aids: Aids,
}

pub(super) fn open(input: &Input, aids: &Aids) -> Result<Box<dyn Log>, Error> {
    Ok(Box::new(EventXml { lines: Lines::open(input)?, aids: aids.clone() }))
}

impl Log for EventXml {
    fn blocks(&self) -> usize {
        self.lines.blocks()
    }

    fn read(&self, block: usize, interest: &Interest, sink: &mut dyn Sink) {
        let mut reported = Reported::default();
        let mut event = Event::default();
        let done = self.lines.pieces(block, "<Event", "</Event>", &mut |piece| match piece {
            Ok(piece) => {
                if let Err(what) = self.event(&piece, interest, &mut event, sink) {
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

impl EventXml {
    fn event(
        &self,
        piece: &Piece<'_>,
        interest: &Interest,
        event: &mut Event,
        sink: &mut dyn Sink,
    ) -> Result<(), String> {
        event.clear();
        event.origin.position.offset = piece.offset;
        event.origin.length = piece.length;
        let mut reading =
            Reading { event, interest, aids: &self.aids, open: Vec::new(), told: Told::default(), text: 0, cut: false };
        let read = reading.all(piece.text);
        let told = reading.told;
        if event.system.provider.is_empty() && event.system.provider_guid.is_none() {
            return Err(read.err().unwrap_or_else(|| "an event without a provider; it is missing".to_owned()));
        }
        let known = name(event);
        let layouts = known.map_or(&[][..], |known| known.layouts(event.system.event_id));
        if event.system.channel.is_empty()
            && let Some(layout) = layouts.iter().find(|layout| layout.version == event.system.version)
        {
            event.system.channel.push_str(layout.channel);
        }
        let system = &event.system;
        sink.record(&Stamp {
            computer: &system.computer,
            channel: &system.channel,
            provider: &system.provider,
            provider_guid: system.provider_guid,
            event_id: system.event_id,
            record_id: system.record_id,
            time: system.time,
            forwarded: false,
            kind: "",
        });
        let want = want(interest, event);
        let version = event.system.version.unwrap_or(0);
        let mut decoded = true;
        if let Some(bytes) = told.payload.as_deref().and_then(unhex) {
            // The writer of the text knew no layout; perhaps this program does.
            let fits = |wide| payload::fitting(layouts, version, u32::MAX, wide, &bytes).map(|layout| (layout, wide));
            match fits(true).or_else(|| fits(false)) {
                Some((layout, wide)) => payload::push(event, layout, wide, &bytes, want),
                None => {
                    decoded = false;
                    if want.wants("") {
                        payload::strings(event, &bytes);
                    }
                }
            }
        }
        if let Some(task) = told.task.filter(|_| event.system.event_id == 0 && want.wants(EVENT_NAME)) {
            event.push(EVENT_NAME, &task);
        }
        if want.any() && (decoded || interest.undecoded) {
            sink.event(event);
        }
        read
    }
}

fn want<'a>(interest: &'a Interest, event: &Event) -> Want<'a> {
    let system = &event.system;
    let wanted = interest.provider(&system.provider);
    let own = Want::of(interest, wanted, system.event_id);
    // A classic source may stand in either place.
    if own.0[0].is_none() && !system.source_name.is_empty() {
        return Want::of(interest, interest.provider(&system.source_name), system.event_id);
    }
    own
}

/// Names a provider of which the text gives the GUID alone, as other traces do.
fn name(event: &mut Event) -> Option<&'static Provider> {
    let known = event.system.provider_guid.and_then(|guid| Known::get().provider(guid));
    if event.system.provider.is_empty() || event.system.provider.starts_with('{') {
        event.system.provider.clear();
        match (known, event.system.provider_guid) {
            (Some(known), _) => event.system.provider.push_str(known.name),
            (None, Some(guid)) => crate::source::text::push_guid(&mut event.system.provider, guid),
            (None, None) => {}
        }
    }
    known
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high << 4 | low).ok();
    rest.is_empty().then(|| pairs.iter().filter_map(byte).collect())
}

/// Part of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Event,
    System,
    /// EventData, UserData, DebugData.
    Data,
    /// What the writer rendered in its language.
    Rendering,
    Other,
}

/// What is judged when all was read.
#[derive(Default)]
struct Told {
    /// In hex, of an event that was not decoded.
    payload: Option<String>,
    /// Name of the task, as rendered.
    task: Option<String>,
}

struct Element {
    name: String,
    /// Its `Name`, where the field is called by it.
    label: Option<String>,
    /// Of its children.
    part: Part,
    text: String,
    has_children: bool,
}

struct Reading<'a> {
    event: &'a mut Event,
    interest: &'a Interest,
    aids: &'a Aids,
    open: Vec<Element>,
    told: Told,
    /// Bytes of fields so far.
    text: usize,
    /// There was more than that.
    cut: bool,
}

impl Reading<'_> {
    fn all(&mut self, xml: &str) -> Result<(), String> {
        let mut reader = Reader::from_str(xml);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        loop {
            match reader.read_event() {
                Ok(Tag::Start(tag)) => {
                    if self.open.len() >= DEPTH {
                        return Err("elements nested too deep: the rest of the event is missing".to_owned());
                    }
                    self.start(&tag);
                }
                Ok(Tag::Empty(tag)) => {
                    self.start(&tag);
                    self.end();
                }
                Ok(Tag::End(_)) => self.end(),
                Ok(Tag::Text(text)) => self.text(&text),
                Ok(Tag::CData(text)) => self.text(&text),
                Ok(Tag::GeneralRef(entity)) => self.entity(&entity),
                Ok(Tag::Eof) if self.cut => {
                    return Err("more text than an event can hold; the rest was left out".to_owned());
                }
                Ok(Tag::Eof) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(format!("broken XML, the rest of the event is missing: {error}")),
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(open) = self.open.last_mut() {
            open.text.push_str(text);
        }
    }

    /// Only the five of XML and numbers: an entity of the document's own is never unfolded.
    fn entity(&mut self, entity: &BytesRef<'_>) {
        let name: &str = entity;
        match entity.resolve_char_ref() {
            Ok(Some(c)) => self.text(c.encode_utf8(&mut [0; 4])),
            _ => match resolve_predefined_entity(name) {
                Some(text) => self.text(text),
                None => self.text(&format!("&{name};")),
            },
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        let name = tag.local_name().as_ref().to_owned();
        let within = self.open.last_mut().map(|open| {
            open.has_children = true;
            open.part
        });
        let part = match (within, name.as_str()) {
            (None, _) => Part::Event,
            (Some(Part::Event), "System") => Part::System,
            (Some(Part::Event), "EventData" | "UserData" | "DebugData" | "ProcessingErrorData") => Part::Data,
            (Some(Part::Event), "RenderingInfo") => Part::Rendering,
            (Some(Part::Data), _) => Part::Data,
            _ => Part::Other,
        };
        let mut label = None;
        for attribute in tag.attributes().with_checks(false).flatten() {
            let key = attribute.key.local_name().as_ref().to_owned();
            let raw = &attribute.value;
            let value = quick_xml::escape::unescape(raw).unwrap_or_else(|_| raw.as_ref().into());
            match within {
                Some(Part::System) => self.attribute(&name, &key, &value),
                Some(Part::Data) if key == "Name" && matches!(name.as_str(), "Data" | "ComplexData") => {
                    label = Some(value.into_owned());
                }
                Some(Part::Data) if key != "xmlns" && !attribute.key.as_ref().starts_with("xmlns:") => {
                    self.push(&format!("{name}_{key}"), &value);
                }
                _ => {}
            }
        }
        self.open.push(Element { name, label, part, text: String::new(), has_children: false });
    }

    fn attribute(&mut self, element: &str, key: &str, value: &str) {
        match (element, key) {
            ("TimeCreated", "SystemTime") => self.event.system.time = moment(value, self.aids),
            _ => {
                if let Some(known) = system::known_attribute(element, |known| known == key) {
                    system::set(self.event, known, value.trim());
                }
            }
        }
        let nil = |guid: &crate::event::Guid| !guid.is_nil();
        self.event.system.activity_id = self.event.system.activity_id.filter(nil);
        self.event.system.related_activity_id = self.event.system.related_activity_id.filter(nil);
    }

    fn end(&mut self) {
        let Some(element) = self.open.pop() else { return };
        let within = self.open.last().map(|open| open.part);
        // tracerpt fills numbers up with blanks.
        let text = element.text.trim();
        match (within, element.name.as_str()) {
            (Some(Part::System), name) => {
                if let Some(known) = system::known_element(name) {
                    system::set(self.event, known, text);
                }
            }
            (Some(Part::Event), "BinaryEventData") => self.told.payload = Some(text.to_owned()),
            (Some(Part::Rendering), "Task") if !text.is_empty() => self.told.task = Some(text.to_owned()),
            (Some(Part::Data), name) if !element.has_children => {
                let unnamed = if name == "Data" { "" } else { name };
                let name = element.label.as_deref().unwrap_or(unnamed);
                self.push(name, text);
            }
            _ => {}
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        if !want(self.interest, self.event).wants(name) {
            return;
        }
        if self.text >= TEXT {
            self.cut = true;
            return;
        }
        self.text += name.len() + value.len();
        self.event.push(name, value);
    }
}

/// A time with `Z`, with an offset, or of the zone that was told. The offset of tracerpt is one
/// minute short: it is a quarter of an hour in truth.
fn moment(text: &str, aids: &Aids) -> Option<Time> {
    let text = text.trim();
    let Some(time) = Time::parse(text) else {
        return aids.moment(text.parse::<DateTime>().ok()?);
    };
    let short = text.get(text.len().checked_sub(6)?..).and_then(|offset| {
        let (sign, rest) = match offset.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let minutes: i64 = sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?);
        [1, -1].into_iter().find(|by| (minutes + by) % 15 == 0)
    });
    Some(time.plus(-short.unwrap_or(0) * 60 * TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_that_is_one_minute_short_is_a_quarter_of_an_hour() {
        let told = |text: &str| moment(text, &Aids::default()).unwrap().to_string();
        assert_eq!(told("2022-08-22T17:26:59.5869895+07:59"), "2022-08-22T09:26:59.5869895Z");
        assert_eq!(told("2022-08-22T17:26:59.5869895+02:59"), "2022-08-22T14:26:59.5869895Z");
        assert_eq!(told("2022-08-22T17:26:59+05:30"), "2022-08-22T11:56:59.0000000Z");
        assert_eq!(told("2022-08-22T17:26:59-05:01"), "2022-08-22T22:26:59.0000000Z");
        assert_eq!(told("2022-08-22T17:26:59.586Z"), "2022-08-22T17:26:59.5860000Z");
        assert_eq!(told("2022-08-22T17:26:59.586989500"), "2022-08-22T17:26:59.5869895Z");
        assert_eq!(moment("yesterday", &Aids::default()), None);
    }

    #[test]
    fn hex_is_read_whole_or_not_at_all() {
        assert_eq!(unhex("0A 0b\nFF"), Some(vec![10, 11, 255]));
        assert_eq!(unhex("0A0"), None);
        assert_eq!(unhex("xy"), None);
    }
}
