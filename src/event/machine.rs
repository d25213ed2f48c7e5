//! What a log whose records name no computer tells of the computer that wrote it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Time;

/// A computer by what a trace says of it. Merging is a union: parts of one file may come in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Machine {
    /// Names that it gives itself; more than one makes it nobody's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<Box<str>>,
    /// Addresses of its network adapters.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub addresses: BTreeSet<IpAddr>,
    /// When it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Time>,
    /// When the session of the trace was started: files of one session share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Time>,
    /// Processors, and their nominal speed in MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processors: Option<(u32, u32)>,
}

impl Machine {
    /// Nothing is told.
    pub fn is_empty(&self) -> bool {
        *self == Machine::default()
    }

    /// Adds what another part of the same log tells.
    pub fn merge(&mut self, other: Machine) {
        self.names.extend(other.names);
        self.addresses.extend(other.addresses);
        self.boot = self.boot.max(other.boot);
        self.session = self.session.max(other.session);
        self.processors = self.processors.max(other.processors);
    }
}
