//! What a rule asks of a record: searches for values, and the condition over them.

use serde::{Deserialize, Serialize};

/// Sigma `detection`: named searches and the condition over them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// In file order.
    pub searches: Vec<Search>,
    /// The condition; several conditions are joined by `or`.
    pub condition: Condition,
}

/// One named search: maps, of which one must hold; within a map every test must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Its name in the condition.
    pub name: String,
    /// Alternatives; a search that is one map has one.
    pub any: Vec<Vec<FieldTest>>,
}

/// One line of a search: `field|modifier: values`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldTest {
    /// Field name; `None` for a keyword, which any value of the record may hold.
    pub field: Option<String>,
    /// Every value must match, not just one (`|all`).
    pub all: bool,
    /// What values are compared with.
    pub patterns: Vec<Pattern>,
}

/// One value to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pattern {
    /// Equality with wildcards: `parts` are the literal pieces between wildcards.
    Text {
        /// The pieces.
        glob: Vec<Glob>,
        /// Letters' case counts (`|cased`).
        cased: bool,
    },
    /// Regular expression (`|re`, flags already inside).
    Regex(String),
    /// Address in a network (`|cidr`).
    Cidr(String),
    /// Numeric comparison.
    Number(Comparison, f64),
    /// Field is there, or is not (`|exists`).
    Exists(bool),
    /// Field is absent or empty (`null`).
    Null,
    /// Equality with another field of the record (`|fieldref`).
    Field(String),
}

impl Pattern {
    /// The text of one without wildcards.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Pattern::Text { glob, .. } => match glob.as_slice() {
                [Glob::Literal(text)] => Some(text),
                [] => Some(""),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A piece of a wildcard pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Glob {
    /// These letters.
    Literal(String),
    /// `*`
    Any,
    /// `?`
    One,
}

/// Numeric modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `|lt`
    Less,
    /// `|lte`
    LessOrEqual,
    /// `|gt`
    Greater,
    /// `|gte`
    GreaterOrEqual,
}

impl Comparison {
    /// Does it hold between a number and the one in the rule?
    pub fn holds(self, number: f64, wanted: f64) -> bool {
        match self {
            Comparison::Less => number < wanted,
            Comparison::LessOrEqual => number <= wanted,
            Comparison::Greater => number > wanted,
            Comparison::GreaterOrEqual => number >= wanted,
        }
    }
}

/// A condition over searches, by their index in [`Detection::searches`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    /// This search holds.
    Search(u16),
    /// Both hold.
    And(Vec<Condition>),
    /// One holds.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

impl Default for Condition {
    /// What never holds.
    fn default() -> Self {
        Condition::Or(Vec::new())
    }
}
