//! Windows, groups and measures of correlations.

use super::super::definition::Comparison;
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
        aliases: BTreeMap::new(),
        count,
        thresholds: vec![(Comparison::GreaterOrEqual, f64::from(at_least))],
        generate: false,
    }
}

fn hits(rows: &[(u64, &'static str, &str, &str)]) -> Vec<Hit<'static>> {
    let hit = |(index, (second, rule, group, value)): (usize, &(u64, &'static str, &str, &str))| Hit {
        rule,
        time: Time::from_filetime(second * 10_000_000),
        group: vec![(*group).to_owned().into()],
        value: (!value.is_empty()).then(|| (*value).to_owned().into()),
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
    let rows = [(0, "a", "h", "1"), (1, "a", "h", "1"), (2, "a", "h", ""), (20, "a", "h", "2"), (25, "a", "h", "1")];
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

fn measuring(count: Counted, thresholds: &[(Comparison, f64)]) -> Correlation {
    Correlation { thresholds: thresholds.to_vec(), ..rule(count, 0) }
}

#[test]
fn fewer_and_exactly_speak_of_whole_spans() {
    use Comparison::{GreaterOrEqual, Less, LessOrEqual};
    let rows: Vec<_> = [0, 1, 2, 3, 50, 100, 101].map(|s| (s, "a", "h", "")).to_vec();
    let few = measuring(Counted::Events, &[(Less, 2.0)]);
    assert_eq!(members(&few, &rows), [vec![4]]);
    let two = measuring(Counted::Events, &[(GreaterOrEqual, 2.0), (LessOrEqual, 2.0)]);
    assert_eq!(members(&two, &rows), [vec![5, 6]]);
}

#[test]
fn sums_means_and_percentiles_read_numbers_only() {
    use Comparison::{Greater, GreaterOrEqual, Less};
    let rows =
        [(0, "a", "h", "10"), (1, "a", "h", "0x14"), (2, "a", "h", "many"), (3, "a", "h", "30"), (40, "a", "h", "59")];
    let sum = measuring(Counted::Sum("Bytes".into()), &[(GreaterOrEqual, 60.0)]);
    assert_eq!(members(&sum, &rows), [vec![0, 1, 3]]);
    let mean = measuring(Counted::Average("Bytes".into()), &[(Less, 21.0)]);
    assert_eq!(members(&mean, &rows), [vec![0, 1, 3]]);
    let median = measuring(Counted::Percentile("Bytes".into(), 50), &[(Greater, 20.0)]);
    assert_eq!(members(&median, &rows), [vec![4]]);
    let most = measuring(Counted::Percentile("Bytes".into(), 100), &[(GreaterOrEqual, 30.0)]);
    assert_eq!(members(&most, &rows), [vec![0, 1, 3], vec![4]]);
}

#[test]
fn rules_come_together_in_any_order_and_sequences_in_theirs() {
    let rows = [(0, "b", "h", ""), (5, "a", "h", ""), (30, "a", "h", ""), (35, "b", "h", ""), (60, "b", "h", "")];
    assert_eq!(members(&rule(Counted::Rules, 2), &rows), [vec![0, 1], vec![2, 3]]);
    assert_eq!(members(&rule(Counted::Sequence, 2), &rows), [vec![2, 3]]);
    // The latest beginning counts: an older one would have run out.
    let late = [(0, "a", "h", ""), (8, "a", "h", ""), (14, "b", "h", "")];
    assert_eq!(members(&rule(Counted::Sequence, 2), &late), [vec![1, 2]]);
}

#[test]
fn one_record_that_two_rules_match_is_one_step_and_one_member() {
    let both =
        |index| ["a", "b"].map(|rule| Hit { rule, time: Time::default(), group: vec![], value: None, index }).to_vec();
    assert_eq!(evaluate(&rule(Counted::Sequence, 2), &both(7)), []);
    assert_eq!(evaluate(&rule(Counted::Rules, 2), &both(7))[0].members, [7]);
    let two = [both(7), both(8)].concat();
    assert_eq!(evaluate(&rule(Counted::Sequence, 2), &two)[0].members, [7, 8]);
}

proptest::proptest! {
    #[test]
    fn percentiles_are_what_sorting_gives(
        numbers in proptest::collection::vec(-50_i32..50, 1..40), percent in 1_u8..=100,
    ) {
        let hits: Vec<Hit<'_>> = numbers
            .iter()
            .enumerate()
            .map(|(index, number)| Hit {
                rule: "a", time: Time::from_filetime(index as u64 * 10_000_000), group: vec![],
                value: Some(number.to_string().into()), index,
            })
            .collect();
        let of = |from: usize, to: usize| {
            let mut inside = numbers[from..=to].to_vec();
            inside.sort_unstable();
            f64::from(inside[(usize::from(percent) * inside.len()).div_ceil(100).max(1) - 1])
        };
        let correlation = measuring(Counted::Percentile("N".into(), percent), &[]);
        let members: Vec<Member<'_>> = hits
            .iter()
            .map(|hit| Member { hit, rule: 0, number: number(hit.value.as_deref().unwrap()).unwrap() })
            .collect();
        let mut window = Window::new(&correlation.count, &members);
        for to in 0..members.len() {
            window.add(to);
            if to - window.from > 7 {
                window.drop_first();
            }
            proptest::prop_assert!((window.measure(to) - of(window.from, to)).abs() < 1e-9);
        }
    }
}
