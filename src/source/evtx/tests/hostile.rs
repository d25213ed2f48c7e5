//! Chunks made to cost time or memory, and damaged ones: each bound is met in words.

use super::*;
use crate::source::evtx::plan::Plans;
use crate::source::evtx::slow;

#[test]
fn fragments_within_fragments_end_somewhere() {
    let mut stream = Vec::new();
    for _ in 0..200 {
        stream = [&[0x05, 0x21][..], &(stream.len() as u16).to_le_bytes(), &stream].concat();
    }
    let mut chunk = Chunk::new();
    chunk.start().system().put(&stream).put(&[0x04]).end(&[]);
    let got = read(&chunk.finish());
    let said = |damage: &Damage| damage.lost && damage.what.contains("nested too deeply");
    assert!(got.damage.iter().any(said), "{:?}", got.damage);
}

/// A template whose one field repeats a long name for each item of an array.
fn long_name(chunk: &mut Chunk) {
    let none = Some(0xFFFF);
    chunk.open("Event", none).put(&[0x02]).open("System", none).put(&[0x02]);
    chunk.open("Provider", none).attribute("Name", "T").put(&[0x03]).put(&[0x04]);
    chunk.open("EventData", none).put(&[0x02]).open("Data", none).attribute("Name", &"n".repeat(9000));
    chunk.put(&[0x02, 0x0D, 0, 0, 0x83, 0x04, 0x04, 0x04]);
}

#[test]
fn a_record_that_unfolds_without_end_is_cut() {
    let mut chunk = Chunk::new();
    chunk.start().instance(long_name, &[(0x83, vec![1; 20000])]);
    let got = read(&chunk.end(&[]).finish());
    let text: usize = got.events.iter().flatten().map(|(n, v)| n.len() + v.len()).sum();
    assert!(text < 3 << 20, "{text}");
    assert!(got.damage.iter().any(|damage| damage.lost && damage.what.contains("more text")), "{:?}", got.damage);
}

#[test]
fn records_that_unfold_together_are_cut_and_those_behind_still_counted() {
    let mut chunk = Chunk::new();
    let values = (0x83, vec![1; 600]);
    chunk.start();
    // Behind the head of the record and of the instance.
    let definition = chunk.data.len() + 10;
    chunk.instance(long_name, std::slice::from_ref(&values));
    chunk.end(&[]);
    for _ in 0..30 {
        chunk.start().put(&[0x0C, 1]).u32(0).u32(definition);
        chunk.u32(1).u16(values.1.len()).put(&[values.0, 0]).put(&values.1).end(&[]);
    }
    let got = read(&chunk.finish());
    let text: usize = got.events.iter().flatten().map(|(n, v)| n.len() + v.len()).sum();
    assert!((8 << 20..12 << 20).contains(&text), "{text}");
    assert_eq!(got.events.len(), 31);
    let said = |what: &str| got.damage.iter().filter(|damage| damage.lost && damage.what.contains(what)).count();
    assert!(said("more text than a record") > 2, "{:?}", got.damage);
    assert!(said("more text than the records of a chunk") > 10, "{:?}", got.damage);
}

/// Fields of records are read by what a chunk may cost as well; it is not the same purse.
#[test]
fn records_that_are_wanted_take_nothing_from_telling_which_there_are() {
    // A number of four bytes where its type has two: the crate `evtx` reads it all the same.
    let values = [(0x06, vec![9, 0, 0, 0]), (0x01, utf16("left")), (0x81, utf16("a\0b\0"))];
    let mut chunk = Chunk::new();
    for _ in 0..40 {
        chunk.start().instance(template_event, &values).end(&[]);
    }
    let data = chunk.finish();
    let all = read(&data);
    let mut none = Collected::default();
    Scan::new(&mut Worker::default(), &Interest::default(), &mut none).chunk(&data, 4096);
    assert_eq!(none.records.len(), 40, "{:?}", none.damage);
    assert_eq!(all.records, none.records);
    assert!(all.events.iter().all(|fields| fields.len() == 3), "{:?}", all.events);
}

#[test]
fn damaged_records_beyond_what_the_crate_may_try_are_told_and_so_is_how_many_places_are_not() {
    let values = [(0x06, vec![9, 0, 0, 0]), (0x01, utf16("left")), (0x81, utf16("a\0b\0"))];
    let mut chunk = Chunk::new();
    let mut definitions = Vec::new();
    for n in 0..200 {
        chunk.start();
        if n < 2 {
            definitions.push(chunk.data.len() + 10);
            chunk.instance(template_event, &values);
        } else {
            // Neighbours differ in why they cannot be read, else they were told as one.
            chunk.use_of(definitions[n % 2], &values);
        }
        chunk.end(&[]);
    }
    let got = read(&chunk.finish());
    assert_eq!((got.records.len(), got.events.len()), (64, 64));
    let unread = got.damage.iter().filter(|damage| damage.lost && damage.what.contains("could not be read"));
    assert_eq!(unread.count(), 64, "{:?}", got.damage);
    assert_eq!(got.damage.last().unwrap().what, "72 more places in this chunk are damaged");
}

#[test]
fn templates_of_more_tokens_than_a_chunk_may_have_end_in_words_and_sound_ones_are_read() {
    let values = [(0x06, vec![9, 0]), (0x01, utf16("left")), (0x81, utf16("a\0b\0"))];
    let mut chunk = Chunk::new();
    let sound = chunk.start().data.len() + 10;
    chunk.instance(template_event, &values);
    // Fragment headers that are the head of a definition as well, of 0x600F bytes.
    let endless = chunk.data.len() + 1;
    chunk.end(&[0x0F, 0x60, 0, 0].repeat(7000));
    for _ in 0..200 {
        chunk.start().use_of(endless, &[]).end(&[]);
    }
    let got = read(&chunk.start().use_of(sound, &values).end(&[]).finish());
    let said = |what: &str| got.damage.iter().any(|damage| damage.lost && damage.what.contains(what));
    assert!(said("more elements than a chunk can hold"), "{:?}", got.damage);
    assert_eq!((got.records.len(), got.events.len()), (2, 2), "{:?}", got.damage);
    assert_eq!(got.events[0], got.events[1]);
}

#[test]
fn elements_in_each_other_beyond_all_bounds_are_left_to_the_crate() {
    let mut chunk = Chunk::new();
    chunk.start().system().open("UserData", None).put(&[0x02]);
    for _ in 0..200 {
        chunk.open("E", None).put(&[0x02]);
    }
    let got = read(&chunk.put(&[0x04; 202]).end(&[]).finish());
    assert_eq!((got.records.len(), got.events.len()), (1, 1), "{:?}", got.damage);
}

#[test]
fn a_name_whose_length_is_damaged_ends_at_its_nul() {
    let mut chunk = Chunk::new();
    chunk.start().system().open("UserData", None).put(&[0x02]);
    let name = chunk.data.len() + 9;
    chunk.element("Address", "10.0.0.5").put(&[0x04, 0x04]).end(&[]);
    chunk.start().system().open("UserData", None).put(&[0x02]).put(&[0x41]).u32(0).u32(name).u32(0);
    chunk.put(&[0x02]).text("10.0.0.6").put(&[0x04, 0x04, 0x04]).end(&[]);
    let both = ["10.0.0.5", "10.0.0.6"].map(|address| pairs(&[("Address", address)]));
    for length in [10, 11] {
        chunk.data[name + 6] = length;
        let got = read(&chunk.finish());
        assert_eq!((got.events, got.damage), (both.to_vec(), Vec::new()));
    }
    // Where that length leads to a NUL by chance, what stands behind the name is lost, and the name is not.
    for length in [8, 200] {
        chunk.data[name + 6] = length;
        let got = read(&chunk.finish());
        assert_eq!(got.events.last(), Some(&pairs(&[("Address", "10.0.0.6")])), "{:?}", got.damage);
    }
    chunk.data[name + 6] = 7;
    chunk.data[name + 8 + 14] = 1;
    let got = read(&chunk.finish());
    assert_eq!((got.events, got.damage), (both.to_vec(), Vec::new()));
}

/// A run of text in which a name with a length beyond all bounds begins at every other byte, and where it ends.
fn names_in_each_other(chunk: &mut Chunk, units: usize) -> std::ops::Range<usize> {
    let text = [0x7F; 2].repeat(units);
    let at = chunk.start().data.len() + 1;
    chunk.end(&[&text[..], &[0; 8]].concat());
    at..at + text.len()
}

#[test]
fn names_without_end_are_no_names() {
    let values = [(0x06, vec![9, 0]), (0x01, utf16("left")), (0x81, utf16("a\0b\0"))];
    for (units, is_name) in [(900, true), (1400, false)] {
        let mut chunk = Chunk::new();
        let names = names_in_each_other(&mut chunk, units);
        chunk.start().system().open("UserData", None).put(&[0x02]).put(&[0x01]).u32(0).u32(names.start).put(&[0x02]);
        chunk.text("x").put(&[0x04, 0x04, 0x04]).end(&[]);
        chunk.start().instance(template_event, &values).end(&[]);
        let got = read(&chunk.finish());
        let told = got.events.iter().flatten().any(|(name, value)| name.chars().count() > 800 && value == "x");
        assert_eq!(told, is_name, "{:?}", got.damage);
        assert_eq!(
            got.damage.iter().any(|damage| damage.what.contains("without an end")),
            !is_name,
            "{:?}",
            got.damage
        );
        assert_eq!(got.events.last().map(Vec::len), Some(3), "what is behind is read");
    }
}

#[test]
fn long_names_in_each_other_cost_what_they_are_long() {
    let values = [(0x06, vec![9, 0]), (0x01, utf16("left")), (0x81, utf16("a\0b\0"))];
    let mut chunk = Chunk::new();
    let names = names_in_each_other(&mut chunk, 1000);
    chunk.start().instance(template_event, &values).end(&[]);
    for n in 0..20 {
        let many = |chunk: &mut Chunk| {
            chunk.open("Event", Some(0xFFFF)).put(&[0x02]).open("EventData", Some(0xFFFF)).put(&[0x02]);
            chunk.open("E", Some(0xFFFF));
            for name in names.clone().skip(n).step_by(4).take(400) {
                chunk.put(&[0x06]).u32(name & !1);
            }
            chunk.put(&[0x03, 0x04, 0x04]);
        };
        chunk.start().instance(many, &[]).end(&[]);
    }
    let mut worker = Worker::default();
    let mut got = Collected::default();
    let data = chunk.finish();
    for n in 0..3 {
        Scan::new(&mut worker, &Interest::everything(), &mut got).chunk(&data, n);
    }
    let said = got.damage.iter().filter(|damage| damage.what.contains("more elements than a chunk can hold"));
    assert!(said.count() > 3, "{:?}", got.damage);
    assert!(worker.plans.names.capacity() < 12 << 20, "{}", worker.plans.names.capacity());
    assert_eq!(got.events.iter().filter(|fields| fields.len() == 3).count(), 3, "sound ones are read");
}

#[test]
fn mutated_chunks_neither_fail_nor_unfold() {
    let values = [(0x06, vec![9, 0]), (0x01, utf16("left")), (0x81, utf16("a\0b\0"))];
    let mut chunk = Chunk::new();
    chunk.start().instance(template_event, &values).end(&[]);
    chunk.start().system().put(&[0x04]).end(&[]);
    chunk.start().instance(template_event, &values).end(&[]);
    let sound = chunk.finish();
    let used = chunk.data.len();
    let mut next = random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..3000 {
        let mut data = sound.clone();
        for _ in 0..1 + next() % 4 {
            let at = next() % used;
            data[at] = [0, 1, 0x7F, 0xFF, 0x0C, 0x21, next() as u8][next() % 7];
        }
        let got = read(&data);
        let text: usize = got.events.iter().flatten().map(|(n, v)| n.len() + v.len()).sum();
        assert!(text < 4 << 20 && got.damage.len() < 70);
    }
}

#[test]
fn the_last_resort_reads_as_the_plans_do() {
    let mut chunk = Chunk::new();
    let values = [(0x06, vec![9, 0]), (0x01, utf16("<left> & \"right\"")), (0x81, utf16("a\0b\0"))];
    chunk.start().instance(template_event, &values).end(&[]);
    let second = chunk.data.len();
    chunk.start().system().open("UserData", None).put(&[0x02]);
    chunk.open("EventXML", None).attribute("xmlns", "Event_NS").attribute("a", "'1'").put(&[0x02]);
    chunk.element("Address", "10.0.0.5").open("Empty", None).put(&[0x03]).put(&[0x04, 0x04, 0x04]).end(&[]);
    let data = chunk.finish();
    let got = read(&data);
    assert_eq!(got.damage, []);
    for (n, at) in [RECORDS, second].into_iter().enumerate() {
        let xml = slow::render(&data, at, false).unwrap_or_default();
        let mut event = Event::default();
        let fields = Fields::All;
        slow::fill(&xml, &mut event, Want::of([Some(&fields), None, None], &mut Plans::default()));
        let theirs: Vec<_> = event.fields().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        assert_eq!(got.events[n], theirs, "{xml}");
        let (provider, event_id, record_id, time, _) = &got.records[n];
        let system = event.system;
        assert_eq!((provider, *event_id, *record_id), (&system.provider, system.event_id, system.record_id));
        assert_eq!(*time, system.time.map(|time| time.to_string()).unwrap_or_default());
    }
}

#[test]
fn a_record_in_the_middle_of_nothing_is_an_error_not_a_failure() {
    for at in [0, RECORDS, 4096, CHUNK - 1, CHUNK, CHUNK * 2] {
        assert!(slow::render(&vec![0xFF; CHUNK], at, false).is_err());
        assert!(slow::render(&[], at, false).is_err());
    }
}
