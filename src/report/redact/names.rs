//! Who stands in a report, and what each is called instead.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::super::facts::known;
use super::super::model::{Report, Row};
use super::hints::Hints;
use super::shapes::{self, Shape, Shapes};
use super::words::{Cut, Words};
use crate::evidence::{is_unnamed, unnamed};

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
    /// Every name, as it may stand in a text.
    words: Words,
    shapes: Shapes,
}

impl Names {
    /// Everybody in a report, in the order in which it tells them.
    ///
    /// # Errors
    /// What would let a name through: a part of the report that cannot be looked through.
    pub fn of(report: &Report, hints: &Hints) -> Result<Self, serde_json::Error> {
        let mut names = Names {
            pseudonyms: HashMap::new(),
            counts: HashMap::new(),
            originals: HashSet::new(),
            given: HashSet::new(),
            references: HashMap::new(),
            paths: HashMap::new(),
            words: Words::default(),
            shapes: Shapes::new().map_err(serde::de::Error::custom)?,
        };
        names.originals = originals(report, hints)?;
        names.gather(report);
        hints.hosts.iter().for_each(|host| names.host(Some(host), None));
        hints.domains.iter().for_each(|domain| names.domain(domain));
        hints.users.iter().for_each(|user| names.user(Some(user)));
        names.neighbours(report)?;
        Ok(names)
    }

    /// Computers and accounts of known domains, found in texts only.
    fn neighbours(&mut self, report: &Report) -> Result<(), serde_json::Error> {
        let mut texts = Vec::new();
        strings(serde_json::to_value(report)?, &mut texts);
        for text in &texts {
            let cut = self.words.cut(text);
            for first in 0..cut.len() {
                let Some(end) = self.words.longest(&cut, first) else { continue };
                if !self.known(cut.part(first, end)).is_some_and(|called| called.starts_with("domain")) {
                    continue;
                }
                if first > 1 && cut.part(first - 1, first) == "." {
                    let before = cut.part(0, first - 1);
                    let label = before.rsplit(|ch: char| !(ch.is_alphanumeric() || matches!(ch, '_' | '-'))).next();
                    let label = label.filter(|label| !label.is_empty());
                    self.host(label.map(|label| format!("{label}.{}", cut.part(first, end))).as_deref(), None);
                }
                if let Some(user) = cut.part(end, cut.len()).strip_prefix('\\') {
                    let ends = |ch: char| ch.is_whitespace() || "\\/:;,|\"'".contains(ch);
                    self.user(user.split(ends).next());
                }
            }
        }
        Ok(())
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
            self.words.add(name);
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
        let cut = self.words.cut(text);
        let mut shapes = self.shapes.of(text).into_iter().peekable();
        let mut out = String::with_capacity(text.len());
        let (mut at, mut done) = (0, 0);
        while at < cut.len() {
            let start = cut.start(at);
            while shapes.next_if(|shape| shape.start < start).is_some() {}
            let shape = shapes.peek().filter(|shape| shape.start == start);
            match self.somebody(text, &cut, at, shape) {
                Some((called, end)) => {
                    out.push_str(text.get(done..start).unwrap_or_default());
                    out.push_str(&called);
                    (done, at) = (end, cut.from(end));
                }
                None => at += 1,
            }
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }

    /// What somebody who begins with this word is called, and where the text goes on. Addresses and SIDs come before
    /// names: an account may be called `10`.
    fn somebody(&mut self, text: &str, cut: &Cut<'_>, at: usize, shape: Option<&Shape>) -> Option<(String, usize)> {
        if let Some((ip, end)) = shapes::address(text, cut.start(at)) {
            return Some((self.address(ip)?, end));
        }
        let name = self.words.longest(cut, at);
        match (shape, name) {
            (Some(shape), _) if shape.kind != "mail" => {
                Some((self.shaped(shape.kind, &text[shape.start..shape.end]), shape.end))
            }
            (Some(mail), name) if !name.is_some_and(|name| self.is_named(cut, name, mail.end)) => {
                Some((self.shaped(mail.kind, &text[mail.start..mail.end]), mail.end))
            }
            (_, Some(end)) => {
                // Letters may differ in more than case and still be found: nobody's pseudonym fits then.
                let called = self.known(cut.part(at, end)).unwrap_or_else(|| self.next("name"));
                Some((called, cut.start(end)))
            }
            _ => None,
        }
    }

    /// Both halves of a mail address are known by name: up to this word, and from behind it to this byte.
    fn is_named(&self, cut: &Cut<'_>, name: usize, end: usize) -> bool {
        cut.start(name) >= end
            || (cut.part(name, name + 1) == "@"
                && self.words.longest(cut, name + 1).is_some_and(|last| cut.start(last) >= end))
    }

    fn address(&mut self, ip: IpAddr) -> Option<String> {
        let ip = ip.to_canonical();
        if ip.is_loopback() || ip.is_unspecified() {
            return None;
        }
        Some(self.shaped(if ip.is_ipv4() { "v4" } else { "v6" }, &ip.to_string()))
    }

    fn shaped(&mut self, kind: &'static str, text: &str) -> String {
        if let Some(called) = self.known(text) {
            return called;
        }
        let called = self.next(kind);
        self.pseudonyms.insert(text.to_lowercase(), called.clone());
        called
    }
}

/// Is it the name of somebody, and not one that every Windows has?
fn says(name: &str) -> bool {
    let lower = name.to_lowercase();
    let is = |before: &str, rest: fn(u8) -> bool| {
        lower.strip_prefix(before).is_some_and(|number| !number.is_empty() && number.bytes().all(rest))
    };
    let digit = |byte: u8| byte.is_ascii_digit();
    let service = is("dwm-", digit) || is("umfd-", digit) || is("rdp-tcp#", digit) || lower == "rdp-tcp";
    let number = is("0x", |byte| byte.is_ascii_hexdigit());
    !name.trim().is_empty() && !service && !number && !EVERYWHERE.contains(&lower.as_str())
}

/// Every word that may be a name, in lower case.
fn originals(report: &Report, hints: &Hints) -> Result<HashSet<String>, serde_json::Error> {
    let text = serde_json::to_string(report)?.to_lowercase();
    let words = text.split(|ch: char| !(ch.is_alphanumeric() || matches!(ch, '.' | ':' | '-')));
    let hints = hints.users.iter().chain(&hints.domains).chain(&hints.hosts).map(|name| name.to_lowercase());
    Ok(words.map(str::to_owned).chain(hints).collect())
}

fn strings(value: serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => out.push(text),
        serde_json::Value::Array(list) => list.into_iter().for_each(|item| strings(item, out)),
        serde_json::Value::Object(map) => map.into_iter().for_each(|(_, item)| strings(item, out)),
        _ => {}
    }
}
