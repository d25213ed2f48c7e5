//! Looks at the one value or two by which most records that are wanted by their number turn out to be of no interest,
//! where they stand, before anything is read. Whatever is not as simple as in nearly all records is let through.

use rustc_hash::FxHashMap;

use super::binxml::{self, BINXML, Instance};
use super::fields::Want;
use super::plan::{Label, Part, Place, Plans, Run, What};
use super::value;

/// A slot that is looked at, and the sign that it may show: which of the wants', and which of its signs.
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

    /// Can no signature match a record with this fragment in `Event`, for what the fragment holds? To be asked of
    /// wants of which each has a gate.
    pub fn bar(&mut self, data: &[u8], plans: &mut Plans, place: Place, span: (usize, usize), want: &Want<'_>) -> bool {
        let (start, end) = span;
        let Ok(Some(instance)) = binxml::leading_instance(data, start, end) else { return false };
        if !binxml::is_over(data, instance.end as usize, end) {
            return false;
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
        known.is_some_and(|looks| self.shows_none(data, &instance, looks, want))
    }

    /// Which slots of a template hold the fields that the signs name.
    fn find(&mut self, data: &[u8], plans: &mut Plans, definition: u32, place: Place, want: &Want<'_>) -> Option<Run> {
        plans.reading = true;
        let plan = plans.definition(data, definition, place);
        plans.reading = false;
        let start = self.looks.len();
        for op in plans.ops.get(plan.ok()?.range())? {
            let (name, parts) = match op.what {
                What::Field { label: Label::Fixed(name), parts, .. } => (name, parts),
                // Without a fragment in their slots they have nothing to do.
                What::Known { .. } | What::Forwarded | What::Fragment { .. } => continue,
                _ => return None,
            };
            let name = plans.names.get(name.range())?;
            for (number, _) in want.signs().filter(|(_, sign)| sign.field == name) {
                let [Part::Slot { slot, .. }] = plans.parts.get(parts.range())? else { return None };
                self.looks.push(Look { slot: usize::from(*slot), want: number.0, sign: number.1 });
            }
        }
        self.looks.get_mut(start..)?.sort_unstable_by_key(|look| look.slot);
        Some(Run::new(start, self.looks.len()))
    }

    /// Are all values sound, none of them a fragment, and those of the signs not among theirs?
    fn shows_none(&mut self, data: &[u8], instance: &Instance, looks: Run, want: &Want<'_>) -> bool {
        let mut looks = self.looks.get(looks.range()).unwrap_or_default().iter().peekable();
        for (slot, item) in instance.items(data).enumerate() {
            if item.kind == BINXML || !binxml::fits(item) {
                return false;
            }
            while let Some(look) = looks.next_if(|look| look.slot == slot) {
                self.text.clear();
                value::push_text(&mut self.text, item.kind, item.span.of(data));
                let shown = || want.sign(look.want, look.sign).is_none_or(|sign| sign.may_be(&self.text));
                if value::is_array(item.kind) || shown() {
                    return false;
                }
            }
        }
        // A slot that is not there reads as empty.
        looks.next().is_none()
    }
}
