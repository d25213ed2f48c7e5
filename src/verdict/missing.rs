//! What the logs do not let anybody judge, and what to collect. "Nothing found" explains itself here.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::HostId;
use crate::attempt::{Attempt, Case};
use crate::event::{TICKS_PER_SECOND, Time};
use crate::evidence::EventRef;
use crate::report::model::{CannotJudge, Level};
use crate::signature::definition::{Bearing, Cause, Observation, Outcome, Role};

use super::{FINDINGS_FAMILY, Judged, weigh};

/// Slack around an attempt that a log must cover, 100 ns.
const SLACK: i64 = 5 * TICKS_PER_SECOND;

/// What is missing for one family: which logs, for which attempts.
#[derive(Default)]
struct Gap {
    attempts: BTreeSet<EventRef>,
    because: BTreeSet<String>,
    /// Log and host, and the span over all attempts.
    collect: BTreeMap<String, (Time, Time)>,
}

/// A cause and the logs in which its proofs stand.
struct Needs<'a> {
    cause: &'a Cause,
    logs: BTreeSet<(Role, &'a str)>,
}

/// Families that cannot be judged for attempts that have no confirmed or probable cause.
pub fn cannot_judge(case: &Case<'_>, judged: &BTreeMap<usize, Judged<'_>>) -> Vec<CannotJudge> {
    let causes = case.signatures.causes().iter().filter(|cause| cause.family != FINDINGS_FAMILY);
    let needs: Vec<Needs<'_>> = causes.map(|cause| Needs { cause, logs: logs(case, cause) }).collect();
    let mut gaps: BTreeMap<&str, Gap> = BTreeMap::new();
    for (at, judged) in judged {
        let attempt = &case.attempts[*at];
        let wanting = attempt.failed() || attempt.outcome == Outcome::Unknown;
        let answered = judged.found.iter().any(|found| found.level >= Level::Probable);
        if !wanting || answered {
            continue;
        }
        let mut known: BTreeMap<(Role, &str), Option<(String, String)>> = BTreeMap::new();
        let span = (attempt.start.plus(-SLACK), attempt.end.plus(SLACK));
        for need in needs.iter().filter(|need| !weigh::out_of_phase(attempt, need.cause)) {
            for (role, channel) in
                need.logs.iter().filter(|(role, _)| *role != Role::Gateway || attempt.gateway.is_some())
            {
                let missing = known.entry((*role, channel)).or_insert_with(|| gap(case, attempt, *role, channel));
                let Some((because, log)) = missing else { continue };
                let gap = gaps.entry(&need.cause.family).or_default();
                gap.attempts.insert(attempt.id);
                gap.because.insert(because.clone());
                let whole = gap.collect.entry(log.clone()).or_insert(span);
                *whole = (whole.0.min(span.0), whole.1.max(span.1));
            }
        }
    }
    gaps.into_iter()
        .map(|(family, gap)| CannotJudge {
            cause: None,
            family: Some(family.to_string()),
            attempts: gap.attempts.into_iter().collect(),
            because: gap.because.into_iter().collect::<Vec<_>>().join("; "),
            collect: gap
                .collect
                .into_iter()
                .map(|(log, (from, to))| format!("{log}, covering {} to {}", short(from), short(to)))
                .collect::<Vec<_>>()
                .join("; "),
        })
        .collect()
}

/// The logs, by role of the computer and channel, in which a cause's proofs would stand.
fn logs<'a>(case: &'a Case<'_>, cause: &Cause) -> BTreeSet<(Role, &'a str)> {
    let mut found = BTreeSet::new();
    for clue in cause.evidence.iter().filter(|clue| matches!(clue.bearing, Bearing::Proof | Bearing::Standing)) {
        let Observation::Rule(slug) = &clue.what else { continue };
        let Some(rule) = case.signatures.rule(slug) else { continue };
        let Some(meaning) = &rule.meaning else { continue };
        let channels = case.signatures.providers(rule).iter().filter_map(|provider| case.signatures.channel(provider));
        found.extend(channels.map(|channel| (meaning.host, channel)));
    }
    found
}

/// Why a log does not show the attempt, and which log of which computer it is; `None` where it does.
fn gap(case: &Case<'_>, attempt: &Attempt, role: Role, channel: &str) -> Option<(String, String)> {
    // Packets show more than logs at times, but no log is incomplete for want of them.
    if role == Role::Network {
        return None;
    }
    let who = role_name(role);
    let Some(host) = host_of(case, attempt, role) else {
        let name = match role {
            Role::Server => attempt.target.as_deref().map(|target| format!(" {target}")).unwrap_or_default(),
            Role::Client => attempt.client_name.as_deref().map(|name| format!(" {name}")).unwrap_or_default(),
            _ => String::new(),
        };
        return Some((format!("no log of the {who}{name} is here"), format!("{channel} of the {who}{name}")));
    };
    let (from, to) = (case.local(host, attempt.start.plus(-SLACK)), case.local(host, attempt.end.plus(SLACK)));
    if case.covers(host, channel, from, to) {
        return None;
    }
    let name = case.hosts.name(host);
    let own = case.channels[host].iter().find(|(known, _)| known.eq_ignore_ascii_case(channel));
    let because = match own.map(|(_, coverage)| (coverage.contiguous(), coverage.bounds())) {
        None => format!("{channel} of {name} is not here"),
        Some(_) if own.is_some_and(|(_, coverage)| coverage.runs.is_empty()) => {
            format!("{channel} of {name} stands in a trace, which does not tell whether it is whole")
        }
        Some((true, Some((first, last)))) => {
            format!("{channel} of {name} covers only {} to {}", short(first), short(last))
        }
        Some(_) => format!("{channel} of {name} has gaps in its record numbers: a filtered export or a subscription"),
    };
    Some((because, format!("{channel} of {name}")))
}

fn host_of(case: &Case<'_>, attempt: &Attempt, role: Role) -> Option<HostId> {
    match role {
        Role::Client | Role::Server | Role::Gateway => attempt.host(role),
        Role::Any => attempt.server.or(attempt.client),
        _ => case.roles.iter().position(|roles| roles.contains(&role)),
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Dc => "domain controller",
        Role::License => "licence server",
        Role::Any => "server",
        other => other.word(),
    }
}

/// To the second: what a person types into an export dialog.
fn short(time: Time) -> String {
    let text = time.to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default())
}
