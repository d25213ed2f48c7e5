//! YAML text as a tree that knows its lines. Owns the bounds on what a file may
//! ask for; knows nothing of signatures. Numbers, dates and truth values stay the
//! text that they were written as: what they mean is for the reader of the key.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle};

/// Greatest size of a file in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Greatest depth of maps and lists.
pub const MAX_DEPTH: usize = 48;
/// Greatest number of keys in a map: each is compared with those before it.
pub const MAX_KEYS: usize = 2_000;
/// Greatest number of values in a file, aliases written out.
pub const MAX_NODES: usize = 200_000;
/// Greatest amount of text in a file, aliases written out.
pub const MAX_TEXT: usize = 8 << 20;

/// A value and the line (from one) on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Line, counted from one.
    pub line: u32,
    /// The value.
    pub value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, a number, a date, nothing: as written.
    Scalar {
        /// The text, escapes and folding done.
        text: String,
        /// It stands without quotes, so that `null` and `true` may be more than words.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A map in file order; no key stands twice.
    Mapping(Vec<Entry>),
}

/// A line of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Line of the key.
    pub line: u32,
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Node,
}

/// Why text is no YAML that we take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// Line, counted from one.
    pub line: u32,
    /// In words.
    pub message: String,
}

impl Node {
    /// The entries of a map; none where it is something else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a scalar, `None` for null, lists and maps.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Written as nothing: empty, `~` or `null`, without quotes.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { .. } => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a map",
        }
    }
}

/// Reads every document of a file. What stands before an error is returned with it.
pub fn parse(text: &str) -> (Vec<Node>, Option<YamlError>) {
    let mut builder = Builder::default();
    let read = each(text, |event, line| builder.take(event, line));
    (builder.documents, read.err())
}

/// Hands over every step of the parser with its line, until one is refused.
fn each(text: &str, mut take: impl FnMut(Event<'_>, u32) -> Result<(), String>) -> Result<(), YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, more than the {MAX_BYTES} that are read", text.len());
        return Err(YamlError { line: 1, message });
    }
    let mut options = Options::default();
    options.emit_comments = false;
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => {
                let line = line_number(span.start.line());
                take(event, line).map_err(|message| YamlError { line, message })?;
            }
            Err(error) => {
                return Err(YamlError { line: line_number(error.marker().line()), message: error.info() });
            }
        }
    }
    Ok(())
}

fn line_number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).max(1)
}

/// A collection that is not closed yet.
struct Open {
    node: Node,
    anchor: usize,
    /// Key that waits for its value.
    key: Option<(String, u32)>,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, Cost)>,
    spent: Cost,
}

#[derive(Clone, Copy, Default)]
struct Cost {
    nodes: usize,
    text: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: u32) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.suffix() == "str" || tag.suffix().is_empty());
                let plain = style == ScalarStyle::Plain && !is_text;
                let value = Value::Scalar { text: text.into_owned(), plain };
                self.close(Node { line, value }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Value::Sequence(Vec::new()), line, anchor),
            Event::MappingStart(_, anchor, _) => self.open(Value::Mapping(Vec::new()), line, anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(open) => self.close(open.node, open.anchor),
                None => Err("a list or map ends that never began".into()),
            },
            Event::Alias(anchor) => {
                let Some((node, cost)) = self.anchors.get(&anchor) else {
                    return Err("an alias stands inside of what it names".into());
                };
                // Paid before it is copied, so that aliases of aliases cannot run away.
                let (node, cost) = (node, *cost);
                let copy = match self.spent.pay(cost) {
                    Ok(()) => node.clone(),
                    Err(message) => return Err(message),
                };
                self.attach(copy)
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, value: Value, line: u32, anchor: usize) -> Result<(), String> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(format!("lists and maps stand more than {MAX_DEPTH} deep in each other"));
        }
        if let Some(Open { node: Node { value: Value::Mapping(_), .. }, key: None, .. }) = self.stack.last() {
            return Err("a key must be text, not a list or a map".into());
        }
        self.stack.push(Open { node: Node { line, value }, anchor, key: None });
        Ok(())
    }

    /// A value is complete: pays for it, remembers it under its anchor, hands it on.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        let own = match &node.value {
            Value::Scalar { text, .. } => Cost { nodes: 1, text: text.len() },
            _ => Cost { nodes: 1, text: 0 },
        };
        self.spent.pay(own)?;
        if anchor != 0 {
            let whole = cost(&node);
            self.spent.pay(whole)?;
            self.anchors.insert(anchor, (node.clone(), whole));
        }
        self.attach(node)
    }

    fn attach(&mut self, node: Node) -> Result<(), String> {
        let Some(open) = self.stack.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::Sequence(items) => items.push(node),
            Value::Mapping(entries) => match open.key.take() {
                Some((key, line)) => entries.push(Entry { line, key, value: node }),
                None => {
                    let line = node.line;
                    let Value::Scalar { text, .. } = node.value else {
                        return Err("a key must be text, not a list or a map".into());
                    };
                    if entries.len() >= MAX_KEYS {
                        return Err(format!("a map has more than {MAX_KEYS} keys"));
                    }
                    if entries.iter().any(|entry| entry.key == text) {
                        return Err(format!("the key `{text}` stands twice in one map"));
                    }
                    open.key = Some((text, line));
                }
            },
            Value::Scalar { .. } => {}
        }
        Ok(())
    }
}

impl Cost {
    fn pay(&mut self, cost: Cost) -> Result<(), String> {
        self.nodes += cost.nodes;
        self.text += cost.text;
        if self.nodes > MAX_NODES || self.text > MAX_TEXT {
            return Err("the file grows too large when its aliases are written out".into());
        }
        Ok(())
    }
}

/// What a copy of a value costs. Depth is bounded, so the recursion is.
fn cost(node: &Node) -> Cost {
    let mut sum = Cost { nodes: 1, text: 0 };
    let mut add = |inner: Cost| {
        sum.nodes += inner.nodes;
        sum.text += inner.text;
    };
    match &node.value {
        Value::Scalar { text, .. } => add(Cost { nodes: 0, text: text.len() }),
        Value::Sequence(items) => items.iter().map(cost).for_each(add),
        Value::Mapping(entries) => entries.iter().for_each(|entry| {
            add(Cost { nodes: 0, text: entry.key.len() });
            add(cost(&entry.value));
        }),
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        let (mut documents, error) = parse(text);
        assert_eq!(error, None);
        assert_eq!(documents.len(), 1);
        documents.remove(0)
    }

    #[test]
    fn values_keep_their_spelling_and_their_lines() {
        let node = one("# first\na: 0x904\nb:\n  - 007\n  - 'null'\n  - null\nc: 1.0\n");
        assert_eq!(node.get("a").unwrap().text(), Some("0x904"));
        assert_eq!(node.get("a").unwrap().line, 2);
        let Value::Sequence(items) = &node.get("b").unwrap().value else { panic!() };
        assert_eq!(items[0].text(), Some("007"));
        assert_eq!((items[1].text(), items[1].line), (Some("null"), 5));
        assert!(items[2].is_null());
        assert_eq!(node.get("c").unwrap().text(), Some("1.0"));
        assert_eq!(node.entries()[2].line, 7);
    }

    #[test]
    fn a_tag_makes_a_number_text() {
        assert_eq!(one("a: !!str null").get("a").unwrap().text(), Some("null"));
    }

    #[test]
    fn documents_before_an_error_survive_it() {
        let (documents, error) = parse("a: 1\n---\nb: 2\n---\nc: [1,\n");
        assert_eq!(documents.len(), 2);
        assert!(error.unwrap().line >= 5);
    }

    #[test]
    fn a_key_twice_is_an_error_with_its_line() {
        let (_, error) = parse("a: 1\nb: 2\na: 3\n");
        let error = error.unwrap();
        assert_eq!(error.line, 3);
        assert!(error.message.contains("`a`"), "{}", error.message);
    }

    #[test]
    fn a_list_as_key_is_an_error() {
        assert!(parse("? [a, b]\n: c\n").1.is_some());
    }

    #[test]
    fn aliases_work() {
        let node = one("a: &x [1, 2]\nb: *x\n");
        assert_eq!(node.get("b").unwrap().kind(), "a list");
    }

    #[test]
    fn alias_bombs_end_early() {
        let mut text = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for n in 1..20 {
            let before = format!("*a{}", n - 1);
            text.push_str(&format!("a{n}: &a{n} [{}]\n", [before.as_str(); 9].join(", ")));
        }
        assert!(parse(&text).1.unwrap().message.contains("aliases"));
        let long = format!("a: &a '{}'\nb: [{}]\n", "x".repeat(500_000), ["*a"; 100].join(", "));
        assert!(parse(&long).1.unwrap().message.contains("aliases"));
        assert!(parse("a: &a [*a]\n").1.is_some());
    }

    #[test]
    fn deep_nesting_and_huge_files_are_refused() {
        assert!(parse(&"[".repeat(100_000)).1.is_some());
        assert!(parse(&"- ".repeat(10_000)).1.is_some());
        assert!(parse(&"{a: ".repeat(60)).1.is_some());
        let keys: String = (0..=MAX_KEYS).map(|n| format!("k{n}: 1\n")).collect();
        assert!(parse(&keys).1.unwrap().message.contains("keys"));
        assert!(parse(&"#\n".repeat(MAX_BYTES)).1.unwrap().message.contains("bytes"));
    }

    #[test]
    fn a_file_of_nothing_but_one_mark_ends_and_takes_no_more_steps_than_it_has_bytes() {
        for mark in [
            "a: ", "- ", "? ", "[", "{", "&a ", "*a ", "!t ", "|\n", "'", "\"", "# ", "---\n", "a:\n ", "%", ": ",
            "<<: ", "{a: b, ", "[a, ", "[]: ", "- - a\n", "? a\n", ">\n", ", ", "}", "\t", "a\n", "\u{e9}", "\\",
        ] {
            let text = mark.repeat(MAX_BYTES / mark.len());
            let (mut builder, mut steps) = (Builder::default(), 0);
            let _ = each(&text, |event, line| {
                steps += 1;
                builder.take(event, line)
            });
            // Beside what stands in it: where the file and its first document begin and end.
            assert!(steps <= text.len() + 4, "{mark:?} takes {steps} steps");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[-a&*?:\\[\\]{}!|>'\"# \n\t,%@`0~\u{e9}]{0,120}") {
            parse(&text);
        }
    }
}
