//! Uses of a template whose values have the same sizes and types, and so stand at the same places: nearly all do.

use std::ops::Range;

use super::{FRAGMENTS, GuidAt, Holds, Layout, NumberAt, SLOTS, Slot, Text};
use crate::source::evtx::authors::{Author, AuthorId, Authors};
use crate::source::evtx::binxml::{self, u32_at, u64_at};
use crate::source::evtx::value;
use crate::source::evtx::words::{Word, Words};

/// Bytes of the values that tell an author, beyond which they are not remembered: real ones take some hundred.
const NAME: usize = 384;

/// Where the values stand, counted from the first. All in one place: it is looked at for every record, and chunks of
/// some logs hold records of a hundred templates.
pub(super) struct Shape {
    /// Sizes and types up to the last that matters, and how many bytes of them there are.
    table: [u8; TABLE],
    length: usize,
    /// Bytes of these values.
    pub bytes: usize,
    event_id: EventId,
    record_id: usize,
    time: usize,
    /// Places of the template's fragments.
    fragments: [FragmentAt; FRAGMENTS],
    fragment_count: usize,
    /// Where the values stand that tell the author, neighbours in one.
    named_by: [(u32, u32); NAMES],
    named_by_count: usize,
    /// The author of the use seen last, and those values one after the other.
    author: Option<AuthorId>,
    name: Vec<u8>,
    /// The values fit their types.
    pub fits: bool,
}

/// Where a fragment may stand: its slot's place in the table, and that of its value.
#[derive(Clone, Copy, Default)]
pub(super) struct FragmentAt {
    pub entry: u32,
    pub start: u32,
}

/// Bytes of a table.
const TABLE: usize = SLOTS * 4;
/// Values that tell an author.
const NAMES: usize = 5;

#[derive(Clone, Copy)]
enum EventId {
    Fixed(u32),
    Short(usize),
    Long(usize),
}

impl Shape {
    /// Bytes that one takes at most.
    pub const BYTES: usize = size_of::<Shape>() + NAME;

    /// `None`: a value has another type than stage one reads.
    pub fn of(layout: &Layout, table: &[u8]) -> Option<Self> {
        let (entries, _) = table.as_chunks::<4>();
        layout.slots().try_for_each(|(slot, holds)| {
            let allowed = |entry: &[u8; 4]| holds.allows(entry[2], binxml::size(*entry));
            (matches!(holds, Holds::Fragment) || entries.get(usize::from(slot)).is_some_and(allowed)).then_some(())
        })?;
        let start = |slot: Slot| start(entries, slot);
        let mut shape = Shape {
            table: [0; TABLE],
            length: table.len(),
            bytes: binxml::sum_of_sizes(entries) as usize,
            event_id: match layout.event_id {
                NumberAt::Fixed(id) => EventId::Fixed(id),
                NumberAt::Slot(slot) if range(entries, slot)?.len() == 2 => EventId::Short(start(slot)?),
                NumberAt::Slot(slot) => EventId::Long(start(slot)?),
            },
            record_id: start(layout.record_id)?,
            time: start(layout.time)?,
            fragments: Default::default(),
            fragment_count: layout.fragments.len(),
            named_by: Default::default(),
            named_by_count: 0,
            author: None,
            name: Vec::new(),
            fits: binxml::all_fit(entries),
        };
        shape.table.get_mut(..table.len())?.copy_from_slice(table);
        for (at, (slot, _)) in layout.fragments.iter().enumerate() {
            let place = FragmentAt { entry: u32::from(*slot) * 4, start: u32::try_from(start(*slot)?).ok()? };
            *shape.fragments.get_mut(at)? = place;
        }
        let names = layout.names().map(|(slot, _)| range(entries, slot));
        shape.name_by(names.collect::<Option<_>>()?)?;
        Some(shape)
    }

    fn name_by(&mut self, mut values: Vec<Range<usize>>) -> Option<()> {
        values.sort_unstable_by_key(|range| range.start);
        for range in values {
            let (start, end) = (u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?);
            match self.named_by.get_mut(..self.named_by_count)?.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => {
                    *self.named_by.get_mut(self.named_by_count)? = (start, end);
                    self.named_by_count += 1;
                }
            }
        }
        Some(())
    }

    /// Where fragments may stand.
    #[inline]
    pub fn fragments(&self) -> &[FragmentAt] {
        self.fragments.get(..self.fragment_count).unwrap_or_default()
    }

    fn named_by(&self) -> impl Iterator<Item = Range<usize>> {
        let ranges = self.named_by.get(..self.named_by_count).unwrap_or_default();
        ranges.iter().map(|(start, end)| *start as usize..*end as usize)
    }

    /// Are uses with this table of that shape?
    #[inline]
    pub fn is(&self, table: &[u8]) -> bool {
        self.table.get(..self.length) == Some(table)
    }

    /// Event id, record id and the ticks of the time.
    #[inline]
    pub fn numbers(&self, values: &[u8]) -> Option<(u32, u64, u64)> {
        let event_id = match self.event_id {
            EventId::Fixed(id) => id,
            EventId::Short(at) => binxml::u16_at(values, at)?.into(),
            EventId::Long(at) => u32_at(values, at)?,
        };
        Some((event_id, u64_at(values, self.record_id)?, u64_at(values, self.time)?))
    }

    /// Who wrote this use, if that is who wrote the one before: most often it is.
    #[inline]
    pub fn known_author(&self, values: &[u8]) -> Option<AuthorId> {
        self.author.filter(|_| self.is_same_author(values))
    }

    #[inline]
    fn is_same_author(&self, values: &[u8]) -> bool {
        let mut name = self.name.as_slice();
        for range in self.named_by() {
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

    /// Who wrote this use.
    #[cold]
    pub fn find_author(
        &mut self,
        layout: &Layout,
        values: &[u8],
        authors: &mut Authors,
        words: &mut Words,
    ) -> Option<AuthorId> {
        let entries = self.table.get(..self.length)?.as_chunks::<4>().0;
        let bytes = |slot: Slot| values.get(range(entries, slot)?);
        let mut word = |text: Text| -> Option<Word> {
            match text {
                Text::Fixed(word) => Some(word),
                Text::Slot(slot) => bytes(slot).map(|bytes| words.get(bytes)),
            }
        };
        let author = authors.id(Author {
            provider: word(layout.provider)?,
            source_name: layout.source_name.and_then(&mut word),
            provider_guid: layout.guid.and_then(|guid| match guid {
                GuidAt::Fixed(guid) => Some(guid),
                GuidAt::Slot(slot) => value::guid(bytes(slot)?),
            }),
            channel: word(layout.channel)?,
            computer: word(layout.computer)?,
        });
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        let length: usize = self.named_by().map(|range| range.len()).sum();
        if length <= NAME {
            for range in self.named_by() {
                name.extend_from_slice(values.get(range).unwrap_or_default());
            }
        }
        self.name = name;
        self.author = (length <= NAME).then_some(author);
        Some(author)
    }
}

/// Where the value of a slot starts. A fragment's may be the first that the table does not tell of.
fn start(entries: &[[u8; 4]], slot: Slot) -> Option<usize> {
    Some(binxml::sum_of_sizes(entries.get(..usize::from(slot))?) as usize)
}

fn range(entries: &[[u8; 4]], slot: Slot) -> Option<Range<usize>> {
    let start = start(entries, slot)?;
    let entry = entries.get(usize::from(slot))?;
    Some(start..start + binxml::size(*entry) as usize)
}
