//! What several tests share.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![allow(dead_code)]

pub mod trace;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with real logs (`evtx/`, `bad/`, `other/`), unpacked under `target/` at first
/// use; `None`, with a word on stderr, where they are not at hand.
pub fn real_logs() -> Option<PathBuf> {
    unpacked("real-logs.tar.xz", "real-logs")
}

/// The shared folder beside the project.
pub fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = root.parent().map(|parent| parent.join("shared"));
    let found = beside.filter(|shared| shared.is_dir());
    if found.is_none() {
        eprintln!("skipped: no folder `shared` with real logs beside the project");
    }
    found
}

/// An archive of shared data, unpacked under `target/`.
pub fn unpacked(archive: &str, name: &str) -> Option<PathBuf> {
    let archive = shared()?.join("data").join(archive);
    if !archive.is_file() {
        eprintln!("skipped: {} is not there", archive.display());
        return None;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let done = target.join(name);
    if done.is_dir() {
        return Some(done);
    }
    // Other test processes may do the same now: each unpacks apart, the first rename wins.
    let apart = target.join(format!("{name}.{}.{:?}", std::process::id(), std::thread::current().id()));
    fs::create_dir_all(&apart).unwrap();
    let status = Command::new("tar").arg("xf").arg(&archive).arg("-C").arg(&apart).status();
    if !status.is_ok_and(|status| status.success()) {
        eprintln!("skipped: `tar` could not unpack {}", archive.display());
        return None;
    }
    if fs::rename(&apart, &done).is_err() {
        let _ = fs::remove_dir_all(&apart);
    }
    done.is_dir().then_some(done)
}

/// Every file below a folder, in a stable order.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
