//! One account under all the names that logs give it: `CORP\alice`, `alice@corp.example`, `alice`.
//!
//! Only what may be one is counted once: two domains that are both told are two, and so are a computer's and a domain's. A
//! user without a domain is not the one whom another computer than the own server knows by that name.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::account;

/// A user as the logs write it, and the server, where known.
pub type Named<'a> = (&'a str, Option<&'a str>);

/// Each account once, by the fullest of its names.
pub fn accounts<'a>(names: impl IntoIterator<Item = Named<'a>>) -> Vec<&'a str> {
    let mut by_name: BTreeMap<String, BTreeSet<Known<'a>>> = BTreeMap::new();
    let mut servers = BTreeSet::new();
    for (text, server) in names {
        let parts = account(Some(text));
        let name = parts.name.or(parts.sid).unwrap_or(text).to_lowercase();
        // A logon by mail address may name the domain twice.
        let name = parts.domain.and_then(|_| name.split('@').next()).unwrap_or(&name).to_owned();
        let domain = parts.domain.map(|domain| domain.trim_end_matches('.').to_lowercase()).unwrap_or_default();
        let server = server.map(|server| first(&server.to_lowercase()).to_owned()).unwrap_or_default();
        servers.insert(server.clone());
        by_name.entry(name).or_default().insert(Known { fullness: fullness(&domain), domain, text, server });
    }
    by_name.into_values().flat_map(|names| distinct(names, &servers)).collect()
}

/// A name of a user, in the order in which names are looked at.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Known<'a> {
    fullness: usize,
    domain: String,
    text: &'a str,
    server: String,
}

/// The user is called without a domain.
const NO_DOMAIN: usize = 2;

/// Full names of domains come first: a short one, or none, says less.
fn fullness(domain: &str) -> usize {
    match (domain.is_empty(), domain.contains('.')) {
        (false, true) => 0,
        (false, false) => 1,
        (true, _) => NO_DOMAIN,
    }
}

/// Of the names of one user: one for each domain.
fn distinct<'a>(names: BTreeSet<Known<'a>>, servers: &BTreeSet<String>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    // A full name is known as it stands, a short one by how a full one begins.
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for Known { fullness, domain, text, server } in names {
        let may_be = |other: &str| other.is_empty() || first(other) == server || !servers.contains(first(other));
        let same = match fullness {
            NO_DOMAIN => known.iter().find(|(other, _)| may_be(other)).map(|(_, at)| *at),
            _ => known.get(&domain).copied(),
        };
        match same {
            // `CORP\alice` is how people write it.
            Some(at) if text.contains('\\') && !found[at].contains('\\') => found[at] = text,
            Some(_) => {}
            None => {
                known.entry(first(&domain).to_owned()).or_insert(found.len());
                known.insert(domain, found.len());
                found.push(text);
            }
        }
    }
    found
}

/// How the full name of a computer or a domain begins.
fn first(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    /// Of users of whose servers nothing is known.
    fn accounts<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        super::accounts(names.into_iter().map(|name| (name, None)))
    }

    #[test]
    fn an_account_under_three_names_is_one() {
        assert_eq!(accounts(["alice", "CORP\\alice", "alice@corp.example", "corp\\Alice"]), ["CORP\\alice"]);
        assert_eq!(accounts(["alice", "alice@corp.example"]), ["alice@corp.example"]);
        assert_eq!(accounts(["alice"]), ["alice"]);
    }

    #[test]
    fn accounts_of_two_domains_are_two() {
        assert_eq!(accounts(["CORP\\admin", "SRV01\\admin", "admin"]).len(), 2);
        assert_eq!(accounts(["a@corp.example", "a@corp.test", "CORP\\a"]).len(), 2);
        assert_eq!(accounts(["CORP\\alice", "CORP\\bob"]).len(), 2);
    }

    #[test]
    fn a_local_account_is_not_one_of_that_name_elsewhere() {
        let names = [("TEMPORAL\\Administrator", Some("temporal")), ("Administrator", Some("CITADEL-DC01.C137.local"))];
        assert_eq!(super::accounts(names).len(), 2);
        let names = [("TEMPORAL\\Administrator", Some("temporal")), ("administrator", Some("Temporal.corp.example"))];
        assert_eq!(super::accounts(names), ["TEMPORAL\\Administrator"]);
        let names = [("CORP\\alice", Some("SRV01")), ("alice", Some("SRV02"))];
        assert_eq!(super::accounts(names), ["CORP\\alice"]);
    }
}
