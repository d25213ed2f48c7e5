//! Finds the template of a record: asked for every one.

use super::catalogue::TemplateId;

/// Places for templates that are found at once.
const RECENT: usize = 256;
/// A definition's offset, and its template.
type Known = (u32, Option<TemplateId>);

/// The root templates of a chunk, by the offset of their definition.
#[derive(Default)]
pub(super) struct Templates {
    known: Vec<Known>,
    /// Those asked for last, by some bits of their offsets, and the chunk that they stand in.
    recent: Vec<(u64, Known)>,
    /// Chunks so far.
    chunk: u64,
}

impl Templates {
    pub fn clear(&mut self) {
        self.known.clear();
        self.chunk += 1;
        self.recent.resize(RECENT, (0, (0, None)));
    }

    #[inline]
    pub fn get(&mut self, offset: u32, find: impl FnOnce() -> Option<TemplateId>) -> Option<TemplateId> {
        let place = (offset >> 3 ^ offset >> 11) as usize % RECENT;
        match self.recent.get(place) {
            Some((chunk, (known, template))) if (*chunk, *known) == (self.chunk, offset) => *template,
            _ => self.find(offset, place, find),
        }
    }

    #[cold]
    fn find(&mut self, offset: u32, place: usize, find: impl FnOnce() -> Option<TemplateId>) -> Option<TemplateId> {
        let known = self.known.iter().find(|(known, _)| *known == offset).copied();
        let known = known.unwrap_or_else(|| {
            let found = (offset, find());
            self.known.push(found);
            found
        });
        if let Some(recent) = self.recent.get_mut(place) {
            *recent = (self.chunk, known);
        }
        known.1
    }
}
