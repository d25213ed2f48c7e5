//! Cases: folders with `scenario.yml`, `expect.yml` and `logs.sha256`.

use crate::error::Error;
use crate::expand::{self, Library};
use crate::logs::{self, Log};
use crate::scenario::Scenario;
use crate::text::Form;
use crate::{seed, traces};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A case and what is true of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name of its folder.
    pub slug: String,
    /// Its folder.
    pub dir: PathBuf,
    /// One line on what happens.
    pub title: String,
    /// What a report on its logs has to say.
    pub expect: Expect,
}

/// The truth about a case, from `expect.yml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Root causes, one of which is the report's top cause; `None`: nobody may be blamed.
    pub top: Option<Vec<String>>,
    /// Causes that may appear besides, with any verdict.
    #[serde(default)]
    pub also: Vec<String>,
    /// Causes that must be neither probable nor confirmed.
    #[serde(default)]
    pub never: Vec<String>,
    /// How many attempts there are and how they ended.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// The honest answer is that these logs do not tell.
    #[serde(default)]
    pub cannot_judge: bool,
    /// Families or causes that the report has to rule out.
    #[serde(default)]
    pub ruled_out: Vec<String>,
    /// What the report must know of clocks, by computer.
    #[serde(default)]
    pub clocks: BTreeMap<String, Clock>,
    /// States of channels, by `COMPUTER/CHANNEL`.
    #[serde(default)]
    pub states: BTreeMap<String, String>,
    /// What must stand in the commands of what is to be collected.
    #[serde(default)]
    pub collect: Vec<String>,
    /// Why reports get this case wrong as yet; it still counts as wrong.
    #[serde(default)]
    pub known_miss: Option<String>,
    /// Why this is the truth.
    pub about: String,
    /// What the case was made from.
    #[serde(default)]
    pub made_from: Vec<String>,
}

/// A clock; what is not given is not checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// `reference`, `aligned`, `assumed` or `unaligned`.
    #[serde(default)]
    pub state: Option<String>,
    /// How far it is ahead of the reference, to the second.
    #[serde(default)]
    pub offset: Option<String>,
    /// Parts between steps.
    #[serde(default)]
    pub segments: Option<u64>,
}

impl Clock {
    /// How far it is ahead, in milliseconds.
    ///
    /// # Errors
    /// [`Error::Value`] where the span cannot be read.
    pub fn offset_ms(&self) -> Result<Option<i64>, Error> {
        self.offset.as_deref().map(|text| crate::span::parse(text).map(|ticks| ticks / 10_000)).transpose()
    }
}

/// Numbers of attempts; a number not given is not checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// All of them.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// Those that reached no session.
    #[serde(default)]
    pub failed: Option<u32>,
    /// Those whose session ended as wanted or still runs.
    #[serde(default)]
    pub established: Option<u32>,
    /// Those whose session ended against the user's will.
    #[serde(default)]
    pub dropped: Option<u32>,
    /// Those that the user cancelled.
    #[serde(default)]
    pub abandoned: Option<u32>,
}

/// A difference between what a case generates and what stands in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The file, relative to the corpus.
    pub file: PathBuf,
    /// What is wrong with it.
    pub what: &'static str,
}

/// The name of the list of hashes in a case's folder.
const HASHES: &str = "logs.sha256";
/// The folder of logs that are committed whole.
const COMMITTED: &str = "logs";

/// All cases of a corpus, by slug.
///
/// # Errors
/// [`Error::Io`] and [`Error::Yaml`], naming the file.
pub fn cases(corpus_dir: &Path) -> Result<Vec<Case>, Error> {
    let dirs = crate::yaml::entries(corpus_dir)?;
    let dirs = dirs.into_iter().filter(|d| d.join("scenario.yml").is_file());
    dirs.map(|dir| {
        Ok(Case {
            slug: slug(&dir),
            title: Scenario::read(&dir)?.title,
            expect: crate::yaml::read(&dir.join("expect.yml"))?,
            dir,
        })
    })
    .collect()
}

/// Writes the logs of a case below `out_dir` (`HOST/CHANNEL-FILE-NAME.evtx`) and returns their
/// paths. Files that are there already are overwritten.
///
/// # Errors
/// Any [`Error`], with the place in the scenario.
pub fn generate(case_dir: &Path, out_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    write(make(case_dir, None)?, out_dir)
}

/// As [`generate`], every log in this form.
///
/// # Errors
/// Any [`Error`], with the place in the scenario.
pub fn generate_as(case_dir: &Path, out_dir: &Path, form: Form) -> Result<Vec<PathBuf>, Error> {
    write(make(case_dir, Some(form))?, out_dir)
}

fn write(logs: Vec<Log>, out_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for log in logs {
        let path = out_dir.join(&log.path);
        let parent = path.parent().unwrap_or(out_dir);
        std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
        std::fs::write(&path, &log.bytes).map_err(Error::io(&path))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Rewrites `logs.sha256`, and the committed logs where the case has some.
///
/// # Errors
/// Any [`Error`].
pub fn write_hashes(case_dir: &Path) -> Result<(), Error> {
    let path = case_dir.join(HASHES);
    let text = hashes(&make(case_dir, None)?);
    std::fs::write(&path, text).map_err(Error::io(&path))?;
    let committed = case_dir.join(COMMITTED);
    if committed.is_dir() {
        std::fs::remove_dir_all(&committed).map_err(Error::io(&committed))?;
        generate(case_dir, &committed)?;
    }
    Ok(())
}

/// Compares what a case generates with its `logs.sha256` and its committed logs.
///
/// # Errors
/// Any [`Error`].
pub fn check(case_dir: &Path) -> Result<Vec<Difference>, Error> {
    let logs = make(case_dir, None)?;
    let slug = PathBuf::from(slug(case_dir));
    let mut found = Vec::new();
    let path = case_dir.join(HASHES);
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let stored: BTreeMap<&str, &str> =
        stored.lines().filter_map(|line| line.split_once("  ").map(|(hash, name)| (name, hash))).collect();
    let made = hashes(&logs);
    let made: BTreeMap<&str, &str> =
        made.lines().filter_map(|line| line.split_once("  ").map(|(hash, name)| (name, hash))).collect();
    for name in made.keys().chain(stored.keys()) {
        let what = match (made.get(name), stored.get(name)) {
            (Some(a), Some(b)) if a == b => continue,
            (Some(_), Some(_)) => "generates other bytes than logs.sha256 says",
            (Some(_), None) => "is not in logs.sha256",
            _ => "is in logs.sha256 and not generated",
        };
        let file = slug.join(name);
        found.push(Difference { file, what });
    }
    let committed = case_dir.join(COMMITTED);
    if committed.is_dir() {
        for log in &logs {
            let path = committed.join(&log.path);
            if std::fs::read(&path).ok().as_deref() != Some(&log.bytes) {
                let file = slug.join(COMMITTED).join(&log.path);
                let what = "is committed with other bytes";
                found.push(Difference { file, what });
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found.dedup();
    Ok(found)
}

fn make(case_dir: &Path, form: Option<Form>) -> Result<Vec<Log>, Error> {
    let (scenario, library, salt) = open(case_dir)?;
    let story = expand::story(&scenario, library, &salt)?;
    let mut logs = traces::traces(&scenario, &library.shapes, &story)?;
    logs.extend(logs::logs(&scenario, &library.shapes, story.happenings, form)?);
    logs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(logs)
}

/// The scenario of a case, what it is made with, and what tells its numbers from other cases'.
pub(crate) fn open(case_dir: &Path) -> Result<(Scenario, &'static Library, String), Error> {
    let library = Library::shared()?;
    let scenario = Scenario::read(case_dir)?;
    // A case that is like another has the same numbers as that one.
    let salt = scenario.like.clone().unwrap_or_else(|| slug(case_dir));
    Ok((scenario, library, salt))
}

fn hashes(logs: &[Log]) -> String {
    let line = |log: &Log| {
        let name = log.path.to_string_lossy().replace('\\', "/");
        format!("{}  {name}\n", seed::sha256_hex(&log.bytes))
    };
    logs.iter().map(line).collect()
}

fn slug(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
