//! Finds the template of a record: asked for every one.

use super::catalogue::TemplateId;

/// The root templates of a chunk, by the offset of their definition.
#[derive(Default)]
pub(super) struct Templates {
    known: Vec<(u32, Option<TemplateId>)>,
    /// Where a template was found last, by some bits of its offset.
    recent: Vec<u16>,
}

impl Templates {
    pub fn clear(&mut self) {
        self.known.clear();
        self.recent.clear();
        self.recent.resize(256, 0);
    }

    #[inline]
    pub fn get(&mut self, offset: u32, find: impl FnOnce() -> Option<TemplateId>) -> Option<TemplateId> {
        let place = (offset >> 3 ^ offset >> 11) as usize % 256;
        let hint = usize::from(*self.recent.get(place)?);
        let at = match self.known.get(hint) {
            Some((known, _)) if *known == offset => hint,
            _ => self.find(offset, place, find),
        };
        self.known.get(at)?.1
    }

    #[cold]
    fn find(&mut self, offset: u32, place: usize, find: impl FnOnce() -> Option<TemplateId>) -> usize {
        let at = self.known.iter().position(|(known, _)| *known == offset).unwrap_or_else(|| {
            self.known.push((offset, find()));
            self.known.len() - 1
        });
        if let (Some(hint), Ok(at)) = (self.recent.get_mut(place), u16::try_from(at)) {
            *hint = at;
        }
        at
    }
}
