//! The built-in signatures keep their promises.

#![allow(clippy::print_stdout, reason = "times are shown, not judged")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use whyrdp::event::{Fields, Names, System};
use whyrdp::signature::definition::{Definitions, Tests};
use whyrdp::signature::read::{check_links, load_dir};
use whyrdp::signature::{Signatures, Sources, event, test_rule};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("signatures")
}

fn folder() -> Definitions {
    let (all, problems) = load_dir(&root());
    assert_eq!(problems, []);
    all
}

#[test]
fn the_blob_holds_what_the_folder_holds() {
    let mut all = folder();
    // Examples stay out: nothing but tests asks for them.
    all.rules.iter_mut().filter_map(|rule| rule.meaning.as_mut()).for_each(|meaning| meaning.tests = Tests::default());
    assert_eq!(Definitions::builtin(), all);
    assert!(!Sources::builtin().0.is_empty());
    assert_eq!(Sources::builtin(), Sources::folder(&root()).0);
}

#[test]
fn every_rule_matches_and_misses_as_its_examples_say() {
    let mut wrong = Vec::new();
    for rule in &folder().rules {
        if rule.meaning.is_none() {
            wrong.push(format!("{}: has no whyrdp block", rule.slug));
        }
        for message in test_rule(rule).err().into_iter().flatten() {
            wrong.push(format!("{}: {message}", rule.slug));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sources may fill in first what decides, and the rest of those records alone that matched by it.
#[test]
fn what_decides_is_all_that_rules_look_at() {
    let (signatures, _) = Signatures::compile(folder());
    let interest = signatures.interest();
    let (mut whole, mut part) = (Vec::new(), Vec::new());
    let (mut met, mut less) = (0, 0);
    for rule in signatures.rules() {
        let tests = rule.meaning.iter().map(|meaning| &meaning.tests);
        for example in tests.flat_map(|tests| tests.hits.iter().chain(&tests.misses)) {
            let event = event(example).unwrap();
            let by = [&event.system.provider, &event.system.source_name];
            let wanted = by.map(|name| interest.provider(name).and_then(|wanted| wanted.fields(event.system.event_id)));
            let any = interest.any_provider().fields(event.system.event_id);
            let wanted: Vec<&Fields> = wanted.into_iter().chain([any]).flatten().collect();
            let mut decisive = event.clone();
            decisive.clear();
            decisive.system = event.system.clone();
            if !wanted.iter().any(|fields| matches!(fields, Fields::All | Fields::Named(Names { system: true, .. }))) {
                let System {
                    provider, source_name, provider_guid, event_id, channel, computer, record_id, time, ..
                } = event.system.clone();
                decisive.system = System {
                    provider,
                    source_name,
                    provider_guid,
                    event_id,
                    channel,
                    computer,
                    record_id,
                    time,
                    ..System::default()
                };
            }
            let fields = event.fields().filter(|(name, _)| wanted.iter().any(|fields| fields.decided_by(name)));
            fields.for_each(|(name, value)| decisive.push(name, value));
            signatures.matches(&event, &mut whole);
            signatures.matches(&decisive, &mut part);
            assert_eq!(whole, part, "{}: {example:?}", rule.slug);
            met += whole.len();
            less += event.fields().count() - decisive.fields().count();
        }
    }
    assert!(met > 500 && less > 100, "{met} matches, {less} fields left out");
}

#[test]
fn causes_words_and_correlations_refer_to_what_exists() {
    let found: Vec<String> = check_links(&Definitions::builtin()).iter().map(|(p, _)| p.to_string()).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_name_and_no_id_stands_twice() {
    let all = Definitions::builtin();
    let mut seen = BTreeSet::new();
    let ids = all.rules.iter().map(|rule| &rule.about.id).chain(all.correlations.iter().map(|rule| &rule.id));
    let slugs = all.rules.iter().map(|rule| &rule.slug).chain(all.correlations.iter().map(|rule| &rule.slug));
    let causes = all.causes.iter().map(|cause| &cause.id);
    for name in ids.chain(slugs).chain(causes) {
        assert!(seen.insert(name.to_lowercase()), "{name} stands twice");
    }
}

#[test]
fn rule_files_have_names_that_sigma_takes() {
    let all = Definitions::builtin();
    for slug in all.rules.iter().map(|rule| &rule.slug).chain(all.correlations.iter().map(|rule| &rule.slug)) {
        let fits = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        assert!(fits && (10..=70).contains(&slug.len()), "{slug}");
    }
}

#[test]
fn every_rule_pins_a_provider_and_an_event_id() {
    let (signatures, problems) = Signatures::compile(Definitions::builtin());
    assert_eq!(problems, []);
    assert!(signatures.unpinned().is_empty(), "{:?}", signatures.unpinned());
    let interest = signatures.interest();
    let open: Vec<u32> = interest.any_provider().ids.keys().copied().collect();
    assert!(open.is_empty(), "any provider may match {open:?}");
    for (provider, wanted) in interest.providers() {
        assert!(wanted.others.is_none(), "every event of {provider} is wanted");
    }
}
