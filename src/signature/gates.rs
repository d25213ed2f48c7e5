//! What rules cannot match without, by a few values of a record: less than the rules say, never more. Where one rule
//! asks for no value, there is no gate.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Condition, Detection, FieldTest, Pattern};
use super::glob;
use super::value::system_field;
use crate::event::{Gate, Place, Sign, UNNAMED, Way};

/// Signs that must be shown, and that must not.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    with: BTreeSet<Sign>,
    without: BTreeSet<Sign>,
}

impl Path {
    fn is_open(&self) -> bool {
        self.with.is_empty() && self.without.is_empty()
    }
}

/// Paths beyond these are no short way.
const MOST: usize = 16;
/// Of more rules no gate is made: it would ask for little, and take long to make.
const RULES: usize = 128;

/// In how many paths a rule can match, by its number: each with all that it asks for.
pub(super) struct Paths(Vec<Vec<Path>>);

impl Paths {
    /// Of all rules.
    pub(super) fn of<'a>(rules: impl Iterator<Item = &'a Detection>) -> Self {
        Paths(rules.map(|rule| paths(rule, &rule.condition)).collect())
    }

    /// The gate before the rules of these numbers.
    pub(super) fn gate(&self, rules: &[u32]) -> Option<Gate> {
        if rules.len() > RULES {
            return None;
        }
        let mut all: Vec<&Path> = Vec::new();
        for rule in rules {
            let own = self.0.get(*rule as usize)?;
            if own.is_empty() || own.iter().any(Path::is_open) {
                return None;
            }
            all.extend(own);
        }
        let mut all = joined(all.into_iter().cloned().collect());
        loop {
            let signs: BTreeSet<&Sign> = all.iter().flat_map(|path| path.with.iter().chain(&path.without)).collect();
            if signs.len() <= Gate::MOST && all.len() <= MOST {
                return Some(numbered(&signs, &all));
            }
            all = joined(weaker(all)?);
        }
    }
}

fn numbered(signs: &BTreeSet<&Sign>, all: &[Path]) -> Gate {
    let signs: Vec<Sign> = signs.iter().copied().cloned().collect();
    let bits = |set: &BTreeSet<Sign>| {
        let number = |sign: &Sign| signs.binary_search(sign).unwrap_or_default();
        set.iter().fold(0, |bits, sign| bits | 1 << number(sign))
    };
    let ways = all.iter().map(|path| Way { with: bits(&path.with), without: bits(&path.without) }).collect();
    Gate { ways, signs }
}

/// Leaves out the field that fewest of the paths ask for, of several that of the most signs; `None` where a path asks
/// for nothing else.
fn weaker(mut all: Vec<Path>) -> Option<Vec<Path>> {
    let mut asked: BTreeMap<&str, (usize, BTreeSet<&Sign>)> = BTreeMap::new();
    for path in &all {
        let signs = path.with.iter().map(|sign| (sign, 1)).chain(path.without.iter().map(|sign| (sign, 0)));
        for (sign, count) in signs {
            let field = asked.entry(&sign.field).or_default();
            field.0 += count;
            field.1.insert(sign);
        }
    }
    let (field, _) = asked.into_iter().min_by_key(|(_, (count, signs))| (*count, usize::MAX - signs.len()))?;
    let field = field.to_owned();
    for path in &mut all {
        path.with.retain(|sign| sign.field != field);
        path.without.retain(|sign| sign.field != field);
    }
    (!all.iter().any(Path::is_open)).then_some(all)
}

/// Each once; those that ask for one sign of a field become one.
fn joined(all: Vec<Path>) -> Vec<Path> {
    let mut found = BTreeSet::new();
    let mut single: BTreeMap<String, BTreeSet<(Place, String)>> = BTreeMap::new();
    for path in all {
        match path.with.first() {
            Some(sign) if path.with.len() == 1 && path.without.is_empty() => {
                single.entry(sign.field.clone()).or_default().extend(sign.letters.iter().cloned());
            }
            _ => drop(found.insert(path)),
        }
    }
    let single = single.into_iter().map(|(field, letters)| Sign { field, letters: letters.into_iter().collect() });
    found.extend(single.map(|sign| Path { with: BTreeSet::from([sign]), ..Path::default() }));
    found.into_iter().collect()
}

fn paths(detection: &Detection, condition: &Condition) -> Vec<Path> {
    let all = |list: &[Condition]| list.iter().map(|inner| paths(detection, inner)).collect::<Vec<_>>();
    match condition {
        Condition::Search(index) => {
            let search = detection.searches.get(usize::from(*index));
            let groups = search.into_iter().flat_map(|search| &search.any);
            let with = |tests: &Vec<FieldTest>| tests.iter().filter_map(|test| sign(test, false)).collect();
            groups.map(|tests| Path { with: with(tests), ..Path::default() }).collect()
        }
        Condition::Or(list) => all(list).concat(),
        Condition::And(list) => all(list).into_iter().reduce(both).unwrap_or_else(|| vec![Path::default()]),
        Condition::Not(inner) => vec![Path { without: without(detection, inner), ..Path::default() }],
    }
}

/// Both must hold; where that makes too many, the first alone asks for no more.
fn both(left: Vec<Path>, right: Vec<Path>) -> Vec<Path> {
    if left.len() * right.len() > MOST {
        return left;
    }
    let join = |a: &BTreeSet<Sign>, b: &BTreeSet<Sign>| a.union(b).cloned().collect();
    let and = |a: &Path, b: &Path| Path { with: join(&a.with, &b.with), without: join(&a.without, &b.without) };
    left.iter().flat_map(|a| right.iter().map(move |b| and(a, b))).collect()
}

/// What must not be shown for this not to hold: of a search, whatever makes it hold alone.
fn without(detection: &Detection, condition: &Condition) -> BTreeSet<Sign> {
    let Condition::Search(index) = condition else { return BTreeSet::new() };
    let search = detection.searches.get(usize::from(*index));
    let alone = |tests: &Vec<FieldTest>| match tests.as_slice() {
        [test] => sign(test, true),
        _ => None,
    };
    search.into_iter().flat_map(|search| &search.any).filter_map(alone).collect()
}

/// What a value must show to pass a test; `exactly`: and passes if it shows it.
fn sign(test: &FieldTest, exactly: bool) -> Option<Sign> {
    let field = test.field.as_deref()?;
    let told =
        !field.is_ascii() || field == UNNAMED || system_field(field).is_some() || (test.all && test.patterns.len() > 1);
    let letters = test.patterns.iter().map(|pattern| match pattern {
        Pattern::Text { glob, cased } if !(exactly && *cased) => {
            glob::plain(glob).filter(|(_, letters)| letters.is_ascii())
        }
        _ => None,
    });
    let letters = letters.map(|plain| plain.map(|(place, letters)| (place, letters.to_owned())));
    let letters = letters.collect::<Option<Vec<_>>>().filter(|_| !told)?;
    Some(Sign { field: field.to_owned(), letters })
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
        let gate = Paths::of(rules.iter()).gate(&all)?;
        let signs = |bits: u32| {
            let own = gate.signs.iter().enumerate().filter(|(at, _)| bits >> at & 1 > 0);
            let letters = |sign: &Sign| sign.letters.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>().join("|");
            own.map(|(_, sign)| format!("{}={}", sign.field, letters(sign))).collect::<Vec<_>>().join("+")
        };
        let way = |way: &Way| match way.without {
            0 => signs(way.with),
            _ => format!("{}-{}", signs(way.with), signs(way.without)),
        };
        Some(gate.ways.iter().map(way).collect::<Vec<_>>().join(" "))
    }

    fn search(number: u16) -> Condition {
        Condition::Search(number)
    }

    #[test]
    fn a_gate_asks_for_what_its_rules_ask_for() {
        let remote = rule(vec![vec![vec![test("EventID", &["4625"]), test("LogonType", &["10"])]]], search(0));
        assert_eq!(gate(std::slice::from_ref(&remote)).as_deref(), Some("LogonType=10"));
        let wrong = rule(
            vec![
                vec![vec![test("LogonType", &["3", "7"])]],
                vec![vec![test("Status", &["1"])], vec![test("SubStatus", &["2"])]],
                vec![vec![test("User", &["-"])]],
            ],
            Condition::And(vec![search(0), search(1), Condition::Not(Box::new(search(2)))]),
        );
        let known = "LogonType=10 LogonType=3|7+Status=1-User=- LogonType=3|7+SubStatus=2-User=-";
        assert_eq!(gate(&[remote.clone(), wrong]).as_deref(), Some(known));
        let unlocked = rule(vec![vec![vec![test("LogonType", &["7"])]]], search(0));
        assert_eq!(gate(&[remote, unlocked]).as_deref(), Some("LogonType=10|7"));
        let not = rule(vec![vec![vec![test("Code", &["0x0"])]]], Condition::Not(Box::new(search(0))));
        assert_eq!(gate(&[not]).as_deref(), Some("-Code=0x0"));
    }

    #[test]
    fn many_rules_have_a_gate_that_asks_for_less() {
        let one = |n: u32| {
            let status = format!("0x{n:x}");
            let groups = vec![vec![test("LogonType", &["3"]), test("Status", &[&status]), test("User", &["ann"])]];
            rule(vec![groups], search(0))
        };
        let rules: Vec<Detection> = (0..100).map(one).collect();
        assert_eq!(gate(&rules).as_deref(), Some("LogonType=3+User=ann"));
    }

    #[test]
    fn a_rule_that_asks_for_no_value_opens_the_gate_to_all() {
        let needs = rule(vec![vec![vec![test("LogonType", &["10"])]]], search(0));
        let all = rule(vec![vec![vec![test("EventID", &["4625"])]]], search(0));
        let both = vec![vec![test("LogonType", &["10"]), test("User", &["-"])]];
        let not = rule(vec![both], Condition::Not(Box::new(search(0))));
        let unnamed = rule(vec![vec![vec![test("Data", &["10"])]]], search(0));
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
