//! The reader on chunks made by hand: shapes that real logs seldom have.

mod hostile;
mod short;

use super::authors::Authors;
use super::collected;
use super::fields::Want;
use super::header::{CHUNK, RECORD_HEADER, RECORDS};
use super::scan::Scan;
use super::words::Words;
use super::worker::Worker;
use crate::event::{Damage, Event, Fields, Interest, Sink, Stamp};

/// Writes one chunk.
struct Chunk {
    data: Vec<u8>,
    records: u64,
    start: usize,
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

impl Chunk {
    fn new() -> Self {
        Chunk { data: vec![0; RECORDS], records: 0, start: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.data.extend_from_slice(bytes);
        self
    }

    fn u16(&mut self, value: usize) -> &mut Self {
        self.put(&(value as u16).to_le_bytes())
    }

    fn u32(&mut self, value: usize) -> &mut Self {
        self.put(&(value as u32).to_le_bytes())
    }

    fn start(&mut self) -> &mut Self {
        self.start = self.data.len();
        self.records += 1;
        let id = self.records;
        self.put(b"**\0\0\0\0\0\0").put(&id.to_le_bytes()).put(&[0; 8]).put(&[0x0F, 1, 1, 0])
    }

    /// Ends the record; `more`: bytes behind its content.
    fn end(&mut self, more: &[u8]) -> &mut Self {
        self.put(&[0]).put(more);
        let size = self.data.len() + 4 - self.start;
        self.u32(size);
        let at = self.start + 4;
        self.data[at..at + 4].copy_from_slice(&(size as u32).to_le_bytes());
        self
    }

    fn name(&mut self, name: &str) -> &mut Self {
        let here = self.data.len() + 4;
        self.u32(here).u32(0).u16(0).u16(name.len()).put(&utf16(name)).u16(0)
    }

    /// A start tag with attributes, left open; `guard` as in definitions.
    fn open(&mut self, name: &str, guard: Option<usize>) -> &mut Self {
        self.put(&[0x41]);
        if let Some(guard) = guard {
            self.u16(guard);
        }
        self.u32(0).name(name).u32(0)
    }

    fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        self.put(&[0x06]).name(name).text(value)
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.put(&[0x05, 0x01]).u16(text.encode_utf16().count()).put(&utf16(text))
    }

    fn element(&mut self, name: &str, text: &str) -> &mut Self {
        self.element_in(name, text, None)
    }

    fn element_in(&mut self, name: &str, text: &str, guard: Option<usize>) -> &mut Self {
        self.open(name, guard).put(&[0x02]).text(text).put(&[0x04])
    }

    /// `<Event><System>…</System>`, in a record's own stream.
    fn system(&mut self) -> &mut Self {
        self.open("Event", None).put(&[0x02]).open("System", None).put(&[0x02]);
        self.open("Provider", None).attribute("Name", "Some-Provider").put(&[0x03]);
        self.element("EventID", "4625").element("Level", "0").element("EventRecordID", "77");
        self.open("TimeCreated", None).attribute("SystemTime", "2020-09-19T03:21:46.565432199Z").put(&[0x03]);
        self.element("Channel", "Security").element("Computer", "host.example").put(&[0x04])
    }

    /// A template instance whose definition holds `Event` with `body`, and values.
    fn instance(&mut self, body: impl FnOnce(&mut Self), values: &[(u8, Vec<u8>)]) -> &mut Self {
        self.put(&[0x0C, 1]).u32(0);
        let here = self.data.len() + 4;
        self.u32(here).put(&[0; 20]);
        let size = self.data.len();
        self.u32(0).put(&[0x0F, 1, 1, 0]);
        body(self);
        self.put(&[0]);
        let length = self.data.len() - size - 4;
        self.data[size..size + 4].copy_from_slice(&(length as u32).to_le_bytes());
        self.values(values)
    }

    /// A use of the template at this offset.
    fn use_of(&mut self, definition: usize, values: &[(u8, Vec<u8>)]) -> &mut Self {
        self.put(&[0x0C, 1]).u32(0).u32(definition).values(values)
    }

    fn values(&mut self, values: &[(u8, Vec<u8>)]) -> &mut Self {
        self.u32(values.len());
        for (kind, value) in values {
            self.u16(value.len()).put(&[*kind, 0]);
        }
        for (_, value) in values {
            self.put(value);
        }
        self
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut data = self.data.clone();
        let free = data.len();
        data.resize(CHUNK, 0);
        data[..8].copy_from_slice(b"ElfChnk\0");
        data[24..32].copy_from_slice(&1u64.to_le_bytes());
        data[32..40].copy_from_slice(&self.records.to_le_bytes());
        data[48..52].copy_from_slice(&(free as u32).to_le_bytes());
        let sum = evtx::checksum_ieee(&data[RECORDS..free]);
        data[52..56].copy_from_slice(&sum.to_le_bytes());
        let sum = evtx::checksum_ieee(&[&data[..120], &data[128..RECORDS]].concat());
        data[124..128].copy_from_slice(&sum.to_le_bytes());
        data
    }
}

/// Numbers that look random.
fn random(mut state: u64) -> impl FnMut() -> usize {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    }
}

#[derive(Default)]
struct Collected {
    records: Vec<(String, u32, Option<u64>, String, bool)>,
    events: Vec<Vec<(String, String)>>,
    levels: Vec<Option<u8>>,
    damage: Vec<Damage>,
}

impl Sink for Collected {
    fn record(&mut self, s: &Stamp<'_>) {
        let time = s.time.map(|time| time.to_string()).unwrap_or_default();
        self.records.push((s.provider.to_owned(), s.event_id, s.record_id, time, s.forwarded));
    }

    fn event(&mut self, event: &Event) {
        self.levels.push(event.system.level);
        self.events.push(event.fields().map(|(n, v)| (n.to_owned(), v.to_owned())).collect());
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

fn read(data: &[u8]) -> Collected {
    let mut collected = Collected::default();
    let interest = Interest::everything();
    let mut worker = Worker::default();
    Scan::new(&mut worker, &interest, &mut collected).chunk(data, 4096);
    collected
}

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn a_record_without_template_is_read_as_forwarded() {
    let mut chunk = Chunk::new();
    chunk.start().system().open("EventData", None).put(&[0x02]);
    chunk.open("Data", None).attribute("Name", "User").put(&[0x02]).text("me").put(&[0x04]);
    chunk.element("Data", "plain").open("Data", None).put(&[0x03]);
    let got = read(chunk.put(&[0x04, 0x04]).end(&[]).finish().as_slice());
    let time = "2020-09-19T03:21:46.5654321Z".to_owned();
    assert_eq!(got.records, [("Some-Provider".to_owned(), 4625, Some(77), time, true)]);
    assert_eq!(got.levels, [Some(0)]);
    assert_eq!(got.events, [pairs(&[("User", "me"), ("Data", "plain"), ("Data", "")])]);
    assert_eq!(got.damage, []);
}

#[test]
fn records_of_collectors_read_the_same_without_a_plan_and_by_one() {
    let record = |written: &dyn Fn(&mut Chunk)| {
        let mut chunk = Chunk::new();
        chunk.start().open("Event", None).attribute("xmlns", "x").put(&[0x02]).open("System", None).put(&[0x02]);
        chunk.open("Provider", None).attribute("Name", "Some-Provider").put(&[0x03]);
        chunk.open("EventID", None).attribute("Qualifiers", "1").put(&[0x02]).text("4625").put(&[0x04]);
        chunk.open("TimeCreated", None).attribute("SystemTime", "2020-09-19T03:21:46.565432199Z").put(&[0x03]);
        chunk.open("Correlation", None).put(&[0x03]).element("EventRecordID", "77").element("Channel", "Security");
        written(&mut chunk);
        let data = chunk.put(&[0x04, 0x04]).end(&[]).finish();
        let end = chunk.data.len() - 4;
        let (authors, words) = (&mut Authors::default(), &mut Words::default());
        let alone = collected::read(&data, RECORDS + RECORD_HEADER, end, authors, words);
        let told = alone.map(|facts| {
            let author = authors.get(facts.author).unwrap();
            let names = [author.provider, author.channel, author.computer].map(|word| words.text(word).to_owned());
            (names.join(" "), facts.event_id, facts.record_id, facts.time.to_string(), facts.forwarded)
        });
        (told, read(&data).records.remove(0))
    };
    let alone = record(&|chunk| _ = chunk.element("Computer", "host"));
    let (names, time) = ("Some-Provider Security host".to_owned(), "2020-09-19T03:21:46.5654321Z".to_owned());
    assert_eq!(alone.0, Some((names, 4625, 77, time, true)));
    // What is written in another way is left to the plan, and says the same.
    let odd: [&dyn Fn(&mut Chunk); 4] = [
        &|chunk| _ = chunk.open("Computer", None).put(&[0x02]).text("ho").text("st").put(&[0x04]),
        &|chunk| _ = chunk.element("Computer", "host").element("Channel", "Security"),
        &|chunk| _ = chunk.open("Computer", None).put(&[0x02]).open("x", None).put(&[0x03, 0x04]),
        &|_| (),
    ];
    for written in odd {
        assert_eq!(record(written), (None, alone.1.clone()));
    }
}

#[test]
fn user_data_tells_leaves_attributes_and_nested_elements() {
    let mut chunk = Chunk::new();
    chunk.start().system().open("UserData", None).put(&[0x02]);
    chunk.open("EventXML", None).attribute("xmlns", "Event_NS").put(&[0x02]).element("Address", "10.0.0.5");
    chunk.open("State", None).attribute("code", "7").put(&[0x02]).element("p:Reason", "a&b").put(&[0x04, 0x04]);
    let got = read(&chunk.put(&[0x04, 0x04]).end(&[]).finish());
    assert_eq!(got.events, [pairs(&[("Address", "10.0.0.5"), ("State_code", "7"), ("Reason", "a&b")])]);
}

fn template_event(chunk: &mut Chunk) {
    let none = Some(0xFFFF);
    chunk.open("Event", none).put(&[0x02]).open("System", none).put(&[0x02]);
    chunk.open("Provider", none).attribute("Name", "T").put(&[0x03]);
    chunk.open("EventID", none).put(&[0x02, 0x0D, 0, 0, 0x06, 0x04]);
    chunk.open("Channel", none).put(&[0x02]).text("C").put(&[0x04, 0x04]);
    chunk.open("EventData", none).put(&[0x02]);
    chunk.open("Data", Some(1)).attribute("Name", "Left").put(&[0x02, 0x0E, 1, 0, 0x01, 0x04]);
    chunk.open("Data", none).put(&[0x02, 0x0D, 2, 0, 0x81, 0x04]);
    chunk.put(&[0x04, 0x04]);
}

#[test]
fn guards_leave_out_and_arrays_repeat() {
    let values = [(0x06, vec![9, 0]), (0x00, vec![]), (0x81, [utf16("a"), vec![0; 4], utf16("b\0")].concat())];
    let mut chunk = Chunk::new();
    chunk.start().instance(template_event, &values).end(&[]);
    let got = read(&chunk.finish());
    assert_eq!(got.damage, []);
    assert_eq!(got.events, [pairs(&[("Data", "a"), ("Data", ""), ("Data", "b")])]);
    assert!(!got.records[0].4);
}

/// An event whose `Event` holds a fragment in slot 1.
fn with_fragment(chunk: &mut Chunk) {
    let none = Some(0xFFFF);
    chunk.open("Event", none).put(&[0x02]).open("System", none).put(&[0x02]);
    chunk.open("Provider", none).attribute("Name", "T").put(&[0x03]);
    chunk.open("EventID", none).put(&[0x02, 0x0D, 0, 0, 0x06, 0x04]);
    chunk.open("EventRecordID", none).put(&[0x02, 0x0D, 1, 0, 0x0A, 0x04]);
    chunk.open("TimeCreated", none).put(&[0x06]).name("SystemTime").put(&[0x0D, 2, 0, 0x11, 0x03]);
    chunk.element_in("Channel", "C", none).element_in("Computer", "H", none).put(&[0x04]);
    chunk.put(&[0x0D, 3, 0, 0x21, 0x04]);
}

#[test]
fn rendering_info_beside_the_data_tells_a_forwarded_record() {
    for (last, lengths, forwarded) in [
        ("RenderingInfo", true, true),
        ("RenderingInfo", false, true),
        ("ProcessingErrorData", true, false),
        ("ProcessingErrorData", false, false),
    ] {
        let mut chunk = Chunk::new();
        let values = [(0x06, vec![9, 0]), (0x0A, vec![7; 8]), (0x11, vec![1; 8]), (0x21, Vec::new())];
        chunk.start().instance(with_fragment, &values);
        let start = chunk.data.len();
        for name in ["EventData", last] {
            let at = chunk.data.len();
            chunk.open(name, None).put(&[0x03]);
            // Without its length the element is left to the plan.
            let length = if lengths { chunk.data.len() - at - 5 } else { 0 };
            chunk.data[at + 1..at + 5].copy_from_slice(&(length as u32).to_le_bytes());
        }
        let length = chunk.data.len() - start;
        chunk.data[start - 22..start - 20].copy_from_slice(&(length as u16).to_le_bytes());
        let got = read(&chunk.end(&[]).finish());
        assert_eq!(got.damage, []);
        assert_eq!((got.records[0].1, got.records[0].4), (9, forwarded), "{last} {lengths}");
        assert_eq!(got.events.len(), 1);
    }
}

#[test]
fn a_record_hidden_by_another_is_read_and_named() {
    let mut inner = Chunk::new();
    inner.data.resize(4096, 0);
    inner.start().system().put(&[0x04]).end(&[]);
    let values = [(0x06, vec![9, 0]), (0x01, vec![]), (0x81, vec![])];
    let mut chunk = Chunk::new();
    chunk.start().instance(template_event, &values).put(&[0]);
    let start = chunk.start;
    // Names in the hidden record refer to places in the chunk: it is made where it will lie.
    let mut hidden = Chunk::new();
    hidden.data = chunk.data.clone();
    hidden.records = 8;
    hidden.start().system().put(&[0x04]).end(&[]);
    chunk.data = hidden.data;
    chunk.start = start;
    let got = read(&chunk.end(&[]).finish());
    assert_eq!(got.records.len(), 2, "{:?}", got.damage);
    assert!(got.damage[0].what.contains("hidden inside") && !got.damage[0].lost);
}

#[test]
fn stale_records_behind_the_live_ones_stay_out() {
    let mut chunk = Chunk::new();
    chunk.start().system().put(&[0x04]).end(&[]);
    let live = chunk.data.len();
    chunk.start().system().put(&[0x04]).end(&[]);
    chunk.records = 1;
    let stale = chunk.data.split_off(live);
    let mut data = chunk.finish();
    data[live..live + stale.len()].copy_from_slice(&stale);
    assert_eq!(read(&data).records.len(), 1);
    // The checksum of the records is wrong: the header is older than they are.
    data[52] ^= 1;
    let sum = evtx::checksum_ieee(&[&data[..120], &data[128..RECORDS]].concat());
    data[124..128].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(read(&data).records.len(), 2);
}

/// A folder opens as a file does, and gives no byte.
#[cfg(unix)]
#[test]
fn what_a_disk_does_not_give_is_told_once_a_block() {
    use super::{BLOCK, Evtx};
    use crate::source::Log;
    use crate::source::ahead::Ahead;
    let file = std::fs::File::open(env!("CARGO_MANIFEST_DIR")).unwrap_or_else(|error| unreachable!("{error}"));
    let log =
        Evtx { file: Ahead::new(file, BLOCK), base: 4096, bytes: 4096 + 2 * BLOCK + 7, counted: 0, damage: Vec::new() };
    let mut told = Collected::default();
    (0..log.blocks()).for_each(|block| log.read(block, &Interest::everything(), &mut told));
    let told: Vec<_> =
        told.damage.iter().map(|damage| (damage.offset, damage.what.split(':').next(), damage.lost)).collect();
    let bytes = ["2097152 bytes cannot be read", "2097152 bytes cannot be read", "7 bytes cannot be read"];
    let places = [4096, 4096 + BLOCK, 4096 + 2 * BLOCK];
    let expected: Vec<_> = places.into_iter().zip(bytes).map(|(offset, what)| (offset, Some(what), true)).collect();
    assert_eq!(told, expected);
}
