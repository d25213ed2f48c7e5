//! What the logs do not let anybody judge, and what to collect. "Nothing found" explains itself here.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::HostId;
use crate::attempt::{Attempt, Case};
use crate::event::{TICKS_PER_SECOND, Time};
use crate::evidence::EventRef;
use crate::report::model::{CannotJudge, Collect, Level};
use crate::signature::Signatures;
use crate::signature::audit;
use crate::signature::definition::{Bearing, Cause, FINDINGS_FAMILY, Observation, Outcome, Role};

use super::collect::{Lack, Missing, Wants};
use super::{Judged, audit as audited, weigh};

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

/// Weight of a cause that a missing log leaves open, and the span of its attempts.
type Lacking = (u64, (Time, Time));

/// A cause and the logs in which its proofs stand.
struct Needs<'a> {
    cause: &'a Cause,
    logs: BTreeSet<(Role, &'a str)>,
}

/// Families that cannot be judged for attempts that have no confirmed or probable cause, and what to collect for it.
pub struct Gaps<'s> {
    needs: Vec<Needs<'s>>,
    /// By family.
    gaps: BTreeMap<&'s str, Gap>,
    /// What is missing, by numbers in which it was met.
    missed: BTreeMap<Missing, usize>,
    /// By what is missing, family and cause.
    lacks: BTreeMap<(usize, &'s str, &'s str), Lacking>,
    /// Subcategories that are off on some host.
    off: Vec<audit::Subcategory>,
}

impl<'s> Gaps<'s> {
    /// None yet.
    pub fn new(signatures: &'s Signatures) -> Self {
        let causes = signatures.causes().iter().filter(|cause| cause.family != FINDINGS_FAMILY);
        let needs = causes.map(|cause| Needs { cause, logs: logs(signatures, cause) }).collect();
        let (gaps, missed, lacks) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Gaps { needs, gaps, missed, lacks, off: Vec::new() }
    }

    /// Adds those of these attempts.
    pub fn add(&mut self, case: &Case<'_>, judged: &BTreeMap<usize, Judged<'_>>) {
        let sessions = audited::Sessions::of(case);
        let off: Vec<Vec<audit::Subcategory>> =
            (0..case.hosts.len()).map(|host| audited::off(case, &sessions, host)).collect();
        for (at, judged) in judged {
            let attempt = &case.attempts[*at];
            let wanting = attempt.failed() || attempt.outcome == Outcome::Unknown;
            let answered = judged.found.iter().any(|found| found.level >= Level::Probable);
            if wanting && !answered {
                self.of(case, attempt, &off);
            }
        }
        self.off.extend(off.into_iter().flatten());
        self.off.sort_by_key(|one| one.name);
        self.off.dedup();
    }

    /// Adds those of one attempt.
    fn of(&mut self, case: &Case<'_>, attempt: &Attempt, off: &[Vec<audit::Subcategory>]) {
        let mut known: BTreeMap<(Role, &str), Option<(Missing, usize)>> = BTreeMap::new();
        let span = (attempt.start.plus(-SLACK), attempt.end.plus(SLACK));
        for need in self.needs.iter().filter(|need| !weigh::out_of_phase(attempt, need.cause)) {
            for (role, channel) in
                need.logs.iter().filter(|(role, _)| *role != Role::Gateway || attempt.gateway.is_some())
            {
                let missing = known.entry((*role, channel)).or_insert_with(|| {
                    let found = gap(case, attempt, *role, channel, off)?;
                    let next = self.missed.len();
                    let id = *self.missed.entry(found.clone()).or_insert(next);
                    Some((found, id))
                });
                let Some((missing, id)) = missing else { continue };
                let gap = self.gaps.entry(&need.cause.family).or_default();
                gap.attempts.insert(attempt.id);
                gap.because.insert(missing.because.clone());
                let lack = self.lacks.entry((*id, &need.cause.family, &need.cause.id)).or_insert((0, span));
                *lack = (lack.0 + u64::from(need.cause.prior), (lack.1.0.min(span.0), lack.1.1.max(span.1)));
                let whole = gap.collect.entry(missing.log.clone()).or_insert(span);
                *whole = (whole.0.min(span.0), whole.1.max(span.1));
            }
        }
    }

    /// In words, and what to collect.
    pub fn told(self) -> (Vec<CannotJudge>, Vec<Collect>) {
        let mut wants = Wants::default();
        let by_id: BTreeMap<usize, &Missing> = self.missed.iter().map(|(missing, id)| (*id, missing)).collect();
        for ((id, family, cause), (weight, span)) in self.lacks {
            if let Some(missing) = by_id.get(&id) {
                wants.add(missing, (family, cause), weight, span);
            }
        }
        (told(self.gaps), wants.ranked(&self.off))
    }
}

fn told(gaps: BTreeMap<&str, Gap>) -> Vec<CannotJudge> {
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

/// The logs, by role of the computer and channel, in which a cause's proofs would stand, or show that something is missing.
pub(super) fn logs<'a>(signatures: &'a Signatures, cause: &'a Cause) -> BTreeSet<(Role, &'a str)> {
    let mut found = BTreeSet::new();
    for clue in cause.evidence.iter().filter(|clue| clue.bearing != Bearing::Refute) {
        // That something is missing is told only by a log that covers the time.
        if let Observation::Absent { rule, needs } = &clue.what {
            let meaning = signatures.rule(rule).and_then(|rule| rule.meaning.as_ref());
            found.extend(meaning.into_iter().flat_map(|meaning| needs.iter().map(|log| (meaning.host, log.as_str()))));
        }
        let Observation::Rule(slug) = &clue.what else { continue };
        if clue.bearing == Bearing::Support {
            continue;
        }
        let Some(rule) = signatures.rule(slug) else { continue };
        let Some(meaning) = &rule.meaning else { continue };
        let channels = signatures.providers(rule).iter().filter_map(|provider| signatures.channel(provider));
        found.extend(channels.map(|channel| (meaning.host, channel)));
    }
    found
}

/// Why a log does not show the attempt, and which log of which computer it is; `None` where it does.
fn gap(
    case: &Case<'_>,
    attempt: &Attempt,
    role: Role,
    channel: &str,
    off: &[Vec<audit::Subcategory>],
) -> Option<Missing> {
    // Packets show more than logs at times, but no log is incomplete for want of them.
    if role == Role::Network {
        return None;
    }
    let who = role_name(role);
    let missing = |because: String, log: String, host: Option<String>, lack: Lack| {
        Some(Missing { because, log, host, role: who, channel: channel.to_string(), lack })
    };
    let Some(host) = host_of(case, attempt, role) else {
        let name = match role {
            Role::Server => attempt.target.clone(),
            Role::Client => attempt.client_name.clone(),
            _ => None,
        };
        let of = name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        return missing(
            format!("no log of the {who}{of} is here"),
            format!("{channel} of the {who}{of}"),
            name,
            Lack::Export,
        );
    };
    // A log of Windows that was never written cannot be collected.
    if case.elsewhere(host) {
        return None;
    }
    let (from, to) = (case.local(host, attempt.start.plus(-SLACK)), case.local(host, attempt.end.plus(SLACK)));
    let name = case.hosts.name(host);
    let log = format!("{channel} of {name}");
    if case.covers(host, channel, from, to) {
        let off = off[host].first().filter(|_| channel.eq_ignore_ascii_case(audit::CHANNEL))?;
        let because = format!(
            "{log} covers the time, but holds nothing of the audit subcategory {} although sessions were reached: it seems \
             to be off",
            off.name
        );
        return missing(because, log, Some(name.to_string()), Lack::Audit);
    }
    let (because, lack) = uncovered(case, (host, channel), &log, from);
    missing(because, log, Some(name.to_string()), lack)
}

/// Why a log of a host does not cover a time that begins then, by that host's clock; `log` is how it is called.
fn uncovered(case: &Case<'_>, (host, channel): (HostId, &str), log: &str, from: Time) -> (String, Lack) {
    let Some((_, coverage)) = case.channels[host].iter().find(|(known, _)| known.eq_ignore_ascii_case(channel)) else {
        return (format!("{log} is not here"), Lack::Export);
    };
    if coverage.runs.is_empty() {
        let because = format!("{log} is here without record numbers, so that nothing tells whether it is whole");
        return (because, Lack::Export);
    }
    match (coverage.contiguous(), coverage.bounds()) {
        (whole, Some((first, _))) if coverage.damaged() && (!whole || first <= from) => {
            (format!("{log} is damaged, and what it held of that time may be lost"), Lack::Export)
        }
        // What it held before its first record is gone; what it wrote after its last one is there to be exported.
        (true, Some((first, last))) => {
            let lack = if from < first { Lack::Gone } else { Lack::Export };
            (format!("{log} covers only {} to {}", short(first), short(last)), lack)
        }
        _ => (format!("{log} has gaps in its record numbers: a filtered export or a subscription"), Lack::Export),
    }
}

fn host_of(case: &Case<'_>, attempt: &Attempt, role: Role) -> Option<HostId> {
    match role {
        Role::Client | Role::Server | Role::Gateway => attempt.host(role),
        Role::Any => attempt.server.or(attempt.client),
        _ => case.of_role(role).first().copied(),
    }
}

pub(super) fn role_name(role: Role) -> &'static str {
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
