//! What is found below the paths that are given, and what is said about the rest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use whyrdp::source::{Discovery, Given, discover, discover_given, open};

const LOG: &[u8] = b"ElfFile\0";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn run(program: &str, arguments: &[&Path]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success());
}

fn link(target: &Path, link: &Path) {
    run("ln", &[Path::new("-s"), target, link]);
}

fn names(found: &Discovery, folder: &Path) -> Vec<String> {
    let within =
        |name: &str| name.strip_prefix(folder.to_str().unwrap()).unwrap_or(name).trim_start_matches('/').to_owned();
    found.inputs.iter().map(|input| within(&input.name)).collect()
}

#[test]
fn inputs_come_in_one_order_whatever_was_named_first() {
    let dir = folder();
    for name in ["b/x.evtx", "a.evtx", "b.evtx", "b/a/y", "B.evtx"] {
        put(dir.path(), name, LOG);
    }
    let all = discover(&[dir.path().to_owned()]);
    assert_eq!(names(&all, dir.path()), ["B.evtx", "a.evtx", "b.evtx", "b/a/y", "b/x.evtx"]);
    let one_by_one: Vec<_> = all.inputs.iter().rev().map(|input| input.path.clone()).collect();
    assert_eq!(discover(&one_by_one).inputs, all.inputs);
}

#[test]
fn a_file_reached_twice_is_read_once() {
    let dir = folder();
    let log = put(dir.path(), "logs/a.evtx", LOG);
    link(&log, &dir.path().join("logs/0.evtx"));
    let found = discover(&[log.clone(), dir.path().to_owned(), log]);
    assert_eq!(names(&found, dir.path()), ["logs/0.evtx"]);
    assert_eq!(found.problems, []);
}

#[test]
fn a_link_that_leads_back_is_reported_and_ends() {
    let dir = folder();
    put(dir.path(), "sub/a.evtx", LOG);
    link(dir.path(), &dir.path().join("sub/back"));
    link(&dir.path().join("nowhere"), &dir.path().join("sub/gone"));
    let found = discover(&[dir.path().to_owned()]);
    assert_eq!(names(&found, dir.path()), ["sub/a.evtx"]);
    let what: Vec<_> = found.problems.iter().map(|problem| (problem.what.as_str(), problem.lost)).collect();
    assert!(
        matches!(what[..], [(back, false), (gone, false)]
        if back.contains("back to") && gone.contains("leads nowhere")),
        "{what:?}"
    );
}

#[test]
fn pipes_are_never_opened() {
    let dir = folder();
    let pipe = dir.path().join("pipe.evtx");
    run("mkfifo", &[&pipe]);
    for given in [pipe.as_path(), dir.path()] {
        let found = discover(&[given.to_owned()]);
        assert!(found.inputs.is_empty());
        assert_eq!(found.problems.len(), 1);
        assert_eq!(found.problems[0].lost, given == pipe);
    }
    assert_eq!(discover(&[PathBuf::from("/dev/null")]).problems.len(), 1);
}

#[test]
fn what_is_no_log_is_a_problem_only_where_one_was_promised() {
    let dir = folder();
    put(dir.path(), "notes.txt", b"hello");
    put(dir.path(), "empty", b"");
    let found = discover(&[dir.path().to_owned()]);
    assert_eq!((found.skipped, found.problems.len()), (2, 0));
    let named = discover(&[dir.path().join("notes.txt"), dir.path().join("missing")]);
    assert_eq!((named.skipped, named.problems.len()), (0, 2));
    put(dir.path(), "a.EVTX", b"");
    put(dir.path(), "b.etl", b"no trace");
    let found = discover(&[dir.path().to_owned()]);
    let what: Vec<_> = found.problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(what, ["the file is empty", "of no format that can be read"]);
    assert!(found.problems.iter().all(|problem| problem.lost));
}

#[test]
fn an_unreadable_directory_is_reported() {
    let dir = folder();
    put(dir.path(), "shut/a.evtx", LOG);
    let shut = dir.path().join("shut");
    run("chmod", &[Path::new("000"), &shut]);
    if fs::read_dir(&shut).is_ok() {
        eprintln!("skipped: nothing is unreadable to this user");
    } else {
        let found = discover(&[dir.path().to_owned()]);
        assert!(found.inputs.is_empty());
        assert!(found.problems.iter().all(|problem| problem.lost) && found.problems.len() == 1);
    }
    run("chmod", &[Path::new("700"), &shut]);
}

#[test]
fn odd_names_do_no_harm() {
    let dir = folder();
    put(dir.path(), "two\nlines.evtx", LOG);
    let script = "printf 'ElfFile\\0' > \"$0/$(printf 'bad\\377.evtx')\"";
    run("sh", &[Path::new("-c"), Path::new(script), dir.path()]);
    let found = discover(&[dir.path().to_owned()]);
    assert_eq!(names(&found, dir.path()), ["bad\u{FFFD}.evtx", "two\nlines.evtx"]);
    assert!(found.inputs.iter().all(|input| open(input).is_ok()));
}

#[test]
fn rows_use_the_name_that_was_given() {
    let dir = folder();
    let log = put(dir.path(), "logs/a.evtx", LOG);
    let given = |path: &Path, name: &str| Given { path: path.to_owned(), name: Some(name.to_owned()) };
    let found = discover_given(&[given(&log, "HOST1 System")]);
    assert_eq!(found.inputs[0].name, "HOST1 System");
    let found = discover_given(&[given(&dir.path().join("logs"), "HOST1")]);
    assert_eq!(found.inputs[0].name, "HOST1/a.evtx");
}

#[test]
fn what_vanishes_before_it_is_opened_is_an_error_with_its_name() {
    let dir = folder();
    let log = put(dir.path(), "a.evtx", LOG);
    let found = discover(std::slice::from_ref(&log));
    fs::remove_file(&log).unwrap();
    let error = open(&found.inputs[0]).err().unwrap();
    assert_eq!(error.path, log);
}

#[test]
fn a_file_cut_within_its_header_is_damaged_not_fatal() {
    let dir = folder();
    let log = put(dir.path(), "a.evtx", LOG);
    let found = discover(&[log]);
    let log = open(&found.inputs[0]).unwrap();
    assert_eq!(log.blocks(), 0);
    assert!(log.damage().iter().any(|damage| damage.lost));
}
