//! Codes: what a number means in its number space, and how far that can be trusted.

use serde::{Deserialize, Serialize};

/// How people call a number space. Of several, the likeliest stands first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Its name, as that of its table.
    pub name: String,
    /// What its numbers are, in words.
    pub title: String,
}

/// Meaning of one number in one number space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The number.
    pub number: u32,
    /// Official name, where it has one.
    pub symbol: Option<String>,
    /// What it says, in our words.
    pub meaning: String,
    /// How a connection that ends so has ended.
    pub ends: Ending,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// Where it comes from and how far it carries.
    pub background: Background,
}

/// Where a statement about a code comes from, and how far it carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Background {
    /// The layer that it speaks of.
    pub layer: Option<String>,
    /// Where it is seen in logs.
    pub seen: Option<String>,
    /// What goes with it, and what it does not say.
    pub note: Option<String>,
    /// How sure the meaning is.
    pub confidence: Option<Confidence>,
    /// Who says so.
    pub source: Option<String>,
}

/// A group of codes that has a meaning of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRange {
    /// Which codes.
    pub members: Members,
    /// Official name, where it has one.
    pub symbol: Option<String>,
    /// What it says, in our words.
    pub meaning: String,
    /// Where it comes from and how far it carries.
    pub background: Background,
}

/// Which codes a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Members {
    /// From the first to the last.
    Between(u32, u32),
    /// Those whose bits under the mask are these.
    Masked {
        /// Bits that count.
        mask: u32,
        /// What they are.
        value: u32,
    },
}

impl Members {
    /// Is this number one of them?
    pub fn contains(self, number: u32) -> bool {
        match self {
            Members::Between(first, last) => (first..=last).contains(&number),
            Members::Masked { mask, value } => number & mask == value,
        }
    }
}

/// A disconnect reason together with extended reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Disconnect reason.
    pub code: u32,
    /// First and last extended reason.
    pub extended: (u32, u32),
    /// What both say together, in our words.
    pub meaning: String,
    /// Where it comes from and how far it carries.
    pub background: Background,
}

words! {
    /// How sure a meaning is.
    Confidence {
        /// Documented, or seen and documented.
        High = "high",
        /// Seen, or documented by others.
        Medium = "medium",
        /// A guess from a name or a number.
        Low = "low",
    }
}

words! {
    /// How a connection ended, as told by the code of its end.
    #[derive(Default)]
    Ending {
        /// As somebody wanted: logoff, closed window, replaced by the same user.
        Wanted = "wanted",
        /// Against the user's will.
        Unwanted = "unwanted",
        /// The user left the prompt.
        Cancelled = "cancelled",
        /// No end at all: mstsc's own short first connection.
        Prelude = "prelude",
        /// The code does not tell.
        #[default]
        Open = "open",
    }
}
