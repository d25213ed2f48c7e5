//! Who is who: computer names in long and short form, addresses, users.
//!
//! Logs name a computer by its own full name, a client by what the user typed, a
//! server connection by an address. Only what the logs or `--alias` tie together is one host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Index of a host in [`Hosts`].
pub type HostId = usize;

/// Addresses of one computer by which its attempts are known; real ones have a few at a time. Each attempt holds them.
const ADDRESSES: usize = 256;

/// A computer whose log is in the case, or that an alias names.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Name as its own records write it.
    pub name: String,
    /// Other names, lower case.
    pub names: BTreeSet<String>,
    /// Addresses, 256 at most.
    pub addresses: BTreeSet<IpAddr>,
}

/// All hosts of a case.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    hosts: Vec<Host>,
    by_name: BTreeMap<String, HostId>,
    /// By the first label of any of its names.
    by_short: BTreeMap<String, BTreeSet<HostId>>,
    by_address: BTreeMap<IpAddr, Option<HostId>>,
}

impl Hosts {
    /// Hosts for these computer names; a short name and the only full name that begins
    /// with it are one host, shown by the full name.
    pub fn new<'a>(computers: impl Iterator<Item = &'a str>) -> Self {
        let mut hosts = Hosts::default();
        let mut names = BTreeSet::new();
        let mut last = "";
        // Neighbours mostly have one name.
        for name in computers.filter(|name| !name.is_empty()) {
            if name != last {
                names.insert(name);
                last = name;
            }
        }
        let (full, short): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| name.contains('.'));
        for name in full.into_iter().chain(short) {
            let id = hosts.resolve(name).unwrap_or_else(|| hosts.add(name));
            hosts.name_it(id, name);
        }
        hosts
    }

    /// A further host, whatever others are called.
    pub fn add(&mut self, name: &str) -> HostId {
        self.hosts.push(Host { name: name.to_string(), ..Host::default() });
        self.hosts.len() - 1
    }

    fn name_it(&mut self, id: HostId, name: &str) {
        let name = name.to_lowercase();
        let short = name.split('.').next().unwrap_or_default().to_string();
        self.by_short.entry(short).or_default().insert(id);
        self.by_name.insert(name.clone(), id);
        self.hosts[id].names.insert(name);
    }

    /// What the user says: this name or address is that host. Unknown names become hosts.
    pub fn alias(&mut self, name: &str, other: &str) {
        let id = match (self.resolve(name), self.resolve(other)) {
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => self.add(name),
        };
        for word in [name, other] {
            match address(word) {
                Some(ip) => self.learn_address(id, ip),
                None => self.name_it(id, word),
            }
        }
    }

    /// A log ties this address to that host. An address of two hosts names none.
    pub fn learn_address(&mut self, host: HostId, ip: IpAddr) {
        if ip.is_unspecified() || ip.is_loopback() {
            return;
        }
        let known = self.by_address.entry(ip).or_insert(Some(host));
        if *known == Some(host) {
            if self.hosts[host].addresses.len() < ADDRESSES {
                self.hosts[host].addresses.insert(ip);
            }
        } else if let Some(other) = known.take() {
            self.hosts[other].addresses.remove(&ip);
        }
    }

    /// The host of a name (long, short, `TERMSRV/` prefix allowed) or an address.
    pub fn resolve(&self, text: &str) -> Option<HostId> {
        if let Some(ip) = address(text) {
            return self.by_address.get(&ip).copied().flatten();
        }
        let name = bare_target(text).to_lowercase();
        if let Some(id) = self.by_name.get(&name) {
            return Some(*id);
        }
        let short = name.split('.').next().unwrap_or_default();
        // A full name fits a host of which no more than its beginning is known; as many as there are may begin so.
        if name.contains('.') && !self.by_name.contains_key(short) {
            return None;
        }
        let mut fitting = self.by_short.get(short).into_iter().flatten().copied().filter(|id| {
            self.hosts[*id].names.iter().any(|known| {
                let same_short = known.split('.').next() == Some(short);
                // Two full names of one short name are two computers.
                same_short && (!known.contains('.') || !name.contains('.'))
            })
        });
        match (fitting.next(), fitting.next()) {
            (Some(id), None) if !short.is_empty() => Some(id),
            _ => None,
        }
    }

    /// One host.
    pub fn get(&self, id: HostId) -> &Host {
        &self.hosts[id]
    }

    /// Its shown name.
    pub fn name(&self, id: HostId) -> &str {
        &self.hosts[id].name
    }

    /// All, by id.
    pub fn iter(&self) -> impl Iterator<Item = (HostId, &Host)> {
        self.hosts.iter().enumerate()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }
}

/// What the user typed of a target that stands behind its service class, as in `TERMSRV/srv01`.
pub fn without_class(text: &str) -> &str {
    text.split_once('/').map_or(text, |(_, name)| name)
}

/// Strips what surrounds a target name: service class, blanks, port, and the `$` of a computer's account.
pub fn bare_target(text: &str) -> &str {
    let text = without_class(text.trim().trim_matches('\0').trim_end_matches('.'));
    let text = text.strip_suffix('$').unwrap_or(text);
    match text.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => text,
    }
}

/// Reads an address in any form that Windows logs: with port, in brackets, IPv4 mapped
/// into IPv6, with a zone. Placeholders such as `-` and `LOCAL` are none.
pub fn address(text: &str) -> Option<IpAddr> {
    // A rule's remote address may carry its mask.
    let text = text.split_once('/').map_or(text, |(before, _)| if before.contains(['.', ':']) { before } else { text });
    let text = bare_target(text);
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => text,
    };
    let inner = inner.split('%').next()?;
    let ip: IpAddr = inner.parse().ok()?;
    let ip = ip.to_canonical();
    (!ip.is_unspecified()).then_some(ip)
}

/// An address that no stranger on the internet has.
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}

/// A user's name for comparing: lower case, without domain.
pub fn user_key(text: &str) -> Option<String> {
    let text = text.trim();
    let name = text.rsplit_once('\\').map_or(text, |(_, name)| name);
    let name = name.split('@').next().unwrap_or(name).trim();
    (!name.is_empty() && name != "-").then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_full_name_are_one_host_unless_two_full_names_share_it() {
        let one = Hosts::new(["FS02", "fs02.offsec.lan"].into_iter());
        assert_eq!(one.len(), 1);
        assert_eq!(one.name(0), "fs02.offsec.lan");
        assert_eq!(one.resolve("TERMSRV/fs02"), Some(0));
        assert_eq!(one.resolve("FS02$"), Some(0));
        let two = Hosts::new(["fs02.a.lan", "fs02.b.lan"].into_iter());
        assert_eq!(two.resolve("fs02"), None);
        assert_eq!(two.resolve("fs02.b.lan"), Some(1));
        assert_eq!(two.resolve("fs02.c.lan"), None);
    }

    #[test]
    fn addresses_are_read_in_every_form() {
        for text in [
            "10.0.2.17:57064",
            "10.0.2.17/255.255.255.255",
            "TERMSRV/10.0.2.17",
            "::ffff:10.0.2.17",
            "10.0.2.17",
            "[::ffff:10.0.2.17]:3389",
        ] {
            assert_eq!(address(text), Some("10.0.2.17".parse().unwrap()), "{text}");
        }
        assert_eq!(address("[fe80::1%4]:50000"), Some("fe80::1".parse().unwrap()));
        for text in ["-", "LOCAL", "", "0.0.0.0", "::", "srv01"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_of_two_hosts_names_none() {
        let mut hosts = Hosts::new(["a", "b"].into_iter());
        hosts.alias("a", "10.0.0.5");
        assert_eq!(hosts.resolve("10.0.0.5:3389"), Some(0));
        hosts.alias("b", "10.0.0.5");
        assert_eq!(hosts.resolve("10.0.0.5"), None);
    }

    #[test]
    fn a_computer_of_countless_addresses_is_known_by_some_and_found_by_each() {
        let mut hosts = Hosts::new(["a"].into_iter());
        let all: Vec<IpAddr> = (0..1000u32).map(|n| std::net::Ipv4Addr::from(0x0A00_0001 + n).into()).collect();
        all.iter().for_each(|ip| hosts.learn_address(0, *ip));
        assert_eq!(hosts.get(0).addresses, all[..ADDRESSES].iter().copied().collect());
        assert!(all.iter().all(|ip| hosts.resolve(&ip.to_string()) == Some(0)));
    }

    #[test]
    fn users_compare_without_domain_and_blanks() {
        assert_eq!(user_key("CORP\\Ann "), Some("ann".into()));
        assert_eq!(user_key("ann@corp.example"), Some("ann".into()));
        assert_eq!(user_key("-"), None);
    }
}
