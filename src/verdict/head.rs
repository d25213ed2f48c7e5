//! The head of the report, that is all but its long parts: put together from one case, or from stretches of time
//! one after the other.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::{Attempt, Case, Own, Passed};
use crate::event::Time;
use crate::evidence::{EventRef, Findings};
use crate::report::model::{
    Complaint, CoverageReport, Finding, HostCoverage, Level, Noise, Report, RuledOut, SCHEMA_VERSION, Summary, Tool,
};
use crate::signature::Signatures;
use crate::signature::definition::Outcome;

use super::missing::Gaps;
use super::passes::Passes;
use super::rank::{self, People, Ranked};
use super::{Judged, Said, coverage, finding, rollup, rows, unseen};

/// What is known so far.
pub struct Head<'s> {
    signatures: &'s Signatures,
    summary: Summary,
    /// Attempts that the complaint is about.
    about: Vec<EventRef>,
    causes: BTreeMap<String, Ranked>,
    /// Who takes part in any attempt.
    people: People,
    /// Start of the last attempt that got its session, by server.
    successes: BTreeMap<String, Time>,
    passed: Passed,
    ruled_out: Option<Vec<RuledOut>>,
    findings: BTreeMap<(String, Option<String>), Finding>,
    noise: BTreeMap<(String, Option<String>, String), Noise>,
    hosts: Vec<HostCoverage>,
    gaps: Gaps<'s>,
    /// The logs show an attempt, be it one that nobody asked for.
    attempted: bool,
}

impl<'s> Head<'s> {
    /// Nothing yet.
    pub fn new(signatures: &'s Signatures) -> Self {
        Head {
            signatures,
            summary: Summary::default(),
            about: Vec::new(),
            causes: BTreeMap::new(),
            people: People::default(),
            successes: BTreeMap::new(),
            passed: Passed::new(),
            ruled_out: None,
            findings: BTreeMap::new(),
            noise: BTreeMap::new(),
            hosts: Vec::new(),
            gaps: Gaps::new(signatures),
            attempted: false,
        }
    }

    /// Adds what a case comes to that is later than all before it.
    pub(super) fn add(
        &mut self,
        case: &Case<'_>,
        judged: &BTreeMap<usize, Judged<'_>>,
        about: &BTreeSet<usize>,
        causes: BTreeMap<String, Ranked>,
        findings: Vec<Finding>,
    ) {
        let attempts = || judged.keys().map(|at| &case.attempts[*at]);
        self.count(attempts());
        self.attempted |= !case.attempts.is_empty();
        self.about.extend(about.iter().map(|at| case.attempts[*at].id));
        self.people.add(People::of(case, attempts()));
        self.causes(causes);
        self.succeed(case);
        // Nobody asks where the case is whole.
        if case.own != Own::default() {
            self.passed = Passes::of(case).last(case);
        }
        if let Some(out) = rollup::ruled_out(case, judged) {
            self.ruled_out = Some(rollup::out_for_both(self.ruled_out.take(), &out));
        }
        for new in findings {
            match self.findings.entry((new.id.clone(), new.host.clone())) {
                Entry::Vacant(slot) => drop(slot.insert(new)),
                Entry::Occupied(mut known) => finding::add(known.get_mut(), new),
            }
        }
        for new in rows::noise(case) {
            match self.noise.entry((new.host.clone(), new.client_ip.clone(), new.what.clone())) {
                Entry::Vacant(slot) => drop(slot.insert(new)),
                Entry::Occupied(mut known) => rows::add_noise(known.get_mut(), new),
            }
        }
        coverage::add(&mut self.hosts, coverage::hosts(case));
        self.gaps.add(case, judged);
    }

    fn count<'c>(&mut self, attempts: impl Iterator<Item = &'c Attempt>) {
        let summary = &mut self.summary;
        for attempt in attempts {
            summary.attempts += 1;
            *match attempt.outcome {
                Outcome::Failed => &mut summary.failed,
                Outcome::Dropped => &mut summary.dropped,
                Outcome::Abandoned => &mut summary.abandoned,
                Outcome::Established => &mut summary.established,
                Outcome::Unknown => &mut summary.unknown,
            } += 1;
            summary.first = summary.first.into_iter().chain([attempt.start]).min();
            summary.last = summary.last.max(Some(attempt.end));
        }
    }

    fn causes(&mut self, causes: BTreeMap<String, Ranked>) {
        for (id, mut new) in causes {
            // What went well before may stand in an earlier stretch.
            let earlier = || new.servers.iter().filter_map(|server| self.successes.get(server)).max().copied();
            new.report.last_success = new.report.last_success.or_else(earlier);
            match self.causes.entry(id) {
                Entry::Occupied(mut known) => known.get_mut().add(new),
                Entry::Vacant(slot) => {
                    slot.insert(new);
                }
            }
        }
    }

    fn succeed(&mut self, case: &Case<'_>) {
        for attempt in case.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Established) {
            let Some(server) = attempt.server else { continue };
            let last = self.successes.entry(case.hosts.name(server).to_string()).or_insert(attempt.start);
            *last = attempt.start.max(*last);
        }
    }

    /// What earlier stretches tell the next one of connections that got through.
    pub fn passed(&self) -> &Passed {
        &self.passed
    }

    /// The report but for its long parts.
    pub fn report(self, findings: &Findings, said: &Said) -> Report<(), ()> {
        let causes = rank::ranked(self.causes, &self.people);
        let top_cause = causes.first().filter(|cause| cause.verdict >= Level::Probable).map(|cause| cause.id.clone());
        let (cannot_judge, mut collect) = self.gaps.told();
        if !self.attempted {
            collect = unseen::wanted(self.signatures, &self.hosts);
        }
        let mut found: Vec<Finding> = self.findings.into_values().collect();
        found.sort_by(finding::worst_first);
        let mut noise: Vec<Noise> = self.noise.into_values().collect();
        noise.sort();
        Report {
            schema_version: SCHEMA_VERSION,
            tool: Tool {
                name: env!("CARGO_PKG_NAME").to_string(),
                version: env!("CARGO_PKG_VERSION").to_string(),
                signatures_sha256: self.signatures.sha256().to_string(),
            },
            complaint: (*said != Said::default()).then(|| Complaint {
                code: said.code,
                extended: said.extended,
                said: said.text.clone(),
                attempts: self.about,
            }),
            summary: Summary { top_cause, ..self.summary },
            ruled_out: self.ruled_out.unwrap_or_default(),
            attempts: (),
            causes,
            findings: found,
            noise,
            timeline: (),
            coverage: CoverageReport { hosts: self.hosts, cannot_judge, collect },
            inputs: coverage::inputs(findings),
        }
    }
}
