//! YAML files, with the file's name in every complaint.

use crate::error::Error;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads one YAML file.
///
/// # Errors
/// [`Error::Io`] or [`Error::Yaml`].
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    serde_saphyr::from_str(&text).map_err(|e| Error::Yaml(path.to_owned(), e.to_string()))
}

/// Reads all `*.yml` of a directory, by file stem.
///
/// # Errors
/// [`Error::Io`] or [`Error::Yaml`].
pub fn read_dir<T: DeserializeOwned>(dir: &Path) -> Result<BTreeMap<String, T>, Error> {
    let mut out = BTreeMap::new();
    for path in entries(dir)? {
        if path.extension().is_some_and(|e| e == "yml") {
            let stem = path.file_stem().unwrap_or_default();
            out.insert(stem.to_string_lossy().into_owned(), read(&path)?);
        }
    }
    Ok(out)
}

/// The entries of a directory, sorted.
///
/// # Errors
/// [`Error::Io`].
pub fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = std::fs::read_dir(dir).map_err(Error::io(dir))?;
    let mut paths =
        entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(Error::io(dir))?;
    paths.sort();
    Ok(paths)
}
