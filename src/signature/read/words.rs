//! Words for the events of a provider.

use std::collections::BTreeMap;

use super::definition::Words;
use super::problem::{Complaints, read_number};
use super::yaml::Node;

/// Reads the words of one provider.
pub fn read(node: &Node, complaints: &mut Complaints) -> Option<Words> {
    let before = complaints.count();
    complaints.map(node, "words for events", &["provider", "short", "channel", "elsewhere", "events"])?;
    let provider = complaints.need_text(node, "provider");
    let short = complaints.need_text(node, "short");
    // Events that stand in traces alone have none.
    let channel = complaints.may_text(node, "channel").unwrap_or_default();
    let elsewhere = node.get("elsewhere").and_then(|value| complaints.flag(value, "elsewhere")).unwrap_or_default();
    let mut events = BTreeMap::new();
    if let Some(map) = complaints.need(node, "events").filter(|value| !value.is_null()) {
        if map.entries().is_empty() {
            complaints.add(map.line, "wrong-type", "`events` is a map from event ids to texts");
        }
        for entry in map.entries() {
            let Some(id) = read_number(&entry.key) else {
                complaints.add(entry.line, "wrong-number", format!("`{}` is not an event id", entry.key));
                continue;
            };
            let Some(text) = complaints.text(&entry.value, &entry.key) else { continue };
            if let Err(message) = check(&text) {
                complaints.add(entry.value.line, "template", message);
            }
            events.insert(id, text);
        }
    }
    let words = Words { provider: provider?, short: short?, channel, elsewhere, events };
    (complaints.count() == before).then_some(words)
}

/// Braces must close, hold a name, and not stand in each other.
fn check(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let inner = match rest[at..].strip_prefix('{') {
            Some(inner) => inner,
            None => return Err("a brace closes that was never opened".into()),
        };
        let Some(end) = inner.find('}') else { return Err("a brace is not closed".into()) };
        let name = inner[..end].split('|').next().unwrap_or_default();
        if name.trim().is_empty() || inner[..end].contains('{') || inner[..end].matches('|').count() > 1 {
            return Err(format!("`{{{}}}` must be like {{Field}} or {{Field|space}}", &inner[..end]));
        }
        rest = &inner[end + 1..];
    }
    Ok(())
}

/// The number spaces that a text decodes with.
pub fn spaces(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|piece| piece.split('}').next()?.split_once('|').map(|(_, space)| space.trim()))
}
