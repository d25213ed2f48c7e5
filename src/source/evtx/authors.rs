//! Who wrote a record: the few values that nearly all records of a log repeat together, kept once.

use rustc_hash::FxHashMap;

use super::words::Word;
use crate::event::Guid;

/// Number of an author.
pub(super) type AuthorId = u32;

/// What the records of one program in one log have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Author {
    pub provider: Word,
    pub source_name: Option<Word>,
    pub provider_guid: Option<Guid>,
    pub channel: Word,
    pub computer: Word,
}

/// All authors met. Kept from block to block.
#[derive(Default)]
pub(super) struct Authors {
    index: FxHashMap<Author, AuthorId>,
    list: Vec<Author>,
}

/// Beyond this many it starts afresh, between blocks.
const LIMIT: usize = 1 << 12;

impl Authors {
    pub fn is_full(&self) -> bool {
        self.list.len() > LIMIT
    }

    pub fn id(&mut self, author: Author) -> AuthorId {
        *self.index.entry(author).or_insert_with(|| {
            self.list.push(author);
            AuthorId::try_from(self.list.len() - 1).unwrap_or(AuthorId::MAX)
        })
    }

    /// Ids come from [`Authors::id`] alone.
    #[inline]
    pub fn get(&self, id: AuthorId) -> Option<&Author> {
        self.list.get(id as usize)
    }
}
