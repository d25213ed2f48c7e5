//! Tells whether a template's definition is one that was met in an earlier chunk. Its bytes hold offsets of its own
//! chunk, those of names: so what is compared is all other bytes, and the names themselves.

use super::binxml::{self, Span, Token, Tokens};

/// A name that a definition refers to.
struct Name {
    /// Where in the body the reference stands.
    at: usize,
    /// The name stands right behind it, else anywhere in the chunk.
    inline: bool,
    /// Where in `texts` such a name stands.
    text: (usize, usize),
    /// Where in the body it was referred to before: mostly at the same place.
    before: Option<usize>,
}

/// Names before one that are looked at for the same.
const NEAR: usize = 8;

/// What a definition is known by.
pub(super) struct Mark {
    body: Vec<u8>,
    /// Set in all bytes but those that another chunk sets otherwise.
    fixed: Vec<u8>,
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
        let body = data.get(start..end)?.to_vec();
        let fixed = vec![0xFF; body.len()];
        let mut mark = Mark { body, fixed, names: Vec::new(), texts: Vec::new() };
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
        let (mut known, mut before) = ((0, 0), None);
        if inline {
            // All that decides how it reads stands in the body.
            let told = usize::from(binxml::u16_at(data, at + REFERENCE + 6)?);
            let behind = text.start as usize + told * 2 + 2;
            (behind <= end).then_some(())?;
        } else {
            let text = text.of(data);
            let is = |name: &&Name| !name.inline && self.texts.get(name.text.0..name.text.1) == Some(text);
            match self.names.iter().rev().take(NEAR).find(is) {
                Some(name) => (known, before) = (name.text, Some(name.at)),
                None => {
                    known = (self.texts.len(), self.texts.len() + text.len());
                    self.texts.extend_from_slice(text);
                }
            }
        }
        let at = at - start;
        let bytes = if inline { REFERENCE + LINK } else { REFERENCE };
        self.fixed.get_mut(at..at + bytes)?.fill(0);
        self.names.push(Name { at, inline, text: known, before });
        Some(())
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.body.len() * 2 + self.texts.len() + self.names.len() * size_of::<Name>()
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
        // Many bytes at once.
        let other = body.iter().zip(&self.body).zip(&self.fixed);
        if other.fold(0, |any, ((ours, theirs), fixed)| any | (ours ^ theirs) & fixed) != 0 {
            return Some(false);
        }
        for name in &self.names {
            let offset = binxml::u32_at(body, name.at)?;
            if name.inline != (offset as usize == start + name.at + REFERENCE) {
                return Some(false);
            }
            let is_known = name.inline || name.before.is_some_and(|at| binxml::u32_at(body, at) == Some(offset));
            if !is_known {
                let known = self.texts.get(name.text.0..name.text.1)?;
                if !is_name(data, offset as usize, known) {
                    let (found, _) = binxml::name_at(data, offset as usize)?;
                    (found.of(data) == known).then_some(())?;
                }
            }
        }
        Some(true)
    }
}

/// Does that name stand there, with its own length? Names hold no NUL.
fn is_name(data: &[u8], offset: usize, name: &[u8]) -> bool {
    let header = data.get(offset..).and_then(|rest| rest.split_at_checked(binxml::NAME_HEADER));
    header.is_some_and(|(header, text)| {
        binxml::u16_at(header, 6).map(|units| usize::from(units) * 2) == Some(name.len()) && text.starts_with(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINITION: usize = 256;

    /// A definition of elements in each other that are called by the names at these places: `ab` at 32 and 64, `cd` at 96.
    fn chunk(names: &[u32]) -> Vec<u8> {
        let mut data = vec![0; DEFINITION + 20];
        for (at, text) in [(32, "ab"), (64, "ab"), (96, "cd")] {
            data[at + 6] = 2;
            data[at + 8] = text.as_bytes()[0];
            data[at + 10] = text.as_bytes()[1];
        }
        let open = |name: &u32| [&[0x01, 0xFF, 0xFF, 0, 0, 0, 0][..], &name.to_le_bytes(), &[0x02]].concat();
        let body = [names.iter().flat_map(open).collect(), vec![0x04; names.len()], vec![0]].concat();
        data.extend((body.len() as u32).to_le_bytes());
        data.extend(body);
        data
    }

    #[test]
    fn names_are_the_same_wherever_they_stand_and_each_by_itself() {
        let mark = Mark::of(&chunk(&[32, 96, 32]), DEFINITION as u32).unwrap();
        let is = |names: [u32; 3]| mark.is(&chunk(&names), DEFINITION as u32);
        assert!(is([32, 96, 32]) && is([64, 96, 64]) && is([32, 96, 64]));
        assert!(!is([32, 96, 96]) && !is([96, 96, 32]) && !is([32, 32, 32]) && !is([32, 96, 33]));
        assert!(!mark.is(&chunk(&[32, 96]), DEFINITION as u32));
    }
}
