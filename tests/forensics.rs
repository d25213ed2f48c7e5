//! What an examiner needs: hashes, a look at the inputs again, schemas, redaction, a record of the run.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;
#[path = "common/schema.rs"]
mod schema;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use rayon::prelude::*;
use serde_json::Value;

fn run(args: &[&str]) -> (i32, String, String) {
    let output = assert_cmd::Command::cargo_bin("whyrdp").unwrap().args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn logs(folder: &Path) -> Vec<std::path::PathBuf> {
    let hosts = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        hosts.flat_map(|host| fs::read_dir(host).unwrap().map(|entry| entry.unwrap().path())).collect();
    files.sort();
    files
}

/// A report with hashes, in a file.
fn report(folder: &Path, at: &Path, more: &[&str]) -> Value {
    let args = [&["analyze", "--hash", "--format", "json", "--force", "-o", path(at), path(folder)], more].concat();
    let (code, _, err) = run(&args);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&fs::read_to_string(at).unwrap()).unwrap()
}

#[test]
fn records_of_a_compressed_trace_have_places_of_their_own() {
    use whyrdp_corpus::etl::{self, Compression, Event, Record, Session, What};
    let wide = |text: &str| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let parse = |text: &str| whyrdp_corpus::evtx::Guid::parse(text).ok();
    let event = |after: u64, id, own: u32, payload: Vec<u8>| {
        let provider = parse("28AA95BB-D444-4719-A36F-40462168127E");
        let activity = parse(&format!("11112222-3333-4444-5555-66667777000{own}"));
        let event = Event { provider, id, level: 4, activity, payload, ..Event::default() };
        let ticks = 134_170_560_000_000_000 + after * 10_000_000;
        Record { ticks, process: 7, thread: 8, wide: true, what: What::Event(event) }
    };
    let target = |name: &str| [wide("Server"), wide(name), wide("Info")].concat();
    let code = |code: u32| [wide("Reason"), code.to_le_bytes().to_vec(), wide("Info")].concat();
    // Two of one kind at the same moment: only their places tell them apart.
    let records = [
        event(0, 1024, 1, target("rds01")),
        event(0, 1024, 2, target("rds02")),
        event(2, 1026, 1, code(2308)),
        event(2, 1026, 2, code(516)),
        event(60, 1024, 3, target("rds03")),
    ];
    for compression in [Compression::Xpress, Compression::Lznt1, Compression::XpressHuffman] {
        let folder = tempfile::tempdir().unwrap();
        let session =
            Session { compressed: true, compression, processors: 1, ..Session::starting(134_170_559_000_000_000) };
        let trace = folder.path().join("packed.etl");
        fs::write(&trace, etl::write(&session, &records).unwrap()).unwrap();
        let at = folder.path().join("report.json");
        let report = report(folder.path(), &at, &[]);
        schema::assert_valid(&report);
        let rows: Vec<&Value> = report["timeline"].as_array().unwrap().iter().collect();
        let places: BTreeSet<String> = rows.iter().map(|row| row["source"].to_string()).collect();
        assert_eq!((rows.len(), places.len()), (5, 5), "{rows:?}");
        assert!(rows.iter().all(|row| row["source"]["within"].as_u64().unwrap() >= 0x48));
        let (code, out, _) = run(&["verify", path(&at)]);
        assert_eq!(code, 0, "{out}");
        assert!(out.contains("5 cited records are where the report says"), "{out}");
        // A report that says another place is found out.
        let text = fs::read_to_string(&at).unwrap();
        let within = rows[2]["source"]["within"].as_u64().unwrap();
        fs::write(&at, text.replace(&format!("\"within\": {within}"), &format!("\"within\": {}", within + 8))).unwrap();
        let (code, out, _) = run(&["verify", path(&at)]);
        assert_eq!(code, 1, "{out}");
        assert!(out.contains("the cited record is not here"), "{out}");
    }
}

#[test]
fn hashes_are_those_of_the_files() {
    let folder = cases::logs("wrong-password");
    let at = folder.path().join("report.json");
    let report = report(folder.path(), &at, &[]);
    schema::assert_valid(&report);
    for input in report["inputs"].as_array().unwrap() {
        use sha2::Digest;
        let bytes = fs::read(input["path"].as_str().unwrap()).unwrap();
        let hash: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(input["sha256"], hash);
    }
    let without = run(&["analyze", "--format", "json", path(folder.path())]).1;
    let without: Value = serde_json::from_str(&without).unwrap();
    assert!(without["inputs"].as_array().unwrap().iter().all(|input| input["sha256"].is_null()));
}

#[test]
fn a_report_fits_its_inputs_until_one_changes() {
    let folder = cases::logs("selfsigned-renewal-denied");
    let keep = tempfile::tempdir().unwrap();
    let at = keep.path().join("report.json");
    let report = report(folder.path(), &at, &[]);
    let (code, out, err) = run(&["verify", path(&at)]);
    assert_eq!(code, 0, "{out}{err}");
    let rows = report["timeline"].as_array().unwrap().len();
    assert!(out.contains(&format!("{rows} cited records are where")), "{out}");

    // One letter of one record.
    let log = logs(folder.path()).into_iter().find(|log| path(log).ends_with("RdpCoreTS%4Operational.evtx")).unwrap();
    let whole = fs::read(&log).unwrap();
    let mut changed = whole.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    fs::write(&log, &changed).unwrap();
    let (code, out, _) = run(&["verify", path(&at)]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("SHA-256 is ") && out.contains(path(&log)), "{out}");
    let inputs = report["inputs"].as_array().unwrap().len();
    assert!(out.contains(&format!("{} of {inputs} inputs have the hash", inputs - 1)), "{out}");

    // A record moved away.
    let offset = |row: &&Value| path(&log) == row["source"]["path"];
    let row = report["timeline"].as_array().unwrap().iter().find(offset).unwrap();
    let place = usize::try_from(row["source"]["offset"].as_u64().unwrap()).unwrap();
    let mut changed = whole.clone();
    changed[place..place + 4].fill(0);
    fs::write(&log, &changed).unwrap();
    let (code, out, _) = run(&["verify", path(&at)]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(&format!("at byte {place}: ")), "{out}");

    fs::remove_file(&log).unwrap();
    let (code, out, _) = run(&["verify", path(&at)]);
    assert_eq!(code, 1, "{out}");
    fs::write(&log, whole).unwrap();
    assert_eq!(run(&["verify", path(&at)]).0, 0);
}

/// Changes a report.
type Alteration<'a> = &'a dyn Fn(&mut Value);

#[test]
fn a_report_that_was_altered_does_not_fit_its_inputs() {
    let folder = cases::logs("wrong-password");
    let keep = tempfile::tempdir().unwrap();
    let at = keep.path().join("report.json");
    let report = report(folder.path(), &at, &[]);
    let cited = |row: &&Value| row["ref"] == report["causes"][0]["evidence"][0]["event"];
    let row = report["timeline"].as_array().unwrap().iter().position(|row| cited(&row)).unwrap();
    let verified = |alter: Alteration<'_>| {
        let mut altered = report.clone();
        alter(&mut altered);
        fs::write(&at, altered.to_string()).unwrap();
        run(&["verify", path(&at)])
    };
    assert_eq!(verified(&|_| ()).0, 0);
    let alterations: [(&str, Alteration<'_>); 11] = [
        ("it is no input of the report", &|report| report["inputs"] = serde_json::json!([])),
        ("SHA-256 is", &|report| {
            report["inputs"][0]["kind"] = "unreadable".into();
            report["inputs"][0]["sha256"] = "ab".repeat(32).into();
        }),
        ("is not what the report says", &|report| report["timeline"][row]["fields"][0][1] = "somebody".into()),
        ("is not what the report says", &|report| report["timeline"][row]["process_id"] = 1.into()),
        ("stand in no row", &|report| report["attempts"][0]["events"][0] = "ab".repeat(16).into()),
        ("is not what the report says", &|report| report["timeline"][row]["time"] = "2020-01-01T00:00:00Z".into()),
        ("the cited record is not here", &|report| report["timeline"][row]["event_id"] = 4624.into()),
        ("is not what the report says", &|report| report["timeline"][row]["record_id"] = 1.into()),
        ("is not what the report says", &|report| report["timeline"][row]["channel"] = "System".into()),
        ("stand in no row", &|report| report["timeline"] = serde_json::json!([])),
        ("stand in no row", &|report| report["causes"][0]["evidence"][0]["event"] = "ab".repeat(16).into()),
    ];
    for (what, alter) in alterations {
        let (code, out, _) = verified(alter);
        assert!(code == 1 && out.contains(what), "{code}: {out}");
    }
    let (code, out, err) = verified(&|report| report["inputs"][0]["sha256"] = Value::Null);
    assert!(code == 0 && out.contains("nothing differs of what could be compared"), "{out}{err}");
}

#[test]
fn a_report_without_names_cannot_be_verified() {
    let folder = cases::logs("wrong-password");
    let at = folder.path().join("report.json");
    report(folder.path(), &at, &["--redact"]);
    let (code, out, err) = run(&["verify", path(&at)]);
    assert!(code == 2 && out.is_empty() && err.contains("--redact"), "{code}: {out}{err}");
}

#[test]
fn inputs_are_found_below_another_folder() {
    let folder = cases::logs("wrong-password");
    let keep = tempfile::tempdir().unwrap();
    let at = keep.path().join("report.json");
    let binary = assert_cmd::cargo::cargo_bin("whyrdp");
    let status = Command::new(binary)
        .args(["analyze", "--hash", "--format", "json", "-o", path(&at), "."])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let (code, out, _) = run(&["verify", path(&at)]);
    assert!(code == 1 && out.contains("--root"), "{out}");
    assert_eq!(run(&["verify", "--root", path(folder.path()), path(&at)]).0, 0);
}

#[test]
fn what_is_no_report_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("x.json");
    assert_eq!(run(&["verify", path(&at)]).0, 4);
    fs::write(&at, "{}").unwrap();
    assert_eq!(run(&["verify", path(&at)]).0, 2);
}

#[test]
fn rows_of_scans_keep_their_schema_and_their_table() {
    let (code, text, _) = run(&["schema", "rows"]);
    assert_eq!(code, 0);
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&text).unwrap()).unwrap();
    let table = run(&["schema", "rows", "--ddl"]).1;
    let columns: BTreeSet<&str> =
        table.lines().filter_map(|line| line.split_whitespace().next()).map(|word| word.trim_matches('"')).collect();
    let cases = whyrdp_corpus::cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")).unwrap();
    let kinds = cases.into_par_iter().map(|case| {
        let mut kinds = BTreeSet::new();
        let folder = cases::logs(&case.slug);
        fs::write(folder.path().join("broken.evtx"), b"ElfFile\0 and no more").unwrap();
        let rows = run(&["scan", "--hash", path(folder.path())]).1;
        for line in rows.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let wrong: Vec<String> = validator.iter_errors(&row).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{}: {wrong:?}\n{line}", case.slug);
            kinds.insert(row["row"].as_str().unwrap().to_owned());
            for column in row.as_object().unwrap().keys() {
                assert!(columns.contains(column.as_str()), "{}: no column {column}", case.slug);
            }
        }
        kinds
    });
    let kinds: BTreeSet<String> = kinds.reduce(BTreeSet::new, |all, kinds| all.into_iter().chain(kinds).collect());
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["coverage", "evidence", "input", "problem"]);
}

#[test]
fn schemas_are_those_of_the_folder_docs() {
    assert_eq!(run(&["schema"]).1, include_str!("../docs/report.schema.json"));
    assert_eq!(run(&["schema", "report"]).1, include_str!("../docs/report.schema.json"));
    assert_eq!(run(&["schema", "report", "--ddl"]).0, 2);
}

#[test]
fn a_run_is_recorded_apart_from_its_report() {
    let folder = cases::logs("wrong-password");
    let keep = tempfile::tempdir().unwrap();
    let (at, record) = (keep.path().join("report.html"), keep.path().join("run.json"));
    let args = ["analyze", "--hash", "--redact", "--format", "html", "-o", path(&at), "--run-record", path(&record)];
    let (code, _, err) = run(&[&args[..], &[path(folder.path())]].concat());
    assert_eq!(code, 0, "{err}");
    let told: Value = serde_json::from_str(&fs::read_to_string(&record).unwrap()).unwrap();
    let page = fs::read(&at).unwrap();
    use sha2::Digest;
    let hash: String = sha2::Sha256::digest(&page).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&told["report"]["sha256"], &told["report"]["bytes"]), (&hash.into(), &page.len().into()));
    assert_eq!((&told["report"]["redacted"], &told["report"]["format"]), (&true.into(), &"html".into()));
    assert!(told["command_line"].as_array().unwrap().contains(&"--redact".into()));
    assert!(told["inputs"][0]["path"].as_str().unwrap().starts_with(path(folder.path())));
    assert_eq!(told["inputs"][0]["sha256"].as_str().unwrap().len(), 64);
    assert!(told["machine"]["os"].is_string() && told["began"].as_str() <= told["ended"].as_str());
    assert!(!String::from_utf8(page).unwrap().contains(path(folder.path())));
    assert_eq!(run(&[&args[..], &[path(folder.path())]].concat()).0, 5, "neither is overwritten unasked");
    assert_eq!(fs::read_dir(keep.path()).unwrap().count(), 2);
}
