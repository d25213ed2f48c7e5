//! Looks at the values of data that stand without a template, as some providers (CAPI2) write theirs, token by token.
//! Their names stand with them in each record, so that no plan would serve twice.

use super::binxml::{self, BINXML, Item, Span, Token, Tokens, is};
use super::compile::{DEPTH, Section, TOKENS, is_namespace, local, section};
use super::fields::Want;
use super::gate::{Shown, Texts, signs};
use super::learned::Fragment;
use super::plan::Place;

/// Elements that are open.
#[derive(Default)]
pub(super) struct Loose {
    open: Vec<Element>,
    /// Names met last in this chunk, by some bits of where they stand.
    names: Vec<Name>,
    /// Lengths of names of fields that are looked at, as bits; the last stands for all from there on.
    lengths: u128,
}

/// Names that are found at once: records of one kind use the same ones.
const NAMES: usize = 128;

/// The name of an element or an attribute.
#[derive(Clone, Copy, Default)]
struct Name {
    whole: Span,
    /// Behind its prefix.
    local: Span,
    is_namespace: bool,
    /// Fields of such elements carry their name in an attribute.
    names_itself: bool,
}

impl Name {
    fn of(data: &[u8], whole: Span) -> Self {
        let text = whole.of(data);
        let local = local(text);
        let names_itself = is(local, "Data") || is(local, "ComplexData");
        let prefix = (text.len() - local.len()) as u32;
        let local = Span { start: whole.start + prefix, len: whole.len - prefix };
        Name { whole, local, is_namespace: is_namespace(text), names_itself }
    }
}

struct Element {
    name: Name,
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
    /// Another chunk begins.
    pub fn clear(&mut self) {
        self.names.clear();
    }

    fn name(&mut self, data: &[u8], whole: Span) -> Name {
        let Some(known) = self.names.get_mut((whole.start >> 1) as usize % NAMES) else { return Name::of(data, whole) };
        if known.whole != whole {
            *known = Name::of(data, whole);
        }
        *known
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
        matches!(place, Place::Event | Place::Data).then_some(())?;
        self.open.clear();
        self.names.resize(NAMES, Name::default());
        self.lengths = signs(want).fold(0, |all, (_, _, sign)| all | length(sign.field.len()));
        let mut tokens = Tokens::new(data, start, end, false);
        // Between an element's start and the end of its start tag, and the attribute that is open there.
        let (mut in_start, mut attribute) = (false, None);
        let mut text = Text::None;
        for _ in 0..TOKENS {
            let token = tokens.next().ok()?;
            if in_start && matches!(token, Token::Attribute(_) | Token::CloseStart | Token::CloseEmpty) {
                let (name, element) = (attribute.take(), self.open.last()?.name);
                if let Some(name) = name {
                    let value = if matches!(text, Text::None) { None } else { Some(text) };
                    self.show(data, (element, Some(name)), value, texts, want, shown)?;
                }
                text = Text::None;
            }
            match token {
                Token::End => return self.open.is_empty().then_some(()),
                Token::Open { name, .. } if !in_start => {
                    self.enter(data, name, place)?;
                    in_start = true;
                }
                Token::Attribute(name) if in_start => attribute = Some(self.name(data, name)),
                Token::CloseStart if in_start => in_start = false,
                Token::CloseEmpty if in_start => {
                    in_start = false;
                    self.leave(data, Text::None, texts, want, shown)?;
                }
                Token::CloseElement if !in_start => self.leave(data, text, texts, want, shown)?,
                Token::Value(item) if item.kind != BINXML => {
                    text = if matches!(text, Text::None) { Text::One(item) } else { Text::Several };
                }
                Token::CharRef(_) | Token::EntityRef(_) => text = Text::Several,
                Token::Other => {}
                _ => return None,
            }
        }
        None
    }

    fn enter(&mut self, data: &[u8], name: Span, place: Place) -> Option<()> {
        let name = self.name(data, name);
        let is_section = self.open.is_empty() && place == Place::Event;
        if let Some(parent) = self.open.last_mut() {
            parent.holds = true;
        } else if is_section && !matches!(section(name.whole.of(data)), Section::Data) {
            return None;
        }
        if name.names_itself || self.open.len() >= DEPTH {
            return None;
        }
        self.open.push(Element { name, holds: is_section });
        Some(())
    }

    fn leave(&mut self, data: &[u8], text: Text, texts: &mut Texts, want: &Want<'_>, shown: &mut Shown) -> Option<()> {
        let element = self.open.pop()?;
        if element.holds {
            return Some(());
        }
        self.show(data, (element.name, None), Some(text), texts, want, shown)
    }

    /// Adds what the value of an element, or of its attribute, shows.
    fn show(
        &self,
        data: &[u8],
        (element, attribute): (Name, Option<Name>),
        value: Option<Text>,
        texts: &mut Texts,
        want: &Want<'_>,
        shown: &mut Shown,
    ) -> Option<()> {
        let units = |name: Name| name.local.len as usize / 2;
        let length = length(units(element) + attribute.map_or(0, |name| 1 + units(name)));
        // Most names are nobody's, some are no field's, and some fields are not there.
        let Some(value) =
            value.filter(|_| self.lengths & length != 0 && !attribute.is_some_and(|name| name.is_namespace))
        else {
            return Some(());
        };
        let (element, name) = (element.local.of(data), attribute.map(|name| name.local.of(data)));
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
}

fn length(units: usize) -> u128 {
    1 << units.min(127)
}

/// Is that the name of the field: `Element`, or `Element_attribute`?
fn is_called(field: &str, element: &[u8], attribute: Option<&[u8]>) -> bool {
    let Some(attribute) = attribute else { return is(element, field) };
    let (ours, theirs) = (element.len() / 2, attribute.len() / 2);
    let parts = (field.get(..ours), field.get(ours..ours + 1), field.get(ours + 1..));
    field.len() == ours + 1 + theirs
        && matches!(parts, (Some(name), Some("_"), Some(own)) if is(element, name) && is(attribute, own))
}
