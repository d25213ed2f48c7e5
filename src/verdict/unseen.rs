//! A case without any attempt: which logs of a server and of a client would show one.
//!
//! A domain controller's logs, a gateway's without connections or a client's System log alone show no attempt, and that
//! says nothing of whether anybody tried.

use crate::report::model::{Collect, HostCoverage};
use crate::signature::Signatures;
use crate::signature::definition::{FINDINGS_FAMILY, Mark, Role};

use super::collect::{Lack, Missing, Wants};
use super::missing::{logs, role_name};

/// Logs of the ends of which nothing is here that writes connections down.
pub fn wanted(signatures: &Signatures, hosts: &[HostCoverage]) -> Vec<Collect> {
    let ends: Vec<Role> =
        [Role::Server, Role::Client].into_iter().filter(|end| !seen(signatures, hosts, *end)).collect();
    let mut found: Vec<(Missing, &str, &str, u64)> = Vec::new();
    for cause in signatures.causes().iter().filter(|cause| cause.family != FINDINGS_FAMILY) {
        for (role, channel) in logs(signatures, cause).into_iter().filter(|(role, _)| ends.contains(role)) {
            let (who, channel) = (role_name(role), channel.to_string());
            let missing = Missing {
                because: format!("no log of the {who} is here"),
                log: format!("{channel} of the {who}"),
                host: None,
                role: who,
                channel,
                lack: Lack::Export,
            };
            found.push((missing, &cause.family, &cause.id, u64::from(cause.prior)));
        }
    }
    let mut wants = Wants::default();
    for (missing, family, cause, weight) in &found {
        wants.add(missing, (family, cause), *weight, None);
    }
    wants.ranked(&[])
}

/// A log is here in which this end writes that a connection begins.
fn seen(signatures: &Signatures, hosts: &[HostCoverage], end: Role) -> bool {
    let marks = signatures.rules().filter(|rule| {
        rule.meaning.as_ref().is_some_and(|meaning| meaning.host == end && meaning.mark == Some(Mark::Open))
    });
    let channels: Vec<&str> =
        marks.flat_map(|rule| signatures.providers(rule)).filter_map(|provider| signatures.channel(provider)).collect();
    let mut here = hosts.iter().flat_map(|host| &host.channels).filter(|channel| channel.first.is_some());
    here.any(|channel| channels.iter().any(|known| known.eq_ignore_ascii_case(&channel.channel)))
}
