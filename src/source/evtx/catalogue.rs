//! Templates by what they are, kept from chunk to chunk: most chunks of a log define the same ones again.

use rustc_hash::FxHashMap;

use super::learned::Learned;
use super::mark::Mark;
use super::plan::{Place, Run};

/// Which template of the catalogue.
pub(super) type TemplateId = u32;

/// What is known of a template, whatever the chunk.
struct Entry {
    /// `None`: it serves its own chunk alone.
    mark: Option<Mark>,
    /// Its plans, by what stands around its uses, and what working them out cost.
    plans: Vec<(Place, Run, u32)>,
}

/// Templates met.
#[derive(Default)]
pub(super) struct Catalogue {
    /// By GUID and size, as its header tells them.
    index: FxHashMap<[u8; HEAD], Vec<TemplateId>>,
    entries: Vec<Entry>,
    /// Of each that begins records: `None` where stage one cannot read its uses. For itself, as it is looked at for
    /// every record.
    learned: Vec<Option<Option<Learned>>>,
    bytes: usize,
}

/// Bytes of GUID and size.
const HEAD: usize = 20;
/// Beyond this many bytes it starts afresh, between blocks.
const LIMIT: usize = 3 << 20;
/// Bytes that it takes at most: what does not fit is worked out in each chunk anew. Real blocks do not come near.
const MOST: usize = 6 << 20;
/// Definitions of one GUID and size that are told apart; more are worked out in each chunk anew.
const VARIANTS: usize = 8;
/// Bytes that an entry takes besides mark and plans: some six thousand.
const ENTRY: usize = size_of::<Entry>() + Learned::BYTES;

impl Catalogue {
    pub fn is_full(&self) -> bool {
        self.bytes > LIMIT
    }

    /// The template defined there, if it was met before.
    pub fn find(&self, data: &[u8], definition: u32) -> Option<TemplateId> {
        let mark = |id: TemplateId| self.entries.get(id as usize)?.mark.as_ref();
        let variants = self.index.get(head(data, definition)?)?;
        variants.iter().copied().find(|id| mark(*id).is_some_and(|mark| mark.is(data, definition)))
    }

    /// Adds the template defined there.
    pub fn add(&mut self, data: &[u8], definition: u32) -> TemplateId {
        let id = TemplateId::try_from(self.entries.len()).unwrap_or(TemplateId::MAX);
        let head = head(data, definition).copied();
        let known = head.and_then(|head| self.index.get(&head)).map_or(0, Vec::len);
        // What could not be found again is not kept.
        let mark = if known < VARIANTS { Mark::of(data, definition) } else { None };
        let mark = mark.filter(|mark| self.has_room(mark.bytes()));
        if let (Some(_), Some(head)) = (&mark, head) {
            self.index.entry(head).or_default().push(id);
        }
        self.bytes += ENTRY;
        self.entries.push(Entry { mark, plans: Vec::new() });
        self.learned.push(None);
        id
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        let has = self.bytes + bytes <= MOST;
        self.bytes += if has { bytes } else { 0 };
        has
    }

    /// Its plan, and what working that out cost.
    pub fn plan(&self, id: TemplateId, place: Place) -> Option<(Run, u32)> {
        let plans = &self.entries.get(id as usize)?.plans;
        plans.iter().find(|(known, ..)| *known == place).map(|(_, plan, tokens)| (*plan, *tokens))
    }

    /// Is there room for a plan of it that takes so many bytes?
    pub fn takes(&mut self, id: TemplateId, bytes: usize) -> bool {
        let is_found_again = self.entries.get(id as usize).is_some_and(|entry| entry.mark.is_some());
        is_found_again && self.has_room(bytes)
    }

    /// Keeps where its plan lies.
    pub fn keep(&mut self, id: TemplateId, plan: (Place, Run, u32)) {
        if let Some(entry) = self.entries.get_mut(id as usize) {
            entry.plans.push(plan);
        }
    }

    pub fn is_learned(&self, id: TemplateId) -> bool {
        self.learned.get(id as usize).is_some_and(Option::is_some)
    }

    pub fn learn(&mut self, id: TemplateId, learned: Option<Learned>) {
        if let Some(place) = self.learned.get_mut(id as usize) {
            *place = Some(learned);
        }
    }

    #[inline]
    pub fn learned(&mut self, id: TemplateId) -> Option<&mut Learned> {
        self.learned.get_mut(id as usize)?.as_mut()?.as_mut()
    }
}

/// GUID and size of a definition.
fn head(data: &[u8], definition: u32) -> Option<&[u8; HEAD]> {
    data.get(definition as usize + 4..)?.first_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_templates_is_bounded() {
        const BODY: u32 = 40_000;
        let mut data = vec![0; 24 + BODY as usize];
        data[20..24].copy_from_slice(&BODY.to_le_bytes());
        let mut catalogue = Catalogue::default();
        let mut known = 0;
        for guid in 0..200u8 {
            data[4] = guid;
            let id = catalogue.add(&data, 0);
            match catalogue.find(&data, 0) {
                Some(found) => assert_eq!(found, id),
                None => assert!(catalogue.is_full(), "forgotten while there was room"),
            }
            known += u32::from(catalogue.find(&data, 0).is_some());
        }
        assert!((50..100).contains(&known), "{known}");
        assert!(catalogue.bytes <= MOST + 200 * ENTRY);
    }
}
