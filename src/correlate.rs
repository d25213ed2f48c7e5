//! The reduce half: findings of any number of scans become one report.
//!
//! Pure: no input is read, no clock, no thread; the same findings give the same report.

mod standing;
mod stretch;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::attempt::identity::{HostId, address, user_key};
use crate::attempt::item::Item;
use crate::attempt::{Attempt, Case, Hints, Own, Passed};
use crate::event::Time;
use crate::evidence::{Evidence, Findings};
use crate::report::model::{AttemptReport, Each, LongReport, Report, Row};
use crate::signature::definition::{Confidence, Outcome, Role, Slot};
use crate::signature::{Signatures, phrase};
use crate::verdict;
pub use crate::verdict::Said;
use crate::verdict::{Head, Judgement};
pub use stretch::Stretches;

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
    correlate_long(findings, signatures, request, |report| report.whole())
}

/// The same for a report that need not be held: its attempts and its timeline are made while `tell` reads them.
pub fn correlate_long<R>(
    findings: &Findings,
    signatures: &Signatures,
    request: &Request,
    tell: impl FnOnce(LongReport<'_>) -> R,
) -> R {
    let said = said(signatures, &request.complaint);
    judged(findings, signatures, request, <(Own, Passed)>::default(), &said, |judgement| tell(judgement.report()))
}

/// The same for more rows than are to be held: they are judged in stretches of time, one after the other. `keep` is
/// given the attempts and the timeline of each; the head of the report, which is over all of them, comes back. `ground`
/// holds all but the evidence; `logged` tells that some row passes [`logs_code`].
///
/// An attempt is put together from what lies within a stretch and around it ([`Stretches`]): what is further apart is
/// not joined.
///
/// # Errors
/// The first of the rows, or of `keep`.
pub fn correlate_in_stretches<E>(
    ground: &Findings,
    mut stretches: Stretches<'_, impl Iterator<Item = Result<Evidence, E>>>,
    request: &Request,
    logged: bool,
    mut keep: impl FnMut(&Each<'_, AttemptReport>, &Each<'_, Row>) -> Result<(), E>,
) -> Result<Report<(), ()>, E> {
    let signatures = stretches.signatures;
    let said = Said { logged, ..said(signatures, &request.complaint) };
    let mut head = Head::new(signatures);
    while let Some(stretch) = stretches.next(ground)? {
        let passed = head.passed().clone();
        let add = |judgement: Judgement<'_>| {
            let (attempts, timeline) = judgement.parts(&mut head);
            keep(&attempts, &timeline)
        };
        judged(&stretch.findings, signatures, request, (stretch.own, passed), &said, add)?;
        stretches.done(stretch);
    }
    Ok(head.report(ground, &said))
}

/// Does a client log in this row a code that the complaint speaks of?
pub fn logs_code(evidence: &Evidence, signatures: &Signatures, complaint: &Said) -> bool {
    let codes = complaint.disconnects();
    !codes.is_empty()
        && Item::alone(evidence, signatures).number(Slot::Disconnect).is_some_and(|code| codes.contains(&code))
}

/// Builds a case, and judges the attempts that are asked for and are its own.
fn judged<R>(
    findings: &Findings,
    signatures: &Signatures,
    request: &Request,
    (own, passed): (Own, Passed),
    said: &Said,
    tell: impl FnOnce(Judgement<'_>) -> R,
) -> R {
    let hints = Hints {
        aliases: request.aliases.clone(),
        client_ips: request.selection.client_ips.iter().filter_map(|text| address(text)).collect(),
    };
    let mut case = Case::build(findings, signatures, &hints);
    (case.own, case.passed) = (own, passed);
    for at in verdict::proven_failures(&case) {
        case.attempts[at].outcome = Outcome::Failed;
    }
    let people: Vec<Person> = request.selection.users.iter().map(|user| Person::of(&case, user)).collect();
    let selected: Vec<usize> = case
        .attempts
        .iter()
        .enumerate()
        .filter(|(_, attempt)| case.owns_all_of(attempt.items().into_iter()))
        .filter(|(_, attempt)| selects(&case, &request.selection, &people, attempt))
        .map(|(at, _)| at)
        .collect();
    tell(Judgement::new(&case, &selected, said))
}

/// What the text of the dialog tells: the causes that it fits, and codes where none was given.
pub fn said(signatures: &Signatures, complaint: &Said) -> Said {
    let mut said = complaint.clone();
    let Some(text) = &complaint.text else { return said };
    // A status beside the text is no disconnect reason.
    if let (None, [code @ ..=0x0FFF_FFFF, rest @ ..]) = (said.code, phrase::codes(text).as_slice()) {
        (said.code, said.extended) = (Some(*code), said.extended.or(rest.first().copied()));
    }
    for dialog in signatures.dialogs_in(text) {
        said.causes.extend(dialog.causes.iter().cloned());
        said.codes.extend(dialog.codes.iter().filter(|one| one.confidence != Confidence::Low).map(|one| one.code));
    }
    said
}

fn selects(case: &Case<'_>, selection: &Selection, people: &[Person], attempt: &Attempt) -> bool {
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
    let user = people.is_empty() || people.iter().any(|person| person.made(attempt));
    let ip = selection.client_ips.is_empty()
        || selection.client_ips.iter().filter_map(|text| address(text)).any(|ip| attempt.client_ips.contains(&ip));
    time && host && user && ip
}

/// A user who was asked for, and from where this user's attempts came.
struct Person {
    key: Option<String>,
    clients: BTreeSet<HostId>,
    addresses: BTreeSet<IpAddr>,
}

impl Person {
    fn of(case: &Case<'_>, name: &str) -> Self {
        let key = user_key(name);
        let own = || case.attempts.iter().filter(|attempt| named(attempt).is_some_and(|name| Some(name) == key));
        let clients = own().filter_map(|attempt| attempt.client).collect();
        let addresses = own().flat_map(|attempt| attempt.client_ips.iter().copied()).collect();
        Person { key, clients, addresses }
    }

    /// The attempt names this user; or it names nobody, as a handshake that failed does, and its client
    /// logged on as this user at another time.
    fn made(&self, attempt: &Attempt) -> bool {
        if let Some(name) = named(attempt) {
            return Some(name) == self.key;
        }
        attempt.client.is_some_and(|host| self.clients.contains(&host))
            || attempt.client_ips.iter().any(|ip| self.addresses.contains(ip))
    }
}

/// The user whom an attempt names.
fn named(attempt: &Attempt) -> Option<String> {
    attempt.user.as_deref().and_then(user_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, code: Option<u32>) -> Said {
        let (signatures, _) = Signatures::open(true, &[]);
        said(&signatures, &Said { code, text: Some(text.to_owned()), ..Said::default() })
    }

    #[test]
    fn the_words_of_a_dialog_become_causes_and_codes() {
        let said = told("There are no Remote Desktop License Servers available", None);
        assert!(said.causes.contains(&"lic-grace-expired".to_owned()), "{:?}", said.causes);
        assert_eq!((said.code, said.codes.as_slice()), (None, &[3][..]));
        assert_eq!(told("it does not work", None).causes, Vec::<String>::new());
    }

    #[test]
    fn codes_in_the_text_count_unless_one_was_given() {
        let text = "Your session has ended. Error code: 0x904 Extended error code: 0x7";
        assert_eq!((told(text, None).code, told(text, None).extended), (Some(0x904), Some(7)));
        assert_eq!((told(text, Some(3)).code, told(text, Some(3)).extended), (Some(3), None));
        // A status is no disconnect reason.
        assert_eq!(told("The function requested is not supported (0x80090302)", None).code, None);
    }
}
