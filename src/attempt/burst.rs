//! Correlations over the whole case: many matches of a rule within a span.

use std::collections::BTreeMap;

use crate::signature::correlation::{self, Hit};
use crate::signature::definition::{Correlation, Counted};

use super::ItemId;
use super::item::Item;

/// Spans in which a correlation fired, as the records that made it fire. Hosts are always apart.
pub fn bursts(
    correlation: &Correlation,
    items: &[Item<'_>],
    by_rule: &BTreeMap<&str, Vec<ItemId>>,
) -> Vec<Vec<ItemId>> {
    let mut hits: Vec<Hit<'_>> = Vec::new();
    for slug in &correlation.rules {
        for &id in by_rule.get(slug.as_str()).into_iter().flatten() {
            let item = &items[id];
            let record = &item.evidence.record;
            let mut group = vec![item.host.to_string()];
            group.extend(correlation.group_by.iter().map(|name| record.field(name).unwrap_or_default().to_string()));
            let value = match &correlation.count {
                Counted::Events => None,
                Counted::Values(name) => record.field(name).map(str::to_string),
            };
            hits.push(Hit { rule: slug, time: item.time, group, value, index: id });
        }
    }
    correlation::evaluate(correlation, &hits).into_iter().map(|burst| burst.members).collect()
}
