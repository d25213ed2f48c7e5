//! Definitions made ready: immutable, shared by all threads, asked by slug, by id,
//! by code, and by event.

use std::path::PathBuf;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::builtin;
use super::bundle::Bundle;
use super::definition::{Cause, Claim, Code, CodeRange, Correlation, Definitions, Dialog, Pair, Rule, Words};
use super::index::ListId;
use super::matcher::Matcher;
use super::parts::{self, Ground, Parts};
use super::phrase;
use super::pins::{self, Pin};
use super::read::{self, Problem};
use super::wording;
use super::wrapped::{self, STATUS};
use crate::event::{Event, Interest};

/// The number of a rule in one set of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// Number space of what Windows writes as `%%2313`.
const MESSAGES: &str = "messages";

/// A set of signatures, ready for use.
#[derive(Debug)]
pub struct Signatures {
    parts: Parts,
    /// One for each rule, in the same order, made when it is first met.
    ready: Vec<OnceLock<Option<Ready>>>,
    /// One for each list of the index, made when it is first met.
    bundles: Vec<OnceLock<Bundle>>,
    ground: Ground,
    words: OnceLock<FxHashMap<String, usize>>,
}

impl Signatures {
    /// What comes with the program, if wanted, with each of these folders laid over it.
    pub fn open(builtin: bool, folders: &[PathBuf]) -> (Self, Vec<Problem>) {
        // What the build and the tests have looked at alone needs no second look.
        if builtin && folders.is_empty() {
            let (parts, ground) = builtin::packed();
            let ready = parts.rules.iter().map(|_| OnceLock::new()).collect();
            return (Self::new(parts, ready, ground), Vec::new());
        }
        let mut all = if builtin { Definitions::builtin() } else { Definitions::default() };
        let mut problems = Vec::new();
        for folder in folders {
            let (own, found) = read::load_dir(folder);
            problems.extend(found);
            all.merge(own);
        }
        let (signatures, found) = Self::compile(all);
        problems.extend(found);
        (signatures, problems)
    }

    /// Makes definitions ready. Rules that cannot be used are left out, and told of.
    pub fn compile(mut all: Definitions) -> (Self, Vec<Problem>) {
        call_by_slug(&mut all);
        let mut problems: Vec<Problem> = read::check_links(&all).into_iter().map(|(problem, _)| problem).collect();
        parts::arrange(&mut all);
        let (mut ready, mut pins) = (Vec::with_capacity(all.rules.len()), Vec::with_capacity(all.rules.len()));
        all.rules.retain(|rule| match Ready::checked(rule) {
            Ok(one) => {
                pins.push(one.pins.clone());
                ready.push(OnceLock::from(Some(one)));
                true
            }
            Err(message) => {
                let file = format!("rules/{}/{}.yml", rule.family, rule.slug);
                problems.push(Problem { file, line: 0, rule: Some(rule.slug.clone()), code: "unusable", message });
                false
            }
        });
        // One that lacks a rule would count too few: it is left out, and was told of.
        let Definitions { rules, correlations, .. } = &mut all;
        let there = |slug: &String| rules.binary_search_by(|rule| rule.slug.cmp(slug)).is_ok();
        correlations.retain(|correlation| correlation.rules.iter().all(there));
        let ground = Ground::of(&all, &pins);
        (Self::new(all.into(), ready, ground), problems)
    }

    fn new(parts: Parts, ready: Vec<OnceLock<Option<Ready>>>, ground: Ground) -> Self {
        let bundles = (0..ground.index.list_count()).map(|_| OnceLock::new()).collect();
        Signatures { parts, ready, bundles, ground, words: OnceLock::new() }
    }

    /// Every rule, by slug; a [`RuleId`] counts in this order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.parts.rules.iter().map(|(_, rule)| &**rule)
    }

    /// The rule of this slug.
    pub fn rule(&self, slug: &str) -> Option<&Rule> {
        self.rule_id(slug).and_then(|id| self.rule_at(id))
    }

    /// The number of the rule of this slug.
    pub fn rule_id(&self, slug: &str) -> Option<RuleId> {
        let at = self.parts.rules.binary_search_by(|(own, _)| (**own).cmp(slug)).ok()?;
        u32::try_from(at).ok().map(RuleId)
    }

    /// The rule of this number.
    pub fn rule_at(&self, id: RuleId) -> Option<&Rule> {
        self.parts.rules.get(usize::try_from(id.0).ok()?).map(|(_, rule)| &**rule)
    }

    /// Providers that the rule names, as it spells them; none where it may match any.
    pub fn providers(&self, rule: &Rule) -> &[String] {
        let at = self.rule_id(&rule.slug).and_then(|id| usize::try_from(id.0).ok());
        at.and_then(|at| self.ground.providers.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Every cause, by id.
    pub fn causes(&self) -> &[Cause] {
        &self.parts.causes
    }

    /// The cause of this id.
    pub fn cause(&self, id: &str) -> Option<&Cause> {
        let at = self.causes().binary_search_by(|cause| cause.id.as_str().cmp(id)).ok()?;
        self.causes().get(at)
    }

    /// Every correlation, by slug.
    pub fn correlations(&self) -> &[Correlation] {
        &self.parts.correlations
    }

    /// Names of the number spaces: those that have a title, the likeliest first, then the others by name.
    pub fn spaces(&self) -> impl Iterator<Item = &str> {
        let titled = self.parts.spaces.iter().map(|space| space.name.as_str());
        let other = |name: &&str| self.space_title(name).is_none();
        let tables = &self.parts.codes;
        titled.filter(|name| tables.contains_key(*name)).chain(tables.keys().map(String::as_str).filter(other))
    }

    /// How people call a number space.
    pub fn space_title(&self, name: &str) -> Option<&str> {
        self.parts.spaces.iter().find(|space| space.name == name).map(|space| space.title.as_str())
    }

    /// The codes of a number space, by number.
    pub fn codes(&self, space: &str) -> &[Code] {
        self.parts.codes.get(space).map_or(&[], |codes| codes.as_slice())
    }

    /// What a number means. One that wraps another, and means nothing itself, means what that means.
    pub fn code(&self, space: &str, number: u32) -> Option<&Code> {
        let codes = self.codes(space);
        let find =
            |number: u32| codes.binary_search_by_key(&number, |code| code.number).ok().and_then(|at| codes.get(at));
        find(number).or_else(|| find(wrapped::inner(space, number)?))
    }

    /// Groups of codes of a number space.
    pub fn ranges(&self, space: &str) -> &[CodeRange] {
        self.parts.ranges.get(space).map_or(&[], Vec::as_slice)
    }

    /// Code pairs that mean more than their halves.
    pub fn pairs(&self) -> &[Pair] {
        &self.parts.pairs
    }

    /// Dialogs, by id.
    pub fn dialogs(&self) -> &[Dialog] {
        &self.parts.dialogs
    }

    /// The dialogs whose words stand in a text, the best first.
    pub fn dialogs_in(&self, text: &str) -> Vec<&Dialog> {
        phrase::dialogs(&self.parts.dialogs, text)
    }

    /// Popular claims, by id.
    pub fn claims(&self) -> &[Claim] {
        &self.parts.claims
    }

    /// Providers, as the rule spells them, with the event ids by which it may match.
    pub fn records(&self, rule: &Rule) -> Vec<(String, u32)> {
        let Some(ready) = self.rule_id(&rule.slug).and_then(|id| self.ready(id)) else { return Vec::new() };
        let mut found = Vec::new();
        for provider in self.providers(rule) {
            let lower = provider.to_lowercase();
            let fits = |pin: &&Pin| pin.providers.as_ref().is_some_and(|names| names.contains(&lower));
            let ids = ready.pins.iter().filter(fits).flat_map(|pin| pin.ids.iter().flatten());
            found.extend(ids.map(|id| (provider.clone(), *id)));
        }
        found.sort();
        found.dedup();
        found
    }

    /// Words for events, by provider.
    pub fn words(&self) -> &[Words] {
        &self.parts.words
    }

    /// SHA-256 of the sources.
    pub fn sha256(&self) -> &str {
        &self.parts.sha256
    }

    /// What sources must hand over for these signatures.
    pub fn interest(&self) -> &Interest {
        &self.ground.interest
    }

    /// Slugs of the rules that name neither provider nor event id: for their sake every record is read.
    pub fn unpinned(&self) -> &[String] {
        &self.ground.unpinned
    }

    /// Puts the rules that match into `out`, in order of their numbers; what was in it is dropped.
    pub fn matches(&self, event: &Event, out: &mut Vec<RuleId>) {
        out.clear();
        self.ground.index.candidates(event, &mut |list| {
            if let Some(bundle) = self.bundle(list) {
                bundle.matches(event, |id| self.ready(id).map(|ready| &ready.matcher), out);
            }
        });
        out.sort_unstable();
    }

    /// The fields that the sentence for an event shows.
    pub fn shown_fields(&self, provider: &str, source_name: &str, event_id: u32) -> Vec<&str> {
        self.template(provider, source_name, event_id).map(|text| wording::fields(text).collect()).unwrap_or_default()
    }

    /// The sentence for an event, if there are words for it. `field` should look into the
    /// record's own data first: event 104 has a `Channel` there, the log that was cleared.
    pub fn message(
        &self,
        provider: &str,
        source_name: &str,
        event_id: u32,
        field: &dyn Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let text = self.template(provider, source_name, event_id)?;
        let value = |name: &str, space: Option<&str>| {
            let value = field(name)?;
            Some(match space {
                Some(space) => self.decode(space, &value),
                None => value,
            })
        };
        wording::fill(text, &value)
    }

    /// A code in words: `2308 (0x904, socket closed)`, `0xC000006A (wrong password)`; what stands
    /// in hex stays in hex.
    pub fn decode(&self, space: &str, value: &str) -> String {
        let value = value.trim();
        let Some(number) = wording::number(value) else { return value.to_owned() };
        // `%%1058` is the message of that number, which may be that of a Win32 error too.
        let message = value.starts_with("%%") && self.code(space, number).is_none();
        let space = if message { MESSAGES } else { space };
        let meaning = self.code(space, number).map(|code| code.meaning.as_str());
        let (shown, hex) = match space {
            MESSAGES => (format!("%%{number}"), None),
            STATUS if number > 0xFFFF => (format!("0x{number:08X}"), None),
            _ if space == STATUS || value.starts_with("0x") => (format!("0x{number:X}"), None),
            _ => (number.to_string(), (number > 0xFF).then(|| format!("0x{number:X}"))),
        };
        match (hex, meaning) {
            (Some(hex), Some(meaning)) => format!("{shown} ({hex}, {meaning})"),
            (Some(one), None) => format!("{shown} ({one})"),
            (None, Some(one)) => format!("{shown} ({one})"),
            (None, None) => shown,
        }
    }

    /// A provider's short name for timelines.
    pub fn short<'a>(&'a self, provider: &'a str) -> &'a str {
        match self.words_of(provider) {
            Some(words) => &words.short,
            None => provider.strip_prefix("Microsoft-Windows-").unwrap_or(provider),
        }
    }

    /// The channel in which a provider's telling records stand.
    pub fn channel(&self, provider: &str) -> Option<&str> {
        self.words_of(provider).map(|words| words.channel.as_str()).filter(|channel| !channel.is_empty())
    }

    fn ready(&self, id: RuleId) -> Option<&Ready> {
        let at = usize::try_from(id.0).ok()?;
        let make = || Ready::new(self.rule_at(id)?).ok();
        self.ready.get(at)?.get_or_init(make).as_ref()
    }

    fn bundle(&self, list: ListId) -> Option<&Bundle> {
        let make = || {
            let ids = self.ground.index.rules(list).iter().map(|rule| RuleId(*rule));
            Bundle::of(ids.filter_map(|id| Some((id, &self.ready(id)?.matcher))))
        };
        Some(self.bundles.get(list as usize)?.get_or_init(make))
    }

    fn template(&self, provider: &str, source_name: &str, event_id: u32) -> Option<&String> {
        [provider, source_name].iter().find_map(|name| self.words_of(name)?.events.get(&event_id))
    }

    /// This provider runs on systems without Windows' logs too.
    pub fn elsewhere(&self, provider: &str) -> bool {
        self.words_of(provider).is_some_and(|words| words.elsewhere)
    }

    fn words_of(&self, provider: &str) -> Option<&Words> {
        let all = self.words();
        let numbered = || all.iter().enumerate().map(|(at, words)| (words.provider.to_lowercase(), at)).collect();
        all.get(*self.words.get_or_init(numbered).get(&provider.to_lowercase())?)
    }
}

/// Correlations and filters may call rules of another folder by id.
fn call_by_slug(all: &mut Definitions) {
    let Definitions { rules, correlations, filters, .. } = all;
    let counted = correlations.iter_mut().flat_map(|correlation| &mut correlation.rules);
    let narrowed = filters.iter_mut().filter_map(|filter| filter.rules.as_mut()).flatten();
    for name in counted.chain(narrowed) {
        // Ids are UUIDs, which no slug can be.
        if name.contains('-')
            && let Some(rule) = rules.iter().find(|rule| rule.about.id.eq_ignore_ascii_case(name))
        {
            name.clone_from(&rule.slug);
        }
    }
}

/// A rule made ready.
#[derive(Debug)]
struct Ready {
    matcher: Matcher,
    pins: Vec<Pin>,
}

impl Ready {
    fn new(rule: &Rule) -> Result<Self, String> {
        let pins = pins::of(&rule.detection);
        let matcher = Matcher::new(&rule.detection, &pins)?;
        Ok(Ready { matcher, pins })
    }

    /// Of a rule that nobody has looked at.
    fn checked(rule: &Rule) -> Result<Self, String> {
        let ready = Ready::new(rule)?;
        if ready.pins.is_empty() {
            return Err("the rule can match no event: its event ids exclude each other".to_owned());
        }
        ready.matcher.check()?;
        Ok(ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_worked_out_what_a_start_would() {
        let (built, _) = Signatures::open(true, &[]);
        let (made, problems) = Signatures::compile(Definitions::builtin());
        assert_eq!(problems, []);
        assert!(built.ground == made.ground, "rules, and what is wanted of records, are told by the same code");
        for (one, other) in built.rules().zip(made.rules()) {
            assert_eq!(one, other);
            assert_eq!((built.providers(one), built.records(one)), (made.providers(other), made.records(other)));
        }
        assert!(built.rules().len() > 500 && built.rules().len() == made.rules().len());
    }
}
