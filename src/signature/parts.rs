//! Definitions part by part, and what every start needs of them: worked out by the build for those that come with the
//! program, at the start where a user's are laid over them. The build uses this module as it stands.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::definition::{
    Cause, Claim, Code, CodeRange, Correlation, Definitions, Dialog, Filter, Later, Pair, Rule, Space, Words,
};
use super::filter;
use super::index::{self, Index};
use super::pins::{self, Pin};
use crate::event::Interest;

/// Definitions, each unpacked when it is asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Parts {
    /// By slug.
    #[serde(borrow)]
    pub(super) rules: Vec<(Cow<'static, str>, Later<Rule>)>,
    pub(super) correlations: Later<Vec<Correlation>>,
    pub(super) filters: Later<Vec<Filter>>,
    pub(super) causes: Later<Vec<Cause>>,
    /// By number space.
    pub(super) codes: BTreeMap<String, Later<Vec<Code>>>,
    pub(super) ranges: Later<BTreeMap<String, Vec<CodeRange>>>,
    pub(super) spaces: Later<Vec<Space>>,
    pub(super) pairs: Later<Vec<Pair>>,
    pub(super) dialogs: Later<Vec<Dialog>>,
    pub(super) claims: Later<Vec<Claim>>,
    pub(super) words: Later<Vec<Words>>,
    pub(super) sha256: String,
}

impl From<Definitions> for Parts {
    fn from(all: Definitions) -> Self {
        Parts {
            rules: all.rules.into_iter().map(|rule| (Cow::Owned(rule.slug.clone()), rule.into())).collect(),
            correlations: all.correlations.into(),
            filters: all.filters.into(),
            causes: all.causes.into(),
            codes: all.codes.into_iter().map(|(space, codes)| (space, codes.into())).collect(),
            ranges: all.ranges.into(),
            spaces: all.spaces.into(),
            pairs: all.pairs.into(),
            dialogs: all.dialogs.into(),
            claims: all.claims.into(),
            words: all.words.into(),
            sha256: all.sha256,
        }
    }
}

impl From<Parts> for Definitions {
    fn from(parts: Parts) -> Self {
        Definitions {
            rules: parts.rules.into_iter().map(|(_, rule)| rule.into_inner()).collect(),
            correlations: parts.correlations.into_inner(),
            filters: parts.filters.into_inner(),
            causes: parts.causes.into_inner(),
            codes: parts.codes.into_iter().map(|(space, codes)| (space, codes.into_inner())).collect(),
            ranges: parts.ranges.into_inner(),
            spaces: parts.spaces.into_inner(),
            pairs: parts.pairs.into_inner(),
            dialogs: parts.dialogs.into_inner(),
            claims: parts.claims.into_inner(),
            words: parts.words.into_inner(),
            sha256: parts.sha256,
        }
    }
}

/// What is known of all rules together.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(super) struct Ground {
    pub(super) index: Index,
    pub(super) interest: Interest,
    /// Slugs of the rules that name neither provider nor event id.
    pub(super) unpinned: Vec<String>,
    /// Providers that each rule names, as it spells them.
    pub(super) providers: Later<Vec<Vec<String>>>,
}

impl Ground {
    /// Of rules in order of their numbers, each with its pins.
    pub(super) fn of(all: &Definitions, pins: &[Vec<Pin>]) -> Self {
        let mut ground = Ground::default();
        for (number, (rule, pins)) in (0..).zip(all.rules.iter().zip(pins)) {
            ground.index.add(number, pins);
            ground.unpinned.extend(pins.contains(&Pin::default()).then(|| rule.slug.clone()));
        }
        let providers = |(rule, pins): (&Rule, &Vec<Pin>)| pins::providers(&rule.detection, pins);
        ground.providers = all.rules.iter().zip(pins).map(providers).collect::<Vec<_>>().into();
        ground.interest = index::interest(all, pins, &ground.index);
        ground
    }
}

/// What the build writes.
pub(super) type Packed = (Parts, Ground);

/// Puts all in order, and filters where they belong.
pub(super) fn arrange(all: &mut Definitions) {
    filter::apply(all);
    all.rules.sort_by(|a, b| a.slug.cmp(&b.slug));
    all.rules.dedup_by(|a, b| a.slug == b.slug);
    all.correlations.sort_by(|a, b| a.slug.cmp(&b.slug));
    all.causes.sort_by(|a, b| a.id.cmp(&b.id));
    all.codes.values_mut().for_each(|codes| codes.sort_by_key(|code| code.number));
}
