//! The .evtx reader against the crate `evtx`, on real and on damaged logs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evtx::{EvtxParser, ParserSettings};
use whyrdp::event::{Damage, Event, Guid, Interest, Sink, Stamp, System, Time};
use whyrdp::source::{self, Input};

/// What a record is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Known {
    record_id: Option<u64>,
    event_id: u32,
    provider: String,
    computer: String,
    channel: String,
    time: Option<Time>,
}

#[derive(Default, PartialEq, Debug)]
struct Collected {
    records: Vec<Known>,
    systems: Vec<System>,
    forwarded: Vec<bool>,
    events: Vec<(Known, Vec<(String, String)>)>,
    offsets: Vec<u64>,
    damage: Vec<Damage>,
}

impl Sink for Collected {
    fn record(&mut self, stamp: &Stamp<'_>) {
        self.forwarded.push(stamp.forwarded);
        self.records.push(Known {
            record_id: stamp.record_id,
            event_id: stamp.event_id,
            provider: stamp.provider.to_owned(),
            computer: stamp.computer.to_owned(),
            channel: stamp.channel.to_owned(),
            time: stamp.time,
        });
    }

    fn event(&mut self, event: &Event) {
        let system = &event.system;
        let known = Known {
            record_id: system.record_id,
            event_id: system.event_id,
            provider: system.provider.clone(),
            computer: system.computer.clone(),
            channel: system.channel.clone(),
            time: system.time,
        };
        assert_eq!(Some(event.origin.forwarded), self.forwarded.last().copied(), "{known:?}");
        self.offsets.push(event.origin.position.offset);
        self.systems.push(system.clone());
        self.events.push((known, event.fields().map(|(n, v)| (n.to_owned(), printable(v))).collect()));
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

/// XML has no control characters; the crate `evtx` writes `_` for them, as Windows does.
fn printable(text: &str) -> String {
    let forbidden = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    text.chars().map(|c| if forbidden(c) { '_' } else { c }).collect()
}

fn input(path: &Path) -> Input {
    Input {
        path: path.to_owned(),
        name: path.display().to_string(),
        format: "evtx",
        bytes: std::fs::metadata(path).unwrap().len(),
    }
}

fn read(path: &Path, interest: &Interest) -> Collected {
    let log = source::open(&input(path)).unwrap();
    let mut collected = Collected { damage: log.damage(), ..Collected::default() };
    for block in 0..log.blocks() {
        log.read(block, interest, &mut collected);
    }
    collected
}

/// An element of XML, as the crate `evtx` writes it.
#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

fn unescape(text: &str) -> String {
    let mut out = text.to_owned();
    for (from, to) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")] {
        out = out.replace(from, to);
    }
    out
}

fn parse(xml: &str) -> Element {
    let mut open = vec![Element::default()];
    let mut rest = xml;
    while let Some((text, behind)) = rest.split_once('<') {
        open.last_mut().unwrap().text.push_str(&unescape(text));
        let (tag, behind) = behind.split_once('>').unwrap();
        rest = behind;
        if tag.starts_with('?') {
            continue;
        }
        if !tag.starts_with('/') {
            let inner = tag.trim_end_matches('/');
            let (name, mut attributes) = inner.split_once(' ').unwrap_or((inner, ""));
            let mut element = Element { name: name.to_owned(), ..Element::default() };
            while let Some((name, behind)) = attributes.split_once("=\"") {
                let (value, behind) = behind.split_once('"').unwrap();
                element.attributes.push((name.trim().to_owned(), unescape(value)));
                attributes = behind;
            }
            open.push(element);
        }
        if tag.starts_with('/') || tag.ends_with('/') {
            let done = open.pop().unwrap();
            open.last_mut().unwrap().children.push(done);
        }
    }
    let mut root = open.pop().unwrap();
    root.children.pop().unwrap()
}

fn known(event: &Element) -> Known {
    let system = event.child("System").unwrap();
    let text = |name: &str| system.child(name).map(|e| e.text.clone()).unwrap_or_default();
    let attribute =
        |name: &str, a: &str| system.child(name).and_then(|e| e.attribute(a)).unwrap_or_default().to_owned();
    Known {
        record_id: text("EventRecordID").parse().ok(),
        event_id: text("EventID").parse().unwrap_or(0),
        provider: attribute("Provider", "Name"),
        computer: text("Computer"),
        channel: text("Channel"),
        time: Time::parse(&attribute("TimeCreated", "SystemTime")),
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Every value of `System`, by the crate's XML.
fn system(event: &Element) -> System {
    let known = known(event);
    let system = event.child("System").unwrap();
    let value = |name: &str| number(&system.child(name)?.text);
    let attribute = |name: &str, a: &str| system.child(name)?.attribute(a);
    let guid = |name: &str, a: &str| Guid::parse(attribute(name, a)?);
    let id = |a: &str| u32::try_from(number(attribute("Execution", a)?)?).ok();
    System {
        provider: known.provider,
        source_name: attribute("Provider", "EventSourceName").unwrap_or_default().to_owned(),
        provider_guid: guid("Provider", "Guid"),
        event_id: known.event_id,
        qualifiers: attribute("EventID", "Qualifiers").and_then(number).and_then(|n| u16::try_from(n).ok()),
        version: value("Version").and_then(|n| u8::try_from(n).ok()),
        level: value("Level").and_then(|n| u8::try_from(n).ok()),
        task: value("Task").and_then(|n| u16::try_from(n).ok()),
        opcode: value("Opcode").and_then(|n| u8::try_from(n).ok()),
        keywords: value("Keywords"),
        time: known.time,
        record_id: known.record_id,
        activity_id: guid("Correlation", "ActivityID"),
        related_activity_id: guid("Correlation", "RelatedActivityID"),
        process_id: id("ProcessID"),
        thread_id: id("ThreadID"),
        channel: known.channel,
        computer: known.computer,
        user_id: attribute("Security", "UserID").unwrap_or_default().to_owned(),
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap()
}

fn fields(event: &Element) -> Vec<(String, String)> {
    fn attributes(element: &Element, but: &str, out: &mut Vec<(String, String)>) {
        for (name, value) in &element.attributes {
            if name != but && name != "xmlns" && !name.starts_with("xmlns:") {
                out.push((format!("{}_{}", local(&element.name), local(name)), value.clone()));
            }
        }
    }
    fn below(element: &Element, out: &mut Vec<(String, String)>) {
        let name = local(&element.name);
        let labelled = matches!(name, "Data" | "ComplexData") && element.attribute("Name").is_some();
        attributes(element, if labelled { "Name" } else { "" }, out);
        for child in &element.children {
            below(child, out);
        }
        if element.children.is_empty() {
            let label = if labelled { element.attribute("Name").unwrap() } else { name };
            let label = if label.is_empty() { "Data" } else { label };
            out.push((label.to_owned(), element.text.clone()));
        }
    }
    let mut out = Vec::new();
    for section in event.children.iter().filter(|e| matches!(e.name.as_str(), "EventData" | "UserData")) {
        attributes(section, "", &mut out);
        for child in &section.children {
            below(child, &mut out);
        }
    }
    out
}

struct Reference {
    events: Vec<Element>,
    errors: usize,
}

fn reference(path: &Path) -> Reference {
    let mut reference = Reference { events: Vec::new(), errors: 0 };
    let Ok(parser) = EvtxParser::from_path(path) else {
        reference.errors = 1;
        return reference;
    };
    let mut parser = parser.with_configuration(ParserSettings::new().indent(false));
    for record in parser.records() {
        match record {
            Ok(record) => {
                let event = parse(&record.data);
                // Of a record whose template was overwritten the crate shows what little is left.
                if known(&event).provider.is_empty() {
                    reference.errors += 1;
                } else {
                    reference.events.push(event);
                }
            }
            Err(_) => reference.errors += 1,
        }
    }
    reference
}

fn logs(folder: &str) -> Vec<PathBuf> {
    let Some(root) = common::real_logs() else { return Vec::new() };
    let files = common::files_below(&root.join(folder));
    let is_log = |path: &PathBuf| {
        let head = std::fs::read(path).unwrap();
        head.starts_with(b"ElfFile\0")
    };
    files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "evtx") && is_log(path)).collect()
}

fn all_logs() -> Vec<PathBuf> {
    logs("evtx").into_iter().chain(logs("bad")).collect()
}

#[test]
fn records_are_those_that_the_crate_evtx_finds() {
    for path in all_logs() {
        let reference = reference(&path);
        let mut ours = read(&path, &Interest::default());
        assert!(ours.events.is_empty());
        let mut theirs: Vec<_> = reference.events.iter().map(known).collect();
        // The crate begins with the oldest chunk of a log that has wrapped.
        ours.records.sort();
        theirs.sort();
        if ours.damage.is_empty() && reference.errors == 0 {
            let differs = ours.records.iter().zip(&theirs).find(|(a, b)| a != b);
            assert_eq!(differs, None, "{}", path.display());
            assert_eq!(ours.records.len(), theirs.len(), "{}", path.display());
        } else {
            let mut left = ours.records.clone();
            for record in theirs {
                let at = left.iter().position(|ours| *ours == record);
                left.swap_remove(at.unwrap_or_else(|| panic!("{}: missing {record:?}", path.display())));
            }
        }
    }
}

#[test]
fn fields_are_those_that_the_crate_evtx_renders() {
    let (mut compared, mut forwarded) = (0, 0);
    for path in all_logs() {
        let reference = reference(&path);
        let ours = read(&path, &Interest::everything());
        assert!(ours.records.iter().eq(ours.events.iter().map(|(known, _)| known)), "{}", path.display());
        let mut by_known: BTreeMap<&Known, Vec<&Vec<(String, String)>>> = BTreeMap::new();
        for (known, fields) in &ours.events {
            by_known.entry(known).or_default().push(fields);
        }
        let mut systems: BTreeMap<_, Vec<&System>> = BTreeMap::new();
        for system in &ours.systems {
            systems.entry((system.record_id, system.time)).or_default().push(system);
        }
        for event in reference.events.iter().filter(|event| event.child("RenderingInfo").is_some()) {
            let at = ours.records.iter().position(|record| *record == known(event)).unwrap();
            assert!(ours.forwarded[at], "{}: forwarded", path.display());
            forwarded += 1;
        }
        for theirs in reference.events.iter().map(system) {
            let ours = systems.get(&(theirs.record_id, theirs.time));
            assert!(ours.is_some_and(|ours| ours.contains(&&theirs)), "{}: {theirs:?}, but {ours:?}", path.display());
        }
        for event in &reference.events {
            let known = known(event);
            let theirs = fields(event);
            let candidates = by_known.get(&known).cloned().unwrap_or_default();
            if !candidates.contains(&&theirs) {
                let ours = candidates.first().unwrap();
                let differs = ours.iter().zip(&theirs).find(|(a, b)| a != b);
                panic!("{}: {known:?}\nfirst difference {differs:?}\nours {ours:?}\ntheirs {theirs:?}", path.display());
            }
            compared += theirs.len();
        }
    }
    println!("{compared} fields compared, {forwarded} records with RenderingInfo");
}

#[test]
fn damaged_logs_give_what_can_be_read_and_name_the_damage() {
    let Some(shared) = common::shared().filter(|_| common::real_logs().is_some()) else { return };
    let root = common::real_logs().unwrap();
    let table = std::fs::read_to_string(shared.join("data/bad-files.tsv")).unwrap();
    for line in table.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let (name, damage, expected) = (columns[0], columns[4], columns[6]);
        let path = root.join(name);
        let Ok(expected) = expected.parse::<usize>() else { continue };
        if expected == 0 {
            continue;
        }
        let ours = read(&path, &Interest::default());
        assert!(ours.records.len() >= expected, "{name}: {} of {expected}", ours.records.len());
        let named = |what: &str| ours.damage.iter().any(|damage| damage.what.contains(what));
        for (theirs, our_words) in [
            ("CRC wrong", "checksum"),
            ("wrong data CRC", "checksum"),
            ("bad chunk magic", "no header of a chunk"),
            ("unlinked", "hidden inside"),
            ("invalid bits", "unknown flags"),
            ("TRUNCATED", "the file ends"),
        ] {
            assert!(!damage.contains(theirs) || named(our_words), "{name}: {:?}", ours.damage);
        }
    }
}

#[test]
fn blocks_read_in_any_order_or_twice_tell_the_same() {
    let interest = Interest::everything();
    for path in all_logs().into_iter().filter(|path| std::fs::metadata(path).unwrap().len() > 1 << 20) {
        let log = source::open(&input(&path)).unwrap();
        let read = |block| {
            let mut collected = Collected::default();
            log.read(block, &interest, &mut collected);
            collected
        };
        let forwards: Vec<_> = (0..log.blocks()).map(read).collect();
        for (block, first) in forwards.iter().enumerate().rev() {
            assert_eq!(*first, read(block), "{} block {block}", path.display());
        }
    }
}

/// One log of as many chunks as rounds, each the same chunk with a few bytes changed.
fn mutated(path: &Path, rounds: usize, state: &mut u64) -> Vec<u8> {
    let sound = std::fs::read(path).unwrap();
    let (header, rest) = sound.split_at(4096);
    let chunk = &rest[..65536];
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state as usize
    };
    let mut out = header.to_vec();
    for _ in 0..rounds {
        let mut chunk = chunk.to_vec();
        for _ in 0..1 + next() % 16 {
            let at = next() % chunk.len();
            chunk[at] = [0, 1, 0xFF, 0x81, next() as u8][next() % 5];
        }
        out.extend_from_slice(&chunk);
    }
    out
}

#[test]
fn mutated_logs_neither_fail_nor_unfold() {
    let mut state = 0x2545_F491_4F6C_DD1D;
    let folder = tempfile::tempdir().unwrap();
    for (n, path) in all_logs().iter().step_by(6).enumerate() {
        let bytes = mutated(path, 200, &mut state);
        let mutant = folder.path().join(format!("{n}.evtx"));
        std::fs::write(&mutant, &bytes).unwrap();
        let got = read(&mutant, &Interest::everything());
        let text: usize = got.events.iter().flat_map(|(_, fields)| fields).map(|(n, v)| n.len() + v.len()).sum();
        assert!(text < bytes.len() * 20, "{}: {text} bytes of text from {}", path.display(), bytes.len());
        assert_eq!(got.records.len(), got.events.len());
    }
}

#[test]
fn a_record_is_found_again_by_its_offset() {
    for path in all_logs() {
        let ours = read(&path, &Interest::everything());
        for ((known, fields), offset) in ours.events.iter().zip(&ours.offsets).step_by(97) {
            let Ok(xml) = source::render(&path, *offset) else { continue };
            let event = parse(&xml);
            assert_eq!(self::known(&event), *known);
            // Indented, elements with children hold white space; leaves read the same.
            assert_eq!(self::fields(&event).len(), fields.len(), "{}", path.display());
        }
        assert!(source::render(&path, 1 << 40).is_err());
        assert!(source::render(&path, 0).is_err());
        assert!(source::render(&path, 4096).is_err());
    }
}
