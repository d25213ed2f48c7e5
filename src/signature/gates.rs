//! What rules cannot match without: of all rules that may meet a record, each has some field that must hold one of a
//! few values. Never too narrow: where one rule has none, there is no gate.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Condition, Detection, FieldTest, Pattern};
use super::value::system_field;
use crate::event::{Gate, Sign, UNNAMED, positional};

/// Fields of which one must hold one of its values.
type Need = BTreeMap<String, BTreeSet<String>>;

/// Values beyond these are no short way.
const MOST: usize = 32;

/// What each rule needs, by its number.
pub(super) struct Needs(Vec<Vec<Need>>);

impl Needs {
    /// Of all rules.
    pub(super) fn of<'a>(rules: impl Iterator<Item = &'a Detection>) -> Self {
        Needs(rules.map(|rule| needs(rule, &rule.condition)).collect())
    }

    /// The gate before the rules of these numbers.
    pub(super) fn gate(&self, rules: &[u32]) -> Option<Gate> {
        let needs: Option<Vec<&Vec<Need>>> = rules.iter().map(|rule| self.0.get(*rule as usize)).collect();
        let needs = needs?;
        if needs.iter().any(|alternatives| alternatives.is_empty()) {
            return None;
        }
        let mut popular: BTreeMap<&String, usize> = BTreeMap::new();
        for need in needs.iter().copied().flatten().filter(|need| need.len() == 1) {
            need.keys().for_each(|field| *popular.entry(field).or_default() += 1);
        }
        // The field that most rules need is looked at for all of them.
        let worth = |need: &&Need| need.keys().filter_map(|field| popular.get(field)).min().copied().unwrap_or(0);
        let mut all = Need::new();
        for alternatives in &needs {
            let best = alternatives.iter().min_by_key(|need| (need.len(), usize::MAX - worth(need)))?;
            for (field, values) in best {
                all.entry(field.clone()).or_default().extend(values.iter().cloned());
            }
        }
        let few = all.values().map(BTreeSet::len).sum::<usize>() <= MOST;
        let signs = all.into_iter().map(|(field, values)| Sign { field, values: values.into_iter().collect() });
        few.then(|| Gate { signs: signs.collect() })
    }
}

/// Each of these alone is something that the condition cannot hold without.
fn needs(detection: &Detection, condition: &Condition) -> Vec<Need> {
    match condition {
        Condition::Search(index) => match detection.searches.get(usize::from(*index)) {
            Some(search) => any(search.any.iter().map(|tests| tests.iter().filter_map(need).collect())),
            None => Vec::new(),
        },
        Condition::And(all) => all.iter().flat_map(|inner| needs(detection, inner)).collect(),
        Condition::Or(all) => any(all.iter().map(|inner| needs(detection, inner))),
        Condition::Not(_) => Vec::new(),
    }
}

/// What one of several ways needs: by each field that all of them need, or else by one of each.
fn any(ways: impl Iterator<Item = Vec<Need>>) -> Vec<Need> {
    let ways: Vec<Vec<Need>> = ways.collect();
    let Some((first, rest)) = ways.split_first() else { return Vec::new() };
    let join = |mut sum: Need, need: &Need| {
        need.iter().for_each(|(field, values)| sum.entry(field.clone()).or_default().extend(values.iter().cloned()));
        sum
    };
    let alike = first.iter().filter_map(|need| {
        let same = rest.iter().map(|way| way.iter().find(|other| other.keys().eq(need.keys())));
        same.into_iter().try_fold(need.clone(), |sum, other| Some(join(sum, other?)))
    });
    let alike: Vec<Need> = alike.collect();
    if !alike.is_empty() {
        return alike;
    }
    let each = ways.iter().try_fold(Need::new(), |sum, way| Some(join(sum, way.first()?)));
    each.into_iter().collect()
}

/// What a test of a field for fixed values needs.
fn need(test: &FieldTest) -> Option<Need> {
    let field = test.field.as_deref()?;
    let named = field != UNNAMED && positional(field).is_none() && system_field(field).is_none();
    let values: Option<BTreeSet<String>> = test
        .patterns
        .iter()
        .map(|pattern| Pattern::literal(pattern).filter(|text| text.is_ascii()))
        .map(|text| text.map(str::to_owned))
        .collect();
    let values = values.filter(|_| named && (!test.all || test.patterns.len() == 1))?;
    Some(Need::from([(field.to_owned(), values)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::definition::{Glob, Search};

    fn test(field: &str, values: &[&str]) -> FieldTest {
        let text = |value: &&str| Pattern::Text { glob: vec![Glob::Literal((*value).to_owned())], cased: false };
        FieldTest { field: Some(field.to_owned()), all: false, patterns: values.iter().map(text).collect() }
    }

    fn rule(searches: Vec<Vec<Vec<FieldTest>>>, condition: Condition) -> Detection {
        let searches = searches.into_iter().map(|any| Search { name: String::new(), any }).collect();
        Detection { searches, condition }
    }

    fn gate(rules: &[Detection]) -> Option<String> {
        let all: Vec<u32> = (0..).take(rules.len()).collect();
        let gate = Needs::of(rules.iter()).gate(&all)?;
        let signs = gate.signs.iter().map(|sign| format!("{}={}", sign.field, sign.values.join("|")));
        Some(signs.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_field_that_most_rules_need_is_the_gate() {
        let search = Condition::Search;
        let remote = rule(vec![vec![vec![test("EventID", &["4625"]), test("LogonType", &["10"])]]], search(0));
        let wrong = rule(
            vec![
                vec![vec![test("LogonType", &["3", "7"])]],
                vec![vec![test("Status", &["0x1"])], vec![test("SubStatus", &["0x1"])]],
            ],
            Condition::And(vec![search(0), search(1)]),
        );
        assert_eq!(gate(&[remote.clone(), wrong.clone()]).as_deref(), Some("LogonType=10|3|7"));
        assert_eq!(gate(std::slice::from_ref(&remote)).as_deref(), Some("LogonType=10"));
        let either = rule(
            vec![vec![vec![test("Status", &["0x1"])], vec![test("SubStatus", &["0x2"])]]],
            Condition::Or(vec![search(0)]),
        );
        assert_eq!(gate(&[either]).as_deref(), Some("Status=0x1 SubStatus=0x2"));
    }

    #[test]
    fn a_rule_that_needs_no_value_opens_the_gate_to_all() {
        let search = Condition::Search;
        let needs = rule(vec![vec![vec![test("LogonType", &["10"])]]], search(0));
        let all = rule(vec![vec![vec![test("EventID", &["4625"])]]], search(0));
        let not = rule(vec![vec![vec![test("LogonType", &["10"])]]], Condition::Not(Box::new(search(0))));
        let unnamed = rule(vec![vec![vec![test("param1", &["10"])]]], search(0));
        let foreign = rule(vec![vec![vec![test("Name", &["Größe"])]]], search(0));
        let or = rule(
            vec![vec![vec![test("LogonType", &["10"])]], vec![vec![test("Channel", &["System"])]]],
            Condition::Or(vec![search(0), search(1)]),
        );
        for open in [all, not, unnamed, foreign, or] {
            assert_eq!(gate(&[needs.clone(), open]), None);
        }
    }
}
