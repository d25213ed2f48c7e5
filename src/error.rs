//! What went wrong with one file, in words that a row or the terminal can show.

use std::fmt;
use std::path::{Path, PathBuf};

/// A file that could not be opened or read, the reason, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// Byte offset, where the trouble has a place.
    pub offset: Option<u64>,
    /// The reason, in words.
    pub what: String,
}

impl Error {
    /// Trouble with `path` as a whole.
    pub fn new(path: &Path, what: impl fmt::Display) -> Self {
        Error { path: path.to_owned(), offset: None, what: what.to_string() }
    }

    /// The same, at a byte offset.
    #[must_use]
    pub fn at(self, offset: u64) -> Self {
        Error { offset: Some(offset), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        if let Some(offset) = self.offset {
            write!(f, "at byte {offset}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}
