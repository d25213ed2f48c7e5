//! What is wrong with signatures although they can be read: rules that never match, match too
//! much, or ask for events and fields that nobody has seen.

use std::collections::{BTreeMap, BTreeSet};

use super::compile::Signatures;
use super::definition::{Condition, Definitions, Pattern, Rule};
use super::pins::{self, Pin};
use super::read::{self, Problem};
use super::sources::Sources;
use super::value::system_field;
use crate::event::positional;

/// Events that are known, with their fields. Another table of this name in a folder adds to it.
const TABLE: &str = include_str!("../../signatures/known_events.tsv");
const TABLE_NAME: &str = "known_events.tsv";

/// Everything that is wrong with these files, laid over `base`, by file and line.
pub fn check(sources: &Sources, base: Definitions) -> Vec<Problem> {
    let (own, mut problems) = read::load_text(&sources.0);
    let mut known = Known::default();
    known.add(TABLE);
    let mut places: BTreeMap<String, &(String, String)> = BTreeMap::new();
    for file in &sources.0 {
        if file.0 == TABLE_NAME {
            known.add(&file.1);
        }
        let (definitions, _) = read::load_text(std::slice::from_ref(file));
        for rule in &definitions.rules {
            places.insert(rule.slug.clone(), file);
        }
        places.extend(definitions.correlations.iter().map(|rule| (rule.slug.clone(), file)));
        places.extend(definitions.filters.iter().map(|filter| (filter.slug.clone(), file)));
        places.extend(definitions.causes.iter().map(|cause| (cause.id.clone(), file)));
    }
    for rule in &own.rules {
        let Some(file) = places.get(&rule.slug) else { continue };
        for (code, message, word) in (Lint { rule, known: &known }).all() {
            problems.push(problem(file, &rule.slug, code, message, &word));
        }
    }
    let ours: BTreeSet<String> = places.keys().cloned().collect();
    let mut all = base;
    all.merge(own);
    for (found, name) in read::check_links(&all) {
        if let Some(slug) = found.rule.as_ref().filter(|slug| ours.contains(*slug))
            && let Some(file) = places.get(slug)
        {
            problems.push(problem(file, slug, found.code, found.message.clone(), &name));
        } else if found.rule.is_none() || found.file.starts_with("events") {
            problems.push(found);
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

/// Says where in the file a word stands.
fn problem(file: &(String, String), rule: &str, code: &'static str, message: String, word: &str) -> Problem {
    let at = (1..).zip(file.1.lines()).find(|(_, line)| line.contains(word)).map_or(1, |(number, _)| number);
    Problem { file: file.0.clone(), line: at, rule: Some(rule.to_owned()), code, message }
}

/// Fields of known events by provider (lower case) and id; none is any.
#[derive(Default)]
struct Known(BTreeMap<String, BTreeMap<u32, Option<BTreeSet<String>>>>);

impl Known {
    fn add(&mut self, table: &str) {
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let (Some(provider), Some(id)) = (cells.next(), cells.next()) else { continue };
            let Ok(id) = id.trim().parse() else { continue };
            let names = cells.next().unwrap_or("*").trim();
            let fields = (names != "*").then(|| names.split('|').map(str::to_owned).collect());
            self.0.entry(provider.to_lowercase()).or_default().insert(id, fields);
        }
    }

    fn knows(&self, provider: &str, id: u32) -> bool {
        self.0.get(provider).is_some_and(|ids| ids.contains_key(&id))
    }

    /// Fields of these events; `None` where any may be there.
    fn fields(&self, pins: &[Pin]) -> Option<BTreeSet<&str>> {
        let mut all = BTreeSet::new();
        for pin in pins {
            for provider in pin.providers.as_ref()? {
                for id in pin.ids.as_ref()? {
                    if let Some(fields) = self.0.get(provider).and_then(|ids| ids.get(id)) {
                        all.extend(fields.as_ref()?.iter().map(String::as_str));
                    }
                }
            }
        }
        (!all.is_empty()).then_some(all)
    }
}

/// Code, message, and the word by which the line is found.
type Found = (&'static str, String, String);

struct Lint<'a> {
    rule: &'a Rule,
    known: &'a Known,
}

impl Lint<'_> {
    fn all(&self) -> Vec<Found> {
        let alone = Definitions { rules: vec![self.rule.clone()], ..Definitions::default() };
        let (_, unusable) = Signatures::compile(alone);
        let mut found: Vec<Found> =
            unusable.into_iter().map(|problem| (problem.code, problem.message, "detection".to_owned())).collect();
        found.extend(self.searches());
        let pins = pins::of(&self.rule.detection);
        found.extend(self.breadth(&pins));
        if let Some(meaning) = &self.rule.meaning {
            for (kind, examples) in [("match", &meaning.tests.hits), ("miss", &meaning.tests.misses)] {
                if examples.is_empty() {
                    let message = format!("the rule has no example under `{kind}`");
                    found.push(("missing-tests", message, "whyrdp:".to_owned()));
                }
            }
            found.extend(self.events(&pins));
            found.extend(self.fields(&pins));
        }
        found
    }

    /// Searches that the condition never asks, and conditions that never or always hold.
    fn searches(&self) -> Vec<Found> {
        let detection = &self.rule.detection;
        let mut used = BTreeSet::new();
        names(&detection.condition, &mut used);
        let mut found = Vec::new();
        for (index, search) in detection.searches.iter().enumerate() {
            if !used.contains(&index) {
                let message = format!("the condition does not use the search `{}`", search.name);
                found.push(("dead-search", message, format!("{}:", search.name)));
            }
        }
        if contradicts(&detection.condition) {
            let message = "a part of the condition asks for a search and for its contrary".to_owned();
            found.push(("dead-condition", message, "condition:".to_owned()));
        }
        for search in &detection.searches {
            for tests in &search.any {
                let literals = |field: &Option<String>| {
                    let mut sets = tests.iter().filter(|test| test.field == *field && !test.all).filter_map(|test| {
                        let lower = |pattern: &Pattern| pattern.literal().map(str::to_lowercase);
                        test.patterns.iter().map(lower).collect::<Option<BTreeSet<String>>>()
                    });
                    let first = sets.next();
                    first.is_some_and(|first| sets.any(|other| first.is_disjoint(&other)))
                };
                // `Data` may hold several values.
                let single = |name: &&str| **name != *crate::event::UNNAMED && **name != *"Provider_Name";
                if let Some(name) = tests
                    .iter()
                    .filter_map(|test| test.field.as_deref())
                    .filter(single)
                    .find(|name| literals(&Some((*name).to_owned())))
                {
                    let message = format!("`{name}` cannot equal both of what `{}` asks", search.name);
                    found.push(("dead-condition", message, format!("{}:", search.name)));
                }
            }
        }
        found
    }

    fn breadth(&self, pins: &[Pin]) -> Option<Found> {
        let open = |pin: &Pin| pin.providers.is_none() && pin.ids.is_none();
        let half = |pin: &Pin| pin.providers.is_none() || pin.ids.is_none();
        let message = if pins.iter().any(open) {
            "too broad: neither provider nor event id is named, so every record must be decoded for it"
        } else if self.rule.meaning.is_some() && pins.iter().any(half) {
            "too broad: name provider and event id"
        } else {
            return None;
        };
        Some(("too-broad", message.to_owned(), "detection:".to_owned()))
    }

    fn events(&self, pins: &[Pin]) -> Vec<Found> {
        let mut found = Vec::new();
        let ids: BTreeSet<u32> = pins.iter().filter_map(|pin| pin.ids.as_ref()).flatten().copied().collect();
        for id in ids {
            let named: Vec<&String> = pins
                .iter()
                .filter(|pin| pin.ids.as_ref().is_some_and(|ids| ids.contains(&id)))
                .filter_map(|pin| pin.providers.as_ref())
                .flatten()
                .collect();
            if !named.is_empty() && !named.iter().any(|provider| self.known.knows(provider, id)) {
                let providers: BTreeSet<&str> = named.into_iter().map(String::as_str).collect();
                let providers: Vec<&str> = providers.into_iter().collect();
                let message = format!("no event {id} of {} is known", providers.join(" or "));
                found.push(("unknown-event", message, id.to_string()));
            }
        }
        found
    }

    fn fields(&self, pins: &[Pin]) -> Vec<Found> {
        let Some(known) = self.known.fields(pins) else { return Vec::new() };
        let detection = &self.rule.detection;
        let tests = detection.searches.iter().flat_map(|search| search.any.iter().flatten());
        let tested = tests.filter_map(|test| test.field.as_deref());
        let captured =
            self.rule.meaning.iter().flat_map(|meaning| meaning.capture.values().flatten()).map(String::as_str);
        let names: BTreeSet<&str> = tested.chain(captured).collect();
        let strange = |name: &&str| {
            let unnamed = positional(name).is_some() || *name == crate::event::UNNAMED;
            let element = name.rsplit_once('_').map_or(*name, |(element, _)| element);
            system_field(name).is_none()
                && *name != "Binary"
                && !known.contains(*name)
                && !known.contains(element)
                && !(unnamed && known.contains(crate::event::UNNAMED))
        };
        names
            .into_iter()
            .filter(strange)
            .map(|name| {
                let known: Vec<&str> = known.iter().copied().collect();
                let message = format!("no field `{name}` is known of these events; known are {}", known.join(", "));
                ("unknown-field", message, name.to_owned())
            })
            .collect()
    }
}

fn names(condition: &Condition, used: &mut BTreeSet<usize>) {
    match condition {
        Condition::Search(index) => {
            used.insert(usize::from(*index));
        }
        Condition::And(list) | Condition::Or(list) => list.iter().for_each(|inner| names(inner, used)),
        Condition::Not(inner) => names(inner, used),
    }
}

/// Some list holds a condition and `not` of the same.
fn contradicts(condition: &Condition) -> bool {
    match condition {
        Condition::Search(_) => false,
        Condition::Not(inner) => contradicts(inner),
        Condition::And(list) | Condition::Or(list) => {
            let contrary = |one: &Condition| matches!(one, Condition::Not(inner) if list.contains(inner));
            list.iter().any(contrary) || list.iter().any(contradicts)
        }
    }
}
