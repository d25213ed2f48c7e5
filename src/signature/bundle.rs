//! The rules that records of one provider and event id may match, asked together. Most of their tests ask a field for one
//! of a few values, and many ask the same: so each value of a record is looked up once, for all tests of all rules, and a
//! rule is asked by itself only where that does not tell.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::compile::RuleId;
use super::definition::Condition;
use super::matcher::{Matcher, Test};
use crate::event::Event;

/// Tests that are told by looking values up; of more it is not.
const TESTS: usize = 256;
/// Longest value that is looked up, in bytes.
const VALUE: usize = 64;
/// Fewer tests are sooner asked than looked up.
const FEW: usize = 4;
/// Ways in which a rule can match, beyond which fewer tests are asked for.
const WAYS: usize = 32;

/// Rules, and what is told of their tests by looking values up.
#[derive(Debug)]
pub(super) struct Bundle {
    rules: Vec<Asked>,
    fields: Fields,
}

/// What a rule asks for of what is told.
#[derive(Debug)]
struct Asked {
    rule: RuleId,
    /// Tests that must be passed, all of one of these.
    ways: Vec<Tests>,
    /// That is all that it asks for.
    exactly: bool,
}

/// By field: numbers of the tests that a value passes, by the value in lower case.
type Fields = FxHashMap<Box<str>, FxHashMap<Box<[u8]>, Vec<u16>>>;

/// Tests as bits by their numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Tests([u64; TESTS / u64::BITS as usize]);

impl Tests {
    fn add(&mut self, number: u16) {
        if let Some(word) = self.0.get_mut(usize::from(number) / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }

    fn are_among(&self, passed: &Self) -> bool {
        self.0.iter().zip(&passed.0).all(|(word, passed)| word & !passed == 0)
    }
}

/// Tests by what they ask for: the field, and one of these values.
#[derive(Default)]
struct Lookup<'a>(FxHashMap<(&'a str, Vec<String>), u16>);

impl<'a> Lookup<'a> {
    /// The number of such tests. `None`: it is not told.
    fn number(&mut self, test: &'a Test) -> Option<u16> {
        let (field, mut values) = test.values()?;
        values.sort_unstable();
        let next = self.0.len();
        match self.0.entry((field, values)) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(new) if next < TESTS && new.key().1.iter().all(|value| value.len() <= VALUE) => {
                Some(*new.insert(u16::try_from(next).ok()?))
            }
            Entry::Vacant(_) => None,
        }
    }

    /// The ways in which it can hold, and whether they are all that it asks for.
    fn ways(&mut self, matcher: &'a Matcher, condition: &Condition) -> (Vec<Tests>, bool) {
        let mut exactly = true;
        let ways = match condition {
            Condition::Search(index) => {
                let groups = matcher.search(*index).iter().map(|tests| {
                    let mut way = Tests::default();
                    for test in tests {
                        match self.number(test) {
                            Some(number) => way.add(number),
                            None => exactly = false,
                        }
                    }
                    way
                });
                groups.collect()
            }
            Condition::Or(any) => {
                let mut ways = Vec::new();
                for (own, all) in any.iter().map(|inner| self.ways(matcher, inner)) {
                    ways.extend(own);
                    exactly &= all;
                }
                ways
            }
            Condition::And(all) => {
                let mut ways = vec![Tests::default()];
                for (own, all) in all.iter().map(|inner| self.ways(matcher, inner)) {
                    // Either alone asks for less.
                    let few = ways.len() * own.len() <= WAYS;
                    if few {
                        ways = ways.iter().flat_map(|way| own.iter().map(|own| way.and(*own))).collect();
                    }
                    exactly &= all && few;
                }
                ways
            }
            Condition::Not(_) => {
                exactly = false;
                vec![Tests::default()]
            }
        };
        (ways, exactly)
    }

    fn fields(self) -> Fields {
        let mut fields = Fields::default();
        let known = if self.0.len() < FEW { FxHashMap::default() } else { self.0 };
        for ((field, values), number) in known {
            let field = fields.entry(field.into()).or_default();
            for value in values {
                field.entry(value.into_bytes().into()).or_default().push(number);
            }
        }
        fields
    }
}

impl Bundle {
    pub(super) fn of<'a>(rules: impl Iterator<Item = (RuleId, &'a Matcher)>) -> Self {
        let mut lookup = Lookup::default();
        let rules = rules.map(|(rule, matcher)| {
            let (ways, exactly) = lookup.ways(matcher, matcher.condition());
            Asked { rule, ways, exactly }
        });
        let rules = rules.collect();
        Bundle { rules, fields: lookup.fields() }
    }

    /// Adds the rules that match.
    pub(super) fn matches<'a>(
        &self,
        event: &Event,
        matcher: impl Fn(RuleId) -> Option<&'a Matcher>,
        out: &mut Vec<RuleId>,
    ) {
        let passed = self.passed(event);
        for Asked { rule, ways, exactly } in &self.rules {
            let may = passed.is_none_or(|passed| ways.iter().any(|way| way.are_among(&passed)));
            let told = *exactly && passed.is_some();
            let matches = may && !out.contains(rule) && (told || matcher(*rule).is_some_and(|rule| rule.fits(event)));
            if matches {
                out.push(*rule);
            }
        }
    }

    /// `None`: a value is not in ASCII, and may be another in lower case.
    fn passed(&self, event: &Event) -> Option<Tests> {
        let mut passed = Tests::default();
        if self.fields.is_empty() {
            return None;
        }
        for (name, value) in event.fields() {
            let Some(values) = self.fields.get(name) else { continue };
            let mut lower = [0; VALUE];
            let value = value.as_bytes();
            if !value.is_ascii() {
                return None;
            }
            let Some(lower) = lower.get_mut(..value.len()) else { continue };
            lower.copy_from_slice(value);
            lower.make_ascii_lowercase();
            for number in values.get(&*lower).into_iter().flatten() {
                passed.add(*number);
            }
        }
        Some(passed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signature::definition::{Condition, Detection, FieldTest, Glob, Pattern, Search};

    const FIELDS: [&str; 4] = ["Status", "SubStatus", "param1", "Data"];
    const VALUES: [&str; 7] = ["", "0x0", "0XC000006D", "0xc000006d", "k", "\u{212a}", "Größe"];

    fn detection() -> impl Strategy<Value = Detection> {
        let pattern = (0..VALUES.len(), any::<bool>(), any::<bool>()).prop_map(|(value, starts, cased)| {
            let mut glob = vec![Glob::Literal(VALUES[value].to_owned())];
            glob.extend(starts.then_some(Glob::Any));
            Pattern::Text { glob, cased: cased && starts }
        });
        let test = (0..FIELDS.len(), proptest::collection::vec(pattern, 1..4), any::<bool>()).prop_map(
            |(field, patterns, all)| FieldTest {
                field: Some(FIELDS[field].to_owned()),
                all: all && field == 0,
                patterns,
            },
        );
        let search = proptest::collection::vec(proptest::collection::vec(test, 0..3), 1..3);
        let search = search.prop_map(|any| Search { name: String::new(), any });
        (search.clone(), search).prop_map(|(one, other)| Detection {
            searches: vec![one, other],
            condition: Condition::And(vec![Condition::Search(0), Condition::Not(Box::new(Condition::Search(1)))]),
        })
    }

    proptest! {
        #[test]
        fn rules_asked_together_match_as_each_alone(
            rules in proptest::collection::vec(detection(), 1..8),
            values in proptest::collection::vec((0..FIELDS.len(), 0..VALUES.len()), 0..6),
        ) {
            let rules: Vec<Matcher> = rules.iter().filter_map(|rule| Matcher::new(rule, &[]).ok()).collect();
            let mut event = Event::default();
            values.iter().for_each(|(field, value)| event.push(FIELDS[*field], VALUES[*value]));
            let bundle = Bundle::of((0..).map(RuleId).zip(&rules));
            let mut together = Vec::new();
            bundle.matches(&event, |id| rules.get(id.0 as usize), &mut together);
            let alone = (0..).zip(&rules).filter(|(_, rule)| rule.fits(&event));
            prop_assert_eq!(together, alone.map(|(number, _)| RuleId(number)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_too_much_to_be_looked_up_is_asked() {
        let long = "x".repeat(VALUE + 1);
        let rule = |value: String| {
            let patterns = vec![Pattern::Text { glob: vec![Glob::Literal(value)], cased: false }];
            let test = FieldTest { field: Some("Status".to_owned()), all: false, patterns };
            let search = Search { name: String::new(), any: vec![vec![test]] };
            let detection = Detection { searches: vec![search], condition: Condition::Search(0) };
            Matcher::new(&detection, &[]).unwrap_or_else(|what| unreachable!("{what}"))
        };
        let mut rules: Vec<Matcher> = (0..2 * TESTS).map(|n| rule(n.to_string())).collect();
        rules.push(rule(long.clone()));
        let bundle = Bundle::of((0..).map(RuleId).zip(&rules));
        for (value, number) in [("0", 0), ("511", 511), (&*long, 512)] {
            let mut event = Event::default();
            event.push("Status", value);
            let mut found = Vec::new();
            bundle.matches(&event, |id| rules.get(id.0 as usize), &mut found);
            assert_eq!(found, [RuleId(number)], "{value}");
        }
    }
}
