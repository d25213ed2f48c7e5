//! The short ways on made-up records: gates before data without a template, and what is kept from block to block.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::event::{Gate, Names, Place, Seen, Sign, Wanted, Way};
use crate::source::evtx::binxml::BINXML;
use crate::source::evtx::gate::{KNOWN_SHUT, LOOKS, TEMPLATES};

/// Fields of records, by their ids.
#[derive(Default)]
struct ById(BTreeMap<u64, Vec<(String, String)>>);

impl Sink for ById {
    fn record(&mut self, _: &Stamp<'_>) {}

    fn event(&mut self, event: &Event) {
        let fields = event.fields().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        self.0.insert(event.system.record_id.unwrap(), fields);
    }

    fn damage(&mut self, damage: Damage) {
        panic!("{damage:?}");
    }
}

/// A template with a value that is a fragment behind `System`.
fn fragment_in_event(chunk: &mut Chunk) {
    system_and(chunk, |chunk| _ = chunk.put(&[0x0D, 3, 0, 0x21]));
}

/// `System`, whose values stand in the first three slots, and what is behind it.
fn system_and(chunk: &mut Chunk, more: impl FnOnce(&mut Chunk)) {
    let none = Some(0xFFFF);
    chunk.open("Event", none).put(&[0x02]).open("System", none).put(&[0x02]);
    chunk.open("Provider", none).attribute("Name", "T").put(&[0x03]);
    chunk.open("EventID", none).put(&[0x02, 0x0D, 0, 0, 0x06, 0x04]);
    chunk.open("TimeCreated", none).put(&[0x06]).name("SystemTime").put(&[0x0D, 1, 0, 0x11, 0x03]);
    chunk.open("EventRecordID", none).put(&[0x02, 0x0D, 2, 0, 0x0A, 0x04]);
    chunk.element_in("Channel", "C", none).element_in("Computer", "h", none).put(&[0x04]);
    more(chunk);
    chunk.put(&[0x04]);
}

/// Writes fragments whose names refer to each other's.
struct Fragments<'a> {
    next: &'a mut dyn FnMut() -> usize,
    /// Where names stand that were written before.
    names: BTreeMap<&'static str, usize>,
}

const NAMES: [&str; 7] = ["Result", "value", "Aux", "p:Aux", "ProcessName", "Result_value", "xmlns"];
const VALUES: [&str; 9] = ["800b0109", "0", "mstsc.exe", "x", "", "msrdc.exe", "MSTSC.EXE\0tail", "x\0", "\u{212A}x"];

impl Fragments<'_> {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.next)() % from.len()]
    }

    fn one_in(&mut self, many: usize) -> bool {
        (self.next)().is_multiple_of(many)
    }

    /// `at`: where `out` will stand in the chunk.
    fn name(&mut self, out: &mut Vec<u8>, at: usize, name: &'static str) {
        let here = at + out.len() + 4;
        let known = *self.names.entry(name).or_insert(here);
        out.extend((known as u32).to_le_bytes());
        if known == here {
            out.extend([&[0; 6][..], &(name.len() as u16).to_le_bytes(), &utf16(name), &[0, 0]].concat());
        }
    }

    fn value(&mut self, out: &mut Vec<u8>) {
        match (self.next)() % 12 {
            0 => {}
            1 => out.extend([0x08, 0x30, 0]),
            2 => out.extend([0x05, 0x08, 0, 0, 0, 0]),
            n => {
                let text = utf16(self.pick(&VALUES));
                out.extend([&[0x05, 0x01][..], &(text.len() as u16 / 2).to_le_bytes(), &text].concat());
                if n == 3 {
                    self.value(out);
                }
            }
        }
    }

    fn element(&mut self, out: &mut Vec<u8>, at: usize, name: &'static str, depth: usize) {
        let has_attributes = !self.one_in(3);
        out.push(if has_attributes { 0x41 } else { 0x01 });
        let size = out.len();
        out.extend([0; 4]);
        self.inside(out, at, name, depth, has_attributes);
        let length = (out.len() - size - 4) as u32;
        out[size..size + 4].copy_from_slice(&length.to_le_bytes());
    }

    fn inside(&mut self, out: &mut Vec<u8>, at: usize, name: &'static str, depth: usize, has_attributes: bool) {
        self.name(out, at, name);
        if has_attributes {
            out.extend([0; 4]);
            for _ in 0..1 + (self.next)() % 2 {
                out.push(0x06);
                let name = self.pick(&NAMES);
                self.name(out, at, name);
                self.value(out);
            }
        }
        if self.one_in(4) {
            return out.push(0x03);
        }
        out.push(0x02);
        match depth {
            0 => self.value(out),
            _ => (0..(self.next)() % 4).for_each(|_| {
                let name = self.pick(&NAMES);
                let depth = (depth - 1) * ((self.next)() % 2);
                self.element(out, at, name, depth);
                if self.one_in(12) {
                    self.value(out);
                }
            }),
        }
        out.push(0x04);
    }

    /// Data of one field, whose value is put together of these.
    fn of_field(
        &mut self,
        at: usize,
        (name, attribute): (&'static str, Option<&'static str>),
        texts: &[&str],
    ) -> Vec<u8> {
        let mut out = vec![0x0F, 1, 1, 0, 0x01, 0, 0, 0, 0];
        self.name(&mut out, at, "UserData");
        out.extend([0x02, if attribute.is_some() { 0x41 } else { 0x01 }, 0, 0, 0, 0]);
        self.name(&mut out, at, name);
        match attribute {
            Some(attribute) => {
                out.extend([0, 0, 0, 0, 0x06]);
                self.name(&mut out, at, attribute);
            }
            None => out.push(0x02),
        }
        for text in texts {
            out.extend([&[0x05, 0x01, text.len() as u8, 0][..], &utf16(text)].concat());
        }
        out.extend([if attribute.is_some() { 0x03 } else { 0x04 }, 0x04]);
        let length = (out.len() - 9) as u32;
        out[5..9].copy_from_slice(&length.to_le_bytes());
        out.push(0);
        out
    }

    fn whole(&mut self, at: usize) -> Vec<u8> {
        let mut out = vec![0x0F, 1, 1, 0];
        self.element(&mut out, at, "UserData", 3);
        out.push(0);
        out
    }
}

fn sign(field: &str, letters: &[(Place, &str)]) -> Sign {
    let letters = letters.iter().map(|(place, letters)| (*place, (*letters).to_owned())).collect();
    Sign { field: field.to_owned(), letters }
}

/// What is asked of records by their ids: values of several fields, and that a value is not there.
fn gates() -> BTreeMap<u32, Gate> {
    let several = vec![
        sign("Result_value", &[(Place::Whole, "800b0109")]),
        sign("Aux_ProcessName", &[(Place::Whole, "mstsc.exe"), (Place::End, "RDC.exe")]),
        sign("Result", &[(Place::Whole, "0")]),
    ];
    let several = Gate { signs: several, ways: vec![Way { with: 0b011, without: 0 }, Way { with: 0b100, without: 2 }] };
    let none = vec![sign("value", &[(Place::Whole, "x")]), sign("Aux", &[(Place::Whole, "0"), (Place::Start, "m")])];
    let none = Gate { signs: none, ways: vec![Way { with: 1, without: 2 }] };
    let other = vec![sign("Result_value", &[(Place::Whole, "0")]), sign("Aux", &[(Place::Whole, "x")])];
    let other = Gate { signs: other, ways: vec![Way { with: 0, without: 1 }, Way { with: 2, without: 0 }] };
    BTreeMap::from([(11, several), (12, none), (13, other)])
}

fn named<'a>(fields: impl IntoIterator<Item = &'a str>, gate: Option<Gate>) -> Fields {
    let fields = fields.into_iter().map(|name| (name.to_owned(), true)).collect();
    Fields::Named(Names { fields, system: false, gate })
}

#[test]
fn gates_before_data_without_template_bar_nothing_that_may_match() {
    let mut next = random(0x1234_5678_9ABC_DEF1);
    let gates = gates();
    let fields = |gate: &Gate| named(gate.signs.iter().map(|sign| &*sign.field), Some(gate.clone()));
    let ids = gates.iter().map(|(id, gate)| (*id, fields(gate))).collect();
    let interest = Interest::new(BTreeMap::new(), Wanted { ids, others: None });
    let (everything, mut worker) = (Interest::everything(), Worker::default());
    let (mut all, mut barred, mut through) = (0, 0, 0);
    for _ in 0..400 {
        let mut chunk = Chunk::new();
        let definition = chunk.start().data.len() + 10;
        chunk.instance(fragment_in_event, &values(0, Vec::new())).end(&[]);
        let mut fragments = Fragments { next: &mut next, names: BTreeMap::new() };
        for id in 1..20 {
            let fragment = fragments.whole(chunk.start().data.len() + TO_DATA);
            chunk.use_of(definition, &values(id, fragment)).end(&[]);
        }
        let data = chunk.finish();
        let [mut whole, mut gated] = [ById::default(), ById::default()];
        Scan::new(&mut worker, &everything, &mut whole).chunk(&data, 0);
        Scan::new(&mut worker, &interest, &mut gated).chunk(&data, 0);
        for (id, fields) in &whole.0 {
            let (mut seen, gate) = (Seen::default(), &gates[&event_id(*id)]);
            for (at, sign) in gate.signs.iter().enumerate() {
                let values = fields.iter().filter(|(name, _)| *name == sign.field);
                values.for_each(|(_, value)| seen.look(at, sign, value.as_bytes(), true));
            }
            let told = gated.0.contains_key(id);
            assert!(told || !gate.lets_through(seen), "{id}: {fields:?}");
            all += 1;
            barred += usize::from(!told);
            through += usize::from(gate.lets_through(seen));
        }
    }
    assert!(all == 8000 && barred > all / 2 && through > 50, "{all} {barred} {through}");
}

/// A template with two values that are fragments behind `System`.
fn two_fragments_in_event(chunk: &mut Chunk) {
    system_and(chunk, |chunk| _ = chunk.put(&[0x0D, 3, 0, 0x21, 0x0D, 4, 0, 0x21]));
}

#[test]
fn a_gate_asks_for_what_two_fragments_show_together() {
    let signs = vec![sign("Result", &[(Place::Whole, "0")]), sign("Aux", &[(Place::Whole, "x")])];
    let gate = Gate { signs, ways: vec![Way { with: 0b11, without: 0 }] };
    let others = Some(named(["Result", "Aux"], Some(gate)));
    let interest = Interest::new(BTreeMap::new(), Wanted { ids: BTreeMap::new(), others });
    let mut next = || 0;
    let mut chunk = Chunk::new();
    let definition = chunk.start().data.len() + 10;
    let [event_id, time, id, _] = values(0, Vec::new());
    chunk.instance(two_fragments_in_event, &[event_id, time, id, (0x21, Vec::new()), (0x21, Vec::new())]).end(&[]);
    let mut fragments = Fragments { next: &mut next, names: BTreeMap::new() };
    for (number, (result, aux)) in (1..).zip([("0", "x"), ("0", "y"), ("1", "x"), ("1", "y")]) {
        let at = chunk.start().data.len() + TO_DATA + 4;
        let first = fragments.of_field(at, ("Result", None), &[result]);
        let second = fragments.of_field(at + first.len(), ("Aux", None), &[aux]);
        let [event_id, time, id, _] = values(number, Vec::new());
        chunk.use_of(definition, &[event_id, time, id, (0x21, first), (0x21, second)]).end(&[]);
    }
    let mut got = ById::default();
    Scan::new(&mut Worker::default(), &interest, &mut got).chunk(&chunk.finish(), 0);
    assert_eq!(got.0, BTreeMap::from([(1, pairs(&[("Result", "0"), ("Aux", "x")]))]));
}

#[test]
fn a_text_in_pieces_is_looked_at_as_one() {
    let signs = ["Result", "Result_value"].map(|name| sign(name, &[(Place::Whole, "x0")]));
    let gate = Gate { signs: signs.to_vec(), ways: [1, 2].map(|with| Way { with, without: 0 }).to_vec() };
    let others = Some(named(["Result", "Result_value"], Some(gate)));
    let interest = Interest::new(BTreeMap::new(), Wanted { ids: BTreeMap::new(), others });
    let mut next = || 0;
    let mut chunk = Chunk::new();
    let definition = chunk.start().data.len() + 10;
    chunk.instance(fragment_in_event, &values(0, Vec::new())).end(&[]);
    let mut fragments = Fragments { next: &mut next, names: BTreeMap::new() };
    let texts = [&["x0"][..], &["x", "0"], &["x"], &["x1"]];
    let attributes = [None, Some("value")];
    for (id, (attribute, texts)) in (1..).zip(attributes.into_iter().flat_map(|own| texts.map(|texts| (own, texts)))) {
        let fragment = fragments.of_field(chunk.start().data.len() + TO_DATA, ("Result", attribute), texts);
        chunk.use_of(definition, &values(id, fragment)).end(&[]);
    }
    let mut got = ById::default();
    Scan::new(&mut Worker::default(), &interest, &mut got).chunk(&chunk.finish(), 0);
    assert_eq!(got.0.into_keys().collect::<Vec<_>>(), [1, 2, 5, 6]);
}

/// From where a record's use begins to the fragment among its values: head, table, and the values before.
const TO_DATA: usize = 14 + 4 * 4 + 18;

fn event_id(record_id: u64) -> u32 {
    11 + record_id as u32 % 3
}

fn values(id: u64, fragment: Vec<u8>) -> [(u8, Vec<u8>); 4] {
    let event_id = event_id(id).to_le_bytes()[..2].to_vec();
    [(0x06, event_id), (0x11, vec![1; 8]), (0x0A, id.to_le_bytes().to_vec()), (0x21, fragment)]
}

/// A template of two fields.
fn left_and_right(chunk: &mut Chunk) {
    system_and(chunk, |chunk| {
        chunk.open("EventData", Some(0xFFFF)).put(&[0x02]);
        for (name, slot) in [("Left", 3), ("Right", 4)] {
            chunk.open("Data", Some(0xFFFF)).attribute("Name", name).put(&[0x02, 0x0D, slot, 0, 0x01, 0x04]);
        }
        chunk.put(&[0x04]);
    });
}

#[test]
fn what_was_worked_out_for_one_interest_serves_no_other() {
    let [event_id, time, id, _] = values(1, Vec::new());
    let values = [event_id, time, id, (0x01, utf16("a")), (0x01, utf16("b"))];
    let mut chunk = Chunk::new();
    for _ in 0..3 {
        chunk.start().instance(left_and_right, &values).end(&[]);
    }
    let data = chunk.finish();
    let mut worker = Worker::default();
    // Each stands where the one before it stood.
    for fields in [&["Left"][..], &["Right"], &["Left", "Right"], &[]].into_iter().cycle().take(40) {
        let others = Some(named(fields.iter().copied(), None));
        let interest = Interest::new(BTreeMap::new(), Wanted { ids: BTreeMap::new(), others });
        let mut got = Collected::default();
        Scan::new(&mut worker, &interest, &mut got).chunk(&data, 0);
        let names: BTreeSet<_> = got.events.iter().flatten().map(|(name, _)| &**name).collect();
        assert_eq!(names, fields.iter().copied().collect());
    }
}

/// A chunk with a record, 1 and up, for each of these: its data are a use of that template, or of the last one, with
/// that value.
fn with_data<T: Fn(&mut Chunk)>(uses: impl IntoIterator<Item = (Option<T>, String)>) -> Vec<u8> {
    with_values(uses.into_iter().map(|(template, text)| (template, (0x01, utf16(&text)))))
}

/// The same, with a value of that type and bytes.
fn with_values<T: Fn(&mut Chunk)>(uses: impl IntoIterator<Item = (Option<T>, (u8, Vec<u8>))>) -> Vec<u8> {
    let mut chunk = Chunk::new();
    let definition = chunk.start().data.len() + 10;
    chunk.instance(fragment_in_event, &values(0, Vec::new())).end(&[]);
    let mut last = 0;
    for (id, (template, value)) in (1..).zip(uses) {
        let at = chunk.start().data.len() + TO_DATA;
        let mut inner = Chunk { data: vec![0; at], records: 0, start: 0 };
        inner.put(&[0x0F, 1, 1, 0]);
        let value = [value];
        match template {
            Some(template) => {
                last = at + 14;
                inner.instance(template, &value)
            }
            None => inner.use_of(last, &value),
        };
        chunk.use_of(definition, &values(id, inner.put(&[0]).data[at..].to_vec())).end(&[]);
    }
    chunk.finish()
}

/// Fields of one value.
fn fields(chunk: &mut Chunk, names: &[&str], more: &[u8]) {
    chunk.open("EventData", Some(0xFFFF)).put(&[0x02]);
    for name in names {
        chunk.open("Data", Some(0xFFFF)).attribute("Name", name).put(&[0x02, 0x0D, 0, 0, 0x01, 0x04]);
    }
    chunk.put(more).put(&[0x04]);
}

#[test]
fn plans_of_one_chunk_alone_serve_no_other() {
    let worker = &mut Worker::default();
    let others = Some(named(["Left", "Right"], None));
    let interest = Interest::new(BTreeMap::new(), Wanted { ids: BTreeMap::new(), others });
    for name in ["Left", "Right", "Other", "Left"] {
        // A literal fragment leads out of a definition, so that it is not known again.
        let template = |chunk: &mut _| fields(chunk, &[name], &[0x05, BINXML, 1, 0, 0]);
        let data = with_data([(Some(template), "a".to_owned())]);
        let mut got = ById::default();
        Scan::new(worker, &interest, &mut got).chunk(&data, 0);
        let wanted = if name == "Other" { vec![] } else { pairs(&[(name, "a")]) };
        assert_eq!(got.0.get(&1), Some(&wanted));
    }
}

/// Records that have `x` in `value`.
fn if_value_is_x() -> Interest {
    let others = Some(named(["value", "Aux"], gates().remove(&12)));
    Interest::new(BTreeMap::new(), Wanted { ids: BTreeMap::new(), others })
}

#[test]
fn records_with_more_of_a_field_than_a_gate_looks_at_are_read() {
    let interest = if_value_is_x();
    for (many, value, is_told) in [(LOOKS, "y", false), (LOOKS, "x", true), (LOOKS + 1, "y", true)] {
        let mut got = ById::default();
        let template = |chunk: &mut _| fields(chunk, &vec!["value"; many], &[]);
        let data = with_data([(Some(template), value.to_owned())]);
        Scan::new(&mut Worker::default(), &interest, &mut got).chunk(&data, 0);
        assert_eq!(got.0.get(&1).map(Vec::len), is_told.then_some(many), "{many} {value}");
    }
}

#[test]
fn bytes_are_looked_at_as_the_digits_that_they_are_written_with() {
    // Records of services repeat the name of theirs in bytes.
    let letters = [(Place::Start, "7800ff"), (Place::Whole, "AB")];
    let gate = Gate { signs: vec![sign("value", &letters)], ways: vec![Way { with: 1, without: 0 }] };
    let others = Some(named(["value"], Some(gate)));
    let interest = Interest::new(BTreeMap::new(), Wanted { ids: BTreeMap::new(), others });
    let bytes = [&[0x78, 0, 0xFF, 0][..], &[0x78, 0, 0xFE, 0], &[0xAB], &[0xAB, 0], &[], &[0xFF; 4], &[0x78, 0, 0xFF]];
    let template = |chunk: &mut Chunk| {
        chunk.open("EventData", Some(0xFFFF)).put(&[0x02]).open("Data", Some(0xFFFF)).attribute("Name", "value");
        chunk.put(&[0x02, 0x0D, 0, 0, 0x0E, 0x04, 0x04]);
    };
    let uses = bytes.into_iter().enumerate();
    let data = with_values(uses.map(|(n, bytes)| ((n == 0).then_some(template), (0x0E, bytes.to_vec()))));
    let mut got = ById::default();
    Scan::new(&mut Worker::default(), &interest, &mut got).chunk(&data, 0);
    let got: Vec<_> = got.0.into_values().flatten().map(|(_, value)| value).collect();
    assert_eq!(got, ["7800FF00", "AB", "7800FF"]);
}

/// A chunk of records of as many values, and an `x`, in a template that no other chunk has.
fn chunk_of_values(number: usize, values: usize) -> Vec<u8> {
    let own = number.to_string();
    let template = |chunk: &mut Chunk| fields(chunk, &["value", &own], &[]);
    let texts = (0..values).map(|n| n.to_string()).chain(["x".to_owned()]);
    with_data(texts.enumerate().map(|(n, value)| ((n == 0).then_some(template), value)))
}

#[test]
fn what_gates_keep_of_values_is_bounded() {
    const VALUES: usize = 100;
    let (interest, worker) = (if_value_is_x(), &mut Worker::default());
    let mut times_begun = 0;
    for number in 0..KNOWN_SHUT / VALUES * 3 {
        let before = worker.gates.known_shut();
        let mut got = ById::default();
        Scan::new(worker, &interest, &mut got).chunk(&chunk_of_values(number, VALUES), 0);
        assert_eq!(got.0.into_keys().collect::<Vec<_>>(), [VALUES as u64 + 1], "{number}");
        let kept = worker.gates.known_shut();
        assert!(before < kept || before > KNOWN_SHUT, "{before} {kept}");
        times_begun += usize::from(kept < before);
    }
    assert_eq!(times_begun, 2);
}

#[test]
fn what_gates_keep_of_templates_is_bounded() {
    const PER_CHUNK: usize = 40;
    let interest = if_value_is_x();
    for (chunks, is_kept) in [(TEMPLATES / PER_CHUNK, true), (2 * TEMPLATES / PER_CHUNK, false)] {
        let (worker, mut got) = (&mut Worker::default(), ById::default());
        // Of one block: between two of them all might be forgotten.
        let mut scan = Scan::new(worker, &interest, &mut got);
        for number in 0..chunks {
            let uses = (0..PER_CHUNK).map(|n| {
                let own = (number * PER_CHUNK + n).to_string();
                (Some(move |chunk: &mut _| fields(chunk, &["value", &own], &[])), ["x", "y"][n % 2].to_owned())
            });
            scan.chunk(&with_data(uses), 0);
        }
        let kept = worker.gates.templates();
        assert!(kept == chunks * PER_CHUNK || !is_kept && kept <= TEMPLATES + PER_CHUNK, "{kept}");
        assert_eq!(kept == chunks * PER_CHUNK, is_kept);
        assert_eq!(got.0.into_keys().collect::<Vec<_>>(), (1..=PER_CHUNK as u64).step_by(2).collect::<Vec<_>>());
    }
}
