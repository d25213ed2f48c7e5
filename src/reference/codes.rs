//! Codes: what they mean, which causes fit, what would tell those apart.

use std::collections::BTreeSet;

use super::topic::{Kind, Line, Topic};
use super::{causes, dialogs, records};
use crate::signature::definition::{Background, Cause, Code, CodeRange, Glob, Pair, Pattern, Rule};
use crate::signature::{Signatures, number as read_number};

const DISCONNECT: &str = "disconnect";
const EXTENDED: &str = "extended";
const STATUS: &str = "status";
const MESSAGES: &str = "messages";

/// How people call a number space.
fn called(signatures: &Signatures, space: &str) -> String {
    signatures.space_title(space).map_or_else(|| format!("number space {space}"), str::to_owned)
}

/// Each meaning of a number; where it has none, the groups that it is in.
pub fn number(signatures: &Signatures, number: u32, message: bool) -> Vec<Topic> {
    let mut found = Vec::new();
    let mut spaces: Vec<&str> = signatures.spaces().collect();
    if message {
        // `%%1058` is the message of that number, which may be that of a Win32 error too.
        spaces = vec![MESSAGES];
        if signatures.code(MESSAGES, number).is_none() {
            spaces.push(STATUS);
        }
    }
    for space in spaces {
        match signatures.code(space, number) {
            Some(code) => found.push(topic(signatures, space, number, code)),
            None => found.extend(
                signatures
                    .ranges(space)
                    .iter()
                    .filter(|r| r.members.contains(number))
                    .map(|range| group(signatures, (space, Some(number)), range)),
            ),
        }
    }
    // A group is a guess: it stands back where anything is known.
    if found.iter().any(|topic| topic.kind == Kind::Code) {
        found.retain(|topic| topic.kind == Kind::Code);
    }
    found
}

/// The codes of an official name.
pub fn symbol(signatures: &Signatures, name: &str) -> Vec<Topic> {
    let mut found = Vec::new();
    for space in signatures.spaces() {
        let named = signatures
            .codes(space)
            .iter()
            .filter(|code| code.symbol.iter().chain(&code.aliases).any(|symbol| symbol.eq_ignore_ascii_case(name)));
        found.extend(named.map(|code| topic(signatures, space, code.number, code)));
        let ranges = signatures.ranges(space).iter();
        let named = ranges.filter(|range| range.symbol.as_ref().is_some_and(|s| s.eq_ignore_ascii_case(name)));
        found.extend(named.map(|range| group(signatures, (space, None), range)));
    }
    found
}

/// Both codes of a dialog together.
pub fn pair(signatures: &Signatures, code: u32, extended: u32) -> Vec<Topic> {
    let (first, second) = (signatures.code(DISCONNECT, code), signatures.code(EXTENDED, extended));
    if first.is_none() && second.is_none() {
        // Status and SubStatus of 4625 are written so too.
        return [code, extended].into_iter().flat_map(|one| number(signatures, one, false)).collect();
    }
    let known = |p: &&Pair| p.code == code && (p.extended.0..=p.extended.1).contains(&extended);
    let together = signatures.pairs().iter().rfind(known);
    let halves = || {
        let meaning = |code: Option<&Code>| code.map_or("not documented", |code| code.meaning.as_str()).to_owned();
        format!("{}; extended: {}", meaning(first), meaning(second))
    };
    let title = together.map_or_else(halves, |pair| pair.meaning.clone());
    let mut topic = Topic::new(Kind::Pair, format!("{code:#x}/{extended:#x}").replace("0X", "0x"), title);
    if let Some(pair) = together {
        background(&mut topic, &pair.background);
    }
    let mut lines = Vec::new();
    for (space, number, known) in [(DISCONNECT, code, first), (EXTENDED, extended, second)] {
        let mut line = Line::plain(known.map_or_else(
            || format!("{number:#x} ({number}): not documented as {}", called(signatures, space)),
            |code| format!("{number:#x} ({number}{}): {}", named(code), code.meaning),
        ));
        if let Some(code) = known {
            let from = &code.background;
            line.more.extend(from.layer.iter().filter(|layer| *layer != "none").map(|l| format!("layer: {l}")));
            line.more.extend(from.note.clone());
            line.more.extend(from.seen.iter().map(|seen| format!("seen: {seen}")));
        } else {
            let groups = signatures.ranges(space).iter().filter(|range| range.members.contains(number));
            line.more.extend(groups.map(|range| range.meaning.clone()));
        }
        lines.push(line);
    }
    topic.section("The two halves", lines);
    judge(signatures, &mut topic, Some(code), Some(extended));
    vec![topic]
}

fn named(code: &Code) -> String {
    code.symbol.as_ref().map(|symbol| format!(", {symbol}")).unwrap_or_default()
}

fn topic(signatures: &Signatures, space: &str, number: u32, code: &Code) -> Topic {
    let mut topic = Topic::new(Kind::Code, format!("{space}/{number}"), code.meaning.clone());
    let shown = match space {
        MESSAGES => format!("%%{number}"),
        STATUS if number > 0xFFFF => format!("0x{number:08X} ({})", number.cast_signed()),
        _ => format!("{number} (0x{number:X})"),
    };
    topic.fact("number", shown);
    topic.fact("kind of number", called(signatures, space));
    let symbols: Vec<&str> = code.symbol.iter().chain(&code.aliases).map(String::as_str).collect();
    topic.fact("official name", symbols.join(", "));
    if number != code.number {
        topic.fact("is", format!("0x{:X} in another form", code.number));
    }
    background(&mut topic, &code.background);
    match space {
        DISCONNECT => {
            let known = signatures.pairs().iter().filter(|pair| pair.code == number).map(|pair| {
                let (first, last) = pair.extended;
                let to = if first == last { String::new() } else { format!(" to {last:#x}") };
                Line::plain(format!("{:#x}/{first:#x}{to}: {}", pair.code, pair.meaning))
            });
            topic.section("With an extended code", known.collect());
            judge(signatures, &mut topic, Some(number), None);
        }
        EXTENDED => judge(signatures, &mut topic, None, Some(number)),
        STATUS | MESSAGES | "kerberos" | "gateway" => looked_for(signatures, &mut topic, space, code.number),
        _ => {}
    }
    topic
}

fn group(signatures: &Signatures, (space, number): (&str, Option<u32>), range: &CodeRange) -> Topic {
    let id = number.map_or_else(|| format!("{space}/{}", range.meaning), |number| format!("{space}/{number}"));
    let mut topic = Topic::new(Kind::Group, id, range.meaning.clone());
    topic.fact("number", number.map(|n| format!("{n} (0x{n:X}), not documented itself")).unwrap_or_default());
    topic.fact("kind of number", called(signatures, space));
    topic.fact("official name", range.symbol.clone().unwrap_or_default());
    background(&mut topic, &range.background);
    topic
}

fn background(topic: &mut Topic, from: &Background) {
    topic.fact("layer", from.layer.clone().filter(|layer| layer != "none").unwrap_or_default());
    topic.fact("seen in", from.seen.clone().unwrap_or_default());
    topic.fact("confidence", from.confidence.map(|word| word.to_string()).unwrap_or_default());
    topic.fact("source", from.source.clone().unwrap_or_default());
    topic.section("What goes with it, and what it does not say", from.note.iter().map(Line::plain).collect());
}

/// Which causes show these codes, what would tell them apart, and which advice does harm.
fn judge(signatures: &Signatures, topic: &mut Topic, code: Option<u32>, extended: Option<u32>) {
    let fits = |typical: bool| {
        let shows = move |cause: &&Cause| {
            cause.codes.iter().any(|pair| {
                pair.typical == typical
                    && code.is_none_or(|code| pair.code == code)
                    && match (extended, pair.extended) {
                        (Some(a), Some(b)) => a == b,
                        (Some(_), None) => code.is_some(),
                        (None, _) => true,
                    }
            })
        };
        let mut found: Vec<&Cause> = signatures.causes().iter().filter(shows).collect();
        found.sort_by(|a, b| b.prior.cmp(&a.prior).then_with(|| a.id.cmp(&b.id)));
        found
    };
    let typical = fits(true);
    let ids: BTreeSet<&str> = typical.iter().map(|cause| cause.id.as_str()).collect();
    let possible: Vec<&Cause> = fits(false).into_iter().filter(|cause| !ids.contains(cause.id.as_str())).collect();
    topic.section("Causes of which it is typical", typical.iter().map(|c| causes::line(signatures, c)).collect());
    topic.section("Causes that may show it too", possible.iter().map(|c| causes::line(signatures, c)).collect());
    dialogs::advice(signatures, topic, &typical, code, extended);
    dialogs::shown_by(signatures, topic, code, extended);
}

/// Rules that look for a code, and the causes that rest on them.
fn looked_for(signatures: &Signatures, topic: &mut Topic, space: &str, number: u32) {
    let rules: Vec<&Rule> = signatures.rules().filter(|rule| names(rule, space, number)).collect();
    let slugs: BTreeSet<&str> = rules.iter().map(|rule| rule.slug.as_str()).collect();
    topic.section("Signatures that look for it", rules.iter().map(|rule| records::line(signatures, rule)).collect());
    records::bears(signatures, topic, &slugs);
    let code = (space == STATUS).then_some(number);
    if code.is_some() {
        dialogs::advice(signatures, topic, &[], code, None);
        dialogs::shown_by(signatures, topic, code, None);
    }
}

/// Does a rule compare a field with this code? Small numbers stand for too many things.
fn names(rule: &Rule, space: &str, number: u32) -> bool {
    if number <= 0xFFFF && space == STATUS {
        return false;
    }
    let tests = rule.detection.searches.iter().flat_map(|search| search.any.iter().flatten());
    let codes = tests.filter(|test| test.field.as_deref().is_some_and(|field| !field.ends_with("EventID")));
    codes.flat_map(|test| &test.patterns).any(|pattern| {
        let Pattern::Text { glob, .. } = pattern else { return false };
        let [Glob::Literal(text)] = glob.as_slice() else { return false };
        let marked = text.starts_with("%%");
        read_number(text) == Some(number)
            && (number > 0xFFFF || marked == (space == MESSAGES))
            && (number > 0xFFFF || marked || (space == "gateway" && number > 20_000))
    })
}
