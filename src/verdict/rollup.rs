//! Verdicts of single attempts put together over the case.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::user_key;
use crate::attempt::{Attempt, Case};
use crate::event::Time;
use crate::evidence::EventRef;
use crate::report::model::{CauseReport, Cited, Hit, Level, RuledOut, Scope};
use crate::signature::definition::{Bearing, Outcome, Slot};

use super::weigh::Cite;
use super::{Found, Judged, change, words};

/// Most pieces of evidence that a cause cites over the whole case.
const MOST_EVIDENCE: usize = 50;

/// Every cause found, best first: level, then root before consequence, then attempts explained, score, prior, id.
/// Attempts of an attack (`guesses`) count only among themselves: a real user's outage comes first.
pub fn causes(case: &Case<'_>, judged: &BTreeMap<usize, Judged<'_>>, guesses: &BTreeSet<EventRef>) -> Vec<CauseReport> {
    let mut by_cause: BTreeMap<&str, Vec<(usize, &Found<'_>)>> = BTreeMap::new();
    for (at, judged) in judged {
        for found in &judged.found {
            by_cause.entry(&found.cause.id).or_default().push((*at, found));
        }
    }
    // An attempt that a cause is sure of counts; one that it might explain as well does not.
    let mut sure: BTreeSet<(&str, EventRef)> = BTreeSet::new();
    for (id, list) in &by_cause {
        let verdict = list.iter().map(|(_, found)| found.level).max();
        let own = list.iter().filter(|(at, found)| Some(found.level) == verdict && case.attempts[*at].failed());
        sure.extend(own.map(|(at, _)| (*id, case.attempts[*at].id)));
    }
    // How sure each cause is where a user failed: what strangers did is no reason to stand before it.
    let of_users: BTreeMap<&str, Level> = by_cause
        .iter()
        .filter_map(|(id, list)| {
            let users = list.iter().filter(|(at, _)| is_of_a_user(&case.attempts[*at], guesses));
            Some((*id, users.map(|(_, found)| found.level).max()?))
        })
        .collect();
    let mut reports: Vec<(u8, CauseReport)> =
        by_cause.into_values().map(|list| (list[0].1.cause.prior, cause(case, judged, &list))).collect();
    reports.sort_by(|(prior_a, a), (prior_b, b)| {
        let key = |prior: &u8, c: &CauseReport| {
            (Reverse(c.verdict), Reverse(explained(c, &sure, guesses)), Reverse(c.score), Reverse(*prior))
        };
        key(prior_a, a).cmp(&key(prior_b, b)).then_with(|| a.id.cmp(&b.id))
    });
    add_roots(case, &mut reports);
    let leads = |root: &String, c: &CauseReport| {
        of_users.get(c.id.as_str()) != Some(&c.verdict) || of_users.get(root.as_str()) == Some(&c.verdict)
    };
    let roots = |c: &CauseReport| c.caused_by.iter().filter(|root| leads(root, c)).cloned().collect();
    let order: Vec<_> = reports.iter().map(|(_, c)| (c.id.clone(), c.verdict, roots(c))).collect();
    let rank = roots_first(&order);
    let mut reports: Vec<CauseReport> = reports.into_iter().map(|(_, report)| report).collect();
    reports.sort_by_key(|report| rank.get(&report.id).copied());
    reports
}

/// A cause found for other attempts on the same host may lie behind this one: a crash that ended one
/// session is why the next connection found no service.
fn add_roots(case: &Case<'_>, reports: &mut [(u8, CauseReport)]) {
    struct Known<'u> {
        id: String,
        hosts: Vec<String>,
        level: Level,
        named: BTreeSet<&'u str>,
    }
    let users = users_of_proofs(case, reports);
    let known = |(_, c): &(u8, CauseReport)| Known {
        id: c.id.clone(),
        hosts: c.hosts.clone(),
        level: c.verdict,
        named: named(&users, c),
    };
    let found: Vec<Known<'_>> = reports.iter().map(known).collect();
    for (_, report) in reports {
        let Some(cause) = case.signatures.cause(&report.id) else { continue };
        let own = named(&users, report);
        let roots = found.iter().filter(|root| {
            let others = !own.is_empty() && !root.named.is_empty() && own.is_disjoint(&root.named);
            root.level >= Level::Probable
                && cause.caused_by.contains(&root.id)
                && root.hosts.iter().any(|host| report.hosts.contains(host))
                && !others
        });
        report.caused_by.extend(roots.map(|root| root.id.clone()));
        report.caused_by.sort();
        report.caused_by.dedup();
    }
}

/// An attempt that failed and is no part of an attack.
fn is_of_a_user(attempt: &Attempt, guesses: &BTreeSet<EventRef>) -> bool {
    attempt.failed() && !guesses.contains(&attempt.id)
}

/// Records that a cause cites as proofs.
fn proofs(report: &CauseReport) -> impl Iterator<Item = EventRef> {
    report.evidence.iter().filter(|cited| cited.role == Bearing::Proof).map(|cited| cited.event)
}

/// Users whom the cited proofs of all causes name.
fn users_of_proofs(case: &Case<'_>, reports: &[(u8, CauseReport)]) -> BTreeMap<EventRef, String> {
    let proofs: BTreeSet<EventRef> = reports.iter().flat_map(|(_, report)| proofs(report)).collect();
    let items = case.items.iter().filter(|item| proofs.contains(&item.evidence.event));
    items.filter_map(|item| Some((item.evidence.event, user_key(item.capture(Slot::User)?)?))).collect()
}

/// Users whom a cause's proofs name: what befell one user lies behind nothing of another's.
fn named<'u>(users: &'u BTreeMap<EventRef, String>, report: &CauseReport) -> BTreeSet<&'u str> {
    proofs(report).filter_map(|event| users.get(&event)).map(String::as_str).collect()
}

/// Failed and dropped attempts that a cause explains: those of users, then those of attacks.
fn explained(cause: &CauseReport, sure: &BTreeSet<(&str, EventRef)>, guesses: &BTreeSet<EventRef>) -> (usize, usize) {
    let own = cause.attempts.iter().filter(|id| sure.contains(&(cause.id.as_str(), **id)));
    let (attacks, users): (Vec<&EventRef>, Vec<&EventRef>) = own.partition(|id| guesses.contains(id));
    (users.len(), attacks.len())
}

/// New places in an order: a root moves right before the first of its consequences of the same level.
pub fn roots_first(order: &[(String, Level, Vec<String>)]) -> BTreeMap<String, usize> {
    fn place(
        at: usize,
        order: &[(String, Level, Vec<String>)],
        seen: &mut BTreeSet<usize>,
        out: &mut BTreeMap<String, usize>,
    ) {
        if !seen.insert(at) {
            return;
        }
        let (id, level, roots) = &order[at];
        for (other, (root, root_level, _)) in order.iter().enumerate() {
            if root_level == level && roots.contains(root) {
                place(other, order, seen, out);
            }
        }
        out.insert(id.clone(), out.len());
    }
    let (mut seen, mut out) = (BTreeSet::new(), BTreeMap::new());
    for at in 0..order.len() {
        place(at, order, &mut seen, &mut out);
    }
    out
}

fn cause(case: &Case<'_>, judged: &BTreeMap<usize, Judged<'_>>, list: &[(usize, &Found<'_>)]) -> CauseReport {
    let cause = list[0].1.cause;
    let attempts: Vec<&Attempt> = list.iter().map(|(at, _)| &case.attempts[*at]).collect();
    let verdict = list.iter().map(|(_, found)| found.level).max().unwrap_or(Level::Possible);
    let strongest = list.iter().filter(|(_, found)| found.level == verdict);
    let score = strongest.map(|(_, found)| found.score).max().unwrap_or(0);
    let cites: Vec<&Cite<'_>> = list.iter().flat_map(|(_, found)| &found.cited).collect();
    let cited_items: BTreeSet<usize> = cites.iter().map(|cite| cite.item).collect();
    let first = attempts.iter().map(|attempt| attempt.start).min();
    // What lies behind it where it is less sure says nothing of where it is sure.
    let surest = list.iter().filter(|(_, found)| found.level == verdict);
    let roots: BTreeSet<&String> = surest.flat_map(|(_, found)| &found.roots).collect();
    let mut hosts: Vec<String> =
        cites.iter().map(|cite| case.hosts.name(case.items[cite.item].host).to_string()).collect();
    hosts.sort();
    hosts.dedup();
    CauseReport {
        id: cause.id.clone(),
        family: cause.family.clone(),
        title: cause.title.clone(),
        severity: cause.severity,
        verdict,
        score,
        explanation: format!("{} {}", cause.explanation.trim(), words::basis(case, &cites)),
        attempts: attempts.iter().map(|attempt| attempt.id).collect(),
        hosts,
        evidence: evidence(case, &cites),
        first,
        last: attempts.iter().map(|attempt| attempt.end).max(),
        last_success: first.and_then(|first| last_success(case, &attempts, first)),
        scope: scope(case, judged, &attempts),
        changes: first
            .map(|first| change::changes(case, &attempts, &cited_items, last_success(case, &attempts, first), first))
            .unwrap_or_default(),
        caused_by: roots.into_iter().cloned().collect(),
        fix: cause.fix.clone(),
        avoid: cause.avoid.clone(),
        verify: cause.verify.clone(),
        attack: cause.attack.clone(),
        references: cause.references.clone(),
    }
}

/// Each record once per rule; proofs before the rest where there are more than fit.
fn evidence(case: &Case<'_>, cites: &[&Cite<'_>]) -> Vec<Cited> {
    let mut list: Vec<&&Cite<'_>> = cites.iter().collect();
    list.sort_by_key(|cite| (cite.bearing != Bearing::Proof, cite.bearing != Bearing::Standing, cite.item, cite.rule));
    list.dedup_by_key(|cite| (cite.item, cite.rule));
    list.truncate(MOST_EVIDENCE);
    list.into_iter().map(|cite| cited(case, cite)).collect()
}

/// A cited record as the report shows it.
pub fn cited(case: &Case<'_>, cite: &Cite<'_>) -> Cited {
    Cited {
        event: case.items[cite.item].evidence.event,
        signature: cite.rule.to_string(),
        role: cite.bearing,
        why: cite.why.to_string(),
    }
}

fn last_success(case: &Case<'_>, attempts: &[&Attempt], first: Time) -> Option<Time> {
    let servers: BTreeSet<_> = attempts.iter().filter_map(|attempt| attempt.server).collect();
    case.attempts
        .iter()
        .filter(|attempt| attempt.outcome == Outcome::Established && attempt.start < first)
        .filter(|attempt| attempt.server.is_some_and(|server| servers.contains(&server)))
        .map(|attempt| attempt.start)
        .max()
}

fn scope(case: &Case<'_>, judged: &BTreeMap<usize, Judged<'_>>, attempts: &[&Attempt]) -> Scope {
    let all: Vec<&Attempt> = judged.keys().map(|at| &case.attempts[*at]).collect();
    let users = |list: &[&Attempt]| {
        list.iter().filter_map(|a| user_key(a.user.as_deref()?)).collect::<BTreeSet<_>>().len() as u64
    };
    let clients = |list: &[&Attempt]| {
        let one = |a: &&Attempt| match a.client {
            Some(host) => Some(case.hosts.name(host).to_string()),
            None => a.client_ips.first().map(ToString::to_string).or(a.client_name.clone()),
        };
        list.iter().filter_map(one).collect::<BTreeSet<_>>().len() as u64
    };
    let servers = |list: &[&Attempt]| {
        let one = |a: &&Attempt| a.server.map(|host| case.hosts.name(host).to_string()).or(a.target.clone());
        list.iter().filter_map(one).collect::<BTreeSet<_>>().len() as u64
    };
    let hit = |count: &dyn Fn(&[&Attempt]) -> u64| Hit { affected: count(attempts), seen: count(&all) };
    Scope { users: hit(&users), clients: hit(&clients), servers: hit(&servers) }
}

/// What is out for every failed attempt, by the same reason.
pub fn ruled_out(case: &Case<'_>, judged: &BTreeMap<usize, Judged<'_>>) -> Vec<RuledOut> {
    let failed: Vec<&Judged<'_>> =
        judged.iter().filter(|(at, _)| case.attempts[**at].failed()).map(|(_, judged)| judged).collect();
    let Some(first) = failed.first() else { return Vec::new() };
    let mut found: Vec<RuledOut> = Vec::new();
    for out in &first.out {
        let same = |other: &&RuledOut| (&other.id, &other.family) == (&out.id, &out.family);
        let every: Option<Vec<&RuledOut>> = failed.iter().map(|judged| judged.out.iter().find(same)).collect();
        let Some(every) = every else { continue };
        let mut events: Vec<_> = every.iter().flat_map(|out| out.events.iter().copied()).collect();
        events.sort();
        events.dedup();
        events.truncate(5);
        found.push(RuledOut { events, ..out.clone() });
    }
    found
}
