//! What a row of the timeline keeps of its record beside the words: who wrote it, under which
//! activity, and the values of the fields that signatures asked for.

use serde::{Deserialize, Serialize};

use crate::event::UNNAMED;
use crate::evidence::{Field, Record};

/// Parts of a record; what it does not have is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Event version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// ActivityID, upper case without braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<String>,
    /// Process id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<u32>,
    /// SID of the account that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Names and values in the record's order, at most [`crate::evidence::KEPT_BYTES`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Fields were cut.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl From<&Record> for Kept {
    fn from(record: &Record) -> Self {
        Kept {
            version: record.version,
            activity_id: record.activity_id.map(|id| id.to_string()),
            process_id: record.process_id,
            user_id: Some(record.user_id.to_string()).filter(|sid| !sid.is_empty()),
            fields: record.fields.iter().map(|(name, value)| Field(name.into(), value.into())).collect(),
            cut: record.cut,
        }
    }
}

impl Kept {
    /// Names and values; values without a name are called `param1` and so on, as Windows' own
    /// tools and Elastic's shippers call them.
    pub fn named(&self) -> impl Iterator<Item = (String, &str)> {
        let mut unnamed = 0;
        self.fields.iter().map(move |Field(name, value)| {
            let name = if **name == *UNNAMED {
                unnamed += 1;
                format!("param{unnamed}")
            } else {
                name.to_string()
            };
            (name, &**value)
        })
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| &*field.0 == name).map(|field| &*field.1)
    }
}
