//! Judged cases become figures.

use std::collections::BTreeMap;

use serde::Serialize;
use whyrdp::report::model::Level;

use crate::judge::{Judged, Said};

/// How many, and how many of them are so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Those that are so.
    pub of: u64,
    /// All of them.
    pub all: u64,
}

impl Part {
    fn count(&mut self, is: bool) {
        self.all += 1;
        self.of += u64::from(is);
    }

    /// 0 to 100; `None` of nothing.
    pub fn percent(self) -> Option<f64> {
        // Far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        (self.all > 0).then(|| 100.0 * self.of as f64 / self.all as f64)
    }
}

/// The figures of some cases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// How many cases.
    pub cases: u64,
    /// Cases with a cause: it is on top.
    pub top_1: Part,
    /// Cases with a cause: it is among the first three, whatever its level.
    pub top_3: Part,
    /// Causes said to be probable that the case does not have.
    pub wrong_probable: Part,
    /// Causes said to be confirmed that the case does not have.
    pub wrong_confirmed: Part,
    /// Cases that the logs do not tell, and that have a confirmed cause nonetheless.
    pub unprovable_confirmed: Part,
    /// Verdicts of single attempts by level: those that are right.
    pub right: BTreeMap<&'static str, Part>,
}

/// A case that the report gets wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// Name of the case.
    pub case: String,
    /// What should be on top; `None`: nothing.
    pub truth: Option<Vec<String>>,
    /// What is.
    pub top: Option<String>,
    /// What the case does not have and is blamed for: level and cause.
    pub wrong: Vec<String>,
    /// Why it is known.
    pub known: Option<String>,
}

/// All figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Scores {
    /// By family of the root cause.
    pub families: BTreeMap<String, Score>,
    /// Over all cases.
    pub total: Score,
    /// What went wrong, by name of the case.
    pub misses: Vec<Miss>,
}

impl Scores {
    /// Of all these.
    pub fn of(judged: &[Judged]) -> Self {
        let mut scores = Scores::default();
        for case in judged {
            scores.families.entry(case.family.clone()).or_default().count(case);
            scores.total.count(case);
            scores.misses.extend(miss(case));
        }
        scores
    }
}

impl Score {
    fn count(&mut self, case: &Judged) {
        self.cases += 1;
        if let Some(truth) = &case.truth {
            self.top_1.count(on_top(case, truth));
            self.top_3.count(case.causes.iter().take(3).any(|said| truth.contains(&said.cause)));
        }
        for said in &case.causes {
            match said.level {
                Level::Confirmed => self.wrong_confirmed.count(!said.right),
                Level::Probable => self.wrong_probable.count(!said.right),
                Level::Possible => {}
            }
        }
        if case.unprovable {
            self.unprovable_confirmed.count(case.causes.iter().any(|said| said.level == Level::Confirmed));
        }
        for said in &case.verdicts {
            self.right.entry(said.level.word()).or_default().count(said.right);
        }
    }
}

fn on_top(case: &Judged, truth: &[String]) -> bool {
    case.top.as_ref().is_some_and(|top| truth.contains(top))
}

fn miss(case: &Judged) -> Option<Miss> {
    let blamed = |said: &&Said| said.level >= Level::Probable && !said.right;
    let wrong = case.causes.iter().filter(blamed).map(|said| format!("{} {}", said.level.word(), said.cause));
    let wrong: Vec<String> = wrong.collect();
    let right = match &case.truth {
        Some(truth) => on_top(case, truth),
        None => case.top.is_none(),
    };
    (!right || !wrong.is_empty()).then(|| Miss {
        case: case.slug.clone(),
        truth: case.truth.clone(),
        top: case.top.clone(),
        wrong,
        known: case.known_miss.clone(),
    })
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
