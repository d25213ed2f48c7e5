//! Dialogs and claims: what users see, and what they are told about it.

use std::collections::BTreeMap;

use super::definition::{Claim, Confidence, Dialog, DialogCode, Judgement};
use super::problem::{Complaints, read_number};
use super::yaml::Node;

/// Reads the dialog that stands in the file `id`.
pub fn dialog(node: &Node, id: &str, complaints: &mut Complaints) -> Option<Dialog> {
    let before = complaints.count();
    let known = ["id", "says", "keys", "codes", "causes", "possible", "note", "references"];
    complaints.map(node, "a dialog", &known)?;
    same_id(node, id, complaints);
    let says = complaints.need_text(node, "says");
    let mut keys = BTreeMap::new();
    if let Some(map) = complaints.need(node, "keys") {
        if map.entries().is_empty() {
            complaints.add(map.line, "wrong-type", "`keys` is a map from languages to lists of key words");
        }
        for entry in map.entries() {
            let texts = complaints.texts(map, &entry.key);
            if texts.iter().any(|key| key.split_whitespace().count() < 2) {
                complaints.add(entry.line, "key", "a key of one word would fit half of all texts");
            }
            keys.insert(entry.key.clone(), texts);
        }
    }
    let items = node.get("codes").map(|list| complaints.items(list, "codes")).unwrap_or_default();
    let codes = items.into_iter().filter_map(|item| code(item, complaints)).collect();
    let dialog = Dialog {
        id: id.to_owned(),
        says: says?,
        keys,
        codes,
        causes: complaints.texts(node, "causes"),
        possible: complaints.texts(node, "possible"),
        note: complaints.may_text(node, "note"),
        references: complaints.texts(node, "references"),
    };
    (complaints.count() == before).then_some(dialog)
}

/// `{code: '0x904', extended: '0x7', confidence: high}`
fn code(node: &Node, complaints: &mut Complaints) -> Option<DialogCode> {
    complaints.map(node, "`codes`", &["code", "extended", "confidence"])?;
    let code = complaints.need(node, "code").and_then(|value| complaints.number(value, "code", 0, u32::MAX));
    let extended = match node.get("extended").filter(|value| !value.is_null()) {
        Some(value) => Some(complaints.number(value, "extended", 0, u32::MAX)?),
        None => None,
    };
    let confidence = complaints
        .need(node, "confidence")
        .and_then(|value| complaints.word(value, "confidence", Confidence::from_word, Confidence::ALL));
    Some(DialogCode { code: code?, extended, confidence: confidence? })
}

/// Reads the claim that stands in the file `id`.
pub fn claim(node: &Node, id: &str, complaints: &mut Complaints) -> Option<Claim> {
    let before = complaints.count();
    let known =
        ["id", "claim", "judgement", "facts", "speaks_for", "speaks_against", "codes", "causes", "families", "events"];
    complaints.map(node, "a claim", &known)?;
    same_id(node, id, complaints);
    let claim = complaints.need_text(node, "claim");
    let judgement = complaints
        .need(node, "judgement")
        .and_then(|value| complaints.word(value, "judgement", Judgement::from_word, Judgement::ALL));
    let facts = complaints.need_text(node, "facts");
    let mut codes = Vec::new();
    for text in complaints.texts(node, "codes") {
        let (code, extended) = text.split_once('/').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
        match (read_number(code), extended.map(read_number)) {
            (Some(code), None) => codes.push((code, None)),
            (Some(code), Some(Some(extended))) => codes.push((code, Some(extended))),
            _ => complaints.add(node.line, "wrong-number", format!("`{text}` is no code such as 0x904 or 0x904/0x7")),
        }
    }
    let claim = Claim {
        id: id.to_owned(),
        claim: claim?,
        judgement: judgement?,
        facts: facts?,
        speaks_for: complaints.may_text(node, "speaks_for"),
        speaks_against: complaints.may_text(node, "speaks_against"),
        codes,
        causes: complaints.texts(node, "causes"),
        families: complaints.texts(node, "families"),
        events: complaints.texts(node, "events"),
    };
    (complaints.count() == before).then_some(claim)
}

fn same_id(node: &Node, id: &str, complaints: &mut Complaints) {
    if complaints.need_text(node, "id").is_some_and(|own| own != id) {
        complaints.add(node.line, "file-name", format!("the file of this id must be called so, not `{id}`"));
    }
}
