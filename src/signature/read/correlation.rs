//! Sigma's correlation rules and filters.

use std::collections::BTreeMap;

use super::definition::{Comparison, Correlation, Counted, Filter, Logsource};
use super::detection;
use super::problem::{Complaints, read_span};
use super::sigma::{Place, head};
use super::yaml::{Node, Value};

const KEYS: &[&str] = &["type", "rules", "group-by", "timespan", "condition", "generate", "aliases"];
const TYPES: &str = "event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile";

/// Reads the correlation rule whose `correlation` is `body`.
pub fn read(node: &Node, body: &Node, place: Place<'_>, complaints: &mut Complaints) -> Option<Correlation> {
    let before = complaints.count();
    let head = head(node, complaints);
    complaints.map(body, "`correlation`", KEYS)?;
    complaints.need(body, "rules");
    let rules = complaints.texts(body, "rules");
    if rules.is_empty() {
        complaints.add(body.line, "empty", "the correlation names no rules");
    }
    let timespan = complaints.need_text(body, "timespan");
    let ticks = timespan.as_deref().and_then(read_span).filter(|ticks| *ticks > 0);
    if let (Some(text), None) = (&timespan, ticks) {
        let line = line(body, "timespan");
        complaints.add(line, "span", format!("`timespan` must be like 10m (ms, s, m, h, d, w), not `{text}`"));
    }
    let kind = complaints.need_text(body, "type")?;
    let measured = measured(&kind, body, &rules, complaints)?;
    let generate = body.get("generate").and_then(|value| complaints.flag(value, "generate")).unwrap_or(false);
    let aliases = aliases(body, complaints);
    let (head, ticks) = (head?, ticks?);
    (complaints.count() == before).then(|| Correlation {
        slug: place.slug.to_owned(),
        family: place.family.to_owned(),
        title: head.title,
        id: head.id,
        description: head.description,
        level: head.level,
        tags: head.tags,
        rules,
        group_by: complaints.texts(body, "group-by"),
        aliases,
        timespan: ticks,
        count: measured.0,
        thresholds: measured.1,
        generate,
    })
}

fn line(node: &Node, key: &str) -> u32 {
    node.get(key).map_or(node.line, |value| value.line)
}

type Measured = (Counted, Vec<(Comparison, f64)>);

/// What is measured, and what it must be.
fn measured(kind: &str, body: &Node, rules: &[String], complaints: &mut Complaints) -> Option<Measured> {
    let temporal = matches!(kind, "temporal" | "temporal_ordered");
    let condition = match body.get("condition") {
        None if temporal => None,
        _ => Some(complaints.need(body, "condition")?),
    };
    if let Some(text) = condition.and_then(Node::text) {
        let message = format!("the condition `{text}` over names of rules is not supported, only numbers are");
        complaints.add(line(body, "condition"), "unsupported", message);
        return None;
    }
    let by_field = kind.starts_with("value_");
    let percent = kind == "value_percentile";
    let thresholds = match condition {
        Some(condition) => thresholds(condition, by_field, percent, complaints)?,
        None => Vec::new(),
    };
    let field = condition.filter(|_| by_field).map(|condition| complaints.need_text(condition, "field"));
    let field = || field.clone().flatten();
    let all = f64::from(u16::try_from(rules.len()).unwrap_or(u16::MAX));
    let count = match kind {
        "event_count" => Counted::Events,
        "value_count" => Counted::Values(field()?),
        "value_sum" => Counted::Sum(field()?),
        "value_avg" => Counted::Average(field()?),
        "value_percentile" => {
            let condition = condition?;
            let percent = complaints.need(condition, "percentile")?;
            let number = complaints.number(percent, "percentile", 1, 100)?;
            Counted::Percentile(field()?, u8::try_from(number).ok()?)
        }
        "temporal" => Counted::Rules,
        "temporal_ordered" => {
            if !thresholds.is_empty() && !thresholds.iter().all(|(how, number)| how.holds(all, *number)) {
                let message = "a temporal_ordered correlation wants all of its rules; another number is not supported";
                complaints.add(line(body, "condition"), "unsupported", message);
            }
            return Some((Counted::Sequence, Vec::new()));
        }
        other => {
            let message = format!("the correlation type `{other}` is not supported; known are {TYPES}");
            complaints.add(line(body, "type"), "unsupported", message);
            return None;
        }
    };
    let wanted = if thresholds.is_empty() { vec![(Comparison::GreaterOrEqual, all)] } else { thresholds };
    Some((count, wanted))
}

/// `{gte: 20}`, with `field` for values; two of them make a range.
fn thresholds(
    node: &Node,
    by_field: bool,
    percent: bool,
    complaints: &mut Complaints,
) -> Option<Vec<(Comparison, f64)>> {
    use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};
    let before = complaints.count();
    let mut known = vec!["gt", "gte", "lt", "lte", "eq"];
    known.extend(by_field.then_some("field"));
    known.extend(percent.then_some("percentile"));
    if let Some(other) = node.get("neq") {
        complaints.add(other.line, "unsupported", "`neq` in the condition of a correlation is not supported");
        return None;
    }
    complaints.map(node, "the correlation's condition", &known)?;
    let mut found = Vec::new();
    for (key, comparisons) in [
        ("gt", &[Greater][..]),
        ("gte", &[GreaterOrEqual]),
        ("lt", &[Less]),
        ("lte", &[LessOrEqual]),
        ("eq", &[GreaterOrEqual, LessOrEqual]),
    ] {
        let Some(value) = node.get(key) else { continue };
        let number: Option<f64> = value.text().and_then(|text| text.trim().parse().ok());
        match number.filter(|number| number.is_finite()) {
            Some(number) => found.extend(comparisons.iter().map(|comparison| (*comparison, number))),
            None => complaints.add(value.line, "wrong-number", format!("`{key}` must be a number")),
        }
    }
    if found.is_empty() && complaints.count() == before {
        complaints.add(node.line, "condition", "the condition names none of gt, gte, lt, lte, eq");
    }
    (complaints.count() == before).then_some(found)
}

/// `{alias: {rule: field}}`
fn aliases(body: &Node, complaints: &mut Complaints) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for alias in body.get("aliases").map(Node::entries).unwrap_or_default() {
        let mut fields = BTreeMap::new();
        for rule in alias.value.entries() {
            fields.extend(complaints.text(&rule.value, &rule.key).map(|field| (rule.key.clone(), field)));
        }
        if fields.is_empty() {
            let message = format!("the alias `{}` must be a map of rules and their fields", alias.key);
            complaints.add(alias.line, "wrong-type", message);
        }
        found.insert(alias.key.clone(), fields);
    }
    found
}

/// Reads the filter whose `filter` is `body`.
pub fn filter(node: &Node, body: &Node, place: Place<'_>, complaints: &mut Complaints) -> Option<Filter> {
    let before = complaints.count();
    complaints.need_text(node, "title");
    let source = complaints.need(node, "logsource");
    let rules = complaints.need(body, "rules");
    let names = complaints.texts(body, "rules");
    if rules.is_some() && names.is_empty() {
        complaints.add(line(body, "rules"), "empty", "the filter names no rules; `any` names all");
    }
    let Value::Mapping(entries) = &body.value else {
        complaints.add(body.line, "wrong-type", format!("`filter` must be a map, not {}", body.kind()));
        return None;
    };
    let searches = entries.iter().filter(|entry| entry.key != "rules").cloned().collect();
    let detection = detection::read(&Node { line: body.line, value: Value::Mapping(searches) }, complaints)?;
    let any = names.iter().any(|name| name.eq_ignore_ascii_case("any"));
    let logsource = source.map(|source| logsource(source, complaints)).unwrap_or_default();
    (complaints.count() == before).then(|| Filter {
        slug: place.slug.to_owned(),
        family: place.family.to_owned(),
        rules: (!any).then_some(names),
        logsource,
        detection,
    })
}

/// Sigma's `logsource`.
pub fn logsource(source: &Node, complaints: &mut Complaints) -> Logsource {
    Logsource {
        product: complaints.may_text(source, "product"),
        category: complaints.may_text(source, "category"),
        service: complaints.may_text(source, "service"),
    }
}
