//! Where data goes: opened before the work starts, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use same_file::Handle;
use tempfile::NamedTempFile;

use super::exit::{Exit, Failure};

/// Temporary files of outputs that are not finished, so that a signal leaves none behind.
#[derive(Clone, Default)]
pub struct Unfinished(Arc<Mutex<Vec<PathBuf>>>);

impl Unfinished {
    fn paths(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a temporary file; a signal comes before or after it, never between its making and its listing.
    pub fn make<T>(&self, make: impl FnOnce() -> io::Result<T>, path: impl Fn(&T) -> &Path) -> io::Result<T> {
        let mut paths = self.paths();
        let made = make()?;
        paths.push(path(&made).to_owned());
        Ok(made)
    }

    /// Gives a temporary file its name, or takes it away, all at once for a signal.
    pub fn settle<T>(&self, path: &Path, settle: impl FnOnce() -> T) -> T {
        let mut paths = self.paths();
        let done = settle();
        paths.retain(|known| known != path);
        done
    }

    /// Removes them and ends the program. Nothing is finished while this holds the lock.
    pub fn drop_and_exit(&self, exit: Exit) {
        let paths = self.paths();
        for path in paths.iter() {
            let _ = fs::remove_file(path);
        }
        std::process::exit(i32::from(exit.code()))
    }
}

/// Bytes that are written at once: as many as a pipe takes.
const BUFFER: usize = 1 << 16;

/// Where data goes.
pub struct Output {
    target: Target,
    name: String,
}

enum Target {
    /// Standard output.
    Standard(BufWriter<io::Stdout>),
    /// A device or pipe, which nothing can replace.
    Direct(BufWriter<File>),
    /// A file that takes its name when it is whole.
    File(Box<Pending>),
}

struct Pending {
    writer: BufWriter<NamedTempFile<File>>,
    path: PathBuf,
    force: bool,
    unfinished: Unfinished,
}

impl Output {
    /// Opens `path`, or standard output where there is none.
    pub fn open(path: Option<&Path>, force: bool, unfinished: &Unfinished) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            let target = Target::Standard(BufWriter::with_capacity(BUFFER, io::stdout()));
            return Ok(Output { target, name: "standard output".to_owned() });
        };
        let name = path.display().to_string();
        let target = match fs::metadata(path) {
            Ok(known) if known.is_dir() => {
                return Err(Failure::new(Exit::Output, format_args!("{name} is a directory: name a file in it")));
            }
            Ok(known) if !known.is_file() => OpenOptions::new().write(true).open(path).map(direct),
            Ok(_) if !force => {
                let what = format_args!("{name} is there already: --force overwrites it");
                return Err(Failure::new(Exit::Output, what));
            }
            // Where the name is a link, what it leads to is replaced, not the link.
            Ok(_) => fs::canonicalize(path).and_then(|path| pending(&path, force, unfinished)),
            Err(_) => pending(path, force, unfinished),
        };
        match target {
            Ok(target) => Ok(Output { target, name }),
            Err(error) => Err(Failure::output(&name, &error)),
        }
    }

    /// Evidence is never written over: an error where an input is the file that this is to replace.
    pub fn spares<'p>(&self, inputs: impl IntoIterator<Item = &'p Path>) -> Result<(), Failure> {
        let Target::File(pending) = &self.target else { return Ok(()) };
        let Ok(own) = Handle::from_path(&pending.path) else { return Ok(()) };
        // A pipe would wait for its writer.
        let is_file = |input: &&Path| fs::metadata(input).is_ok_and(|known| known.is_file());
        let mut inputs = inputs.into_iter().filter(is_file);
        let is_own = |input: io::Result<Handle>| input.is_ok_and(|input| input == own);
        if is_own(Handle::stdin()) || inputs.any(|input| is_own(Handle::from_path(input))) {
            let what = format_args!("{} is an input: what is read is never overwritten; name another file", self.name);
            return Err(Failure::new(Exit::Output, what));
        }
        Ok(())
    }

    /// Both are to be the same file.
    pub fn is(&self, other: &Output) -> bool {
        match (&self.target, &other.target) {
            (Target::File(own), Target::File(other)) => own.place() == other.place(),
            _ => false,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It is a terminal.
    pub fn is_terminal(&self) -> bool {
        matches!(self.target, Target::Standard(_)) && io::stdout().is_terminal()
    }

    /// Writes with `write`.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let writer: &mut dyn Write = match &mut self.target {
            Target::Standard(writer) => writer,
            Target::Direct(writer) => writer,
            Target::File(pending) => &mut pending.writer,
        };
        write(writer).map_err(|error| Failure::output(&self.name, &error))
    }

    /// Everything is written: a file takes its name.
    pub fn finish(self) -> Result<(), Failure> {
        let done = match self.target {
            Target::Standard(mut writer) => writer.flush(),
            Target::Direct(mut writer) => writer.flush(),
            Target::File(pending) => pending.finish(),
        };
        done.map_err(|error| Failure::output(&self.name, &error))
    }
}

fn direct(file: File) -> Target {
    Target::Direct(BufWriter::with_capacity(BUFFER, file))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file in the same folder, with the rights that any new file gets there.
fn pending(path: &Path, force: bool, unfinished: &Unfinished) -> io::Result<Target> {
    let folder = folder(path);
    let make = || {
        tempfile::Builder::new()
            .prefix(".whyrdp-")
            .suffix(".part")
            .make_in(folder, |path| OpenOptions::new().write(true).create_new(true).open(path))
    };
    let file = unfinished.make(make, NamedTempFile::path)?;
    let writer = BufWriter::with_capacity(BUFFER, file);
    Ok(Target::File(Box::new(Pending { writer, path: path.to_owned(), force, unfinished: unfinished.clone() })))
}

impl Pending {
    /// Its path without links and without `.` and `..`.
    fn place(&self) -> Option<PathBuf> {
        Some(fs::canonicalize(folder(&self.path)).ok()?.join(self.path.file_name()?))
    }

    fn finish(self) -> io::Result<()> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        let part = file.path().to_owned();
        self.unfinished.settle(&part, || {
            let kept = if self.force { file.persist(&self.path) } else { file.persist_noclobber(&self.path) };
            kept.map(drop).map_err(|error| error.error)
        })
    }
}
