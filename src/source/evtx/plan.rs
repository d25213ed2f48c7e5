//! Where a fragment's values go, worked out once per definition and chunk, so that reading a
//! record is a walk over a short list and not over tokens.
//!
//! A plan knows the field that each piece of text belongs to; the pieces themselves stay
//! where they are, in the chunk or in the values of each use.

use rustc_hash::FxHashMap;

use super::binxml::{self, Fault, Item, NO_GUARD, Span, Token, Tokens};
use super::value::push_utf16;

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

/// A value of `System`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Provider,
    SourceName,
    ProviderGuid,
    EventId,
    Qualifiers,
    Version,
    Level,
    Task,
    Opcode,
    Keywords,
    Time,
    RecordId,
    ActivityId,
    RelatedActivityId,
    ProcessId,
    ThreadId,
    Channel,
    Computer,
    UserId,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Literal(Item),
    Slot { slot: u16, optional: bool },
    Char(char),
}

/// Items `start..end` of one of the lists of [`Plans`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    index: FxHashMap<(u32, Place), Run>,
    pub ops: Vec<Op>,
    pub parts: Vec<Part>,
    /// A substitution that must not be null, and the guard around this one.
    pub guards: Vec<(u16, u16)>,
    pub names: String,
    stack: Vec<Open>,
    /// Elements of the fragment worked out last.
    elements: u32,
    /// Tokens that may still be read for this chunk.
    tokens: u32,
}

/// Tokens for all definitions and streams of one chunk together: no sound chunk comes near.
const TOKENS_PER_CHUNK: u32 = 1 << 20;
/// Tokens of one fragment.
const TOKENS: u32 = 1 << 15;
/// Elements within elements.
const DEPTH: usize = 128;

/// An element whose end has not come.
#[derive(Clone, Copy)]
struct Open {
    role: Role,
    /// Where its children stand.
    place: Place,
    /// Its local name in `names` (fields and sections only).
    name: Run,
    label: Option<Label>,
    guard: u16,
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

fn length(len: usize) -> u32 {
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
        self.tokens = TOKENS_PER_CHUNK;
    }

    /// The plan of the definition at `offset`.
    pub fn definition(&mut self, data: &[u8], offset: u32, place: Place) -> Result<Run, Fault> {
        if let Some(plan) = self.index.get(&(offset, place)) {
            return Ok(*plan);
        }
        let (start, end) = binxml::definition(data, offset)?;
        let plan = self.compile(data, Tokens::new(data, start, end, true), place)?;
        if self.elements == 0 {
            return Err(Fault { at: start, what: "template without an element" });
        }
        self.index.insert((offset, place), plan);
        Ok(plan)
    }

    /// The plan of tokens that are used once.
    pub fn stream(&mut self, data: &[u8], start: usize, end: usize, place: Place) -> Result<Run, Fault> {
        self.compile(data, Tokens::new(data, start, end, false), place)
    }

    fn compile(&mut self, data: &[u8], tokens: Tokens<'_>, place: Place) -> Result<Run, Fault> {
        let start = length(self.ops.len());
        self.stack.clear();
        self.elements = 0;
        let mut compiler = Compiler { plans: self, data, place, attribute: None, in_start: false };
        compiler.run(tokens)?;
        Ok(Run { start, end: length(self.ops.len()) })
    }
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
            if self.plans.tokens == 0 {
                return Err(fault("more elements than a chunk can hold"));
            }
            self.plans.tokens -= 1;
            match tokens.next()? {
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

    fn guard(&self) -> u16 {
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
            let index = u16::try_from(self.plans.guards.len()).unwrap_or(NONE);
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
            Place::System => match system_element(name.of(self.data)) {
                Some(name) => (Role::System(name), Place::Aside),
                None => (Role::Ignored, Place::Aside),
            },
            Place::Data => (Role::Field, Place::Data),
            Place::Aside => (Role::Ignored, Place::Aside),
        };
        let name = if place == Place::Data { self.name(local(name.of(self.data))) } else { Run::default() };
        let text = length(self.plans.parts.len());
        self.plans.stack.push(Open { role, place, name, label: None, guard, text, has_children: false });
        self.in_start = true;
        Ok(())
    }

    fn name(&mut self, name: &[u8]) -> Run {
        let start = length(self.plans.names.len());
        push_utf16(&mut self.plans.names, name);
        Run { start, end: length(self.plans.names.len()) }
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
                if let Some(known) = known_attribute(element, |known| is(name, known)) {
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
                    let label = self.attribute_label(open.name, name);
                    self.emit(What::Field { label, parts, leaf: false });
                }
            }
            _ => {}
        }
    }

    /// `Element_attribute`.
    fn attribute_label(&mut self, element: Run, attribute: &[u8]) -> Label {
        let start = length(self.plans.names.len());
        self.plans.names.extend_from_within(element.range());
        self.plans.names.push('_');
        let name = self.name(local(attribute));
        Label::Fixed(Run { start, end: name.end })
    }

    /// The text of `Name`: fixed in nearly all definitions.
    fn label(&mut self, parts: Run) -> Label {
        let Plans { parts: all, names, .. } = &mut *self.plans;
        match all.get(parts.range()) {
            Some([Part::Literal(item)]) if item.kind == binxml::STRING => {
                let start = length(names.len());
                push_utf16(names, item.span.of(self.data));
                Label::Fixed(Run { start, end: length(names.len()) })
            }
            _ => Label::Parts(parts),
        }
    }

    fn close(&mut self) {
        let Some(open) = self.plans.stack.last().copied() else { return };
        let parts = Run { start: open.text, end: length(self.plans.parts.len()) };
        match open.role {
            Role::System(element) => {
                if let Some(known) = known_element(element) {
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

/// Is this UTF-16 text that ASCII text?
fn is(utf16: &[u8], ascii: &str) -> bool {
    let (units, _) = utf16.as_chunks::<2>();
    units.len() == ascii.len() && units.iter().zip(ascii.bytes()).all(|(unit, byte)| *unit == [byte, 0])
}

/// The name behind its namespace prefix.
fn local(name: &[u8]) -> &[u8] {
    let (units, _) = name.as_chunks::<2>();
    let colon = units.iter().position(|unit| *unit == [b':', 0]);
    colon.and_then(|at| name.get(at * 2 + 2..)).unwrap_or(name)
}

fn is_namespace(name: &[u8]) -> bool {
    name.get(..10).is_some_and(|start| is(start, "xmlns")) && matches!(name.get(10..12), None | Some([b':', 0]))
}

fn section(name: &[u8]) -> Section {
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

const SYSTEM_ELEMENTS: [&str; 14] = [
    "Provider",
    "EventID",
    "Version",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "TimeCreated",
    "EventRecordID",
    "Correlation",
    "Execution",
    "Channel",
    "Computer",
    "Security",
];

fn system_element(name: &[u8]) -> Option<&'static str> {
    SYSTEM_ELEMENTS.into_iter().find(|known| is(name, known))
}

/// The value that is an element's text.
pub(super) fn known_element(element: &str) -> Option<Known> {
    Some(match element {
        "EventID" => Known::EventId,
        "Version" => Known::Version,
        "Level" => Known::Level,
        "Task" => Known::Task,
        "Opcode" => Known::Opcode,
        "Keywords" => Known::Keywords,
        "EventRecordID" => Known::RecordId,
        "Channel" => Known::Channel,
        "Computer" => Known::Computer,
        _ => return None,
    })
}

const SYSTEM_ATTRIBUTES: [(&str, &str, Known); 10] = [
    ("Provider", "Name", Known::Provider),
    ("Provider", "Guid", Known::ProviderGuid),
    ("Provider", "EventSourceName", Known::SourceName),
    ("EventID", "Qualifiers", Known::Qualifiers),
    ("TimeCreated", "SystemTime", Known::Time),
    ("Correlation", "ActivityID", Known::ActivityId),
    ("Correlation", "RelatedActivityID", Known::RelatedActivityId),
    ("Execution", "ProcessID", Known::ProcessId),
    ("Execution", "ThreadID", Known::ThreadId),
    ("Security", "UserID", Known::UserId),
];

/// The value that is an element's attribute, where `is_called` tells the attribute's name.
pub(super) fn known_attribute(element: &str, is_called: impl Fn(&str) -> bool) -> Option<Known> {
    let found = SYSTEM_ATTRIBUTES.iter().find(|(e, attribute, _)| *e == element && is_called(attribute));
    found.map(|(_, _, known)| *known)
}

/// Do fields of this element carry their name in `Name`?
pub(super) fn names_itself(element: &str) -> bool {
    matches!(element, "Data" | "ComplexData")
}

/// The five entities of XML.
pub(super) const ENTITIES: [(&str, char); 5] =
    [("lt", '<'), ("gt", '>'), ("amp", '&'), ("quot", '"'), ("apos", '\'')];

fn entity(name: &[u8]) -> char {
    let found = ENTITIES.into_iter().find(|(text, _)| is(name, text));
    found.map_or(char::REPLACEMENT_CHARACTER, |(_, c)| c)
}
