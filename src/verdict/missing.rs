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
    collect: BTreeSet<String>,
}

/// Families that cannot be judged for attempts that have no confirmed or probable cause.
pub fn cannot_judge(case: &Case<'_>, judged: &BTreeMap<usize, Judged<'_>>) -> Vec<CannotJudge> {
    let mut gaps: BTreeMap<&str, Gap> = BTreeMap::new();
    for (at, judged) in judged {
        let attempt = &case.attempts[*at];
        let wanting = attempt.failed() || attempt.outcome == Outcome::Unknown;
        let answered = judged.found.iter().any(|found| found.level >= Level::Probable);
        if !wanting || answered {
            continue;
        }
        for cause in case.signatures.causes().iter().filter(|cause| cause.family != FINDINGS_FAMILY) {
            if weigh::out_of_phase(attempt, cause) {
                continue;
            }
            for (because, collect) in unseen(case, attempt, cause) {
                let gap = gaps.entry(&cause.family).or_default();
                gap.attempts.insert(attempt.id);
                gap.because.insert(because);
                gap.collect.insert(collect);
            }
        }
    }
    gaps.into_iter()
        .map(|(family, gap)| CannotJudge {
            cause: None,
            family: Some(family.to_string()),
            attempts: gap.attempts.into_iter().collect(),
            because: gap.because.into_iter().collect::<Vec<_>>().join("; "),
            collect: gap.collect.into_iter().collect::<Vec<_>>().join("; "),
        })
        .collect()
}

/// Logs that would prove the cause and do not cover the attempt: why, and what to collect.
fn unseen(case: &Case<'_>, attempt: &Attempt, cause: &Cause) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let proofs = cause.evidence.iter().filter(|clue| matches!(clue.bearing, Bearing::Proof | Bearing::Standing));
    for clue in proofs {
        let Observation::Rule(slug) = &clue.what else { continue };
        let Some(rule) = case.signatures.rule(slug) else { continue };
        let Some(meaning) = &rule.meaning else { continue };
        if matches!(meaning.host, Role::Gateway) && attempt.gateway.is_none() {
            continue;
        }
        for provider in case.signatures.providers(rule) {
            let Some(channel) = case.signatures.channel(provider) else { continue };
            found.extend(gap(case, attempt, meaning.host, channel));
        }
    }
    found
}

fn gap(case: &Case<'_>, attempt: &Attempt, role: Role, channel: &str) -> Option<(String, String)> {
    let who = role_name(role);
    let Some(host) = host_of(case, attempt, role) else {
        let name = match role {
            Role::Server => attempt.target.as_deref().map(|target| format!(" {target}")).unwrap_or_default(),
            Role::Client => attempt.client_name.as_deref().map(|name| format!(" {name}")).unwrap_or_default(),
            _ => String::new(),
        };
        let because = format!("no log of the {who}{name} is here");
        return Some((because, format!("{channel} of the {who}{name}, {}", span(attempt))));
    };
    let (from, to) = (case.local(host, attempt.start.plus(-SLACK)), case.local(host, attempt.end.plus(SLACK)));
    let name = case.hosts.name(host);
    let own = case.channels[host].iter().find(|(known, _)| known.eq_ignore_ascii_case(channel));
    let because = match own {
        None => format!("{channel} of {name} is not here"),
        Some(_) if case.covers(host, channel, from, to) => return None,
        Some((_, coverage)) => match coverage.bounds() {
            Some((first, last)) if coverage.contiguous() => {
                format!("{channel} of {name} covers only {} to {}", short(first), short(last))
            }
            _ => format!("{channel} of {name} has gaps in its record numbers: a filtered export or a subscription"),
        },
    };
    Some((because, format!("{channel} of {name}, {}", span(attempt))))
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

fn span(attempt: &Attempt) -> String {
    format!("covering {} to {}", short(attempt.start.plus(-SLACK)), short(attempt.end.plus(SLACK)))
}

/// To the second: what a person types into an export dialog.
fn short(time: Time) -> String {
    let text = time.to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default())
}
