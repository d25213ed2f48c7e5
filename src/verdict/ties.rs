//! What is tied to one attempt. Causes ask for the same records over and over; they are looked for once.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::attempt::{Attempt, Case};
use crate::signature::definition::{Key, Window};

use super::bind::{Bound, Index};

/// A rule, when its records must stand, and the keys that tie them.
type Asked<'c> = (&'c str, Option<Window>, &'c [Key]);

/// The records that bear on one attempt.
pub struct Ties<'i, 'c> {
    /// Where they are looked up.
    pub index: &'i Index<'c>,
    /// The attempt.
    pub at: usize,
    known: FxHashMap<Asked<'c>, Rc<[Bound]>>,
}

impl<'i, 'c> Ties<'i, 'c> {
    /// Of the attempt at this index; nothing is looked up yet.
    pub fn of(index: &'i Index<'c>, at: usize) -> Self {
        Ties { index, at, known: FxHashMap::default() }
    }

    /// The case.
    pub fn case(&self) -> &'c Case<'c> {
        self.index.case()
    }

    /// The attempt.
    pub fn attempt(&self) -> &'c Attempt {
        &self.case().attempts[self.at]
    }

    /// [`Index::bound`].
    pub fn bound(&mut self, slug: &'c str, window: Option<Window>, keys: &'c [Key]) -> Rc<[Bound]> {
        let bound = || self.index.bound(self.at, slug, window, keys).into();
        self.known.entry((slug, window, keys)).or_insert_with(bound).clone()
    }
}
