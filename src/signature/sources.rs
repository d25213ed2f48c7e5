//! Signature files as they were written: for showing and checking, never for matching.

use std::path::Path;

use super::definition::Definitions;
use super::read::{self, Node, NodeValue, Problem};

static BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sources.postcard"));

/// Files of signatures: names relative to their folder, and their text, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<(String, String)>);

impl Sources {
    /// Those that came with the program.
    pub fn builtin() -> Self {
        // The build wrote the blob with this very type; a test decodes it.
        Sources(postcard::from_bytes(BLOB).unwrap_or_default())
    }

    /// Those of a folder, and what of it could not be read.
    pub fn folder(path: &Path) -> (Self, Vec<Problem>) {
        let (files, problems) = read::files_of(path);
        (Sources(files), problems)
    }

    /// The file that holds the rule or cause of this name, Sigma name or id.
    pub fn find(&self, name: &str) -> Option<&(String, String)> {
        let wanted = name.to_lowercase();
        let tells = |all: &Definitions| {
            all.rules.iter().any(|rule| rule.slug == wanted || rule.about.id == wanted)
                || all.correlations.iter().any(|rule| rule.slug == wanted || rule.id == wanted)
                || all.filters.iter().any(|filter| filter.slug == wanted)
                || all.causes.iter().any(|cause| cause.id == wanted)
        };
        let whole = |file: &&(String, String)| stem(&file.0).to_lowercase() == wanted && !file.0.ends_with(".tsv");
        let inside = |file: &&(String, String)| {
            let same = |file: &(String, String)| tells(&read::load_text(std::slice::from_ref(file)).0);
            file.1.to_lowercase().contains(&wanted) && same(file)
        };
        self.0.iter().find(whole).or_else(|| self.0.iter().find(inside))
    }
}

/// A file's name without folder and ending.
pub(super) fn stem(name: &str) -> &str {
    let file = name.rsplit_once('/').map_or(name, |(_, file)| file);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// The documents of a YAML text as JSON. Numbers stay numbers only where their spelling does.
pub fn to_json(text: &str) -> Vec<serde_json::Value> {
    read::parse_yaml(text).0.iter().map(json).collect()
}

fn json(node: &Node) -> serde_json::Value {
    use serde_json::Value;
    match &node.value {
        NodeValue::Sequence(items) => items.iter().map(json).collect(),
        NodeValue::Mapping(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect())
        }
        NodeValue::Scalar { .. } if node.is_null() => Value::Null,
        NodeValue::Scalar { text, plain: true } => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => match text.parse::<u64>() {
                Ok(number) if number.to_string() == *text => number.into(),
                _ => text.as_str().into(),
            },
        },
        NodeValue::Scalar { text, .. } => text.as_str().into(),
    }
}
