//! One account under all the names that logs give it: `CORP\alice`, `alice@corp.example`, `alice`.
//!
//! Only what may be one is counted once: two domains that are both told are two, and so are a computer's and a domain's.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::account;

/// Each account once, by the fullest of its names.
pub fn accounts<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut by_name: BTreeMap<String, BTreeSet<(usize, String, &'a str)>> = BTreeMap::new();
    for text in names {
        let parts = account(Some(text));
        let name = parts.name.or(parts.sid).unwrap_or(text).to_lowercase();
        // A logon by mail address may name the domain twice.
        let name = parts.domain.and_then(|_| name.split('@').next()).unwrap_or(&name).to_owned();
        let domain = parts.domain.map(|domain| domain.trim_end_matches('.').to_lowercase()).unwrap_or_default();
        by_name.entry(name).or_default().insert((fullness(&domain), domain, text));
    }
    by_name.into_values().flat_map(distinct).collect()
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
fn distinct(names: BTreeSet<(usize, String, &str)>) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    // A full name is known as it stands, a short one by how a full one begins.
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (fullness, domain, text) in names {
        let same = if fullness == NO_DOMAIN { (!found.is_empty()).then_some(0) } else { known.get(&domain).copied() };
        match same {
            // `CORP\alice` is how people write it.
            Some(at) if text.contains('\\') && !found[at].contains('\\') => found[at] = text,
            Some(_) => {}
            None => {
                let first = domain.split('.').next().unwrap_or_default().to_owned();
                known.entry(first).or_insert(found.len());
                known.insert(domain, found.len());
                found.push(text);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::accounts;

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
}
