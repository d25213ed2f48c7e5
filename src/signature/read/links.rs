//! Do signatures refer only to signatures that exist? Apart from reading, because a
//! folder of a user may refer to what is built in.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Cause, Definitions, Observation};
use super::problem::Problem;
use super::words;

/// What refers to nothing. Lines are unknown here; each problem comes with the name to look for.
pub fn check_links(all: &Definitions) -> Vec<(Problem, String)> {
    let names = Names::of(all);
    let mut links = Links { found: Vec::new() };
    all.causes.iter().for_each(|cause| links.of_cause(cause, &names));
    links.of_dialogs(all, &names);
    links.of_counts(all, &names);
    links.twice(all);
    links.of_spaces(all);
    links.found
}

/// What may be referred to.
struct Names<'a> {
    rules: BTreeSet<&'a str>,
    correlations: BTreeSet<&'a str>,
    causes: BTreeSet<&'a str>,
    families: BTreeSet<&'a str>,
    /// States with a value that some rule sets.
    states: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Names<'a> {
    fn of(all: &'a Definitions) -> Self {
        let sets = all.rules.iter().filter_map(|rule| rule.meaning.as_ref()?.sets.as_ref());
        Names {
            rules: all.rules.iter().map(|rule| rule.slug.as_str()).collect(),
            correlations: all.correlations.iter().map(|rule| rule.slug.as_str()).collect(),
            causes: all.causes.iter().map(|cause| cause.id.as_str()).collect(),
            families: all.causes.iter().map(|cause| cause.family.as_str()).collect(),
            states: sets.map(|set| (set.state.as_str(), set.value.as_str())).collect(),
        }
    }
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

    /// Rules, states and causes on which a cause rests.
    fn of_cause(&mut self, cause: &Cause, names: &Names<'_>) {
        let place = Place { file: format!("causes/{}/{}.yml", cause.family, cause.id), of: &cause.id };
        let mut need_rule = |rule: &str| {
            if !names.rules.contains(rule) && !names.correlations.contains(rule) {
                self.miss(&place, "no-such-rule", "no rule is called", rule);
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
                && !names.states.contains(&(state, value))
            {
                self.miss(&place, "no-such-state", "no rule sets the state", &format!("{state}={value}"));
            }
        }
        let before = cause.evidence.iter().filter_map(|clue| match &clue.what {
            Observation::SessionAfter { cause, .. } => Some(cause),
            _ => None,
        });
        self.causes(&place, cause.caused_by.iter().chain(before), names);
    }

    /// Causes that something else names.
    fn causes<'n>(&mut self, place: &Place<'_>, named: impl Iterator<Item = &'n String>, names: &Names<'_>) {
        for cause in named.filter(|cause| !names.causes.contains(cause.as_str())) {
            self.miss(place, "no-such-cause", "no cause is called", cause);
        }
    }

    /// Causes and families of which dialogs and claims speak.
    fn of_dialogs(&mut self, all: &Definitions, names: &Names<'_>) {
        for dialog in &all.dialogs {
            let place = Place { file: format!("dialogs/{}.yml", dialog.id), of: &dialog.id };
            self.causes(&place, dialog.causes.iter().chain(&dialog.possible), names);
        }
        for claim in &all.claims {
            let place = Place { file: format!("claims/{}.yml", claim.id), of: &claim.id };
            self.causes(&place, claim.causes.iter(), names);
            for family in claim.families.iter().filter(|family| !names.families.contains(family.as_str())) {
                self.miss(&place, "no-such-family", "no family of causes is called", family);
            }
        }
    }

    /// Rules that correlations count and filters narrow.
    fn of_counts(&mut self, all: &Definitions, names: &Names<'_>) {
        for rule in &all.correlations {
            let place = Place { file: rule_file(&rule.family, &rule.slug), of: &rule.slug };
            for counted in rule.rules.iter().filter(|counted| !names.rules.contains(counted.as_str())) {
                if names.correlations.contains(counted.as_str()) {
                    self.miss(&place, "unsupported", "a correlation over a correlation is not supported:", counted);
                } else {
                    self.miss(&place, "no-such-rule", "no rule is called", counted);
                }
            }
        }
        for filter in &all.filters {
            let place = Place { file: rule_file(&filter.family, &filter.slug), of: &filter.slug };
            for rule in filter.rules.iter().flatten().filter(|rule| !names.rules.contains(rule.as_str())) {
                self.miss(&place, "no-such-rule", "the filter names a rule that is not there:", rule);
            }
        }
    }

    /// Tables that have a title, and those that the words of events decode with.
    fn of_spaces(&mut self, all: &Definitions) {
        for space in all.spaces.iter().filter(|space| !all.codes.contains_key(&space.name)) {
            let place = Place { file: "codes/spaces.tsv".to_owned(), of: &space.name };
            self.miss(&place, "no-such-space", "no table of codes is called", &space.name);
        }
        for words in &all.words {
            let place = Place { file: format!("events ({})", words.provider), of: &words.provider };
            for (id, text) in &words.events {
                for space in words::spaces(text).filter(|space| !all.codes.contains_key(*space)) {
                    self.miss(&place, "no-such-space", &format!("event {id}: no table of codes is called"), space);
                }
            }
        }
    }

    /// Slugs and ids that two signatures share; reading finds them within a folder, merging may not.
    fn twice(&mut self, all: &Definitions) {
        let rules = all.rules.iter().map(|rule| (&rule.slug, &rule.about.id, &rule.family));
        let every = rules.chain(all.correlations.iter().map(|rule| (&rule.slug, &rule.id, &rule.family)));
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (slug, id, family) in every {
            let place = Place { file: rule_file(family, slug), of: slug };
            for key in [slug, id].into_iter().filter(|key| !key.is_empty()) {
                if let Some(other) = seen.insert(key, slug) {
                    self.miss(&place, "duplicate", &format!("`{other}` has the same name or id"), key);
                }
            }
        }
    }
}
