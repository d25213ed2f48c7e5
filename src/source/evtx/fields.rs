//! Stage two: the values of one record, read straight out of the chunk by the plans of its
//! templates into an [`Event`].

use super::binxml::{self, BINXML, Fault, Item};
use super::known::{self, Class, Known};
use super::plan::{Label, NONE, Op, Part, Place, Plans, Run, WantId, What};
use super::value;
use crate::event::{Event, Fields, Gate};

/// Fragments within fragments.
const DEPTH: u32 = 32;
/// Fragments among the values of one use for which the short way is worth the look; real records have one or two.
const FRAGMENTS: usize = 8;
/// Steps of all plans of one record together.
const STEPS: u32 = 1 << 16;
/// Bytes of text that one record may hold, names included.
pub(super) const TEXT: usize = 1 << 20;
/// Steps, and bytes of text, of all records of one chunk together: many times what real ones take.
const STEPS_OF_CHUNK: u32 = 1 << 21;
const TEXT_OF_CHUNK: usize = 8 << 20;
/// A record went over its budget: what was read so far stands.
pub(super) const TOO_MUCH: &str = "more text than a record can hold; the rest was left out";
/// All records of a chunk went over theirs.
pub(super) const TOO_MUCH_OF_CHUNK: &str = "more text than the records of a chunk can hold; the rest was left out";
/// What a field costs beyond its text.
const FIELD: usize = 32;

/// Which fields are wanted: what any of these wants. None of them: only `System`.
#[derive(Clone, Copy, Default)]
pub(super) struct Want<'i> {
    pub by: [Option<&'i Fields>; 3],
    /// Only that by which it is decided whether a signature matches.
    deciding: bool,
    /// There is a gate before each of them.
    gated: bool,
    /// Its number in [`Plans`], `None` where nothing is kept for it.
    number: Option<WantId>,
}

impl<'i> Want<'i> {
    pub fn of(mut by: [Option<&'i Fields>; 3], plans: &mut Plans) -> Self {
        // By their places, which are good for as long as the interest is.
        let place = |fields: Option<&Fields>| fields.map_or(0, |fields| std::ptr::from_ref(fields).addr());
        // Some providers go by the same name as their source.
        if place(by[0]) == place(by[1]) {
            by[1] = None;
        }
        let key = by.map(place);
        let gated = by.iter().flatten().all(|fields| fields.gate().is_some());
        Want { by, deciding: false, gated, number: plans.want(key) }
    }

    /// What decides, where that may be less than what is wanted.
    pub fn deciding(self) -> Option<Self> {
        let all = self.by.iter().flatten().any(|fields| matches!(fields, Fields::All));
        (!all).then_some(Want { deciding: true, ..self })
    }

    pub fn wants(&self, name: &str) -> bool {
        let wants = |fields: &&Fields| if self.deciding { fields.decided_by(name) } else { fields.wants(name) };
        self.by.iter().flatten().any(wants)
    }

    /// Is that value of `System` wanted, beside what stage one reads?
    pub fn wants_known(&self, known: Known) -> bool {
        let all = |fields: &&Fields| !matches!(fields, Fields::Named(names) if !names.system);
        let kept = !self.deciding && known.is_kept();
        !known.is_fact() && (kept || self.by.iter().flatten().any(all))
    }

    /// Its number; what is wanted to decide has the odd one.
    pub fn id(&self) -> Option<WantId> {
        self.number.map(|number| number | WantId::from(self.deciding))
    }

    pub fn any(&self) -> bool {
        self.by.iter().any(Option::is_some)
    }

    /// Is there a gate before each of them?
    pub fn is_gated(&self) -> bool {
        self.gated
    }

    /// The gate before that one of them.
    pub fn gate(&self, want: usize) -> Option<&'i Gate> {
        self.by.get(want).copied().flatten()?.gate()
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
    /// The number of `want` in `plans`.
    want_id: Option<WantId>,
    start: usize,
    steps: u32,
    text: usize,
    /// Steps and text of the records before.
    before: (u32, usize),
    /// The event has what stage one reads already.
    pub has_facts: bool,
    /// What is read now was picked because it is wanted.
    chosen: bool,
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
        let want_id = want.id();
        let before = (plans.budget().steps, plans.budget().text);
        Record {
            data,
            plans,
            items,
            event,
            want,
            want_id,
            start: 0,
            steps: 0,
            text: 0,
            before,
            has_facts: false,
            chosen: false,
        }
    }

    /// Reads the record whose BinXML lies there.
    pub fn read(&mut self, start: usize, end: usize) -> Result<(), Fault> {
        self.start = start;
        let done = self.stream(start, end, Place::Record, 0);
        let budget = self.plans.budget();
        budget.steps = budget.steps.saturating_add(self.steps);
        budget.text = budget.text.saturating_add(self.text);
        done
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
        let (mut odd, mut fragments) = (0, false);
        #[allow(
            clippy::manual_inspect,
            reason = "behind `inspect` nobody knows how many come, and each looks for room"
        )]
        self.items.extend(instance.items(self.data).map(|item| {
            odd |= binxml::odd(item.kind, item.span.len);
            fragments |= item.kind == BINXML;
            item
        }));
        if odd != 0 {
            return Err(Fault { at: instance.definition as usize, what: "values do not fit their types" });
        }
        let done = match self.picked(plan, base, fragments) {
            Some(picked) => self.picks(picked, base, depth),
            None => self.plan(plan, base, depth),
        };
        self.items.truncate(base);
        done
    }

    fn plan(&mut self, plan: Run, base: usize, depth: u32) -> Result<(), Fault> {
        plan.range().try_for_each(|at| {
            let Some(op) = self.plans.ops.get(at).copied() else { return Ok(()) };
            self.chosen = false;
            self.op(op, base, depth)
        })
    }

    fn picks(&mut self, picked: Run, base: usize, depth: u32) -> Result<(), Fault> {
        for at in picked.range() {
            let Some(op) = self.plans.picks.get(at).copied() else { break };
            self.chosen = true;
            self.op(op, base, depth)?;
        }
        Ok(())
    }

    /// The steps of the plan that have anything to do here. `None`: a value may hold more than the plan tells.
    #[inline]
    fn picked(&mut self, plan: Run, base: usize, fragments: bool) -> Option<Run> {
        let want_id = self.want_id.filter(|_| self.has_facts)?;
        let want = self.want;
        let picked = self.plans.picked(plan, want_id, |plans, what| match what {
            What::Known { known, .. } => want.wants_known(*known),
            What::Field { label: Label::Fixed(name), .. } => {
                want.wants(plans.names.get(name.range()).unwrap_or_default())
            }
            _ => true,
        });
        if !fragments {
            return Some(picked);
        }
        let values = self.items.get(base..).unwrap_or_default().iter().enumerate();
        let fragments = values.filter(|(_, item)| item.kind == BINXML);
        // A hostile record with more of them goes the long way, whose steps are counted.
        let mut few = fragments.take(FRAGMENTS + 1).enumerate();
        few.all(|(nth, (slot, _))| nth < FRAGMENTS && self.is_fragment(picked, slot)).then_some(picked)
    }

    /// Is this the slot of a fragment, and not one in a field's place?
    fn is_fragment(&self, picked: Run, slot: usize) -> bool {
        let picks = self.plans.picks.get(picked.range()).unwrap_or_default();
        picks.iter().any(|op| matches!(op.what, What::Fragment { slot: own, .. } if usize::from(own) == slot))
    }

    #[inline]
    fn op(&mut self, op: Op, base: usize, depth: u32) -> Result<(), Fault> {
        self.steps += 1;
        if op.guard == NONE || !self.left_out(op, base) {
            self.step(op.what, base, depth)?;
        }
        if self.steps > STEPS || self.text > TEXT {
            return Err(Fault { at: self.start, what: TOO_MUCH });
        }
        let (steps, text) = self.before;
        if steps + self.steps > STEPS_OF_CHUNK || text + self.text > TEXT_OF_CHUNK {
            return Err(Fault { at: self.start, what: TOO_MUCH_OF_CHUNK });
        }
        Ok(())
    }

    fn step(&mut self, what: What, base: usize, depth: u32) -> Result<(), Fault> {
        match what {
            What::Known { known, .. } if self.has_facts && !(self.chosen || self.want.wants_known(known)) => {}
            What::Known { known, parts } => self.known(known, parts, base),
            What::Field { .. } if !self.want.any() => {}
            What::Field { label, parts, leaf } => {
                if !self.plain_field(label, parts, leaf, base) {
                    self.field(label, parts, leaf, base, depth)?;
                }
            }
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
        while let Some((slot, around)) = self.plans.guards.get(guard as usize) {
            if self.item(base, *slot).is_some_and(|item| item.kind == 0 || (item.kind == BINXML && item.span.len == 0))
            {
                return true;
            }
            guard = *around;
        }
        false
    }

    /// A field with a fixed name and one simple value, as nearly all are. `false`: it is none.
    #[inline]
    fn plain_field(&mut self, label: Label, parts: Run, leaf: bool, base: usize) -> bool {
        let (Label::Fixed(name), Some([Part::Slot { slot, optional }])) = (label, self.plans.parts.get(parts.range()))
        else {
            return false;
        };
        let optional = *optional;
        let Some(item) = self.item(base, *slot).filter(|item| item.kind != BINXML && !value::is_array(item.kind))
        else {
            return false;
        };
        let bytes = item.span.of(self.data);
        if (leaf || !(optional && value::is_empty(item.kind, bytes))) && self.chooses(name) {
            let name = self.plans.names.get(name.range()).unwrap_or_default();
            self.text += FIELD + name.len() + bytes.len();
            self.event.push_with(name, |out| value::push_text(out, item.kind, bytes));
        }
        true
    }

    fn field(&mut self, label: Label, parts: Run, leaf: bool, base: usize, depth: u32) -> Result<(), Fault> {
        let mut array = None;
        let mut shown = leaf;
        for at in parts.range() {
            let Some((item, optional)) = self.part_item(at, base) else {
                shown |= matches!(self.plans.parts.get(at), Some(Part::Char(_) | Part::Text(_)));
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
            Label::Fixed(name) if self.chooses(name) => self.add(name, parts, base, array),
            Label::Fixed(_) => {}
            Label::Parts(run) => {
                // Made here, used once: it stands at the end of the names meanwhile.
                let mut text = String::new();
                self.push_parts(&mut text, run, base, None);
                self.text += text.len();
                let start = self.plans.names.len();
                self.plans.names.push_str(&text);
                if self.want.wants(self.plans.names.get(start..).unwrap_or_default()) {
                    self.add(Run::new(start, self.plans.names.len()), parts, base, array);
                }
                self.plans.names.truncate(start);
            }
        }
        Ok(())
    }

    /// Is the field of that name wanted?
    #[inline]
    fn chooses(&mut self, name: Run) -> bool {
        let want = self.want;
        self.chosen || self.plans.chooses(self.want_id, name, |name| want.wants(name))
    }

    /// `array`: the part that repeats the field, and its value.
    fn add(&mut self, name: Run, parts: Run, base: usize, array: Option<(usize, Item)>) {
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
            Part::Char(_) | Part::Text(_) => None,
        }
    }

    /// `one`: this part reads as one item of its array.
    fn push(&mut self, name: Run, parts: Run, base: usize, one: Option<(usize, &[u8])>) {
        let mut text = std::mem::take(&mut self.plans.spare);
        text.clear();
        self.push_parts(&mut text, parts, base, one);
        let name = self.plans.names.get(name.range()).unwrap_or_default();
        self.text += FIELD + name.len() + text.len();
        self.event.push(name, &text);
        self.plans.spare = text;
    }

    fn push_parts(&self, out: &mut String, parts: Run, base: usize, one: Option<(usize, &[u8])>) {
        for at in parts.range() {
            match (one, self.part_item(at, base)) {
                (Some((array, bytes)), Some((item, _))) if array == at => {
                    value::push_text(out, item.kind & 0x7F, bytes);
                }
                (_, Some((item, _))) => value::push_text(out, item.kind, item.span.of(self.data)),
                (_, None) => match self.plans.parts.get(at) {
                    Some(Part::Char(c)) => out.push(*c),
                    Some(Part::Text(text)) => out.push_str(self.plans.names.get(text.range()).unwrap_or_default()),
                    _ => {}
                },
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
            match known::class(known) {
                Class::Number => return known::set_number(self.event, known, value::number(item.kind, bytes)),
                Class::Time => {
                    self.event.system.time = value::time(item.kind, bytes);
                    return;
                }
                // Most records belong to no activity.
                Class::Guid if item.kind == 0x0F || bytes.is_empty() => {
                    return known::set_guid(self.event, known, value::guid(bytes));
                }
                Class::Guid | Class::Text => {}
            }
        }
        let mut text = match known::class(known) {
            Class::Text => std::mem::take(known::text_of(self.event, known)),
            _ => String::new(),
        };
        text.clear();
        self.push_parts(&mut text, parts, base, None);
        match known::class(known) {
            Class::Text => *known::text_of(self.event, known) = text,
            _ => known::set(self.event, known, &text),
        }
    }
}
