//! What a thread keeps from chunk to chunk and from block to block, all of it bounded.

use super::authors::Authors;
use super::binxml::Item;
use super::gate::{Gates, KNOWN_SHUT};
use super::plan::Plans;
use super::tally::Tally;
use super::templates::Templates;
use super::words::Words;
use crate::event::{Event, Interest};
use crate::source::Aligned;

#[derive(Default)]
pub(super) struct Worker {
    pub buffer: Aligned,
    pub words: Words,
    pub authors: Authors,
    /// The templates of the chunk.
    pub templates: Templates,
    pub plans: Plans,
    pub gates: Gates,
    pub tally: Tally,
    pub items: Vec<Item>,
    pub event: Event,
    /// For which interest plans and gates were worked out.
    interest: Option<u64>,
}

impl Worker {
    /// Another block begins: nothing that is read meanwhile refers to what is kept.
    pub fn begin(&mut self, interest: &Interest) {
        let templates_are_full = self.words.is_full() || self.authors.is_full() || self.plans.catalogue.is_full();
        if templates_are_full {
            self.words = Words::default();
            self.authors = Authors::default();
            self.plans.forget();
        }
        let interest = Some(interest.identity());
        if templates_are_full || self.gates.known_shut() > KNOWN_SHUT || self.interest != interest {
            self.plans.begin();
            self.gates.begin();
            self.interest = interest;
        }
    }

    /// Another chunk begins.
    pub fn clear(&mut self) {
        self.plans.clear();
        self.gates.clear();
        self.templates.clear();
    }
}
