//! Judgements over many matches: Sigma's correlation rules, and its filters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Comparison, Detection, Logsource};

/// A Sigma correlation rule: a judgement over many matches of other rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// File name without ending.
    pub slug: String,
    /// Folder it stands in.
    pub family: String,
    /// Sigma `title`.
    pub title: String,
    /// Sigma `id`.
    pub id: String,
    /// Sigma `description`.
    pub description: String,
    /// Sigma `level`.
    pub level: String,
    /// Sigma `tags`.
    pub tags: Vec<String>,
    /// Slugs of the rules it counts, for an ordered sequence in their order.
    pub rules: Vec<String>,
    /// Fields whose values must be equal; `Computer` is one like any other.
    pub group_by: Vec<String>,
    /// Names in `group_by` that stand for another field in each rule: alias, slug, field.
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// Span in 100 ns steps.
    pub timespan: i64,
    /// What is measured of the matches within the span.
    pub count: Counted,
    /// What the measure must be; every one must hold.
    pub thresholds: Vec<(Comparison, f64)>,
    /// Its rules tell by themselves too.
    pub generate: bool,
}

/// What a correlation measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Counted {
    /// Matches.
    Events,
    /// Different values of this field.
    Values(String),
    /// Different rules that matched.
    Rules,
    /// Rules that matched one after the other, in the order of the list.
    Sequence,
    /// Sum of this field.
    Sum(String),
    /// Mean of this field.
    Average(String),
    /// The value of this field below which so many percent of the values lie.
    Percentile(String, u8),
}

impl Correlation {
    /// The field that `name` stands for in records of this rule.
    pub fn field_in<'a>(&'a self, rule: &str, name: &'a str) -> &'a str {
        self.aliases.get(name).and_then(|fields| fields.get(rule)).map_or(name, String::as_str)
    }

    /// The field that is counted or measured.
    pub fn measured(&self) -> Option<&str> {
        match &self.count {
            Counted::Events | Counted::Rules | Counted::Sequence => None,
            Counted::Values(field) | Counted::Sum(field) | Counted::Average(field) | Counted::Percentile(field, _) => {
                Some(field)
            }
        }
    }

    /// Fields that it needs of this rule's records.
    pub fn fields<'a>(&'a self, rule: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.group_by.iter().map(String::as_str).chain(self.measured());
        names.map(move |name| self.field_in(rule, name))
    }
}

/// A Sigma filter: a condition that is added to other rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// File name without ending.
    pub slug: String,
    /// Folder it stands in.
    pub family: String,
    /// Slugs or ids of the rules that it narrows; `None` is every one of the log source.
    pub rules: Option<Vec<String>>,
    /// What is named here must be the same in the rule.
    pub logsource: Logsource,
    /// What must hold besides the rule's own detection.
    pub detection: Detection,
}
