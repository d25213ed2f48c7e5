//! Standard input as a file: formats are read at any offset, which a pipe cannot give.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};
use whyrdp::source::{Given, HEAD, Problem, Trouble, recognise};

use super::output::Unfinished;

/// What rows call it.
const NAME: &str = "-";

/// A copy of standard input. It vanishes with this value, and when a signal ends the program.
pub struct Spool {
    copy: Option<TempPath>,
    unfinished: Unfinished,
    /// Why the copy is not whole.
    pub trouble: Option<Problem>,
}

impl Spool {
    /// What was named, with a copy in place of every `-`.
    pub fn inputs(paths: &[PathBuf], unfinished: &Unfinished) -> (Vec<Given>, Self) {
        let mut spool = Spool { copy: None, unfinished: unfinished.clone(), trouble: None };
        let (inputs, files): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|path| path.as_os_str() == "-");
        let mut given: Vec<Given> = files.into_iter().map(|path| Given { path: path.clone(), name: None }).collect();
        if inputs.is_empty() {
            return (given, spool);
        }
        if let Err(error) = spool.fill() {
            let what = format!("copying it to {} ended with: {error}", std::env::temp_dir().display());
            let trouble = Trouble::Refused;
            spool.trouble = Some(Problem { name: NAME.to_owned(), offset: None, what, lost: true, trouble });
        }
        if let Some(copy) = &spool.copy {
            given.push(Given { path: copy.to_path_buf(), name: Some(NAME.to_owned()) });
        }
        (given, spool)
    }

    fn fill(&mut self) -> io::Result<()> {
        let made = self.unfinished.make(|| NamedTempFile::with_prefix("whyrdp-"), NamedTempFile::path)?;
        let (mut file, path) = made.into_parts();
        self.copy = Some(path);
        let mut input = io::stdin().lock();
        let mut head = Vec::new();
        input.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
        file.write_all(&head)?;
        // What has no known format fills no disk.
        if recognise(&head).is_some() {
            io::copy(&mut input, &mut file)?;
        }
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Some(copy) = self.copy.take() {
            let path = Path::to_owned(&copy);
            self.unfinished.settle(&path, || drop(copy));
        }
    }
}
