//! One rule's detection against one event.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use super::definition::{Comparison, Condition, Detection, FieldTest, Pattern};
use super::glob::{self, same};
use super::pins::Pin;
use super::value::{SystemField, Target, Value, number};
use crate::event::{Event, positional};

/// Memory that one regular expression may take.
const REGEX_BYTES: usize = 1 << 20;

/// A detection made ready.
#[derive(Debug)]
pub(super) struct Matcher {
    searches: Vec<Vec<Vec<Test>>>,
    condition: Condition,
}

#[derive(Debug)]
pub(super) struct Test {
    target: Target,
    all: bool,
    checks: Vec<Check>,
    /// One value that one check fits is enough: each value need be looked up once.
    any: bool,
}

#[derive(Debug)]
enum Check {
    Number(u64),
    Text(glob::Matcher),
    Regex(Expression),
    Network(IpAddr, u8),
    Compare(Comparison, f64),
    Exists(bool),
    Null,
    Field(Target),
}

/// A regular expression that is made when it is first asked: most never are.
#[derive(Debug)]
struct Expression {
    text: String,
    made: OnceLock<Result<Regex, String>>,
}

impl Expression {
    fn get(&self) -> Result<&Regex, &String> {
        let make = || {
            let mut builder = RegexBuilder::new(&self.text);
            builder.size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES);
            builder.build().map_err(|error| format!("regular expression `{}`: {error}", self.text))
        };
        self.made.get_or_init(make).as_ref()
    }
}

impl Matcher {
    /// Makes every regular expression now; an error says which one cannot be used.
    pub(super) fn check(&self) -> Result<(), String> {
        let checks = self.searches.iter().flatten().flatten().flat_map(|test| &test.checks);
        for check in checks {
            if let Check::Regex(expression) = check {
                expression.get().map_err(String::clone)?;
            }
        }
        Ok(())
    }

    /// Makes a detection ready, but for its regular expressions. It will only meet events that one of `pins` lets
    /// through; what a single one says of provider and event id is not tested again.
    pub(super) fn new(detection: &Detection, pins: &[Pin]) -> Result<Self, String> {
        let test = |test: &FieldTest| {
            let target = Target::of(test.field.as_deref());
            let checks = test.patterns.iter().map(|pattern| Check::new(pattern, &target));
            let checks = checks.collect::<Result<Vec<_>, _>>()?;
            let of_values = |check: &Check| !matches!(check, Check::Exists(_) | Check::Null | Check::Field(_));
            let any = !test.all && checks.iter().all(of_values);
            Ok::<Test, String>(Test { target, all: test.all, checks, any })
        };
        let said = |field: &FieldTest| matches!(pins, [pin] if pin.says(field));
        let group = |tests: &Vec<FieldTest>| tests.iter().filter(|field| !said(field)).map(test).collect();
        let searches = detection.searches.iter().map(|search| search.any.iter().map(group).collect());
        Ok(Matcher { searches: searches.collect::<Result<_, String>>()?, condition: detection.condition.clone() })
    }

    /// What must hold for it to fit.
    pub(super) fn condition(&self) -> &Condition {
        &self.condition
    }

    /// The tests of a search: all of one of these.
    pub(super) fn search(&self, index: u16) -> &[Vec<Test>] {
        self.searches.get(usize::from(index)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn fits(&self, event: &Event) -> bool {
        self.holds(&self.condition, event)
    }

    fn holds(&self, condition: &Condition, event: &Event) -> bool {
        match condition {
            Condition::Search(index) => {
                self.search(*index).iter().any(|tests| tests.iter().all(|test| test.holds(event)))
            }
            Condition::And(all) => all.iter().all(|inner| self.holds(inner, event)),
            Condition::Or(any) => any.iter().any(|inner| self.holds(inner, event)),
            Condition::Not(inner) => !self.holds(inner, event),
        }
    }
}

impl Test {
    /// The field and the values, in lower case, of a test that asks for no more than one of them. They are in ASCII.
    pub(super) fn values(&self) -> Option<(&str, Vec<String>)> {
        let Target::Data(field) = &self.target else { return None };
        let value = |check: &Check| match check {
            Check::Text(glob) => glob.value().map(str::to_ascii_lowercase),
            _ => None,
        };
        let values = self.checks.iter().map(value).collect::<Option<Vec<_>>>();
        // Of unnamed values one may be meant.
        values.filter(|_| self.any && positional(field).is_none()).map(|values| (field.as_str(), values))
    }

    fn holds(&self, event: &Event) -> bool {
        if self.any {
            return self.target.any(event, &mut |value| self.checks.iter().any(|check| check.fits(value)));
        }
        let check = |check: &Check| check.holds(&self.target, event);
        if self.all { self.checks.iter().all(check) } else { self.checks.iter().any(check) }
    }
}

impl Check {
    fn new(pattern: &Pattern, target: &Target) -> Result<Self, String> {
        Ok(match pattern {
            Pattern::Text { glob, cased } => {
                match (pattern.literal().and_then(|text| text.parse().ok()), target) {
                    // Event ids are compared for every rule that is met: not as text.
                    (Some(number), Target::System(SystemField::EventId)) => Check::Number(number),
                    _ => Check::Text(glob::Matcher::new(glob, *cased)),
                }
            }
            Pattern::Regex(text) => Check::Regex(Expression { text: text.clone(), made: OnceLock::new() }),
            Pattern::Cidr(text) => {
                let parsed = text.split_once('/').and_then(|(a, n)| Some((a.parse().ok()?, n.parse().ok()?)));
                let (address, length) = parsed.ok_or_else(|| format!("`{text}` is not a network"))?;
                Check::Network(address, length)
            }
            Pattern::Number(comparison, number) => Check::Compare(*comparison, *number),
            Pattern::Exists(wanted) => Check::Exists(*wanted),
            Pattern::Null => Check::Null,
            Pattern::Field(name) => Check::Field(Target::of(Some(name))),
        })
    }

    fn holds(&self, target: &Target, event: &Event) -> bool {
        match self {
            Check::Exists(wanted) => target.any(event, &mut |_| true) == *wanted,
            Check::Null => !target.any(event, &mut |value| !matches!(value, Value::Text(""))),
            Check::Field(other) => other.any(event, &mut |theirs| {
                target.any(event, &mut |mine| with_text(theirs, |a| with_text(mine, |b| same(a, b))))
            }),
            _ => target.any(event, &mut |value| self.fits(value)),
        }
    }

    fn fits(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Check::Number(wanted), Value::Number(number)) => *wanted == number,
            (Check::Number(wanted), Value::Text(text)) => text.parse() == Ok(*wanted),
            (Check::Text(glob), value) => with_text(value, |text| glob.fits(text)),
            (Check::Regex(regex), value) => {
                with_text(value, |text| regex.get().is_ok_and(|regex| regex.is_match(text)))
            }
            (Check::Network(network, length), value) => {
                with_text(value, |text| address(text).is_some_and(|address| inside(address, *network, *length)))
            }
            (Check::Compare(comparison, wanted), value) => {
                with_text(value, number).is_some_and(|number| comparison.holds(number, *wanted))
            }
            (Check::Exists(_) | Check::Null | Check::Field(_), _) => false,
        }
    }
}

fn with_text<T>(value: Value<'_>, then: impl FnOnce(&str) -> T) -> T {
    match value {
        Value::Text(text) => then(text),
        Value::Number(number) => then(&number.to_string()),
    }
}

/// An address as logs write it: in brackets, with a port or a zone.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let bare = bare.split('%').next().unwrap_or(bare);
    let found = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&found))
}

fn inside(address: IpAddr, network: IpAddr, length: u8) -> bool {
    let shift = |bits: u8| u32::from(bits.saturating_sub(length));
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (a.to_bits() ^ n.to_bits()).checked_shr(shift(32)).unwrap_or(0) == 0,
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits() ^ n.to_bits()).checked_shr(shift(128)).unwrap_or(0) == 0,
        _ => false,
    }
}
