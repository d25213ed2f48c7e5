//! What is wrong with a signature file, and the little readers that say so.

use std::fmt;

use super::yaml::{Entry, Node, Value};

/// Something wrong in a signature file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File, relative to the folder that was read, with `/`.
    pub file: String,
    /// Line, counted from one; 0 where none can be named.
    pub line: u32,
    /// The rule, correlation or cause that it stands in.
    pub rule: Option<String>,
    /// What kind of problem, for programs.
    pub code: &'static str,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {} [{}]", self.message, self.code)
    }
}

/// Collects the problems of one file.
#[derive(Debug)]
pub struct Complaints {
    file: String,
    rule: Option<String>,
    list: Vec<Problem>,
}

impl Complaints {
    /// For this file.
    pub fn new(file: &str) -> Self {
        Complaints { file: file.to_owned(), rule: None, list: Vec::new() }
    }

    /// What follows is about this rule or cause.
    pub fn about(&mut self, rule: &str) {
        self.rule = Some(rule.to_owned());
    }

    /// So many so far: a reader that finds more after its work than before it has failed.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// All of them.
    pub fn into_list(self) -> Vec<Problem> {
        self.list
    }

    /// Adds one.
    pub fn add(&mut self, line: u32, code: &'static str, message: impl Into<String>) {
        let (file, rule) = (self.file.clone(), self.rule.clone());
        self.list.push(Problem { file, line, rule, code, message: message.into() });
    }

    fn wrong_type(&mut self, node: &Node, key: &str, wanted: &str) {
        self.add(node.line, "wrong-type", format!("`{key}` must be {wanted}, not {}", node.kind()));
    }

    /// The entries of a map which may hold these keys only.
    pub fn map<'n>(&mut self, node: &'n Node, what: &str, allowed: &[&str]) -> Option<&'n [Entry]> {
        let Value::Mapping(entries) = &node.value else {
            self.wrong_type(node, what, "a map");
            return None;
        };
        for entry in entries.iter().filter(|entry| !allowed.contains(&entry.key.as_str())) {
            let message = format!("unknown key `{}` in {what}; known are {}", entry.key, allowed.join(", "));
            self.add(entry.line, "unknown-key", message);
        }
        Some(entries)
    }

    /// The value of a key that must be there.
    pub fn need<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n Node> {
        let found = node.get(key);
        if found.is_none() {
            self.add(node.line, "missing-key", format!("the key `{key}` is missing"));
        }
        found
    }

    /// Text that is there and not empty, trimmed.
    pub fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        match node.text().map(str::trim) {
            Some("") => {
                self.add(node.line, "empty", format!("`{key}` is empty"));
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong_type(node, key, "text");
                None
            }
        }
    }

    /// The text of a key that must be there.
    pub fn need_text(&mut self, node: &Node, key: &str) -> Option<String> {
        let value = self.need(node, key)?;
        self.text(value, key)
    }

    /// The text of a key that may be missing or null.
    pub fn may_text(&mut self, node: &Node, key: &str) -> Option<String> {
        let value = node.get(key).filter(|value| !value.is_null())?;
        self.text(value, key)
    }

    /// The items of a list; one text alone counts as a list of it, null as an empty one.
    pub fn items<'n>(&mut self, node: &'n Node, key: &str) -> Vec<&'n Node> {
        match &node.value {
            Value::Sequence(items) => items.iter().collect(),
            Value::Scalar { .. } if node.is_null() => Vec::new(),
            Value::Scalar { .. } => vec![node],
            Value::Mapping(_) => {
                self.wrong_type(node, key, "a list");
                Vec::new()
            }
        }
    }

    /// The texts of a key that may be missing.
    pub fn texts(&mut self, node: &Node, key: &str) -> Vec<String> {
        let items = node.get(key).map(|list| self.items(list, key)).unwrap_or_default();
        items.into_iter().filter_map(|item| self.text(item, key)).collect()
    }

    /// One of a fixed set of words.
    pub fn word<T: fmt::Display>(
        &mut self,
        node: &Node,
        key: &str,
        read: fn(&str) -> Option<T>,
        all: &[T],
    ) -> Option<T> {
        let text = self.text(node, key)?;
        let word = read(&text);
        if word.is_none() {
            let known: Vec<String> = all.iter().map(T::to_string).collect();
            let message = format!("`{key}` cannot be `{text}`; it is one of {}", known.join(", "));
            self.add(node.line, "unknown-word", message);
        }
        word
    }

    /// One of a fixed set of words, where the key may be missing.
    pub fn may_word<T: fmt::Display>(
        &mut self,
        node: &Node,
        key: &str,
        read: fn(&str) -> Option<T>,
        all: &[T],
    ) -> Option<T> {
        let value = node.get(key).filter(|value| !value.is_null())?;
        self.word(value, key, read, all)
    }

    /// A list of words of a fixed set, where the key may be missing.
    pub fn words<T: fmt::Display>(&mut self, node: &Node, key: &str, read: fn(&str) -> Option<T>, all: &[T]) -> Vec<T> {
        let items = node.get(key).map(|list| self.items(list, key)).unwrap_or_default();
        items.into_iter().filter_map(|item| self.word(item, key, read, all)).collect()
    }

    /// `true` or `false`.
    pub fn flag(&mut self, node: &Node, key: &str) -> Option<bool> {
        match node.text() {
            Some("true" | "True" | "TRUE") => Some(true),
            Some("false" | "False" | "FALSE") => Some(false),
            _ => {
                self.add(node.line, "wrong-type", format!("`{key}` must be true or false"));
                None
            }
        }
    }

    /// A whole number within bounds, decimal or `0x`.
    pub fn number(&mut self, node: &Node, key: &str, least: u32, most: u32) -> Option<u32> {
        let text = self.text(node, key)?;
        let number = read_number(&text).filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message = format!("`{key}` must be a number from {least} to {most}, not `{text}`");
            self.add(node.line, "wrong-number", message);
        }
        number
    }
}

/// A whole number of 32 bits, decimal or `0x`. Less than what logs may write ([`crate::event::read_code`]): in a table of
/// ours a number stands in one way, and neither a sign nor bits beyond 32 are ever meant.
pub fn read_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with('+') => u32::from_str_radix(hex, 16).ok(),
        None if !text.starts_with('+') => text.parse().ok(),
        _ => None,
    }
}

/// A span such as `250ms`, `5s`, `10m`, `2h`, `30d`, `1w` in steps of 100 ns.
pub fn read_span(text: &str) -> Option<i64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let milliseconds: i64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(milliseconds)?.checked_mul(10_000)
}
