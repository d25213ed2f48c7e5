//! Where data goes when it cannot go: full disks, closed pipes, and rows on their way.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use whyrdp::report::FORMATS;

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(args: &[&str], input: &str) -> (i32, String, String) {
    let output = assert_cmd::Command::cargo_bin("whyrdp").unwrap().args(args).write_stdin(input).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn names_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Every log below a folder.
fn logs_in(folder: &Path) -> Vec<PathBuf> {
    let mut logs: Vec<PathBuf> = names_in(folder).iter().flat_map(|host| names_in(host)).collect();
    logs.sort();
    logs
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_with_5_and_leaves_no_half_file_in_any_form() {
    let logs = cases::logs("selfsigned-renewal-denied");
    let keep = tempfile::tempdir().unwrap();
    let at = keep.path().join("report");
    let binary = assert_cmd::cargo::cargo_bin("whyrdp");
    // Files that may not grow beyond a kilobyte: a write fails as on a full disk.
    let full = |args: &[&str]| {
        let output = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
            .arg(&binary)
            .args(args)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let mut wrong = Vec::new();
    let forms = FORMATS.iter().map(|form| vec!["analyze", "--format", form.name]).chain([vec!["scan"]]);
    for form in forms {
        for old in [false, true] {
            let args = [&form[..], &["--force", "-o", path(&at), path(logs.path())]].concat();
            if old {
                fs::write(&at, "old").unwrap();
            }
            let (code, err) = full(&args);
            let left = fs::read_to_string(&at).ok();
            let sound = left.as_deref() == old.then_some("old") && names_in(keep.path()).len() == usize::from(old);
            if code != Some(5) || !sound || !err.contains(path(&at)) {
                wrong.push(format!("{form:?}: {code:?}, {left:?}, {err}"));
            }
            let _ = fs::remove_file(&at);
        }
        if Path::new("/dev/full").exists() {
            let args = [&form[..], &["-o", "/dev/full", path(logs.path())]].concat();
            let (code, _, err) = run(&args, "");
            if code != 5 || !err.contains("/dev/full") {
                wrong.push(format!("{form:?}: {code} {err}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same logs under many names: far more rows than a pipe holds.
fn long_list(folder: &Path) -> String {
    let logs = logs_in(folder);
    (0..300).flat_map(|n| logs.iter().map(move |log| format!("{}\thost{n}/{}\n", path(log), path(log)))).collect()
}

#[test]
fn a_scan_ends_quietly_when_its_reader_leaves() {
    let logs = cases::logs("wrong-password");
    let list = logs.path().join("list");
    fs::write(&list, long_list(logs.path())).unwrap();
    for args in
        [&["scan", "-q", "--files-from", path(&list)][..], &["scan", "--threads", "1", "--files-from", path(&list)]]
    {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("whyrdp"))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.starts_with("{\"schema_version\":1,"), "{first}");
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    }
}

#[test]
fn damage_in_a_list_of_files_is_a_row_and_no_failure() {
    let logs = cases::logs("wrong-password");
    let whole = logs_in(logs.path())[0].clone();
    let half = logs.path().join("half.evtx");
    let bytes = fs::read(&whole).unwrap();
    fs::write(&half, &bytes[..bytes.len() - 3000]).unwrap();
    let list = format!(
        "{}\ts3://bucket/whole.evtx\n{}\ts3://bucket/half.evtx\n{}\ts3://bucket/gone.evtx\r\n",
        path(&whole),
        path(&half),
        path(&logs.path().join("gone.evtx"))
    );
    let (code, out, err) = run(&["scan", "--files-from", "-"], &list);
    assert_eq!(code, 0, "{err}");
    let of = |name: &str, kind: &str| {
        let name = format!("\"path\":\"s3://bucket/{name}\"");
        out.lines().filter(|line| line.contains(&format!("\"row\":\"{kind}\"")) && line.contains(&name)).count()
    };
    assert_eq!((of("whole.evtx", "problem"), of("whole.evtx", "input")), (0, 1), "{out}");
    assert!(of("half.evtx", "problem") > 0 && of("half.evtx", "input") == 1, "{out}");
    assert!(of("gone.evtx", "problem") > 0, "{out}");
    assert!(!out.contains(path(logs.path())), "rows say the names that were given: {out}");
}

#[test]
fn any_split_of_the_files_gives_the_report_of_all_in_every_form() {
    let logs = cases::logs("selfsigned-renewal-denied");
    let keep = tempfile::tempdir().unwrap();
    let files = logs_in(logs.path());
    assert!(files.len() > 4);
    let scan = |n: usize, files: &[PathBuf]| {
        let rows = keep.path().join(format!("{n}.jsonl"));
        let files: Vec<&str> = files.iter().map(|file| path(file)).collect();
        let args = [&["scan", "--hash", "--force", "-o", path(&rows)], &files[..]].concat();
        assert_eq!(run(&args, "").0, 0);
        rows.to_str().unwrap().to_owned()
    };
    // One by one, in halves that overlap, and all at once; the last first, one of them twice.
    let single: Vec<String> = files.iter().enumerate().map(|(n, file)| scan(n, std::slice::from_ref(file))).collect();
    let halves = vec![scan(100, &files[2..]), scan(101, &files[..4]), scan(100, &files[2..])];
    let ways = [single.iter().rev().chain(&single[..2]).cloned().collect::<Vec<_>>(), halves, vec![scan(102, &files)]];
    let named: Vec<&str> = files.iter().map(|file| path(file)).collect();
    for form in FORMATS {
        let (code, whole, err) = run(&[&["analyze", "--hash", "--format", form.name], &named[..]].concat(), "");
        assert_eq!(code, 0, "{err}");
        for way in &ways {
            let rows: Vec<&str> = way.iter().map(String::as_str).collect();
            let (code, halves, err) = run(&[&["correlate", "--format", form.name], &rows[..]].concat(), "");
            assert_eq!(code, 0, "{err}");
            assert!(halves == whole, "{}: {} scans say something else", form.name, way.len());
        }
    }
    let whole = run(&[&["analyze", "--hash", "--redact", "--format", "ecs"], &named[..]].concat(), "").1;
    let rows: Vec<&str> = ways[0].iter().map(String::as_str).collect();
    assert_eq!(run(&[&["correlate", "--redact", "--format", "ecs"], &rows[..]].concat(), "").1, whole);
}

#[test]
fn rows_of_other_signatures_are_taken_when_told() {
    let logs = cases::logs("wrong-password");
    let (code, rows, _) = run(&["scan", path(logs.path())], "");
    assert_eq!(code, 0);
    let stamp = rows.split("\"signatures_sha256\":\"").nth(1).unwrap().split('"').next().unwrap();
    let (whole, lines) = (run(&["correlate"], &rows).1, rows.lines().count());
    let mixed: Vec<String> = rows
        .lines()
        .enumerate()
        .map(|(n, line)| if n % 2 == 0 { line.replace(stamp, &"0".repeat(64)) } else { line.into() })
        .collect();
    let mixed = mixed.join("\n");
    let (code, out, err) = run(&["correlate"], &mixed);
    assert_eq!((code, &*out), (2, ""), "{err}");
    assert!(err.contains("--mixed"), "{err}");
    let (code, out, err) = run(&["correlate", "--mixed"], &mixed);
    assert_eq!((code, out), (0, whole), "{err}");
    assert!(err.contains(&format!("{} of {lines} rows were made with other signatures", lines.div_ceil(2))), "{err}");
    // A shape that nobody knows is refused all the same.
    let newer = rows.replacen("\"schema_version\":1", "\"schema_version\":2", 1);
    assert_eq!(run(&["correlate", "--mixed"], &newer).0, 2);
}

#[test]
fn rows_beyond_those_held_give_one_report_whatever_their_order() {
    let logs = cases::logs("selfsigned-renewal-denied");
    let (code, rows, _) = run(&["scan", path(logs.path())], "");
    assert_eq!(code, 0);
    let lines: Vec<&str> = rows.lines().collect();
    let count = lines.iter().filter(|line| line.contains("\"row\":\"evidence\"")).count();
    let few = (count * 4 / 5).to_string();
    // Backwards and twice.
    let again: Vec<&str> = lines.iter().rev().chain(&lines).copied().collect();
    let again = again.join("\n");
    let held = run(&["correlate", "--format", "jsonl"], &rows).1;
    for form in FORMATS {
        let args = ["--rows-in-memory", &few, "--format", form.name];
        let (code, out, err) = run(&[&["correlate"], &args[..]].concat(), &rows);
        assert_eq!(code, 0, "{err}");
        assert!(err.contains("judged in stretches of time"), "{err}");
        assert!(run(&[&["correlate"], &args[..]].concat(), &again).1 == out, "{}", form.name);
        assert!(run(&[&["analyze"], &args[..], &[path(logs.path())]].concat(), "").1 == out, "{}", form.name);
        if form.name == "jsonl" {
            let of = |text: &str, row: &str| {
                text.lines().filter(|line| line.contains(&format!("\"row\":\"{row}\""))).count()
            };
            for row in ["attempt", "cause", "host", "input"] {
                assert!(of(&held, row) > 0 && of(&out, row) == of(&held, row), "{row}");
            }
        }
    }
    // Nobody is named, although the evidence is on disk by then.
    let redacted = run(&["correlate", "--redact", "--format", "json", "--rows-in-memory", &few], &rows).1;
    for name in ["anna", "CORP", "PC17", "RDS01", "10.1.7.17"] {
        assert!(held.contains(name) && !redacted.contains(name), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn where_rows_cannot_be_put_on_disk_it_says_what_to_do() {
    let logs = cases::logs("wrong-password");
    let nowhere = logs.path().join("nowhere");
    let output = assert_cmd::Command::cargo_bin("whyrdp")
        .unwrap()
        .env("TMPDIR", &nowhere)
        .args(["analyze", "--rows-in-memory", "5", path(logs.path())])
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(5), 0), "{err}");
    assert!(err.contains("nowhere") && err.contains("TMPDIR"), "{err}");
}

#[test]
fn what_is_read_is_never_written_over() {
    let logs = cases::logs("wrong-password");
    let log = logs_in(logs.path()).remove(0);
    let before = fs::read(&log).unwrap();
    let rows = logs.path().join("rows.jsonl");
    assert_eq!(run(&["scan", "-o", path(&rows), path(logs.path())], "").0, 0);
    let (folder, log) = (path(logs.path()), path(&log));
    let list = logs.path().join("list");
    fs::write(&list, log).unwrap();
    let mut tried: Vec<(Vec<&str>, &str)> = vec![
        (vec!["analyze", folder, "-o", log], log),
        (vec!["analyze", folder, "--run-record", log], log),
        (vec!["inventory", folder, "-o", log], log),
        (vec!["scan", "--files-from", path(&list), "-o", log], log),
        (vec!["correlate", path(&rows), "-o", path(&rows)], path(&rows)),
    ];
    let link = logs.path().join("link");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(log, &link).unwrap();
        tried.push((vec!["analyze", log, "-o", path(&link)], path(&link)));
    }
    for (args, named) in tried {
        let (code, out, err) = run(&[&args[..], &["--force"]].concat(), "");
        assert_eq!((code, out.as_str()), (5, ""), "{args:?}: {err}");
        assert!(err.contains(named) && err.contains("is an input"), "{args:?}: {err}");
    }
    // Nor what is read without a name.
    for (command, file) in [("scan", log), ("correlate", path(&rows))] {
        let output = Command::new(assert_cmd::cargo::cargo_bin("whyrdp"))
            .args([command, "-", "--force", "-o", file])
            .stdin(fs::File::open(file).unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(5), "{command}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("is an input"), "{command}");
    }
    assert!(fs::read(log).unwrap() == before);
    assert!(fs::read_to_string(&rows).unwrap().contains("\"row\":\"evidence\""));
}

#[test]
fn where_nothing_is_read_an_older_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (old, empty) = (folder.path().join("rows.jsonl"), folder.path().join("empty"));
    fs::write(&old, "OLD").unwrap();
    fs::create_dir(&empty).unwrap();
    for given in [&empty, &folder.path().join("absent")] {
        for command in ["scan", "analyze", "inventory"] {
            let (code, _, err) = run(&[command, path(given), "--force", "-o", path(&old)], "");
            assert_eq!(code, 4, "{command}: {err}");
            assert_eq!(fs::read_to_string(&old).unwrap(), "OLD", "{command}");
        }
    }
}

#[test]
fn the_record_of_a_run_tells_how_it_ended() {
    let logs = cases::logs("wrong-password");
    let log = logs_in(logs.path()).remove(0);
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..6000]).unwrap();
    let record = logs.path().join("run.json");
    let (code, _, err) = run(&["analyze", path(logs.path()), "--run-record", path(&record)], "");
    assert_eq!(code, 3, "{err}");
    let told: serde_json::Value = serde_json::from_str(&fs::read_to_string(&record).unwrap()).unwrap();
    assert_eq!(told["exit_code"], 3);
}

#[test]
fn the_record_of_a_run_stands_beside_its_report() {
    let logs = cases::logs("wrong-password");
    let report = logs.path().join("report.txt");
    let other = logs.path().join(".").join("report.txt");
    for args in [vec!["--run-record", "-"], vec!["-o", path(&report), "--run-record", path(&other)]] {
        let (code, out, err) = run(&[&["analyze", path(logs.path())], &args[..]].concat(), "");
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains("--run-record"), "{err}");
    }
    assert!(!report.exists());
}

#[test]
fn rows_and_lists_may_begin_with_a_mark_and_utf16_is_named() {
    let logs = cases::logs("wrong-password");
    let folder = path(logs.path());
    let rows = run(&["scan", folder], "").1;
    let marked = format!("\u{feff}{rows}");
    assert_eq!(run(&["correlate"], &marked), run(&["correlate"], &rows));
    let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let keep = tempfile::tempdir().unwrap();
    let file = keep.path().join("wide");
    fs::write(&file, wide).unwrap();
    let (code, out, err) = run(&["correlate", path(&file)], "");
    assert!(code == 4 && out.is_empty() && err.contains("UTF-16") && err.contains("-o FILE"), "{code}: {err}");
    assert_eq!(err.matches("UTF-16").count(), 1, "{err}");

    let log = path(&logs_in(logs.path()).remove(0)).to_owned();
    let listed = run(&["scan", "--files-from", "-"], &format!("{log}\n"));
    assert_eq!(run(&["scan", "--files-from", "-"], &format!("\u{feff}{log}\r\n")), listed);
    let (code, _, err) = run(&["scan", "--files-from", path(&file)], "");
    assert!(code == 2 && err.contains("UTF-16"), "{code}: {err}");
}

#[cfg(unix)]
#[test]
fn a_list_names_any_path_and_what_is_not_there_is_a_row() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let logs = cases::logs("wrong-password");
    let log = logs_in(logs.path()).remove(0);
    let strange = logs.path().join(OsStr::from_bytes(b"\xFF.evtx"));
    fs::copy(&log, &strange).unwrap();
    let list = [strange.as_os_str().as_bytes(), b"\n/no/such/\xFE.evtx\n", path(&log).as_bytes()].concat();
    let output = assert_cmd::Command::cargo_bin("whyrdp")
        .unwrap()
        .args(["scan", "--files-from", "-"])
        .write_stdin(list)
        .output()
        .unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    let of = |kind: &str| rows.lines().filter(|line| line.contains(&format!("\"row\":\"{kind}\""))).count();
    assert_eq!((output.status.code(), of("input"), of("problem")), (Some(0), 2, 1), "{rows}");
}
