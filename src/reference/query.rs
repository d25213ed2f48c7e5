//! What was asked: which notation it is in, and all that it may mean.

use super::topic::{Kind, Topic};
use super::{causes, codes, dialogs, records};
use crate::signature::definition::Phase;
use crate::signature::{Signatures, number, phrase};

/// Everything that a question may mean, the likeliest first.
pub fn topics(signatures: &Signatures, asked: &str) -> Vec<Topic> {
    if asked.is_empty() {
        return Vec::new();
    }
    let steps: [fn(&Signatures, &str) -> Vec<Topic>; 7] =
        [named, titled, symbols, halves, numbers, records::provider, text];
    steps.iter().map(|step| step(signatures, asked)).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Ids, whatever the case of their letters; a word may be a phase and a family.
fn named(signatures: &Signatures, asked: &str) -> Vec<Topic> {
    let lower = asked.to_lowercase();
    let mut found = Vec::new();
    found.extend(signatures.cause(&lower).map(|cause| causes::cause(signatures, cause)));
    found.extend(signatures.rule(&lower).map(|rule| records::rule(signatures, rule)));
    let correlation = signatures.correlations().iter().find(|one| one.slug == lower);
    found.extend(correlation.map(|one| records::correlation(signatures, one)));
    found.extend(Phase::from_word(&lower).map(|phase| causes::phase(signatures, phase)));
    found.extend(causes::family(signatures, &lower));
    let dialog = signatures.dialogs().iter().find(|dialog| dialog.id == lower);
    found.extend(dialog.map(|dialog| dialogs::dialog(signatures, dialog)));
    let claim = signatures.claims().iter().find(|claim| claim.id == lower);
    found.extend(claim.map(|claim| dialogs::claim(signatures, claim)));
    found
}

/// Causes by their titles, as reports tell them.
fn titled(signatures: &Signatures, asked: &str) -> Vec<Topic> {
    let plain = |title: &str| title.trim_end_matches('.').to_lowercase();
    let found = signatures.causes().iter().filter(|cause| plain(&cause.title) == plain(asked));
    found.map(|cause| causes::cause(signatures, cause)).collect()
}

/// Official names, also as `HRESULT_FROM_WIN32(NAME)`.
fn symbols(signatures: &Signatures, asked: &str) -> Vec<Topic> {
    let whole = codes::symbol(signatures, asked);
    if !whole.is_empty() {
        return whole;
    }
    let inner = asked.split_once('(').map(|(name, rest)| {
        let first = rest.split([')', ' ']).next().unwrap_or_default();
        if name.trim_end().len() < name.len() { name.trim_end() } else { first }
    });
    inner.map(|name| codes::symbol(signatures, name)).unwrap_or_default()
}

/// `0x904/0x7`, `LsaSrv/6041`, `LsaSrv 6041`.
fn halves(signatures: &Signatures, asked: &str) -> Vec<Topic> {
    let Some((left, right)) = asked.split_once('/').or_else(|| asked.rsplit_once(' ')) else { return Vec::new() };
    let (left, right) = (left.trim(), right.trim());
    match (code(left), right.split_once('-').map_or(code(right), |(first, _)| code(first).or(code(right)))) {
        (Some(left), Some(right)) if asked.contains('/') => codes::pair(signatures, left, right),
        (None, Some(id)) if right.bytes().all(|b| b.is_ascii_digit()) => records::event(signatures, Some(left), id),
        _ => Vec::new(),
    }
}

fn numbers(signatures: &Signatures, asked: &str) -> Vec<Topic> {
    let Some(number) = code(asked) else { return Vec::new() };
    let mut found = codes::number(signatures, number, asked.starts_with("%%"));
    let digits = asked.bytes().all(|b| b.is_ascii_digit());
    if digits && number <= u32::from(u16::MAX) {
        let events = records::event(signatures, None, number);
        // A group is a guess: it stands back where anything is known.
        found.retain(|topic| events.is_empty() || topic.kind != Kind::Group);
        found.extend(events);
    }
    match u32::from_str_radix(asked, 16) {
        // `80090304` is a status whose 0x was left away.
        Ok(hex) if asked.len() == 8 && digits && found.iter().all(|topic| topic.kind == Kind::Group) => {
            codes::number(signatures, hex, false)
        }
        _ => found,
    }
}

/// The words of a dialog, and the codes that were pasted with them.
fn text(signatures: &Signatures, asked: &str) -> Vec<Topic> {
    let mut found: Vec<Topic> =
        signatures.dialogs_in(asked).into_iter().map(|dialog| dialogs::dialog(signatures, dialog)).collect();
    match phrase::codes(asked)[..] {
        [code, extended, ..] if code <= 0xFFFF => found.extend(codes::pair(signatures, code, extended)),
        [code, ..] => found.extend(codes::number(signatures, code, false)),
        [] => {}
    }
    found
}

/// A number in any notation: `0x904`, `2308`, `-2146893019`, `%%2308`, `C000006D`, `0x80070000|0x59D8`.
fn code(text: &str) -> Option<u32> {
    if let Some((high, low)) = text.split_once('|') {
        return Some(number(high)? | number(low)?);
    }
    let bare =
        text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit()) && !text.bytes().all(|b| b.is_ascii_digit());
    if bare { u32::from_str_radix(text, 16).ok() } else { number(text) }
}
