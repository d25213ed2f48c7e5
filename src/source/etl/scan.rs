//! Walks the records of a buffer: a stamp of each, an event of each that is wanted.

use rustc_hash::FxHashMap;

use super::NAMED;
use super::buffer::HEADER;
use super::names::Names;
use super::record::{self, Form, Next, RELATED_ACTIVITY, Record, SCHEMA, TRAITS, USER, guid};
use super::session::Session;
use super::{machine, packets, tracelog};
use crate::event::{Damage, Event, Guid, Interest, Position, Sink, Stamp, Time, Wanted};
use crate::source::layout::{Known, Layout, Provider};
use crate::source::packet;
use crate::source::payload::{self, Want};
use crate::source::text::{push_guid, push_sid};
use crate::source::tmf::{Message, Messages};

/// Places reported per block; the rest are counted.
const DAMAGE_PER_BLOCK: u32 = 64;

/// Kind of a WPP message whose format was given.
const FORMATTED: &str = "WPP with TMF";

/// A provider, class or source file of messages that was met.
struct Met<'a> {
    name: Box<str>,
    /// GUID to show: a class stands for its provider.
    guid: Guid,
    known: Option<&'static Provider>,
    wanted: Option<&'a Wanted>,
    /// The name is more than the GUID.
    named: bool,
}

/// Reads buffers of one block.
pub(super) struct Scan<'a> {
    session: &'a Session,
    messages: &'a Messages,
    names: &'a dyn Names,
    interest: &'a Interest,
    sink: &'a mut dyn Sink,
    met: FxHashMap<(Guid, bool), Met<'a>>,
    event: Event,
    reported: u32,
    lost: bool,
    /// A record held a captured frame.
    pub frames: bool,
}

/// Where the bytes of a buffer came from.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// They stand at this offset, header included.
    File(u64),
    /// They were decompressed from a buffer at this offset.
    Compressed(u64),
}

impl Place {
    /// Where a record stands that begins so far behind the buffer's header.
    pub fn of(self, at: usize) -> Position {
        match self {
            Place::File(offset) => Position::at(offset).plus(HEADER + at),
            Place::Compressed(offset) => Position { offset, within: HEADER as u32 }.plus(at),
        }
    }
}

impl<'a> Scan<'a> {
    pub fn new(
        (session, messages): (&'a Session, &'a Messages),
        names: &'a dyn Names,
        interest: &'a Interest,
        sink: &'a mut dyn Sink,
    ) -> Self {
        let met = FxHashMap::default();
        Scan {
            session,
            messages,
            names,
            interest,
            sink,
            met,
            event: Event::default(),
            reported: 0,
            lost: false,
            frames: false,
        }
    }

    /// Reads the records of one buffer: `data` begins behind its header.
    pub fn records(&mut self, data: &[u8], place: Place) {
        let mut at = 0;
        loop {
            match record::next(data, at, self.session.wide) {
                Next::Record(record) => {
                    self.record(&record, place.of(at));
                    at += record.step;
                }
                Next::End => return,
                Next::Broken(why) => {
                    return self.report(place.of(at).offset, format!("{why}; the rest of its buffer is missing"), true);
                }
            }
        }
    }

    pub fn report(&mut self, offset: u64, what: String, lost: bool) {
        self.reported += 1;
        if self.reported <= DAMAGE_PER_BLOCK {
            self.sink.damage(Damage { offset, what, lost });
        } else {
            self.lost |= lost;
        }
    }

    /// To be called after the last buffer.
    pub fn finish(self, offset: u64) {
        if self.reported > DAMAGE_PER_BLOCK {
            let what = format!("{} more places behind are damaged", self.reported - DAMAGE_PER_BLOCK);
            self.sink.damage(Damage { offset, what, lost: self.lost });
        }
    }

    fn record(&mut self, record: &Record<'_>, position: Position) {
        let time = record.raw.and_then(|raw| self.session.clock.time(raw));
        let mut stamp = Stamp {
            computer: "",
            channel: "",
            provider: "",
            provider_guid: None,
            event_id: record.id,
            record_id: None,
            time,
            forwarded: false,
            kind: record.kind,
        };
        if let Some(machine) = machine::told(record) {
            self.sink.machine(machine);
        }
        let Some(id) = record.guid else {
            return self.sink.record(&stamp);
        };
        let frame = packets::holds_frame(record);
        self.frames |= frame;
        let (interest, session) = (self.interest, self.session);
        if let Some(message) = self.messages.get(id, record.id).filter(|_| record.form == Form::Message) {
            return self.message(record, message, Stamp { provider_guid: Some(id), ..stamp }, position);
        }
        let key = (id, record.form == Form::Classic);
        // Another record of the provider may bring its name along.
        let told = !record.extended.is_empty();
        if !self.met.get(&key).is_some_and(|met| met.named || !told) {
            let met = meet(id, record, self.names, interest);
            if self.met.len() >= NAMED {
                self.met.clear();
            }
            self.met.insert(key, met);
        }
        let Some(met) = self.met.get(&key) else { return };
        let layouts = met.known.map_or(&[][..], |known| known.layouts(record.id));
        // What nobody can decode is for no signature.
        let decoded = record.form == Form::Event || (record.form == Form::Classic && !layouts.is_empty());
        let channel = if frame { packet::CHANNEL } else { channel(layouts, record) };
        stamp.provider = &met.name;
        // Classes of one provider are counted apart, as other readers do.
        stamp.provider_guid = Some(id);
        stamp.channel = channel;
        self.sink.record(&stamp);
        let want = Want::of(interest, met.wanted, record.id);
        if !want.any() || !(decoded || interest.undecoded) {
            return;
        }
        fill(&mut self.event, record, met, channel, time, position);
        let whole = payload(&mut self.event, record, layouts, session.build, want);
        self.sink.event(&self.event);
        if !whole {
            let what =
                "the event's own schema and what it holds do not agree, or go beyond all bounds: fields are missing";
            self.report(position.offset, what.to_owned(), true);
        }
    }
}

impl Scan<'_> {
    /// A WPP message whose format was given.
    fn message(&mut self, record: &Record<'_>, message: &Message, stamp: Stamp<'_>, position: Position) {
        self.sink.record(&Stamp { provider: &message.provider, kind: FORMATTED, ..stamp });
        let want = Want::of(self.interest, self.interest.provider(&message.provider), record.id);
        if want.any() {
            place(&mut self.event, record, stamp.time, position);
            let system = &mut self.event.system;
            system.provider.push_str(&message.provider);
            system.provider_guid = stamp.provider_guid;
            system.level = message.level;
            message.push(&mut self.event, record.wide, record.payload, want);
            self.sink.event(&self.event);
        }
    }
}

/// Looks up who wrote a record.
fn meet<'a>(id: Guid, record: &Record<'_>, names: &dyn Names, interest: &'a Interest) -> Met<'a> {
    let known = match record.form {
        Form::Classic => Known::get().class(id),
        Form::Event => Known::get().provider(id),
        _ => None,
    };
    let traits = || record.item(TRAITS).and_then(tracelog::provider);
    // Only some events may bring the name along: those that describe themselves are worth a search.
    let told = || record.item(SCHEMA).and_then(|_| names.name(id));
    let name = match known {
        Some(known) => Some(known.name.to_owned()),
        None if record.form == Form::Event => traits().or_else(told),
        None => None,
    };
    let named = name.is_some();
    let name = name.unwrap_or_else(|| {
        let mut text = String::new();
        push_guid(&mut text, id);
        text
    });
    Met {
        guid: known.map_or(id, |known| known.guid),
        wanted: interest.provider(&name),
        known,
        named,
        name: name.into_boxed_str(),
    }
}

fn channel(layouts: &[Layout], record: &Record<'_>) -> &'static str {
    let same = |layout: &&Layout| layout.version.is_none_or(|version| version == record.version);
    layouts.iter().find(same).map_or("", |layout| layout.channel)
}

/// The System part.
fn fill(event: &mut Event, record: &Record<'_>, met: &Met<'_>, channel: &str, time: Option<Time>, position: Position) {
    place(event, record, time, position);
    let system = &mut event.system;
    system.provider.push_str(&met.name);
    system.channel.push_str(channel);
    system.provider_guid = Some(met.guid);
    if record.form == Form::Message {
        return;
    }
    system.version = Some(record.version);
    system.level = Some(record.level);
    system.opcode = Some(record.opcode);
    if record.form == Form::Event {
        system.task = Some(record.task);
        system.keywords = Some(record.keywords);
        system.activity_id = record.activity;
        system.related_activity_id = record.item(RELATED_ACTIVITY).and_then(|data| guid(data, 0));
        if let Some(sid) = record.item(USER) {
            push_sid(&mut system.user_id, sid);
        }
    }
}

/// What every record tells: where it stands, when, and of which thread.
fn place(event: &mut Event, record: &Record<'_>, time: Option<Time>, position: Position) {
    event.clear();
    event.origin.position = position;
    event.origin.length = u32::try_from(record.step).unwrap_or(u32::MAX);
    let system = &mut event.system;
    system.event_id = record.id;
    system.time = time;
    // A process or thread that nobody knew is written as 0 or all ones.
    let known = |id: Option<u32>| id.filter(|id| !matches!(*id, 0 | u32::MAX));
    system.process_id = known(record.process);
    system.thread_id = known(record.thread);
}

/// The fields. `false`: not all of them could be read.
fn payload(event: &mut Event, record: &Record<'_>, layouts: &[Layout], build: u32, want: Want<'_>) -> bool {
    if let Some(schema) = record.item(SCHEMA) {
        return tracelog::push(event, schema, record.wide, record.payload, want);
    }
    let layout = payload::fitting(layouts, record.version, build, record.wide, record.payload);
    match layout {
        Some(layout) => payload::push(event, layout, record.wide, record.payload, want),
        None if want.wants("") => payload::strings(event, record.payload),
        None => {}
    }
    true
}
