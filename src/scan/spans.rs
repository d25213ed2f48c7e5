//! Coverage of one input by computer and channel, while it is read.

use std::collections::BTreeMap;

use super::limits::{NAMES, RUNS};
use crate::evidence::{Coverage, bounded};

/// Computer and channel.
type Channel = (Box<str>, Box<str>);

/// Coverage by computer and channel; a file has few of them, and neighbours mostly the same.
#[derive(Default)]
pub struct Spans {
    list: Vec<(Channel, Coverage)>,
    recent: usize,
    /// Where in the list: by computer, then by channel.
    index: BTreeMap<Box<str>, BTreeMap<Box<str>, usize>>,
    /// Records of channels beyond the most that are kept.
    pub beyond: u64,
}

impl Spans {
    /// Does something with the coverage of a channel, which so many records tell of.
    pub fn of(&mut self, computer: &str, channel: &str, records: u64, what: impl FnOnce(&mut Coverage)) {
        let (computer, channel) = (bounded(computer), bounded(channel));
        let recent = self.list.get_mut(self.recent);
        if let Some((_, coverage)) = recent.filter(|(known, _)| *known.0 == *computer && *known.1 == *channel) {
            return what(coverage);
        }
        let known = self.index.get(computer).and_then(|channels| channels.get(channel));
        let at = match known {
            Some(at) => *at,
            None if self.list.len() >= NAMES => {
                self.beyond += records;
                return;
            }
            None => {
                let at = self.list.len();
                self.index.entry(computer.into()).or_default().insert(channel.into(), at);
                self.list.push(((computer.into(), channel.into()), Coverage::default()));
                at
            }
        };
        self.recent = at;
        if let Some((_, coverage)) = self.list.get_mut(at) {
            what(coverage);
        }
    }

    /// Adds those of a later part of the same input.
    pub fn merge(&mut self, later: Spans) {
        self.beyond += later.beyond;
        for ((computer, channel), coverage) in later.list {
            let records = coverage.records();
            self.of(&computer, &channel, records, |known| {
                known.merge(&coverage);
                known.limit(RUNS);
            });
        }
    }

    /// By computer, then channel.
    pub fn sorted(self) -> BTreeMap<Channel, Coverage> {
        self.list.into_iter().collect()
    }
}
