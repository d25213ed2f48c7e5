//! Looks at the few values by which most records that are wanted by their number turn out to be of no interest, where
//! they stand, before anything is read. Whatever is not as simple as in nearly all records is let through.

use rustc_hash::FxHashMap;

use super::binxml::{self, BINXML, Instance, STRING, Span};
use super::fields::Want;
use super::learned::{Fragment, Fragments};
use super::loose::Loose;
use super::plan::{Label, NONE, Part, Place, Plans, Run, WantId, What};
use super::value;
use crate::event::{Gate, Seen, Sign, positional};
use crate::source::text::narrow;

/// Gates before one record.
const WANTS: usize = 3;
/// How deep a fragment stands that no other stands beside.
const ALONE: u32 = 0;
/// Fragments within fragments that are looked into.
const DEPTH: u32 = 4;

/// What the values looked at show, by gate.
pub(super) type Shown = [Seen; WANTS];

/// A slot that is looked at, and the sign that it may show: of which gate, and which of its signs.
#[derive(Clone, Copy)]
struct Look {
    slot: usize,
    want: usize,
    sign: usize,
}

/// What to look at in the uses of a template.
#[derive(Clone, Copy)]
struct Plan {
    /// Where in `looks`.
    looks: Run,
    /// Where in `nested`.
    nested: Run,
}

/// What was worked out for the templates of one chunk.
#[derive(Default)]
pub(super) struct Gates {
    /// By the definition of a fragment's template and the want; `None` where nothing can be told.
    known: FxHashMap<(u32, Place, WantId), Option<Plan>>,
    looks: Vec<Look>,
    /// Slots that may hold fragments with fields.
    nested: Vec<u16>,
    /// By place in `looks`, what the table of a use is like that was found sound: bits of each entry, and their values.
    sound: FxHashMap<Run, (Vec<u32>, Vec<u32>)>,
    loose: Loose,
    text: Texts,
}

/// A value as text.
#[derive(Default)]
pub(super) struct Texts {
    text: String,
    narrow: Vec<u8>,
}

impl Texts {
    /// Its letters, and whether all are in ASCII.
    #[inline]
    pub fn of(&mut self, kind: u8, bytes: &[u8]) -> (&[u8], bool) {
        if kind == STRING && narrow(bytes, &mut self.narrow) {
            return (&self.narrow, true);
        }
        self.text.clear();
        value::push_text(&mut self.text, kind, bytes);
        (self.text.as_bytes(), self.text.is_ascii())
    }
}

impl Gates {
    /// Forgets everything: another chunk begins.
    pub fn clear(&mut self) {
        self.known.clear();
        self.looks.clear();
        self.nested.clear();
        self.sound.clear();
    }

    /// Can it be told by the values of these fragments in `Event` that every gate is shut?
    pub fn bar(&mut self, data: &[u8], plans: &mut Plans, fragments: &Fragments, want: &Want<'_>) -> bool {
        let mut shown = Shown::default();
        let nested = if fragments.iter().flatten().count() < 2 { ALONE } else { 1 };
        let mut fragments = fragments.iter().flatten();
        fragments.all(|fragment| self.look(data, plans, *fragment, want, &mut shown, nested).is_some())
            && gates(want).all(|(at, gate)| !gate.lets_through(shown[at]))
    }

    /// Adds what the values of this fragment show. `None`: it is not as simple as that. `nested`: how deep it stands.
    fn look(
        &mut self,
        data: &[u8],
        plans: &mut Plans,
        (place, start, end): Fragment,
        want: &Want<'_>,
        shown: &mut Shown,
        nested: u32,
    ) -> Option<()> {
        let Some(instance) = binxml::leading_instance(data, start, end).ok()? else {
            return self.loose.look(data, (place, start, end), &mut self.text, want, shown);
        };
        if !binxml::is_over(data, instance.end as usize, end) {
            return None;
        }
        let key = (instance.definition, place, want.id()?);
        let known = match self.known.get(&key) {
            Some(known) => *known,
            None => {
                let found = self.find(data, plans, instance.definition, place, want);
                self.known.insert(key, found);
                found
            }
        };
        let plan = known?;
        let alone = if self.is_sound(instance.entries(data), plan.looks) {
            nested == ALONE
        } else {
            self.look_into(data, plans, &instance, plan, want, shown, nested + 1)?;
            false
        };
        self.read(data, &instance, plan.looks, want, shown, alone)
    }

    /// Adds what the fragments among the values of a use show.
    #[allow(clippy::too_many_arguments, reason = "as many as a look takes, and two")]
    fn look_into(
        &mut self,
        data: &[u8],
        plans: &mut Plans,
        instance: &Instance,
        plan: Plan,
        want: &Want<'_>,
        shown: &mut Shown,
        nested: u32,
    ) -> Option<()> {
        if nested > DEPTH || !binxml::all_fit(instance.entries(data)) {
            return None;
        }
        for (slot, item) in instance.items(data).enumerate().filter(|(_, item)| item.kind == BINXML) {
            let holds_fields = |own: &u16| usize::from(*own) == slot;
            self.nested.get(plan.nested.range())?.iter().any(holds_fields).then_some(())?;
            let start = item.span.start as usize;
            if item.span.len > 0 {
                let fragment = (Place::Data, start, start + item.span.len as usize);
                self.look(data, plans, fragment, want, shown, nested)?;
            }
        }
        Some(())
    }

    /// Which slots of a template hold the fields that the signs name.
    fn find(&mut self, data: &[u8], plans: &mut Plans, definition: u32, place: Place, want: &Want<'_>) -> Option<Plan> {
        plans.reading = true;
        let plan = plans.definition(data, definition, place);
        plans.reading = false;
        let (start, nested) = (self.looks.len(), self.nested.len());
        let mut found = [0u32; WANTS];
        let mut unnamed = false;
        for op in plans.ops.get(plan.ok()?.range())? {
            let (name, parts) = match op.what {
                What::Field { label: Label::Fixed(name), parts, .. } => (name, parts),
                What::Fragment { slot, place: Place::Data } if is_own(plans, op.guard, slot) => {
                    self.nested.push(slot);
                    continue;
                }
                // Without a fragment in their slots they have nothing to do.
                What::Known { .. } | What::Forwarded | What::Fragment { .. } => continue,
                _ => return None,
            };
            let name = plans.names.get(name.range())?;
            unnamed |= name.is_empty();
            for (want, sign, of) in signs(want) {
                if of.field == name {
                    let [Part::Slot { slot, .. }] = plans.parts.get(parts.range())? else { return None };
                    if !is_own(plans, op.guard, *slot) {
                        return None;
                    }
                    self.looks.push(Look { slot: usize::from(*slot), want, sign });
                    found[want] |= 1 << sign;
                }
            }
        }
        // `param1` is the first unnamed value, unless something is called so.
        let by_place = |(want, sign, of): (usize, usize, &Sign)| {
            unnamed && found[want] >> sign & 1 == 0 && positional(&of.field).is_some()
        };
        if signs(want).any(by_place) {
            return None;
        }
        // First what decides most; all values of a sign one after the other.
        self.looks.get_mut(start..)?.sort_unstable_by_key(|look| {
            let ways = want.gate(look.want).map_or(0, |gate| gate.asks_for(look.sign));
            (usize::MAX - ways, look.want, look.sign, look.slot)
        });
        let nested = Run::new(nested, self.nested.len());
        Some(Plan { looks: Run::new(start, self.looks.len()), nested })
    }

    /// `None`: a value is an array. `alone`: nothing else shows anything, so that what was seen may be enough before
    /// all is.
    fn read(
        &mut self,
        data: &[u8],
        instance: &Instance,
        looks: Run,
        want: &Want<'_>,
        shown: &mut Shown,
        alone: bool,
    ) -> Option<()> {
        let entries = instance.entries(data);
        let looks = self.looks.get(looks.range())?;
        let mut settled = [0u32; WANTS];
        for (at, look) in looks.iter().enumerate() {
            // A slot that is not there reads as empty.
            let (before, rest) = entries.split_at_checked(look.slot)?;
            let [low, high, kind, _] = *rest.first()?;
            if value::is_array(kind) {
                return None;
            }
            let start = instance.places().1 as u32 + binxml::sum_of_sizes(before);
            let bytes = Span { start, len: u32::from(u16::from_le_bytes([low, high])) }.of(data);
            let sign = want.gate(look.want)?.signs.get(look.sign)?;
            let (text, ascii) = self.text.of(kind, bytes);
            shown[look.want].look(look.sign, sign, text, ascii);
            let last = looks.get(at + 1).is_none_or(|next| (next.want, next.sign) != (look.want, look.sign));
            if alone && last {
                settled[look.want] |= 1 << look.sign;
                if gates(want).all(|(at, gate)| gate.is_shut(shown[at], settled[at])) {
                    break;
                }
            }
        }
        Some(())
    }

    /// Does every value fit its type, and is none a fragment? Most uses of a template are alike in that.
    fn is_sound(&mut self, entries: &[[u8; 4]], looks: Run) -> bool {
        if let Some((mask, bits)) = self.sound.get(&looks)
            && mask.len() == entries.len()
        {
            let wanted = mask.iter().zip(bits);
            let odd = |(entry, (mask, bits)): (&[u8; 4], (&u32, &u32))| (u32::from_le_bytes(*entry) & mask) ^ bits;
            if entries.iter().zip(wanted).fold(0, |any, entry| any | odd(entry)) == 0 {
                return true;
            }
        }
        let fragments = entries.iter().any(|entry| entry[2] == BINXML);
        let sound = !fragments && binxml::all_fit(entries);
        if sound {
            self.sound.insert(looks, entries.iter().map(|entry| binxml::like(*entry)).unzip());
        }
        sound
    }
}

/// Is nothing left out but for this slot itself? What is left out then reads as empty.
fn is_own(plans: &Plans, guard: u16, slot: u16) -> bool {
    guard == NONE || plans.guards.get(usize::from(guard)) == Some(&(slot, NONE))
}

/// The gates before a want, with their numbers.
pub(super) fn gates<'i>(want: &Want<'i>) -> impl Iterator<Item = (usize, &'i Gate)> {
    let want = *want;
    (0..WANTS).filter_map(move |at| Some((at, want.gate(at)?)))
}

/// Every sign, behind the number of its gate and its own.
pub(super) fn signs<'i>(want: &Want<'i>) -> impl Iterator<Item = (usize, usize, &'i Sign)> {
    gates(want).flat_map(|(want, gate)| gate.signs.iter().enumerate().map(move |(at, sign)| (want, at, sign)))
}
