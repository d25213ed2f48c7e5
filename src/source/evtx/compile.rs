//! Makes plans out of tokens: the rules by which elements and attributes become values of
//! `System` and fields.

use super::binxml::{self, Fault, Item, NO_GUARD, Span, Token, Tokens, is};
use super::known;
use super::plan::{GuardId, Label, NONE, Op, Part, Place, Plans, Run, TOO_MANY, What, length};
use super::value::push_utf16;

/// Tokens of one fragment.
pub(super) const TOKENS: u32 = 1 << 15;
/// Bytes of a name or a text that cost as much as a token.
const BYTES_PER_TOKEN: u32 = 4;
/// Elements within elements.
pub(super) const DEPTH: usize = 128;

/// An element whose end has not come.
#[derive(Clone, Copy)]
pub(super) struct Open {
    role: Role,
    /// Where its children stand.
    place: Place,
    /// Its local name in `names` (fields and sections only).
    name: Run,
    label: Option<Label>,
    guard: GuardId,
    /// Where its own text starts in `parts`.
    text: u32,
    has_children: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Holds elements only.
    Section,
    /// In `System`, by name.
    System(&'static str),
    Field,
    Ignored,
}

struct Attribute {
    name: Span,
    parts: u32,
}

/// Appends the steps for these tokens to `plans`.
pub(super) fn compile(plans: &mut Plans, data: &[u8], tokens: Tokens<'_>, place: Place) -> Result<(), Fault> {
    plans.stack.clear();
    Compiler { plans, data, place, attribute: None, in_start: false }.run(tokens)
}

struct Compiler<'a> {
    plans: &'a mut Plans,
    data: &'a [u8],
    place: Place,
    attribute: Option<Attribute>,
    /// Between an element's start and the end of its start tag.
    in_start: bool,
}

impl Compiler<'_> {
    fn run(&mut self, mut tokens: Tokens<'_>) -> Result<(), Fault> {
        for _ in 0..TOKENS {
            let at = tokens.at;
            let fault = |what| Fault { at, what };
            let token = tokens.next()?;
            // What names and texts cost goes by their length: many may stand in each other.
            let name = tokens.name.take().map_or(0, |(_, name)| name.len);
            let text = if let Token::Value(item) = token { item.span.len } else { 0 };
            let left = &mut self.plans.budget().tokens;
            *left = left.checked_sub(1 + (name + text) / BYTES_PER_TOKEN).ok_or(fault(TOO_MANY))?;
            match token {
                Token::End if self.plans.stack.is_empty() => return Ok(()),
                Token::End => return Err(fault("ends within an element")),
                Token::Open { name, guard } if !self.in_start => self.open(name, guard, at)?,
                Token::Open { .. } => return Err(fault("element within a start tag")),
                Token::Attribute(name) if self.in_start => {
                    self.end_attribute();
                    self.attribute = Some(Attribute { name, parts: length(self.plans.parts.len()) });
                }
                Token::Attribute(_) => return Err(fault("attribute outside a start tag")),
                Token::CloseStart if self.in_start => self.end_start(),
                Token::CloseStart => return Err(fault("end of a start tag that never began")),
                Token::CloseEmpty if self.in_start => {
                    self.end_start();
                    self.close();
                }
                Token::CloseEmpty => return Err(fault("end of a start tag that never began")),
                Token::CloseElement if !self.in_start && !self.plans.stack.is_empty() => self.close(),
                Token::CloseElement => return Err(fault("end of an element that never began")),
                Token::Instance(_) if self.in_start => return Err(fault("template within a start tag")),
                Token::Value(Item { kind: binxml::BINXML, .. }) if self.in_start => {
                    return Err(fault("fragment within a start tag"));
                }
                Token::Value(item) if item.kind == binxml::BINXML => {
                    let place = self.child();
                    self.emit(What::Stream { span: item.span, place });
                }
                Token::Value(item) => self.part(Part::Literal(item)),
                Token::Slot { slot, optional } => self.slot(slot, optional),
                Token::CharRef(unit) => self.part(Part::Char(char::from_u32(unit.into()).unwrap_or('\u{FFFD}'))),
                Token::EntityRef(name) => self.part(Part::Char(entity(name.of(self.data)))),
                Token::Instance(_) => {
                    let place = self.child();
                    self.emit(What::Instance { at: length(at + 1), place });
                }
                Token::Other => {}
            }
        }
        Err(Fault { at: tokens.at, what: "more elements than a record can hold" })
    }

    fn guard(&self) -> GuardId {
        self.plans.stack.last().map_or(NONE, |open| open.guard)
    }

    fn emit(&mut self, what: What) {
        let guard = self.guard();
        self.plans.ops.push(Op { what, guard });
    }

    fn place(&self) -> Place {
        self.plans.stack.last().map_or(self.place, |open| open.place)
    }

    /// Something else than text begins in the element that is open: what was its text so far
    /// is none, but values in it may have been fragments. Returns the place of what begins.
    fn child(&mut self) -> Place {
        let place = self.place();
        let Some(open) = self.plans.stack.last_mut() else {
            return place;
        };
        let first = !std::mem::replace(&mut open.has_children, true);
        let (role, text) = (open.role, open.text as usize);
        if role == Role::Field && first {
            for at in text..self.plans.parts.len() {
                if let Some(Part::Slot { slot, .. }) = self.plans.parts.get(at).copied() {
                    self.emit(What::Fragment { slot, place });
                }
            }
            self.plans.parts.truncate(text);
        }
        place
    }

    fn open(&mut self, name: Span, guard: u16, at: usize) -> Result<(), Fault> {
        if self.plans.stack.len() >= DEPTH {
            return Err(Fault { at, what: "elements nested too deeply" });
        }
        self.plans.elements += 1;
        let around = self.guard();
        let parent = self.child();
        // The root of a definition is never left out.
        let guard = if guard == NO_GUARD || self.plans.stack.is_empty() {
            around
        } else {
            let index = length(self.plans.guards.len());
            self.plans.guards.push((guard, around));
            index
        };
        let (role, place) = match parent {
            Place::Record => (Role::Section, Place::Event),
            Place::Event => match section(name.of(self.data)) {
                Section::System => (Role::Section, Place::System),
                Section::Data => (Role::Section, Place::Data),
                Section::Rendering => {
                    self.plans.ops.push(Op { what: What::Forwarded, guard });
                    (Role::Ignored, Place::Aside)
                }
                Section::Other => (Role::Ignored, Place::Aside),
            },
            Place::System => match known::system_element(|known| is(name.of(self.data), known)) {
                Some(name) => (Role::System(name), Place::Aside),
                None => (Role::Ignored, Place::Aside),
            },
            Place::Data => (Role::Field, Place::Data),
            Place::Aside => (Role::Ignored, Place::Aside),
        };
        let name = if place == Place::Data { self.name(name) } else { Run::default() };
        let text = length(self.plans.parts.len());
        self.plans.stack.push(Open { role, place, name, label: None, guard, text, has_children: false });
        self.in_start = true;
        Ok(())
    }

    /// A name without its prefix, put among `names` once.
    fn name(&mut self, name: Span) -> Run {
        let data = self.data;
        self.once((Run::default(), name), |names| push_utf16(names, local(name.of(data))))
    }

    fn part(&mut self, part: Part) {
        let wanted = self.plans.stack.last().is_some_and(|open| match open.role {
            Role::Ignored => false,
            Role::Section => self.in_start && open.place == Place::Data,
            Role::System(_) => true,
            Role::Field => self.in_start || !open.has_children,
        });
        if wanted {
            self.plans.parts.push(part);
        }
    }

    fn slot(&mut self, slot: u16, optional: bool) {
        let fragment = match self.plans.stack.last() {
            _ if self.in_start => None,
            Some(open) if open.role == Role::Section => Some(open.place),
            Some(open) if open.role == Role::Field && open.has_children => Some(open.place),
            None => Some(self.place),
            _ => None,
        };
        match fragment {
            Some(place) => self.emit(What::Fragment { slot, place }),
            None => self.part(Part::Slot { slot, optional }),
        }
    }

    fn end_start(&mut self) {
        self.end_attribute();
        self.in_start = false;
        let text = length(self.plans.parts.len());
        if let Some(open) = self.plans.stack.last_mut() {
            open.text = text;
        }
    }

    fn end_attribute(&mut self) {
        let Some(attribute) = self.attribute.take() else { return };
        let Some(open) = self.plans.stack.last().copied() else { return };
        let parts = Run { start: attribute.parts, end: length(self.plans.parts.len()) };
        let name = attribute.name.of(self.data);
        match open.role {
            Role::System(element) => {
                if let Some(known) = known::known_attribute(element, |known| is(name, known)) {
                    self.emit(What::Known { known, parts });
                }
            }
            Role::Field | Role::Section if open.place == Place::Data && !is_namespace(name) => {
                if is(name, "Name") && self.plans.names.get(open.name.range()).is_some_and(names_itself) {
                    let label = self.label(parts);
                    if let Some(open) = self.plans.stack.last_mut() {
                        open.label = Some(label);
                    }
                } else {
                    let label = self.attribute_label(open.name, attribute.name);
                    self.emit(What::Field { label, parts, leaf: false });
                }
            }
            _ => {}
        }
    }

    /// `Element_attribute`.
    fn attribute_label(&mut self, element: Run, attribute: Span) -> Label {
        let data = self.data;
        Label::Fixed(self.once((element, attribute), |names| {
            names.extend_from_within(element.range());
            names.push('_');
            push_utf16(names, local(attribute.of(data)));
        }))
    }

    fn once(&mut self, key: (Run, Span), push: impl FnOnce(&mut String)) -> Run {
        let Plans { known, names, .. } = &mut *self.plans;
        if let Some(known) = known.get(&key) {
            return *known;
        }
        let made = Run::pushed(names, push);
        known.insert(key, made);
        made
    }

    /// The text of `Name`: fixed in nearly all definitions.
    fn label(&mut self, parts: Run) -> Label {
        let Plans { parts: all, names, .. } = &mut *self.plans;
        match all.get(parts.range()) {
            Some([Part::Literal(item)]) if item.kind == binxml::STRING => {
                Label::Fixed(Run::pushed(names, |names| push_utf16(names, item.span.of(self.data))))
            }
            _ => Label::Parts(parts),
        }
    }

    fn close(&mut self) {
        let Some(open) = self.plans.stack.last().copied() else { return };
        let parts = Run { start: open.text, end: length(self.plans.parts.len()) };
        match open.role {
            Role::System(element) => {
                if let Some(known) = known::known_element(element) {
                    self.emit(What::Known { known, parts });
                }
            }
            Role::Field if !open.has_children => {
                let unnamed = if self.is_data(open.name) { Run::default() } else { open.name };
                let label = open.label.unwrap_or(Label::Fixed(unnamed));
                self.emit(What::Field { label, parts, leaf: true });
            }
            _ => {}
        }
        self.plans.stack.pop();
    }

    fn is_data(&self, element: Run) -> bool {
        self.plans.names.get(element.range()) == Some("Data")
    }
}

/// The children of `Event`.
pub(super) enum Section {
    System,
    Data,
    Rendering,
    Other,
}

/// The name behind its namespace prefix.
pub(super) fn local(name: &[u8]) -> &[u8] {
    if memchr::memchr(b':', name).is_none() {
        return name;
    }
    let (units, _) = name.as_chunks::<2>();
    let colon = units.iter().position(|unit| *unit == [b':', 0]);
    colon.and_then(|at| name.get(at * 2 + 2..)).unwrap_or(name)
}

pub(super) fn is_namespace(name: &[u8]) -> bool {
    name.get(..10).is_some_and(|start| is(start, "xmlns")) && matches!(name.get(10..12), None | Some([b':', 0]))
}

pub(super) fn section(name: &[u8]) -> Section {
    let known = ["System", "EventData", "UserData", "RenderingInfo"].into_iter().find(|known| is(name, known));
    section_called(known.unwrap_or_default())
}

/// What a child of `Event` is.
pub(super) fn section_called(name: &str) -> Section {
    match name {
        "System" => Section::System,
        "EventData" | "UserData" => Section::Data,
        "RenderingInfo" => Section::Rendering,
        _ => Section::Other,
    }
}

/// Do fields of this element carry their name in `Name`?
pub(super) fn names_itself(element: &str) -> bool {
    matches!(element, "Data" | "ComplexData")
}

/// The five entities of XML.
pub(super) const ENTITIES: [(&str, char); 5] = [("lt", '<'), ("gt", '>'), ("amp", '&'), ("quot", '"'), ("apos", '\'')];

fn entity(name: &[u8]) -> char {
    let found = ENTITIES.into_iter().find(|(text, _)| is(name, text));
    found.map_or(char::REPLACEMENT_CHARACTER, |(_, c)| c)
}
