//! Looks at the values of data that stand without a template, as some providers (CAPI2) write theirs, token by token.
//! Their names stand with them in each record, so that no plan would serve twice.

mod skim;

use rustc_hash::FxHashMap;

use super::binxml::{self, BINXML, Item, NAME_HEADER, STRING, Span, Token, Tokens, is, u16_at, u32_at};
use super::compile::{DEPTH, Section, TOKENS, is_namespace, local, section};
use super::fields::Want;
use super::gate::{Shown, Texts, signs};
use super::learned::Fragment;
use super::plan::{Place, WantId};
use crate::event::length_bit;
use skim::Asked;

/// What is kept from record to record.
#[derive(Default)]
pub(super) struct Loose {
    /// Elements that are open.
    open: Vec<Element>,
    /// Names met last in this chunk, by some bits of where they stand.
    names: Vec<Name>,
    /// How long the names are that each want looks at.
    lengths: FxHashMap<WantId, Lengths>,
    /// What texts each want asks for.
    asked: FxHashMap<WantId, Asked>,
}

/// How long names are that are looked at, as bits; the last stands for all from there on. Most are told by that alone.
#[derive(Clone, Copy, Default)]
struct Lengths {
    fields: u64,
    owners: u64,
    attributes: u64,
}

impl Lengths {
    fn of(want: &Want<'_>) -> Self {
        let mut lengths = Lengths::default();
        for (_, _, sign) in signs(want) {
            lengths.fields |= length_bit(sign.field.len());
            for (owner, attribute) in (0..sign.field.len()).filter_map(|at| halves_at(&sign.field, at)) {
                lengths.owners |= length_bit(owner.len());
                lengths.attributes |= length_bit(attribute.len());
            }
        }
        lengths
    }
}

/// What an element and its attribute are called for that field, if there is `_` between them at that place.
fn halves_at(field: &str, at: usize) -> Option<(&str, &str)> {
    let (owner, attribute) = field.split_at_checked(at)?;
    Some((owner, attribute.strip_prefix('_')?))
}

/// Names that are found at once: records of one kind use the same ones.
const NAMES: usize = 256;

/// The name of an element or an attribute.
#[derive(Clone, Copy, Default)]
struct Name {
    /// Where it stands in the chunk.
    offset: u32,
    /// Bytes that it takes where it stands.
    length: u32,
    /// For which want its roles were worked out.
    want: Option<WantId>,
    is_namespace: bool,
    met: Met,
}

/// What is asked of a name each time that it is met.
#[derive(Clone, Copy, Default)]
struct Met {
    /// Behind its prefix.
    local: Span,
    roles: Roles,
}

/// What an element or an attribute may be that is called so.
#[derive(Clone, Copy, Default)]
struct Roles {
    /// An element that holds the fields of an event.
    section: bool,
    /// An element that has the name of its field in an attribute.
    names_itself: bool,
    /// An element that is looked at.
    field: bool,
    /// An element of which an attribute is looked at.
    owner: bool,
    /// An attribute that is looked at.
    attribute: bool,
}

impl Name {
    fn of(data: &[u8], offset: u32) -> Option<Self> {
        let (whole, bytes) = binxml::name_at(data, offset as usize)?;
        let text = whole.of(data);
        let local = local(text);
        let prefix = (text.len() - local.len()) as u32;
        let roles = Roles {
            section: matches!(section(text), Section::Data),
            names_itself: is(local, "Data") || is(local, "ComplexData"),
            ..Roles::default()
        };
        let local = Span { start: whole.start + prefix, len: whole.len - prefix };
        let length = (NAME_HEADER + bytes + 2) as u32;
        Some(Name { offset, length, want: None, is_namespace: is_namespace(text), met: Met { local, roles } })
    }

    /// Works out what is looked at that is called so.
    fn find_roles(&mut self, data: &[u8], want: &Want<'_>, lengths: Lengths) {
        let local = self.met.local.of(data);
        let (units, bit) = (local.len() / 2, length_bit(local.len() / 2));
        let any = |lengths: u64, may: &dyn Fn(&str) -> bool| {
            lengths & bit != 0 && signs(want).any(|(_, _, sign)| may(&sign.field))
        };
        let half = |half: Option<&str>| half.is_some_and(|half| is(local, half));
        self.met.roles = Roles {
            field: any(lengths.fields, &|field| is(local, field)),
            owner: any(lengths.owners, &|field| half(halves_at(field, units).map(|(owner, _)| owner))),
            attribute: any(lengths.attributes, &|field| {
                let at = field.len().checked_sub(units + 1);
                half(at.and_then(|at| halves_at(field, at)).map(|(_, attribute)| attribute))
            }) && !self.is_namespace,
            ..self.met.roles
        };
    }
}

#[derive(Clone, Copy)]
struct Element {
    name: Span,
    roles: Roles,
    /// It is no field: it has children, or holds all fields.
    holds: bool,
}

/// The text of an attribute or an element.
#[derive(Clone, Copy)]
enum Text {
    None,
    One(Item),
    Several,
}

impl Loose {
    /// Wants have other numbers from now on.
    pub fn begin(&mut self) {
        self.lengths.clear();
        self.asked.clear();
    }

    /// Another chunk begins.
    pub fn clear(&mut self) {
        self.names.clear();
    }

    /// The name that is referred to at `at`, and where the tokens go on.
    #[inline]
    fn name(&mut self, data: &[u8], at: usize, want: &Want<'_>, id: WantId) -> Option<(Met, usize)> {
        let offset = u32_at(data, at)?;
        let place = (offset >> 1) as usize % NAMES;
        let mut name = self.names.get(place)?;
        if name.offset != offset || name.want != Some(id) {
            name = self.learn(data, (place, offset), want, id)?;
        }
        // At its first use it stands right here.
        let own = if offset as usize == at + 4 { name.length as usize } else { 0 };
        Some((name.met, at + 4 + own))
    }

    /// Keeps the name that stands at this offset, and what is looked at that is called so.
    #[cold]
    fn learn(&mut self, data: &[u8], (place, offset): (usize, u32), want: &Want<'_>, id: WantId) -> Option<&Name> {
        let name = self.names.get_mut(place)?;
        if name.offset != offset {
            *name = Name::of(data, offset)?;
        }
        let lengths = *self.lengths.entry(id).or_insert_with(|| Lengths::of(want));
        name.find_roles(data, want, lengths);
        name.want = Some(id);
        Some(name)
    }

    /// Can it be told by the texts of a fragment, beside which there is no other, that every gate is shut?
    pub fn is_shut(&mut self, data: &[u8], (place, start, end): Fragment, texts: &mut Texts, want: &Want<'_>) -> bool {
        let Some(id) = want.id().filter(|_| holds_fields(place)) else { return false };
        let asked = &*self.asked.entry(id).or_insert_with(|| Asked::of(want));
        skim::is_shut(data, (start, end), asked, texts, want)
    }

    /// Adds what the values of a fragment show. `None`: it is not as simple as that.
    pub fn look(
        &mut self,
        data: &[u8],
        (place, start, end): Fragment,
        texts: &mut Texts,
        want: &Want<'_>,
        shown: &mut Shown,
    ) -> Option<()> {
        if binxml::is_over(data, start, end) {
            return Some(());
        }
        let id = want.id().filter(|_| holds_fields(place))?;
        self.open.clear();
        self.names.resize(NAMES, Name { offset: u32::MAX, ..Name::default() });
        let end = end.min(data.len());
        let mut at = start;
        // Between an element's start and the end of its start tag, and the attribute that is open there.
        let (mut in_start, mut attribute) = (false, None);
        let mut text = Text::None;
        for _ in 0..TOKENS {
            if at >= end {
                return (at <= data.len() && self.open.is_empty()).then_some(());
            }
            let token = *data.get(at)?;
            if let Some(name) = attribute
                && matches!(token, 0x02 | 0x03 | 0x06 | 0x46)
            {
                let element = self.open.last()?;
                if element.roles.owner && !matches!(text, Text::None) {
                    show(data, (element.name, Some(name)), text, texts, want, shown)?;
                }
                attribute = None;
            }
            match token {
                0x00 => return self.open.is_empty().then_some(()),
                0x01 | 0x41 if !in_start => {
                    // Its size comes before its name, and behind it that of its attributes.
                    let (name, behind) = self.name(data, at + 5, want, id)?;
                    at = behind + if token == 0x41 { 4 } else { 0 };
                    self.enter(name, place)?;
                    (in_start, text) = (true, Text::None);
                }
                0x06 | 0x46 if in_start => {
                    let (name, behind) = self.name(data, at + 1, want, id)?;
                    at = behind;
                    attribute = name.roles.attribute.then_some(name.local);
                    text = Text::None;
                }
                0x02 if in_start => {
                    at += 1;
                    (in_start, text) = (false, Text::None);
                }
                0x03 if in_start => {
                    at += 1;
                    (in_start, text) = (false, Text::None);
                    self.leave(data, Text::None, texts, want, shown)?;
                }
                0x04 if !in_start => {
                    at += 1;
                    self.leave(data, text, texts, want, shown)?;
                }
                0x05 | 0x45 if data.get(at + 1) == Some(&STRING) => {
                    let len = u32::from(u16_at(data, at + 2)?) * 2;
                    let item = Item { kind: STRING, span: Span { start: (at + 4) as u32, len } };
                    text = if matches!(text, Text::None) { Text::One(item) } else { Text::Several };
                    at += 4 + len as usize;
                }
                0x01..=0x04 | 0x41 | 0x06 | 0x46 => return None,
                _ => {
                    let mut tokens = Tokens::new(data, at, end, false);
                    text = match tokens.next().ok()? {
                        Token::Value(item) if item.kind != BINXML && matches!(text, Text::None) => Text::One(item),
                        Token::Value(Item { kind, .. }) if kind != BINXML => Text::Several,
                        Token::CharRef(_) | Token::EntityRef(_) => Text::Several,
                        Token::Other => text,
                        _ => return None,
                    };
                    at = tokens.at;
                }
            }
        }
        None
    }

    #[inline]
    fn enter(&mut self, name: Met, place: Place) -> Option<()> {
        let is_section = self.open.is_empty() && place == Place::Event;
        if let Some(parent) = self.open.last_mut() {
            parent.holds = true;
        } else if is_section && !name.roles.section {
            return None;
        }
        if name.roles.names_itself || self.open.len() >= DEPTH {
            return None;
        }
        self.open.push(Element { name: name.local, roles: name.roles, holds: is_section });
        Some(())
    }

    #[inline]
    fn leave(&mut self, data: &[u8], text: Text, texts: &mut Texts, want: &Want<'_>, shown: &mut Shown) -> Option<()> {
        let element = self.open.pop()?;
        if element.holds || !element.roles.field {
            return Some(());
        }
        show(data, (element.name, None), text, texts, want, shown)
    }
}

/// Does a fragment hold fields that stands there?
fn holds_fields(place: Place) -> bool {
    matches!(place, Place::Event | Place::Data)
}

/// Adds what the value of an element, or of its attribute, shows.
fn show(
    data: &[u8],
    (element, attribute): (Span, Option<Span>),
    value: Text,
    texts: &mut Texts,
    want: &Want<'_>,
    shown: &mut Shown,
) -> Option<()> {
    let (element, name) = (element.of(data), attribute.map(|name| name.of(data)));
    for (want, number, sign) in signs(want).filter(|(_, _, sign)| is_called(&sign.field, element, name)) {
        let (text, ascii) = match value {
            Text::None => (&[][..], true),
            Text::One(item) => {
                texts.read(item.kind, item.span.of(data));
                texts.letters()
            }
            Text::Several => return None,
        };
        shown[want].look(number, sign, text, ascii);
    }
    Some(())
}

/// Is that the name of the field: `Element`, or `Element_attribute`?
fn is_called(field: &str, element: &[u8], attribute: Option<&[u8]>) -> bool {
    match attribute {
        None => is(element, field),
        Some(attribute) => {
            halves_at(field, element.len() / 2).is_some_and(|(owner, own)| is(element, owner) && is(attribute, own))
        }
    }
}
