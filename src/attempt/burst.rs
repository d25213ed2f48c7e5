//! Correlations over the whole case: many matches of a rule within a span.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::signature::correlation::{self, Hit};
use crate::signature::definition::Correlation;

use super::ItemId;
use super::item::Item;

/// Spans in which a correlation fired, as the records that made it fire. Hosts are always apart.
pub fn bursts(
    correlation: &Correlation,
    items: &[Item<'_>],
    by_rule: &BTreeMap<&str, Vec<ItemId>>,
) -> Vec<Vec<ItemId>> {
    let hosts: Vec<String> =
        (0..=items.iter().map(|item| item.host).max().unwrap_or(0)).map(|host| host.to_string()).collect();
    let mut hits: Vec<Hit<'_>> = Vec::new();
    for slug in &correlation.rules {
        for &id in by_rule.get(slug.as_str()).into_iter().flatten() {
            let item = &items[id];
            let record = &item.evidence.record;
            let value = |name: &str| match correlation.field_in(slug, name) {
                "EventID" => Some(Cow::Owned(record.event_id.to_string())),
                name => record.field(name).map(Cow::Borrowed),
            };
            let mut group = Vec::with_capacity(1 + correlation.group_by.len());
            group.push(Cow::Borrowed(hosts[item.host].as_str()));
            group.extend(correlation.group_by.iter().map(|name| value(name).unwrap_or_default()));
            let value = correlation.measured().and_then(value);
            hits.push(Hit { rule: slug, time: item.time, group, value, index: id });
        }
    }
    correlation::evaluate(correlation, &hits).into_iter().map(|burst| burst.members).collect()
}
