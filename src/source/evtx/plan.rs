//! Where a fragment's values go, worked out once per template, so that reading a record is a walk over a short list and
//! not over tokens.
//!
//! A plan knows the field that each piece of text belongs to: pieces are values of each use, or the template's own text.
//! Plans of templates serve all chunks that define the same one again; those that lead out of their definition, or find
//! no room in the catalogue, serve their chunk alone.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::binxml::{self, Fault, Item, Span, Tokens};
use super::catalogue::{Catalogue, TemplateId};
use super::compile::{self, Open};
use super::kept::{Ends, Kept};
use super::known::Known;
use super::learned;
use super::words::Words;

/// Index in [`Plans::guards`], or [`NONE`].
pub(super) type GuardId = u32;
/// No guard.
pub(super) const NONE: GuardId = GuardId::MAX;

/// What stands around a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The record: `Event` is expected.
    Record,
    /// In `Event`: sections are expected.
    Event,
    /// In `System`.
    System,
    /// In `EventData` or `UserData`, at any depth: fields are expected.
    Data,
    /// Where nothing is read.
    Aside,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// A value that stands in the chunk.
    Literal(Item),
    /// A string of a template that serves all chunks, in [`Plans::names`].
    Text(Run),
    Slot {
        slot: u16,
        optional: bool,
    },
    Char(char),
}

/// Items `start..end` of one of the lists of [`Plans`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub start: u32,
    pub end: u32,
}

impl Run {
    pub fn new(start: usize, end: usize) -> Self {
        Run { start: length(start), end: length(end) }
    }

    /// Where in `names` stands what is pushed there.
    pub fn pushed(names: &mut String, push: impl FnOnce(&mut String)) -> Self {
        let start = names.len();
        push(names);
        Run::new(start, names.len())
    }

    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// What a field is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Label {
    /// Text in [`Plans::names`].
    Fixed(Run),
    /// Made of parts, where the values of a use name the field.
    Parts(Run),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// Sets a value of `System`.
    Known { known: Known, parts: Run },
    /// Adds a field. `leaf`: repeated by arrays, and there even where no part is.
    Field { label: Label, parts: Run, leaf: bool },
    /// A value that may be a fragment of its own.
    Fragment { slot: u16, place: Place },
    /// A literal fragment.
    Stream { span: Span, place: Place },
    /// Use of a template, at this offset behind its token.
    Instance { at: u32, place: Place },
    /// The record carries `RenderingInfo`.
    Forwarded,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub what: What,
    pub guard: GuardId,
}

/// The plans of templates met before, and behind them those of one chunk.
#[derive(Default)]
pub(super) struct Plans {
    /// What is kept from chunk to chunk.
    pub catalogue: Catalogue,
    /// Up to there plans serve all chunks.
    kept: Ends,
    /// Plans of this chunk that shall serve the next ones.
    pending: Vec<(TemplateId, Place, Kept)>,
    /// What may still be spent on telling which records there are, and on the fields of those that are wanted.
    budgets: [Budget; 2],
    /// Fields are read now.
    pub reading: bool,
    index: FxHashMap<(u32, Place), Definition>,
    pub ops: Vec<Op>,
    pub parts: Vec<Part>,
    /// A substitution that must not be null, and the guard around this one.
    pub guards: Vec<(u16, GuardId)>,
    pub names: String,
    /// Where in `names` a name stands that was met before; behind that of an element, the label of its attribute.
    pub known: FxHashMap<(Run, Span), Run>,
    /// Whether a want wants the field of a name, by where that stands in `names`.
    choices: FxHashMap<(WantId, Run), bool>,
    /// Numbers of wants, good for one interest.
    wants: FxHashMap<[usize; 3], WantId>,
    /// Where in `picks` the steps stand that a want needs, by plan and want: of plans that serve all chunks, and of
    /// this chunk's.
    picked: [FxHashMap<(Run, WantId), Run>; 2],
    pub picks: Vec<Op>,
    /// A text in the making.
    pub spare: String,
    /// Elements that are open, while a plan is made.
    pub stack: Vec<Open>,
    /// Elements of the fragment worked out last.
    pub elements: u32,
}

/// What a chunk may cost.
#[derive(Default)]
pub(super) struct Budget {
    /// Tokens that may still be read.
    pub tokens: u32,
    /// Steps, and bytes of text, that records took so far.
    pub steps: u32,
    pub text: usize,
}

/// A definition that was worked out, here or in an earlier chunk.
#[derive(Clone, Copy)]
struct Definition {
    plan: Run,
    template: TemplateId,
    /// What that cost, and whether telling has paid for it.
    tokens: u32,
    told: bool,
}

impl Definition {
    /// Records are told by it, which costs the same whether it was read by before or not. `None`: too much.
    fn tell(&mut self, budget: &mut Budget) -> Option<()> {
        if !self.told {
            let left = budget.tokens.checked_sub(self.tokens);
            budget.tokens = left.unwrap_or(0);
            self.told = left.is_some();
        }
        self.told.then_some(())
    }
}

/// Number of a want.
pub(super) type WantId = u16;

/// Steps that wants need which are kept from chunk to chunk.
const PICKS: usize = 1 << 13;
/// Tokens for all definitions and streams of one chunk together: no sound chunk comes near.
const TOKENS_PER_CHUNK: u32 = 1 << 20;
pub(super) const TOO_MANY: &str = "more elements than a chunk can hold";

pub(super) fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Plans {
    /// Another chunk begins.
    pub fn clear(&mut self) {
        self.index.clear();
        self.kept.cut(self);
        for (template, place, kept) in std::mem::take(&mut self.pending) {
            // Two definitions of one chunk may be the same.
            if self.catalogue.plan(template, place).is_none() {
                let plan = kept.put(self);
                self.catalogue.keep(template, (place, plan, kept.tokens));
            }
        }
        self.kept = Ends::of(self);
        self.known.clear();
        self.choices.clear();
        self.picked[1].clear();
        if self.picks.len() > PICKS {
            self.forget_picks();
        }
        self.budgets = [0; 2].map(|_| Budget { tokens: TOKENS_PER_CHUNK, ..Budget::default() });
        self.reading = false;
    }

    /// What is left of the budget that pays for what is done now. There are two, so that what is wanted never
    /// decides which records are told.
    #[inline]
    pub fn budget(&mut self) -> &mut Budget {
        let [telling, reading] = &mut self.budgets;
        if self.reading { reading } else { telling }
    }

    /// Wants are others from now on.
    pub fn begin(&mut self) {
        self.wants.clear();
        self.forget_picks();
    }

    fn forget_picks(&mut self) {
        self.picked.iter_mut().for_each(FxHashMap::clear);
        self.picks.clear();
    }

    /// Forgets all templates.
    pub fn forget(&mut self) {
        self.catalogue = Catalogue::default();
        self.pending.clear();
        self.kept = Ends::default();
        self.forget_picks();
    }

    /// An even number for the want that is made of these. `None`: there are too many.
    pub fn want(&mut self, want: [usize; 3]) -> Option<WantId> {
        if let Some(known) = self.wants.get(&want) {
            return Some(*known);
        }
        let number = WantId::try_from(self.wants.len() * 2).ok()?;
        self.wants.insert(want, number);
        Some(number)
    }

    /// The steps of a definition's plan that a want needs, worked out at its first use.
    pub fn picked(&mut self, plan: Run, want: WantId, needs: impl Fn(&Self, &What) -> bool) -> Run {
        let of = usize::from(plan.end > self.kept.ops);
        if let Some(picked) = self.picked[of].get(&(plan, want)) {
            return *picked;
        }
        let start = self.picks.len();
        for at in plan.range() {
            if let Some(op) = self.ops.get(at).copied().filter(|op| needs(self, &op.what)) {
                self.picks.push(op);
            }
        }
        let picked = Run::new(start, self.picks.len());
        self.picked[of].insert((plan, want), picked);
        picked
    }

    /// Does that want choose the field of that name? Asks `wants` once.
    #[inline]
    pub fn chooses(&mut self, want: Option<WantId>, name: Run, wants: impl FnOnce(&str) -> bool) -> bool {
        let key = want.map(|want| (want, name));
        if let Some(chosen) = key.and_then(|key| self.choices.get(&key)) {
            return *chosen;
        }
        let chosen = wants(self.names.get(name.range()).unwrap_or_default());
        if let Some(key) = key {
            self.choices.insert(key, chosen);
        }
        chosen
    }

    /// The plan of the definition at `offset`.
    pub fn definition(&mut self, data: &[u8], offset: u32, place: Place) -> Result<Run, Fault> {
        let key = (offset, place);
        if let Some(known) = self.index.get_mut(&key) {
            if !self.reading {
                known.tell(&mut self.budgets[0]).ok_or(Fault { at: offset as usize, what: TOO_MANY })?;
            }
            return Ok(known.plan);
        }
        let template = self.catalogue.find(data, offset);
        if let Some(plan) = template.and_then(|template| self.met(key, template)) {
            return Ok(plan);
        }
        let (start, end) = binxml::definition(data, offset)?;
        let from = Ends::of(self);
        let before = self.budget().tokens;
        let plan = self.compile(data, Tokens::new(data, start, end, true), place)?;
        if self.elements == 0 {
            return Err(Fault { at: start, what: "template without an element" });
        }
        let tokens = before - self.budget().tokens;
        let template = template.unwrap_or_else(|| self.catalogue.add(data, offset));
        if let Some(kept) = Kept::of(data, self, from, tokens)
            && self.catalogue.takes(template, kept.bytes())
        {
            self.pending.push((template, place, kept));
        }
        self.index.insert(key, Definition { plan, template, tokens, told: !self.reading });
        Ok(plan)
    }

    /// The plan of a template as an earlier chunk left it, for the same price. `None`: there is none, or it cannot be
    /// paid.
    fn met(&mut self, (offset, place): (u32, Place), template: TemplateId) -> Option<Run> {
        let (plan, tokens) = self.catalogue.plan(template, place)?;
        let left = self.budget().tokens.checked_sub(tokens)?;
        self.budget().tokens = left;
        self.index.insert((offset, place), Definition { plan, template, tokens, told: !self.reading });
        Some(plan)
    }

    /// The template of records that begin with a use of that definition.
    pub fn template(&mut self, data: &[u8], offset: u32, words: &mut Words) -> Option<TemplateId> {
        if let Some(id) = self.known(data, offset, Place::Record).filter(|id| self.catalogue.is_learned(*id)) {
            return Some(id);
        }
        let plan = self.definition(data, offset, Place::Record).ok()?;
        let id = self.index.get(&(offset, Place::Record))?.template;
        if !self.catalogue.is_learned(id) {
            self.catalogue.learn(id, learned::learn(data, self, plan, words));
        }
        Some(id)
    }

    /// The template defined there, if its plan is known, be it from an earlier chunk. What working it out would cost is
    /// paid; where it cannot be, it is not known.
    pub fn known(&mut self, data: &[u8], offset: u32, place: Place) -> Option<TemplateId> {
        let key = (offset, place);
        if let Some(known) = self.index.get_mut(&key) {
            if !self.reading {
                known.tell(&mut self.budgets[0])?;
            }
            return Some(known.template);
        }
        let template = self.catalogue.find(data, offset)?;
        self.met(key, template)?;
        Some(template)
    }

    /// The plan of tokens that are used once.
    pub fn stream(&mut self, data: &[u8], start: usize, end: usize, place: Place) -> Result<Run, Fault> {
        self.compile(data, Tokens::new(data, start, end, false), place)
    }

    fn compile(&mut self, data: &[u8], tokens: Tokens<'_>, place: Place) -> Result<Run, Fault> {
        let start = self.ops.len();
        self.elements = 0;
        compile::compile(self, data, tokens, place)?;
        Ok(Run::new(start, self.ops.len()))
    }
}
