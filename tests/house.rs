//! The rules of the house, held against the source itself.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    rust_files(&root).iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// Room of a file: its first folder or its own name.
fn room(file: &str) -> String {
    file.split('/').next().unwrap().trim_end_matches(".rs").to_string()
}

/// What stands before the tests of a file.
fn code(text: &str) -> &str {
    text.split("mod tests {").next().unwrap()
}

/// Rooms that the lines of a file name, as `crate::room`.
fn named(text: &str) -> Vec<String> {
    let code = code(text);
    let mut found = Vec::new();
    for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        for part in line.split("crate::").skip(1) {
            let word: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push(word);
        }
    }
    found
}

#[test]
fn every_room_names_only_the_rooms_it_may() {
    let may: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("event", &[][..]),
        ("error", &[][..]),
        ("os", &[][..]),
        ("step", &[][..]),
        ("source", &["os"][..]),
        ("signature", &[][..]),
        ("evidence", &["signature"][..]),
        ("attempt", &["evidence", "signature"][..]),
        // The verdict writes the report's model; the model knows nothing of verdicts.
        ("verdict", &["attempt", "evidence", "signature", "report"][..]),
        ("report", &["evidence", "signature", "step"][..]),
        ("reference", &["signature", "step"][..]),
        // Looks cited records up again; the only reader beside the scan.
        ("verify", &["source", "evidence", "report"][..]),
        ("scan", &["source", "signature", "evidence"][..]),
        ("inventory", &["evidence", "signature", "report"][..]),
        ("correlate", &["evidence", "attempt", "verdict", "signature", "report"][..]),
    ]);
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let room = room(&file);
        // The program, which puts them together, may name all.
        if ["cli", "lib", "main"].contains(&room.as_str()) {
            continue;
        }
        let allowed = may.get(room.as_str()).unwrap_or_else(|| panic!("what may the new room {room} name?"));
        for other in named(&text) {
            let own = other == room || other == "event" || other == "error";
            if !own && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{file} names crate::{other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn formats_do_not_know_each_other() {
    let formats = ["evtx", "etl", "event_xml", "tracerpt_csv", "trace_text", "freerdp_log", "pcap"];
    let known: Vec<String> = whyrdp::source::FORMATS.iter().map(|format| format.name.replace('-', "_")).collect();
    assert!(
        known.iter().all(|name| formats.contains(&name.trim_end_matches("ng"))),
        "{known:?}: which file is its own?"
    );
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(own) = file.strip_prefix("source/").map(room).filter(|own| formats.contains(&own.as_str())) else {
            continue;
        };
        for other in formats.iter().filter(|other| **other != own) {
            let ways = [format!("source::{other}::"), format!("super::{other}::"), format!("super::super::{other}::")];
            if ways.iter().any(|way| code(&text).contains(way)) {
                wrong.push(format!("{file} names the format {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn renderers_take_only_plain_words_from_signatures() {
    for (file, text) in sources() {
        if room(&file) == "report" {
            let code = code(&text);
            let bad =
                code.lines().find(|line| line.contains("crate::signature") && !line.contains("signature::definition"));
            assert_eq!(bad, None, "{file}: a renderer shows a report, it does not look knowledge up");
        }
    }
}

#[test]
fn unsafe_code_is_allowed_once_in_the_memory_map() {
    let mut found = Vec::new();
    for (file, text) in sources() {
        found.extend(text.lines().filter(|line| line.contains("allow(unsafe_code")).map(|_| file.clone()));
    }
    assert_eq!(found, ["source/map.rs"]);
}

#[test]
fn nothing_but_the_os_room_is_bound_to_one_system() {
    for (file, text) in sources() {
        let bound = ["std::os::unix", "std::os::windows", "std::os::linux"].iter().any(|word| text.contains(word));
        assert!(!bound || room(&file) == "os", "{file} is not portable");
    }
}

#[test]
fn files_are_of_a_readable_size() {
    for (file, text) in sources() {
        let lines = code(&text).lines().count();
        assert!(lines <= 650, "{file} has {lines} lines of code: two nouns in one room?");
    }
}

#[test]
fn the_readme_names_the_commands_that_ci_runs() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for (name, command) in [("main", "cargo run"), ("test", "cargo test")] {
        let after = readme.split(&format!("<!-- ci: {name} -->")).nth(1).unwrap_or_default();
        let block = after.split("```").nth(1).unwrap_or_default();
        assert!(block.contains(command), "README's '{name}' block");
    }
}
