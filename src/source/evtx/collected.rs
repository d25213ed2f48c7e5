//! What every record tells, of records that came through a collector: those have no template, `Event` stands in their
//! own stream, and in it `System` first. Whatever is not as simple as collectors write it is read by its whole plan.

use super::authors::{Author, Authors};
use super::binxml::{Item, Span, Token, Tokens, is};
use super::compile::{Section, section};
use super::known::{self, Known};
use super::learned::Facts;
use super::value;
use super::words::{Word, Words};
use crate::event::{Guid, Time};

/// Elements of `System`, and attributes of one: more than there are.
const MOST: usize = 32;

/// What was read so far.
#[derive(Default)]
struct Draft {
    provider: Option<Word>,
    source_name: Option<Word>,
    provider_guid: Option<Guid>,
    channel: Option<Word>,
    computer: Option<Word>,
    event_id: Option<u32>,
    record_id: Option<u64>,
    time: Option<Time>,
}

/// Reads the record whose stream lies there.
pub(super) fn read(data: &[u8], start: usize, end: usize, authors: &mut Authors, words: &mut Words) -> Option<Facts> {
    let mut tokens = Tokens::new(data, start, end, false);
    let mut draft = Draft::default();
    open(&mut tokens)?;
    // Of `Event`, a name space.
    attributes(&mut tokens, |_, _| Some(()))?.then_some(())?;
    matches!(section(open(&mut tokens)?.of(data)), Section::System).then_some(())?;
    attributes(&mut tokens, |_, _| Some(()))?.then_some(())?;
    for _ in 0..MOST {
        match tokens.next().ok()? {
            Token::Open { name, .. } => draft.element(data, name, &mut tokens, words)?,
            Token::CloseElement => return draft.done(authors),
            _ => return None,
        }
    }
    None
}

/// The name of the element that begins.
fn open(tokens: &mut Tokens<'_>) -> Option<Span> {
    loop {
        match tokens.next().ok()? {
            Token::Open { name, .. } => return Some(name),
            Token::Other => {}
            _ => return None,
        }
    }
}

/// Hands on the attributes of an element, and tells whether anything stands in it.
fn attributes(tokens: &mut Tokens<'_>, mut take: impl FnMut(Span, Item) -> Option<()>) -> Option<bool> {
    for _ in 0..MOST {
        let name = match tokens.next().ok()? {
            Token::Attribute(name) => name,
            Token::CloseStart => return Some(true),
            Token::CloseEmpty => return Some(false),
            _ => return None,
        };
        match tokens.next().ok()? {
            Token::Value(item) => take(name, item)?,
            _ => return None,
        }
    }
    None
}

impl Draft {
    fn element(&mut self, data: &[u8], name: Span, tokens: &mut Tokens<'_>, words: &mut Words) -> Option<()> {
        let element = known::system_element(|known| is(name.of(data), known)).unwrap_or_default();
        let holds =
            attributes(tokens, |name, item| match known::known_attribute(element, |known| is(name.of(data), known)) {
                Some(known) => self.set(data, known, item, words),
                None => Some(()),
            })?;
        if holds {
            let item = match tokens.next().ok()? {
                Token::Value(item) => item,
                Token::CloseElement => return Some(()),
                _ => return None,
            };
            if let Some(known) = known::known_element(element) {
                self.set(data, known, item, words)?;
            }
            matches!(tokens.next().ok()?, Token::CloseElement).then_some(())?;
        }
        Some(())
    }

    /// `None`: the value is not what it should be, or there twice.
    fn set(&mut self, data: &[u8], known: Known, Item { kind, span }: Item, words: &mut Words) -> Option<()> {
        let bytes = span.of(data);
        let mut text = || (kind == super::binxml::STRING).then(|| words.get(bytes));
        match known {
            Known::Provider => once(&mut self.provider, text()),
            Known::SourceName => once(&mut self.source_name, text()),
            Known::Channel => once(&mut self.channel, text()),
            Known::Computer => once(&mut self.computer, text()),
            Known::ProviderGuid => once(&mut self.provider_guid, guid(kind, bytes)),
            Known::EventId => {
                once(&mut self.event_id, value::number(kind, bytes).and_then(|id| u32::try_from(id).ok()))
            }
            Known::RecordId => once(&mut self.record_id, value::number(kind, bytes)),
            Known::Time => once(&mut self.time, value::time(kind, bytes)),
            _ => Some(()),
        }
    }

    fn done(self, authors: &mut Authors) -> Option<Facts> {
        let author = authors.id(Author {
            provider: self.provider?,
            source_name: self.source_name,
            provider_guid: self.provider_guid,
            channel: self.channel?,
            computer: self.computer?,
        });
        let (event_id, record_id, time) = (self.event_id?, self.record_id?, self.time?);
        Some(Facts { author, event_id, record_id, time, forwarded: true })
    }
}

fn once<T>(place: &mut Option<T>, value: Option<T>) -> Option<()> {
    place.replace(value?).is_none().then_some(())
}

fn guid(kind: u8, bytes: &[u8]) -> Option<Guid> {
    match kind {
        0x0F => value::guid(bytes),
        _ => {
            let mut text = String::new();
            value::push_text(&mut text, kind, bytes);
            Guid::parse(&text)
        }
    }
}
