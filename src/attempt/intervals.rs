//! Stretches of time, and which of them touch another one: found without looking at the rest, however long some last.

use crate::event::Time;

/// Stretches in order of start, each with what it stands for.
pub struct Intervals<T> {
    list: Vec<(Time, Time, T)>,
    /// A tree over the ends: the root at 1, the children of `n` at `2n` and `2n + 1`, the ends in order in the second
    /// half. Each holds the latest end below it.
    latest: Vec<Option<Time>>,
}

impl<T: Copy + Ord> FromIterator<(Time, Time, T)> for Intervals<T> {
    /// From start, end, and what it stands for.
    fn from_iter<I: IntoIterator<Item = (Time, Time, T)>>(all: I) -> Self {
        let mut list: Vec<_> = all.into_iter().collect();
        list.sort_unstable();
        let leaves = list.len().next_power_of_two();
        let mut latest = vec![None; 2 * leaves];
        for (place, (_, end, _)) in latest[leaves..].iter_mut().zip(&list) {
            *place = Some(*end);
        }
        for node in (1..leaves).rev() {
            latest[node] = latest[2 * node].max(latest[2 * node + 1]);
        }
        Intervals { list, latest }
    }
}

impl<T: Copy> Intervals<T> {
    /// Those that have a moment in `from..=to`, in order of start.
    pub fn touching(&self, from: Time, to: Time) -> impl Iterator<Item = T> {
        let upto = self.list.partition_point(|(start, ..)| *start <= to);
        let mut next = 0;
        std::iter::from_fn(move || {
            let at = self.ending_since(next, from).filter(|at| *at < upto)?;
            next = at + 1;
            Some(self.list[at].2)
        })
    }

    /// The first from `at` on that does not end before.
    fn ending_since(&self, at: usize, from: Time) -> Option<usize> {
        if at >= self.list.len() {
            return None;
        }
        let leaves = self.latest.len() / 2;
        let mut node = leaves + at;
        while self.latest[node] < Some(from) {
            // What lies to the right of all below this one.
            node = (node + 1) >> (node + 1).trailing_zeros();
            if node == 1 {
                return None;
            }
        }
        while node < leaves {
            node *= 2;
            node += usize::from(self.latest[node] < Some(from));
        }
        Some(node - leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_touch_are_found_and_no_others() {
        let mut state = 7u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as i64 % below as i64
        };
        let time = |ticks: i64| Time::default().plus(ticks);
        for count in (0..40).chain([300]) {
            let all: Vec<(Time, Time, usize)> = (0..count)
                .map(|n| {
                    let start = random(100);
                    // A few last long.
                    let length = random(5) * if random(8) == 0 { 20 } else { 1 };
                    (time(start), time(start + length), n)
                })
                .collect();
            let intervals: Intervals<usize> = all.iter().copied().collect();
            for _ in 0..50 {
                let from = random(120) - 10;
                let (from, to) = (time(from), time(from + random(10)));
                let mut found: Vec<usize> = intervals.touching(from, to).collect();
                let starts: Vec<Time> = found.iter().map(|n| all[*n].0).collect();
                assert!(starts.is_sorted());
                found.sort_unstable();
                let wanted = all.iter().filter(|(start, end, _)| *start <= to && *end >= from);
                assert_eq!(found, wanted.map(|(.., n)| *n).collect::<Vec<_>>(), "{count}");
            }
        }
    }
}
