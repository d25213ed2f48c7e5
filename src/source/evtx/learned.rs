//! What stage one has learned of a root template: where its uses keep the few values that
//! every record tells. Most keep them in typed slots or spell them out in the template;
//! whatever does otherwise is read by its whole plan.

mod draft;
mod shape;

pub(super) use draft::learn;

use super::authors::{AuthorId, Authors};
use super::binxml::{self, BINXML, Head, Instance, STRING, leading_instance};
use super::plan::Place;
use super::words::{Word, Words};
use crate::event::{Guid, System, Time};
use shape::Shape;

/// Slots beyond this many are left to the plan.
const SLOTS: usize = 32;
/// Fragments beyond this many too.
const FRAGMENTS: usize = 4;
/// Shapes of a template's uses that are kept. Real ones differ in a value that is not there or longer.
const SHAPES: usize = 8;

/// What every record tells.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub author: AuthorId,
    pub event_id: u32,
    pub record_id: u64,
    pub time: Time,
    pub forwarded: bool,
}

impl Facts {
    /// Tells an event.
    pub fn put(&self, system: &mut System, authors: &Authors, words: &Words) {
        if let Some(author) = authors.get(self.author) {
            system.provider.push_str(words.text(author.provider));
            system.channel.push_str(words.text(author.channel));
            system.computer.push_str(words.text(author.computer));
            if let Some(source) = author.source_name {
                system.source_name.push_str(words.text(source));
            }
            system.provider_guid = author.provider_guid;
        }
        system.event_id = self.event_id;
        system.record_id = Some(self.record_id);
        system.time = Some(self.time);
    }
}

/// Number of a slot.
type Slot = u16;

/// A text: of the template, or in a slot.
#[derive(Clone, Copy)]
enum Text {
    Fixed(Word),
    Slot(Slot),
}

#[derive(Clone, Copy)]
enum GuidAt {
    Fixed(Guid),
    Slot(Slot),
}

#[derive(Clone, Copy)]
enum NumberAt {
    Fixed(u32),
    Slot(Slot),
}

/// What stands around a fragment, and where it starts and ends.
pub(super) type Fragment = (Place, usize, usize);

/// Fragments of one use, in order.
pub(super) struct Fragments {
    found: [Fragment; FRAGMENTS],
    count: usize,
}

impl Fragments {
    pub const NONE: Fragments = Fragments { found: [(Place::Aside, 0, 0); FRAGMENTS], count: 0 };

    #[inline]
    pub fn found(&self) -> &[Fragment] {
        self.found.get(..self.count).unwrap_or_default()
    }

    #[inline]
    fn add(&mut self, fragment: Fragment) {
        if let Some(found) = self.found.get_mut(self.count) {
            *found = fragment;
            self.count += 1;
        }
    }
}

/// Where the uses of a root template keep what every record tells.
struct Layout {
    provider: Text,
    source_name: Option<Text>,
    channel: Text,
    computer: Text,
    guid: Option<GuidAt>,
    event_id: NumberAt,
    record_id: Slot,
    time: Slot,
    /// Slots that may hold fragments, and what stands around them.
    fragments: Vec<(Slot, Place)>,
    /// The template has no fields of its own: all stand in fragments.
    bare: bool,
    forwarded: bool,
}

/// A root template.
pub(super) struct Learned {
    /// Bytes of a table up to the last slot that matters.
    table: usize,
    /// Shapes of uses, the number of that seen last, and of that to give up next.
    shapes: Vec<Shape>,
    last: usize,
    next: usize,
    layout: Layout,
}

/// What a slot must hold for stage one to read it.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Type {
        kind: u8,
        len: u32,
    },
    EventId,
    /// Anything; read by itself.
    Fragment,
}

impl Holds {
    fn allows(self, kind: u8, len: u32) -> bool {
        match self {
            Holds::Text => kind == STRING && len > 0,
            Holds::Type { kind: wanted, len: length } => (kind, len) == (wanted, length),
            Holds::EventId => matches!((kind, len), (0x06, 2) | (0x08, 4)),
            Holds::Fragment => true,
        }
    }
}

impl Layout {
    /// Slots of what tells the author.
    fn names(&self) -> impl Iterator<Item = (Slot, Holds)> {
        let texts = [Some(self.provider), self.source_name, Some(self.channel), Some(self.computer)];
        let texts = texts.into_iter().flatten().filter_map(|text| match text {
            Text::Slot(slot) => Some((slot, Holds::Text)),
            Text::Fixed(_) => None,
        });
        let guid = self.guid.and_then(|guid| match guid {
            GuidAt::Slot(slot) => Some((slot, Holds::Type { kind: 0x0F, len: 16 })),
            GuidAt::Fixed(_) => None,
        });
        texts.chain(guid)
    }

    /// Every slot that is read.
    fn slots(&self) -> impl Iterator<Item = (Slot, Holds)> {
        let event_id = match self.event_id {
            NumberAt::Slot(slot) => Some((slot, Holds::EventId)),
            NumberAt::Fixed(_) => None,
        };
        let record_id = (self.record_id, Holds::Type { kind: 0x0A, len: 8 });
        let time = (self.time, Holds::Type { kind: 0x11, len: 8 });
        let fragments = self.fragments.iter().map(|(slot, _)| (*slot, Holds::Fragment));
        self.names().chain(event_id).chain(fragments).chain([record_id, time])
    }
}

impl Learned {
    /// Bytes that one takes at most.
    pub const BYTES: usize = size_of::<Learned>() + SHAPES * Shape::BYTES;

    /// `None`: it has more slots than are looked at.
    fn new(layout: Layout) -> Option<Self> {
        // The size of a fragment is another in each use.
        let upto = |(slot, holds)| usize::from(slot) + usize::from(!matches!(holds, Holds::Fragment));
        let slots = layout.slots().map(upto).max().unwrap_or(0);
        let fits = slots <= SLOTS && layout.fragments.len() <= FRAGMENTS;
        fits.then(|| Learned { table: slots * 4, shapes: Vec::new(), last: 0, next: 0, layout })
    }

    /// Reads one use; `None` where a value has another type than stage one reads.
    #[inline]
    pub fn read(
        &mut self,
        data: &[u8],
        head: Head,
        authors: &mut Authors,
        words: &mut Words,
    ) -> Option<(Facts, Instance)> {
        let (table, start) = head.places();
        let (told, rest) = data.get(table..start)?.split_at_checked(self.table)?;
        if !self.shapes.get(self.last).is_some_and(|shape| shape.is(told)) {
            self.last = self.find(told)?;
        }
        let Learned { layout, shapes, last, .. } = self;
        let mut forwarded = layout.forwarded;
        let shape = shapes.get_mut(*last)?;
        let end = start + shape.bytes + binxml::sum_of_sizes(rest.as_chunks::<4>().0) as usize;
        let instance = head.ending_at(data, end)?;
        let values = data.get(start..end)?;
        for place in shape.fragments() {
            let entry = *data.get(table + place.entry as usize..start)?.first_chunk::<4>()?;
            if entry[2] == BINXML {
                let at = start + place.start as usize;
                forwarded |= holds_rendering(data, at, at + binxml::size(entry) as usize)?;
            }
        }
        let (event_id, record_id, time) = shape.numbers(values)?;
        let known = shape.known_author(values);
        let author = known.or_else(|| shape.find_author(layout, values, authors, words))?;
        let facts = Facts { author, event_id, record_id, time: Time::from_filetime(time), forwarded };
        Some((facts, instance))
    }

    /// The number of that shape. `None`: stage one cannot read such uses.
    #[cold]
    fn find(&mut self, table: &[u8]) -> Option<usize> {
        if let Some(known) = self.shapes.iter().position(|shape| shape.is(table)) {
            return Some(known);
        }
        let shape = Shape::of(&self.layout, table)?;
        let at = self.next;
        self.next = (at + 1) % SHAPES;
        match self.shapes.get_mut(at) {
            Some(old) => *old = shape,
            None => self.shapes.push(shape),
        }
        Some(at)
    }

    /// Adds the fragments of the use that was read last, and what stands around each. `None`: there are fields beside
    /// them, or a value does not fit its type. They are put where they stay: moving them takes longer than finding them.
    #[inline]
    pub fn fragments(&self, data: &[u8], instance: &Instance, found: &mut Fragments) -> Option<()> {
        let (table, values) = instance.places();
        let shape = self.shapes.get(self.last)?;
        let behind = data.get(table + self.table..values).unwrap_or_default();
        let fit = shape.fits && binxml::all_fit(behind.as_chunks::<4>().0);
        if !fit || !self.layout.bare {
            return None;
        }
        for ((_, around), place) in self.layout.fragments.iter().zip(shape.fragments()) {
            let entry = data.get(table + place.entry as usize..values)?;
            let Some(entry) = entry.first_chunk::<4>() else { continue };
            let start = values + place.start as usize;
            let end = start + binxml::size(*entry) as usize;
            if entry[2] == BINXML && start < end {
                found.add((*around, start, end));
            }
        }
        Some(())
    }
}

/// Does a fragment in `Event` hold `RenderingInfo`, beside its template or elements?
#[inline]
fn holds_rendering(data: &[u8], start: usize, end: usize) -> Option<bool> {
    let bytes = data.get(start..end)?;
    // An element behind the template would end the fragment with the end of an element.
    if matches!(bytes, [] | [0x0F, _, _, _, 0x0C, ..] | [0x0C, ..]) && !matches!(last(bytes), 0x03 | 0x04) {
        return Some(false);
    }
    let mut at = start;
    while let Some(token) = data.get(at..end).and_then(<[u8]>::first) {
        match token {
            0x00 => break,
            0x0F => at += 4,
            0x0C => at = leading_instance(data, at, end).ok()??.end as usize,
            // An element tells its length, counted from behind it.
            0x01 | 0x41 => {
                if binxml::element_is(data, at, "RenderingInfo")? {
                    return Some(true);
                }
                at += 5 + binxml::u32_at(data, at + 1)? as usize;
            }
            _ => return None,
        }
    }
    Some(false)
}

/// The last byte that is not 0, or 0. Found at once where few zeros end them.
#[inline]
fn last(bytes: &[u8]) -> u8 {
    match bytes.last_chunk().map(|bytes| u64::from_le_bytes(*bytes)) {
        Some(word) if word != 0 => (word >> (56 - word.leading_zeros() / 8 * 8)) as u8,
        _ => bytes.iter().rfind(|byte| **byte != 0).copied().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_that_is_not_zero() {
        for length in 0..20 {
            for at in 0..=length {
                let bytes: Vec<u8> = (0..length).map(|n| if n < at { 0x80 + n as u8 } else { 0 }).collect();
                assert_eq!(last(&bytes), if at > 0 { 0x80 + at as u8 - 1 } else { 0 }, "{bytes:?}");
            }
        }
    }
}
