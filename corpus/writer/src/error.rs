//! What can go wrong while a case is read or its logs are written.

use std::path::{Path, PathBuf};

/// Any failure of this crate.
#[derive(Debug)]
pub enum Error {
    /// A file could not be read or written.
    Io(PathBuf, std::io::Error),
    /// A YAML file is not what it should be.
    Yaml(PathBuf, String),
    /// A text does not fit the type of its field.
    Value {
        /// The wanted type.
        kind: String,
        /// The text that does not fit.
        text: String,
    },
    /// The scenario says something that cannot be; the words name the place.
    Scenario(String),
    /// The log would break a limit of the format.
    Format(String),
}

impl Error {
    pub(crate) fn value(kind: &str, text: &str) -> Self {
        Self::Value { kind: kind.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn scenario(words: impl Into<String>) -> Self {
        Self::Scenario(words.into())
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |error| Self::Io(path.to_owned(), error)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Yaml(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Value { kind, text } => write!(f, "not a value of type {kind}: {text:?}"),
            Self::Scenario(words) | Self::Format(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for Error {}
