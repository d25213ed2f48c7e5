//! Where a fragment's values go, worked out once per definition and chunk, so that reading a
//! record is a walk over a short list and not over tokens.
//!
//! A plan knows the field that each piece of text belongs to; the pieces themselves stay
//! where they are, in the chunk or in the values of each use.

use rustc_hash::FxHashMap;

use super::binxml::{self, Fault, Item, NO_GUARD, Span, Tokens};
use super::compile::{self, Open};
use super::known::Known;

/// No guard: in [`Op::guard`] and [`Plans::guards`].
pub(super) const NONE: u16 = NO_GUARD;

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
    Literal(Item),
    Slot { slot: u16, optional: bool },
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

    pub fn range(self) -> std::ops::Range<usize> {
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
    /// Index in [`Plans::guards`], or [`NONE`].
    pub guard: u16,
}

/// The plans of one chunk.
#[derive(Default)]
pub(super) struct Plans {
    /// What may still be spent on telling which records there are, and on the fields of those that are wanted.
    budgets: [Budget; 2],
    /// Fields are read now.
    pub reading: bool,
    index: FxHashMap<(u32, Place), Definition>,
    pub ops: Vec<Op>,
    pub parts: Vec<Part>,
    /// A substitution that must not be null, and the guard around this one.
    pub guards: Vec<(u16, u16)>,
    pub names: String,
    /// Where in `names` a name stands that was met before; behind that of an element, the label of its attribute.
    pub known: FxHashMap<(Run, Span), Run>,
    /// Whether a want wants the field of a name, by where that stands in `names`.
    choices: FxHashMap<(u16, Run), bool>,
    wants: Vec<WantId>,
    /// Steps that a want needs, by plan and want; and where they stand in `picks`.
    picked: FxHashMap<(Run, u16), Run>,
    pub picks: Vec<u32>,
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

/// A definition that was worked out.
struct Definition {
    plan: Run,
    /// What that cost, and whether telling has paid for it.
    tokens: u32,
    told: bool,
}

/// A want, by the places of what it is made of: good for as long as one block is read.
pub(super) type WantId = [usize; 3];

/// Tokens for all definitions and streams of one chunk together: no sound chunk comes near.
const TOKENS_PER_CHUNK: u32 = 1 << 20;
pub(super) const TOO_MANY: &str = "more elements than a chunk can hold";

pub(super) fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Plans {
    /// Forgets everything: another chunk begins.
    pub fn clear(&mut self) {
        self.index.clear();
        self.ops.clear();
        self.parts.clear();
        self.guards.clear();
        self.names.clear();
        self.known.clear();
        self.choices.clear();
        self.wants.clear();
        self.picked.clear();
        self.picks.clear();
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

    /// A number for a want.
    pub fn want(&mut self, want: WantId) -> u16 {
        let at = self.wants.iter().rposition(|known| *known == want).unwrap_or_else(|| {
            self.wants.push(want);
            self.wants.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// The steps of a definition's plan that a want needs, worked out at its first use.
    pub fn picked(&mut self, plan: Run, want: u16, needs: impl Fn(&Self, &What) -> bool) -> Run {
        if let Some(picked) = self.picked.get(&(plan, want)) {
            return *picked;
        }
        let start = self.picks.len();
        for at in plan.start..plan.end {
            if self.ops.get(at as usize).is_some_and(|op| needs(self, &op.what)) {
                self.picks.push(at);
            }
        }
        let picked = Run::new(start, self.picks.len());
        self.picked.insert((plan, want), picked);
        picked
    }

    /// Does that want choose the field of that name? Asks `wants` once.
    #[inline]
    pub fn chooses(&mut self, want: u16, name: Run, wants: impl FnOnce(&str) -> bool) -> bool {
        let known = self.choices.get(&(want, name)).filter(|_| want != u16::MAX);
        if let Some(chosen) = known {
            return *chosen;
        }
        let chosen = wants(self.names.get(name.range()).unwrap_or_default());
        self.choices.insert((want, name), chosen);
        chosen
    }

    /// The plan of the definition at `offset`.
    pub fn definition(&mut self, data: &[u8], offset: u32, place: Place) -> Result<Run, Fault> {
        if let Some(definition) = self.index.get_mut(&(offset, place)) {
            if !self.reading && !definition.told {
                // As if nothing had been read by it before.
                let budget = &mut self.budgets[0];
                let left = budget.tokens.checked_sub(definition.tokens);
                budget.tokens = left.unwrap_or(0);
                definition.told = left.is_some();
                left.ok_or(Fault { at: offset as usize, what: TOO_MANY })?;
            }
            return Ok(definition.plan);
        }
        let (start, end) = binxml::definition(data, offset)?;
        let before = self.budget().tokens;
        let plan = self.compile(data, Tokens::new(data, start, end, true), place)?;
        if self.elements == 0 {
            return Err(Fault { at: start, what: "template without an element" });
        }
        let tokens = before - self.budget().tokens;
        self.index.insert((offset, place), Definition { plan, tokens, told: !self.reading });
        Ok(plan)
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
