//! How far apart two hosts' clocks are, told by the connections that both logged.

use crate::event::TICKS_PER_SECOND;
use crate::event::Time;

/// Differences within this span (100 ns) belong to one offset.
const WIDTH: i64 = TICKS_PER_SECOND;
/// Clocks further apart than this are not believed.
const FURTHEST: i64 = 14 * 3600 * TICKS_PER_SECOND;
/// Tolerance where few pairs speak: Kerberos' own limit.
const FEW_PAIRS: i64 = 300 * TICKS_PER_SECOND;
/// Most times of one side that are compared; more add nothing.
const MOST: usize = 400;
/// A connection without an end is taken to open others for this long, 100 ns.
const NO_END: i64 = 60 * TICKS_PER_SECOND;
/// Most equally good offsets that are compared further.
const TIED: usize = 64;

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

/// Spans of one side's connections; the end only where the connection is over.
pub type Spans = Vec<(Time, Option<Time>)>;

/// The offset at which most anchors of `first` have one of `second`: starts pair with starts, ends
/// with ends. A connection reaches the other side at once and is closed on both at once, so
/// true pairs differ by nearly the same time, while a prompt or a second connection differs anew each
/// time. Among equals, the offset at which most of the second side's connections start while one of the
/// first side's lives is right. `None` where nothing pairs up.
pub fn offset(first: &Spans, second: &Spans) -> Option<Offset> {
    let (mut gaps, mut anchors) = (Vec::new(), 0);
    for (start, end) in first.iter().take(MOST) {
        let starts = second.iter().take(MOST).map(|(other, _)| other.since(*start));
        gaps.extend(starts.map(|gap| (gap, anchors)));
        anchors += 1;
        if let Some(end) = end {
            let ends = second.iter().take(MOST).filter_map(|(_, other)| Some((*other)?.since(*end)));
            gaps.extend(ends.map(|gap| (gap, anchors)));
            anchors += 1;
        }
    }
    gaps.retain(|(gap, _): &(i64, usize)| gap.abs() <= FURTHEST);
    gaps.sort_unstable();
    let mut found: Vec<Offset> = groups(&gaps, anchors).into_iter().filter(|one| believable(one, anchors)).collect();
    let most = found.iter().map(|one| one.pairs).max()?;
    found.retain(|one| one.pairs == most);
    found.sort_by_key(|one| one.ticks.abs());
    found.truncate(TIED);
    found.into_iter().max_by_key(|one| (explained(one.ticks, first, second), -one.ticks.abs()))
}

/// Starts of the first side that have one of the second where this offset puts it.
pub fn agreeing(first: &Spans, second: &Spans, ticks: i64) -> usize {
    let meets = |start: Time| second.iter().take(MOST).any(|(other, _)| (other.since(start) - ticks).abs() <= WIDTH);
    first.iter().take(MOST).filter(|(start, _)| meets(*start)).count()
}

/// Every window of nearly equal gaps: their middle, their spread, how many anchors they pair. The anchors in the window
/// are counted as it moves: where many stand at one moment, each window holds nearly all gaps.
fn groups(gaps: &[(i64, usize)], anchors: usize) -> Vec<Offset> {
    let (mut found, mut end, mut pairs) = (Vec::with_capacity(gaps.len()), 0, 0);
    let mut within = vec![0u32; anchors];
    for start in 0..gaps.len() {
        while end < gaps.len() && gaps[end].0 - gaps[start].0 <= WIDTH {
            let count = &mut within[gaps[end].1];
            pairs += usize::from(*count == 0);
            *count += 1;
            end += 1;
        }
        let group = &gaps[start..end];
        let spread = group[group.len() - 1].0 - group[0].0;
        found.push(Offset { ticks: group[group.len() / 2].0, spread, pairs });
        let count = &mut within[gaps[start].1];
        *count -= 1;
        pairs -= usize::from(*count == 0);
    }
    found
}

/// Connections of the second side that start while one of the first side's lives.
fn explained(ticks: i64, first: &Spans, second: &Spans) -> usize {
    let inside = |other: &Time| {
        first.iter().take(MOST).any(|(start, end)| {
            let from = start.plus(ticks - WIDTH);
            let to = end.unwrap_or(start.plus(NO_END)).plus(ticks + WIDTH);
            from <= *other && *other <= to
        })
    };
    second.iter().take(MOST).filter(|(start, _)| inside(start)).count()
}

/// Few pairs are believed only near zero; a large offset needs most of the anchors to agree.
fn believable(found: &Offset, anchors: usize) -> bool {
    found.ticks.abs() <= FEW_PAIRS || (found.pairs >= 3 && found.pairs * 2 >= anchors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> Time {
        Time::parse("2026-01-01T00:00:00Z").unwrap().plus(seconds * TICKS_PER_SECOND)
    }

    fn at(seconds: &[i64]) -> Spans {
        seconds.iter().map(|s| (time(*s), None)).collect()
    }

    #[test]
    fn a_clock_an_hour_ahead_is_found_from_three_pairs() {
        let found = offset(&at(&[0, 100, 1000]), &at(&[3600, 3700, 4600, 9000])).unwrap();
        assert_eq!((found.ticks / TICKS_PER_SECOND, found.pairs), (3600, 3));
    }

    #[test]
    fn so_many_connections_are_compared_and_no_more() {
        // No gap comes twice.
        let starts: Vec<i64> = (0..MOST as i64 + 50).map(|n| n * n * 7).collect();
        let (first, second) = (at(&starts), at(&starts.iter().map(|start| start + 5).collect::<Vec<_>>()));
        let found = offset(&first, &second).unwrap();
        assert_eq!((found.ticks / TICKS_PER_SECOND, found.pairs), (5, MOST));
        assert_eq!(agreeing(&first, &second, found.ticks), MOST);
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
        let client = vec![(time(3), Some(time(10)))];
        let server = vec![(time(0), Some(time(0))), (time(5), Some(time(7)))];
        assert_eq!(offset(&client, &server).unwrap().ticks, -3 * TICKS_PER_SECOND);
    }

    #[test]
    fn an_offset_that_leaves_no_connection_over_is_preferred() {
        // The server noticed the end only six seconds later: the ends do not pair.
        let client = vec![(time(3), Some(time(2000)))];
        let server = vec![(time(0), Some(time(0))), (time(4), Some(time(2003)))];
        assert_eq!(offset(&client, &server).unwrap().ticks, -3 * TICKS_PER_SECOND);
    }
}
