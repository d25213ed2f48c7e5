//! Learns from the plan of a root template where its uses keep what every record tells.

use super::{GuidAt, Layout, Learned, NumberAt, Slot, Text};
use crate::event::Guid;
use crate::source::evtx::binxml::STRING;
use crate::source::evtx::known::Known;
use crate::source::evtx::plan::{NONE, Op, Part, Place, Plans, Run, What};
use crate::source::evtx::value;
use crate::source::evtx::words::Words;

/// Bytes of the longest name that is remembered: those of definitions may stand in each other.
const NAME: u32 = 1 << 10;

/// What was learned so far.
#[derive(Default)]
struct Draft {
    provider: Option<Text>,
    source_name: Option<Text>,
    channel: Option<Text>,
    computer: Option<Text>,
    guid: Option<GuidAt>,
    event_id: Option<NumberAt>,
    record_id: Option<Slot>,
    time: Option<Slot>,
    fragments: Vec<(Slot, Place)>,
    fields: bool,
    forwarded: bool,
}

/// `None`: this template keeps something where stage one does not look.
pub(in crate::source::evtx) fn learn(data: &[u8], plans: &Plans, plan: Run, words: &mut Words) -> Option<Learned> {
    let mut draft = Draft::default();
    for op in plans.ops.get(plan.range())? {
        match op.what {
            What::Known { known, parts } => draft.know(data, plans, *op, known, parts, words)?,
            What::Forwarded if op.guard == NONE => draft.forwarded = true,
            What::Fragment { slot, place } => draft.fragments.push((slot, place)),
            What::Field { .. } => draft.fields = true,
            _ => return None,
        }
    }
    Learned::new(Layout {
        provider: draft.provider?,
        source_name: draft.source_name,
        channel: draft.channel?,
        computer: draft.computer?,
        guid: draft.guid,
        event_id: draft.event_id?,
        record_id: draft.record_id?,
        time: draft.time?,
        fragments: draft.fragments,
        bare: !draft.fields,
        forwarded: draft.forwarded,
    })
}

impl Draft {
    fn know(&mut self, data: &[u8], plans: &Plans, op: Op, known: Known, parts: Run, words: &mut Words) -> Option<()> {
        let part = match plans.parts.get(parts.range())? {
            [part] => *part,
            _ => return (!known.is_fact()).then_some(()),
        };
        // A guard that is the slot itself says no more than that the slot may be empty.
        if op.guard != NONE {
            let guard = plans.guards.get(op.guard as usize)?;
            let own = matches!(part, Part::Slot { slot, .. } if *guard == (slot, NONE));
            if !own {
                return (!known.is_fact()).then_some(());
            }
        }
        match known {
            Known::Provider => self.provider = Some(text(data, plans, part, words)?),
            Known::SourceName => self.source_name = Some(text(data, plans, part, words)?),
            Known::Channel => self.channel = Some(text(data, plans, part, words)?),
            Known::Computer => self.computer = Some(text(data, plans, part, words)?),
            Known::ProviderGuid => {
                self.guid = Some(match part {
                    Part::Slot { slot, .. } => GuidAt::Slot(slot),
                    _ => GuidAt::Fixed(Guid::parse(&literal(data, plans, part)?)?),
                });
            }
            Known::EventId => {
                self.event_id = Some(match part {
                    Part::Slot { slot, .. } => NumberAt::Slot(slot),
                    _ => NumberAt::Fixed(
                        u32::try_from(crate::source::text::parse_number(&literal(data, plans, part)?)?).ok()?,
                    ),
                });
            }
            Known::RecordId => self.record_id = Some(slot(part)?),
            Known::Time => self.time = Some(slot(part)?),
            _ => {}
        }
        Some(())
    }
}

fn slot(part: Part) -> Option<Slot> {
    match part {
        Part::Slot { slot, .. } => Some(slot),
        _ => None,
    }
}

fn literal(data: &[u8], plans: &Plans, part: Part) -> Option<String> {
    match part {
        Part::Text(text) => plans.names.get(text.range()).map(str::to_owned),
        Part::Literal(item) => {
            let mut text = String::new();
            value::push_text(&mut text, item.kind, item.span.of(data));
            Some(text)
        }
        _ => None,
    }
}

fn text(data: &[u8], plans: &Plans, part: Part, words: &mut Words) -> Option<Text> {
    match part {
        Part::Text(text) => {
            let text = plans.names.get(text.range()).filter(|text| text.len() <= NAME as usize)?;
            let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            Some(Text::Fixed(words.get(&utf16)))
        }
        Part::Literal(item) if item.kind == STRING && item.span.len <= NAME => {
            Some(Text::Fixed(words.get(item.span.of(data))))
        }
        Part::Slot { slot, .. } => Some(Text::Slot(slot)),
        _ => None,
    }
}
