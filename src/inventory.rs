//! What the inputs hold and what they lack, in words. Reads nothing; takes hosts, channels and
//! inputs as the report tells them, and adds what no attempt asks for.

use std::collections::BTreeSet;

use crate::report::inventory::Inventory;
use crate::report::model::{AuditState, ChannelCoverage, ChannelState, HostCoverage, InputReport, Report};
use crate::signature::Signatures;
use crate::signature::definition::Role;

/// Kind of records whose content only files of their maker tell.
const MESSAGES: &str = "WPP";

/// The inventory of what a report was made of.
pub fn inventory(report: Report, signatures: &Signatures) -> Inventory {
    let mut missing = Vec::new();
    for role in [Role::Client, Role::Server] {
        ends(&report.coverage.hosts, role, signatures, &mut missing);
    }
    report.coverage.hosts.iter().for_each(|host| channels(host, &mut missing));
    for gap in &report.coverage.cannot_judge {
        let what = gap.cause.as_ref().or(gap.family.as_ref()).map(String::as_str).unwrap_or("some causes");
        missing.push(format!("{what} cannot be judged: {}. Collect {}", gap.because, gap.collect));
    }
    report.inputs.iter().for_each(|input| traces(input, &mut missing));
    let Report { schema_version, tool, coverage, inputs, .. } = report;
    Inventory { schema_version, tool, coverage, missing, inputs }
}

/// One end of connections of which no log, or not every one that marks steps, is here.
fn ends(hosts: &[HostCoverage], role: Role, signatures: &Signatures, missing: &mut Vec<String>) {
    let marking = marking(role, signatures);
    let mut own = hosts.iter().filter(|host| host.roles.iter().any(|word| word == role.word())).peekable();
    if own.peek().is_none() && !marking.is_empty() {
        let logs: Vec<&str> = marking.iter().copied().collect();
        missing.push(format!("no log of a {} is here: collect {}", role.word(), logs.join(", ")));
    }
    for host in own {
        for channel in &marking {
            let here = |known: &&ChannelCoverage| {
                known.state != ChannelState::Absent && known.channel.eq_ignore_ascii_case(channel)
            };
            if !host.channels.iter().any(|known| here(&known)) {
                missing.push(format!("{}, a {}: no record of {channel}", host.host, role.word()));
            }
        }
    }
}

/// Channels in which one end of a connection marks anything of it, be it a single step (a logon in Security): what is
/// worth collecting. Wider than what the report calls absent (`framing` in verdict/coverage.rs).
fn marking(role: Role, signatures: &Signatures) -> BTreeSet<&str> {
    let rules = signatures.rules();
    let marks = rules
        .filter(|rule| rule.meaning.as_ref().is_some_and(|meaning| meaning.host == role && meaning.mark.is_some()));
    marks.flat_map(|rule| signatures.providers(rule)).filter_map(|provider| signatures.channel(provider)).collect()
}

/// Channels that do not hold all of their span.
fn channels(host: &HostCoverage, missing: &mut Vec<String>) {
    for one in host.audit.iter().filter(|one| one.state == AuditState::Off) {
        missing.push(format!(
            "{}: sessions were reached, and Security holds nothing of the audit subcategory {}: it seems to be off",
            host.host, one.subcategory
        ));
    }
    for channel in &host.channels {
        let why = match channel.state {
            ChannelState::Filtered if channel.records == 0 => {
                "its records have no numbers (a trace or a text), so that nothing tells whether it is whole"
            }
            ChannelState::Filtered => "its record numbers have gaps: a filtered export or a subscription",
            ChannelState::Damaged => "part of it could not be read: records may be missing",
            ChannelState::Wrapped => "it begins only after the first attempt: the log had wrapped",
            ChannelState::Cleared => "somebody emptied it after the first attempt",
            ChannelState::Empty => "it holds no record",
            ChannelState::Forwarded => "its records came through a collector, which may have left some out",
            // What is absent was told of the end of connections that it is about.
            ChannelState::Present | ChannelState::Absent | ChannelState::Other(_) => continue,
        };
        let name = if channel.channel.is_empty() { "(no channel)" } else { &channel.channel };
        missing.push(format!("{name} of {}: {why}", host.host));
    }
}

/// What a trace holds and nobody can read, and what its logger lost.
fn traces(input: &InputReport, missing: &mut Vec<String>) {
    let path = &input.path;
    if input.lost.events > 0 || input.lost.buffers > 0 {
        let (events, buffers) = (input.lost.events, input.lost.buffers);
        missing.push(format!(
            "{path}: its logger lost events ({events}) and buffers ({buffers}); what is not in it may have happened"
        ));
    }
    if let Some(messages) = input.record_kinds.get(MESSAGES) {
        missing
            .push(format!("{path}: WPP messages ({messages}), which nobody can read without their maker's TMF files"));
    }
    let nameless = input.providers.iter().filter(|provider| provider.name.starts_with('{'));
    let (count, records) =
        nameless.fold((0_u64, 0), |(count, records), provider| (count + 1, records + provider.records));
    if count > 0 {
        missing.push(format!("{path}: records ({records}) of providers ({count}) whose layouts are not known"));
    }
}
