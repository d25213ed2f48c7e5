//! Judgements over many matches within a span, by group: so many, such values, in such an order.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::definition::{Correlation, Counted};
use crate::event::Time;

/// A match of a rule, with what a correlation groups and counts by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    /// Slug of the rule.
    pub rule: &'a str,
    /// When.
    pub time: Time,
    /// Values of the `group-by` fields, in their order.
    pub group: Vec<Cow<'a, str>>,
    /// Value of the counted field; a match without one does not count there.
    pub value: Option<Cow<'a, str>>,
    /// The caller's number of it.
    pub index: usize,
}

/// A time in which a correlation fired, as long as its windows touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Values of the `group-by` fields.
    pub group: Vec<String>,
    /// Time of the first member.
    pub first: Time,
    /// Time of the last member.
    pub last: Time,
    /// The callers' numbers of its matches, in time order.
    pub members: Vec<usize>,
}

/// The bursts of a correlation, by group, then time. Windows that overlap become one burst.
pub fn evaluate(correlation: &Correlation, hits: &[Hit<'_>]) -> Vec<Burst> {
    let mut groups: BTreeMap<&[Cow<'_, str>], Vec<Member<'_>>> = BTreeMap::new();
    for hit in hits {
        let Some(rule) = correlation.rules.iter().position(|rule| rule == hit.rule) else { continue };
        let number = hit.value.as_deref().and_then(number);
        let counts = match correlation.count {
            Counted::Events | Counted::Rules | Counted::Sequence => true,
            Counted::Values(_) => hit.value.is_some(),
            Counted::Sum(_) | Counted::Average(_) | Counted::Percentile(..) => number.is_some(),
        };
        if counts {
            groups.entry(&hit.group).or_default().push(Member { hit, rule, number: number.unwrap_or_default() });
        }
    }
    let mut bursts = Vec::new();
    for (group, mut members) in groups {
        members.sort_by_key(|member| (member.hit.time, member.hit.index, Reverse(member.rule)));
        let spans = match correlation.count {
            Counted::Sequence => sequences(correlation, &members),
            _ => windows(correlation, &members),
        };
        for (from, to) in spans {
            let members = &members[from..=to];
            if let (Some(first), Some(last)) = (members.first(), members.last()) {
                let (first, last) = (first.hit.time, last.hit.time);
                let mut members: Vec<usize> = members.iter().map(|member| member.hit.index).collect();
                members.dedup();
                let group = group.iter().map(ToString::to_string).collect();
                bursts.push(Burst { group, first, last, members });
            }
        }
    }
    bursts
}

/// A hit that counts, with the position of its rule in the correlation's list.
struct Member<'a> {
    hit: &'a Hit<'a>,
    rule: usize,
    number: f64,
}

fn number(text: &str) -> Option<f64> {
    super::value::number(text).filter(|number| number.is_finite())
}

/// First and last position of each burst. A window slides over the sorted matches once and is judged
/// where it cannot grow, so that "fewer than" and "exactly" speak of whole spans.
fn windows(correlation: &Correlation, members: &[Member<'_>]) -> Vec<(usize, usize)> {
    let mut window = Window::new(&correlation.count, members);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (to, member) in members.iter().enumerate() {
        window.add(to);
        while member.hit.time.since(members[window.from].hit.time) > correlation.timespan {
            window.drop_first();
        }
        let from = window.from;
        let grows =
            members.get(to + 1).is_some_and(|next| next.hit.time.since(members[from].hit.time) <= correlation.timespan);
        if grows || !holds(correlation, window.measure(to)) {
            continue;
        }
        join(&mut found, from, to);
    }
    found
}

fn holds(correlation: &Correlation, measure: f64) -> bool {
    correlation.thresholds.iter().all(|(comparison, wanted)| comparison.holds(measure, *wanted))
}

fn join(found: &mut Vec<(usize, usize)>, from: usize, to: usize) {
    match found.last_mut() {
        Some(last) if from <= last.1 => last.1 = to,
        _ => found.push((from, to)),
    }
}

/// First and last position of each run of all rules in their order. For every rule the latest
/// beginning of a run that came so far is kept: no other can end within the span if that one does not.
fn sequences(correlation: &Correlation, members: &[Member<'_>]) -> Vec<(usize, usize)> {
    let mut starts: Vec<Option<usize>> = vec![None; correlation.rules.len()];
    let mut found = Vec::new();
    for (at, member) in members.iter().enumerate() {
        // A record that several rules match comes with the last rule first, and is one step at most.
        let start = match member.rule.checked_sub(1) {
            None => Some(at),
            Some(before) => {
                starts[before].filter(|start| member.hit.time.since(members[*start].hit.time) <= correlation.timespan)
            }
        };
        let Some(start) = start else { continue };
        starts[member.rule] = Some(start);
        if member.rule + 1 == correlation.rules.len() {
            join(&mut found, start, at);
        }
    }
    found
}

/// What is measured of the members from `from` on.
struct Window<'a> {
    count: &'a Counted,
    members: &'a [Member<'a>],
    from: usize,
    /// How often each value, or rule, is inside.
    keys: HashMap<&'a str, usize>,
    /// Sums of all members before each.
    sums: Vec<f64>,
    ranks: Ranks,
}

impl<'a> Window<'a> {
    fn new(count: &'a Counted, members: &'a [Member<'a>]) -> Self {
        let mut sums = Vec::new();
        let mut ranks = Ranks::default();
        match count {
            Counted::Sum(_) | Counted::Average(_) => {
                let mut sum = 0.0;
                sums.push(sum);
                sums.extend(members.iter().map(|member| {
                    sum += member.number;
                    sum
                }));
            }
            Counted::Percentile(..) => ranks = Ranks::new(members),
            _ => {}
        }
        Window { count, members, from: 0, keys: HashMap::new(), sums, ranks }
    }

    fn key(&self, at: usize) -> Option<&'a str> {
        let hit = self.members[at].hit;
        match self.count {
            Counted::Values(_) => hit.value.as_deref(),
            Counted::Rules => Some(hit.rule),
            _ => None,
        }
    }

    fn add(&mut self, at: usize) {
        if let Some(key) = self.key(at) {
            *self.keys.entry(key).or_default() += 1;
        }
        self.ranks.change(at, 1);
    }

    fn drop_first(&mut self) {
        if let Some(key) = self.key(self.from)
            && let Some(count) = self.keys.get_mut(key)
        {
            *count -= 1;
            if *count == 0 {
                self.keys.remove(key);
            }
        }
        self.ranks.change(self.from, -1);
        self.from += 1;
    }

    #[allow(clippy::cast_precision_loss, reason = "nobody counts 2^53 records")]
    fn measure(&self, to: usize) -> f64 {
        let inside = (to + 1 - self.from) as f64;
        let sum = || self.sums[to + 1] - self.sums[self.from];
        match self.count {
            Counted::Events => inside,
            Counted::Values(_) | Counted::Rules | Counted::Sequence => self.keys.len() as f64,
            Counted::Sum(_) => sum(),
            Counted::Average(_) => sum() / inside,
            Counted::Percentile(_, percent) => self.ranks.percentile(*percent, to + 1 - self.from),
        }
    }
}

/// Numbers inside a window, by rank: a binary indexed tree over all numbers in their order.
#[derive(Default)]
struct Ranks {
    /// Rank of each member's number, from one.
    of: Vec<usize>,
    sorted: Vec<f64>,
    tree: Vec<i64>,
}

impl Ranks {
    fn new(members: &[Member<'_>]) -> Self {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|a, b| members[*a].number.total_cmp(&members[*b].number));
        let mut of = vec![0; members.len()];
        (1..).zip(&order).for_each(|(rank, at)| of[*at] = rank);
        let sorted = order.iter().map(|at| members[*at].number).collect();
        Ranks { of, sorted, tree: vec![0; members.len() + 1] }
    }

    fn change(&mut self, member: usize, by: i64) {
        let Some(rank) = self.of.get(member) else { return };
        let mut at = *rank;
        while let Some(sum) = self.tree.get_mut(at) {
            *sum += by;
            at += at & at.wrapping_neg();
        }
    }

    /// The least number that at least so many percent of the `inside` numbers do not exceed.
    fn percentile(&self, percent: u8, inside: usize) -> f64 {
        let wanted = (usize::from(percent) * inside).div_ceil(100).max(1);
        let mut left = i64::try_from(wanted).unwrap_or(i64::MAX);
        let (mut at, mut step) = (0, self.tree.len().next_power_of_two());
        while step > 0 {
            if let Some(sum) = self.tree.get(at + step).filter(|sum| **sum < left) {
                left -= sum;
                at += step;
            }
            step /= 2;
        }
        self.sorted.get(at).copied().unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "correlation_tests.rs"]
mod tests;
