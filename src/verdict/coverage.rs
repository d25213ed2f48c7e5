//! Hosts, clocks, channels and inputs as the report shows them.

use std::collections::BTreeSet;

use super::clock;
use crate::attempt::Case;
use crate::attempt::identity::HostId;
use crate::attempt::item::Item;
use crate::event::Time;
use crate::evidence::{Coverage, Findings};
use crate::report::model::{
    CannotJudge, ChannelCoverage, CoverageReport, DamageReport, HostCoverage, InputReport, Lost, ProviderReport,
};

/// What the logs cover, host by host.
pub fn coverage(case: &Case<'_>, cannot_judge: Vec<CannotJudge>) -> CoverageReport {
    let first = case.attempts.iter().map(|attempt| attempt.start).min();
    let cleared = cleared(case);
    let mut hosts: Vec<HostCoverage> = case
        .hosts
        .iter()
        .map(|(id, host)| {
            let mut aliases: BTreeSet<String> = host.names.clone();
            aliases.remove(&host.name.to_lowercase());
            aliases.extend(host.addresses.iter().map(ToString::to_string));
            HostCoverage {
                host: host.name.clone(),
                aliases: aliases.into_iter().collect(),
                roles: case.roles[id].iter().map(|role| role.word().to_string()).collect(),
                os: None,
                clock: clock::clock(case, id),
                channels: case.channels[id]
                    .iter()
                    .map(|(name, coverage)| {
                        let cleared = cleared.contains(&(id, name.to_lowercase()));
                        channel(name, coverage, first, cleared)
                    })
                    .collect(),
            }
        })
        .collect();
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    CoverageReport { hosts, cannot_judge }
}

/// Logs that somebody emptied: the record names the log, or stands first in it.
fn cleared(case: &Case<'_>) -> BTreeSet<(HostId, String)> {
    let says = |item: &&Item<'_>| {
        let mut settings = item.meanings().filter_map(|meaning| meaning.sets.as_ref());
        settings.any(|setting| setting.state == "log" && setting.value == "cleared")
    };
    let log = |item: &Item<'_>| item.evidence.record.field("Channel").unwrap_or_default().to_lowercase();
    case.items.iter().filter(says).map(|item| (item.host, log(item))).collect()
}

fn channel(name: &str, coverage: &Coverage, first_attempt: Option<Time>, cleared: bool) -> ChannelCoverage {
    let bounds = coverage.bounds();
    let late = bounds.zip(first_attempt).is_some_and(|((first, _), attempt)| first > attempt);
    let starts_at_one = coverage.runs.first().is_some_and(|run| run.first_id <= 1);
    let state = if coverage.forwarded {
        "forwarded"
    } else if !coverage.contiguous() {
        "filtered"
    } else if cleared {
        "cleared"
    } else if late && !starts_at_one {
        "wrapped"
    } else {
        "present"
    };
    ChannelCoverage {
        channel: name.to_string(),
        state: state.to_string(),
        first: bounds.map(|(first, _)| first),
        last: bounds.map(|(_, last)| last),
        records: coverage.records(),
        lost: 0,
    }
}

/// Every input with what is wrong with it; inputs that could not be opened too.
pub fn inputs(findings: &Findings) -> Vec<InputReport> {
    let damage = |path: &str| -> Vec<DamageReport> {
        findings.problems.iter().filter(|problem| &*problem.path == path).map(DamageReport::from).collect()
    };
    let mut inputs: Vec<InputReport> = findings
        .inputs
        .iter()
        .map(|input| InputReport {
            path: input.path.to_string(),
            kind: input.kind.to_string(),
            bytes: input.bytes,
            sha256: input.sha256.as_ref().map(ToString::to_string),
            records: input.records,
            record_kinds: input.record_kinds.clone(),
            providers: input.providers.iter().map(ProviderReport::from).collect(),
            first: input.first,
            last: input.last,
            lost: Lost { events: input.lost_events, buffers: input.lost_buffers },
            damage: damage(&input.path),
        })
        .collect();
    let read: BTreeSet<&str> = findings.inputs.iter().map(|input| &*input.path).collect();
    let unread: BTreeSet<&str> =
        findings.problems.iter().map(|problem| &*problem.path).filter(|path| !read.contains(path)).collect();
    inputs.extend(unread.into_iter().map(|path| InputReport {
        path: path.to_string(),
        kind: "unreadable".to_string(),
        bytes: 0,
        sha256: None,
        records: 0,
        record_kinds: std::collections::BTreeMap::new(),
        providers: Vec::new(),
        first: None,
        last: None,
        lost: Lost::default(),
        damage: damage(path),
    }));
    inputs.sort_by(|a, b| a.path.cmp(&b.path));
    inputs
}
