//! One cause against one attempt: what proves it, supports it, speaks against it.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::HostId;
use crate::attempt::{Attempt, Case, ItemId};
use crate::event::Time;
use crate::report::model::Level;
use crate::signature::definition::{Anchor, Bearing, Cause, Clue, Kind, Observation, Outcome, Phase, Setting, Window};

use super::bind::{self, AROUND, Bound, Index, NEAREST, Tie};
use super::state;
use super::suspect::Suspect;
use super::ties::Ties;

/// Why a cause was ruled out for an attempt.
#[derive(Clone, Debug)]
pub enum Out<'a> {
    /// Its phases lie beyond the first one proven not entered.
    NotReached,
    /// Its phases were proven complete.
    Passed,
    /// A record speaks against it.
    Refuted {
        /// How.
        why: &'a str,
        /// Records that show it.
        items: Vec<ItemId>,
    },
}

/// A cited record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cite<'a> {
    /// The record.
    pub item: ItemId,
    /// Rule that matched it.
    pub rule: &'a str,
    /// What it says.
    pub bearing: Bearing,
    /// Why.
    pub why: &'a str,
}

/// A record that is missing although its log covers the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence<'a> {
    /// Rule that would have matched it.
    pub rule: &'a str,
    /// Channel that covers the time.
    pub channel: &'a str,
    /// Whose log.
    pub host: HostId,
    /// What its absence says.
    pub bearing: Bearing,
    /// Why.
    pub why: &'a str,
}

/// Result of weighing.
#[derive(Clone, Debug)]
pub enum Weighed<'a> {
    /// Something speaks for it.
    Found {
        /// How sure.
        level: Level,
        /// 0 to 100.
        score: u8,
        /// On what it rests.
        cited: Vec<Cite<'a>>,
        /// On what is missing it rests.
        absent: Box<[Absence<'a>]>,
    },
    /// It cannot be the cause.
    Out(Out<'a>),
    /// Nothing speaks for it or against it.
    Silent,
}

/// Most points of all supports together.
const MOST_SUPPORT: u8 = 30;

/// What the clues of one cause come to.
#[derive(Default)]
struct Sum<'a> {
    proof: Option<Tie>,
    proofs: BTreeSet<String>,
    standing: bool,
    /// No record is missing since one that it stands by.
    stands_surely: bool,
    supports: BTreeSet<String>,
    weight: u32,
    cited: Vec<Cite<'a>>,
    absent: Vec<Absence<'a>>,
    refuted: Vec<Cite<'a>>,
}

/// What the codes that mstsc logged or showed say about a cause. Never a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// Nothing.
    None,
    /// The code in the client's log is typical of it.
    Logged,
    /// The code that the user read in the dialog is typical of it: a support.
    Said,
}

/// Weighs a cause.
pub fn weigh<'a>(ties: &mut Ties<'_, 'a>, suspect: &Suspect<'a>, hint: Hint) -> Weighed<'a> {
    let (cause, attempt) = (suspect.cause, ties.attempt());
    if let Some(out) = by_phase(attempt, cause) {
        return Weighed::Out(out);
    }
    if suspect.clues.is_empty() || !required(attempt, cause, ties.case()) {
        return Weighed::Silent;
    }
    let mut sum = Sum::default();
    for clue in &suspect.clues {
        judge(ties, cause, clue, &mut sum);
    }
    let for_it = sum.proof.is_some() || sum.standing || !sum.supports.is_empty();
    if !sum.refuted.is_empty() {
        let why = sum.refuted[0].why;
        let items = sum.refuted.iter().map(|cite| cite.item).collect();
        return Weighed::Out(Out::Refuted { why, items });
    }
    if !for_it {
        return Weighed::Silent;
    }
    let level = level(attempt, cause, &sum, hint);
    let score = score(&sum, level, hint);
    let mut cited = sum.cited;
    cited.shrink_to_fit();
    Weighed::Found { level, score, cited, absent: sum.absent.into() }
}

/// None of the cause's phases can have been the one that failed.
pub fn out_of_phase(attempt: &Attempt, cause: &Cause) -> bool {
    let out = |phase: &Phase| {
        attempt.phase_limit.is_some_and(|limit| *phase >= limit)
            || attempt.phase.is_some_and(|reached| phase.precedes(reached))
    };
    !cause.phases.is_empty() && cause.phases.iter().all(out)
}

/// A phase never reached cannot be the cause, nor one that was left behind.
fn by_phase(attempt: &Attempt, cause: &Cause) -> Option<Out<'static>> {
    let beyond = |phase: &Phase| attempt.phase_limit.is_some_and(|limit| *phase >= limit);
    let out = if cause.phases.iter().all(beyond) { Out::NotReached } else { Out::Passed };
    out_of_phase(attempt, cause).then_some(out)
}

impl Out<'_> {
    /// The word in the report.
    pub fn word(&self) -> &'static str {
        match self {
            Out::NotReached => "phase-not-reached",
            Out::Passed => "phase-passed",
            Out::Refuted { .. } => "refuted",
        }
    }

    /// Why, in words, and the records that show it. What phases say is the same for all causes of an attempt.
    pub fn told(&self, case: &Case<'_>, attempt: &Attempt) -> (String, Vec<ItemId>) {
        match self {
            Out::NotReached => not_reached(case, attempt),
            Out::Passed => {
                let reached = attempt.phase.map(Phase::word).unwrap_or_default();
                let why = format!("the phase {reached} was entered, so the earlier ones had been passed");
                let shows = |id: &ItemId| {
                    let mut meanings = case.items[*id].meanings();
                    meanings.any(|meaning| meaning.reaches.is_some() && meaning.reaches == attempt.phase)
                };
                (why, attempt.items().into_iter().filter(shows).take(1).collect())
            }
            Out::Refuted { why, items } => ((*why).to_owned(), items.clone()),
        }
    }
}

fn not_reached(case: &Case<'_>, attempt: &Attempt) -> (String, Vec<ItemId>) {
    let limit = attempt.phase_limit.map(Phase::word).unwrap_or_default();
    let why = match attempt.stopped {
        Some((phase, id)) => format!(
            "the connection failed in the phase {phase} ({} {}); the phase {limit} was never entered",
            case.signatures.short(&case.items[id].evidence.record.provider),
            case.items[id].evidence.record.event_id,
        ),
        None => format!("the connection ended before the phase {limit}: its log covers the time and shows no entry"),
    };
    (why, attempt.stopped.map(|(_, id)| id).into_iter().collect())
}

fn required(attempt: &Attempt, cause: &Cause, case: &Case<'_>) -> bool {
    let needs = &cause.requires;
    let gateway_only = !cause.phases.is_empty() && cause.phases.iter().all(|phase| phase.is_gateway());
    let reached = needs.reached.is_none_or(|phase| attempt.phase.is_some_and(|known| known >= phase));
    let not_reached = needs.not_reached.is_none_or(|phase| attempt.phase_limit.is_some_and(|limit| limit <= phase));
    let role = needs.role.is_none_or(|role| !case.of_role(role).is_empty());
    // A session that was reached can only have broken later.
    let lived =
        attempt.outcome != Outcome::Established || cause.phases.iter().any(|phase| *phase >= Phase::ProfileShell);
    // One that was never reached cannot have been ended.
    let began = attempt.outcome != Outcome::Failed || cause.phases.iter().any(|phase| *phase != Phase::Established);
    reached
        && not_reached
        && role
        && lived
        && began
        && (!gateway_only || attempt.gateway.is_some() || attempt.server.is_none())
}

fn judge<'a>(ties: &mut Ties<'_, 'a>, cause: &'a Cause, clue: &'a Clue, sum: &mut Sum<'a>) {
    let (index, at) = (ties.index, ties.at);
    match &clue.what {
        Observation::Rule(slug) if clue.bearing == Bearing::Standing => {
            if let Some(item) = state::standing(index, index.case(), at, cause, clue, slug) {
                sum.standing = true;
                sum.stands_surely |= !missed(index.case(), item, index.case().attempts[at].start)
                    && stood_before(index.case(), at, item)
                    && !state::was_over_soon(index, at, cause);
                sum.cite(item, slug, clue);
            }
        }
        Observation::Rule(slug) => {
            // A record that undoes a standing condition is weighed there.
            let stands = |one: &Clue| {
                one.bearing == Bearing::Standing
                    && matches!(&one.what, Observation::Rule(standing) if clue.after.as_deref() == Some(standing))
            };
            if clue.bearing == Bearing::Refute && cause.evidence.iter().any(stands) {
                return;
            }
            let bound = ties.bound(slug, clue.window, &clue.join);
            match &clue.after {
                Some(first) => {
                    let mut later = after(ties, &bound, first, clue.window);
                    if later.is_empty() && clue.bearing == Bearing::Refute {
                        later = others_after(ties, slug, clue, first);
                    }
                    records(index.case(), slug, clue, &later, sum);
                }
                None => records(index.case(), slug, clue, &bound, sum),
            }
        }
        Observation::State { state, value, at: anchor } => set(index, at, clue, (state, value), *anchor, sum),
        Observation::Absent { rule, needs } => absent(index, at, cause, clue, (rule, needs), sum),
        Observation::Sequence { rules, gap } => sequence(ties, clue, rules, *gap, sum),
        // Of attacks alone, which are told as findings.
        Observation::SessionAfter { .. } => {}
    }
}

/// Keeps what came after the last match of another rule in the same window.
fn after<'a>(ties: &mut Ties<'_, 'a>, bound: &[Bound], first: &'a str, window: Option<Window>) -> Vec<Bound> {
    let last = ties.bound(first, window, &[]).last().map(|bound| bound.item);
    bound.iter().copied().filter(|bound| last.is_some_and(|last| bound.item > last)).collect()
}

/// The last of what other attempts hold and came after it on the same computer, by a key that is this attempt's too.
fn others_after<'a>(ties: &mut Ties<'_, 'a>, slug: &'a str, clue: &'a Clue, first: &'a str) -> Vec<Bound> {
    let (index, at) = (ties.index, ties.at);
    let case = index.case();
    let Some(last) = ties.bound(first, clue.window, &clue.join).last().map(|bound| bound.item) else {
        return Vec::new();
    };
    let Some(meaning) = bind::meaning(case, slug) else { return Vec::new() };
    let keys = if clue.join.is_empty() { &meaning.join } else { &clue.join };
    let (host, (from, to)) = (case.items[last].host, index.window(at, clue.window.unwrap_or(AROUND)));
    let span = (case.local(host, from), case.local(host, to));
    // One is enough, and that nearest to the attempt is found soonest.
    let later = index.on_host(slug, host, span).iter().rev().take(NEAREST).copied().take_while(|id| *id > last);
    let mut same = later.filter(|id| !case.items[*id].noise);
    let same = same.find(|id| index.keys().agree(at, *id, keys, meaning.host) == Some(true));
    same.map(|item| Bound { item, tie: Tie::Key }).into_iter().collect()
}

fn records<'a>(case: &Case<'_>, slug: &'a str, clue: &'a Clue, bound: &[Bound], sum: &mut Sum<'a>) {
    let Some(best) = bound.iter().map(|bound| bound.tie).max() else { return };
    let meaning = case.signatures.rule(slug).and_then(|rule| rule.meaning.as_ref());
    // Many of a kind are the same fact as one: what is counted is no second witness.
    let fact = bind::meaning(case, slug).map_or(slug, |meaning| meaning.fact.as_str());
    let cited = bound.iter().filter(|bound| bound.tie == best).take(CITED);
    match clue.bearing {
        Bearing::Proof => {
            sum.proof = sum.proof.max(Some(best));
            sum.proofs.insert(fact.to_string());
        }
        Bearing::Support if best == Tie::Shared => return,
        // What proves it says nothing more as a support.
        Bearing::Support if sum.cited.iter().any(|cite| (cite.rule, cite.bearing) == (slug, Bearing::Proof)) => return,
        Bearing::Support => {
            if meaning.is_none_or(|meaning| meaning.kind == Kind::Fact) {
                sum.supports.insert(fact.to_string());
            }
            sum.weight += u32::from(clue.weight);
        }
        Bearing::Refute if best == Tie::Shared => return,
        Bearing::Refute => {
            let cite = |bound: &Bound| Cite { item: bound.item, rule: slug, bearing: clue.bearing, why: &clue.why };
            sum.refuted.extend(cited.map(cite));
            return;
        }
        Bearing::Standing => return,
    }
    for bound in cited {
        sum.cite(bound.item, slug, clue);
    }
}

/// Most records that one clue cites for one attempt.
const CITED: usize = 5;

impl<'a> Sum<'a> {
    fn cite(&mut self, item: ItemId, slug: &'a str, clue: &'a Clue) {
        self.cited.push(Cite { item, rule: slug, bearing: clue.bearing, why: &clue.why });
    }

    fn add(&mut self, bearing: Bearing, fact: String, weight: u8) {
        match bearing {
            Bearing::Proof => {
                self.proof = self.proof.max(Some(Tie::Time));
                self.proofs.insert(fact);
            }
            Bearing::Standing => (self.standing, self.stands_surely) = (true, true),
            Bearing::Support => {
                self.supports.insert(fact);
                self.weight += u32::from(weight);
            }
            Bearing::Refute => {}
        }
    }
}

fn set<'a>(
    index: &Index<'a>,
    at: usize,
    clue: &'a Clue,
    (name, value): (&str, &str),
    anchor: Anchor,
    sum: &mut Sum<'a>,
) {
    let case = index.case();
    let attempt = &case.attempts[at];
    let moment = if anchor == Anchor::Start { attempt.start } else { attempt.end };
    // States are the server's: it is what the attempt wanted to reach.
    let Some(host) = attempt.server else { return };
    let Some((item, is)) = state::state_at(index, host, name, case.local(host, moment)) else { return };
    let rule = case.items[item]
        .rules
        .iter()
        .find(|rule| rule.meaning.as_ref().and_then(|m| m.sets.as_ref()).is_some_and(|s| s.state == name))
        .map_or("", |rule| rule.slug.as_str());
    let cite = Cite { item, rule, bearing: clue.bearing, why: &clue.why };
    if is != value {
        return;
    }
    match clue.bearing {
        Bearing::Refute => return sum.refuted.push(cite),
        // Another value may have been set in between.
        Bearing::Proof if missed(case, item, moment) || !held(index, at, (name, item), moment) => {
            sum.proof = sum.proof.max(Some(Tie::Shared));
            sum.proofs.insert(format!("state {name}"));
        }
        bearing => sum.add(bearing, format!("state {name}"), clue.weight),
    }
    sum.cited.push(cite);
}

/// A record was written before an attempt began, however wrong clocks may be.
fn stood_before(case: &Case<'_>, at: usize, item: ItemId) -> bool {
    let (attempt, item) = (&case.attempts[at], &case.items[item]);
    let slack = case.unsure(attempt, item.host);
    slack == 0 || item.time <= case.local(item.host, attempt.start).plus(-slack)
}

/// The state was the same as long before and after a moment of the reference clock as clocks may be wrong.
fn held(index: &Index<'_>, at: usize, (name, item): (&str, ItemId), moment: Time) -> bool {
    let case = index.case();
    let host = case.items[item].host;
    let slack = case.unordered(&case.attempts[at], host);
    let then = |moment: Time| state::state_at(index, host, name, case.local(host, moment)).map(|(item, _)| item);
    slack == 0 || [-slack, slack].into_iter().all(|way| then(moment.plus(way)) == Some(item))
}

/// Records of this one's log are missing between it and a moment of the reference clock.
fn missed(case: &Case<'_>, item: ItemId, moment: Time) -> bool {
    let item = &case.items[item];
    case.interrupted(item.host, &item.evidence.record.channel, item.time, case.local(item.host, moment))
}

fn absent<'a>(
    index: &Index<'_>,
    at: usize,
    cause: &Cause,
    clue: &'a Clue,
    (rule, needs): (&'a str, &'a [String]),
    sum: &mut Sum<'a>,
) {
    let case = index.case();
    let role = case.signatures.rule(rule).and_then(|rule| rule.meaning.as_ref()).map(|meaning| meaning.host);
    // Another server may be meant.
    if case.attempts[at].ambiguous {
        return;
    }
    let Some(host) = role.and_then(|role| case.attempts[at].host(role)) else { return };
    let (from, to) = index.window(at, clue.window.unwrap_or(AROUND));
    let slack = case.slack(&case.attempts[at], host);
    let (from, to) = (case.local(host, from).plus(-slack), case.local(host, to).plus(slack));
    let Some(channel) = needs.first().filter(|_| needs.iter().all(|log| case.covers(host, log, from, to))) else {
        return;
    };
    let found = index.on_host(rule, host, (from, to)).iter().any(|id| !index.is_stray(*id));
    // Where clocks cannot be compared, what speaks against the cause may be of this attempt as well.
    let against = |other: &Clue| {
        other.bearing == Bearing::Refute
            && matches!(&other.what, Observation::Rule(slug) if !index.on_host(slug, host, (from, to)).is_empty())
    };
    let found = found || (slack > 0 && cause.evidence.iter().any(against));
    if !found && clue.bearing != Bearing::Refute {
        sum.add(clue.bearing, format!("no {rule}"), clue.weight);
        sum.absent.push(Absence { rule, channel, host, bearing: clue.bearing, why: &clue.why });
    }
}

fn sequence<'a>(ties: &mut Ties<'_, 'a>, clue: &'a Clue, rules: &'a [String], gap: (i64, i64), sum: &mut Sum<'a>) {
    let case = ties.case();
    let mut chain: Vec<ItemId> = Vec::new();
    for slug in rules {
        let next = ties.bound(slug, clue.window, &clue.join).iter().map(|bound| bound.item).find(|id| {
            chain.last().is_none_or(|last| {
                // Two hosts' clocks may differ; on one host, the order of records decides.
                let time = |id: ItemId| case.aligned(case.items[id].host, case.items[id].time);
                let ordered = *id > *last || case.items[*id].host != case.items[*last].host;
                ordered && (gap.0..=gap.1).contains(&time(*id).since(time(*last)))
            })
        });
        match next {
            Some(id) => chain.push(id),
            None => return,
        }
    }
    if clue.bearing != Bearing::Proof && chain.last().is_some_and(|last| !holds_still(ties, *last)) {
        return;
    }
    let cites = chain.iter().zip(rules).map(|(item, slug)| Cite {
        item: *item,
        rule: slug,
        bearing: clue.bearing,
        why: &clue.why,
    });
    if clue.bearing == Bearing::Refute {
        sum.refuted.extend(cites);
    } else {
        sum.cited.extend(cites);
        sum.add(clue.bearing, rules.join(">"), clue.weight);
    }
}

/// Whatever states a record from before the attempt set were the same when the attempt began.
fn holds_still(ties: &Ties<'_, '_>, item: ItemId) -> bool {
    let (case, host) = (ties.case(), ties.case().items[item].host);
    let start = case.local(host, ties.attempt().start);
    let mut sets = case.items[item].meanings().filter_map(|meaning| meaning.sets.as_ref());
    let holds = |set: &Setting| {
        state::state_at(ties.index, host, &set.state, start).is_some_and(|(_, value)| value == set.value)
    };
    case.items[item].time > start || sets.all(holds)
}

/// The phase in which the attempt failed is known, and the cause strikes there.
fn pinned(attempt: &Attempt, cause: &Cause) -> bool {
    if let Some((phase, _)) = attempt.stopped {
        return cause.phases.contains(&phase);
    }
    match (attempt.phase, attempt.phase_limit) {
        (Some(reached), Some(limit)) => {
            cause.phases.contains(&reached) && reached.next(attempt.gateway.is_some()) == Some(limit)
        }
        _ => false,
    }
}

fn level(attempt: &Attempt, cause: &Cause, sum: &Sum<'_>, hint: Hint) -> Level {
    let firm = sum.proof.is_some_and(|tie| tie >= Tie::Time);
    let failed = attempt.outcome != Outcome::Unknown;
    if (firm || (sum.stands_surely && failed && pinned(attempt, cause))) && !attempt.ambiguous {
        return Level::Confirmed;
    }
    let bounded = attempt.phase_limit.is_some() || attempt.stopped.is_some() || pinned(attempt, cause);
    let independent = sum.supports.len() + usize::from(hint == Hint::Said);
    if sum.proof.is_some() || (sum.standing && (bounded || !sum.supports.is_empty())) || independent >= 2 {
        return Level::Probable;
    }
    Level::Possible
}

/// Points within the level: each independent fact that speaks for the cause adds some.
fn score(sum: &Sum<'_>, level: Level, hint: Hint) -> u8 {
    let facts = sum.proofs.len() + usize::from(sum.standing) + sum.supports.len();
    let keyed = 5 * u8::from(sum.proof == Some(Tie::Key));
    let supports = u8::try_from(sum.weight.min(u32::from(MOST_SUPPORT))).unwrap_or(MOST_SUPPORT);
    let more = 8 * u8::try_from(facts.saturating_sub(1).min(3)).unwrap_or(3)
        + supports / 4
        + keyed
        + 5 * u8::from(hint > Hint::None);
    match level {
        Level::Confirmed => 65 + more.min(35),
        Level::Probable => 40 + more.min(24),
        Level::Possible => supports.clamp(5, 30) + 5 * u8::from(hint > Hint::None),
    }
}

/// Causes behind a found one, among the found ones that are as sure, or probable at least.
pub fn roots(found: &BTreeMap<&str, Level>, cause: &Cause) -> Vec<String> {
    let least = found.get(cause.id.as_str()).copied().unwrap_or(Level::Probable).min(Level::Probable);
    let sure = |id: &&String| found.get(id.as_str()).is_some_and(|level| *level >= least);
    cause.caused_by.iter().filter(sure).cloned().collect()
}
