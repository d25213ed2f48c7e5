//! What stage one has learned of a root template: where its uses keep the few values that
//! every record tells. Most keep them in typed slots or spell them out in the template;
//! whatever does otherwise is read by its whole plan.

use super::binxml::{BINXML, Instance, Item, STRING, Span, is_over, leading_instance};
use super::plan::{Known, NONE, Op, Part, Plans, Run, What};
use super::value;
use super::words::{Word, Words};
use crate::event::{Guid, Time};

/// Slots beyond this many are left to the plan.
const SLOTS: usize = 32;

/// What every record tells.
#[derive(Clone, Copy, Default)]
pub(super) struct Facts {
    pub provider: Word,
    pub source_name: Option<Word>,
    pub provider_guid: Option<Guid>,
    pub channel: Word,
    pub computer: Word,
    pub event_id: u32,
    pub record_id: Option<u64>,
    pub time: Option<Time>,
    pub forwarded: bool,
}

/// A text: of the template, or in a slot, with the last value seen there.
#[derive(Clone, Copy)]
enum Text {
    Fixed(Word),
    Slot { slot: usize, last: Span, word: Word },
}

impl Text {
    #[inline]
    fn read(&mut self, data: &[u8], items: &[Item; SLOTS], words: &mut Words) -> Option<Word> {
        match self {
            Text::Fixed(word) => Some(*word),
            Text::Slot { slot, last, word } => {
                let item = items.get(*slot)?;
                let bytes = item.span.of(data);
                if item.kind != STRING || bytes.is_empty() {
                    return None;
                }
                if last.of(data) != bytes {
                    *word = words.get(bytes);
                    *last = item.span;
                }
                Some(*word)
            }
        }
    }
}

/// A root template.
pub(super) struct Learned {
    provider: Text,
    source_name: Option<Text>,
    channel: Text,
    computer: Text,
    guid: Option<GuidAt>,
    event_id: NumberAt,
    record_id: usize,
    time: usize,
    /// Slots in `Event` that may hold fragments.
    fragments: Vec<usize>,
    forwarded: bool,
    /// Number of slots that matter.
    slots: usize,
}

#[derive(Clone, Copy)]
enum GuidAt {
    Fixed(Guid),
    Slot(usize),
}

#[derive(Clone, Copy)]
enum NumberAt {
    Fixed(u32),
    Slot(usize),
}

#[derive(Default)]
struct Draft {
    provider: Option<Text>,
    source_name: Option<Text>,
    channel: Option<Text>,
    computer: Option<Text>,
    guid: Option<GuidAt>,
    event_id: Option<NumberAt>,
    record_id: Option<usize>,
    time: Option<usize>,
    fragments: Vec<usize>,
    forwarded: bool,
}

/// `None`: this template keeps something where stage one does not look.
pub(super) fn learn(data: &[u8], plans: &Plans, plan: Run, words: &mut Words) -> Option<Learned> {
    let mut draft = Draft::default();
    for op in plans.ops.get(plan.range())? {
        match op.what {
            What::Known { known, parts } => draft.know(data, plans, *op, known, parts, words)?,
            What::Forwarded if op.guard == NONE => draft.forwarded = true,
            What::Fragment { slot, .. } => draft.fragments.push(usize::from(slot)),
            What::Field { .. } => {}
            _ => return None,
        }
    }
    let draft = draft;
    let learned = Learned {
        provider: draft.provider?,
        source_name: draft.source_name,
        channel: draft.channel?,
        computer: draft.computer?,
        guid: draft.guid,
        event_id: draft.event_id?,
        record_id: draft.record_id?,
        time: draft.time?,
        fragments: draft.fragments,
        forwarded: draft.forwarded,
        slots: 0,
    };
    let slots = learned.highest_slot() + 1;
    (slots <= SLOTS).then_some(Learned { slots, ..learned })
}

impl Draft {
    fn know(&mut self, data: &[u8], plans: &Plans, op: Op, known: Known, parts: Run, words: &mut Words) -> Option<()> {
        let part = match plans.parts.get(parts.range())? {
            [part] => *part,
            _ => return is_unused(known).then_some(()),
        };
        // A guard that is the slot itself says no more than that the slot may be empty.
        if op.guard != NONE {
            let guard = plans.guards.get(usize::from(op.guard))?;
            let own = matches!(part, Part::Slot { slot, .. } if *guard == (slot, NONE));
            if !own {
                return is_unused(known).then_some(());
            }
        }
        match known {
            Known::Provider => self.provider = Some(text(data, part, words)?),
            Known::SourceName => self.source_name = Some(text(data, part, words)?),
            Known::Channel => self.channel = Some(text(data, part, words)?),
            Known::Computer => self.computer = Some(text(data, part, words)?),
            Known::ProviderGuid => {
                self.guid = Some(match part {
                    Part::Slot { slot, .. } => GuidAt::Slot(slot.into()),
                    _ => GuidAt::Fixed(Guid::parse(&literal(data, part)?)?),
                });
            }
            Known::EventId => {
                self.event_id = Some(match part {
                    Part::Slot { slot, .. } => NumberAt::Slot(slot.into()),
                    _ => NumberAt::Fixed(u32::try_from(value::parse_number(&literal(data, part)?)?).ok()?),
                });
            }
            Known::RecordId => self.record_id = Some(slot(part)?),
            Known::Time => self.time = Some(slot(part)?),
            _ => {}
        }
        Some(())
    }
}

/// Does stage one do without it?
fn is_unused(known: Known) -> bool {
    !matches!(
        known,
        Known::Provider
            | Known::SourceName
            | Known::ProviderGuid
            | Known::EventId
            | Known::RecordId
            | Known::Time
            | Known::Channel
            | Known::Computer
    )
}

fn slot(part: Part) -> Option<usize> {
    match part {
        Part::Slot { slot, .. } => Some(slot.into()),
        _ => None,
    }
}

fn literal(data: &[u8], part: Part) -> Option<String> {
    match part {
        Part::Literal(item) => {
            let mut text = String::new();
            value::push_text(&mut text, item.kind, item.span.of(data));
            Some(text)
        }
        _ => None,
    }
}

fn text(data: &[u8], part: Part, words: &mut Words) -> Option<Text> {
    match part {
        Part::Literal(item) if item.kind == STRING => Some(Text::Fixed(words.get(item.span.of(data)))),
        Part::Slot { slot, .. } => Some(Text::Slot { slot: slot.into(), last: Span::default(), word: Word::MAX }),
        _ => None,
    }
}

impl Learned {
    fn highest_slot(&self) -> usize {
        let texts = [Some(self.provider), self.source_name, Some(self.channel), Some(self.computer)];
        let texts = texts.into_iter().flatten().filter_map(|text| match text {
            Text::Slot { slot, .. } => Some(slot),
            Text::Fixed(_) => None,
        });
        let guid = self.guid.and_then(|guid| match guid {
            GuidAt::Slot(slot) => Some(slot),
            GuidAt::Fixed(_) => None,
        });
        let id = match self.event_id {
            NumberAt::Slot(slot) => slot,
            NumberAt::Fixed(_) => 0,
        };
        let rest = self.fragments.iter().copied().chain(guid).chain([id, self.record_id, self.time]);
        texts.chain(rest).max().unwrap_or(0)
    }

    /// Reads one use; `None` where a value has another type than stage one reads.
    #[inline]
    pub fn read(&mut self, data: &[u8], instance: &Instance, words: &mut Words) -> Option<Facts> {
        let mut items = [Item::default(); SLOTS];
        let values = instance.items(data).take(self.slots);
        for (at, item) in items.iter_mut().zip(values) {
            *at = item;
        }
        let bytes = |slot: usize, kind: u8, len: u32| {
            let item = items.get(slot).filter(|item| item.kind == kind && item.span.len == len)?;
            Some(item.span.of(data))
        };
        let event_id = match self.event_id {
            NumberAt::Fixed(id) => id,
            NumberAt::Slot(slot) => {
                let item = items.get(slot).filter(|item| matches!((item.kind, item.span.len), (0x06, 2) | (0x08, 4)))?;
                u32::try_from(value::number(item.kind, item.span.of(data))?).ok()?
            }
        };
        let record_id = value::number(0x0A, bytes(self.record_id, 0x0A, 8)?)?;
        let time = value::time(0x11, bytes(self.time, 0x11, 8)?)?;
        for slot in &self.fragments {
            if !is_single_instance(data, items.get(*slot)?) {
                return None;
            }
        }
        let provider_guid = match self.guid {
            Some(GuidAt::Fixed(guid)) => Some(guid),
            Some(GuidAt::Slot(slot)) => value::guid(bytes(slot, 0x0F, 16)?),
            None => None,
        };
        let source_name = match &mut self.source_name {
            Some(text) => Some(text.read(data, &items, words)?),
            None => None,
        };
        Some(Facts {
            provider: self.provider.read(data, &items, words)?,
            source_name,
            provider_guid,
            channel: self.channel.read(data, &items, words)?,
            computer: self.computer.read(data, &items, words)?,
            event_id,
            record_id: Some(record_id),
            time: Some(time),
            forwarded: self.forwarded,
        })
    }
}

/// A fragment with more than one template in it may hold `RenderingInfo`.
#[inline]
fn is_single_instance(data: &[u8], item: &Item) -> bool {
    if item.kind != BINXML || item.span.len == 0 {
        return true;
    }
    let start = item.span.start as usize;
    let end = start + item.span.len as usize;
    match leading_instance(data, start, end) {
        Ok(Some(instance)) => is_over(data, instance.end as usize, end),
        _ => false,
    }
}
