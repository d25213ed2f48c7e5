//! Names that a stranger put into a log by failing to log on, from the log to every form.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use whyrdp::evidence::hides;
use whyrdp::report::FORMATS;

/// Clears the screen, forges a line, turns the rest around, hides, opens a tag, a link and a table
/// cell, runs in a spreadsheet, and sends a C1 control.
const USER: &str = "=cmd|' /C calc'!A0\u{1b}[2J\r\n2026-03-04 logon ok\u{202e}nimda\u{200b}\u{9b}31m\
    <script>alert(1)</script>[x](javascript:alert(1))|`y`\"'&\u{7f}";
const WORKSTATION: &str = "+SUM(1)\u{2066}\u{1b}]0;title\u{7}<img src=x onerror=alert(1)>";

static LOGS: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    fs::create_dir(&case).unwrap();
    let scenario = fs::read_to_string(root.join("corpus/wrong-password/scenario.yml")).unwrap();
    // JSON strings are YAML strings, with everything unusual spelled out.
    let text = |text: &str| {
        let mut out = Vec::new();
        whyrdp::evidence::write_line(&mut out, &text).unwrap();
        String::from_utf8(out).unwrap()
    };
    let vars = format!("vars: {{user: {}, workstation: {}}}\n", text(USER), text(WORKSTATION));
    fs::write(case.join("scenario.yml"), vars + &scenario).unwrap();
    fs::copy(root.join("corpus/wrong-password/expect.yml"), case.join("expect.yml")).unwrap();
    whyrdp_corpus::generate(&case, &folder.path().join("logs")).unwrap();
    folder
});

fn run(args: &[&str]) -> String {
    let logs = LOGS.path().join("logs");
    let output =
        assert_cmd::Command::cargo_bin("whyrdp").unwrap().args(args).arg(logs.to_str().unwrap()).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{args:?}: {err}");
    assert_eq!(steering(&err), None, "{args:?}: {err}");
    out
}

/// The first character that does anything to a terminal but show.
fn steering(text: &str) -> Option<char> {
    text.chars().find(|ch| *ch != '\n' && hides(*ch))
}

fn analyzed(form: &str) -> String {
    run(&["analyze", "-v", "--hash", "--format", form])
}

fn strings(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|item| strings(item, out)),
        Value::Object(map) => map.values().for_each(|item| strings(item, out)),
        _ => {}
    }
}

#[test]
fn nothing_steers_a_terminal_in_any_form() {
    for form in FORMATS {
        let text = analyzed(form.name);
        assert_eq!(steering(&text), None, "{}", form.name);
        assert!(text.contains("nimda"), "{}: the name is told", form.name);
    }
    for command in ["scan", "inventory"] {
        assert_eq!(steering(&run(&[command])), None, "{command}");
    }
    assert_eq!(steering(&run(&["inventory", "--format", "json"])), None);
}

#[test]
fn programs_read_the_name_as_it_stands_in_the_log() {
    for form in ["json", "jsonl", "ecs", "ocsf", "timesketch"] {
        let mut all = Vec::new();
        for value in serde_json::Deserializer::from_str(&analyzed(form)).into_iter::<Value>() {
            strings(&value.unwrap(), &mut all);
        }
        assert!(all.iter().any(|text| text.contains(USER)), "{form}");
    }
    let rows = run(&["scan"]);
    let mut all = Vec::new();
    rows.lines().for_each(|line| strings(&serde_json::from_str(line).unwrap(), &mut all));
    assert!(all.iter().any(|text| text == USER) && all.iter().any(|text| text == WORKSTATION));
}

#[test]
fn a_name_forges_no_line() {
    for form in ["jsonl", "csv", "ecs", "ocsf", "timesketch", "timesketch-csv", "l2tcsv", "text", "md"] {
        let text = analyzed(form);
        let forged = text.lines().find(|line| line.starts_with("2026-03-04 logon ok"));
        assert_eq!(forged, None, "{form}");
    }
}

#[test]
fn no_cell_runs_in_a_spreadsheet() {
    for form in ["csv", "timesketch-csv", "l2tcsv"] {
        let text = analyzed(form);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let mut seen = false;
        for record in reader.records() {
            for cell in &record.unwrap() {
                let cell = cell.trim_start();
                let number = cell.parse::<f64>().is_ok();
                assert!(number || !cell.starts_with(['=', '+', '-', '@', '\t', '|']), "{form}: {cell}");
                seen |= cell.contains("=cmd");
            }
        }
        assert!(seen, "{form}: the name is told");
    }
}

#[test]
fn names_are_no_markup() {
    let page = analyzed("html");
    assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (1, 0));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    let markdown = comrak::markdown_to_html(&analyzed("md"), &{
        let mut options = comrak::Options::default();
        options.extension.table = true;
        options.extension.autolink = true;
        options.render.r#unsafe = true;
        options
    });
    for tag in ["<script", "<img", "href=\"javascript"] {
        assert!(!markdown.contains(tag), "{tag}");
    }
}

#[test]
fn redaction_leaves_nothing_of_them() {
    for form in FORMATS {
        let text = run(&["analyze", "--redact", "--format", form.name]);
        for part in ["nimda", "calc", "SUM(1)"] {
            assert!(!text.contains(part), "{part} in {}", form.name);
        }
    }
}
