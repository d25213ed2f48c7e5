//! What has to be reached.

use std::error::Error;
use std::path::Path;

use serde::Deserialize;

use crate::score::{Part, Score};

/// `corpus/accuracy.yml`: figures over all cases, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// At least so many cases with the cause on top.
    top_1: f64,
    /// At least so many with the cause among the first three.
    top_3: f64,
    /// At most so many of the probable causes wrong.
    wrong_probable: f64,
    /// At most so many of the confirmed causes wrong.
    wrong_confirmed: f64,
    /// At most so many of the unprovable cases with a confirmed cause.
    unprovable_confirmed: f64,
}

impl Level {
    /// From its file.
    pub fn read(path: &Path) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// What falls short, in words.
    pub fn not_reached(&self, score: &Score) -> Vec<String> {
        let least = |name, part: Part, wanted| short(name, part, wanted, |percent| percent < wanted, "at least");
        let most = |name, part: Part, wanted| short(name, part, wanted, |percent| percent > wanted, "at most");
        let found = [
            least("top-1", score.top_1, self.top_1),
            least("top-3", score.top_3, self.top_3),
            most("wrong probable", score.wrong_probable, self.wrong_probable),
            most("wrong confirmed", score.wrong_confirmed, self.wrong_confirmed),
            most("unprovable yet confirmed", score.unprovable_confirmed, self.unprovable_confirmed),
        ];
        found.into_iter().flatten().collect()
    }
}

fn short(name: &str, part: Part, wanted: f64, is_short: impl Fn(f64) -> bool, bound: &str) -> Option<String> {
    let percent = part.percent().filter(|percent| is_short(*percent))?;
    Some(format!("{name} is {percent:.2} % ({} of {}), {bound} {wanted} % are wanted", part.of, part.all))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL: Level =
        Level { top_1: 97.0, top_3: 98.0, wrong_probable: 2.0, wrong_confirmed: 0.0, unprovable_confirmed: 0.0 };

    #[test]
    fn every_figure_is_held_against_its_bound() {
        let good = Part { of: 100, all: 100 };
        let bad = Part { of: 3, all: 100 };
        let none = Part { of: 0, all: 100 };
        let reached = Score { top_1: good, top_3: good, wrong_probable: none, ..Score::default() };
        assert_eq!(LEVEL.not_reached(&reached), Vec::<String>::new());
        for spoil in [
            |score: &mut Score, part| score.top_1 = part,
            |score: &mut Score, part| score.top_3 = part,
            |score: &mut Score, part| score.wrong_probable = part,
            |score: &mut Score, part| score.wrong_confirmed = part,
            |score: &mut Score, part| score.unprovable_confirmed = part,
        ] {
            let mut score = reached.clone();
            spoil(&mut score, bad);
            assert_eq!(LEVEL.not_reached(&score).len(), 1, "{score:?}");
        }
    }
}
