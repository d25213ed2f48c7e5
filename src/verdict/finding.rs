//! What deserves attention although it explains no failure: attacks, tampering, rules of others.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::attempt::identity::HostId;
use crate::attempt::{Attempt, Case, ItemId};
use crate::evidence::EventRef;
use crate::report::model::Finding;
use crate::signature::definition::{Bearing, Cause, Observation, Outcome, Role, Severity};

use super::FINDINGS_FAMILY;

/// Records that one finding cites.
const CITED: usize = 10;

/// What one finding gathers.
struct Gathered<'a> {
    title: &'a str,
    severity: Severity,
    attack: &'a [String],
    items: BTreeSet<ItemId>,
}

/// All findings, by id and host.
pub fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut gathered: BTreeMap<(String, HostId), Gathered<'_>> = BTreeMap::new();
    for correlation in case.signatures.correlations() {
        let cause = cause_of(case, &correlation.slug);
        if cause.is_none() && serves(case, &correlation.slug) {
            continue;
        }
        for items in case.bursts.get(correlation.slug.as_str()).into_iter().flatten() {
            let Some(host) = items.first().map(|id| case.items[*id].host) else { continue };
            let (id, title, severity, attack) = match cause {
                Some(cause) => (&cause.id, &cause.title, cause.severity, &cause.attack),
                None => (&correlation.slug, &correlation.title, severity(&correlation.level), &correlation.tags),
            };
            let entry = gathered.entry((id.clone(), host));
            let entry = entry.or_insert_with(|| Gathered { title, severity, attack, items: BTreeSet::new() });
            entry.items.append(&mut items.iter().copied().collect());
        }
    }
    for cause in case.signatures.causes().iter().filter(|cause| cause.family == FINDINGS_FAMILY) {
        for slug in
            cause.evidence.iter().filter(|clue| clue.bearing == Bearing::Proof).filter_map(|clue| rule_of(&clue.what))
        {
            let ids = case.by_rule.get(slug).into_iter().flatten().filter(|id| !case.items[**id].noise);
            let mut by_host: BTreeMap<HostId, Vec<ItemId>> = BTreeMap::new();
            ids.for_each(|id| by_host.entry(case.items[*id].host).or_default().push(*id));
            for (host, ids) in by_host {
                let entry = gathered.entry((cause.id.clone(), host)).or_insert_with(|| Gathered {
                    title: &cause.title,
                    severity: cause.severity,
                    attack: &cause.attack,
                    items: BTreeSet::new(),
                });
                entry.items.append(&mut ids.into_iter().collect());
            }
        }
    }
    foreign(case, &mut gathered);
    gathered.values_mut().for_each(|one| one.items.retain(|id| case.owns(*id)));
    gathered.retain(|_, one| !one.items.is_empty());
    gathered.into_iter().map(|((id, host), gathered)| finding(case, id, host, gathered)).collect()
}

/// The order in which findings are told.
pub fn worst_first(a: &Finding, b: &Finding) -> Ordering {
    b.severity.cmp(&a.severity).then_with(|| (&a.id, &a.host).cmp(&(&b.id, &b.host)))
}

/// Adds what the same comes to in a later stretch of time.
pub fn add(known: &mut Finding, later: Finding) {
    known.count += later.count;
    known.first = known.first.into_iter().chain(later.first).min();
    known.last = known.last.max(later.last);
    known.evidence.extend(later.evidence);
    known.evidence.truncate(CITED);
}

/// Attempts that are part of an attack: their records are in the bursts that prove one, and nothing shows
/// a user behind them, neither a client's own log nor a session that the same address got.
pub fn guesses(case: &Case<'_>, selected: &[usize]) -> BTreeSet<EventRef> {
    let attacks = attack_items(case);
    let served: BTreeSet<&IpAddr> = case
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.outcome, Outcome::Established | Outcome::Dropped))
        .flat_map(|attempt| &attempt.client_ips)
        .collect();
    let users = |attempt: &Attempt| {
        attempt.side(Role::Client).next().is_some() || attempt.client_ips.iter().any(|ip| served.contains(ip))
    };
    let attempts = selected.iter().map(|&at| &case.attempts[at]);
    attempts
        .filter(|attempt| !users(attempt) && attempt.items().iter().any(|id| attacks.contains(id)))
        .map(|attempt| attempt.id)
        .collect()
}

/// Records that make up an attack: members of the bursts that prove one.
fn attack_items(case: &Case<'_>) -> BTreeSet<ItemId> {
    let proofs = case.signatures.correlations().iter().filter(|c| cause_of(case, &c.slug).is_some());
    proofs.filter_map(|correlation| case.bursts.get(correlation.slug.as_str())).flatten().flatten().copied().collect()
}

/// Rules without a meaning for connections: somebody's Sigma rules. What a correlation counts
/// tells nothing by itself, unless the correlation wants it to.
fn foreign<'a>(case: &'a Case<'_>, gathered: &mut BTreeMap<(String, HostId), Gathered<'a>>) {
    let (mut counted, mut telling) = (BTreeSet::new(), BTreeSet::new());
    for correlation in case.signatures.correlations() {
        let rules = if correlation.generate { &mut telling } else { &mut counted };
        rules.extend(&correlation.rules);
    }
    let tells = |slug: &String| telling.contains(slug) || !counted.contains(slug);
    for (id, item) in case.items.iter().enumerate() {
        for rule in item.rules.iter().filter(|rule| rule.meaning.is_none() && tells(&rule.slug)) {
            gathered
                .entry((rule.slug.clone(), item.host))
                .or_insert_with(|| Gathered {
                    title: &rule.about.title,
                    severity: severity(&rule.about.level),
                    attack: &rule.about.tags,
                    items: BTreeSet::new(),
                })
                .items
                .insert(id);
        }
    }
}

fn finding(case: &Case<'_>, id: String, host: HostId, gathered: Gathered<'_>) -> Finding {
    let times = || gathered.items.iter().map(|id| case.aligned(host, case.items[*id].time));
    Finding {
        id,
        title: gathered.title.to_string(),
        severity: gathered.severity,
        attack: techniques(gathered.attack),
        host: Some(case.hosts.name(host).to_string()),
        count: gathered.items.len() as u64,
        first: times().min(),
        last: times().max(),
        evidence: gathered.items.iter().take(CITED).map(|id| case.items[*id].evidence.event).collect(),
    }
}

/// `attack.t1110` and `T1110` alike.
fn techniques(tags: &[String]) -> Vec<String> {
    let one = |tag: &String| {
        let word = tag.strip_prefix("attack.").unwrap_or(tag).to_uppercase();
        let digits = word.strip_prefix('T')?;
        digits.bytes().all(|b| b.is_ascii_digit() || b == b'.').then_some(word.clone())
    };
    tags.iter().filter_map(one).collect()
}

fn severity(level: &str) -> Severity {
    match level {
        "critical" => Severity::Critical,
        "high" => Severity::High,
        "medium" => Severity::Medium,
        "low" => Severity::Low,
        _ => Severity::Info,
    }
}

fn rule_of(what: &Observation) -> Option<&str> {
    match what {
        Observation::Rule(slug) => Some(slug),
        _ => None,
    }
}

/// Some cause names it as a support: alone it says nothing.
fn serves(case: &Case<'_>, slug: &str) -> bool {
    case.signatures.causes().iter().any(|cause| cause.evidence.iter().any(|clue| rule_of(&clue.what) == Some(slug)))
}

/// The cause whose proof a correlation is.
fn cause_of<'a>(case: &'a Case<'_>, slug: &str) -> Option<&'a Cause> {
    case.signatures.causes().iter().find(|cause| {
        cause.evidence.iter().any(|clue| clue.bearing == Bearing::Proof && rule_of(&clue.what) == Some(slug))
    })
}
