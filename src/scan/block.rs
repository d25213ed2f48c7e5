//! What one block gave, and what several of one file sum up to.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Interest, Problem, ProviderFacts, Row, Signatures};
use crate::event::{Damage, Event, Machine, Sink, Stamp, Time};
use crate::evidence::{Coverage, EventRef, Evidence, Record, Source};
use crate::signature::RuleId;
use crate::source::Log;

/// Rows and tallies of a part of a file.
#[derive(Default)]
pub struct Part {
    /// Evidence and problems in file order.
    pub rows: Vec<Row>,
    /// Records.
    pub records: u64,
    /// Problems by which something is missing.
    pub lost: u64,
    /// Earliest time.
    pub first: Option<Time>,
    /// Latest time.
    pub last: Option<Time>,
    /// Records by kind of header, for formats that have several.
    pub kinds: BTreeMap<&'static str, u64>,
    /// By provider.
    pub providers: BTreeMap<String, ProviderFacts>,
    /// By computer and channel.
    pub coverage: Spans,
    /// What records tell of the computer, where none names it.
    pub machine: Machine,
}

impl Part {
    /// Reads a block. A bug that the block finds in its reader ends the block, not the scan.
    pub fn read(&mut self, path: &str, log: &dyn Log, block: usize, signatures: &Signatures, interest: &Interest) {
        let mut reader = Reader { path, part: self, signatures, matched: Vec::new() };
        let done = catch_unwind(AssertUnwindSafe(|| log.read(block, interest, &mut reader)));
        if let Err(panic) = done {
            let what =
                format!("{}; the rest of its block is missing", panicked(&format!("reading block {block}"), &*panic));
            self.problem(Problem { path: path.into(), offset: None, what: what.into(), lost: true });
        }
    }

    /// Adds a problem.
    pub fn problem(&mut self, problem: Problem) {
        self.lost += u64::from(problem.lost);
        self.rows.push(problem.into());
    }

    /// Adds the tallies of a later part of the same file.
    pub fn merge(&mut self, later: Part) {
        self.rows.extend(later.rows);
        self.records += later.records;
        self.lost += later.lost;
        self.see(later.first);
        self.see(later.last);
        for (kind, records) in later.kinds {
            *self.kinds.entry(kind).or_default() += records;
        }
        for (name, facts) in later.providers {
            let kept = self.providers.entry(name).or_default();
            kept.records += facts.records;
            kept.guid = kept.guid.or(facts.guid);
        }
        self.coverage.merge(later.coverage);
        self.machine.merge(later.machine);
    }

    fn see(&mut self, time: Option<Time>) {
        let Some(time) = time else { return };
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }
}

/// Computer and channel.
type Channel = (Box<str>, Box<str>);

/// Coverage by computer and channel; a file has few of them, and neighbours mostly the same.
#[derive(Default)]
pub struct Spans {
    list: Vec<(Channel, Coverage)>,
    recent: usize,
}

impl Spans {
    fn of(&mut self, computer: &str, channel: &str) -> &mut Coverage {
        let is = |entry: &(Channel, Coverage)| *entry.0.0 == *computer && *entry.0.1 == *channel;
        if !self.list.get(self.recent).is_some_and(is) {
            self.recent = self.list.iter().position(is).unwrap_or_else(|| {
                self.list.push(((computer.into(), channel.into()), Coverage::default()));
                self.list.len() - 1
            });
        }
        &mut self.list[self.recent].1
    }

    fn merge(&mut self, later: Spans) {
        for ((computer, channel), coverage) in later.list {
            self.of(&computer, &channel).merge(&coverage);
        }
    }

    /// By computer, then channel.
    pub fn sorted(self) -> BTreeMap<Channel, Coverage> {
        self.list.into_iter().collect()
    }
}

/// Takes what a source reads of one block.
struct Reader<'a> {
    path: &'a str,
    part: &'a mut Part,
    signatures: &'a Signatures,
    matched: Vec<RuleId>,
}

impl Sink for Reader<'_> {
    fn record(&mut self, stamp: &Stamp<'_>) {
        self.part.records += 1;
        self.part.see(stamp.time);
        if !stamp.kind.is_empty() {
            *self.part.kinds.entry(stamp.kind).or_default() += 1;
        }
        if stamp.provider.is_empty() && stamp.provider_guid.is_none() && !stamp.kind.is_empty() {
            // Records that speak of the log itself.
            return;
        }
        if let Some(time) = stamp.time.filter(|_| !(stamp.computer.is_empty() && stamp.channel.is_empty())) {
            let spans = &mut self.part.coverage;
            spans.of(stamp.computer, stamp.channel).record(stamp.record_id, time, stamp.forwarded);
        }
        // A look-up without a copy of the name for all but the first record of a provider.
        match self.part.providers.get_mut(stamp.provider) {
            Some(facts) => {
                facts.records += 1;
                facts.guid = facts.guid.or(stamp.provider_guid);
            }
            None => {
                let facts = ProviderFacts { guid: stamp.provider_guid, records: 1 };
                self.part.providers.insert(stamp.provider.to_owned(), facts);
            }
        }
    }

    fn event(&mut self, event: &Event) {
        self.matched.clear();
        self.signatures.matches(event, &mut self.matched);
        if self.matched.is_empty() {
            return;
        }
        let rules = self.matched.iter().filter_map(|id| self.signatures.rule_at(*id));
        let mut signatures: Vec<Box<str>> = rules.map(|rule| rule.slug.as_str().into()).collect();
        signatures.sort_unstable();
        signatures.dedup();
        self.part.rows.push(Row::Evidence(Evidence {
            event: EventRef::of(event),
            record: Record::of(event),
            signatures,
            source: Source { path: self.path.into(), offset: event.origin.offset },
        }));
    }

    fn damage(&mut self, damage: Damage) {
        self.part.problem(complaint(self.path, damage));
    }

    fn machine(&mut self, machine: Machine) {
        self.part.machine.merge(machine);
    }
}

/// Damage as a problem of this input.
pub fn complaint(path: &str, damage: Damage) -> Problem {
    Problem { path: path.into(), offset: Some(damage.offset), what: damage.what.into(), lost: damage.lost }
}

/// What a panic said, in words.
pub fn panicked(doing: &str, panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a bug in whyrdp stopped {doing}: {}", said.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two blocks: one sound, one that finds a bug.
    struct Haunted;

    impl Log for Haunted {
        fn blocks(&self) -> usize {
            2
        }

        fn read(&self, block: usize, _: &Interest, sink: &mut dyn Sink) {
            let stamp = Stamp {
                computer: "SRV01",
                channel: "System",
                provider: "Schannel",
                provider_guid: None,
                event_id: 1,
                record_id: Some(block as u64 + 1),
                time: Some(Time::default()),
                forwarded: false,
                kind: "",
            };
            sink.record(&stamp);
            assert!(block == 0, "index out of bounds");
        }

        fn damage(&self) -> Vec<Damage> {
            Vec::new()
        }
    }

    #[test]
    fn a_bug_in_a_reader_ends_its_block_and_not_the_scan() {
        let (signatures, _) = Signatures::open(false, &[]);
        let interest = signatures.interest();
        let mut file = Part::default();
        for block in 0..2 {
            let mut part = Part::default();
            part.read("a.evtx", &Haunted, block, &signatures, &interest);
            file.merge(part);
        }
        assert_eq!((file.records, file.lost, file.rows.len()), (2, 1, 1));
        let Some(Row::Problem(problem)) = file.rows.first() else { unreachable!("no problem row") };
        assert!(problem.what.contains("reading block 1: index out of bounds"), "{}", problem.what);
        let coverage: Vec<_> = file.coverage.sorted().into_values().collect();
        assert_eq!(coverage.len(), 1);
        assert!(coverage[0].contiguous());
    }
}
