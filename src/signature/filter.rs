//! Sigma's filters: conditions that are added to rules.

use super::definition::{Condition, Definitions, Filter, Rule};

/// Adds every filter to the rules that it names.
pub(super) fn apply(all: &mut Definitions) {
    let Definitions { rules, filters, .. } = all;
    for filter in filters.iter() {
        rules.iter_mut().filter(|rule| concerns(filter, rule)).for_each(|rule| narrow(rule, filter));
    }
}

fn concerns(filter: &Filter, rule: &Rule) -> bool {
    let same = |wanted: &Option<String>, own: &Option<String>| {
        wanted.as_deref().is_none_or(|wanted| own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(wanted)))
    };
    let (wanted, own) = (&filter.logsource, &rule.about.logsource);
    let named = filter.rules.as_ref().is_none_or(|names| names.contains(&rule.slug));
    named
        && same(&wanted.product, &own.product)
        && same(&wanted.category, &own.category)
        && same(&wanted.service, &own.service)
}

fn narrow(rule: &mut Rule, filter: &Filter) {
    let Ok(offset) = u16::try_from(rule.detection.searches.len()) else { return };
    let mut detection = std::mem::take(&mut rule.detection).into_inner();
    detection.searches.extend(filter.detection.searches.iter().cloned());
    let own = std::mem::replace(&mut detection.condition, Condition::Search(0));
    detection.condition = Condition::And(vec![own, moved(&filter.detection.condition, offset)]);
    rule.detection = detection.into();
}

fn moved(condition: &Condition, offset: u16) -> Condition {
    let all = |list: &[Condition]| list.iter().map(|inner| moved(inner, offset)).collect();
    match condition {
        Condition::Search(index) => Condition::Search(index.saturating_add(offset)),
        Condition::And(list) => Condition::And(all(list)),
        Condition::Or(list) => Condition::Or(all(list)),
        Condition::Not(inner) => Condition::Not(Box::new(moved(inner, offset))),
    }
}
