//! The program from outside: exit codes, streams, files, and the same bytes whatever the way.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/schema.rs"]
mod schema;

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use assert_cmd::Command;
use whyrdp::event::Time;
use whyrdp::evidence::{InputFacts, Problem, Row, write_row};
use whyrdp::signature::Signatures;

fn whyrdp() -> Command {
    let mut command = Command::cargo_bin("whyrdp").unwrap();
    command.env_remove("NO_COLOR").env_remove("CLICOLOR").env_remove("CLICOLOR_FORCE").env("TERM", "xterm");
    command
}

/// Exit code, standard output, standard error.
fn run(args: &[&str], input: &str) -> (i32, String, String) {
    let output = whyrdp().args(args).write_stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn row(row: &Row) -> String {
    let (signatures, _) = Signatures::open(true, &[]);
    write_row(row, signatures.sha256()).unwrap() + "\n"
}

/// What a scan of one sound log without anything of interest gives.
fn quiet_scan() -> String {
    let time = Time::parse("2024-05-01T08:00:00Z");
    let input = InputFacts {
        path: "a.evtx".into(),
        kind: "evtx".into(),
        bytes: 4096,
        records: 7,
        first: time,
        last: time,
        ..InputFacts::default()
    };
    row(&Row::Input(input))
}

fn problem(lost: bool) -> String {
    row(&Row::Problem(Problem { path: "a.evtx".into(), offset: Some(512), what: "bad chunk\u{1b}[2J".into(), lost }))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with copies of real logs that hold failed attempts with a confirmed cause.
/// The large `System.evtx` stays out: it tells nothing more of them and takes long.
fn guessed_passwords() -> Option<tempfile::TempDir> {
    let below = "evtx/AndrewRathbun+DFIRArtifactMuseum/Windows/EventLogs/Win2012R2/StolenSzechuan";
    let logs = common::real_logs().map(|logs| logs.join(below)).filter(|logs| logs.is_dir())?;
    let folder = tempfile::tempdir().unwrap();
    for file in common::files_below(&logs) {
        let name = file.file_name().unwrap();
        if name != "System.evtx" {
            fs::copy(&file, folder.path().join(name)).unwrap();
        }
    }
    Some(folder)
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_would_be_right() {
    for (args, hint) in [
        (&["analyze", "--format", "pdf"][..], "[possible values: text, json"),
        (&["analyze", "--code", "904h"], "e.g. 0x904/0x7"),
        (&["analyze", "--since", "yesterday"], "a span (2h, 30d)"),
        (&["analyze", "--tz", "Middle-earth"], "Europe/Berlin"),
        (&["analyze", "--alias", "SRV01"], "SRV01=10.0.0.5"),
        (&["analyze", "--host", ""], "--host"),
        (&["analyze", "--user", ""], "--user"),
        (&["analyze", "--window", "5m"], "--around"),
        (&["analyze", "--tz", "+25:59"], "+02:00"),
        (&["signatures", "list", "--family", "nope"], "there are account, attack"),
        (&["signatures", "list", "--level", "nope"], "there are critical, high"),
        (&["signatures", "check", "/dev/null"], "no such folder or file"),
        (&["analyze", "--around", "2024-05-01", "--since", "2h"], "cannot be used with"),
        (&["analyze", "--since", "2024-05-02", "--until", "2024-05-01"], "swap them"),
        (&["analyze", "--no-builtin"], "give --signatures DIR"),
        (&["analyze", "--signatures", "/no/such/folder"], "no such folder of signatures"),
        (&["scan", "--threads", "0"], "1..=1024"),
        (&["scan", "--files-from", "/no/such/list"], "cannot read the list of files"),
        (&["analyse"], "analyze"),
        (&[], "Usage"),
    ] {
        let (code, out, err) = run(args, "");
        assert_eq!((code, &*out), (2, ""), "{args:?}: {err}");
        assert!(err.contains(hint), "{args:?}: {err}");
    }
}

#[test]
fn help_shows_examples_and_exit_codes() {
    for args in [&["--help"][..], &["analyze", "--help"], &["scan", "--help"], &["correlate", "--help"]] {
        let (code, out, err) = run(args, "");
        assert_eq!((code, &*err), (0, ""));
        assert!(out.contains("Examples:\n  ") && out.contains("whyrdp"), "{out}");
        assert!(out.lines().all(|line| line.chars().count() <= 120), "{out}");
    }
    assert!(run(&["--help"], "").1.contains("3 part of the input was lost"));
}

#[test]
fn nothing_readable_ends_with_4_and_says_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.evtx");
    fs::write(&text, "no log at all").unwrap();
    let missing = folder.path().join("absent.evtx");
    for given in [&text, &missing] {
        for command in ["analyze", "scan"] {
            let (code, _, err) = run(&[command, path(given)], "");
            assert_eq!(code, 4, "{command} {given:?}: {err}");
            let named =
                ["event logs (.evtx)", "traces (.etl)", "captures (.pcap", "logs of FreeRDP", "folders of them"];
            assert!(given == &missing || named.iter().all(|one| err.contains(one)), "{err}");
            assert!(err.contains(path(given)), "{err}");
        }
    }
    fs::remove_file(&text).unwrap();
    let (code, out, err) = run(&["analyze", path(folder.path())], "");
    assert_eq!((code, &*out), (4, ""));
    let named = ["no log found", "captures (.pcap", "unpacked first"];
    assert!(named.iter().all(|one| err.contains(one)), "{err}");
    assert_eq!(run(&["correlate"], "").0, 4);
}

#[test]
fn lost_input_ends_with_3_and_the_report_is_there() {
    let (code, out, err) = run(&["correlate"], &(quiet_scan() + &problem(true)));
    assert_eq!(code, 3, "{err}");
    assert!(out.contains("No Remote Desktop attempt is recorded in these logs") && out.contains("bad chunk"), "{out}");
    assert!(err.contains("a.evtx: at byte 512: bad chunk\\x1b[2J"), "{err}");
    assert!(!err.contains('\u{1b}') && !out.contains('\u{1b}'));
    assert_eq!(run(&["correlate", "-q"], &(quiet_scan() + &problem(true))).2, "");
    assert_eq!(run(&["correlate"], &(quiet_scan() + &problem(false))).0, 0, "a dirty log that was read whole");
}

#[test]
fn a_line_that_is_no_row_is_a_problem_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.jsonl");
    fs::write(&rows, quiet_scan() + "\n{\"row\": 7}\n" + &quiet_scan()).unwrap();
    let (code, out, err) = run(&["correlate", path(&rows)], "");
    assert_eq!(code, 3, "{err}");
    let at = quiet_scan().len() + 1;
    assert!(err.contains(&format!("rows.jsonl: at byte {at}: line 3: not a row of a scan")), "{err}");
    assert!(out.contains("7 records"));
}

#[test]
fn a_line_longer_than_any_row_is_passed_over_and_told() {
    let long = "x".repeat(65 << 20);
    let (code, out, err) = run(&["correlate"], &format!("{long}\n{}", quiet_scan()));
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("line 1: longer than any row"), "{err}");
    assert!(out.contains("7 records"), "what stands behind is read: {out}");
}

#[test]
fn rows_of_other_signatures_or_versions_are_refused() {
    let other = write_row(&Row::Input(InputFacts::default()), &"0".repeat(64)).unwrap();
    let (code, out, err) = run(&["correlate"], &(quiet_scan() + &other));
    assert_eq!((code, &*out), (2, ""), "{err}");
    assert!(err.contains("-, line 2: made with another signature set") && err.contains("scan again"), "{err}");
    let newer = quiet_scan().replace("\"schema_version\":1", "\"schema_version\":99");
    let (code, _, err) = run(&["correlate"], &newer);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("schema version 99"), "{err}");
}

#[test]
fn output_that_cannot_be_written_ends_with_5_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("absent").join("report.txt");
    let (code, _, err) = run(&["correlate", "-o", path(&nowhere)], &quiet_scan());
    assert_eq!(code, 5, "{err}");
    let (code, _, err) = run(&["correlate", "-o", path(folder.path())], &quiet_scan());
    assert_eq!(code, 5, "{err}");
    // It outranks what is wrong with the input.
    assert_eq!(run(&["analyze", "/no/such/file", "-o", path(&nowhere)], "").0, 5);
    if Path::new("/dev/full").exists() {
        let (code, _, err) = run(&["correlate", "-o", "/dev/full"], &quiet_scan());
        assert_eq!(code, 5, "{err}");
    }
}

#[test]
fn a_file_is_overwritten_only_by_force_and_never_half() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.txt");
    let written = |args: &[&str], input: &str| run(&[&["correlate", "-o", path(&report)], args].concat(), input);
    assert_eq!(written(&[], &quiet_scan()).0, 0);
    let first = fs::read_to_string(&report).unwrap();
    assert!(first.contains("7 records"));
    let (code, _, err) = written(&[], &quiet_scan());
    assert_eq!(code, 5);
    assert!(err.contains("--force"), "{err}");
    // A run that fails leaves the old report, and nothing beside it.
    assert_eq!(written(&["--force"], "").0, 4);
    assert_eq!(fs::read_to_string(&report).unwrap(), first);
    assert_eq!(written(&["--force", "--format", "json"], &quiet_scan()).0, 0);
    assert!(fs::read_to_string(&report).unwrap().starts_with('{'));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let rows: String = quiet_scan();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    fs::write(&file, rows).unwrap();
    let binary = assert_cmd::cargo::cargo_bin("whyrdp");
    let mut child = Process::new(binary)
        .args(["correlate", path(&file)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[test]
fn colours_only_where_they_are_wanted() {
    let colored = |args: &[&str], no_color: bool| {
        let mut command = whyrdp();
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let output = command.args(args).write_stdin(quiet_scan()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!colored(&["correlate"], false), "a pipe is no terminal");
    assert!(colored(&["correlate", "--color", "always"], false));
    assert!(colored(&["correlate", "--color", "always"], true), "what was typed wins");
    assert!(!colored(&["correlate", "--color", "never"], false));
}

#[test]
fn json_keeps_its_schema_when_nothing_happened() {
    let (code, out, err) =
        run(&["correlate", "--format", "json", "--code", "0x904/7"], &(quiet_scan() + &problem(false)));
    assert_eq!((code, &*err), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    schema::assert_valid(&report);
    assert_eq!(report["complaint"]["code"], 0x904);
}

#[test]
fn a_report_of_selected_attempts_says_that_there_may_be_more() {
    let asked = "that were asked for";
    assert!(run(&["correlate", "--user", "alice"], &quiet_scan()).1.contains(asked));
    assert!(!run(&["correlate"], &quiet_scan()).1.contains(asked));
}

#[test]
fn no_form_says_that_nothing_is_recorded_where_nothing_was_asked_for() {
    for format in ["text", "md", "html"] {
        let told = |args: &[&str]| run(&[&["correlate", "--format", format], args].concat(), &quiet_scan()).1;
        let nothing = "No Remote Desktop attempt is recorded";
        assert!(told(&[]).contains(nothing), "{format}");
        let asked = told(&["--user", "alice"]);
        assert!(!asked.contains(nothing), "{format}: {asked}");
        assert!(asked.contains("No attempt in these logs is one of those that were asked for"), "{format}: {asked}");
        assert!(asked.contains("client-ip"), "{format} tells no way on: {asked}");
    }
}

#[test]
fn rows_twice_in_any_order_give_the_same_bytes() {
    let (a, b) = (quiet_scan(), problem(true));
    let once = run(&["correlate", "--format", "json"], &format!("{a}{b}")).1;
    assert_eq!(run(&["correlate", "--format", "json"], &format!("{b}{a}{b}{a}")).1, once);
}

#[test]
fn scan_then_correlate_equals_analyze_on_any_number_of_threads() {
    let Some(folder) = guessed_passwords() else { return };
    let logs = folder.path();
    for format in ["json", "text"] {
        let (code, whole, err) = run(&["analyze", "--threads", "1", "--format", format, path(logs)], "");
        assert_eq!(code, 0, "{err}");
        let two = run(&["analyze", "--threads", "2", "--format", format, path(logs)], "").1;
        assert!(whole == two, "threads change the report");
        let one = run(&["scan", "--threads", "1", path(logs)], "").1;
        assert!(one == run(&["scan", "--threads", "3", path(logs)], "").1, "threads change the rows");
        let halves = run(&["correlate", "--format", format], &one);
        assert_eq!(halves.0, 0, "{}", halves.2);
        assert!(halves.1 == whole, "scan and correlate differ from analyze in {format}");
        if format == "json" {
            schema::assert_valid(&serde_json::from_str(&whole).unwrap());
        }
    }
}

#[test]
fn fail_on_ends_with_1_unless_something_graver_holds() {
    let Some(folder) = guessed_passwords() else { return };
    let logs = folder.path();
    let bad = logs.join("no-such.evtx");
    let json = run(&["analyze", "--format", "json", path(logs)], "").1;
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let strongest = report["causes"][0]["verdict"].as_str().unwrap().to_owned();
    assert_eq!(run(&["analyze", "--fail-on", "possible", path(logs)], "").0, 1);
    assert_eq!(run(&["analyze", "--fail-on", &strongest, path(logs)], "").0, 1);
    assert_eq!(run(&["analyze", "--fail-on", "possible", path(logs), path(&bad)], "").0, 3);
    assert_eq!(run(&["analyze", "--fail-on", "possible", "--until", "2001-01-01", path(logs)], "").0, 0);
}

#[test]
fn strict_makes_lost_input_a_failure_of_the_scan() {
    let Some(folder) = guessed_passwords() else { return };
    let logs = folder.path();
    let bad = logs.join("no-such.evtx");
    assert_eq!(run(&["scan", path(logs), path(&bad)], "").0, 0);
    assert_eq!(run(&["scan", "--strict", path(logs), path(&bad)], "").0, 3);
}

#[test]
fn names_given_in_a_list_stand_in_the_rows() {
    let Some(folder) = guessed_passwords() else { return };
    let logs = folder.path();
    let log = common::files_below(logs).into_iter().find(|file| file.extension().is_some_and(|e| e == "evtx")).unwrap();
    let (code, out, err) = run(&["scan", "--files-from", "-"], &format!("{}\tCASE/one.evtx\n\n", path(&log)));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("\"path\":\"CASE/one.evtx\"") && !out.contains(path(&log)), "{out}");
}
