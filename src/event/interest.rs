//! What of the records is wanted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{Gate, UNNAMED};

/// Which fields of a record are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fields {
    /// Every one.
    All,
    /// These.
    Named(Names),
}

/// Names of fields; unnamed data counts as [`UNNAMED`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// `true`: whether a signature matches depends on it. The others are only told of a record that matched.
    pub fields: BTreeMap<String, bool>,
    /// Whether one matches depends on more of the `System` part than a [`Stamp`](super::Stamp) tells. If it does not,
    /// qualifiers, task, opcode, keywords, thread and related activity need not be read.
    pub system: bool,
    /// What a record must hold for any to match, where that can be told by a value or two.
    pub gate: Option<Gate>,
}

impl Names {
    /// Adds a name.
    pub fn add(&mut self, name: &str, decides: bool) {
        *self.fields.entry(name.to_owned()).or_default() |= decides;
    }
}

impl Fields {
    /// Is a value of this name wanted?
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Fields::All => true,
            Fields::Named(names) => names.fields.contains_key(listed(name)),
        }
    }

    /// What stands before records of which these fields are wanted.
    pub fn gate(&self) -> Option<&Gate> {
        match self {
            Fields::All => None,
            Fields::Named(names) => names.gate.as_ref(),
        }
    }

    /// Does it depend on a value of this name whether a signature matches?
    pub fn decided_by(&self, name: &str) -> bool {
        match self {
            Fields::All => true,
            Fields::Named(names) => names.fields.get(listed(name)).is_some_and(|decides| *decides),
        }
    }

    /// Wants what either wants. What stands before either alone does not stand before both.
    pub fn join(&mut self, other: &Fields) {
        match (&mut *self, other) {
            (Fields::All, _) => {}
            (_, Fields::All) => *self = Fields::All,
            (Fields::Named(mine), Fields::Named(theirs)) => {
                mine.system |= theirs.system;
                mine.gate = None;
                theirs.fields.iter().for_each(|(name, decides)| mine.add(name, *decides));
            }
        }
    }
}

fn listed(name: &str) -> &str {
    if name.is_empty() { UNNAMED } else { name }
}

/// What is wanted of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// By event id.
    pub ids: BTreeMap<u32, Fields>,
    /// Of ids not listed; `None` wants none of them.
    pub others: Option<Fields>,
}

impl Wanted {
    /// The fields wanted of this event id, `None` where the record is not wanted.
    pub fn fields(&self, event_id: u32) -> Option<&Fields> {
        self.ids.get(&event_id).or(self.others.as_ref())
    }
}

/// What signatures want of the records, as plain data, so that sources need not know signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// By provider name (`Name` or `EventSourceName`) in lower case.
    providers: BTreeMap<String, Wanted>,
    any_provider: Wanted,
    /// Records too whose content nobody can tell without files of their maker (WPP messages, unknown
    /// classic events): never for signatures, which would match on numbers that mean nothing.
    pub undecoded: bool,
    #[serde(skip)]
    identity: Identity,
}

/// Tells one interest from all others of this process, its copies included.
#[derive(Debug)]
struct Identity(u64);

impl Default for Identity {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Identity(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Identity::default()
    }
}

/// What is wanted does not depend on it.
impl PartialEq for Identity {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Identity {}

impl Interest {
    /// What is wanted by provider name in lower case, each with what is wanted of every provider; and that.
    pub fn new(providers: BTreeMap<String, Wanted>, any_provider: Wanted) -> Self {
        Interest { providers, any_provider, ..Interest::default() }
    }

    /// Everything of every record: for tests and for signatures without a provider.
    pub fn everything() -> Self {
        let any_provider = Wanted { ids: BTreeMap::new(), others: Some(Fields::All) };
        Interest { undecoded: true, ..Interest::new(BTreeMap::new(), any_provider) }
    }

    /// What is wanted of a provider by its name, in any case of letters.
    pub fn provider(&self, name: &str) -> Option<&Wanted> {
        self.providers.get(&name.to_lowercase())
    }

    /// By provider name in lower case.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &Wanted)> {
        self.providers.iter().map(|(name, wanted)| (&**name, wanted))
    }

    /// Of every provider, whatever its name.
    pub fn any_provider(&self) -> &Wanted {
        &self.any_provider
    }

    /// A number that no other interest of this process has, so that what was worked out for this one is known to be for
    /// no other. (What is wanted of providers never changes.)
    pub fn identity(&self) -> u64 {
        self.identity.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_interests_are_taken_for_each_other() {
        let (one, other) = (Interest::everything(), Interest::everything());
        assert_eq!(one, other);
        let copy = one.clone();
        let identities = [&one, &other, &copy].map(Interest::identity);
        assert!(identities[0] != identities[1] && identities[0] != identities[2] && identities[1] != identities[2]);
        assert_eq!(one.identity(), identities[0]);
    }
}
