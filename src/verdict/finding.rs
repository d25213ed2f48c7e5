//! What deserves attention although it explains no failure: attacks, tampering, rules of others.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::attempt::identity::HostId;
use crate::attempt::{Attempt, Case, ItemId};
use crate::event::Time;
use crate::evidence::EventRef;
use crate::report::model::Finding;
use crate::signature::definition::{
    Bearing, Cause, Clue, FINDINGS_FAMILY, Observation, Outcome, Phase, Role, Severity,
};

use super::bind::{AROUND, around};

/// Records that one finding cites.
const CITED: usize = 10;

/// What one finding gathers.
struct Gathered<'a> {
    title: &'a str,
    severity: Severity,
    attack: &'a [String],
    items: BTreeSet<ItemId>,
}

impl<'a> Gathered<'a> {
    fn of(cause: &'a Cause) -> Self {
        Gathered { title: &cause.title, severity: cause.severity, attack: &cause.attack, items: BTreeSet::new() }
    }

    fn of_rule(title: &'a str, level: &str, attack: &'a [String]) -> Self {
        Gathered { title, severity: severity(level), attack, items: BTreeSet::new() }
    }
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
            let id = cause.map_or(&correlation.slug, |cause| &cause.id);
            let entry = gathered.entry((id.clone(), host)).or_insert_with(|| match cause {
                Some(cause) => Gathered::of(cause),
                None => Gathered::of_rule(&correlation.title, &correlation.level, &correlation.tags),
            });
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
                let entry = gathered.entry((cause.id.clone(), host)).or_insert_with(|| Gathered::of(cause));
                entry.items.append(&mut ids.into_iter().collect());
            }
        }
    }
    sessions(case, &mut gathered);
    foreign(case, &mut gathered);
    gathered.values_mut().for_each(|one| one.items.retain(|id| case.owns(*id)));
    gathered.retain(|_, one| !one.items.is_empty());
    gathered.into_iter().map(|((id, host), gathered)| finding(case, id, host, gathered)).collect()
}

/// Sessions from addresses of what was gathered for another cause.
fn sessions<'a>(case: &'a Case<'_>, gathered: &mut BTreeMap<(String, HostId), Gathered<'a>>) {
    for cause in case.signatures.causes().iter().filter(|cause| cause.family == FINDINGS_FAMILY) {
        for clue in &cause.evidence {
            let Observation::SessionAfter { cause: other, least } = &clue.what else { continue };
            let of_other = gathered.iter().filter(|((id, _), _)| id == other);
            let items: BTreeSet<ItemId> = of_other.flat_map(|(_, one)| one.items.iter().copied()).collect();
            if items.is_empty() {
                continue;
            }
            let failed = Failed::of(case, &items);
            for (host, item) in opened(case, |attempt| failed.before(attempt, clue) >= *least as usize) {
                let entry = gathered.entry((cause.id.clone(), host)).or_insert_with(|| Gathered::of(cause));
                entry.items.insert(item);
            }
        }
    }
}

/// When attempts of an attack failed, in order, by server and address of the client.
struct Failed(BTreeMap<(HostId, IpAddr), Vec<Time>>);

impl Failed {
    fn of(case: &Case<'_>, items: &BTreeSet<ItemId>) -> Self {
        let mut failed: BTreeMap<_, Vec<Time>> = BTreeMap::new();
        for attempt in case.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Failed) {
            let Some(server) = attempt.server else { continue };
            if attempt.items().iter().any(|id| items.contains(id)) {
                attempt.client_ips.iter().for_each(|ip| failed.entry((server, *ip)).or_default().push(attempt.start));
            }
        }
        failed.values_mut().for_each(|times| times.sort_unstable());
        Failed(failed)
    }

    /// How many of them came from the attempt's own address in the window of the clue.
    fn before(&self, attempt: &Attempt, clue: &Clue) -> usize {
        let Some(server) = attempt.server else { return 0 };
        let (from, to) = around(attempt, clue.window.unwrap_or(AROUND));
        let of = |ip: &IpAddr| {
            let times = self.0.get(&(server, *ip)).map(Vec::as_slice).unwrap_or_default();
            times.partition_point(|time| *time <= to).saturating_sub(times.partition_point(|time| *time < from))
        };
        attempt.client_ips.iter().map(of).max().unwrap_or(0)
    }
}

/// Sessions of such attempts, each by the first record that shows its user logged on.
fn opened(case: &Case<'_>, is_one: impl Fn(&Attempt) -> bool) -> Vec<(HostId, ItemId)> {
    let reached = |id: &ItemId| case.items[*id].meanings().filter_map(|meaning| meaning.reaches).max();
    let logs_on = |id: &ItemId| reached(id) >= Some(Phase::Logon);
    let sessions = case.attempts.iter().filter(|attempt| {
        matches!(attempt.outcome, Outcome::Established | Outcome::Dropped)
            && attempt.server.is_some()
            && is_one(attempt)
    });
    let shown = sessions.filter_map(|attempt| {
        let (server, items) = (attempt.server?, attempt.items());
        let own = || items.iter().filter(|id| case.items[**id].host == server);
        let item = own().find(|id| logs_on(id)).or_else(|| own().next())?;
        Some((server, *item))
    });
    shown.collect()
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
            let about = &rule.about;
            let entry = gathered.entry((rule.slug.clone(), item.host));
            let entry = entry.or_insert_with(|| Gathered::of_rule(&about.title, &about.level, &about.tags));
            entry.items.insert(id);
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
