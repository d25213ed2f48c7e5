//! Forms with one row per fact, of the sample, every case and real logs, against the field list of
//! ECS, the closed schemas of OCSF and what importers of timelines demand.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;
mod common;
#[path = "common/sample.rs"]
mod sample;
#[path = "common/schema.rs"]
mod schema;
#[path = "common/told.rs"]
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use rayon::prelude::*;
use serde_json::Value;
use told::Told;
use whyrdp::report::model::{Report, Row};
use whyrdp::report::{FORMATS, Options, format};

/// The sample, every case of the corpus, and all logs of real computers as one case, where they are at hand.
static REPORTS: LazyLock<Vec<(String, Report)>> = LazyLock::new(|| {
    let cases = whyrdp_corpus::cases(&told::root().join("corpus")).unwrap();
    let real = common::real_logs().map(|logs| ("real logs".to_string(), Told::of(&[logs.join("evtx")]).report));
    let made = cases.into_par_iter().map(|case| {
        let logs = cases::logs(&case.slug);
        let report = Told::of(&[logs.path().to_owned()]).report;
        (case.slug, report)
    });
    let made: Vec<(String, Report)> = made.collect();
    std::iter::once(("sample".to_string(), sample::report())).chain(made).chain(real).collect()
});

fn reports() -> impl Iterator<Item = (&'static str, &'static Report)> {
    REPORTS.iter().map(|(name, report)| (name.as_str(), report))
}

fn render(report: &Report, name: &str) -> String {
    let mut out = Vec::new();
    (format(name).unwrap().write)(report, &mut out, &Options::default()).unwrap();
    let text = String::from_utf8(out).unwrap();
    // A report without a fact has no row.
    assert!(
        text.ends_with('\n') || (text.is_empty() && report.attempts.is_empty()),
        "{name} ends without a line break"
    );
    text
}

fn rows(report: &Report, name: &str) -> Vec<Value> {
    render(report, name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn schemas() -> Option<PathBuf> {
    let found = common::shared()?.join("schemas");
    if !found.is_dir() {
        eprintln!("skipped: no folder `shared/schemas` beside the project");
        return None;
    }
    Some(found)
}

/// Every value below, with its dotted path.
fn leaves<'a>(value: &'a Value, path: &str, out: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(value, &path, out);
            }
        }
        _ => out.push((path.to_string(), value)),
    }
}

/// What an ECS document does wrong.
fn not_ecs(document: &Value, fields: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut all = Vec::new();
    leaves(document, "", &mut all);
    for (path, value) in &all {
        if path.starts_with("winlog.") || path.starts_with("whyrdp.") {
            continue;
        }
        let field = &fields[path];
        if field.is_null() {
            wrong.push(format!("{path} is no field of ECS"));
            continue;
        }
        let is_list = field["array"].as_bool().unwrap_or_default();
        if is_list != value.is_array() {
            wrong.push(format!("{path} is {} list", if is_list { "no" } else { "a" }));
        }
        let values: Vec<&Value> = value.as_array().map_or(vec![value], |list| list.iter().collect());
        for value in values {
            let text = value.as_str().unwrap_or_default();
            let fits = match field["type"].as_str().unwrap() {
                "keyword" | "constant_keyword" | "wildcard" | "match_only_text" | "text" => value.is_string(),
                "long" | "integer" => value.is_i64() || value.is_u64(),
                "float" => value.is_number(),
                "boolean" => value.is_boolean(),
                "ip" => text.parse::<IpAddr>().is_ok(),
                "date" => whyrdp::event::Time::parse(text).is_some(),
                _ => true,
            };
            if !fits {
                wrong.push(format!("{path}: {value} is no {}", field["type"]));
            }
            if field["allowed"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
                wrong.push(format!("{path}: {value} is not allowed"));
            }
            if field["ignore_above"].as_u64().is_some_and(|most| text.len() as u64 > most) {
                wrong.push(format!("{path}: too long to be indexed"));
            }
        }
    }
    let list = |at: &str| -> Vec<String> {
        let values = document.pointer(at).and_then(Value::as_array);
        values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let expected: BTreeSet<String> = list("/event/category")
        .iter()
        .flat_map(|category| fields["event.category"]["expected_event_types"][category].as_array())
        .flatten()
        .filter_map(|kind| kind.as_str().map(str::to_owned))
        .collect();
    for kind in list("/event/type") {
        if !expected.contains(&kind) {
            wrong.push(format!("event.type {kind} is not expected of {:?}", list("/event/category")));
        }
    }
    wrong
}

#[test]
fn every_ecs_document_keeps_to_the_fields_of_ecs() {
    let Some(schemas) = schemas() else { return };
    let fields = std::fs::read_to_string(schemas.join("ecs/ecs_flat.min.json")).unwrap();
    let fields = &serde_json::from_str::<Value>(&fields).unwrap()["fields"];
    for (name, report) in reports() {
        for document in rows(report, "ecs") {
            let wrong = not_ecs(&document, fields);
            assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{document:#}");
            assert!(document["@timestamp"].is_string(), "{name}: {document:#}");
        }
    }
}

#[test]
fn every_ocsf_event_keeps_to_its_closed_class() {
    let Some(schemas) = schemas() else { return };
    let class = |file: &str| {
        let text = std::fs::read_to_string(schemas.join("ocsf-1.8.0").join(file)).unwrap();
        jsonschema::draft202012::new(&serde_json::from_str(&text).unwrap()).unwrap()
    };
    let classes = BTreeMap::from([
        (2004, class("detection_finding.schema.json")),
        (3002, class("authentication.schema.json")),
        (4005, class("rdp_activity.schema.json")),
    ]);
    let mut seen = BTreeSet::new();
    for (name, report) in reports() {
        for event in rows(report, "ocsf") {
            let uid = event["class_uid"].as_u64().unwrap();
            seen.insert(uid);
            let wrong: Vec<String> = classes[&uid]
                .iter_errors(&event)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{name}: {}\n{event:#}", wrong.join("\n"));
            assert_eq!(event["type_uid"].as_u64().unwrap(), uid * 100 + event["activity_id"].as_u64().unwrap());
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [2004, 3002, 4005]);
}

#[test]
fn no_placeholder_stands_for_a_value() {
    for (name, report) in reports() {
        for form in ["ecs", "ocsf", "timesketch"] {
            for row in rows(report, form) {
                let mut all = Vec::new();
                leaves(&row, "", &mut all);
                for (path, value) in all {
                    let placeholder = value
                        .as_str()
                        .is_some_and(|text| ["", "-", "LOCAL", "N/A", "null", "unknown host"].contains(&text));
                    assert!(!placeholder && !value.is_null(), "{name}: {form}: {path} is {value}");
                }
            }
        }
    }
}

#[test]
fn a_finding_keeps_its_name_whatever_else_is_known() {
    let uids = |report: &Report| -> BTreeMap<String, String> {
        let alerts = rows(report, "ecs").into_iter().filter(|row| row["whyrdp"]["cause"].is_object());
        let key = |row: &Value| format!("{}/{}", row["whyrdp"]["attempt"]["id"], row["whyrdp"]["cause"]["id"]);
        alerts.map(|row| (key(&row), row["event"]["id"].as_str().unwrap().to_owned())).collect()
    };
    let mut report = cases::report("selfsigned-renewal-denied");
    let before = uids(&report);
    assert!(!before.is_empty());
    assert_eq!(before.values().collect::<BTreeSet<_>>().len(), before.len());
    report.timeline.clear();
    report.causes.clear();
    report.attempts.retain(|attempt| !attempt.verdicts.is_empty());
    report.attempts.truncate(1);
    let after = uids(&report);
    assert!(!after.is_empty() && after.iter().all(|(key, uid)| before[key] == *uid));
    let ocsf: BTreeSet<String> = rows(&report, "ocsf")
        .iter()
        .filter(|event| event["class_uid"] == 2004 && event["unmapped"]["attempt"].is_object())
        .map(|event| event["finding_info"]["uid"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ocsf, after.into_values().collect());
}

#[test]
fn timelines_carry_what_timesketch_demands() {
    for (name, report) in reports() {
        for row in rows(report, "timesketch") {
            for field in ["message", "datetime", "timestamp_desc"] {
                assert!(row[field].as_str().is_some_and(|text| !text.is_empty()), "{name}: {field} in {row}");
            }
            let micros = row["timestamp"].as_i64().unwrap();
            let time = whyrdp::event::Time::parse(row["datetime"].as_str().unwrap()).unwrap();
            assert_eq!(time.timestamp().as_microsecond(), micros, "{name}");
            assert!(row["tag"].is_array());
        }
    }
}

#[test]
fn tables_are_as_wide_as_their_head_and_run_nothing() {
    for (name, report) in reports() {
        let mut report = report.clone();
        if let Some(Row::Event(row)) = report.timeline.first_mut() {
            row.message = "=HYPERLINK(\"http://x\";\"y\")\r\n@SUM(1)".into();
            row.host = "+SRV".into();
        }
        for (form, first, width) in [("csv", "kind", 35), ("timesketch-csv", "message", 26), ("l2tcsv", "date", 17)] {
            let text = render(&report, form);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            let records: Vec<csv::StringRecord> = reader.records().map(|record| record.unwrap()).collect();
            assert_eq!((&records[0][0], records[0].len()), (first, width), "{name}: {form}");
            assert_eq!(records.len(), text.lines().count(), "{name}: {form}: a record is a line");
            for cell in records.iter().flat_map(csv::StringRecord::iter) {
                assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{name}: {form}: {cell}");
                assert!(!cell.contains(char::is_control), "{name}: {form}: {cell:?}");
            }
            let facts = report.attempts.iter().map(|attempt| attempt.verdicts.len() + 1).sum::<usize>()
                + report.findings.len()
                + report.timeline.len();
            assert_eq!(records.len() - 1, facts, "{name}: {form}");
        }
    }
}

#[test]
fn jsonl_has_every_part_of_the_report() {
    for (name, report) in reports() {
        let mut parts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for mut row in rows(report, "jsonl") {
            let map = row.as_object_mut().unwrap();
            assert_eq!(map.remove("schema_version"), Some(1.into()));
            let Some(Value::String(kind)) = map.remove("row") else { panic!("{name}: a row without its kind") };
            parts.entry(kind).or_default().push(row);
        }
        let whole = serde_json::to_value(report).unwrap();
        schema::assert_valid(&whole);
        for (kind, part) in [
            ("cause", "/causes"),
            ("attempt", "/attempts"),
            ("input", "/inputs"),
            ("finding", "/findings"),
            ("noise", "/noise"),
            ("ruled_out", "/ruled_out"),
            ("host", "/coverage/hosts"),
            ("cannot_judge", "/coverage/cannot_judge"),
            ("collect", "/coverage/collect"),
        ] {
            let told = parts.remove(kind).unwrap_or_default();
            assert_eq!(&Value::Array(told), whole.pointer(part).unwrap(), "{name}: {kind}");
        }
        let timeline = parts.remove("event").map_or(0, |rows| rows.len()) + parts.remove("run").map_or(0, |r| r.len());
        assert_eq!(timeline, report.timeline.len());
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["report"]);
        // A part that the report gets anew has to be added here and to the form.
        assert_eq!((whole["coverage"].as_object().unwrap().len(), whole.as_object().unwrap().len()), (3, 12));
    }
}

/// Nobody listens.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_form_hands_on_that_nobody_listens_any_more() {
    let report = sample::report();
    for form in FORMATS {
        let error = (form.write)(&report, &mut Closed, &Options::default()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{}", form.name);
    }
}

#[test]
fn the_same_report_gives_the_same_bytes_in_every_form() {
    let report = sample::report();
    for form in FORMATS {
        assert_eq!(render(&report, form.name), render(&report, form.name), "{}", form.name);
    }
}
