//! The plan of a definition apart from its chunk, so that others that hold the same definition need not work it out.

use super::binxml::STRING;
use super::plan::{GuardId, Label, NONE, Op, Part, Plans, Run, What, length};
use super::value::push_utf16;

/// A plan whose places count from its own start.
pub(super) struct Kept {
    ops: Vec<Op>,
    parts: Vec<Part>,
    guards: Vec<(u16, GuardId)>,
    names: String,
    /// What working it out cost.
    pub tokens: u32,
}

/// How long each list of [`Plans`] is.
#[derive(Clone, Copy, Default)]
pub(super) struct Ends {
    pub ops: u32,
    parts: u32,
    guards: u32,
    names: u32,
}

/// Bytes of the names of a plan that is kept. Real ones have some hundred.
const NAMES: usize = 1 << 15;

impl Ends {
    pub fn of(plans: &Plans) -> Self {
        Ends {
            ops: length(plans.ops.len()),
            parts: length(plans.parts.len()),
            guards: length(plans.guards.len()),
            names: length(plans.names.len()),
        }
    }

    /// Gives up what lies behind.
    pub fn cut(self, plans: &mut Plans) {
        plans.ops.truncate(self.ops as usize);
        plans.parts.truncate(self.parts as usize);
        plans.guards.truncate(self.guards as usize);
        plans.names.truncate(self.names as usize);
    }
}

impl Kept {
    /// Takes what was appended since.
    pub fn of(data: &[u8], plans: &Plans, from: Ends, tokens: u32) -> Option<Self> {
        let mut names = String::new();
        let mut ops = Vec::new();
        for op in plans.ops.get(from.ops as usize..)? {
            let what = match op.what {
                What::Known { known, parts } => What::Known { known, parts: back(parts, from.parts)? },
                What::Field { label, parts, leaf } => {
                    let label = match label {
                        Label::Fixed(name) => {
                            // A definition before may have had the name first.
                            let name = plans.names.get(name.range())?;
                            Label::Fixed(Run::pushed(&mut names, |names| names.push_str(name)))
                        }
                        Label::Parts(run) => Label::Parts(back(run, from.parts)?),
                    };
                    What::Field { label, parts: back(parts, from.parts)?, leaf }
                }
                What::Fragment { .. } | What::Forwarded => op.what,
                // These lead out of the definition.
                What::Stream { .. } | What::Instance { .. } => return None,
            };
            ops.push(Op { what, guard: moved(op.guard, |guard| guard.checked_sub(from.guards))? });
            (names.len() <= NAMES).then_some(())?;
        }
        let mut parts = plans.parts.get(from.parts as usize..)?.to_vec();
        for part in &mut parts {
            *part = match *part {
                Part::Literal(item) if item.kind == STRING => {
                    Part::Text(Run::pushed(&mut names, |names| push_utf16(names, item.span.of(data))))
                }
                // Hardly ever: definitions spell out text alone.
                Part::Literal(_) => return None,
                other => other,
            };
            (names.len() <= NAMES).then_some(())?;
        }
        let mut guards = plans.guards.get(from.guards as usize..)?.to_vec();
        for (_, around) in &mut guards {
            *around = moved(*around, |guard| guard.checked_sub(from.guards))?;
        }
        Some(Kept { ops, parts, guards, names, tokens })
    }

    /// Appends it.
    pub fn put(&self, plans: &mut Plans) -> Run {
        let to = Ends::of(plans);
        let on = |run: Run, by: u32| Run { start: run.start + by, end: run.end + by };
        let guard = |guard: GuardId| moved(guard, |guard| guard.checked_add(to.guards)).unwrap_or(NONE);
        plans.ops.extend(self.ops.iter().map(|op| {
            let what = match op.what {
                What::Known { known, parts } => What::Known { known, parts: on(parts, to.parts) },
                What::Field { label, parts, leaf } => {
                    let label = match label {
                        Label::Fixed(name) => Label::Fixed(on(name, to.names)),
                        Label::Parts(run) => Label::Parts(on(run, to.parts)),
                    };
                    What::Field { label, parts: on(parts, to.parts), leaf }
                }
                other => other,
            };
            Op { what, guard: guard(op.guard) }
        }));
        plans.parts.extend(self.parts.iter().map(|part| match *part {
            Part::Text(text) => Part::Text(on(text, to.names)),
            other => other,
        }));
        plans.guards.extend(self.guards.iter().map(|(slot, around)| (*slot, guard(*around))));
        plans.names.push_str(&self.names);
        Run { start: to.ops, end: length(plans.ops.len()) }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.ops.len() * size_of::<Op>()
            + self.parts.len() * size_of::<Part>()
            + self.guards.len() * size_of::<(u16, GuardId)>()
            + self.names.len()
    }
}

fn back(run: Run, by: u32) -> Option<Run> {
    Some(Run { start: run.start.checked_sub(by)?, end: run.end.checked_sub(by)? })
}

fn moved(guard: GuardId, by: impl FnOnce(GuardId) -> Option<GuardId>) -> Option<GuardId> {
    if guard == NONE { Some(NONE) } else { by(guard) }
}
