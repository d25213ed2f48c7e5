//! Names that evidence tells in fields of its own, beside those that the report tells.

use std::collections::BTreeSet;

use crate::evidence::{Findings, Record};

/// Names that evidence holds in fields, beside those that the report has in fields of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Accounts, with or without domain.
    pub users: BTreeSet<String>,
    /// Domains.
    pub domains: BTreeSet<String>,
    /// Computers.
    pub hosts: BTreeSet<String>,
}

/// A name has no more words.
const WORDS: usize = 8;

impl Hints {
    /// Names in fields of all evidence, told by the fields' names.
    pub fn of(findings: &Findings) -> Self {
        let mut hints = Hints::default();
        for evidence in findings.evidence.values() {
            hints.add(&evidence.record);
        }
        hints
    }

    /// Adds the names in fields of one record.
    pub fn add(&mut self, record: &Record) {
        self.hosts.insert(record.computer.to_string());
        for field in record.fields.iter() {
            let (name, value) = (field.0.to_lowercase(), field.1.trim());
            // Prose is searched for names, it is none.
            if value.len() > 256 || value.split_whitespace().count() > WORDS {
                continue;
            }
            let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
            if ends(&["username", "user", "accountname", "account", "targetuser", "useraccount"]) {
                self.users.insert(value.to_owned());
            } else if ends(&["domain", "domainname"]) {
                self.domains.insert(value.to_owned());
            } else if ends(&[
                "computer",
                "computername",
                "workstation",
                "workstationname",
                "machinename",
                "clientname",
                "servername",
                "hostname",
                "host",
                "server",
                "resource",
                "targetserver",
                "clientcomputer",
                "dcname",
            ]) {
                self.hosts.insert(value.to_owned());
            }
        }
    }
}
