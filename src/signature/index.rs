//! Which rules an event can match, by provider and event id, and what is wanted of
//! records for their sake. Both come from the same pins, so that what an index
//! would meet is never left unread.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::definition::{Definitions, FieldTest, Pattern, Rule, Words};
use super::gates::Paths;
use super::pins::Pin;
use super::value::{is_common, system_field};
use super::wording;
use crate::event::{Event, Fields, Interest, Names, UNNAMED, Wanted, positional};

/// Longest provider name that is looked up without an allocation.
const NAME_BYTES: usize = 128;

/// Which list of rules.
pub(super) type ListId = u32;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    /// By name in lower case.
    providers: FxHashMap<Vec<u8>, Slots>,
    any: Slots,
    /// Rules by number, in order.
    lists: Vec<Vec<u32>>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Slots {
    ids: FxHashMap<u32, ListId>,
    others: Option<ListId>,
}

impl Index {
    /// Adds the rule of this number; numbers grow.
    pub(super) fn add(&mut self, rule: u32, pins: &[Pin]) {
        for pin in pins {
            match &pin.providers {
                None => self.any.add(pin.ids.as_ref(), rule, &mut self.lists),
                Some(names) => names.iter().for_each(|name| {
                    let slots = self.providers.entry(name.clone().into_bytes()).or_default();
                    slots.add(pin.ids.as_ref(), rule, &mut self.lists);
                }),
            }
        }
    }

    /// Calls `meet` with the lists of the rules that the event may match; some rules stand in two.
    pub(super) fn candidates(&self, event: &Event, meet: &mut dyn FnMut(ListId)) {
        let system = &event.system;
        let (name, source) = (system.provider.as_str(), system.source_name.as_str());
        let second = Some(source).filter(|source| !source.is_empty() && *source != name);
        for name in [Some(name), second].into_iter().flatten() {
            if let Some(slots) = self.slots(name) {
                slots.lists(system.event_id).for_each(&mut *meet);
            }
        }
        self.any.lists(system.event_id).for_each(meet);
    }

    /// Numbers of the rules of a list.
    pub(super) fn rules(&self, list: ListId) -> &[u32] {
        self.lists.get(list as usize).map_or(&[], Vec::as_slice)
    }

    /// How many lists there are.
    pub(super) fn list_count(&self) -> usize {
        self.lists.len()
    }

    fn slots(&self, name: &str) -> Option<&Slots> {
        let mut buffer = [0; NAME_BYTES];
        let lower = match buffer.get_mut(..name.len()) {
            Some(lower) if name.is_ascii() => {
                lower.copy_from_slice(name.as_bytes());
                lower.make_ascii_lowercase();
                lower
            }
            _ => return self.providers.get(name.to_lowercase().as_bytes()),
        };
        self.providers.get(&*lower)
    }
}

impl Slots {
    fn add(&mut self, ids: Option<&BTreeSet<u32>>, rule: u32, lists: &mut Vec<Vec<u32>>) {
        let mut new = || {
            lists.push(Vec::new());
            ListId::try_from(lists.len() - 1).unwrap_or(ListId::MAX)
        };
        let own: Vec<ListId> = match ids {
            None => vec![*self.others.get_or_insert_with(new)],
            Some(ids) => ids.iter().map(|id| *self.ids.entry(*id).or_insert_with(&mut new)).collect(),
        };
        for list in own {
            if let Some(list) = lists.get_mut(list as usize).filter(|list| list.last() != Some(&rule)) {
                list.push(rule);
            }
        }
    }

    fn lists(&self, id: u32) -> impl Iterator<Item = ListId> {
        self.ids.get(&id).copied().into_iter().chain(self.others)
    }
}

/// What the rules want of records, each with its pins. Each provider's part holds what is wanted of any
/// provider too, and each listed id what is wanted of ids not listed, so that one
/// look-up tells everything.
pub(super) fn interest(all: &Definitions, pins: &[Vec<Pin>], index: &Index) -> Interest {
    let (mut providers, mut any_provider) = (BTreeMap::<String, Wanted>::new(), Wanted::default());
    let shown = Shown::new(all);
    for (rule, pins) in all.rules.iter().zip(pins) {
        let own = fields(rule, all);
        for pin in pins {
            match &pin.providers {
                None => want(&mut any_provider, pin, &own, &shown, None),
                Some(names) => names.iter().for_each(|name| {
                    want(providers.entry(name.clone()).or_default(), pin, &own, &shown, Some(name));
                }),
            }
        }
    }
    spread(&mut any_provider);
    for wanted in providers.values_mut() {
        for (id, fields) in &any_provider.ids {
            join(&mut wanted.ids, *id, fields);
        }
        if let Some(fields) = &any_provider.others {
            wanted.others.get_or_insert_with(none).join(fields);
        }
        spread(wanted);
    }
    let paths = Paths::of(all.rules.iter().map(|rule| &*rule.detection));
    shut(&mut any_provider, index, &[&index.any], &paths);
    for (name, wanted) in &mut providers {
        let own = index.providers.get(name.as_bytes()).into_iter().chain([&index.any]);
        shut(wanted, index, &own.collect::<Vec<_>>(), &paths);
    }
    Interest::new(providers, any_provider)
}

/// Puts a gate before the records of each id, by the rules that may meet them.
fn shut(wanted: &mut Wanted, index: &Index, slots: &[&Slots], paths: &Paths) {
    for (id, fields) in &mut wanted.ids {
        let Fields::Named(names) = fields else { continue };
        let lists = slots.iter().flat_map(|slots| slots.lists(*id));
        let rules: Vec<u32> = lists.flat_map(|list| index.rules(list)).copied().collect();
        names.gate = paths.gate(&rules);
    }
}

fn none() -> Fields {
    Fields::Named(Names::default())
}

fn join(ids: &mut BTreeMap<u32, Fields>, id: u32, fields: &Fields) {
    ids.entry(id).or_insert_with(none).join(fields);
}

/// What is wanted of other ids is wanted of the listed ones too.
fn spread(wanted: &mut Wanted) {
    if let Some(others) = &wanted.others {
        wanted.ids.values_mut().for_each(|fields| fields.join(others));
    }
}

fn want(wanted: &mut Wanted, pin: &Pin, own: &Fields, shown: &Shown<'_>, provider: Option<&str>) {
    match &pin.ids {
        None => {
            let others = wanted.others.get_or_insert_with(none);
            others.join(own);
            others.join(&shown.of(provider, None));
        }
        Some(ids) => ids.iter().for_each(|id| {
            join(&mut wanted.ids, *id, own);
            join(&mut wanted.ids, *id, &shown.of(provider, Some(*id)));
        }),
    }
}

/// Words for events, by provider in lower case.
struct Shown<'a>(FxHashMap<String, &'a Words>);

impl<'a> Shown<'a> {
    fn new(all: &'a Definitions) -> Self {
        Shown(all.words.iter().map(|words| (words.provider.to_lowercase(), words)).collect())
    }

    /// Fields that the words for these events show.
    fn of(&self, provider: Option<&str>, id: Option<u32>) -> Fields {
        let mut names = Names::default();
        let mut add_all = |text: &str| {
            for name in wording::fields(text) {
                add(&mut names, name, false);
                if is_common(name) {
                    names.add(name, false);
                }
            }
        };
        let mut of = |words: &Words| match id {
            Some(id) => words.events.get(&id).into_iter().for_each(|text| add_all(text)),
            None => words.events.values().for_each(|text| add_all(text)),
        };
        match provider {
            Some(provider) => self.0.get(provider).into_iter().for_each(|words| of(words)),
            None => self.0.values().for_each(|words| of(words)),
        }
        Fields::Named(names)
    }
}

/// Fields that a rule tests or captures, and those by which correlations group its matches.
fn fields(rule: &Rule, all: &Definitions) -> Fields {
    let mut names = Names::default();
    let tests = rule.detection.searches.iter().flat_map(|search| search.any.iter().flatten());
    for FieldTest { field, patterns, .. } in tests {
        match field {
            None => return Fields::All,
            Some(name) => add(&mut names, name, true),
        }
        for pattern in patterns {
            if let Pattern::Field(name) = pattern {
                add(&mut names, name, true);
            }
        }
    }
    let captured = rule.meaning.iter().flat_map(|meaning| meaning.capture.values().flatten());
    let counting = all.correlations.iter().filter(|correlation| correlation.rules.contains(&rule.slug));
    let grouped = counting.flat_map(|correlation| correlation.fields(&rule.slug));
    captured.map(String::as_str).chain(grouped).for_each(|name| add(&mut names, name, false));
    Fields::Named(names)
}

/// `System` fields are always there in the end; `param2` may stand for the second unnamed value.
fn add(names: &mut Names, name: &str, decides: bool) {
    if let Some(field) = system_field(name) {
        names.system |= decides && !field.is_told_of_every_record();
        return;
    }
    if positional(name).is_some() {
        names.add(UNNAMED, decides);
    }
    names.add(name, decides);
}
