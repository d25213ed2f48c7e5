//! The examples in rules, held against the rules.

use super::compile::{RuleId, Signatures};
use super::definition::{Definitions, Example, Rule};
use super::value;
use crate::event::Event;

/// Do a rule's own examples match and miss as they say? The words tell what does not hold.
/// Goes through the index too, so that an event which the rule matches but would never meet is found.
pub fn test_rule(rule: &Rule) -> Result<(), Vec<String>> {
    let alone = Definitions { rules: vec![rule.clone()], ..Definitions::default() };
    let (signatures, problems) = Signatures::compile(alone);
    let mut wrong: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
    let Some(meaning) = &rule.meaning else {
        return if wrong.is_empty() { Ok(()) } else { Err(wrong) };
    };
    let tests = &meaning.tests;
    for (kind, examples) in [("match", &tests.hits), ("miss", &tests.misses)] {
        if examples.is_empty() {
            wrong.push(format!("the rule has no example under `{kind}`"));
        }
        for (number, example) in (1..).zip(examples) {
            match event(example) {
                Err(message) => wrong.push(format!("example {number} under `{kind}`: {message}")),
                Ok(event) => {
                    let mut found = Vec::new();
                    signatures.matches(&event, &mut found);
                    if found.contains(&RuleId(0)) != (kind == "match") {
                        let does = if kind == "match" { "does not match" } else { "matches" };
                        wrong.push(format!("example {number} under `{kind}` {does}"));
                    }
                }
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// The event that an example describes.
pub fn event(example: &Example) -> Result<Event, String> {
    let mut event = Event::default();
    for (name, values) in example {
        for text in values {
            value::put(&mut event, name, text)?;
        }
    }
    Ok(event)
}
