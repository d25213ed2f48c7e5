//! How far apart two hosts' clocks are, told by the connections that both logged.

use crate::event::TICKS_PER_SECOND;
use crate::event::Time;

/// Differences within this span (100 ns) belong to one offset.
const WIDTH: i64 = 25 * TICKS_PER_SECOND / 10;
/// Clocks further apart than this are not believed.
const FURTHEST: i64 = 14 * 3600 * TICKS_PER_SECOND;
/// Tolerance where only one pair speaks: Kerberos' own limit.
const ONE_PAIR: i64 = 300 * TICKS_PER_SECOND;
/// Most times of one side that are compared; more add nothing.
const MOST: usize = 400;

/// What pairs of records say about two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// 100 ns by which the second clock is ahead of the first.
    pub ticks: i64,
    /// Spread of the pairs, 100 ns.
    pub spread: i64,
    /// How many pairs.
    pub pairs: usize,
}

/// The offset at which most starts of `first` have one of `second`. A connection reaches the
/// other side at once, so true pairs differ by nearly the same time. `None` where nothing pairs up.
pub fn offset(first: &[Time], second: &[Time]) -> Option<Offset> {
    let first = &first[..first.len().min(MOST)];
    let second = &second[..second.len().min(MOST)];
    let mut gaps: Vec<(i64, usize)> = first
        .iter()
        .enumerate()
        .flat_map(|(at, a)| second.iter().map(move |b| (b.since(*a), at)))
        .filter(|(gap, _)| gap.abs() <= FURTHEST)
        .collect();
    gaps.sort_unstable();
    let mut best: Option<Offset> = None;
    let mut end = 0;
    for start in 0..gaps.len() {
        while end < gaps.len() && gaps[end].0 - gaps[start].0 <= WIDTH {
            end += 1;
        }
        let group = &gaps[start..end];
        let mut who: Vec<usize> = group.iter().map(|(_, at)| *at).collect();
        who.sort_unstable();
        who.dedup();
        let middle = group[group.len() / 2].0;
        let found = Offset { ticks: middle, spread: group[group.len() - 1].0 - group[0].0, pairs: who.len() };
        let rank = |offset: &Offset| (believable(offset, first.len()), offset.pairs, -offset.ticks.abs());
        if best.as_ref().is_none_or(|known| rank(&found) > rank(known)) {
            best = Some(found);
        }
    }
    best.filter(|found| believable(found, first.len()))
}

/// One pair is believed only near zero; a large offset needs most of the starts to agree.
fn believable(found: &Offset, starts: usize) -> bool {
    found.ticks.abs() <= ONE_PAIR || (found.pairs >= 3 && found.pairs * 3 >= starts * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: &[i64]) -> Vec<Time> {
        let base = Time::parse("2026-01-01T00:00:00Z").unwrap();
        seconds.iter().map(|s| base.plus(s * TICKS_PER_SECOND)).collect()
    }

    #[test]
    fn a_clock_an_hour_ahead_is_found_from_three_pairs() {
        let found = offset(&at(&[0, 100, 1000]), &at(&[3600, 3700, 4601, 9000])).unwrap();
        assert_eq!((found.ticks / TICKS_PER_SECOND, found.pairs), (3600, 3));
    }

    #[test]
    fn one_pair_is_believed_only_near_zero() {
        assert_eq!(offset(&at(&[0]), &at(&[4])).unwrap().ticks, 4 * TICKS_PER_SECOND);
        assert_eq!(offset(&at(&[0]), &at(&[3600])), None);
        assert_eq!(offset(&at(&[0]), &at(&[])), None);
    }
}
