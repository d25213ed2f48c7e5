//! Is the domain that a record names one that the attempt had to do with: its server's, or its user's?
//!
//! A laptop away from its office asks for its own domain's controllers all day long, whomever it connects to.

use crate::attempt::identity::{address, bare_target};
use crate::attempt::{Attempt, Case};

/// `Some(true)` where it is, `Some(false)` where it is another one, `None` where nobody can tell: the short name of
/// a domain need not be the beginning of its full one.
pub fn is_of(case: &Case<'_>, attempt: &Attempt, told: &str) -> Option<bool> {
    let told = bare(told);
    if told.is_empty() {
        return None;
    }
    let own = domains(case, attempt);
    if own.iter().any(|domain| same(domain, &told)) {
        return Some(true);
    }
    let comparable = |domain: &String| domain.contains('.') == told.contains('.');
    // The part of a user's name behind the @ may be called otherwise than the domain.
    own.iter().any(|domain| comparable(domain) && !is_suffix(attempt, domain)).then_some(false)
}

/// The domains of the server and of the user, lower case.
fn domains(case: &Case<'_>, attempt: &Attempt) -> Vec<String> {
    let server = attempt.server.into_iter().flat_map(|server| case.hosts.get(server).names.iter().map(String::as_str));
    let of_computers = server.chain(attempt.target.as_deref().map(bare_target)).filter(|name| address(name).is_none());
    let of_computers = of_computers.filter_map(|name| name.split_once('.').map(|(_, domain)| domain));
    let user = attempt.user.as_deref().unwrap_or_default();
    let of_user = user.split_once('\\').map(|(domain, _)| domain).or(user.rsplit_once('@').map(|(_, domain)| domain));
    of_computers.chain(of_user).map(bare).filter(|domain| !domain.is_empty()).collect()
}

fn bare(domain: &str) -> String {
    domain.trim().trim_end_matches('.').to_lowercase()
}

fn is_suffix(attempt: &Attempt, domain: &str) -> bool {
    let behind = attempt.user.as_deref().and_then(|user| user.rsplit_once('@'));
    behind.is_some_and(|(_, suffix)| bare(suffix) == domain)
}

/// The same, or one below the other: who asks for a server of a child domain asks the one above it on the way.
fn same(a: &str, b: &str) -> bool {
    match (a.contains('.'), b.contains('.')) {
        (true, true) => {
            let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
            long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
        _ => a.split('.').next() == b.split('.').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_domain_is_known_by_its_short_name_and_by_those_above_it() {
        for (a, b) in [("corp.example", "corp.example"), ("corp", "corp.example"), ("eu.corp.example", "corp.example")]
        {
            assert!(same(a, b) && same(b, a), "{a} {b}");
        }
        for (a, b) in [("corp.example", "corp.test"), ("corp", "eu.corp.example"), ("mycorp.example", "corp.example")] {
            assert!(!same(a, b) && !same(b, a), "{a} {b}");
        }
    }
}
