//! Walks the records of a chunk: stage one on each, stage two on those that are wanted.

use std::ops::{Range, RangeInclusive};

use rustc_hash::FxHashMap;

use super::authors::AuthorId;
use super::binxml::{self, Fault, Head, Instance};
use super::catalogue::TemplateId;
use super::collected;
use super::complaints::Complaints;
use super::fields::{Record, TOO_MUCH, TOO_MUCH_OF_CHUNK, Want};
use super::header::{self, CHUNK, ChunkHeader, RECORD_HEADER, RECORD_MAGIC, RECORDS, RecordHeader};
use super::learned::{Facts, Fragments};
use super::slow;
use super::words::Word;
use super::worker::Worker;
use crate::event::{Damage, Interest, Sink, Stamp, Wanted};

/// Records per chunk that the crate `evtx` may try: each costs as much as many read here.
const SLOW_PER_CHUNK: u32 = 64;
/// Event ids of which it is kept what is wanted of their records.
const WANTED: usize = 64;
/// Event ids of which it is kept how the last records fared.
const GUESSES: usize = 256;

/// Author and event id of a record, and what is wanted of such.
type Met<'a> = ((AuthorId, u32), Want<'a>);

/// Reads the chunks of one block.
pub(super) struct Scan<'a> {
    worker: &'a mut Worker,
    interest: &'a Interest,
    /// What is wanted of the providers met so far.
    wanted: FxHashMap<Word, Option<&'a Wanted>>,
    /// What is wanted of the records met last, by event id.
    recent: [Option<Met<'a>>; WANTED],
    sink: &'a mut dyn Sink,
    /// The sink takes sums.
    sums: bool,
    /// File offset of the chunk.
    offset: u64,
    /// Chunks before this offset hold records, as the header of the file says.
    counted: u64,
    complaints: Complaints,
    /// Records that the crate `evtx` tried so far, to tell them and to read their fields.
    slow: [u32; 2],
    /// By event id, whether such a record of this chunk will match, as the last ones did: not negative if so. Wrong
    /// guesses, and ids that share a place, cost time alone.
    guesses: [i8; GUESSES],
}

/// What the walk over a chunk may rely on.
#[derive(Clone)]
struct Bounds {
    /// Up to here records are live for sure.
    live: usize,
    /// Ids of the chunk's records, where the header can be trusted.
    ids: Option<RangeInclusive<u64>>,
    /// Records may go on behind `live`: the header is older than they are.
    open: bool,
    /// What follows the last record may be anything: there is no header, or the file ends
    /// within the chunk, which is reported already.
    blind: bool,
}

impl<'a> Scan<'a> {
    pub fn new(worker: &'a mut Worker, interest: &'a Interest, sink: &'a mut dyn Sink) -> Self {
        worker.begin(interest);
        let sums = sink.takes_sums();
        Scan {
            worker,
            interest,
            wanted: FxHashMap::default(),
            recent: [None; WANTED],
            sink,
            sums,
            offset: 0,
            counted: 0,
            complaints: Complaints::default(),
            slow: [0; 2],
            guesses: [0; GUESSES],
        }
    }

    /// The header of the file counts chunks up to this offset.
    pub fn counting(mut self, counted: u64) -> Self {
        self.counted = counted;
        self
    }

    /// Tells of what could not be read of the file.
    pub fn damage(&mut self, damage: Damage) {
        self.sink.damage(damage);
    }

    /// Reads one chunk that lies at `offset` of its file.
    pub fn chunk(&mut self, data: &[u8], offset: u64) {
        self.offset = offset;
        self.complaints = Complaints::of(offset);
        self.slow = [0; 2];
        self.guesses = [0; GUESSES];
        self.worker.clear();
        match header::chunk(data) {
            Some(header) => {
                let bounds = self.bounds(data, header);
                let (at, last) = self.walk(data, (RECORDS, None), &bounds);
                self.behind(data, (at, last), bounds);
            }
            // Logs grow by chunks of zeros, which their headers do not count yet.
            None if is_blank(data) => {
                if offset < self.counted {
                    self.report(0, "a chunk of zeros where the file's header counts one of records".to_owned(), true);
                }
            }
            None => {
                self.report(0, "no header of a chunk; its records were looked for one by one".to_owned(), true);
                let bounds = Bounds { live: data.len(), ids: None, open: true, blind: true };
                self.walk(data, (RECORDS, None), &bounds);
            }
        }
        self.complaints.tell_unread(self.sink);
        self.tell();
        self.complaints.end(self.sink);
    }

    fn bounds(&mut self, data: &[u8], header: ChunkHeader) -> Bounds {
        let whole = data.len() == CHUNK;
        let header_sound = header.is_sound(data);
        let records_sound = !whole || header.records_are_sound(data);
        let sound = whole && header_sound && records_sound;
        if !header_sound {
            self.report(0, "checksum of the chunk's header does not match".to_owned(), false);
        }
        if !records_sound {
            let what = "checksum of the chunk does not match; its records were read all the same";
            self.report(0, what.to_owned(), false);
        }
        let known = header.free_space >= RECORDS && (header_sound || header.free_space <= CHUNK);
        if !whole && known && header.free_space > data.len() {
            self.report(data.len(), "the file ends here; the records behind are missing".to_owned(), true);
        }
        Bounds {
            live: if known { header.free_space.min(data.len()) } else { data.len() },
            ids: header_sound.then_some(header.first_id..=header.last_id),
            open: !sound,
            blind: !whole,
        }
    }

    /// What lies behind the end that the chunk's header tells, where the header names records that were not met before it.
    fn behind(&mut self, data: &[u8], (at, last): (usize, Option<u64>), bounds: Bounds) {
        let Some(named) = bounds.ids.as_ref().map(|ids| *ids.end()) else { return };
        // A chunk without a record names the highest number there is.
        let none = named == u64::MAX || bounds.ids.as_ref().is_none_or(RangeInclusive::is_empty);
        if bounds.blind || none || last.is_some_and(|last| last >= named) {
            return;
        }
        let wide = Bounds { live: data.len(), blind: true, ..bounds };
        let (_, found) = self.walk(data, (at, last), &wide);
        let what = match found {
            Some(found) if found >= named => {
                format!("records up to {named} lie behind the end that the chunk's header tells; they were read")
            }
            _ => format!("the chunk's header names records up to {named}, which are not here"),
        };
        self.report(at, what, found.is_none_or(|found| found < named));
    }

    /// From a record on, and the id of the one before. Where it ended, and the id of the last record.
    fn walk(&mut self, data: &[u8], (mut at, mut last): (usize, Option<u64>), bounds: &Bounds) -> (usize, Option<u64>) {
        while at < data.len() {
            let record = header::record(data, at);
            if at >= bounds.live {
                // A stale record of an earlier round has a lower id.
                let goes_on = bounds.open
                    && record.is_some_and(|record| {
                        last.is_some_and(|last: u64| record.id == last.wrapping_add(1))
                            && header::is_closed(data, at, record)
                    });
                if !goes_on {
                    break;
                }
            }
            match record {
                Some(record) => {
                    self.record_and_hidden(data, at, record);
                    last = Some(record.id);
                    at += record.size;
                }
                None => match self.resume(data, at, last, bounds) {
                    Some(next) => at = next,
                    None => break,
                },
            }
        }
        (at, last)
    }

    /// Where the next record is, behind bytes that hold none.
    fn resume(&mut self, data: &[u8], at: usize, last: Option<u64>, bounds: &Bounds) -> Option<usize> {
        let rest = data.get(..bounds.live).unwrap_or(data);
        let mut from = at + 1;
        while let Some(next) = find_record(rest, from) {
            let found = header::record(data, next).filter(|record| header::is_closed(data, next, *record));
            // Stale records of an earlier round have ids from before.
            let is_live = |record: RecordHeader| match &bounds.ids {
                Some(ids) => ids.contains(&record.id),
                None => last.is_none_or(|last| record.id > last),
            };
            if found.is_some_and(is_live) {
                self.report(at, format!("{} bytes hold no readable record", next - at), true);
                return Some(next);
            }
            from = next + 1;
        }
        let blank = rest.get(at..).is_none_or(is_blank);
        let expected = blank || (bounds.blind && last.is_some());
        if !expected {
            let what = match header::record_mark(data, at) {
                true => "a record here goes beyond its chunk; what follows was lost",
                false => "no record begins here; what follows was lost",
            };
            self.report(at, what.to_owned(), true);
        }
        None
    }

    #[inline]
    fn record_and_hidden(&mut self, data: &[u8], at: usize, record: RecordHeader) {
        let end = at + record.size - 4;
        if let Some(from) = self.record(data, at, record).filter(|from| from + RECORD_HEADER + 4 < end) {
            self.hidden(data, from..end, record);
        }
    }

    /// What lies behind the content of a record: tools that remove records from logs make the one before longer.
    #[cold]
    fn hidden(&mut self, data: &[u8], Range { start: mut from, end }: Range<usize>, record: RecordHeader) {
        while from + RECORD_HEADER + 4 < end {
            let Some(inner) = data.get(..end).and_then(|data| find_record(data, from)) else { break };
            // The copy of the outer size may stand in place of its own.
            let found = header::record(data, inner).filter(|found| match inner + found.size {
                close if close == end + 4 => true,
                close => close <= end && header::is_closed(data, inner, *found),
            });
            let Some(found) = found else {
                from = inner + 1;
                continue;
            };
            let what = format!(
                "record {} lies hidden inside record {}, as tools that remove records leave it; it was read",
                found.id, record.id
            );
            self.report(inner, what, false);
            from = self.record(data, inner, found).unwrap_or(inner + found.size);
        }
    }

    /// Reads one record. Returns where its content ends, if that is known.
    #[inline]
    fn record(&mut self, data: &[u8], at: usize, record: RecordHeader) -> Option<usize> {
        let (start, end) = (at + RECORD_HEADER, at + record.size - 4);
        let head = binxml::leading_head(data, start, end).ok().flatten();
        let Some((template, facts, instance)) = head.and_then(|head| self.facts(data, head)) else {
            return self.other(data, at, record, head);
        };
        self.tell_of(&facts);
        if let Some(want) = self.want(&facts)
            && !self.is_barred(data, template, &instance, end, &want)
        {
            self.wanted_record(data, at, record, want, &facts);
        }
        Some(instance.end as usize)
    }

    /// Reads one record that is not as nearly all are: there is no template, or not as simple a one.
    #[cold]
    fn other(&mut self, data: &[u8], at: usize, record: RecordHeader, head: Option<Head>) -> Option<usize> {
        if let Some(head) = head {
            self.whole(data, at, record);
            return Some(head.instance(data).ok()?.end as usize);
        }
        let Worker { authors, words, .. } = &mut *self.worker;
        match collected::read(data, at + RECORD_HEADER, at + record.size - 4, authors, words) {
            Some(facts) => {
                self.tell_of(&facts);
                if let Some(want) = self.want(&facts) {
                    self.wanted_record(data, at, record, want, &facts);
                }
            }
            None => self.whole(data, at, record),
        }
        None
    }

    /// Stage one.
    #[inline]
    fn facts(&mut self, data: &[u8], head: Head) -> Option<(TemplateId, Facts, Instance)> {
        let Worker { templates, plans, authors, words, .. } = &mut *self.worker;
        let template = templates.get(head.definition, || plans.template(data, head.definition, words))?;
        let (facts, instance) = plans.catalogue.learned(template)?.read(data, head, authors, words)?;
        Some((template, facts, instance))
    }

    #[inline]
    fn tell_of(&mut self, facts: &Facts) {
        let Worker { tally, authors, words, .. } = &mut *self.worker;
        if self.sums {
            return tally.add(facts, authors, words, self.sink);
        }
        let Some(author) = authors.get(facts.author) else { return };
        self.sink.record(&Stamp {
            computer: words.text(author.computer),
            channel: words.text(author.channel),
            provider: words.text(author.provider),
            provider_guid: author.provider_guid,
            event_id: facts.event_id,
            record_id: Some(facts.record_id),
            time: Some(facts.time),
            forwarded: facts.forwarded,
            kind: "",
        });
    }

    /// Tells the sums so far.
    fn tell(&mut self) {
        let Worker { tally, authors, words, .. } = &mut *self.worker;
        tally.tell(authors, words, self.sink);
    }

    /// What is wanted of such a record. `None`: nothing.
    #[inline]
    fn want(&mut self, facts: &Facts) -> Option<Want<'a>> {
        let key = (facts.author, facts.event_id);
        let known = match &self.recent[facts.event_id as usize % WANTED] {
            Some((known, want)) if *known == key => want,
            _ => self.find_want(key),
        };
        known.any().then_some(*known)
    }

    #[cold]
    fn find_want(&mut self, key: (AuthorId, u32)) -> &Want<'a> {
        let (author, event_id) = key;
        let author = self.worker.authors.get(author).copied();
        let mut by = |name: Option<Word>| name.and_then(|name| self.wanted_of(name)?.fields(event_id));
        let by_name = by(author.map(|author| author.provider));
        let by_source = by(author.and_then(|author| author.source_name));
        let any = self.interest.any_provider().fields(event_id);
        let want = Want::of([by_name, by_source, any], &mut self.worker.plans);
        &self.recent[event_id as usize % WANTED].insert((key, want)).1
    }

    fn wanted_of(&mut self, provider: Word) -> Option<&'a Wanted> {
        let (interest, words) = (self.interest, &self.worker.words);
        *self.wanted.entry(provider).or_insert_with(|| interest.provider(words.text(provider)))
    }

    /// A record that stage one cannot read: by its whole plan, or by the crate `evtx`.
    fn whole(&mut self, data: &[u8], at: usize, record: RecordHeader) {
        let read = self.fill(data, at, record, Want::default(), None);
        let none = Fault { at: at + RECORD_HEADER, what: "no System part" };
        let read = read.and_then(|()| if self.has_system() { Ok(()) } else { Err(none) });
        if let Err(Fault { at: place, what }) = read
            && !(self.fill_slowly(data, at, record, Want::default()).is_ok() && self.has_system())
        {
            let why = format!("could not be read (at byte {place} of the chunk: {what})");
            return self.complaints.unread(at, record.id, why, self.sink);
        }
        // In the order in which the records stand.
        self.tell();
        let system = &self.worker.event.system;
        self.sink.record(&Stamp {
            computer: &system.computer,
            channel: &system.channel,
            provider: &system.provider,
            provider_guid: system.provider_guid,
            event_id: system.event_id,
            record_id: system.record_id,
            time: system.time,
            forwarded: self.worker.event.origin.forwarded,
            kind: "",
        });
        let by = |name: &str| self.interest.provider(name).and_then(|wanted| wanted.fields(system.event_id));
        let any = self.interest.any_provider().fields(system.event_id);
        let want = Want::of([by(&system.provider), by(&system.source_name), any], &mut self.worker.plans);
        if want.any() {
            self.event(data, at, record, want, None);
        }
    }

    /// Can it be told by a few values that no signature matches?
    fn is_barred(
        &mut self,
        data: &[u8],
        template: TemplateId,
        instance: &Instance,
        end: usize,
        want: &Want<'a>,
    ) -> bool {
        if !want.is_gated() || !binxml::is_over(data, instance.end as usize, end) {
            return false;
        }
        let Worker { plans, gates, .. } = &mut *self.worker;
        let mut fragments = Fragments::NONE;
        let template = plans.catalogue.learned(template);
        if template.and_then(|template| template.fragments(data, instance, &mut fragments)).is_none() {
            return false;
        }
        gates.bar(data, plans, fragments.found(), want)
    }

    /// Stage two begins with what decides, where most of what is wanted by its number turns out to be another's. Where
    /// most of it matches, records are read whole at once.
    fn wanted_record(&mut self, data: &[u8], at: usize, record: RecordHeader, want: Want<'a>, facts: &Facts) {
        let Some(deciding) = want.deciding() else {
            return self.event(data, at, record, want, Some(facts));
        };
        let place = facts.event_id as usize % GUESSES;
        let guess = self.guesses[place];
        let matched = if guess >= 0 && self.fill(data, at, record, want, Some(facts)).is_ok() {
            self.worker.event.origin.forwarded = facts.forwarded;
            let matched = self.sink.decides(&self.worker.event);
            if matched {
                self.sink.event(&self.worker.event);
            }
            matched
        } else {
            // What cannot be read so is told of by the whole reading.
            let unread = self.fill(data, at, record, deciding, Some(facts)).is_err();
            let matched = unread || self.sink.decides(&self.worker.event);
            if matched {
                self.event(data, at, record, want, Some(facts));
            }
            matched
        };
        self.guesses[place] = if matched { (guess + 1).min(1) } else { (guess - 1).max(-2) };
    }

    /// Stage two. `facts`: what stage one has read, which is not read again.
    fn event(&mut self, data: &[u8], at: usize, record: RecordHeader, want: Want<'a>, facts: Option<&Facts>) {
        if let Err(fault) = self.fill(data, at, record, want, facts) {
            let cut = [TOO_MUCH, TOO_MUCH_OF_CHUNK].contains(&fault.what);
            if cut || self.fill_slowly(data, at, record, want).is_err() {
                // What was read before the fault still tells something.
                if !cut {
                    let _ = self.fill(data, at, record, want, facts);
                }
                let what = format!(
                    "record {}: read only in part (at byte {} of the chunk: {})",
                    record.id, fault.at, fault.what
                );
                self.report(at, what, true);
            }
        }
        if let Some(facts) = facts {
            // Stage one goes by the lengths of elements: where they lie, it is still one answer.
            self.worker.event.origin.forwarded = facts.forwarded;
        }
        self.sink.event(&self.worker.event);
    }

    /// Does the event say what it is?
    fn has_system(&self) -> bool {
        let system = &self.worker.event.system;
        !(system.provider.is_empty() && system.channel.is_empty() && system.event_id == 0)
    }

    fn start_event(&mut self, at: usize, record: RecordHeader) {
        let event = &mut self.worker.event;
        event.clear();
        event.origin.position.offset = self.offset + at as u64;
        event.origin.length = u32::try_from(record.size).unwrap_or(u32::MAX);
    }

    fn fill(
        &mut self,
        data: &[u8],
        at: usize,
        record: RecordHeader,
        want: Want<'a>,
        facts: Option<&Facts>,
    ) -> Result<(), Fault> {
        self.start_event(at, record);
        let Worker { plans, items, event, authors, words, .. } = &mut *self.worker;
        if let Some(facts) = facts {
            facts.put(&mut event.system, authors, words);
        }
        plans.reading = want.any();
        let mut reading = Record::new(data, plans, items, event, want);
        reading.has_facts = facts.is_some();
        let done = reading.read(at + RECORD_HEADER, at + record.size - 4);
        plans.reading = false;
        done
    }

    fn fill_slowly(&mut self, data: &[u8], at: usize, record: RecordHeader, want: Want<'a>) -> Result<(), String> {
        let slow = &mut self.slow[usize::from(want.any())];
        *slow += 1;
        if *slow > SLOW_PER_CHUNK {
            return Err("too many damaged records in one chunk".to_owned());
        }
        let xml = slow::render(data, at, false)?;
        self.start_event(at, record);
        slow::fill(&xml, &mut self.worker.event, want);
        Ok(())
    }

    fn report(&mut self, at: usize, what: String, lost: bool) {
        self.complaints.add(at, what, lost, self.sink);
    }
}

fn is_blank(data: &[u8]) -> bool {
    // By blocks, which compare at once: files that grow ahead are mostly zeros.
    let (blocks, rest) = data.as_chunks::<64>();
    blocks.iter().all(|block| *block == [0; 64]) && rest.iter().all(|byte| *byte == 0)
}

/// Where the marks of a record stand next, from `from` on.
fn find_record(data: &[u8], from: usize) -> Option<usize> {
    let rest = data.get(from..)?;
    rest.windows(RECORD_MAGIC.len()).position(|bytes| bytes == RECORD_MAGIC).map(|at| from + at)
}
