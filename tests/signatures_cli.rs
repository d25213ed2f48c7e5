//! `whyrdp signatures` from outside, and folders of somebody's Sigma rules.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests end by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// Exit code, standard output, standard error.
fn run(args: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("whyrdp").unwrap().args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn foreign() -> PathBuf {
    root().join("tests/fixtures/foreign")
}

/// A case whose logs are part of the repository.
fn logs() -> String {
    root().join("corpus/selfsigned-renewal-denied/logs").to_str().unwrap().to_owned()
}

const GOOD: &str = "\
title: Handshake refused
id: 7f0b3d52-64f5-4c53-9b52-0d1ad5cf0c11
description: Schannel could not use the key.
logsource: {product: windows}
detection:
  selection:
    Provider_Name: Schannel
    EventID: 36870
    Type: server
  condition: selection
level: high
whyrdp:
  schema: 1
  kind: fact
  host: server
  join: [time]
  tests:
    match: [{Provider_Name: Schannel, EventID: 36870, Type: server}]
    miss: [{Provider_Name: Schannel, EventID: 36870, Type: client}]
";

/// A folder with one rule of our own, changed.
fn folder(change: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules/tls");
    fs::create_dir_all(&rules).unwrap();
    let mut text = GOOD.to_owned();
    for (from, to) in change {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    fs::write(rules.join("handshake_refused.yml"), text).unwrap();
    folder
}

fn check(folder: &Path) -> (i32, Vec<String>) {
    let (code, out, _) = run(&["signatures", "check", folder.to_str().unwrap()]);
    (code, out.lines().map(str::to_owned).collect())
}

#[test]
fn help_shows_examples() {
    for command in ["list", "show", "check", "test"] {
        let (code, out, err) = run(&["signatures", command, "--help"]);
        assert_eq!((code, &*err), (0, ""));
        assert!(out.contains("Examples:\n  whyrdp signatures"), "{out}");
        assert!(out.lines().all(|line| line.chars().count() <= 120), "{out}");
    }
    assert!(run(&["signatures", "--help"]).1.contains("Exit codes:"));
    assert_eq!(run(&["signatures"]).0, 2);
}

#[test]
fn examples_of_the_help_that_need_no_files_do_what_they_show() {
    let helps = [&["--help"][..], &["explain", "--help"], &["signatures", "--help"]];
    let more = [&["signatures", "list", "--help"][..], &["signatures", "show", "--help"]];
    let mut tried = 0;
    for help in helps.iter().chain(&more) {
        let text = run(help).1;
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("whyrdp ")) {
            let typed = line.split("  ").next().unwrap();
            if !["explain ", "signatures list", "signatures show"].iter().any(|one| typed.starts_with(one)) {
                continue;
            }
            let words = typed.split('"').enumerate().flat_map(|(at, part)| match at % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            });
            let (code, _, err) = run(&words.collect::<Vec<_>>());
            assert_eq!((code, &*err), (0, ""), "{typed}");
            tried += 1;
        }
    }
    assert!(tried >= 10, "{tried}");
}

#[test]
fn list_narrows_by_family_cause_channel_level_and_kind() {
    let lines = |args: &[&str]| {
        let (code, out, err) = run(&[&["signatures", "list"], args].concat());
        assert_eq!((code, &*err), (0, ""), "{args:?}");
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = lines(&[]).len();
    assert!(all > 600);
    let causes = lines(&["--kind", "cause"]);
    let files = common::files_below(&root().join("signatures/causes"));
    assert_eq!(causes.len(), files.len());
    assert!(causes.iter().all(|line| line.starts_with("cause ")));
    let licensing = lines(&["--family", "licensing"]);
    assert!(licensing.len() > 20 && licensing.len() < all);
    let critical = lines(&["--level", "critical", "--kind", "cause"]);
    assert!(!critical.is_empty() && critical.len() < causes.len());
    let channel = lines(&["--channel", "rdpcorets"]);
    assert!(channel.iter().any(|line| line.contains("rdpcorets_131_tcp")));
    assert!(!channel.iter().any(|line| line.contains("schannel")));
    let cause = lines(&["--cause", "rdp-selfsigned-renewal-denied"]);
    assert!(cause[0].starts_with("cause ") && cause.iter().any(|line| line.contains("rcm_1058_renewal_failed")));
    assert!(lines(&["--kind", "correlation"]).iter().any(|line| line.contains("security_4625_burst")));
    assert_eq!(run(&["signatures", "list", "--cause", "nonsense"]).0, 2);
}

#[test]
fn list_as_json_says_the_same() {
    let (code, out, _) = run(&["signatures", "list", "--cause", "machinekeys-acl-broken", "--format", "json"]);
    assert_eq!(code, 0);
    let Value::Array(lines) = serde_json::from_str(&out).unwrap() else { panic!("no array") };
    let table = run(&["signatures", "list", "--cause", "machinekeys-acl-broken"]).1;
    assert_eq!(lines.len(), table.lines().count());
    assert_eq!(lines[0]["kind"], "cause");
    let rule = lines.iter().find(|line| line["kind"] == "fact").unwrap();
    assert!(rule["causes"].as_array().unwrap().contains(&Value::from("machinekeys-acl-broken")));
    assert!(!rule["channels"].as_array().unwrap().is_empty());
}

#[test]
fn show_gives_words_json_and_the_file_itself() {
    let (code, out, _) = run(&["signatures", "show", "rcm_1058_renewal_failed"]);
    assert_eq!(code, 0);
    assert!(out.contains("Bears on") && out.contains("rdp-selfsigned-renewal-denied"), "{out}");
    let (_, cause, _) = run(&["signatures", "show", "rdp-selfsigned-renewal-denied"]);
    for part in ["Evidence", "Fix", "rcm_1058_renewal_failed", "0x904/0x7"] {
        assert!(cause.contains(part), "{part}: {cause}");
    }
    let file = root().join("signatures/rules/certificate/rcm_1058_renewal_failed.yml");
    let yaml = run(&["signatures", "show", "rcm_1058_renewal_failed", "--format", "yaml"]).1;
    assert_eq!(yaml, fs::read_to_string(file).unwrap());
    let json: Value =
        serde_json::from_str(&run(&["signatures", "show", "rcm_1058_renewal_failed", "--format", "json"]).1).unwrap();
    assert_eq!(json["detection"]["selection"]["EventID"], 1058);
    let id = json["id"].as_str().unwrap();
    assert_eq!(run(&["signatures", "show", id, "--format", "yaml"]).1, yaml);
    let (code, out, err) = run(&["signatures", "show", "no_such_rule_at_all"]);
    assert_eq!((code, &*out), (1, ""));
    assert!(err.contains("whyrdp signatures list"), "{err}");
}

#[test]
fn show_prefers_the_folder_that_overrides() {
    let folder = folder(&[]);
    let path = folder.path().to_str().unwrap();
    let (code, out, _) = run(&["signatures", "show", "handshake_refused", "--signatures", path]);
    assert_eq!(code, 0);
    assert!(out.starts_with("handshake_refused: Handshake refused\n"), "{out}");
}

#[test]
fn the_signatures_of_the_program_are_sound() {
    let (code, out, err) = run(&["signatures", "check"]);
    assert_eq!((code, &*out, &*err), (0, "", ""));
    let (code, out, err) = run(&["signatures", "check", root().join("signatures").to_str().unwrap()]);
    assert_eq!((code, &*out, &*err), (0, "", ""));
    let (code, out, err) = run(&["signatures", "test"]);
    assert_eq!((code, &*err), (0, ""));
    assert!(out.ends_with("all hold\n"), "{out}");
}

#[test]
fn check_finds_each_mistake_with_file_line_rule_and_code() {
    let mistakes: &[(&[(&str, &str)], &str)] = &[
        (&[("level: high", "level: loud")], ":11: handshake_refused: unknown-word: "),
        (&[("  schema: 1\n", "  schema: 1\n  hosts: server\n")], ":14: handshake_refused: unknown-key: "),
        (&[("  schema: 1\n", "")], ":13: handshake_refused: missing-key: "),
        (&[("EventID: 36870", "EventID: 36999")], ":8: handshake_refused: unknown-event: "),
        (&[("Type: server\n  condition", "Kind: server\n  condition")], ":9: handshake_refused: unknown-field: "),
        (&[("  condition", "  other: {EventID: 1}\n  condition")], ":10: handshake_refused: dead-search: "),
        (
            &[("condition: selection", "condition: selection and not selection")],
            ":10: handshake_refused: dead-condition: ",
        ),
        (&[("    Type: server\n  c", "    Type: server\n    Type|all: client\n  c"), ("|all", "|contains")], ""),
        (&[("    miss: [{", "    more: [{")], ":19: handshake_refused: unknown-key: "),
        (
            &[("    Provider_Name: Schannel\n    EventID: 36870\n    Type", "    Type")],
            ":5: handshake_refused: too-broad: ",
        ),
    ];
    for (change, wanted) in mistakes {
        let folder = folder(change);
        let (code, lines) = check(folder.path());
        if wanted.is_empty() {
            assert_eq!((code, lines), (0, vec![]), "{change:?}");
            continue;
        }
        assert_eq!(code, 1, "{change:?}");
        let place = format!("rules/tls/handshake_refused.yml{wanted}");
        assert!(lines.iter().any(|line| line.starts_with(&place)), "{wanted}: {lines:#?}");
    }
}

#[test]
fn a_folder_without_signatures_is_no_sound_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "hello").unwrap();
    for command in ["check", "test"] {
        let (code, _, errors) = run(&["signatures", command, folder.path().to_str().unwrap()]);
        assert_eq!(code, 2, "{errors}");
        assert!(errors.contains("holds no signature"), "{errors}");
    }
}

#[test]
fn check_finds_missing_examples_duplicates_and_names_that_lead_nowhere() {
    let missing = folder(&[("    miss: [{Provider_Name: Schannel, EventID: 36870, Type: client}]\n", "")]);
    assert!(check(missing.path()).1[0].contains(": missing-tests: the rule has no example under `miss`"));
    let twice = folder(&[]);
    let rules = twice.path().join("rules");
    fs::create_dir_all(rules.join("other")).unwrap();
    fs::write(rules.join("other/handshake_refused.yml"), GOOD).unwrap();
    let codes: BTreeSet<String> =
        check(twice.path()).1.iter().map(|line| line.split(": ").nth(2).unwrap().to_owned()).collect();
    assert_eq!(codes, BTreeSet::from(["duplicate".to_owned()]));
    let cause = folder(&[]);
    fs::create_dir_all(cause.path().join("causes/tls")).unwrap();
    let text = "id: key-lost\nfamily: tls\ntitle: T\nseverity: low\nexplanation: E\nphases: [tls]\nprior: 3\nevidence:\n  \
        - {rule: handshake_refused, as: proof, why: W}\n  - {rule: no_such_rule_here, as: support, why: W}\n";
    fs::write(cause.path().join("causes/tls/key-lost.yml"), text).unwrap();
    let (code, lines) = check(cause.path());
    assert_eq!((code, lines.len()), (1, 1), "{lines:?}");
    let start = "causes/tls/key-lost.yml:10: key-lost: no-such-rule: ";
    assert!(lines[0].starts_with(start), "{lines:?}");
}

#[test]
fn a_folder_may_bring_its_own_events() {
    let folder = folder(&[("EventID: 36870", "EventID: 36999")]);
    assert_eq!(check(folder.path()).0, 1);
    fs::write(folder.path().join("known_events.tsv"), "provider\tid\tfields\nSchannel\t36999\tType|Name\n").unwrap();
    assert_eq!(check(folder.path()), (0, vec![]));
}

#[test]
fn test_runs_every_example() {
    let run = |folder: &tempfile::TempDir| run(&["signatures", "test", folder.path().to_str().unwrap()]);
    let (code, out, _) = run(&folder(&[]));
    assert_eq!((code, &*out), (0, "1 rule, 2 examples: all hold\n"));
    let (code, out, _) = run(&folder(&[("Type: client}", "Type: server}")]));
    assert_eq!(code, 1);
    assert!(out.starts_with("rules/tls/handshake_refused.yml: handshake_refused: example 1 under `miss` matches\n"));
    let (code, out, _) =
        run(&folder(&[("    match: [{Provider_Name: Schannel, EventID: 36870, Type: server}]\n", "")]));
    assert_eq!(code, 1);
    assert!(out.contains("no example under `match`"), "{out}");
    let (code, out, _) = run(&folder(&[("detection:", "detektion:")]));
    assert_eq!(code, 1);
    assert!(out.contains("cannot be used"), "{out}");
    assert_eq!(crate::run(&["signatures", "test", "/no/such/folder"]).0, 2);
}

/// Findings of an analysis with the foreign rules: id to count.
fn findings(folder: &Path) -> (Vec<(String, u64)>, Value, String) {
    let (code, out, err) = run(&["analyze", "--signatures", folder.to_str().unwrap(), "--format", "json", &logs()]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let one = |finding: &Value| (finding["id"].as_str().unwrap().to_owned(), finding["count"].as_u64().unwrap());
    let mut found: Vec<(String, u64)> = report["findings"].as_array().unwrap().iter().map(one).collect();
    found.sort();
    (found, report, err)
}

#[test]
fn a_folder_of_sigma_rules_makes_findings_on_the_timeline() {
    let (found, report, err) = findings(&foreign());
    let found: Vec<(&str, u64)> = found.iter().map(|(id, count)| (id.as_str(), *count)).collect();
    // Rules that a correlation counts tell nothing by themselves; the filter left nothing of
    // `special_privileges`.
    assert_eq!(
        found,
        [
            ("keyword_termservice", 1),
            ("schannel_key_failed", 3),
            ("several_mistakes_2", 1),
            ("short_visits", 16),
            ("short_visits_2", 10),
        ]
    );
    let rows = report["timeline"].as_array().unwrap();
    let shown: BTreeSet<&str> = rows.iter().filter_map(|row| row["ref"].as_str()).collect();
    for finding in report["findings"].as_array().unwrap() {
        for event in finding["evidence"].as_array().unwrap() {
            assert!(shown.contains(event.as_str().unwrap()), "{finding}");
        }
    }
    let schannel = report["findings"].as_array().unwrap().iter().find(|f| f["id"] == "schannel_key_failed").unwrap();
    assert_eq!((&schannel["severity"], &schannel["attack"][0]), (&"high".into(), &"T1557".into()));
    // What is built in judges as before.
    let alone: Value = serde_json::from_str(&run(&["analyze", "--format", "json", &logs()]).1).unwrap();
    assert_eq!(report["summary"], alone["summary"]);
    assert_eq!(report["attempts"], alone["attempts"]);
    assert!(err.contains("1 rule without provider and event id") && err.contains("keyword_termservice"), "{err}");
}

#[test]
fn without_its_filter_a_rule_finds_more() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(foreign().join("rules-windows/security/special_privileges.yml"), folder.path().join("privileges.yml"))
        .unwrap();
    assert_eq!(findings(folder.path()).0, [("privileges".to_owned(), 26)]);
    fs::copy(foreign().join("filters/no_system_account.yml"), folder.path().join("filter.yml")).unwrap();
    assert_eq!(findings(folder.path()).0, []);
}

#[test]
fn broken_rules_are_named_and_stop_nothing_unless_strict() {
    let folder = foreign();
    let folder = folder.to_str().unwrap();
    let (code, _, err) = run(&["analyze", "--signatures", folder, &logs()]);
    assert_eq!(code, 0);
    for told in [
        "broken/not_yaml.yml:3: ",
        "broken/several_mistakes.yml:8: the modifier `base64` of `TargetUserName|base64` is not supported",
        "broken/several_mistakes.yml:21: it counts the correlation `short_visits_2`",
        "broken/several_mistakes.yml:31: the correlation type `value_median` is not supported",
    ] {
        assert!(err.contains(told), "{told}: {err}");
    }
    let (code, out, err) = run(&["analyze", "--strict", "--signatures", folder, &logs()]);
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("4 problems in the signatures, and --strict allows none"), "{err}");
}

#[test]
fn strict_is_content_with_good_rules() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(foreign().join("rules-windows/system/schannel_key_failed.yml"), folder.path().join("key.yml")).unwrap();
    let path = folder.path().to_str().unwrap();
    for command in ["analyze", "scan"] {
        let (code, _, err) = run(&[command, "--strict", "--signatures", path, &logs()]);
        assert_eq!((code, &*err), (0, ""), "{command}");
    }
}
