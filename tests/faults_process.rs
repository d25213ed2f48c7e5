//! Faults as a process meets them: signals, full disks, pipes, rights. Unix, for it has the tools to make them.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;
mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const CASE: &str = "wrong-password";
const CHUNK: usize = 65_536;
const HEADER: usize = 4096;

fn binary() -> PathBuf {
    assert_cmd::cargo::cargo_bin("whyrdp")
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A shell runs the script; `$W` is the program.
fn shell(script: &str, arguments: &[&Path]) -> (Option<i32>, String, String) {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg("sh").args(arguments).env("W", binary());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A log of many chunks, so that reading it takes longer than a signal.
fn long_log(folder: &Path, chunks: usize) -> PathBuf {
    let case = cases::logs(CASE);
    let logs = common::files_below(case.path());
    let log = logs.into_iter().filter(|file| file.extension().is_some_and(|e| e == "evtx"));
    let bytes = fs::read(log.max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap()).unwrap();
    let at = folder.join("long.evtx");
    let mut out = std::io::BufWriter::new(File::create(&at).unwrap());
    out.write_all(&bytes[..HEADER]).unwrap();
    (0..chunks).for_each(|_| out.write_all(&bytes[HEADER..HEADER + CHUNK]).unwrap());
    at
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits until something holds. What must come, comes; the limit only ends a test that fails.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(300), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn end(mut child: Child) -> (ExitStatus, String) {
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said).unwrap();
    }
    (child.wait().unwrap(), said)
}

#[test]
fn a_signal_while_logs_are_read_gives_the_report_of_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = long_log(folder.path(), 4000);
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut child = Command::new(binary())
            .args(["scan", "--threads", "1", path(&log)])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The first row proves that it reads; the rest waits in the pipe until it is fetched.
        let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut all = vec![rows.next().unwrap().unwrap()];
        signal(&child, name);
        all.extend(rows.map(Result::unwrap));
        let (status, said) = end(child);
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains("asked to stop"), "{said}");
        let of = |kind: &str| all.iter().filter(|row| row.contains(&format!("\"row\":\"{kind}\""))).count();
        assert!(of("coverage") > 0 && of("input") == 1, "{} rows", all.len());
        assert!(all.iter().any(|row| row.contains("blocks of it were read") && row.contains("\"lost\":true")));
        // What was read is a scan like any other, of which a report can be made.
        let mut correlate =
            Command::new(binary()).arg("correlate").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = correlate.stdin.take().unwrap();
        let text = all.join("\n");
        let feeder = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let report = correlate.wait_with_output().unwrap();
        feeder.join().unwrap().unwrap();
        assert_eq!(report.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&report.stdout).contains("asked to stop"));
    }
}

#[test]
fn a_signal_while_nothing_is_read_ends_it_and_leaves_no_half_file() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.txt");
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        // Standard input stays open: it waits for rows.
        let mut child = Command::new(binary())
            .args(["correlate", "-", "-o", path(&report)])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        until("the output", || fs::read_dir(folder.path()).unwrap().count() > 0);
        signal(&child, name);
        assert_eq!(end(child).0.code(), Some(code));
        drop(stdin);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_terminal_that_is_gone_leaves_no_half_file() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    if ignored.is_none_or(|mask| u64::from_str_radix(mask, 16).unwrap() & 1 != 0) {
        eprintln!("left out: the tests run so that they outlive their terminal, and so does the program");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.txt");
    let mut child = Command::new(binary())
        .args(["correlate", "-", "-o", path(&report)])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    until("the output", || fs::read_dir(folder.path()).unwrap().count() > 0);
    signal(&child, "-HUP");
    assert_eq!(end(child).0.code(), Some(143));
    drop(stdin);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_may_grow_no_more_is_an_error_of_the_output() {
    let (folder, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = long_log(logs.path(), 3);
    let report = folder.path().join("report.jsonl");
    let script = "ulimit -f 4; \"$W\" scan \"$1\" -o \"$2\"";
    let (code, _, said) = shell(script, &[&log, &report]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("report.jsonl"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_no_log_is_not_copied_from_standard_input() {
    let temporary = tempfile::tempdir().unwrap();
    let script = "head -c 50000000 /dev/zero | TMPDIR=\"$1\" \"$W\" scan -";
    let (code, _, said) = shell(&format!("ulimit -f 2000; {script}"), &[temporary.path()]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("of no format that can be read"), "{said}");
}

#[test]
fn where_standard_input_cannot_be_copied_it_says_so() {
    let (folder, nowhere) = (tempfile::tempdir().unwrap(), Path::new("/nowhere at all"));
    let log = long_log(folder.path(), 1);
    let (code, _, said) = shell("TMPDIR=\"$2\" \"$W\" scan - < \"$1\"", &[&log, nowhere]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("copying it to /nowhere at all"), "{said}");
}

#[test]
fn a_signal_while_standard_input_is_copied_leaves_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(binary())
        .args(["analyze", "-"])
        .env("TMPDIR", folder.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"ElfFile\0").unwrap();
    until("the copy", || fs::read_dir(folder.path()).unwrap().count() > 0);
    signal(&child, "-TERM");
    assert_eq!(end(child).0.code(), Some(143));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_log_on_standard_input_is_read_and_its_copy_goes() {
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = long_log(folder.path(), 3);
    let script = "TMPDIR=\"$2\" \"$W\" scan - < \"$1\"";
    let (code, rows, said) = shell(script, &[&log, temporary.path()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(rows.contains("\"path\":\"-\"") && !rows.contains(path(temporary.path())), "{rows}");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_full_disk_ends_with_5_and_leaves_no_half_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = long_log(folder.path(), 40);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    // A limit on the size of files does what a full disk does. Signal 25 is the one that would tell of it.
    let script = "trap '' 25; ulimit -f 8; \"$W\" scan \"$1\" -o \"$2/rows.jsonl\"";
    let (code, _, said) = shell(script, &[&log, &out]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("cannot write") && said.contains("rows.jsonl"), "{said}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    if Path::new("/dev/full").exists() {
        let (code, _, said) = shell("\"$W\" scan \"$1\" > /dev/full", &[&log]);
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains("standard output"), "{said}");
    }
}

#[test]
fn no_room_for_standard_input_is_told_and_the_rest_is_read() {
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = long_log(folder.path(), 40);
    let script = "trap '' 25; ulimit -f 8; TMPDIR=\"$2\" \"$W\" analyze - \"$1\" < \"$1\" 2>&1 >/dev/null";
    let (code, said, _) = shell(script, &[&log, temporary.path()]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("-: copying it to"), "{said}");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_reader_that_leaves_in_the_middle_ends_a_scan_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let log = long_log(folder.path(), 400);
    let mut child = Command::new(binary())
        .args(["scan", path(&log)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with('{'));
    let (status, said) = end(child);
    assert_eq!((status.code(), &*said), (Some(0), ""));
}

#[test]
fn a_named_pipe_is_not_waited_for_and_the_way_out_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.evtx");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (code, _, said) = shell("\"$W\" analyze \"$1\"", &[&pipe]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("pipe.evtx: not a file") && said.contains("- < PIPE"), "{said}");
    let log = long_log(folder.path(), 2);
    let (code, _, said) = shell("cat \"$1\" > \"$2\" & \"$W\" analyze - < \"$2\"", &[&log, &pipe]);
    assert_eq!(code, Some(0), "{said}");
    // Beside logs it is passed over.
    let (code, _, said) = shell("\"$W\" analyze \"$1\"", &[folder.path()]);
    assert_eq!((code, &*said), (Some(0), ""));
}

#[test]
fn a_folder_without_rights_is_told_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    long_log(folder.path(), 2);
    let shut = folder.path().join("shut");
    fs::create_dir(&shut).unwrap();
    // Who may read everything becomes somebody who may not.
    let script = "chmod -R a+rX \"$1\"; chmod 000 \"$1/shut\"
        if ls \"$1/shut\" >/dev/null 2>&1; then
            as='setpriv --reuid=65534 --regid=65534 --clear-groups'
            $as test -x \"$W\" 2>/dev/null || { echo skipped; exit 77; }
        fi
        $as \"$W\" analyze \"$1\"";
    let (code, _, said) = shell(script, &[folder.path()]);
    let _ = Command::new("chmod").arg("700").arg(&shut).status();
    if code == Some(77) {
        eprintln!("skipped: nothing is unreadable to this user");
        return;
    }
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("shut: Permission denied"), "{said}");
}

#[test]
fn names_with_newlines_and_bytes_of_no_text_reach_neither_terminal_nor_rows_unescaped() {
    let folder = tempfile::tempdir().unwrap();
    let log = long_log(folder.path(), 1);
    let script = "cp \"$1\" \"$2/$(printf 'two\\nlines\\033[2J.evtx')\" && cp \"$1\" \"$2/$(printf 'bad\\377.evtx')\"
        printf 'no log' > \"$2/$(printf 'broken\\n\\033]0;x.evtx')\"; \"$W\" scan \"$2\"";
    let (code, rows, said) = shell(script, &[&log, folder.path()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(rows.lines().all(|row| row.starts_with('{') && row.ends_with('}')), "{rows}");
    assert!(!rows.contains('\u{1b}') && !said.contains('\u{1b}'), "{said}");
    assert!(rows.contains("two\\nlines") && rows.contains("bad\u{FFFD}.evtx") && said.contains("broken"), "{said}");
}

#[test]
fn a_log_that_another_process_has_locked_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = long_log(folder.path(), 2);
    if Command::new("flock").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: no flock");
        return;
    }
    let (code, _, said) = shell("flock \"$1\" \"$W\" analyze \"$1\"", &[&log]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn links_that_lead_in_circles_end_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    long_log(folder.path(), 1);
    let script =
        "ln -s . \"$1/here\"; ln -s b \"$1/a\"; ln -s a \"$1/b\"; ln -s gone \"$1/c.evtx\"; \"$W\" analyze -v \"$1\"";
    let (code, _, said) = shell(script, &[folder.path()]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("a link back to") && said.contains("c.evtx: a link that leads nowhere"), "{said}");
}
