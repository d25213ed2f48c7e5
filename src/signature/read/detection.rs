//! Sigma's `detection`: searches, modifiers, and the values they compare with.

use std::net::IpAddr;

use super::condition;
use super::definition::{Comparison, Detection, FieldTest, Glob, Pattern, Search};
use super::problem::Complaints;
use super::yaml::{Entry, Node, Value};

const MODIFIERS: &str =
    "all, cased, cidr, contains, endswith, exists, fieldref, gt, gte, i, lt, lte, m, re, s, startswith, windash";
/// Modifiers of Sigma that we know and do not take.
const REFUSED: &[&str] = &[
    "base64",
    "base64offset",
    "wide",
    "utf16",
    "utf16le",
    "utf16be",
    "expand",
    "neq",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
];

/// Reads `detection`.
pub fn read(node: &Node, complaints: &mut Complaints) -> Option<Detection> {
    let before = complaints.count();
    let Value::Mapping(entries) = &node.value else {
        complaints.add(node.line, "wrong-type", format!("`detection` must be a map, not {}", node.kind()));
        return None;
    };
    let mut searches = Vec::new();
    for entry in entries {
        match entry.key.as_str() {
            "condition" => {}
            "timeframe" => {
                let message = "`timeframe` is not supported; write a correlation rule instead";
                complaints.add(entry.line, "unsupported", message);
            }
            name => searches.push(Search { name: name.to_owned(), any: search(entry, complaints) }),
        }
    }
    let names: Vec<&str> = searches.iter().map(|search| search.name.as_str()).collect();
    let mut conditions = Vec::new();
    if let Some(node) = complaints.need(node, "condition") {
        for item in complaints.items(node, "condition") {
            let Some(text) = complaints.text(item, "condition") else { continue };
            match condition::read(&text, &names) {
                Ok(condition) => conditions.push(condition),
                Err(message) => complaints.add(item.line, "condition", message),
            }
        }
    }
    let condition = condition::join_or(conditions);
    if condition.is_none() && complaints.count() == before {
        complaints.add(node.line, "condition", "the condition is empty");
    }
    Some(Detection { searches, condition: condition.filter(|_| complaints.count() == before)? })
}

fn search(entry: &Entry, complaints: &mut Complaints) -> Vec<Vec<FieldTest>> {
    let items = match &entry.value.value {
        Value::Mapping(_) => vec![&entry.value],
        _ => complaints.items(&entry.value, &entry.key),
    };
    if items.is_empty() {
        complaints.add(entry.line, "empty", format!("the search `{}` is empty", entry.key));
    }
    let mut any = Vec::new();
    for item in items {
        match &item.value {
            Value::Mapping(fields) if fields.is_empty() => {
                complaints.add(item.line, "empty", format!("the search `{}` has an empty map", entry.key));
            }
            Value::Mapping(fields) => {
                any.push(fields.iter().flat_map(|field| field_tests(field, complaints)).collect())
            }
            Value::Scalar { .. } if item.text().is_some_and(|text| !text.is_empty()) => {
                let patterns = vec![keyword(item.text().unwrap_or_default())];
                any.push(vec![FieldTest { field: None, all: false, patterns }]);
            }
            _ => {
                let message = format!("the search `{}` holds {}; it takes maps and keywords", entry.key, item.kind());
                complaints.add(item.line, "wrong-type", message);
            }
        }
    }
    any
}

/// A keyword may stand anywhere in a value.
fn keyword(text: &str) -> Pattern {
    How { contains: true, ..How::default() }.text(text)
}

/// How a field's values are compared, from its modifiers.
#[derive(Default)]
struct How {
    all: bool,
    cased: bool,
    contains: bool,
    starts: bool,
    ends: bool,
    regex: bool,
    flags: String,
    cidr: bool,
    number: Option<Comparison>,
    exists: bool,
    windash: bool,
    fieldref: bool,
}

/// One line of a map. With `windash` and `all` each value becomes a test of its own.
fn field_tests(entry: &Entry, complaints: &mut Complaints) -> Vec<FieldTest> {
    let mut pieces = entry.key.split('|');
    let field = pieces.next().unwrap_or_default().trim();
    let Some(how) = modifiers(pieces, entry, complaints) else { return Vec::new() };
    let field = (!field.is_empty()).then(|| field.to_owned());
    let values = match &entry.value.value {
        Value::Sequence(items) if items.is_empty() => {
            complaints.add(entry.line, "empty", format!("`{}` has an empty list", entry.key));
            return Vec::new();
        }
        Value::Sequence(items) => items.iter().collect(),
        _ => vec![&entry.value],
    };
    let mut groups: Vec<Vec<Pattern>> = Vec::new();
    for value in values {
        match how.patterns(value, field.is_none()) {
            Ok(patterns) => groups.push(patterns),
            Err(message) => complaints.add(value.line, "value", format!("`{}`: {message}", entry.key)),
        }
    }
    if how.all && groups.iter().any(|group| group.len() > 1) {
        return groups.into_iter().map(|patterns| FieldTest { field: field.clone(), all: false, patterns }).collect();
    }
    vec![FieldTest { field, all: how.all, patterns: groups.into_iter().flatten().collect() }]
}

fn modifiers<'a>(names: impl Iterator<Item = &'a str>, entry: &Entry, complaints: &mut Complaints) -> Option<How> {
    let before = complaints.count();
    let mut how = How::default();
    for name in names {
        match name {
            "all" => how.all = true,
            "cased" => how.cased = true,
            "contains" => how.contains = true,
            "startswith" => how.starts = true,
            "endswith" => how.ends = true,
            "re" => how.regex = true,
            "i" | "m" | "s" if how.regex => how.flags.push_str(name),
            "cidr" => how.cidr = true,
            "lt" => how.number = Some(Comparison::Less),
            "lte" => how.number = Some(Comparison::LessOrEqual),
            "gt" => how.number = Some(Comparison::Greater),
            "gte" => how.number = Some(Comparison::GreaterOrEqual),
            "exists" => how.exists = true,
            "windash" => how.windash = true,
            "fieldref" => how.fieldref = true,
            _ if REFUSED.contains(&name) => {
                let message = format!("the modifier `{name}` of `{}` is not supported", entry.key);
                complaints.add(entry.line, "unsupported", message);
            }
            _ => {
                let message = format!("unknown modifier `{name}` of `{}`; known are {MODIFIERS}", entry.key);
                complaints.add(entry.line, "unknown-modifier", message);
            }
        }
    }
    if complaints.count() == before && !how.fits_together(entry.key.starts_with('|')) {
        let message = format!("the modifiers of `{}` do not go together", entry.key);
        complaints.add(entry.line, "unsupported", message);
    }
    (complaints.count() == before).then_some(how)
}

impl How {
    fn fits_together(&self, keyword: bool) -> bool {
        let place = [self.contains, self.starts, self.ends].iter().filter(|set| **set).count();
        let special = [self.regex, self.cidr, self.number.is_some(), self.exists, self.fieldref]
            .iter()
            .filter(|set| **set)
            .count();
        let textual = place > 0 || self.cased || self.windash;
        place <= 1
            && special <= 1
            && !(special == 1 && textual)
            && !(self.all && (self.exists || self.number.is_some()))
            && !(keyword && (self.exists || self.fieldref || self.starts || self.ends))
    }

    /// What one value in YAML is compared as; several patterns are alternatives.
    fn patterns(&self, value: &Node, keyword: bool) -> Result<Vec<Pattern>, String> {
        if value.is_null() && !keyword {
            let plain = !(self.regex || self.cidr || self.number.is_some() || self.exists || self.fieldref);
            return if plain {
                Ok(vec![Pattern::Null])
            } else {
                Err("nothing can be compared with `null` here".into())
            };
        }
        let Some(text) = value.text() else {
            return Err(format!("{} cannot be compared with", value.kind()));
        };
        if self.exists {
            return match text {
                "true" | "True" => Ok(vec![Pattern::Exists(true)]),
                "false" | "False" => Ok(vec![Pattern::Exists(false)]),
                _ => Err("`exists` takes true or false".into()),
            };
        }
        if let Some(comparison) = self.number {
            let number = number(text).ok_or_else(|| format!("`{text}` is not a number"))?;
            return Ok(vec![Pattern::Number(comparison, number)]);
        }
        if self.cidr {
            check_cidr(text)?;
            return Ok(vec![Pattern::Cidr(text.to_owned())]);
        }
        if self.fieldref {
            return Ok(vec![Pattern::Field(text.to_owned())]);
        }
        if self.regex {
            let flags = if self.flags.is_empty() { String::new() } else { format!("(?{})", self.flags) };
            return Ok(vec![Pattern::Regex(format!("{flags}{text}"))]);
        }
        if self.windash {
            return Ok(dashes(text).iter().map(|text| self.text(text)).collect());
        }
        if keyword && !self.contains {
            return Ok(vec![How { contains: true, cased: self.cased, ..How::default() }.text(text)]);
        }
        Ok(vec![self.text(text)])
    }

    fn text(&self, text: &str) -> Pattern {
        let mut glob = read_glob(text);
        if (self.contains || self.ends) && glob.first() != Some(&Glob::Any) {
            glob.insert(0, Glob::Any);
        }
        if (self.contains || self.starts) && glob.last() != Some(&Glob::Any) {
            glob.push(Glob::Any);
        }
        Pattern::Text { glob, cased: self.cased }
    }
}

/// Wildcards `*` and `?`; a backslash before them or before a backslash takes their meaning away.
fn read_glob(text: &str) -> Vec<Glob> {
    let mut glob = Vec::new();
    let mut literal = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let special = match letter {
            '*' => Glob::Any,
            '?' => Glob::One,
            '\\' => {
                let escaped = letters.next_if(|next| matches!(next, '*' | '?' | '\\'));
                literal.push(escaped.unwrap_or('\\'));
                continue;
            }
            _ => {
                literal.push(letter);
                continue;
            }
        };
        if !literal.is_empty() {
            glob.push(Glob::Literal(std::mem::take(&mut literal)));
        }
        if !(special == Glob::Any && glob.last() == Some(&Glob::Any)) {
            glob.push(special);
        }
    }
    if !literal.is_empty() {
        glob.push(Glob::Literal(literal));
    }
    glob
}

/// The text with the mark of every command line switch as each of the dashes that Windows takes.
fn dashes(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let letters: Vec<char> = text.chars().collect();
    let mark = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| letters.get(before)).is_some_and(|c| is_word(*c));
        let after = letters.get(at + 1).is_some_and(|c| is_word(*c));
        matches!(letters[at], '-' | '/') && !before && after
    };
    if !(0..letters.len()).any(mark) {
        return vec![text.to_owned()];
    }
    let with = |dash: char| (0..letters.len()).map(|at| if mark(at) { dash } else { letters[at] }).collect();
    ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'].into_iter().map(with).collect()
}

fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok().map(f64::from);
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn check_cidr(text: &str) -> Result<(), String> {
    let wrong = || format!("`{text}` is not a network such as 10.0.0.0/8");
    let (address, length) = text.split_once('/').ok_or_else(wrong)?;
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let length: u8 = length.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    if length <= most { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
#[path = "detection_tests.rs"]
mod tests;
