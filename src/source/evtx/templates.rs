//! Finds what is known of a record's template: asked for every record.

use super::learned::Learned;

/// The root templates of a chunk, by the offset of their definition.
#[derive(Default)]
pub(super) struct Templates {
    known: Vec<(u32, Option<Learned>)>,
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
    pub fn get(&mut self, offset: u32, learn: impl FnOnce() -> Option<Learned>) -> Option<&mut Learned> {
        let place = (offset >> 3 ^ offset >> 11) as usize % 256;
        let hint = usize::from(*self.recent.get(place)?);
        let at = match self.known.get(hint) {
            Some((known, _)) if *known == offset => hint,
            _ => self.find(offset, place, learn),
        };
        self.known.get_mut(at)?.1.as_mut()
    }

    #[cold]
    fn find(&mut self, offset: u32, place: usize, learn: impl FnOnce() -> Option<Learned>) -> usize {
        let at = self.known.iter().position(|(known, _)| *known == offset).unwrap_or_else(|| {
            self.known.push((offset, learn()));
            self.known.len() - 1
        });
        if let (Some(hint), Ok(at)) = (self.recent.get_mut(place), u16::try_from(at)) {
            *hint = at;
        }
        at
    }
}
