//! Looks at the few values by which most records that are wanted by their number turn out to be of no interest, where
//! they stand, before anything is read. Whatever is not as simple as in nearly all records is let through.

mod fit;
mod uses;

use rustc_hash::FxHashMap;

use super::binxml::{self, BINARY, BINXML, Instance, STRING};
use super::catalogue::TemplateId;
use super::fields::Want;
use super::learned::Fragment;
use super::loose::Loose;
use super::plan::{GuardId, Label, NONE, Part, Place, Plans, Run, WantId, What};
use super::value;
use crate::event::{Gate, Seen, Sign, positional};
use crate::source::text::narrow;
pub(super) use fit::Fit;
use uses::Uses;

/// Gates before one record.
const WANTS: usize = 3;
/// How deep a fragment stands that no other stands beside.
const ALONE: u32 = 0;
/// Fragments within fragments that are looked into.
const DEPTH: u32 = 4;

/// Templates, with a want each, of which it is kept from chunk to chunk what to look at.
pub(super) const TEMPLATES: usize = 1 << 11;
/// Uses that are known again, of all templates together, before all is begun anew.
pub(super) const KNOWN_SHUT: usize = 1 << 13;
/// Looks at the uses of a template, a dozen of real ones, and its slots for fragments; where there are more, it is read.
pub(super) const LOOKS: usize = 128;
/// Plans that are found at once.
const RECENT: usize = 32;

/// The definition of a fragment's template in its chunk, what stands around it, and the want.
type Key = (u32, Place, WantId);

/// What the values looked at show, by gate.
pub(super) type Shown = [Seen; WANTS];

/// What a look at a fragment has told.
enum Told {
    /// What its values show.
    Shown,
    /// Every gate is shut, and there is nothing else to look at.
    Shut,
}

/// A slot that is looked at, and the sign that it may show: of which gate, and which of its signs.
#[derive(Clone, Copy)]
struct Look {
    slot: usize,
    want: usize,
    sign: usize,
    /// How values look that may show it.
    fit: Fit,
    /// No look behind may show that sign.
    settles: bool,
}

/// What to look at in the uses of a template.
#[derive(Clone, Copy)]
struct Plan {
    /// Where in `looks`.
    looks: Run,
    /// Where in `nested`.
    nested: Run,
    /// Where in `uses`.
    uses: usize,
}

/// What was worked out for the templates of one interest.
#[derive(Default)]
pub(super) struct Gates {
    /// By the definition of a fragment's template in this chunk, and the want; `None` where nothing can be told.
    known: FxHashMap<Key, Option<Plan>>,
    /// Those asked for last, by some bits of them.
    recent: [Option<(Key, Option<Plan>)>; RECENT],
    /// By the template, and the want.
    kept: FxHashMap<(TemplateId, Place, WantId), Option<Plan>>,
    looks: Vec<Look>,
    /// Slots that may hold fragments with fields.
    nested: Vec<u16>,
    uses: Vec<Uses>,
    loose: Loose,
    text: Texts,
}

/// A value as text.
#[derive(Default)]
pub(super) struct Texts {
    text: String,
    narrow: Vec<u8>,
    is_narrow: bool,
}

impl Texts {
    #[inline]
    pub fn read(&mut self, kind: u8, bytes: &[u8]) {
        self.is_narrow = kind == STRING && narrow(bytes, &mut self.narrow);
        if !self.is_narrow {
            self.text.clear();
            value::push_text(&mut self.text, kind, bytes);
        }
    }

    /// Its letters, and whether all are in ASCII.
    #[inline]
    pub fn letters(&self) -> (&[u8], bool) {
        if self.is_narrow { (&self.narrow, true) } else { (self.text.as_bytes(), self.text.is_ascii()) }
    }
}

impl Gates {
    /// Another chunk begins.
    pub fn clear(&mut self) {
        self.known.clear();
        self.recent = [None; RECENT];
        self.loose.clear();
        if self.templates() > TEMPLATES {
            self.begin();
        }
    }

    /// Templates, with a want each, of which it is kept what to look at.
    pub fn templates(&self) -> usize {
        self.uses.len().max(self.kept.len())
    }

    /// Uses that are known again.
    pub fn known_shut(&self) -> usize {
        self.uses.iter().map(Uses::kept).sum()
    }

    /// Forgets everything: wants are others, or templates.
    pub fn begin(&mut self) {
        self.kept.clear();
        self.looks.clear();
        self.nested.clear();
        self.uses.clear();
        self.loose.begin();
    }

    /// Can it be told by the values of these fragments in `Event` that every gate is shut?
    pub fn bar(&mut self, data: &[u8], plans: &mut Plans, fragments: &[Fragment], want: &Want<'_>) -> bool {
        let mut shown = Shown::default();
        let depth = if fragments.len() < 2 { ALONE } else { ALONE + 1 };
        for fragment in fragments {
            match self.look(data, plans, *fragment, want, &mut shown, depth) {
                Some(Told::Shown) => {}
                Some(Told::Shut) => return true,
                None => return false,
            }
        }
        gates(want).all(|(at, gate)| !gate.lets_through(shown[at]))
    }

    /// Adds what the values of this fragment show. `None`: it is not as simple as that.
    fn look(
        &mut self,
        data: &[u8],
        plans: &mut Plans,
        (place, start, end): Fragment,
        want: &Want<'_>,
        shown: &mut Shown,
        depth: u32,
    ) -> Option<Told> {
        let Some(head) = binxml::leading_head(data, start, end).ok()? else {
            return self.look_loosely(data, (place, start, end), want, shown, depth);
        };
        let key = (head.definition, place, want.id()?);
        let recent = (head.definition >> 3 ^ u32::from(key.2)) as usize % RECENT;
        let plan = match self.recent[recent] {
            Some((known, plan)) if known == key => plan,
            _ => self.known(data, plans, key, want, recent),
        }?;
        let (table, values) = head.places();
        let entries = data.get(table..values)?.as_chunks::<4>().0;
        let (sound, bytes) = self.uses.get_mut(plan.uses)?.measure(entries);
        let instance = head.ending_at(data, values + bytes as usize)?;
        if !binxml::is_over(data, instance.end as usize, end) {
            return None;
        }
        if !sound {
            self.look_into(data, plans, &instance, plan, want, shown, depth + 1)?;
        }
        let values = data.get(values..instance.end as usize)?;
        self.read(entries, values, plan, want, shown, sound && depth == ALONE)
    }

    /// The same, of data that stand without a template.
    #[inline(never)]
    fn look_loosely(
        &mut self,
        data: &[u8],
        fragment: Fragment,
        want: &Want<'_>,
        shown: &mut Shown,
        depth: u32,
    ) -> Option<Told> {
        if depth == ALONE && self.loose.is_shut(data, fragment, &mut self.text, want) {
            return Some(Told::Shut);
        }
        self.loose.look(data, fragment, &mut self.text, want, shown)?;
        Some(Told::Shown)
    }

    /// What to look at in the uses of this definition, worked out at its first use.
    #[cold]
    fn known(&mut self, data: &[u8], plans: &mut Plans, key: Key, want: &Want<'_>, recent: usize) -> Option<Plan> {
        let known = match self.known.get(&key) {
            Some(known) => *known,
            None => {
                plans.reading = true;
                let found = self.plan(data, plans, key, want);
                plans.reading = false;
                self.known.insert(key, found);
                found
            }
        };
        self.recent[recent] = Some((key, known));
        known
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
        depth: u32,
    ) -> Option<()> {
        if depth > DEPTH || !binxml::all_fit(instance.entries(data)) {
            return None;
        }
        for (slot, item) in instance.items(data).enumerate().filter(|(_, item)| item.kind == BINXML) {
            let holds_fields = |own: &u16| usize::from(*own) == slot;
            self.nested.get(plan.nested.range())?.iter().any(holds_fields).then_some(())?;
            let start = item.span.start as usize;
            if item.span.len > 0 {
                let fragment = (Place::Data, start, start + item.span.len as usize);
                self.look(data, plans, fragment, want, shown, depth)?;
            }
        }
        Some(())
    }

    /// What to look at in the uses of this definition: as in an earlier chunk of the block, if its template was met.
    fn plan(
        &mut self,
        data: &[u8],
        plans: &mut Plans,
        (definition, place, want_id): Key,
        want: &Want<'_>,
    ) -> Option<Plan> {
        let known = plans.known(data, definition, place);
        if let Some(kept) = known.and_then(|template| self.kept.get(&(template, place, want_id))) {
            return *kept;
        }
        let (looks, nested) = (self.looks.len(), self.nested.len());
        let found = self.find(data, plans, definition, place, want);
        if found.is_none() {
            self.looks.truncate(looks);
            self.nested.truncate(nested);
        }
        if let Some(template) = plans.known(data, definition, place) {
            self.kept.insert((template, place, want_id), found);
        }
        found
    }

    /// Which slots of a template hold the fields that the signs name.
    fn find(&mut self, data: &[u8], plans: &mut Plans, definition: u32, place: Place, want: &Want<'_>) -> Option<Plan> {
        let plan = plans.definition(data, definition, place);
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
                    self.looks.push(Look { slot: usize::from(*slot), want, sign, fit: Fit::of(of), settles: false });
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
        let nested = Run::new(nested, self.nested.len());
        let looks = self.looks.get_mut(start..).filter(|looks| looks.len().max(nested.range().len()) <= LOOKS)?;
        order(looks, want);
        self.uses.push(Uses::default());
        Some(Plan { looks: Run::new(start, self.looks.len()), nested, uses: self.uses.len() - 1 })
    }

    /// Adds what the values show. `None`: one is an array. `alone`: nothing else shows anything, so that what was seen
    /// may be enough before all is.
    fn read(
        &mut self,
        entries: &[[u8; 4]],
        values: &[u8],
        plan: Plan,
        want: &Want<'_>,
        shown: &mut Shown,
        alone: bool,
    ) -> Option<Told> {
        let uses = self.uses.get_mut(plan.uses)?;
        if alone && uses.are_known_shut(entries, values) {
            return Some(Told::Shut);
        }
        let looks = self.looks.get(plan.looks.range())?;
        let (mut settled, mut asked) = ([0u32; WANTS], [u32::MAX; WANTS]);
        // The value of the slot that is looked at, and whether its text was read.
        let mut held = None;
        let mut is_read = false;
        for (at, look) in looks.iter().enumerate() {
            if asked[look.want] >> look.sign & 1 == 0 {
                continue;
            }
            let (kind, value) = match held {
                Some((slot, kind, value)) if slot == look.slot => (kind, value),
                _ => {
                    // A slot that is not there reads as empty.
                    let ([_, _, kind, _], value) = uses::value(entries, values, look.slot)?;
                    if value::is_array(kind) {
                        return None;
                    }
                    is_read = false;
                    held = Some((look.slot, kind, value));
                    (kind, value)
                }
            };
            let gate = want.gate(look.want)?;
            if look.fit.may_be(kind, value) {
                let (shown, sign) = (&mut shown[look.want], gate.signs.get(look.sign)?);
                if kind == BINARY {
                    shown.look_at_bytes(look.sign, sign, value);
                } else {
                    if !is_read {
                        self.text.read(kind, value);
                        is_read = true;
                    }
                    let (text, ascii) = self.text.letters();
                    if look.fit.has(text.len()) || !ascii {
                        shown.look(look.sign, sign, text, ascii);
                    }
                }
            }
            if alone && look.settles {
                settled[look.want] |= 1 << look.sign;
                asked[look.want] = gate.asks(shown[look.want], settled[look.want]).unwrap_or(0);
                if gates(want).all(|(at, _)| asked[at] == 0) {
                    uses.keep_shut(looks.iter().take(at + 1).map(|look| look.slot), entries, values);
                    return Some(Told::Shut);
                }
            }
        }
        Some(Told::Shown)
    }
}

/// First the values that decide most; of one value all looks one after the other.
fn order(looks: &mut [Look], want: &Want<'_>) {
    let asks = |look: &Look| want.gate(look.want).map_or(0, |gate| gate.asks_for(look.sign));
    let mut most: FxHashMap<usize, usize> = FxHashMap::default();
    for look in looks.iter() {
        let most = most.entry(look.slot).or_default();
        *most = asks(look).max(*most);
    }
    let most = |slot: usize| most.get(&slot).copied().unwrap_or_default();
    looks.sort_unstable_by_key(|look| (usize::MAX - most(look.slot), look.slot, look.want, look.sign));
    let mut settled = [0u32; WANTS];
    for look in looks.iter_mut().rev() {
        look.settles = settled[look.want] >> look.sign & 1 == 0;
        settled[look.want] |= 1 << look.sign;
    }
}

/// Is nothing left out but for this slot itself? What is left out then reads as empty.
fn is_own(plans: &Plans, guard: GuardId, slot: u16) -> bool {
    guard == NONE || plans.guards.get(guard as usize) == Some(&(slot, NONE))
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
