//! Which channels and event ids a Sigma log source stands for: `signatures/channels.tsv`.

use super::definition::{Condition, Detection, FieldTest, Glob, Logsource, Pattern, Search};

const TABLE: &str = include_str!("../../../signatures/channels.tsv");

/// Adds to a detection that its log source's channel and event ids must fit too.
pub fn narrow(logsource: &Logsource, detection: &mut Detection) -> Result<(), String> {
    if let Some(product) = logsource.product.as_deref().filter(|product| !product.eq_ignore_ascii_case("windows")) {
        return Err(format!("the log source is of `{product}`; only windows is read"));
    }
    let wanted = [("service", &logsource.service), ("category", &logsource.category)];
    for (kind, name) in wanted {
        let Some(name) = name else { continue };
        let mut any = Vec::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let key = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            if key.0 == kind && key.1.eq_ignore_ascii_case(name) {
                any.push(tests(cells.next().unwrap_or_default(), cells.next().unwrap_or_default()));
            }
        }
        if any.is_empty() {
            return Err(format!("no channel is known for the log source's {kind} `{name}`"));
        }
        require(any, format!("_logsource_{kind}"), detection)?;
    }
    Ok(())
}

fn tests(channel: &str, ids: &str) -> Vec<FieldTest> {
    let equal = |text: &str| Pattern::Text { glob: vec![Glob::Literal(text.to_owned())], cased: false };
    let test = |field: &str, patterns| FieldTest { field: Some(field.to_owned()), all: false, patterns };
    let mut tests = vec![test("Channel", vec![equal(channel)])];
    if !ids.is_empty() {
        tests.push(test("EventID", ids.split(',').map(|id| equal(id.trim())).collect()));
    }
    tests
}

fn require(any: Vec<Vec<FieldTest>>, name: String, detection: &mut Detection) -> Result<(), String> {
    let index = u16::try_from(detection.searches.len()).map_err(|_| "there are too many searches")?;
    detection.searches.push(Search { name, any });
    let rest = std::mem::replace(&mut detection.condition, Condition::Search(index));
    detection.condition = Condition::And(vec![Condition::Search(index), rest]);
    Ok(())
}
