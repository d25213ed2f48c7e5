//! What one block gave, and what several of one file sum up to.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustc_hash::FxHashMap;

use super::limits;
use super::providers::Providers;
use super::spans::Spans;
use super::{Interest, Problem, ProviderFacts, Row, Signatures};
use crate::event::{Damage, Event, Machine, Sink, Stamp, Sum, Time};
use crate::evidence::{Coverage, Evidence, Keeper, List, Name, Run, Source};
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
    pub providers: Providers,
    /// By computer and channel.
    pub coverage: Spans,
    /// What records tell of the computer, where none names it.
    pub machine: Machine,
}

impl Part {
    /// Reads a block. A bug that the block finds in its reader ends the block, not the scan.
    pub fn read(&mut self, path: &str, log: &dyn Log, block: usize, signatures: &Signatures, interest: &Interest) {
        let mut reader = Reader {
            path: path.into(),
            part: self,
            signatures,
            keeper: Keeper::default(),
            matched: Vec::new(),
            lists: FxHashMap::default(),
            decided: false,
            room: limits::ROWS,
            beyond: 0,
        };
        let done = catch_unwind(AssertUnwindSafe(|| log.read(block, interest, &mut reader)));
        let beyond = reader.beyond;
        if beyond > 0 {
            let what =
                format!("more evidence than one block can hold: {beyond} records of block {block} were left out");
            self.problem(Problem { path: path.into(), offset: None, what: what.into(), lost: true });
        }
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
        self.providers.merge(later.providers);
        self.coverage.merge(later.coverage);
        self.machine.merge(later.machine);
    }

    /// What went over the bounds of one input, in words.
    pub fn beyond(&self) -> Option<String> {
        let (most, nameless, spans) = (limits::NAMES, self.providers.beyond, self.coverage.beyond);
        match (nameless, spans) {
            (0, 0) => None,
            (_, 0) => Some(format!("more than {most} providers: {nameless} records of further ones are not listed")),
            (_, spans) => Some(format!(
                "more than {most} computers and channels: that {spans} records of further ones are there counts for nothing"
            )),
        }
    }

    fn see(&mut self, time: Option<Time>) {
        let Some(time) = time else { return };
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }
}

/// Takes what a source reads of one block.
struct Reader<'a> {
    path: Name,
    part: &'a mut Part,
    signatures: &'a Signatures,
    keeper: Keeper,
    matched: Vec<RuleId>,
    /// Slugs of rules that matched together before.
    lists: FxHashMap<Vec<RuleId>, List>,
    /// `matched` is of the record that comes next.
    decided: bool,
    /// Bytes of rows that may still be kept.
    room: usize,
    /// Rows that were not.
    beyond: u64,
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
            let record = |coverage: &mut Coverage| coverage.record(stamp.record_id, time, stamp.forwarded);
            self.part.coverage.of(stamp.computer, stamp.channel, 1, record);
        }
        let facts = ProviderFacts { guid: stamp.provider_guid, records: 1 };
        self.part.providers.add(stamp.provider, facts);
    }

    fn takes_sums(&self) -> bool {
        true
    }

    fn sum(&mut self, sum: Sum<'_>) {
        match sum {
            Sum::Provider { name, guid, records } => {
                self.part.records += records;
                self.part.providers.add(name, ProviderFacts { guid, records });
            }
            Sum::Channel { computer, channel, forwarded, ids: (first_id, last_id), times: (first, last) } => {
                self.part.see(Some(first));
                self.part.see(Some(last));
                if !(computer.is_empty() && channel.is_empty()) {
                    let run = Run { first_id, last_id, first, last };
                    self.part.coverage.of(computer, channel, run.records(), |coverage| coverage.run(run, forwarded));
                }
            }
        }
    }

    fn decides(&mut self, event: &Event) -> bool {
        self.signatures.matches(event, &mut self.matched);
        self.decided = !self.matched.is_empty();
        self.decided
    }

    fn event(&mut self, event: &Event) {
        if !std::mem::take(&mut self.decided) {
            self.signatures.matches(event, &mut self.matched);
        }
        if self.matched.is_empty() {
            return;
        }
        let (name, record) = self.keeper.keep(event);
        let Some(room) = self.room.checked_sub(record.size()) else {
            self.beyond += 1;
            return;
        };
        self.room = room;
        let signatures = self.slugs();
        self.part.rows.push(Row::Evidence(Evidence {
            event: name,
            record,
            signatures,
            source: Source::new(self.path.clone(), event.origin.position),
        }));
    }

    fn damage(&mut self, damage: Damage) {
        self.part.problem(complaint(&self.path, damage));
    }

    fn machine(&mut self, machine: Machine) {
        self.part.machine.merge(machine);
    }
}

impl Reader<'_> {
    /// Slugs of the rules that matched, sorted.
    fn slugs(&mut self) -> List {
        if let Some(known) = self.lists.get(&*self.matched) {
            return known.clone();
        }
        let rules = self.matched.iter().filter_map(|id| self.signatures.rule_at(*id));
        let mut slugs: Vec<Name> = rules.map(|rule| self.keeper.name(&rule.slug)).collect();
        slugs.sort_unstable();
        slugs.dedup();
        let list: List = slugs.into_iter().collect();
        self.lists.insert(self.matched.clone(), list.clone());
        list
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

    /// What a hostile block tells.
    struct Hostile(fn(&mut dyn Sink, usize));

    impl Log for Hostile {
        fn blocks(&self) -> usize {
            2
        }

        fn read(&self, block: usize, _: &Interest, sink: &mut dyn Sink) {
            self.0(sink, block);
        }

        fn damage(&self) -> Vec<Damage> {
            Vec::new()
        }
    }

    fn stamp<'a>(computer: &'a str, provider: &'a str, record_id: u64) -> Stamp<'a> {
        Stamp {
            computer,
            channel: "System",
            provider,
            provider_guid: None,
            event_id: 1,
            record_id: Some(record_id),
            time: Some(Time::default()),
            forwarded: false,
            kind: "",
        }
    }

    fn whole(tells: fn(&mut dyn Sink, usize)) -> Part {
        let (signatures, _) = Signatures::open(true, &[]);
        let mut file = Part::default();
        for block in 0..2 {
            let mut part = Part::default();
            part.read("a.evtx", &Hostile(tells), block, &signatures, &Interest::default());
            file.merge(part);
        }
        file
    }

    #[test]
    fn names_without_end_are_kept_up_to_a_bound_that_is_told() {
        let file = whole(|sink, block| {
            for n in 0..12_000 {
                let name = format!("{block}-{n}");
                sink.record(&stamp(&name, &name, 1));
            }
        });
        let said = file.beyond().unwrap_or_default();
        assert!(said.contains("more than 16384 computers and channels") && said.contains("7616 records"), "{said}");
        assert_eq!((file.records, file.coverage.sorted().len()), (24_000, limits::NAMES));
        assert_eq!(file.providers.sorted().count(), limits::NAMES);
        let ordinary = whole(|sink, block| sink.record(&stamp("SRV01", "Schannel", block as u64)));
        assert_eq!(ordinary.beyond(), None);
    }

    #[test]
    fn a_name_without_end_is_kept_in_part() {
        let tells = |sink: &mut dyn Sink, _: usize| {
            let name = "é".repeat(30_000);
            sink.record(&stamp(&name, &name, 1));
        };
        let file = whole(tells);
        assert!(file.providers.sorted().all(|(provider, _)| provider.len() <= 1024));
        let coverage = file.coverage.sorted();
        assert!(coverage.keys().all(|(computer, _)| computer.len() <= 1024), "{:?}", coverage.keys());
    }

    #[test]
    fn gaps_without_end_leave_a_span_from_which_no_absence_follows() {
        let file = whole(|sink, block| {
            for n in 0..40_000 {
                sink.record(&stamp("SRV01", "Schannel", 10 * (n + 40_000 * block as u64)));
            }
        });
        let coverage: Vec<_> = file.coverage.sorted().into_values().collect();
        assert_eq!(coverage[0].runs.len(), limits::RUNS);
        assert!(coverage[0].unnumbered.is_some() && !coverage[0].contiguous());
    }

    #[test]
    fn evidence_without_end_is_kept_up_to_a_bound_that_is_told() {
        let file = whole(|sink, block| {
            let mut event = Event::default();
            event.system.provider = "Microsoft-Windows-TerminalServices-ClientActiveXCore".to_owned();
            event.system.event_id = 1026;
            event.push("Value", &"x".repeat(3000));
            for n in 0..8000 {
                event.system.record_id = Some(n + 8000 * block as u64);
                sink.event(&event);
            }
        });
        let kept = file.rows.iter().filter(|row| matches!(row, Row::Evidence(_))).count();
        assert!((2000..16_000).contains(&kept), "{kept}");
        let said: Vec<_> =
            file.rows.iter().filter_map(|row| if let Row::Problem(p) = row { Some(p) } else { None }).collect();
        assert!(
            matches!(said[..], [a, b] if a.lost && a.what.contains("of block 0 were left out")
            && b.what.contains("of block 1 were left out")),
            "{said:?}"
        );
    }

    #[test]
    fn a_bug_in_a_reader_ends_its_block_and_not_the_scan() {
        let (signatures, _) = Signatures::open(false, &[]);
        let interest = signatures.interest();
        let mut file = Part::default();
        for block in 0..2 {
            let mut part = Part::default();
            part.read("a.evtx", &Haunted, block, &signatures, interest);
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
