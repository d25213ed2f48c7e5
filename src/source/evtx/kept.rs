//! The plan of a definition apart from its chunk, so that others that hold the same definition need not work it out.

use super::plan::{Label, NONE, Op, Part, Plans, Run, What, length};

/// A plan whose places count from its own start, and those of literals from that of the definition's body.
pub(super) struct Kept {
    ops: Vec<Op>,
    parts: Vec<Part>,
    guards: Vec<(u16, u16)>,
    names: String,
    /// What working it out cost.
    pub tokens: u32,
}

/// Where something starts in each list of [`Plans`], and in the chunk.
#[derive(Clone, Copy)]
pub(super) struct Starts {
    ops: u32,
    parts: u32,
    guards: usize,
    names: u32,
    body: u32,
}

/// Guards of a chunk beyond which no index of one might be left.
const GUARDS: usize = 1 << 14;

impl Starts {
    /// Of what is appended now.
    pub fn of(plans: &Plans, body: usize) -> Self {
        Starts {
            ops: length(plans.ops.len()),
            parts: length(plans.parts.len()),
            guards: plans.guards.len(),
            names: length(plans.names.len()),
            body: length(body),
        }
    }
}

impl Kept {
    /// Takes what was appended since.
    pub fn of(plans: &Plans, from: Starts, tokens: u32) -> Option<Self> {
        let mut names = String::new();
        let mut ops = Vec::new();
        for op in plans.ops.get(from.ops as usize..)? {
            let what = match op.what {
                What::Known { known, parts } => What::Known { known, parts: back(parts, from.parts)? },
                What::Field { label, parts, leaf } => {
                    let label = match label {
                        Label::Fixed(name) => {
                            // A definition before may have had the name first.
                            let start = length(names.len());
                            names.push_str(plans.names.get(name.range())?);
                            Label::Fixed(Run { start, end: length(names.len()) })
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
        }
        let mut parts = plans.parts.get(from.parts as usize..)?.to_vec();
        for part in &mut parts {
            if let Part::Literal(item) = part {
                item.span.start = item.span.start.checked_sub(from.body)?;
            }
        }
        let mut guards = plans.guards.get(from.guards..)?.to_vec();
        for (_, around) in &mut guards {
            *around = moved(*around, |guard| guard.checked_sub(from.guards))?;
        }
        (plans.guards.len() < GUARDS).then_some(Kept { ops, parts, guards, names, tokens })
    }

    /// Appends it for a definition whose body starts there.
    pub fn adopt(&self, plans: &mut Plans, body: usize) -> Option<Run> {
        if plans.guards.len() + self.guards.len() > GUARDS {
            return None;
        }
        let to = Starts::of(plans, body);
        let on = |run: Run, by: u32| Run { start: run.start + by, end: run.end + by };
        let guard = |guard: u16| moved(guard, |guard| guard.checked_add(to.guards)).unwrap_or(NONE);
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
            Part::Literal(mut item) => {
                item.span.start += to.body;
                Part::Literal(item)
            }
            other => other,
        }));
        plans.guards.extend(self.guards.iter().map(|(slot, around)| (*slot, guard(*around))));
        plans.names.push_str(&self.names);
        Some(Run { start: to.ops, end: length(plans.ops.len()) })
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.ops.len() * size_of::<Op>()
            + self.parts.len() * size_of::<Part>()
            + self.guards.len() * 4
            + self.names.len()
    }
}

fn back(run: Run, by: u32) -> Option<Run> {
    Some(Run { start: run.start.checked_sub(by)?, end: run.end.checked_sub(by)? })
}

fn moved(guard: u16, by: impl FnOnce(usize) -> Option<usize>) -> Option<u16> {
    if guard == NONE { Some(NONE) } else { u16::try_from(by(usize::from(guard))?).ok() }
}
