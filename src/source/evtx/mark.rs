//! Tells whether a template's definition is one that was met in an earlier chunk. Its bytes hold offsets of its own
//! chunk, those of names: so what is compared is all other bytes, and the names themselves.

use super::binxml::{self, Span, Token, Tokens};

/// A name that a definition refers to.
struct Name {
    /// Where in the body the reference stands.
    at: usize,
    /// The name stands right behind it, else anywhere in the chunk.
    inline: bool,
    /// Where in `texts` such a name ends.
    end: usize,
}

/// What a definition is known by.
pub(super) struct Mark {
    body: Box<[u8]>,
    names: Vec<Name>,
    texts: Vec<u8>,
}

/// Bytes of a reference, and those of the link before an inline name's own, which another chunk sets otherwise.
const REFERENCE: usize = 4;
const LINK: usize = 4;

impl Mark {
    /// `None`: it holds what is not like in nearly all definitions.
    pub fn of(data: &[u8], definition: u32) -> Option<Self> {
        let (start, end) = binxml::definition(data, definition).ok()?;
        let mut mark = Mark { body: data.get(start..end)?.into(), names: Vec::new(), texts: Vec::new() };
        let mut tokens = Tokens::new(data, start, end, true);
        loop {
            match tokens.next().ok()? {
                Token::End => break,
                // These lead out of the definition.
                Token::Instance(_) => return None,
                Token::Value(item) if item.kind == binxml::BINXML => return None,
                _ => {}
            }
            if let Some((at, text)) = tokens.name.take() {
                mark.name(data, (start, end), at, text)?;
            }
        }
        (tokens.at <= end).then_some(mark)
    }

    fn name(&mut self, data: &[u8], (start, end): (usize, usize), at: usize, text: Span) -> Option<()> {
        let inline = text.start as usize == at + REFERENCE + binxml::NAME_HEADER;
        if inline {
            // All that decides how it reads stands in the body.
            let told = usize::from(binxml::u16_at(data, at + REFERENCE + 6)?);
            let behind = text.start as usize + told * 2 + 2;
            (behind <= end).then_some(())?;
        } else {
            self.texts.extend_from_slice(text.of(data));
        }
        self.names.push(Name { at: at - start, inline, end: self.texts.len() });
        Some(())
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.body.len() + self.texts.len() + self.names.len() * size_of::<Name>()
    }

    /// Is the definition at that offset the same?
    pub fn is(&self, data: &[u8], definition: u32) -> bool {
        self.compare(data, definition).unwrap_or(false)
    }

    fn compare(&self, data: &[u8], definition: u32) -> Option<bool> {
        let (start, end) = binxml::definition(data, definition).ok()?;
        let body = data.get(start..end)?;
        if body.len() != self.body.len() {
            return Some(false);
        }
        let (mut from, mut text) = (0, 0);
        for name in &self.names {
            let same = self.body.get(from..name.at)? == body.get(from..name.at)?;
            let offset = binxml::u32_at(body, name.at)? as usize;
            from = name.at + REFERENCE;
            if !same || name.inline != (offset == start + from) {
                return Some(false);
            }
            if name.inline {
                from += LINK;
            } else {
                let (found, _) = binxml::name_at(data, offset)?;
                if found.of(data) != self.texts.get(text..name.end)? {
                    return Some(false);
                }
                text = name.end;
            }
        }
        Some(self.body.get(from..)? == body.get(from..)?)
    }
}
