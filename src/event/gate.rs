//! By which one value it can be told that no signature matches a record, before anything else of it is read.

/// Records in which no field has one of its values are matched by no signature. Plain data, so that sources need
/// not know signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Any of these lets a record through.
    pub signs: Vec<Sign>,
}

/// Values of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// Name of the field; never that of unnamed data, nor `param1`.
    pub field: String,
    /// ASCII texts.
    pub values: Vec<String>,
}

impl Sign {
    /// May a value be one of these, whatever the case of its letters? There are letters outside ASCII that have some
    /// inside it as their lower case.
    pub fn may_be(&self, value: &str) -> bool {
        self.values.iter().any(|known| known.eq_ignore_ascii_case(value)) || !value.is_ascii()
    }
}
