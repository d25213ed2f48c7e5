//! The `whyrdp` block of a rule.

use std::collections::BTreeMap;

use super::definition::{Example, Key, Kind, Mark, Meaning, Outcome, Phase, Role, Setting, Slot, Tests};
use super::problem::Complaints;
use super::yaml::Node;

const KEYS: &[&str] = &[
    "schema",
    "fact",
    "kind",
    "host",
    "mark",
    "reaches",
    "stops",
    "always",
    "join",
    "capture",
    "implies_attempt",
    "sets",
    "tests",
];

/// Reads the block of the rule called `slug`.
pub fn read(node: &Node, slug: &str, complaints: &mut Complaints) -> Option<Meaning> {
    complaints.map(node, "`whyrdp`", KEYS)?;
    if let Some(schema) = complaints.need(node, "schema") {
        complaints.number(schema, "schema", 1, 1);
    }
    let kind = complaints.need(node, "kind").and_then(|v| complaints.word(v, "kind", Kind::from_word, Kind::ALL));
    let host = complaints.need(node, "host").and_then(|v| complaints.word(v, "host", Role::from_word, Role::ALL));
    let mark = complaints.may_word(node, "mark", Mark::from_word, Mark::ALL);
    if let Some(kind) = kind
        && (kind == Kind::Marker) != mark.is_some()
    {
        complaints.add(node.line, "mark", "a marker has a `mark`, and nothing else has one");
    }
    let reaches = complaints.may_word(node, "reaches", Phase::from_word, Phase::ALL);
    let always = always(node, reaches, complaints);
    Some(Meaning {
        fact: complaints.may_text(node, "fact").unwrap_or_else(|| slug.to_owned()),
        mark,
        reaches,
        stops: complaints.may_word(node, "stops", Phase::from_word, Phase::ALL),
        always,
        join: complaints.words(node, "join", Key::from_word, Key::ALL),
        capture: capture(node, complaints),
        implies: complaints.may_word(node, "implies_attempt", Outcome::from_word, Outcome::ALL),
        sets: node.get("sets").and_then(|value| setting(value, complaints)),
        tests: node.get("tests").map(|value| tests(value, complaints)).unwrap_or_default(),
        kind: kind?,
        host: host?,
    })
}

/// `true` stands for the phase that the record reaches; another phase is named.
fn always(node: &Node, reaches: Option<Phase>, complaints: &mut Complaints) -> Option<Phase> {
    let value = node.get("always")?;
    if let Some(phase) = value.text().and_then(Phase::from_word) {
        return Some(phase);
    }
    if !complaints.flag(value, "always")? {
        return None;
    }
    if reaches.is_none() {
        complaints.add(node.line, "missing-key", "`always` says nothing without `reaches`");
    }
    reaches
}

fn capture(node: &Node, complaints: &mut Complaints) -> BTreeMap<Slot, Vec<String>> {
    let mut captured = BTreeMap::new();
    let Some(map) = node.get("capture") else { return captured };
    let known: Vec<&str> = Slot::ALL.iter().map(|slot| slot.word()).collect();
    for entry in complaints.map(map, "`capture`", &known).unwrap_or_default() {
        let fields = complaints.texts(map, &entry.key);
        if let Some(slot) = Slot::from_word(&entry.key).filter(|_| !fields.is_empty()) {
            captured.insert(slot, fields);
        }
    }
    captured
}

/// `{termservice: stopped, until: [boot, accept]}`
fn setting(node: &Node, complaints: &mut Complaints) -> Option<Setting> {
    let until = complaints.texts(node, "until");
    if until.iter().any(|word| !["boot", "accept", "record"].contains(&word.as_str())) {
        complaints.add(node.line, "unknown-word", "`until` can only be `boot`, `accept` and `record`");
        return None;
    }
    let ends_with = |word: &str| until.iter().any(|known| known == word);
    let (until_boot, until_accept, until_record) = (ends_with("boot"), ends_with("accept"), ends_with("record"));
    let mut states = node.entries().iter().filter(|entry| entry.key != "until");
    match (states.next(), states.next()) {
        (Some(entry), None) => {
            let value = complaints.text(&entry.value, &entry.key)?;
            Some(Setting { state: entry.key.clone(), value, until_boot, until_accept, until_record })
        }
        _ => {
            complaints.add(node.line, "wrong-type", "`sets` names one state and its value");
            None
        }
    }
}

fn tests(node: &Node, complaints: &mut Complaints) -> Tests {
    if complaints.map(node, "`tests`", &["match", "miss"]).is_none() {
        return Tests::default();
    }
    let mut read = |key: &str| {
        let items = node.get(key).map(|list| complaints.items(list, key)).unwrap_or_default();
        items.into_iter().filter_map(|item| example(item, key, complaints)).collect()
    };
    Tests { hits: read("match"), misses: read("miss") }
}

fn example(node: &Node, key: &str, complaints: &mut Complaints) -> Option<Example> {
    if node.entries().is_empty() {
        complaints.add(node.line, "wrong-type", format!("an event of `{key}` is a map of fields, not {}", node.kind()));
        return None;
    }
    let mut example = Example::new();
    for entry in node.entries() {
        let items = complaints.items(&entry.value, &entry.key);
        let values = items.into_iter().filter_map(|item| match item.text() {
            Some(text) => Some(text.to_owned()),
            None => {
                complaints.add(item.line, "wrong-type", format!("`{}` must be text, not {}", entry.key, item.kind()));
                None
            }
        });
        example.insert(entry.key.clone(), values.collect());
    }
    Some(example)
}
