//! Who stands in a report, and what each is called instead.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use regex::{Regex, RegexBuilder};

use super::super::facts::known;
use super::super::model::{Report, Row};
use crate::evidence::{Findings, Record, is_unnamed, unnamed};

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
            if value.len() > 256 || value.split_whitespace().count() > 4 {
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

/// Accounts and names that every Windows has: they tell of nobody.
const EVERYWHERE: &[&str] = &[
    "system",
    "local service",
    "network service",
    "localservice",
    "networkservice",
    "anonymous logon",
    "nt authority",
    "nt-autorität",
    "autorite nt",
    "nt service",
    "builtin",
    "window manager",
    "font driver host",
    "localhost",
    "workgroup",
    "127.0.0.1",
    "::1",
    "0.0.0.0",
    "::",
    "everyone",
    "n/a",
    "null",
    "none",
    "unknown",
];

/// What names are called instead.
pub struct Names {
    pseudonyms: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
    /// Every original, so that no pseudonym is one.
    originals: HashSet<String>,
    /// Every pseudonym.
    given: HashSet<String>,
    references: HashMap<String, usize>,
    paths: HashMap<String, usize>,
    pattern: Option<Regex>,
}

/// Addresses, SIDs, mail addresses and hashes of names (RDPClient 1029 writes one in Base64) wherever they stand.
const SHAPES: &str = r"(?P<hash>[A-Za-z0-9+/]{27}=|[A-Za-z0-9+/]{43}=)|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)*)|(?P<sid>S-1-5-21(?:-\d+){1,15}|S-1-12-1(?:-\d+){1,15})|(?P<v6>(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?)|(?P<v4>\d{1,3}(?:\.\d{1,3}){3})";

impl Names {
    /// Everybody in a report, in the order in which it tells them.
    pub fn of(report: &Report, hints: &Hints) -> Self {
        let mut names = Names {
            pseudonyms: HashMap::new(),
            counts: HashMap::new(),
            originals: HashSet::new(),
            given: HashSet::new(),
            references: HashMap::new(),
            paths: HashMap::new(),
            pattern: None,
        };
        names.originals = originals(report, hints);
        names.gather(report);
        hints.hosts.iter().for_each(|host| names.host(Some(host), None));
        hints.domains.iter().for_each(|domain| names.domain(domain));
        hints.users.iter().for_each(|user| names.user(Some(user)));
        names.neighbours(report);
        let mut all: Vec<&String> = names.pseudonyms.keys().collect();
        all.sort_by_key(|name| (std::cmp::Reverse(name.len()), *name));
        let known: Vec<String> = all.iter().map(|name| regex::escape(name)).collect();
        let known = if known.is_empty() { "[^\\s\\S]".to_owned() } else { known.join("|") };
        // Names first: one of them may look like a mail address and be known as somebody.
        let pattern = format!("(?P<name>{known})|{SHAPES}");
        names.pattern = RegexBuilder::new(&pattern).case_insensitive(true).size_limit(1 << 30).build().ok();
        names
    }

    /// Computers and accounts of known domains, found in texts only.
    fn neighbours(&mut self, report: &Report) {
        let mut domains: Vec<&String> =
            self.pseudonyms.iter().filter(|(_, called)| called.starts_with("domain")).map(|(name, _)| name).collect();
        domains.sort_by_key(|name| (std::cmp::Reverse(name.len()), *name));
        let domains = domains.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
        if domains.is_empty() {
            return;
        }
        let pattern = format!(r"(?P<host>[\w-]+)\.(?:{domains})\b|\b(?:{domains})\\(?P<user>[^\s\\/:;,|\x22']+)");
        let Ok(pattern) = RegexBuilder::new(&pattern).case_insensitive(true).size_limit(1 << 30).build() else {
            return;
        };
        let mut texts = Vec::new();
        strings(serde_json::to_value(report).unwrap_or_default(), &mut texts);
        for found in texts.iter().flat_map(|text| pattern.captures_iter(text)) {
            match (found.name("host"), found.name("user")) {
                (Some(_), _) => self.host(found.get(0).map(|whole| whole.as_str()), None),
                (_, Some(user)) => self.user(Some(user.as_str())),
                _ => {}
            }
        }
    }

    fn gather(&mut self, report: &Report) {
        for host in &report.coverage.hosts {
            self.host(Some(&host.host), None);
            for alias in &host.aliases {
                self.host(Some(alias), Some(&host.host));
            }
        }
        for attempt in &report.attempts {
            self.host(attempt.client.host.as_deref(), None);
            self.host(attempt.server.host.as_deref(), None);
            self.host(attempt.server.typed_name.as_deref(), attempt.server.host.as_deref());
            if let Some(gateway) = &attempt.gateway {
                self.host(gateway.host.as_deref(), None);
                self.host(gateway.target.as_deref(), attempt.server.host.as_deref());
            }
            for connection in &attempt.connections {
                self.host(Some(&connection.host), None);
                self.host(connection.peer.as_deref(), None);
            }
            self.user(attempt.user.as_deref());
        }
        for row in &report.timeline {
            match row {
                Row::Event(row) => self.host(Some(&row.host), None),
                Row::Run(run) => self.host(Some(&run.host), None),
            }
        }
        report.causes.iter().flat_map(|cause| &cause.hosts).for_each(|host| self.host(Some(host), None));
        report.findings.iter().for_each(|finding| self.host(finding.host.as_deref(), None));
        report.noise.iter().for_each(|noise| self.host(Some(&noise.host), None));
    }

    /// A computer, by the pseudonym of `of` where that is the same one.
    fn host(&mut self, name: Option<&str>, of: Option<&str>) {
        // An input's name may hold any word: none of them is called otherwise elsewhere because of it.
        if let Some(name) = name.filter(|name| is_unnamed(name)) {
            let called = self.known(name).unwrap_or_else(|| unnamed(&self.next("host")));
            return self.call(name, called);
        }
        let Some(name) = known(name).map(|name| name.trim_start_matches('\\')).filter(|name| says(name)) else {
            return;
        };
        let name = name.strip_prefix("TERMSRV/").unwrap_or(name);
        if name.parse::<IpAddr>().is_ok() || name.parse::<std::net::SocketAddr>().is_ok() {
            return;
        }
        let label = name.split('.').next().unwrap_or(name);
        let same = of.and_then(|of| self.known(of)).or_else(|| self.known(label));
        let called = same.unwrap_or_else(|| self.next("host"));
        self.call(name, called.clone());
        self.call(label, called);
        if let Some((_, domain)) = name.split_once('.') {
            self.domain(domain);
        }
    }

    fn domain(&mut self, name: &str) {
        let Some(name) = known(Some(name)).filter(|name| says(name)) else { return };
        if name.parse::<IpAddr>().is_ok() {
            return;
        }
        let label = name.split('.').next().unwrap_or(name);
        let called = self.known(name).or_else(|| self.known(label)).unwrap_or_else(|| self.next("domain"));
        self.call(name, called.clone());
        self.call(label, called);
    }

    fn user(&mut self, text: Option<&str>) {
        let Some(text) = known(text).filter(|text| says(text) && !text.starts_with("S-1-")) else { return };
        let (domain, name) = match (text.split_once('\\'), text.rsplit_once('@')) {
            (Some((domain, name)), _) => (Some(domain), name),
            (None, Some((name, domain))) => (Some(domain), name),
            (None, None) => (None, text),
        };
        if let Some(domain) = domain {
            self.domain(domain);
        }
        let name = name.trim_end_matches('$');
        if says(name) {
            let called = self.known(name).unwrap_or_else(|| self.next("user"));
            self.call(name, called);
        }
    }

    /// Is it what somebody is called here?
    pub fn is_pseudonym(&self, text: &str) -> bool {
        self.given.contains(text)
    }

    fn known(&self, name: &str) -> Option<String> {
        self.pseudonyms.get(&name.to_lowercase()).cloned()
    }

    fn call(&mut self, name: &str, called: String) {
        if says(name) {
            self.pseudonyms.entry(name.to_lowercase()).or_insert(called);
        }
    }

    /// The next pseudonym of a kind that is nobody's name.
    fn next(&mut self, kind: &'static str) -> String {
        loop {
            let count = self.counts.entry(kind).or_default();
            *count += 1;
            let n = *count;
            let called = match kind {
                // Class E and the block for documentation: no computer has such an address.
                "v4" => format!("240.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255),
                "v6" => format!("2001:db8::{n:x}"),
                "sid" => format!("S-1-5-21-0-0-0-{n}"),
                "mail" => format!("user{n}@mail.invalid"),
                kind => format!("{kind}{n}"),
            };
            if !self.originals.contains(&called.to_lowercase()) {
                self.given.insert(called.clone());
                return called;
            }
        }
    }

    /// A reference by its number.
    pub fn reference(&mut self, reference: &str) -> String {
        let next = self.references.len() + 1;
        let number = *self.references.entry(reference.to_owned()).or_insert(next);
        format!("{number:032x}")
    }

    /// A path by its number, with the ending that tells its format.
    pub fn path(&mut self, path: &str) -> String {
        let next = self.paths.len() + 1;
        let number = *self.paths.entry(path.to_owned()).or_insert(next);
        let ending = [".evtx", ".etl", ".jsonl", ".json", ".csv", ".xml"];
        let ending = ending.iter().find(|ending| path.to_lowercase().ends_with(**ending)).unwrap_or(&"");
        format!("input{number}{ending}")
    }

    /// A text with everybody in it called otherwise.
    pub fn replace(&mut self, text: &str) -> String {
        // Without a pattern nothing may be told.
        let Some(pattern) = self.pattern.take() else { return String::new() };
        let out = self.replaced(text, &pattern);
        self.pattern = Some(pattern);
        out
    }

    fn replaced(&mut self, text: &str, pattern: &Regex) -> String {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        let mut from = 0;
        while let Some(found) = pattern.captures_at(text, from) {
            let Some(whole) = found.get(0) else { break };
            let kind = ["name", "hash", "mail", "sid", "v6", "v4"].into_iter().find(|kind| found.name(kind).is_some());
            let called = kind.filter(|_| stands_alone(text, whole.start(), whole.end()));
            match called.and_then(|kind| self.called(kind, whole.as_str())) {
                Some(called) => {
                    out.push_str(text.get(done..whole.start()).unwrap_or_default());
                    out.push_str(&called);
                    done = whole.end();
                    from = whole.end();
                }
                None => from = whole.start() + text[whole.start()..].chars().next().map_or(1, char::len_utf8),
            }
            if from >= text.len() || whole.is_empty() {
                break;
            }
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }

    fn called(&mut self, kind: &'static str, text: &str) -> Option<String> {
        match kind {
            // Letters may differ in more than case and still be found: nobody's pseudonym fits then.
            "name" => return Some(self.known(text).unwrap_or_else(|| self.next("name"))),
            "v4" | "v6" => {
                let ip: IpAddr = text.parse().ok()?;
                if ip.is_loopback() || ip.is_unspecified() {
                    return None;
                }
            }
            _ => {}
        }
        if let Some(called) = self.known(text) {
            return Some(called);
        }
        let called = self.next(kind);
        self.pseudonyms.insert(text.to_lowercase(), called.clone());
        Some(called)
    }
}

/// Is it the name of somebody, and not one that every Windows has?
fn says(name: &str) -> bool {
    let lower = name.to_lowercase();
    let service = lower.starts_with("dwm-") || lower.starts_with("umfd-") || lower.starts_with("rdp-tcp");
    !name.trim().is_empty() && !service && !EVERYWHERE.contains(&lower.as_str()) && !lower.starts_with("0x")
}

/// A name inside a longer word is another word.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    let edge = |outer: Option<char>, inner: Option<char>| {
        !(outer.is_some_and(char::is_alphanumeric) && inner.is_some_and(char::is_alphanumeric))
    };
    let within = text.get(start..end).unwrap_or_default();
    edge(before, within.chars().next()) && edge(after, within.chars().next_back())
}

/// Every word that may be a name, in lower case.
fn originals(report: &Report, hints: &Hints) -> HashSet<String> {
    let text = serde_json::to_string(report).unwrap_or_default().to_lowercase();
    let words = text.split(|ch: char| !(ch.is_alphanumeric() || matches!(ch, '.' | ':' | '-')));
    let hints = hints.users.iter().chain(&hints.domains).chain(&hints.hosts).map(|name| name.to_lowercase());
    words.map(str::to_owned).chain(hints).collect()
}

fn strings(value: serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => out.push(text),
        serde_json::Value::Array(list) => list.into_iter().for_each(|item| strings(item, out)),
        serde_json::Value::Object(map) => map.into_iter().for_each(|(_, item)| strings(item, out)),
        _ => {}
    }
}
