//! A folder of signatures. One bad file, or one bad rule in a file, never stops the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::definition::Definitions;
use super::problem::{Complaints, Problem};
use super::sigma::{Document, Place, is_ours};
use super::{cause, codes, dialog, sigma, words, yaml};

const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 50_000;
/// The tables among the number spaces that hold pairs of codes, and how number spaces are called.
const PAIRS: &str = "pairs";
const SPACES: &str = "spaces";
/// Longest slug: the limit of Sigma's own tools for file names.
const SLUG_LENGTH: std::ops::RangeInclusive<usize> = 10..=70;

/// Reads a folder (or one rule file): `rules/**`, `causes/**`, `codes/*.tsv`, `events/*.yml`,
/// `dialogs/*.yml`, `claims/*.yml`, and rules of Sigma wherever else they lie in it.
pub fn load_dir(path: &Path) -> (Definitions, Vec<Problem>) {
    let (files, mut problems) = files_of(path);
    let (definitions, more) = load_text(&files);
    problems.extend(more);
    problems.sort();
    (definitions, problems)
}

/// The text of every file that may hold signatures, by its name relative to `path`.
pub fn files_of(path: &Path) -> (Vec<(String, String)>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for (name, file) in list(path, &mut problems) {
        match read_text(&file) {
            Ok(text) => files.push((name, text)),
            Err(error) => problems.push(unreadable(&name, &error)),
        }
    }
    (files, problems)
}

/// As [`load_dir`], of files at hand: names relative to the folder, with `/`, and their text.
pub fn load_text(files: &[(String, String)]) -> (Definitions, Vec<Problem>) {
    let mut files: Vec<&(String, String)> = files.iter().collect();
    files.sort();
    let mut loader = Loader::default();
    let mut digest = Sha256::new();
    for (name, text) in files {
        digest.update(name.as_bytes());
        digest.update([0]);
        digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(text.as_bytes());
        loader.take(name, text);
    }
    let mut definitions = loader.finish();
    definitions.sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    loader.problems.sort();
    (definitions, loader.problems)
}

fn read_text(file: &Path) -> io::Result<String> {
    // Twice what is read of any file: enough to say how large it is, never enough to hurt.
    if fs::metadata(file)?.len() > 2 * u64::try_from(yaml::MAX_BYTES).unwrap_or(u64::MAX) {
        return Err(io::Error::other("the file is too large for a signature"));
    }
    String::from_utf8(fs::read(file)?).map_err(|_| io::Error::other("the file is not UTF-8"))
}

fn unreadable(name: &str, error: &io::Error) -> Problem {
    let message = format!("cannot be read: {error}");
    Problem { file: name.to_owned(), line: 0, rule: None, code: "unreadable", message }
}

/// Every file that may hold signatures, with its name relative to `root`.
fn list(root: &Path, problems: &mut Vec<Problem>) -> Vec<(String, PathBuf)> {
    if root.is_file() {
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return vec![(name, root.to_owned())];
    }
    let mut found = Vec::new();
    let mut left_out = 0_u32;
    let mut folders = vec![(String::new(), root.to_owned(), 0)];
    while let Some((name, folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(unreadable(if name.is_empty() { "." } else { &name }, &error));
                continue;
            }
        };
        for entry in entries.flatten() {
            let own = entry.file_name().to_string_lossy().into_owned();
            let inner = if name.is_empty() { own.clone() } else { format!("{name}/{own}") };
            // Links to folders are not followed: they may lead in circles.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if own.starts_with('.') {
                continue;
            } else if is_folder {
                if depth < MAX_DEPTH {
                    folders.push((inner, entry.path(), depth + 1));
                } else {
                    let error = io::Error::other(format!("folders more than {MAX_DEPTH} deep are not looked into"));
                    problems.push(unreadable(&inner, &error));
                }
            } else if holds_signatures(&own) {
                if found.len() < MAX_FILES {
                    found.push((inner, entry.path()));
                } else {
                    left_out += 1;
                }
            }
        }
    }
    if left_out > 0 {
        let error = io::Error::other(format!("more than {MAX_FILES} files: {left_out} were left out"));
        problems.push(unreadable(".", &error));
    }
    found.sort();
    found
}

fn holds_signatures(name: &str) -> bool {
    [".yml", ".yaml", ".tsv"].iter().any(|ending| name.to_ascii_lowercase().ends_with(ending))
}

#[derive(Default)]
struct Loader {
    definitions: Definitions,
    problems: Vec<Problem>,
    /// Slug, or cause id with a `:` before it, to its file.
    seen: BTreeMap<String, String>,
    ids: BTreeMap<String, String>,
    /// Sigma `name` or `id` to slug, by which correlations may call rules.
    names: HashMap<String, String>,
    providers: BTreeSet<String>,
    /// File and line of each correlation, by slug.
    correlations: BTreeMap<String, (String, u32)>,
}

impl Loader {
    fn take(&mut self, name: &str, text: &str) {
        let mut complaints = Complaints::new(name);
        let (top, rest) = name.split_once('/').unwrap_or(("", name));
        let (family, stem) = family_and_stem(rest);
        let is_table = name.to_ascii_lowercase().ends_with(".tsv");
        match (top, is_table) {
            ("codes", true) if stem == PAIRS => self.definitions.pairs = codes::pairs(text, &mut complaints),
            ("codes", true) if stem == SPACES => self.definitions.spaces = codes::spaces(text, &mut complaints),
            ("codes", true) => {
                let table = codes::read(text, &mut complaints);
                self.definitions.codes.insert(stem.to_owned(), table.codes);
                if !table.ranges.is_empty() {
                    self.definitions.ranges.insert(stem.to_owned(), table.ranges);
                }
            }
            ("", true) | ("layouts", _) => {}
            (_, true) => complaints.add(0, "place", "tables belong into `codes`"),
            ("causes", _) => self.cause(text, family, stem, &mut complaints),
            ("events", _) => self.words(text, &mut complaints),
            ("dialogs", _) => {
                for document in documents(text, &mut complaints) {
                    self.definitions.dialogs.extend(dialog::dialog(&document, stem, &mut complaints));
                }
            }
            ("claims", _) => {
                for document in documents(text, &mut complaints) {
                    self.definitions.claims.extend(dialog::claim(&document, stem, &mut complaints));
                }
            }
            ("rules", _) => self.rules((name, text), family, stem, &mut complaints),
            _ => {
                let (family, stem) = family_and_stem(name);
                self.rules((name, text), family, stem, &mut complaints);
            }
        }
        self.problems.extend(complaints.into_list());
    }

    fn cause(&mut self, text: &str, family: &str, stem: &str, complaints: &mut Complaints) {
        complaints.about(stem);
        for document in documents(text, complaints) {
            let Some(cause) = cause::read(&document, stem, family, complaints) else { continue };
            match self.seen.insert(format!(":{stem}"), format!("{family}/{stem}")) {
                Some(before) => complaints.add(document.line, "duplicate", format!("the cause stands in {before} too")),
                None => self.definitions.causes.push(cause),
            }
        }
    }

    fn words(&mut self, text: &str, complaints: &mut Complaints) {
        for document in documents(text, complaints) {
            let Some(words) = words::read(&document, complaints) else { continue };
            if self.providers.insert(words.provider.to_lowercase()) {
                self.definitions.words.push(words);
            } else {
                let message = format!("words of `{}` stand in another file too", words.provider);
                complaints.add(document.line, "duplicate", message);
            }
        }
    }

    fn rules(&mut self, file: (&str, &str), family: &str, stem: &str, complaints: &mut Complaints) {
        for (index, document) in documents(file.1, complaints).iter().enumerate() {
            let ours = is_ours(document);
            let mut slug = slug(stem);
            if index > 0 {
                slug = document.get("name").and_then(|n| n.text()).map_or(format!("{slug}_{}", index + 1), self::slug);
            }
            while !ours && self.seen.contains_key(&slug) {
                slug.push_str("_2");
            }
            complaints.about(&slug);
            if ours && index == 0 && (slug != stem || !SLUG_LENGTH.contains(&stem.len())) {
                complaints.add(0, "file-name", "the file's name must be 10 to 70 characters of a-z, 0-9 and _");
                continue;
            }
            let before = complaints.count();
            let read = sigma::read(document, Place { slug: &slug, family }, complaints);
            let id = document.get("id").and_then(|id| id.text()).unwrap_or_default().to_lowercase();
            let place = format!("{family}/{stem}");
            if let Some(other) = self.seen.insert(slug.clone(), place.clone()) {
                complaints.add(document.line, "duplicate", format!("a rule of this name stands in {other} too"));
            }
            if !id.is_empty()
                && let Some(other) = self.ids.insert(id.clone(), place)
            {
                complaints.add(document.line, "duplicate", format!("the id stands in {other} too"));
            }
            if complaints.count() > before {
                continue;
            }
            for name in document.get("name").and_then(|name| name.text()).into_iter().chain([id.as_str()]) {
                self.names.insert(name.to_owned(), slug.clone());
            }
            match read {
                Some(Document::Rule(rule)) => self.definitions.rules.push(*rule),
                Some(Document::Correlation(correlation)) => {
                    self.correlations.insert(slug, (file.0.to_owned(), document.line));
                    self.definitions.correlations.push(*correlation);
                }
                Some(Document::Filter(filter)) => self.definitions.filters.push(*filter),
                None => {}
            }
        }
    }

    /// Sorts, and lets correlations and filters call rules by slug even where they used a name or an id.
    fn finish(&mut self) -> Definitions {
        let mut all = std::mem::take(&mut self.definitions);
        all.rules.sort_by(|a, b| a.slug.cmp(&b.slug));
        all.correlations.sort_by(|a, b| a.slug.cmp(&b.slug));
        all.causes.sort_by(|a, b| a.id.cmp(&b.id));
        all.words.sort_by(|a, b| a.provider.cmp(&b.provider));
        all.dialogs.sort_by(|a, b| a.id.cmp(&b.id));
        all.claims.sort_by(|a, b| a.id.cmp(&b.id));
        all.filters.sort_by(|a, b| a.slug.cmp(&b.slug));
        let known =
            |rule: &String| self.names.get(rule).filter(|_| !self.seen.contains_key(rule)).unwrap_or(rule).clone();
        for correlation in &mut all.correlations {
            correlation.rules.iter_mut().for_each(|rule| *rule = known(rule));
            for fields in correlation.aliases.values_mut() {
                *fields = std::mem::take(fields).into_iter().map(|(rule, field)| (known(&rule), field)).collect();
            }
        }
        all.correlations.retain(|correlation| {
            let Some(other) = correlation.rules.iter().find(|rule| self.correlations.contains_key(*rule)) else {
                return true;
            };
            let message =
                format!("it counts the correlation `{other}`: correlations over correlations are not supported");
            let (file, line) = self.correlations.get(&correlation.slug).cloned().unwrap_or_default();
            self.problems.push(Problem {
                file,
                line,
                rule: Some(correlation.slug.clone()),
                code: "unsupported",
                message,
            });
            false
        });
        for rule in all.filters.iter_mut().filter_map(|filter| filter.rules.as_mut()).flatten() {
            *rule = known(rule);
        }
        all
    }
}

fn documents(text: &str, complaints: &mut Complaints) -> Vec<yaml::Node> {
    let (mut documents, error) = yaml::parse(text);
    if let Some(error) = error {
        complaints.add(error.line, "yaml", error.message);
    }
    documents.retain(|document| !document.is_null());
    documents
}

/// The folder that a file stands in (the whole path, where it lies deeper) and its name without ending.
fn family_and_stem(name: &str) -> (&str, &str) {
    let (family, file) = name.rsplit_once('/').unwrap_or(("", name));
    (family, file.rsplit_once('.').map_or(file, |(stem, _)| stem))
}

/// Any name as a slug: lower case, `_` for what a slug may not hold.
fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}
