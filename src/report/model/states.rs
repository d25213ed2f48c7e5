//! States that a report tells by one word each. A report is read back too (`whyrdp verify`), perhaps one of a later
//! version: a word that is not known is kept as it stands, and counts as none of those that are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares an enum of words with room for those of other versions.
macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$member_doc])* $member,)+
            /// A word of another version.
            Other(String),
        }

        impl $name {
            /// The word in every form.
            pub fn word(&self) -> &str {
                match self {
                    $($name::$member => $word,)+
                    $name::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => $name::$member,)+
                    _ => $name::Other(word),
                }
            }
        }

        impl From<$name> for String {
            fn from(state: $name) -> Self {
                match state {
                    $name::Other(word) => word,
                    known => known.word().to_owned(),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

states! {
    /// How much of a channel is here.
    ChannelState {
        /// All of its span, without gaps.
        Present = "present",
        /// None of it, though a computer of this role writes it.
        Absent = "absent",
        /// The log, without a record in it.
        Empty = "empty",
        /// It begins after the first attempt, at a record that is not its first.
        Wrapped = "wrapped",
        /// Somebody emptied it after the first attempt.
        Cleared = "cleared",
        /// Parts of it: numbers are missing between its records, or these have none.
        Filtered = "filtered",
        /// Part of it could not be read.
        Damaged = "damaged",
        /// What a collector had of it.
        Forwarded = "forwarded",
    }
}

states! {
    /// How a computer's clock stands to the reference.
    ClockState {
        /// It is the reference.
        Reference = "reference",
        /// Its offset is known.
        Aligned = "aligned",
        /// Nothing speaks against equal clocks, or next to nothing for the offset.
        Assumed = "assumed",
        /// Nothing compares it with the reference, though both share connections.
        Unaligned = "unaligned",
    }
}

states! {
    /// What a clock's offset rests on.
    OffsetBasis {
        /// Pairs of records of one connection in both logs.
        Pairs = "pairs",
        /// Readings of a domain controller's clock in records of both.
        Readings = "readings",
    }
}

states! {
    /// What shows that a clock was set.
    StepBasis {
        /// A record says so.
        Record = "record",
        /// Times fall while record ids rise.
        Order = "order",
        /// Both.
        Both = "record, order",
        /// It was set back afterwards, so it must have gone forward where nothing was logged for at least so long.
        LaterStep = "later step",
    }
}

states! {
    /// Whether a subcategory of the audit policy is at work.
    AuditState {
        /// It wrote.
        Seen = "seen",
        /// It wrote nothing, and perhaps had nothing to write.
        NotSeen = "not-seen",
        /// What it records happened while the log covers the time, and it wrote nothing.
        Off = "off",
    }
}

states! {
    /// What has to happen before logs tell more.
    CollectHow {
        /// They are there or were: export them.
        Export = "export",
        /// They no longer hold the time, so that only the next failure can be recorded.
        Again = "again",
        /// Auditing must be switched on first.
        Audit = "audit",
    }
}

states! {
    /// How grave a record calls itself.
    RecordLevel {
        /// 1.
        Critical = "critical",
        /// 2.
        Error = "error",
        /// 3.
        Warning = "warning",
        /// 4, and 0, which says nothing.
        Information = "information",
        /// 5.
        Verbose = "verbose",
    }
}

impl RecordLevel {
    /// Does it call for attention?
    pub fn is_grave(&self) -> bool {
        match self {
            RecordLevel::Critical | RecordLevel::Error | RecordLevel::Warning => true,
            RecordLevel::Information | RecordLevel::Verbose | RecordLevel::Other(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_another_version_stays_what_it_was() {
        for word in ["wrapped", "sealed", "", "Wrapped"] {
            let json = format!("{word:?}");
            let state: ChannelState = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&state).unwrap(), json);
            assert_eq!(state == ChannelState::Wrapped, word == "wrapped");
        }
    }
}
