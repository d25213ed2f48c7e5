//! From what was named to a list of inputs: files and directories (with all below).
//! Nothing is opened that could block or that is no file.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{HEAD, Input, recognise};

const OWN: &str = "written by whyrdp itself: `whyrdp correlate` takes rows, `whyrdp verify` takes reports";
/// Opening one could wait for ever, and what it gives cannot be read at any offset.
const PIPE: &str =
    "not a file, and not opened: a pipe, device or socket; give it as standard input: whyrdp ... - < PIPE";

/// What was found.
#[derive(Debug, Default)]
pub struct Discovery {
    /// Recognised files, bytewise by name, each file once.
    pub inputs: Vec<Input>,
    /// What could not be used.
    pub problems: Vec<Problem>,
    /// Files in directories that no format recognised and no name promised to be a log.
    pub skipped: u64,
}

/// Something that was named, or lies below it, and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// What rows call it.
    pub name: String,
    /// Byte offset, where the trouble has a place.
    pub offset: Option<u64>,
    /// What is wrong, in words.
    pub what: String,
    /// Records may be missing because of it.
    pub lost: bool,
    /// Of what kind the trouble is.
    pub trouble: Trouble,
}

/// Why something that was named cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Nothing of that name is there.
    Missing,
    /// The system does not let it be read, and the problem's words are the system's.
    Refused,
    /// It is there and can be looked at, and is nothing to read.
    NoLog,
}

impl From<&io::Error> for Trouble {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Trouble::Missing,
            // Without an answer of the system, its name alone was at fault.
            _ if error.raw_os_error().is_none() => Trouble::NoLog,
            _ => Trouble::Refused,
        }
    }
}

/// A path as it was named, and what rows shall call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// File or directory.
    pub path: PathBuf,
    /// Name in rows; that of the path where none is given.
    pub name: Option<String>,
}

/// [`discover_given`] for paths that name themselves.
pub fn discover(paths: &[PathBuf]) -> Discovery {
    let given: Vec<_> = paths.iter().map(|path| Given { path: path.clone(), name: None }).collect();
    discover_given(&given)
}

/// Finds the inputs in what was named. Order and duplicates of `given` make no difference.
pub fn discover_given(given: &[Given]) -> Discovery {
    let mut search = Search::default();
    for given in given {
        let name = given.name.clone().unwrap_or_else(|| given.path.to_string_lossy().into_owned());
        search.named(&given.path, name);
    }
    search.finish()
}

#[derive(Default)]
struct Search {
    /// By what file it really is, so that none is read twice.
    found: BTreeMap<PathBuf, Input>,
    discovery: Discovery,
}

/// How a file came to be looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// Its own name was given.
    Name,
    /// It lies in a directory that was given.
    Directory,
}

impl Search {
    fn problem(&mut self, name: String, what: impl ToString, lost: bool, trouble: Trouble) {
        self.discovery.problems.push(Problem { name, offset: None, what: what.to_string(), lost, trouble });
    }

    /// Something that is there, and that nobody can read a log from.
    fn no_log(&mut self, name: String, what: &str, lost: bool) {
        self.problem(name, what, lost, Trouble::NoLog);
    }

    fn named(&mut self, path: &Path, name: String) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.directory(path, &name),
            Ok(metadata) => self.file(path, name, &metadata, By::Name),
            Err(error) => self.problem(name, &error, true, (&error).into()),
        }
    }

    fn directory(&mut self, directory: &Path, name: &str) {
        let walk = WalkDir::new(directory).follow_links(true).sort_by(|a, b| {
            let (a, b) = (a.file_name(), b.file_name());
            a.as_encoded_bytes().cmp(b.as_encoded_bytes())
        });
        for entry in walk {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => {
                    let called = below(directory, name, entry.path());
                    match entry.metadata() {
                        Ok(metadata) => self.file(entry.path(), called, &metadata, By::Directory),
                        Err(error) => self.unreadable(directory, name, &error),
                    }
                }
                Err(error) => self.unreadable(directory, name, &error),
            }
        }
    }

    fn unreadable(&mut self, directory: &Path, name: &str, error: &walkdir::Error) {
        let path = error.path().unwrap_or(directory);
        let called = below(directory, name, path);
        if let Some(ancestor) = error.loop_ancestor() {
            let what = format!("a link back to {}: not followed", below(directory, name, ancestor));
            return self.no_log(called, &what, false);
        }
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        let (what, trouble) = match error.io_error() {
            // The link itself is there.
            Some(error) if is_link => (format!("a link that leads nowhere: {error}"), Trouble::Refused),
            Some(error) => (error.to_string(), error.into()),
            None => (error.to_string(), Trouble::NoLog),
        };
        let lost = !is_link || promises_a_log(path);
        self.problem(called, what, lost, trouble);
    }

    fn file(&mut self, path: &Path, name: String, metadata: &Metadata, by: By) {
        if !metadata.is_file() {
            return self.no_log(name, PIPE, by == By::Name);
        }
        let expected = by == By::Name || promises_a_log(path);
        let (head, identity) = match read_head(path).and_then(|head| Ok((head, fs::canonicalize(path)?))) {
            Ok(read) => read,
            Err(error) => return self.problem(name, &error, true, (&error).into()),
        };
        match recognise(&head) {
            Some(format) => {
                let input = Input { path: path.to_owned(), name, format: format.name, bytes: metadata.len() };
                self.add(identity, input);
            }
            None if !expected => self.discovery.skipped += 1,
            None if head.is_empty() => self.no_log(name, "the file is empty", true),
            None if is_own(&head) => self.no_log(name, OWN, true),
            None => self.no_log(name, "of no format that can be read", true),
        }
    }

    /// Of several names of one file the bytewise smallest stays.
    fn add(&mut self, identity: PathBuf, input: Input) {
        let known = self.found.get(&identity);
        if known.is_none_or(|known| input.name < known.name) {
            self.found.insert(identity, input);
        }
    }

    fn finish(self) -> Discovery {
        let mut discovery = self.discovery;
        discovery.inputs = self.found.into_values().collect();
        discovery.inputs.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
        discovery.problems.sort();
        discovery.problems.dedup();
        discovery
    }
}

/// What rows call a path below a directory that rows call `name`.
fn below(directory: &Path, name: &str, path: &Path) -> String {
    match path.strip_prefix(directory) {
        Ok(rest) if rest.as_os_str().is_empty() => name.to_owned(),
        Ok(rest) => Path::new(name).join(rest).to_string_lossy().into_owned(),
        Err(_) => path.to_string_lossy().into_owned(),
    }
}

/// What this program writes begins so.
fn is_own(head: &[u8]) -> bool {
    let start: Vec<u8> = head.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(64).collect();
    start.starts_with(b"{\"schema_version\":")
}

/// Does its name say that it is a log?
fn promises_a_log(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["evtx", "etl", "pcap", "pcapng"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}
