//! Events, and the signatures that look for them.

use std::collections::BTreeSet;

use super::topic::{Kind, Line, Topic};
use crate::signature::Signatures;
use crate::signature::definition::{Cause, Comparison, Correlation, Meaning, Observation, Rule};

/// `Schannel 36870, 36871 (System)`: where the records of a rule or a correlation stand.
pub fn places(signatures: &Signatures, slug: &str) -> String {
    let many = signatures.correlations().iter().find(|one| one.slug == slug);
    let slugs: Vec<&str> = many.map_or_else(|| vec![slug], |one| one.rules.iter().map(String::as_str).collect());
    let mut found: Vec<String> = Vec::new();
    for rule in slugs.into_iter().filter_map(|slug| signatures.rule(slug)) {
        let records = signatures.records(rule);
        for run in records.chunk_by(|a, b| a.0 == b.0) {
            let Some((provider, _)) = run.first() else { continue };
            let ids: Vec<String> = run.iter().map(|(_, id)| id.to_string()).collect();
            let channel = signatures.channel(provider).map(|channel| format!(" ({channel})")).unwrap_or_default();
            let place = format!("{} {}{channel}", signatures.short(provider), ids.join(", "));
            if !found.contains(&place) {
                found.push(place);
            }
        }
    }
    found.join(", ")
}

/// A rule in a line.
pub fn line(signatures: &Signatures, rule: &Rule) -> Line {
    Line {
        text: format!("{} [{}]", rule.about.title, places(signatures, &rule.slug)),
        cause: None,
        more: vec![format!("signature {}", rule.slug)],
    }
}

/// An event by its id, of one provider or of any.
pub fn event(signatures: &Signatures, provider: Option<&str>, id: u32) -> Vec<Topic> {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    for words in signatures.words().iter().filter(|words| words.events.contains_key(&id)) {
        keys.insert(words.provider.clone());
    }
    for (name, _) in signatures.rules().flat_map(|r| signatures.records(r)).filter(|(_, other)| *other == id) {
        if !keys.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            keys.insert(name);
        }
    }
    let exact: BTreeSet<String> = match provider {
        Some(asked) => {
            let whole: BTreeSet<String> = keys.iter().filter(|name| called(signatures, name, asked)).cloned().collect();
            if whole.is_empty() { keys.iter().filter(|name| like(name, asked)).cloned().collect() } else { whole }
        }
        None => keys,
    };
    let mut found: Vec<Topic> = exact.into_iter().map(|name| one(signatures, &name, id)).collect();
    // The one that most is known of first: a bare number means that.
    found.sort_by_key(|topic| std::cmp::Reverse(topic.sections.iter().map(|s| s.lines.len()).sum::<usize>()));
    found
}

fn called(signatures: &Signatures, name: &str, asked: &str) -> bool {
    name.eq_ignore_ascii_case(asked) || signatures.short(name).eq_ignore_ascii_case(asked)
}

fn like(name: &str, asked: &str) -> bool {
    asked.len() > 2 && name.to_lowercase().contains(&asked.to_lowercase())
}

fn one(signatures: &Signatures, provider: &str, id: u32) -> Topic {
    let short = signatures.short(provider);
    let words = signatures.words().iter().find(|words| words.provider.eq_ignore_ascii_case(provider));
    let sentence = words.and_then(|words| words.events.get(&id)).map(|text| fields(text));
    let rules: Vec<&Rule> = signatures
        .rules()
        .filter(|r| signatures.records(r).iter().any(|(name, n)| *n == id && name.eq_ignore_ascii_case(provider)))
        .collect();
    let title = sentence.or_else(|| rules.first().map(|rule| rule.about.title.clone())).unwrap_or_default();
    let mut topic = Topic::new(Kind::Event, format!("{short}/{id}"), title);
    topic.fact("provider", provider);
    topic.fact("channel", words.map(|words| words.channel.clone()).unwrap_or_default());
    let lines = rules.iter().map(|rule| Line {
        text: rule.about.title.clone(),
        cause: None,
        more: [format!("signature {}", rule.slug), rule.about.description.clone()]
            .into_iter()
            .chain(rule.meaning.as_ref().map(meaning))
            .filter(|text| !text.is_empty())
            .collect(),
    });
    topic.section("What it tells", lines.collect());
    let slugs: BTreeSet<&str> = rules.iter().map(|rule| rule.slug.as_str()).collect();
    bears(signatures, &mut topic, &slugs);
    let claims = signatures
        .claims()
        .iter()
        .filter(|claim| claim.events.iter().any(|event| event.eq_ignore_ascii_case(&format!("{short}/{id}"))));
    topic.section("What is claimed of it", claims.map(super::dialogs::claim_line).collect());
    topic
}

/// A template with its fields in angle brackets.
fn fields(text: &str) -> String {
    let mut out = String::new();
    for (at, piece) in text.split('{').enumerate() {
        match piece.split_once('}') {
            Some((field, rest)) if at > 0 => {
                let name = field.split('|').next().unwrap_or(field).trim();
                out.push_str(&format!("<{name}>{rest}"));
            }
            _ => out.push_str(piece),
        }
    }
    out
}

fn meaning(meaning: &Meaning) -> String {
    let mut told = vec![format!("written by the {}", meaning.host)];
    told.extend(meaning.reaches.map(|phase| format!("proves the phase {phase} entered")));
    told.extend(meaning.stops.map(|phase| format!("proves the phase {phase} failed")));
    told.extend(meaning.implies.map(|outcome| format!("where nothing else shows the attempt, it {outcome}")));
    told.extend(meaning.sets.as_ref().map(|set| format!("sets {} to {}", set.state, set.value)));
    told.join("; ")
}

/// Causes whose evidence names one of these rules.
pub fn bears(signatures: &Signatures, topic: &mut Topic, slugs: &BTreeSet<&str>) {
    let mut lines = Vec::new();
    for cause in signatures.causes() {
        for bearing in bearings(cause, slugs) {
            lines.push(Line {
                text: format!("{} ({})", cause.title, bearing.0),
                cause: Some(cause.id.clone()),
                more: Some(bearing.1).filter(|why| !why.is_empty()).into_iter().collect(),
            });
        }
    }
    topic.section("Causes that it bears on", lines);
}

fn bearings(cause: &Cause, slugs: &BTreeSet<&str>) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for clue in &cause.evidence {
        let names = match &clue.what {
            Observation::Rule(rule) | Observation::Absent { rule, .. } => slugs.contains(rule.as_str()),
            Observation::Sequence { rules, .. } => rules.iter().any(|rule| slugs.contains(rule.as_str())),
            Observation::State { .. } | Observation::SessionAfter { .. } => false,
        };
        let absent = matches!(clue.what, Observation::Absent { .. });
        let word = if absent { "its absence" } else { clue.bearing.word() };
        if names && !found.iter().any(|(known, _)| *known == word) {
            found.push((word, clue.why.clone()));
        }
    }
    found
}

/// A rule.
pub fn rule(signatures: &Signatures, rule: &Rule) -> Topic {
    let mut topic = Topic::new(Kind::Signature, rule.slug.clone(), rule.about.title.clone());
    topic.fact("family", rule.family.clone());
    topic.fact("level", rule.about.level.clone());
    topic.fact("records", places(signatures, &rule.slug));
    topic.fact("id", rule.about.id.clone());
    topic.fact("tags", rule.about.tags.join(", "));
    topic.section("What it tells", vec![Line::plain(rule.about.description.clone())]);
    let about = rule.meaning.as_ref();
    topic.section("What it is good for", about.map(|m| Line::plain(meaning(m))).into_iter().collect());
    bears(signatures, &mut topic, &BTreeSet::from([rule.slug.as_str()]));
    topic.texts("Sources", &rule.about.references);
    topic
}

/// A correlation.
pub fn correlation(signatures: &Signatures, one: &Correlation) -> Topic {
    let mut topic = Topic::new(Kind::Signature, one.slug.clone(), one.title.clone());
    topic.fact("family", one.family.clone());
    topic.fact("level", one.level.clone());
    let bounds: Vec<String> = one.thresholds.iter().map(|(how, number)| format!("{} {number}", sign(*how))).collect();
    topic.fact("fires at", format!("{} within {} s", bounds.join(" and "), one.timespan / 10_000_000));
    topic.section("What it tells", vec![Line::plain(one.description.clone())]);
    let counted = one.rules.iter().filter_map(|slug| signatures.rule(slug));
    topic.section("What it counts", counted.map(|rule| line(signatures, rule)).collect());
    bears(signatures, &mut topic, &BTreeSet::from([one.slug.as_str()]));
    topic
}

fn sign(how: Comparison) -> &'static str {
    match how {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

/// All events of a provider that words or signatures know.
pub fn provider(signatures: &Signatures, asked: &str) -> Vec<Topic> {
    let named = signatures.words().iter().filter(|words| called(signatures, &words.provider, asked));
    named
        .map(|words| {
            let mut topic = Topic::new(Kind::Provider, words.short.clone(), words.provider.clone());
            topic.fact("channel", words.channel.clone());
            let lines = words.events.iter().map(|(id, text)| Line::plain(format!("{id}: {}", fields(text))));
            topic.section("Events", lines.collect());
            topic
        })
        .collect()
}
