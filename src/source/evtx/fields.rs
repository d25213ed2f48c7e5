//! Stage two: the values of one record, read straight out of the chunk by the plans of its
//! templates into an [`Event`].

use super::binxml::{self, BINXML, Fault, Item};
use super::plan::{Known, Label, NONE, Op, Part, Place, Plans, Run, What};
use super::value;
use crate::event::{Event, Fields, Guid, Time};

/// Fragments within fragments.
const DEPTH: u32 = 32;
/// Steps of all plans of one record together.
const STEPS: u32 = 1 << 16;
/// Bytes of text that one record may hold, names included.
pub(super) const TEXT: usize = 1 << 20;
/// A record went over its budget: what was read so far stands.
pub(super) const TOO_MUCH: &str = "more text than a record can hold; the rest was left out";
/// What a field costs beyond its text.
const FIELD: usize = 32;

/// Which fields are wanted: what any of these wants. None of them: only `System`.
#[derive(Clone, Copy, Default)]
pub(super) struct Want<'i>(pub [Option<&'i Fields>; 3]);

impl Want<'_> {
    pub fn wants(&self, name: &str) -> bool {
        self.0.iter().flatten().any(|fields| fields.wants(name))
    }

    pub fn any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }
}

/// Reads one record of a chunk.
pub(super) struct Record<'a> {
    pub data: &'a [u8],
    pub plans: &'a mut Plans,
    /// The values of the uses that are being read, innermost last.
    pub items: &'a mut Vec<Item>,
    pub event: &'a mut Event,
    pub want: Want<'a>,
    start: usize,
    steps: u32,
    text: usize,
}

impl<'a> Record<'a> {
    pub fn new(
        data: &'a [u8],
        plans: &'a mut Plans,
        items: &'a mut Vec<Item>,
        event: &'a mut Event,
        want: Want<'a>,
    ) -> Self {
        items.clear();
        Record { data, plans, items, event, want, start: 0, steps: 0, text: 0 }
    }

    /// Reads the record whose BinXML lies there.
    pub fn read(&mut self, start: usize, end: usize) -> Result<(), Fault> {
        self.start = start;
        self.stream(start, end, Place::Record, 0)
    }

    fn stream(&mut self, start: usize, end: usize, place: Place, depth: u32) -> Result<(), Fault> {
        if depth > DEPTH {
            return Err(Fault { at: start, what: "fragments nested too deeply" });
        }
        let mut rest = start;
        if let Some(instance) = binxml::leading_instance(self.data, start, end)? {
            self.instance(&instance, place, depth)?;
            rest = instance.end as usize;
        } else if place == Place::Record {
            // Only collectors write records without a template.
            self.event.origin.forwarded = true;
        }
        if binxml::is_over(self.data, rest, end) {
            return Ok(());
        }
        let plan = self.plans.stream(self.data, rest, end, place)?;
        let base = self.items.len();
        self.plan(plan, base, depth)
    }

    fn instance(&mut self, instance: &binxml::Instance, place: Place, depth: u32) -> Result<(), Fault> {
        if depth > DEPTH {
            return Err(Fault { at: instance.definition as usize, what: "templates nested too deeply" });
        }
        let plan = self.plans.definition(self.data, instance.definition, place)?;
        let base = self.items.len();
        self.items.extend(instance.items(self.data));
        if self.items.iter().skip(base).any(|item| !binxml::fits(*item)) {
            return Err(Fault { at: instance.definition as usize, what: "values do not fit their types" });
        }
        let done = self.plan(plan, base, depth);
        self.items.truncate(base);
        done
    }

    fn plan(&mut self, plan: Run, base: usize, depth: u32) -> Result<(), Fault> {
        for at in plan.range() {
            let Some(op) = self.plans.ops.get(at).copied() else { break };
            self.steps += 1;
            if op.guard == NONE || !self.left_out(op, base) {
                self.step(op.what, base, depth)?;
            }
            if self.steps > STEPS || self.text > TEXT {
                return Err(Fault { at: self.start, what: TOO_MUCH });
            }
        }
        Ok(())
    }

    fn step(&mut self, what: What, base: usize, depth: u32) -> Result<(), Fault> {
        match what {
            What::Known { known, parts } => self.known(known, parts, base),
            What::Field { .. } if !self.want.any() => {}
            What::Field { label, parts, leaf } => self.field(label, parts, leaf, base, depth)?,
            What::Forwarded => self.event.origin.forwarded = true,
            What::Fragment { slot, place } => self.fragment(self.item(base, slot), place, depth)?,
            What::Stream { span, place } => self.fragment(Some(Item { kind: BINXML, span }), place, depth)?,
            What::Instance { at, place } => {
                let instance = binxml::Tokens::new(self.data, at as usize, self.data.len(), false).instance()?;
                self.instance(&instance, place, depth + 1)?;
            }
        }
        Ok(())
    }

    fn fragment(&mut self, item: Option<Item>, place: Place, depth: u32) -> Result<(), Fault> {
        match item {
            Some(item) if item.kind == BINXML && item.span.len > 0 => {
                let start = item.span.start as usize;
                self.stream(start, start + item.span.len as usize, place, depth + 1)
            }
            _ => Ok(()),
        }
    }

    fn item(&self, base: usize, slot: u16) -> Option<Item> {
        self.items.get(base + usize::from(slot)).copied()
    }

    /// An element whose guard is null is left out, and all in it ([MS-EVEN6] 2.2.12).
    fn left_out(&self, op: Op, base: usize) -> bool {
        let mut guard = op.guard;
        while let Some((slot, around)) = self.plans.guards.get(usize::from(guard)) {
            if self.item(base, *slot).is_some_and(|item| item.kind == 0 || (item.kind == BINXML && item.span.len == 0)) {
                return true;
            }
            guard = *around;
        }
        false
    }

    fn field(&mut self, label: Label, parts: Run, leaf: bool, base: usize, depth: u32) -> Result<(), Fault> {
        let mut array = None;
        let mut shown = leaf;
        for at in parts.range() {
            let Some((item, optional)) = self.part_item(at, base) else {
                shown |= matches!(self.plans.parts.get(at), Some(Part::Char(_)));
                continue;
            };
            let bytes = item.span.of(self.data);
            if item.kind == BINXML && leaf {
                self.fragment(Some(item), Place::Data, depth)?;
                if item.span.len > 0 {
                    return Ok(());
                }
            }
            shown |= !(optional && value::is_empty(item.kind, bytes));
            if leaf && array.is_none() && value::is_array(item.kind) {
                self.steps += item.span.len / 64;
                if value::items(item.kind, bytes).nth(1).is_none() {
                    continue;
                }
                array = Some((at, item));
            }
        }
        if !shown {
            return Ok(());
        }
        match label {
            Label::Fixed(name) => self.add(name, parts, base, array),
            Label::Parts(run) => {
                // Made here, used once: it stands at the end of the names meanwhile.
                let mut text = String::new();
                self.push_parts(&mut text, run, base, None);
                self.text += text.len();
                let start = self.plans.names.len();
                self.plans.names.push_str(&text);
                self.add(Run::new(start, self.plans.names.len()), parts, base, array);
                self.plans.names.truncate(start);
            }
        }
        Ok(())
    }

    /// `array`: the part that repeats the field, and its value.
    fn add(&mut self, name: Run, parts: Run, base: usize, array: Option<(usize, Item)>) {
        if !self.want.wants(self.plans.names.get(name.range()).unwrap_or_default()) {
            return;
        }
        match array {
            None => self.push(name, parts, base, None),
            Some((at, item)) => {
                for bytes in value::items(item.kind, item.span.of(self.data)) {
                    self.push(name, parts, base, Some((at, bytes)));
                    if self.text > TEXT {
                        break;
                    }
                }
            }
        }
    }

    /// The typed value of a part, and whether it may be left out.
    fn part_item(&self, at: usize, base: usize) -> Option<(Item, bool)> {
        match self.plans.parts.get(at)? {
            Part::Literal(item) => Some((*item, false)),
            Part::Slot { slot, optional } => Some((self.item(base, *slot)?, *optional)),
            Part::Char(_) => None,
        }
    }

    /// `one`: this part reads as one item of its array.
    fn push(&mut self, name: Run, parts: Run, base: usize, one: Option<(usize, &[u8])>) {
        let mut text = String::new();
        self.push_parts(&mut text, parts, base, one);
        let name = self.plans.names.get(name.range()).unwrap_or_default();
        self.text += FIELD + name.len() + text.len();
        self.event.push(name, &text);
    }

    fn push_parts(&self, out: &mut String, parts: Run, base: usize, one: Option<(usize, &[u8])>) {
        for at in parts.range() {
            match (one, self.part_item(at, base)) {
                (Some((array, bytes)), Some((item, _))) if array == at => {
                    value::push_text(out, item.kind & 0x7F, bytes);
                }
                (_, Some((item, _))) => value::push_text(out, item.kind, item.span.of(self.data)),
                (_, None) => {
                    if let Some(Part::Char(c)) = self.plans.parts.get(at) {
                        out.push(*c);
                    }
                }
            }
        }
    }

    fn known(&mut self, known: Known, parts: Run, base: usize) {
        let typed = match self.plans.parts.get(parts.range()) {
            Some([_]) => self.part_item(parts.start as usize, base).map(|(item, _)| item),
            _ => None,
        };
        if let Some(item) = typed.filter(|item| !value::is_text(item.kind)) {
            let bytes = item.span.of(self.data);
            match class(known) {
                Class::Number => return set_number(self.event, known, value::number(item.kind, bytes)),
                Class::Time => {
                    self.event.system.time = value::time(item.kind, bytes);
                    return;
                }
                Class::Guid if item.kind == 0x0F => return set_guid(self.event, known, value::guid(bytes)),
                Class::Guid | Class::Text => {}
            }
        }
        let mut text = match class(known) {
            Class::Text => std::mem::take(text_of(self.event, known)),
            _ => String::new(),
        };
        text.clear();
        self.push_parts(&mut text, parts, base, None);
        match class(known) {
            Class::Text => *text_of(self.event, known) = text,
            _ => set(self.event, known, &text),
        }
    }
}

/// How a value of `System` is typed.
enum Class {
    Number,
    Time,
    Guid,
    Text,
}

fn class(known: Known) -> Class {
    match known {
        Known::EventId
        | Known::Qualifiers
        | Known::Version
        | Known::Level
        | Known::Task
        | Known::Opcode
        | Known::Keywords
        | Known::RecordId
        | Known::ProcessId
        | Known::ThreadId => Class::Number,
        Known::Time => Class::Time,
        Known::ProviderGuid | Known::ActivityId | Known::RelatedActivityId => Class::Guid,
        Known::Provider | Known::SourceName | Known::Channel | Known::Computer | Known::UserId => Class::Text,
    }
}

/// Sets a value of `System` from its text.
pub(super) fn set(event: &mut Event, known: Known, text: &str) {
    match class(known) {
        Class::Number => set_number(event, known, value::parse_number(text)),
        Class::Time => event.system.time = Time::parse(text),
        Class::Guid => set_guid(event, known, Guid::parse(text)),
        Class::Text => text_of(event, known).push_str(text),
    }
}

fn set_guid(event: &mut Event, known: Known, guid: Option<Guid>) {
    match known {
        Known::ProviderGuid => event.system.provider_guid = guid,
        Known::ActivityId => event.system.activity_id = guid,
        _ => event.system.related_activity_id = guid,
    }
}

fn text_of(event: &mut Event, known: Known) -> &mut String {
    let system = &mut event.system;
    match known {
        Known::SourceName => &mut system.source_name,
        Known::Channel => &mut system.channel,
        Known::Computer => &mut system.computer,
        Known::UserId => &mut system.user_id,
        _ => &mut system.provider,
    }
}

fn set_number(event: &mut Event, known: Known, number: Option<u64>) {
    let system = &mut event.system;
    match known {
        Known::EventId => system.event_id = number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        Known::Qualifiers => system.qualifiers = number.and_then(|n| u16::try_from(n).ok()),
        Known::Version => system.version = number.and_then(|n| u8::try_from(n).ok()),
        Known::Level => system.level = number.and_then(|n| u8::try_from(n).ok()),
        Known::Task => system.task = number.and_then(|n| u16::try_from(n).ok()),
        Known::Opcode => system.opcode = number.and_then(|n| u8::try_from(n).ok()),
        Known::Keywords => system.keywords = number,
        Known::RecordId => system.record_id = number,
        Known::ProcessId => system.process_id = number.and_then(|n| u32::try_from(n).ok()),
        Known::ThreadId => system.thread_id = number.and_then(|n| u32::try_from(n).ok()),
        _ => {}
    }
}
