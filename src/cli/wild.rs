//! `logs\*.evtx`: the shells of Windows hand wildcards on as they were typed.

use std::path::{Path, PathBuf};

/// Paths as typed; what has wildcards and names nothing itself becomes all that it stands for, in order of names.
pub fn expanded(typed: &[PathBuf]) -> Vec<PathBuf> {
    typed.iter().flat_map(|path| found(path).unwrap_or_else(|| vec![path.clone()])).collect()
}

/// `None`: it is as it was typed, or stands for nothing.
fn found(path: &Path) -> Option<Vec<PathBuf>> {
    let pattern = path.to_str().filter(|text| text.contains(['*', '?']))?;
    if path.exists() {
        return None;
    }
    let found: Vec<PathBuf> = glob::glob(pattern).ok()?.flatten().collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_shell_expanded_is_expanded() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.jsonl", "a.jsonl", "c.txt", "odd[1].evtx"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let typed = |name: &str| expanded(&[folder.path().join(name)]);
        let here = |names: &[&str]| names.iter().map(|name| folder.path().join(name)).collect::<Vec<_>>();
        assert_eq!(typed("*.jsonl"), here(&["a.jsonl", "b.jsonl"]));
        assert_eq!(typed("?.txt"), here(&["c.txt"]));
        for itself in ["a.jsonl", "odd[1].evtx", "*.etl", "-"] {
            assert_eq!(typed(itself), here(&[itself]));
        }
    }
}
