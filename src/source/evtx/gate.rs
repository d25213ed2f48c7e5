//! Looks at the few values by which most records that are wanted by their number turn out to be of no interest, where
//! they stand, before anything is read. Whatever is not as simple as in nearly all records is let through.

use rustc_hash::FxHashMap;

use super::binxml::{self, BINXML, Instance};
use super::fields::Want;
use super::plan::{Label, NONE, Part, Place, Plans, Run, What};
use super::value;
use crate::event::{Gate, Seen, Sign, positional};

/// Gates before one record.
pub(super) const WANTS: usize = 3;

/// A slot that is looked at, and the sign that it may show: of which gate, and which of its signs.
#[derive(Clone, Copy)]
struct Look {
    slot: usize,
    want: usize,
    sign: usize,
}

/// What was worked out for the templates of one chunk.
#[derive(Default)]
pub(super) struct Gates {
    /// By the definition of a fragment's template and the want: where in `looks`, `None` where nothing can be told.
    known: FxHashMap<(u32, Place, u16), Option<Run>>,
    looks: Vec<Look>,
    /// A value as text.
    text: String,
}

impl Gates {
    /// Forgets everything: another chunk begins.
    pub fn clear(&mut self) {
        self.known.clear();
        self.looks.clear();
    }

    /// Adds the signs that the values of this fragment in `Event` show. `None`: it is not as simple as that.
    pub fn look(
        &mut self,
        data: &[u8],
        plans: &mut Plans,
        (place, start, end): (Place, usize, usize),
        want: &Want<'_>,
        seen: &mut [Seen; WANTS],
    ) -> Option<()> {
        let instance = binxml::leading_instance(data, start, end).ok()??;
        if !binxml::is_over(data, instance.end as usize, end) {
            return None;
        }
        let key = (instance.definition, place, plans.want(want.id()));
        let known = match self.known.get(&key) {
            Some(known) => *known,
            None => {
                let found = self.find(data, plans, instance.definition, place, want);
                self.known.insert(key, found);
                found
            }
        };
        self.read(data, &instance, known?, want, seen)
    }

    /// Which slots of a template hold the fields that the signs name.
    fn find(&mut self, data: &[u8], plans: &mut Plans, definition: u32, place: Place, want: &Want<'_>) -> Option<Run> {
        plans.reading = true;
        let plan = plans.definition(data, definition, place);
        plans.reading = false;
        let start = self.looks.len();
        let mut found = [0u32; WANTS];
        let mut unnamed = false;
        for op in plans.ops.get(plan.ok()?.range())? {
            let (name, parts) = match op.what {
                What::Field { label: Label::Fixed(name), parts, .. } => (name, parts),
                // Without a fragment in their slots they have nothing to do.
                What::Known { .. } | What::Forwarded | What::Fragment { .. } => continue,
                _ => return None,
            };
            let name = plans.names.get(name.range())?;
            unnamed |= name.is_empty();
            for (want, sign, of) in signs(want) {
                if of.field == name {
                    let [Part::Slot { slot, .. }] = plans.parts.get(parts.range())? else { return None };
                    // Where the slot itself is the guard, a field that is left out reads as empty.
                    if op.guard != NONE && *plans.guards.get(usize::from(op.guard))? != (*slot, NONE) {
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
        self.looks.get_mut(start..)?.sort_unstable_by_key(|look| look.slot);
        Some(Run::new(start, self.looks.len()))
    }

    /// `None`: a value is not sound, or a fragment, or an array.
    fn read(
        &mut self,
        data: &[u8],
        instance: &Instance,
        looks: Run,
        want: &Want<'_>,
        seen: &mut [Seen; WANTS],
    ) -> Option<()> {
        let mut looks = self.looks.get(looks.range())?.iter().peekable();
        for (slot, item) in instance.items(data).enumerate() {
            if item.kind == BINXML || !binxml::fits(item) {
                return None;
            }
            if looks.peek().is_none_or(|look| look.slot > slot) {
                continue;
            }
            if value::is_array(item.kind) {
                return None;
            }
            self.text.clear();
            value::push_text(&mut self.text, item.kind, item.span.of(data));
            while let Some(look) = looks.next_if(|look| look.slot == slot) {
                let sign = want.gate(look.want)?.signs.get(look.sign)?;
                seen[look.want].look(look.sign, sign, &self.text);
            }
        }
        // A slot that is not there reads as empty.
        looks.next().is_none().then_some(())
    }
}

/// Every sign, behind the number of its gate and its own.
fn signs<'i>(want: &Want<'i>) -> impl Iterator<Item = (usize, usize, &'i Sign)> {
    let of_gate =
        |(want, gate): (usize, &'i Gate)| gate.signs.iter().enumerate().map(move |(at, sign)| (want, at, sign));
    let want = *want;
    (0..WANTS).filter_map(move |at| Some((at, want.gate(at)?))).flat_map(of_gate)
}
