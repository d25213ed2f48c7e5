//! Do signatures refer only to signatures that exist? Apart from reading, because a
//! folder of a user may refer to what is built in.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Definitions, Observation};
use super::problem::Problem;
use super::words;

/// What refers to nothing. Lines are unknown here; each problem comes with the name to look for.
pub fn check_links(all: &Definitions) -> Vec<(Problem, String)> {
    let mut links = Links { found: Vec::new() };
    let rules: BTreeSet<&str> = all.rules.iter().map(|rule| rule.slug.as_str()).collect();
    let correlations: BTreeSet<&str> = all.correlations.iter().map(|rule| rule.slug.as_str()).collect();
    let causes: BTreeSet<&str> = all.causes.iter().map(|cause| cause.id.as_str()).collect();
    let states: BTreeSet<(&str, &str)> = all
        .rules
        .iter()
        .filter_map(|rule| rule.meaning.as_ref()?.sets.as_ref())
        .map(|set| (set.state.as_str(), set.value.as_str()))
        .collect();
    for cause in &all.causes {
        let place = Place { file: format!("causes/{}/{}.yml", cause.family, cause.id), of: &cause.id };
        let mut need_rule = |rule: &str| {
            if !rules.contains(rule) && !correlations.contains(rule) {
                links.miss(&place, "no-such-rule", "no rule is called", rule);
            }
        };
        for clue in &cause.evidence {
            clue.after.iter().for_each(|rule| need_rule(rule));
            match &clue.what {
                Observation::Rule(rule) | Observation::Absent { rule, .. } => need_rule(rule),
                Observation::Sequence { rules, .. } => rules.iter().for_each(|rule| need_rule(rule)),
                Observation::State { .. } | Observation::SessionAfter { .. } => {}
            }
        }
        for clue in &cause.evidence {
            if let Observation::State { state, value, .. } = &clue.what
                && !states.contains(&(state, value))
            {
                links.miss(&place, "no-such-state", "no rule sets the state", &format!("{state}={value}"));
            }
        }
        let before = cause.evidence.iter().filter_map(|clue| match &clue.what {
            Observation::SessionAfter { cause, .. } => Some(cause),
            _ => None,
        });
        for other in cause.caused_by.iter().chain(before).filter(|other| !causes.contains(other.as_str())) {
            links.miss(&place, "no-such-cause", "no cause is called", other);
        }
    }
    for dialog in &all.dialogs {
        let place = Place { file: format!("dialogs/{}.yml", dialog.id), of: &dialog.id };
        for cause in dialog.causes.iter().chain(&dialog.possible).filter(|cause| !causes.contains(cause.as_str())) {
            links.miss(&place, "no-such-cause", "no cause is called", cause);
        }
    }
    for claim in &all.claims {
        let place = Place { file: format!("claims/{}.yml", claim.id), of: &claim.id };
        for cause in claim.causes.iter().filter(|cause| !causes.contains(cause.as_str())) {
            links.miss(&place, "no-such-cause", "no cause is called", cause);
        }
        let families = |family: &&String| all.causes.iter().any(|cause| cause.family == **family);
        for family in claim.families.iter().filter(|family| !families(family)) {
            links.miss(&place, "no-such-family", "no family of causes is called", family);
        }
    }
    for rule in &all.correlations {
        let place = Place { file: rule_file(&rule.family, &rule.slug), of: &rule.slug };
        for counted in rule.rules.iter().filter(|counted| !rules.contains(counted.as_str())) {
            if correlations.contains(counted.as_str()) {
                links.miss(&place, "unsupported", "a correlation over a correlation is not supported:", counted);
            } else {
                links.miss(&place, "no-such-rule", "no rule is called", counted);
            }
        }
    }
    for filter in &all.filters {
        let place = Place { file: rule_file(&filter.family, &filter.slug), of: &filter.slug };
        for rule in filter.rules.iter().flatten().filter(|rule| !rules.contains(rule.as_str())) {
            links.miss(&place, "no-such-rule", "the filter names a rule that is not there:", rule);
        }
    }
    links.twice(all);
    for space in all.spaces.iter().filter(|space| !all.codes.contains_key(&space.name)) {
        let place = Place { file: "codes/spaces.tsv".to_owned(), of: &space.name };
        links.miss(&place, "no-such-space", "no table of codes is called", &space.name);
    }
    for words in &all.words {
        let place = Place { file: format!("events ({})", words.provider), of: &words.provider };
        for (id, text) in &words.events {
            for space in words::spaces(text).filter(|space| !all.codes.contains_key(*space)) {
                links.miss(&place, "no-such-space", &format!("event {id}: no table of codes is called"), space);
            }
        }
    }
    links.found
}

fn rule_file(family: &str, slug: &str) -> String {
    format!("rules/{family}/{slug}.yml")
}

struct Place<'a> {
    file: String,
    of: &'a str,
}

struct Links {
    found: Vec<(Problem, String)>,
}

impl Links {
    fn miss(&mut self, place: &Place<'_>, code: &'static str, what: &str, name: &str) {
        let (file, rule) = (place.file.clone(), Some(place.of.to_owned()));
        self.found.push((Problem { file, line: 0, rule, code, message: format!("{what} `{name}`") }, name.to_owned()));
    }

    /// Slugs and ids that two signatures share; reading finds them within a folder, merging may not.
    fn twice(&mut self, all: &Definitions) {
        let rules = all.rules.iter().map(|rule| (&rule.slug, &rule.about.id, &rule.family));
        let every = rules.chain(all.correlations.iter().map(|rule| (&rule.slug, &rule.id, &rule.family)));
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (slug, id, family) in every {
            let place = Place { file: format!("rules/{family}/{slug}.yml"), of: slug };
            for key in [slug, id].into_iter().filter(|key| !key.is_empty()) {
                if let Some(other) = seen.insert(key, slug) {
                    self.miss(&place, "duplicate", &format!("`{other}` has the same name or id"), key);
                }
            }
        }
    }
}
