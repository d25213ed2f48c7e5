//! How far apart two hosts' clocks are, told by the connections that both logged.

use crate::event::TICKS_PER_SECOND;
use crate::event::Time;

/// Differences within this span (100 ns) belong to one offset.
const WIDTH: i64 = 25 * TICKS_PER_SECOND / 10;
/// Clocks further apart than this are not believed.
const FURTHEST: i64 = 14 * 3600 * TICKS_PER_SECOND;
/// Tolerance where few pairs speak: Kerberos' own limit.
const FEW_PAIRS: i64 = 300 * TICKS_PER_SECOND;
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

/// Starts and ends of one side's connections.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// First records.
    pub starts: Vec<Time>,
    /// Last records of connections that are over.
    pub ends: Vec<Time>,
}

/// The offset at which most anchors of `first` have one of `second`: starts pair with starts, ends
/// with ends. A connection reaches the other side at once and is closed on both at once, so
/// true pairs differ by nearly the same time, while a prompt or a second connection differs anew each
/// time. `None` where nothing pairs up.
pub fn offset(first: &Anchors, second: &Anchors) -> Option<Offset> {
    let mut gaps: Vec<(i64, usize)> = Vec::new();
    let mut anchors = 0;
    for (mine, theirs) in [(&first.starts, &second.starts), (&first.ends, &second.ends)] {
        for a in mine.iter().take(MOST) {
            let near = theirs.iter().take(MOST).map(|b| b.since(*a)).filter(|gap| gap.abs() <= FURTHEST);
            gaps.extend(near.map(|gap| (gap, anchors)));
            anchors += 1;
        }
    }
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
        let rank = |offset: &Offset| (believable(offset, anchors), offset.pairs, -offset.spread / WIDTH, -offset.ticks.abs());
        if best.as_ref().is_none_or(|known| rank(&found) > rank(known)) {
            best = Some(found);
        }
    }
    best.filter(|found| believable(found, anchors))
}

/// Few pairs are believed only near zero; a large offset needs most of the anchors to agree.
fn believable(found: &Offset, anchors: usize) -> bool {
    found.ticks.abs() <= FEW_PAIRS || (found.pairs >= 3 && found.pairs * 2 >= anchors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: &[i64]) -> Anchors {
        let base = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let starts = seconds.iter().map(|s| base.plus(s * TICKS_PER_SECOND)).collect();
        Anchors { starts, ends: Vec::new() }
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

    #[test]
    fn ends_tell_a_second_connection_from_a_clock_that_is_ahead() {
        // The client's clock is 3 s ahead; the server saw a short first connection and a second one 5 s later.
        let client = Anchors { starts: at(&[3]).starts, ends: at(&[10]).starts };
        let server = Anchors { starts: at(&[0, 5]).starts, ends: at(&[0, 7]).starts };
        assert_eq!(offset(&client, &server).unwrap().ticks, -3 * TICKS_PER_SECOND);
    }
}
