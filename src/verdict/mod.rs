//! Attempts become verdicts: causes weighed per attempt, rolled up over the case, with what
//! was ruled out, what cannot be judged and why. Words the timeline. Pure: no input is read here.

mod audit;
mod bind;
mod change;
mod clock;
mod collect;
mod coverage;
mod finding;
mod head;
mod keys;
mod loose;
mod missing;
mod passes;
mod rank;
mod realm;
mod rollup;
mod rows;
mod sorted;
mod state;
mod suspect;
mod ties;
mod unseen;
mod weigh;
mod words;

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::{Attempt, Case, Connection};
use crate::event::TICKS_PER_SECOND;
use crate::report::model::{AttemptReport, Each, Finding, Level, LongReport, Row, RuledOut};
use crate::signature::definition::{Bearing, Cause, Outcome, Phase, Role, Severity};

use bind::Index;
pub use head::Head;
use rank::Ranked;
use rows::Timeline;
use ties::Ties;
use weigh::{Absence, Cite, Hint, Out, Weighed};

/// What the dialog said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Disconnect reason.
    pub code: Option<u32>,
    /// Extended reason.
    pub extended: Option<u32>,
    /// Its text, as the user tells it.
    pub text: Option<String>,
    /// Causes that such a dialog fits.
    pub causes: Vec<String>,
    /// Disconnect reasons that go with such a dialog.
    pub codes: Vec<u32>,
    /// Some client logged one of these codes: attempts without it are not meant, even where this case has no other.
    pub logged: bool,
}

impl Said {
    /// Disconnect reasons of which the complaint may speak: the dialog's own is surer than those that its text goes with.
    pub fn disconnects(&self) -> &[u32] {
        self.code.as_ref().map_or(self.codes.as_slice(), std::slice::from_ref)
    }
}

/// A cause found for an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Found<'a> {
    cause: &'a Cause,
    level: Level,
    score: u8,
    cited: Vec<Cite<'a>>,
    absent: Box<[Absence<'a>]>,
    roots: Vec<String>,
}

/// All that was judged about one attempt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged<'a> {
    found: Vec<Found<'a>>,
    out: Vec<RuledOut>,
}

/// A cause and, where it is out: why.
type Tried<'a> = (&'a Cause, Option<Out<'a>>);

/// What was judged of a case, and all that the long parts of its report are made from.
pub struct Judgement<'c> {
    case: &'c Case<'c>,
    said: &'c Said,
    about: BTreeSet<usize>,
    judged: BTreeMap<usize, Judged<'c>>,
    timeline: Timeline<'c>,
    causes: BTreeMap<String, Ranked>,
    findings: Vec<Finding>,
}

impl<'c> Judgement<'c> {
    /// Judges the attempts at these indices.
    pub fn new(case: &'c Case<'c>, selected: &[usize], said: &'c Said) -> Self {
        let index = Index::new(case);
        let about = complaint(case, selected, said);
        let judged: BTreeMap<usize, Judged<'_>> =
            selected.iter().map(|&at| (at, judge(&index, at, said, about.contains(&at)))).collect();
        drop(index);
        let causes = rollup::causes(case, &judged, &finding::guesses(case, selected));
        let findings = finding::findings(case);
        let by_findings = findings.iter().flat_map(|finding| finding.evidence.iter().copied());
        let changes = causes.values().flat_map(|cause| &cause.report.changes);
        let cited = by_findings.chain(changes.map(|change| change.event)).collect();
        let timeline = Timeline::new(case, &judged, &cited);
        Judgement { case, said, about, judged, timeline, causes, findings }
    }

    /// The report. Its attempts and its timeline are made anew each time they are read.
    pub fn report(self) -> LongReport<'c> {
        let (case, said) = (self.case, self.said);
        let mut head = Head::new(case.signatures);
        let (attempts, timeline) = self.parts(&mut head);
        head.report(case.findings, said).with(attempts, timeline)
    }

    /// The long parts of the report; adds to its head what the case comes to.
    pub fn parts(self, head: &mut Head<'_>) -> (Each<'c, AttemptReport>, Each<'c, Row>) {
        let Judgement { case, said, about, judged, timeline, causes, findings } = self;
        head.add(case, &judged, &about, causes, findings);
        let attempts = Each::new(move |take: &mut dyn FnMut(AttemptReport) -> bool| {
            let make = |(at, judged): (&usize, &Judged<'_>)| rows::attempt(case, *at, judged, said, about.contains(at));
            judged.iter().map(make).all(&mut *take);
        });
        (attempts, Each::new(move |take| timeline.each(take)))
    }
}

/// Attempts that a proof shows to have failed although their end does not: the logs leave it open and no session
/// was reached, or the session was over within moments and never had a shell.
pub fn proven_failures(case: &Case<'_>) -> Vec<usize> {
    // Most cases have no attempt to look at, and building it takes as long as judging some.
    let index = LazyCell::new(|| Index::new(case));
    let open = |attempt: &Attempt| {
        attempt.outcome == Outcome::Unknown
            && attempt.connections.iter().any(|connection| connection.ended)
            && attempt.connections.iter().all(|connection| connection.session.is_none())
    };
    let proven = |at: &usize| {
        let judged = judge(&index, *at, &Said::default(), false);
        let least = if open(&case.attempts[*at]) { Level::Confirmed } else { Level::Probable };
        judged.found.iter().any(|found| found.level >= least)
    };
    let doubtful = |at: &usize| open(&case.attempts[*at]) || thrown_out(case, &case.attempts[*at]);
    (0..case.attempts.len()).filter(doubtful).filter(proven).collect()
}

/// Longest that a session lasts whose user got no desktop, 100 ns.
const MOMENTS: i64 = 120 * TICKS_PER_SECOND;

/// The user was logged on, no shell started, and the session ended at once.
fn thrown_out(case: &Case<'_>, attempt: &Attempt) -> bool {
    let short = |connection: &Connection| {
        let lasted = connection.session.map(|id| connection.end.since(case.items[id].time));
        connection.ended && lasted.is_some_and(|lasted| lasted <= MOMENTS)
    };
    attempt.outcome == Outcome::Established
        && attempt.phase == Some(Phase::ProfileShell)
        && attempt.side(Role::Server).any(|connection| connection.session.is_some())
        && attempt.side(Role::Server).filter(|connection| connection.session.is_some()).all(short)
}

/// Attempts that the complaint is about: those whose logged code equals it, else all that failed
/// and may have shown it.
fn complaint(case: &Case<'_>, selected: &[usize], said: &Said) -> BTreeSet<usize> {
    let codes = said.disconnects();
    if codes.is_empty() && said.text.is_none() {
        return BTreeSet::new();
    }
    let logged = |at: &usize| case.attempts[*at].disconnect.is_some_and(|code| codes.contains(&code));
    let equal: BTreeSet<usize> = selected.iter().copied().filter(logged).collect();
    if equal.is_empty() && !said.logged {
        // Another code in the log speaks against a code that was read, not against words.
        let open = |at: &usize| {
            case.attempts[*at].failed() && (said.code.is_none() || case.attempts[*at].disconnect.is_none())
        };
        return selected.iter().copied().filter(open).collect();
    }
    equal
}

fn judge<'a>(index: &Index<'a>, at: usize, said: &Said, complained: bool) -> Judged<'a> {
    let case = index.case();
    let attempt = &case.attempts[at];
    if attempt.outcome == Outcome::Abandoned {
        return Judged::default();
    }
    let mut judged = Judged::default();
    let mut families: Vec<Vec<Tried<'_>>> = Vec::new();
    let mut ties = Ties::of(index, at);
    for suspect in index.suspects() {
        let cause = suspect.cause;
        let hint = hint(cause, attempt.disconnect, said, complained);
        let out = match weigh::weigh(&mut ties, suspect, hint) {
            Weighed::Found { level, score, cited, absent } => {
                let decided = cited.iter().any(|cite| cite.bearing == Bearing::Proof);
                // Where nothing failed, only the proof of something that hurts may speak.
                if attempt.failed() || (decided && cause.severity >= Severity::Medium) {
                    judged.found.push(Found { cause, level, score, cited, absent, roots: Vec::new() });
                }
                None
            }
            Weighed::Out(out) => Some(out),
            Weighed::Silent => None,
        };
        if attempt.failed() {
            families.resize_with(families.len().max(suspect.family + 1), Vec::new);
            families[suspect.family].push((cause, out));
        }
    }
    confirm_roots(&mut judged.found);
    explain_away(&mut judged.found);
    link(&mut judged.found);
    judged.found.shrink_to_fit();
    if attempt.failed() {
        judged.out =
            ruled_out(case, attempt, families, |cause| hint(cause, attempt.disconnect, said, complained) > Hint::None);
    }
    judged
}

fn hint(cause: &Cause, logged: Option<u32>, said: &Said, complained: bool) -> Hint {
    let fits = |code: u32, extended: Option<u32>| {
        cause.codes.iter().any(|pair| {
            pair.typical
                && pair.code == code
                && (extended.is_none() || pair.extended.is_none() || pair.extended == extended)
        })
    };
    match (said.code, logged) {
        (Some(code), _) if complained && fits(code, said.extended) => Hint::Said,
        _ if complained && said.causes.contains(&cause.id) => Hint::Said,
        (_, Some(code)) if fits(code, None) => Hint::Logged,
        _ => Hint::None,
    }
}

/// Once one cause is confirmed, a record that proves it is no evidence for another; what is left
/// without a proof stays only as its root or its consequence. Of two confirmed
/// causes, the one that rests on fewer of the same records says nothing more.
fn explain_away(found: &mut Vec<Found<'_>>) {
    let items = |one: &Found<'_>| one.cited.iter().map(|cite| cite.item).collect::<BTreeSet<usize>>();
    let confirmed: Vec<(&Cause, BTreeSet<usize>)> =
        found.iter().filter(|one| one.level == Level::Confirmed).map(|one| (one.cause, items(one))).collect();
    if confirmed.is_empty() {
        return;
    }
    let kin = |a: &Cause, b: &Cause| a.caused_by.contains(&b.id) || b.caused_by.contains(&a.id);
    found.retain(|one| {
        let others = || confirmed.iter().filter(|(cause, _)| cause.id != one.cause.id);
        if others().any(|(cause, _)| kin(cause, one.cause)) {
            return true;
        }
        if one.level == Level::Confirmed {
            let own = items(one);
            return !others().any(|(_, theirs)| own.len() < theirs.len() && own.is_subset(theirs));
        }
        // A condition that merely stands is no rival of a proof.
        one.cited
            .iter()
            .any(|cite| cite.bearing == Bearing::Proof && !others().any(|(_, theirs)| theirs.contains(&cite.item)))
    });
}

/// A root that is proven or stands, and whose consequence is confirmed, is confirmed by it: the
/// consequence is the failure mark.
fn confirm_roots(found: &mut [Found<'_>]) {
    let roots: BTreeSet<String> = found
        .iter()
        .filter(|one| one.level == Level::Confirmed)
        .flat_map(|one| one.cause.caused_by.iter().cloned())
        .collect();
    for one in found.iter_mut().filter(|one| one.level == Level::Probable && roots.contains(&one.cause.id)) {
        if one.cited.iter().any(|cite| matches!(cite.bearing, Bearing::Proof | Bearing::Standing)) {
            one.level = Level::Confirmed;
            one.score = one.score.max(70);
        }
    }
}

/// Names, for every cause found, the found causes behind it, and puts the best first.
fn link(found: &mut [Found<'_>]) {
    let levels: BTreeMap<&str, Level> = found.iter().map(|f| (f.cause.id.as_str(), f.level)).collect();
    for one in found.iter_mut() {
        one.roots = weigh::roots(&levels, one.cause);
    }
    found.sort_by(|a, b| {
        let key =
            |f: &Found<'_>| (std::cmp::Reverse(f.level), std::cmp::Reverse(f.score), std::cmp::Reverse(f.cause.prior));
        key(a).cmp(&key(b)).then_with(|| a.cause.id.cmp(&b.cause.id))
    });
    let order: Vec<(String, Level, Vec<String>)> =
        found.iter().map(|f| (f.cause.id.clone(), f.level, f.roots.clone())).collect();
    let rank = rank::roots_first(&order);
    found.sort_by_key(|f| rank.get(&f.cause.id).copied());
}

/// One entry for a family that is out as a whole; single causes only where something pointed at them.
fn ruled_out(
    case: &Case<'_>,
    attempt: &Attempt,
    families: Vec<Vec<Tried<'_>>>,
    pointed_at: impl Fn(&Cause) -> bool,
) -> Vec<RuledOut> {
    let told = |id: Option<String>, family: Option<String>, out: &Out<'_>| {
        let (why, items) = out.told(case, attempt);
        let events = items.iter().map(|id| case.items[*id].evidence.event).collect();
        RuledOut { id, family, because: out.word().to_string(), why, events }
    };
    let refuted = |out: &Out<'_>| matches!(out, Out::Refuted { .. });
    let mut found = Vec::new();
    for causes in families {
        let mut by_phase = causes.iter().map(|(_, out)| out.as_ref().filter(|out| !refuted(out)));
        if let Some(Some(first)) = by_phase.next()
            && by_phase.all(|out| out.is_some())
        {
            let family = causes.first().map(|(cause, _)| cause.family.clone());
            found.push(told(None, family, first));
            continue;
        }
        let single = causes.iter().filter_map(|(cause, out)| Some((cause, out.as_ref()?)));
        let single = single.filter(|(cause, out)| refuted(out) || pointed_at(cause));
        found.extend(single.map(|(cause, out)| told(Some(cause.id.clone()), None, out)));
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::Signatures;

    #[test]
    fn a_dialog_hints_at_its_causes_only_where_the_complaint_is_about_the_attempt() {
        let (signatures, _) = Signatures::open(true, &[]);
        let (named, other) = (signatures.cause("bad-password").unwrap(), signatures.cause("mtu-black-hole").unwrap());
        let said = Said { text: Some("...".into()), causes: vec![named.id.clone()], ..Said::default() };
        assert_eq!(hint(named, None, &said, true), Hint::Said);
        assert_eq!(hint(other, None, &said, true), Hint::None);
        assert_eq!(hint(named, None, &said, false), Hint::None);
    }
}
