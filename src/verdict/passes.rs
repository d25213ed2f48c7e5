//! When connections to a server left a handshake behind: what hinders all of them did not hinder these.

use rustc_hash::FxHashMap;

use crate::attempt::identity::HostId;
use crate::attempt::{Attempt, Case, Passed};
use crate::event::Time;
use crate::signature::definition::Phase;

/// Phases that every connection to a server goes through alike: its own certificate, and whoever knows the users.
const HANDSHAKES: [Phase; 3] = [Phase::Tls, Phase::Credssp, Phase::Logon];

/// By server and phase: when connections began that left it behind, in order of time.
#[derive(Default)]
pub struct Passes(FxHashMap<(HostId, Phase), Vec<Time>>);

impl Passes {
    /// Those of all attempts.
    pub fn of(case: &Case<'_>) -> Self {
        let mut passes = Passes::default();
        for attempt in &case.attempts {
            let Some((server, reached)) = attempt.server.zip(attempt.phase) else { continue };
            for handshake in HANDSHAKES.into_iter().filter(|handshake| handshake.precedes(reached)) {
                // Whom the server knows itself needs nobody else to be known.
                if handshake == Phase::Tls || !is_local(case, attempt, server) {
                    passes.0.entry((server, handshake)).or_default().push(attempt.start);
                }
            }
        }
        for ((server, handshake), time) in &case.passed {
            if let Some(server) = case.hosts.resolve(server) {
                passes.0.entry((server, *handshake)).or_default().push(*time);
            }
        }
        passes.0.values_mut().for_each(|times| times.sort_unstable());
        passes
    }

    /// The last ones, for a later stretch of the case.
    pub fn last(&self, case: &Case<'_>) -> Passed {
        let last = |((server, handshake), times): (&(HostId, Phase), &Vec<Time>)| {
            Some(((case.hosts.name(*server).to_owned(), *handshake), *times.last()?))
        };
        self.0.iter().filter_map(last).collect()
    }

    /// Did a connection to the server that began between two moments of the reference clock leave these phases behind?
    pub fn any(&self, server: HostId, phases: &[Phase], (from, to): (Time, Time)) -> bool {
        let alike = |phase: &Phase| *phase <= Phase::Credssp || *phase == Phase::Logon;
        let Some(last) = phases.iter().max().filter(|_| phases.iter().all(alike)) else { return false };
        let Some(handshake) = HANDSHAKES.into_iter().find(|handshake| last <= handshake) else { return false };
        let Some(times) = self.0.get(&(server, handshake)) else { return false };
        times.get(times.partition_point(|time| *time <= from)).is_some_and(|time| *time < to)
    }
}

/// Is the user one of the server's own accounts?
fn is_local(case: &Case<'_>, attempt: &Attempt, server: HostId) -> bool {
    let domain = attempt.user.as_deref().and_then(|user| user.split_once('\\')).map(|(domain, _)| domain);
    let short = case.hosts.name(server).split('.').next().unwrap_or_default();
    domain.is_some_and(|domain| domain == "." || domain.eq_ignore_ascii_case(short))
}
