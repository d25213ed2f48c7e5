//! The reduce half: findings of any number of scans become one report.
//!
//! Pure: no input is read, no clock, no thread; the same findings give the same report.

use std::collections::BTreeSet;

use crate::attempt::identity::{address, user_key};
use crate::attempt::{Attempt, Case, Hints};
use crate::event::Time;
use crate::evidence::Findings;
use crate::report::model::Report;
use crate::signature::Signatures;
use crate::signature::definition::Role;
use crate::verdict;
pub use crate::verdict::Said;

/// What the reader wants to know.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What the dialog said.
    pub complaint: Said,
    /// Which attempts.
    pub selection: Selection,
    /// Names and addresses that belong together.
    pub aliases: Vec<(String, String)>,
}

/// Which attempts are judged. Evidence is never filtered: a cause may stand since long before.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Attempts that end at or after this.
    pub since: Option<Time>,
    /// Attempts that start at or before this.
    pub until: Option<Time>,
    /// Computer names; any end may be one of them.
    pub hosts: Vec<String>,
    /// User names, with or without domain.
    pub users: Vec<String>,
    /// Client addresses.
    pub client_ips: Vec<String>,
}

/// Rebuilds the attempts and judges them.
pub fn correlate(findings: &Findings, signatures: &Signatures, request: &Request) -> Report {
    let hints = Hints {
        aliases: request.aliases.clone(),
        client_ips: request.selection.client_ips.iter().filter_map(|text| address(text)).collect(),
    };
    let case = Case::build(findings, signatures, &hints);
    let selected: Vec<usize> = case
        .attempts
        .iter()
        .enumerate()
        .filter(|(_, attempt)| selects(&case, &request.selection, attempt))
        .map(|(at, _)| at)
        .collect();
    verdict::report(&case, &selected, request.complaint)
}

fn selects(case: &Case<'_>, selection: &Selection, attempt: &Attempt) -> bool {
    let time = selection.since.is_none_or(|since| attempt.end >= since)
        && selection.until.is_none_or(|until| attempt.start <= until);
    let ends: BTreeSet<usize> =
        [Role::Client, Role::Server, Role::Gateway].into_iter().filter_map(|role| attempt.host(role)).collect();
    let host = selection.hosts.is_empty()
        || selection.hosts.iter().any(|name| {
            let known = case.hosts.resolve(name).is_some_and(|host| ends.contains(&host));
            let typed = attempt.target.as_deref().is_some_and(|target| target.eq_ignore_ascii_case(name));
            known || typed || attempt.client_name.as_deref().is_some_and(|client| client.eq_ignore_ascii_case(name))
        });
    let user = selection.users.is_empty() || selection.users.iter().any(|user| of_user(case, user, attempt));
    let ip = selection.client_ips.is_empty()
        || selection.client_ips.iter().filter_map(|text| address(text)).any(|ip| attempt.client_ips.contains(&ip));
    time && host && user && ip
}

/// The attempt names this user; or it names nobody, as a handshake that failed does, and its client
/// logged on as this user at another time.
fn of_user(case: &Case<'_>, user: &str, attempt: &Attempt) -> bool {
    let wanted = user_key(user);
    let named = |attempt: &Attempt| attempt.user.as_deref().and_then(user_key);
    if let Some(name) = named(attempt) {
        return Some(name) == wanted;
    }
    case.attempts.iter().filter(|other| named(other).is_some() && named(other) == wanted).any(|other| {
        let same_host = attempt.client.is_some() && attempt.client == other.client;
        same_host || attempt.client_ips.iter().any(|ip| other.client_ips.contains(ip))
    })
}
