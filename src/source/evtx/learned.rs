//! What stage one has learned of a root template: where its uses keep the few values that
//! every record tells. Most keep them in typed slots or spell them out in the template;
//! whatever does otherwise is read by its whole plan.

mod draft;

pub(super) use draft::learn;

use std::ops::Range;

use super::authors::{Author, AuthorId, Authors};
use super::binxml::{self, BINXML, Instance, STRING, leading_instance, u64_at};
use super::plan::Place;
use super::value;
use super::words::{Word, Words};
use crate::event::{Guid, System, Time};

/// Slots beyond this many are left to the plan.
const SLOTS: usize = 32;
/// Bytes of the values that tell an author, beyond which they are not remembered: real ones take some hundred.
const NAME: usize = 1 << 10;

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

/// A slot: where its value stands among the values of a use, by the shape seen last.
#[derive(Clone, Copy)]
struct Slot {
    slot: usize,
    start: u32,
    len: u32,
}

impl Slot {
    fn new(slot: u16) -> Self {
        Slot { slot: slot.into(), start: 0, len: 0 }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }

    #[inline]
    fn bytes(self, values: &[u8]) -> Option<&[u8]> {
        values.get(self.range())
    }
}

/// A text: of the template, or in a slot.
#[derive(Clone, Copy)]
enum Text {
    Fixed(Word),
    Slot(Slot),
}

impl Text {
    fn read(self, values: &[u8], words: &mut Words) -> Option<Word> {
        match self {
            Text::Fixed(word) => Some(word),
            Text::Slot(slot) => slot.bytes(values).map(|bytes| words.get(bytes)),
        }
    }
}

/// What stands around a fragment, and where it starts and ends.
pub(super) type Fragment = (Place, usize, usize);
/// Fragments of one use.
pub(super) type Fragments = [Option<Fragment>; 4];

/// A root template.
pub(super) struct Learned {
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
    /// Sizes and types of the values up to the last that matters, in the use seen last: most
    /// uses of a template have the same, and then the values stand at the same places.
    shape: Vec<u8>,
    /// Length of `shape`.
    shape_len: usize,
    /// The values of that shape fit their types.
    shape_fits: bool,
    /// Where, by that shape, the values stand that tell the author, neighbours in one.
    named_by: Vec<Range<usize>>,
    /// The author of the use seen last, and those values one after the other.
    author: Option<AuthorId>,
    name: Vec<u8>,
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

impl Learned {
    /// Every slot that is read, until `take` says `None`.
    fn each_slot(&mut self, mut take: impl FnMut(&mut Slot, Holds) -> Option<()>) -> Option<()> {
        let texts =
            [Some(&mut self.provider), self.source_name.as_mut(), Some(&mut self.channel), Some(&mut self.computer)];
        for text in texts.into_iter().flatten() {
            if let Text::Slot(slot) = text {
                take(slot, Holds::Text)?;
            }
        }
        if let Some(GuidAt::Slot(slot)) = &mut self.guid {
            take(slot, Holds::Type { kind: 0x0F, len: 16 })?;
        }
        if let NumberAt::Slot(slot) = &mut self.event_id {
            take(slot, Holds::EventId)?;
        }
        for (slot, _) in &mut self.fragments {
            take(slot, Holds::Fragment)?;
        }
        take(&mut self.record_id, Holds::Type { kind: 0x0A, len: 8 })?;
        take(&mut self.time, Holds::Type { kind: 0x11, len: 8 })
    }

    /// Works out where the values of a use stand.
    fn fit(&mut self, shape: &[u8]) -> Option<()> {
        self.shape.clear();
        self.each_slot(|slot, holds| {
            let (entries, _) = shape.as_chunks::<4>();
            let (before, rest) = entries.split_at_checked(slot.slot)?;
            let size = |entry: &[u8; 4]| u32::from(u16::from_le_bytes([entry[0], entry[1]]));
            slot.start = before.iter().map(size).sum();
            if matches!(holds, Holds::Fragment) {
                return Some(());
            }
            let entry = rest.first()?;
            slot.len = size(entry);
            holds.allows(entry[2], slot.len).then_some(())
        })?;
        self.shape.extend_from_slice(shape);
        self.shape_fits = binxml::all_fit(shape.as_chunks::<4>().0);
        self.named_by();
        Some(())
    }

    /// Works out where the values stand that tell the author.
    fn named_by(&mut self) {
        let texts = [Some(self.provider), self.source_name, Some(self.channel), Some(self.computer)];
        let texts =
            texts.into_iter().flatten().filter_map(|text| if let Text::Slot(slot) = text { Some(slot) } else { None });
        let guid = self.guid.and_then(|guid| if let GuidAt::Slot(slot) = guid { Some(slot) } else { None });
        let mut slots: Vec<_> = texts.chain(guid).map(Slot::range).collect();
        slots.sort_unstable_by_key(|range| range.start);
        self.named_by.clear();
        for range in slots {
            match self.named_by.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => self.named_by.push(range),
            }
        }
        self.author = None;
    }

    /// Is the author of this use that of the use seen last?
    #[inline]
    fn is_same_author(&self, values: &[u8]) -> bool {
        let mut name = self.name.as_slice();
        for range in &self.named_by {
            let (Some(found), Some((known, rest))) = (values.get(range.clone()), name.split_at_checked(range.len()))
            else {
                return false;
            };
            if found != known {
                return false;
            }
            name = rest;
        }
        true
    }

    #[inline(never)]
    fn find_author(&mut self, values: &[u8], authors: &mut Authors, words: &mut Words) -> Option<AuthorId> {
        let author = Author {
            provider: self.provider.read(values, words)?,
            source_name: self.source_name.and_then(|text| text.read(values, words)),
            provider_guid: self.guid.and_then(|guid| match guid {
                GuidAt::Fixed(guid) => Some(guid),
                GuidAt::Slot(slot) => value::guid(slot.bytes(values)?),
            }),
            channel: self.channel.read(values, words)?,
            computer: self.computer.read(values, words)?,
        };
        let author = authors.id(author);
        self.name.clear();
        let length: usize = self.named_by.iter().map(Range::len).sum();
        if length <= NAME {
            for range in &self.named_by {
                self.name.extend_from_slice(values.get(range.clone())?);
            }
        }
        self.author = (length <= NAME).then_some(author);
        Some(author)
    }

    /// The fragments of the use that was read last, and what stands around each. `None`: there are fields beside them,
    /// or more than are looked at, or a value does not fit its type.
    pub fn fragments(&self, data: &[u8], instance: &Instance) -> Option<Fragments> {
        let (table, values) = instance.places();
        let mut found = Fragments::default();
        let behind = data.get(table + self.shape_len..values).unwrap_or_default();
        let fit = self.shape_fits && binxml::all_fit(behind.as_chunks::<4>().0);
        if !fit || !self.bare || self.fragments.len() > found.len() {
            return None;
        }
        for ((slot, place), found) in self.fragments.iter().zip(&mut found) {
            let Some([low, high, kind, _]) = data.get(table + slot.slot * 4..values)?.first_chunk::<4>() else {
                continue;
            };
            let start = values + slot.start as usize;
            let end = start + usize::from(u16::from_le_bytes([*low, *high]));
            if *kind == BINXML && start < end {
                *found = Some((*place, start, end));
            }
        }
        Some(found)
    }

    /// Reads one use; `None` where a value has another type than stage one reads.
    #[inline]
    pub fn read(
        &mut self,
        data: &[u8],
        instance: &Instance,
        authors: &mut Authors,
        words: &mut Words,
    ) -> Option<Facts> {
        let (table, start) = instance.places();
        let shape = data.get(table..table + self.shape_len)?;
        if self.shape != shape {
            if start < table + self.shape_len {
                return None;
            }
            self.fit(shape)?;
        }
        let values = data.get(start..instance.end as usize)?;
        let mut forwarded = self.forwarded;
        for (slot, _) in &self.fragments {
            let entry = data.get(table + slot.slot * 4..start)?.first_chunk::<4>()?;
            let [low, high, kind, _] = *entry;
            if kind == BINXML {
                let at = start + slot.start as usize;
                forwarded |= holds_rendering(data, at, at + usize::from(u16::from_le_bytes([low, high])))?;
            }
        }
        let event_id = match self.event_id {
            NumberAt::Fixed(id) => id,
            NumberAt::Slot(slot) => match slot.bytes(values)? {
                [a, b] => u32::from(u16::from_le_bytes([*a, *b])),
                bytes => u32::from_le_bytes(*bytes.first_chunk()?),
            },
        };
        let author = match self.author {
            Some(author) if self.is_same_author(values) => author,
            _ => self.find_author(values, authors, words)?,
        };
        Some(Facts {
            author,
            event_id,
            record_id: u64_at(self.record_id.bytes(values)?, 0)?,
            time: Time::from_filetime(u64_at(self.time.bytes(values)?, 0)?),
            forwarded,
        })
    }
}

/// Does a fragment in `Event` hold `RenderingInfo`, beside its template or elements?
#[inline]
fn holds_rendering(data: &[u8], start: usize, end: usize) -> Option<bool> {
    let bytes = data.get(start..end)?;
    // An element behind the template would end the fragment with the end of an element.
    let last = bytes.iter().rposition(|byte| *byte != 0).and_then(|at| bytes.get(at));
    let ends_in_element = last.is_some_and(|byte| matches!(byte, 0x03 | 0x04));
    if !ends_in_element && matches!(bytes, [] | [0x0F, _, _, _, 0x0C, ..] | [0x0C, ..]) {
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
