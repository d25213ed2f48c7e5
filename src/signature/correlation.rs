//! Judgements over many matches: so many within a span, by group.

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
    pub group: Vec<String>,
    /// Value of the counted field; a match without one does not count there.
    pub value: Option<String>,
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
    let mut groups: BTreeMap<&[String], Vec<&Hit<'_>>> = BTreeMap::new();
    for hit in hits.iter().filter(|hit| correlation.rules.iter().any(|rule| rule == hit.rule)) {
        if correlation.count == Counted::Events || hit.value.is_some() {
            groups.entry(&hit.group).or_default().push(hit);
        }
    }
    let mut bursts = Vec::new();
    for (group, mut hits) in groups {
        hits.sort_by_key(|hit| (hit.time, hit.index));
        for (from, to) in windows(correlation, &hits) {
            let members = &hits[from..=to];
            if let (Some(first), Some(last)) = (members.first(), members.last()) {
                let members = members.iter().map(|hit| hit.index).collect();
                bursts.push(Burst { group: group.to_vec(), first: first.time, last: last.time, members });
            }
        }
    }
    bursts
}

/// Fields that a correlation needs of its rules' records.
pub(super) fn fields(correlation: &Correlation) -> impl Iterator<Item = &String> {
    let counted = match &correlation.count {
        Counted::Events => None,
        Counted::Values(field) => Some(field),
    };
    correlation.group_by.iter().chain(counted)
}

/// First and last position of each burst; a window slides over the sorted matches once.
fn windows(correlation: &Correlation, hits: &[&Hit<'_>]) -> Vec<(usize, usize)> {
    let wanted = usize::try_from(correlation.at_least).unwrap_or(usize::MAX);
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut values: HashMap<&str, usize> = HashMap::new();
    let mut from = 0;
    for (to, hit) in hits.iter().enumerate() {
        *values.entry(key(hit)).or_default() += 1;
        while hit.time.since(hits[from].time) > correlation.timespan {
            if let Some(count) = values.get_mut(key(hits[from])) {
                *count -= 1;
                if *count == 0 {
                    values.remove(key(hits[from]));
                }
            }
            from += 1;
        }
        let count = if correlation.count == Counted::Events { to + 1 - from } else { values.len() };
        if count < wanted {
            continue;
        }
        match found.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => found.push((from, to)),
        }
    }
    found
}

fn key<'a>(hit: &'a Hit<'_>) -> &'a str {
    hit.value.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TICKS_PER_SECOND;

    fn rule(count: Counted, at_least: u32) -> Correlation {
        Correlation {
            slug: "many".into(),
            family: String::new(),
            title: String::new(),
            id: String::new(),
            description: String::new(),
            level: String::new(),
            tags: vec![],
            rules: vec!["a".into(), "b".into()],
            group_by: vec!["Computer".into()],
            timespan: 10 * TICKS_PER_SECOND,
            count,
            at_least,
        }
    }

    fn hits(rows: &[(u64, &'static str, &str, &str)]) -> Vec<Hit<'static>> {
        let hit = |(index, (second, rule, group, value)): (usize, &(u64, &'static str, &str, &str))| Hit {
            rule,
            time: Time::from_filetime(second * 10_000_000),
            group: vec![(*group).to_owned()],
            value: (!value.is_empty()).then(|| (*value).to_owned()),
            index,
        };
        rows.iter().enumerate().map(hit).collect()
    }

    fn members(correlation: &Correlation, rows: &[(u64, &'static str, &str, &str)]) -> Vec<Vec<usize>> {
        evaluate(correlation, &hits(rows)).into_iter().map(|burst| burst.members).collect()
    }

    #[test]
    fn windows_that_touch_are_one_burst_and_others_stay_apart() {
        let rows: Vec<_> = [0, 4, 8, 12, 16, 100, 101, 102, 200].map(|s| (s, "a", "h", "")).to_vec();
        assert_eq!(members(&rule(Counted::Events, 3), &rows), [vec![0, 1, 2, 3, 4], vec![5, 6, 7]]);
        assert!(members(&rule(Counted::Events, 4), &rows).is_empty());
    }

    #[test]
    fn groups_count_apart_and_other_rules_not_at_all() {
        let rows = [(0, "a", "x", ""), (1, "b", "x", ""), (2, "a", "y", ""), (3, "c", "x", ""), (4, "a", "x", "")];
        let bursts = evaluate(&rule(Counted::Events, 3), &hits(&rows));
        assert_eq!(bursts.len(), 1);
        assert_eq!((bursts[0].group[0].as_str(), &bursts[0].members), ("x", &vec![0, 1, 4]));
        assert_eq!(bursts[0].last.since(bursts[0].first), 4 * TICKS_PER_SECOND);
    }

    #[test]
    fn values_count_once_and_those_missing_never() {
        let by_value = rule(Counted::Values("Ip".into()), 2);
        let rows =
            [(0, "a", "h", "1"), (1, "a", "h", "1"), (2, "a", "h", ""), (20, "a", "h", "2"), (25, "a", "h", "1")];
        assert_eq!(members(&by_value, &rows), [vec![3, 4]]);
    }

    #[test]
    fn order_of_delivery_does_not_matter() {
        let rows = [(8, "a", "h", ""), (0, "a", "h", ""), (4, "a", "h", "")];
        assert_eq!(members(&rule(Counted::Events, 3), &rows), [vec![1, 2, 0]]);
        assert!(members(&rule(Counted::Events, 3), &[]).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn bursts_never_overlap_and_hold_every_window_that_fires(
            times in proptest::collection::vec(0_u64..60, 0..40), wanted in 1_u32..5,
        ) {
            let rows: Vec<_> = times.iter().map(|second| (*second, "a", "h", "")).collect();
            let found = members(&rule(Counted::Events, wanted), &rows);
            let held: Vec<usize> = found.concat();
            let mut once = held.clone();
            once.sort_unstable();
            once.dedup();
            proptest::prop_assert_eq!(once.len(), held.len());
            for start in &times {
                let inside: Vec<usize> =
                    (0..times.len()).filter(|n| (*start..=start + 10).contains(&times[*n])).collect();
                if inside.len() >= wanted as usize {
                    proptest::prop_assert!(found.iter().any(|burst| inside.iter().all(|n| burst.contains(n))));
                }
            }
        }
    }
}
