//! Verdicts of single attempts put together, cause by cause.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::user_key;
use crate::attempt::{Attempt, Case};
use crate::event::Time;
use crate::evidence::EventRef;
use crate::report::model::{Absent, CauseReport, Cited, Level, RuledOut, Scope};
use crate::signature::definition::{Bearing, Outcome, Slot};

use super::rank::{MOST_EVIDENCE, People, Ranked, fair, place};
use super::weigh::{Absence, Cite};
use super::words::Basis;
use super::{Found, Judged, change};

/// Every cause found, in order of their ids.
/// Attempts of an attack (`guesses`) count only among themselves: a real user's outage comes first.
pub fn causes(
    case: &Case<'_>,
    judged: &BTreeMap<usize, Judged<'_>>,
    guesses: &BTreeSet<EventRef>,
) -> BTreeMap<String, Ranked> {
    let mut by_cause: BTreeMap<&str, Vec<(usize, &Found<'_>)>> = BTreeMap::new();
    for (at, judged) in judged {
        for found in &judged.found {
            by_cause.entry(&found.cause.id).or_default().push((*at, found));
        }
    }
    let ranked = |(id, list): (&str, Vec<(usize, &Found<'_>)>)| (id.to_string(), ranked(case, &list, guesses));
    let mut all: BTreeMap<String, Ranked> = by_cause.into_iter().map(ranked).collect();
    add_roots(case, &mut all);
    all
}

/// A cause found for other attempts on the same host may lie behind this one: a crash that ended one
/// session is why the next connection found no service.
fn add_roots(case: &Case<'_>, all: &mut BTreeMap<String, Ranked>) {
    struct Known<'u> {
        id: String,
        hosts: Vec<String>,
        level: Level,
        named: BTreeSet<&'u str>,
    }
    let users = users_of_proofs(case, all);
    let known = |Ranked { report, .. }: &Ranked| Known {
        id: report.id.clone(),
        hosts: report.hosts.clone(),
        level: report.verdict,
        named: named(&users, report),
    };
    let found: Vec<Known<'_>> = all.values().map(known).collect();
    for Ranked { report, .. } in all.values_mut() {
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
fn users_of_proofs(case: &Case<'_>, all: &BTreeMap<String, Ranked>) -> BTreeMap<EventRef, String> {
    let proofs: BTreeSet<EventRef> = all.values().flat_map(|one| proofs(&one.report)).collect();
    let items = case.items.iter().filter(|item| proofs.contains(&item.evidence.event));
    items.filter_map(|item| Some((item.evidence.event, user_key(item.capture(Slot::User)?)?))).collect()
}

/// Users whom a cause's proofs name: what befell one user lies behind nothing of another's.
fn named<'u>(users: &'u BTreeMap<EventRef, String>, report: &CauseReport) -> BTreeSet<&'u str> {
    proofs(report).filter_map(|event| users.get(&event)).map(String::as_str).collect()
}

/// A cause over these attempts, and what its place among others depends on.
fn ranked(case: &Case<'_>, all: &[(usize, &Found<'_>)], guesses: &BTreeSet<EventRef>) -> Ranked {
    let list = &explained(all);
    let report = cause(case, list);
    let attempts = || list.iter().map(|(at, _)| &case.attempts[*at]);
    // An attempt that a cause is sure of counts; one that it might explain as well does not.
    let sure = list.iter().filter(|(at, found)| found.level == report.verdict && case.attempts[*at].failed());
    let (attacks, users): (Vec<&Attempt>, Vec<&Attempt>) =
        sure.map(|(at, _)| &case.attempts[*at]).partition(|attempt| guesses.contains(&attempt.id));
    // How sure it is where a user failed: what strangers did is no reason to stand before another one.
    let of_users = all.iter().filter(|(at, _)| is_of_a_user(&case.attempts[*at], guesses));
    let cites: Vec<&Cite<'_>> = list.iter().flat_map(|(_, found)| &found.cited).collect();
    Ranked {
        prior: list[0].1.cause.prior,
        explained: (users.len(), attacks.len()),
        of_users: of_users.map(|(_, found)| found.level).max(),
        people: People::of(case, attempts()),
        servers: attempts().filter_map(|attempt| Some(case.hosts.name(attempt.server?).to_string())).collect(),
        basis: Basis::of(case, &cites),
        report,
    }
}

/// Where a cause is more than possible for some attempts, those for which it is no more are told by themselves alone.
fn explained<'f, 'a>(list: &[(usize, &'f Found<'a>)]) -> Vec<(usize, &'f Found<'a>)> {
    let least = list.iter().map(|(_, found)| found.level).max().unwrap_or(Level::Possible).min(Level::Probable);
    list.iter().copied().filter(|(_, found)| found.level >= least).collect()
}

/// What a cause comes to. Whom it hits, and on what it rests, is said once all attempts are known.
fn cause(case: &Case<'_>, list: &[(usize, &Found<'_>)]) -> CauseReport {
    let cause = list[0].1.cause;
    let attempts: Vec<&Attempt> = list.iter().map(|(at, _)| &case.attempts[*at]).collect();
    let verdict = list.iter().map(|(_, found)| found.level).max().unwrap_or(Level::Possible);
    let strongest = list.iter().filter(|(_, found)| found.level == verdict);
    let score = strongest.map(|(_, found)| found.score).max().unwrap_or(0);
    let cites: Vec<&Cite<'_>> = list.iter().flat_map(|(_, found)| &found.cited).collect();
    let cited_items: BTreeSet<usize> = cites.iter().map(|cite| cite.item).collect();
    let first = attempts.iter().map(|attempt| attempt.start).min();
    let last_success = first.and_then(|first| last_success(case, &attempts, first));
    // What lies behind it where it is less sure says nothing of where it is sure.
    let surest = list.iter().filter(|(_, found)| found.level == verdict);
    let roots: BTreeSet<&String> = surest.flat_map(|(_, found)| &found.roots).collect();
    let surest = || list.iter().filter(|(_, found)| found.level == verdict).map(|(_, found)| found);
    let cited = surest().flat_map(|found| &found.cited).map(|cite| case.items[cite.item].host);
    let lacking = surest().flat_map(|found| &found.absent).map(|absence| absence.host);
    let mut hosts: Vec<String> = cited.chain(lacking).map(|host| case.hosts.name(host).to_string()).collect();
    hosts.sort();
    hosts.dedup();
    let (evidence, evidence_total) = evidence(case, &cites);
    CauseReport {
        id: cause.id.clone(),
        family: cause.family.clone(),
        title: cause.title.clone(),
        severity: cause.severity,
        verdict,
        score,
        explanation: cause.explanation.trim().to_string(),
        attempts: attempts.iter().map(|attempt| attempt.id).collect(),
        guesses_only: false,
        hosts,
        evidence,
        evidence_total,
        absent: absent(case, list),
        first,
        last: attempts.iter().map(|attempt| attempt.end).max(),
        last_success,
        scope: Scope::default(),
        changes: first
            .map(|first| change::changes(case, &attempts, &cited_items, last_success, first))
            .unwrap_or_default(),
        caused_by: roots.into_iter().cloned().collect(),
        fix: cause.fix.clone(),
        avoid: cause.avoid.clone(),
        verify: cause.verify.clone(),
        attack: cause.attack.clone(),
        references: cause.references.clone(),
    }
}

/// Each record once per rule, proofs before the rest, and how many there are.
fn evidence(case: &Case<'_>, cites: &[&Cite<'_>]) -> (Vec<Cited>, u64) {
    let mut list: Vec<&&Cite<'_>> = cites.iter().collect();
    list.sort_by_key(|cite| (place(cite.bearing), cite.item, cite.rule));
    list.dedup_by_key(|cite| (cite.item, cite.rule));
    let total = list.len() as u64;
    let told = fair(list, |cite| (place(cite.bearing), cite.rule));
    (told.into_iter().map(|cite| cited(case, cite)).collect(), total)
}

/// What is missing, each once.
fn absent(case: &Case<'_>, list: &[(usize, &Found<'_>)]) -> Vec<Absent> {
    let told = |absence: &Absence<'_>| Absent {
        signature: absence.rule.to_string(),
        channel: absence.channel.to_string(),
        host: case.hosts.name(absence.host).to_string(),
        role: absence.bearing,
        why: absence.why.to_string(),
    };
    let all: BTreeSet<Absent> = list.iter().flat_map(|(_, found)| &found.absent).map(told).collect();
    all.into_iter().take(MOST_EVIDENCE).collect()
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

/// Most records that tell why something is out for all.
const CITED: usize = 5;

/// What is out for every failed attempt, by the same reason; `None` where none failed.
pub fn ruled_out(case: &Case<'_>, judged: &BTreeMap<usize, Judged<'_>>) -> Option<Vec<RuledOut>> {
    let failed = judged.iter().filter(|(at, _)| case.attempts[**at].failed()).map(|(_, judged)| &judged.out);
    failed.fold(None, |all, out| Some(out_for_both(all, out)))
}

/// What is out for those before, if any, and for others too.
pub fn out_for_both(before: Option<Vec<RuledOut>>, out: &[RuledOut]) -> Vec<RuledOut> {
    let Some(mut before) = before else {
        let mut first = out.to_vec();
        first.iter_mut().for_each(few);
        return first;
    };
    before.retain_mut(|known| {
        let same = out.iter().find(|other| (&other.id, &other.family) == (&known.id, &known.family));
        known.events.extend(same.into_iter().flat_map(|other| &other.events));
        few(known);
        same.is_some()
    });
    before
}

/// The first few records, each once.
fn few(out: &mut RuledOut) {
    out.events.sort();
    out.events.dedup();
    out.events.truncate(CITED);
}
