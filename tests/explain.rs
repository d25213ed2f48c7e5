//! `whyrdp explain` from outside: exit codes, forms, width, and nothing unescaped.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs;

use assert_cmd::Command;

/// Exit code, standard output, standard error.
fn explain(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("whyrdp").unwrap();
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env("TERM", "xterm").arg("explain");
    let output = command.args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_is_known_ends_with_0_and_fits_80_columns() {
    for asked in ["0x904/0x7", "4625", "machinekeys-acl-broken", "tls", "2308", "An internal error has occurred"] {
        let (code, out, errors) = explain(&[asked]);
        assert_eq!((code, errors.as_str()), (0, ""), "{asked}");
        // An address, a path or a symbol is not broken.
        let long = |line: &&str| line.chars().count() > 80 && !line.contains(['/', '\\']);
        assert_eq!(out.lines().find(long), None, "{asked}");
    }
}

#[test]
fn what_is_unknown_ends_with_1_and_names_what_is_near() {
    let (code, out, errors) = explain(&["0x904/0x7", "machinekey-acl-brocken"]);
    assert_eq!(code, 1);
    assert!(out.contains("0x904/0x7"), "the rest is answered all the same");
    assert!(errors.contains("did you mean machinekeys-acl-broken"), "{errors}");
    assert_eq!(explain(&["qqqq"]).0, 1);
}

#[test]
fn a_cause_is_known_by_the_title_that_reports_give_it() {
    for asked in [&["Wrong password"][..], &["wrong", "password"]] {
        let (code, out, errors) = explain(asked);
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(out.starts_with("bad-password (cause)"), "{out}");
    }
    assert!(explain(&["wrong-pasword"]).2.contains("did you mean bad-password"));
}

#[test]
fn nothing_asked_is_wrong_usage() {
    assert_eq!(explain(&[]).0, 2);
    assert_eq!(explain(&["--format", "pdf", "0x904"]).0, 2);
}

#[test]
fn negative_numbers_are_codes_and_not_options() {
    let (code, out, _) = explain(&["-2146893039"]);
    assert_eq!(code, 0);
    assert!(out.contains("SEC_E_NO_AUTHENTICATING_AUTHORITY"), "{out}");
}

#[test]
fn words_of_a_dialog_need_no_quotes() {
    let (code, out, _) = explain(&["the", "function", "requested", "is", "not", "supported"]);
    assert_eq!(code, 0);
    assert!(out.contains("function-not-supported"), "{out}");
}

#[test]
fn an_ambiguous_number_shows_every_number_space() {
    let (_, out, _) = explain(&["2308"]);
    assert!(out.contains("disconnect/2308") && out.contains("messages/2308") && out.contains("2308 means 2 things"));
    let (_, out, _) = explain(&["%%2308"]);
    assert!(!out.contains("disconnect/2308"), "{out}");
}

#[test]
fn nothing_typed_reaches_the_terminal_unescaped() {
    let (code, out, errors) = explain(&["\u{1b}[2Jno\rsuch\u{202e}thing"]);
    assert_eq!(code, 1);
    for bad in ['\u{1b}', '\r', '\u{202e}'] {
        assert!(!out.contains(bad) && !errors.contains(bad), "{errors:?}");
    }
}

#[test]
fn forms_for_programs_and_for_pages() {
    let (_, out, _) = explain(&["--format", "json", "0x904", "tls"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["answers"].as_array().unwrap().len(), 2);
    assert_eq!(value["answers"][0]["asked"], "0x904");
    let (_, out, _) = explain(&["--format", "md", "0x904"]);
    assert!(out.starts_with("# the TCP connection was closed"), "{out}");
    let (_, out, _) = explain(&["--color", "always", "0x904"]);
    assert!(out.contains("\u{1b}["));
}

#[test]
fn it_writes_files_like_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.json");
    let name = file.to_str().unwrap();
    assert_eq!(explain(&["--format", "json", "-o", name, "0x904"]).0, 0);
    assert!(fs::read_to_string(&file).unwrap().starts_with('{'));
    assert_eq!(explain(&["-o", name, "0x904"]).0, 5);
}

#[test]
fn a_folder_of_a_user_adds_dialogs_and_codes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("dialogs/own-portal.yml", "id: own-portal\nsays: Our portal is closed.\nkeys: {en: [portal is closed]}\n");
    write("codes/own-space.tsv", "number\tsymbol\tmeaning\tends\n4711\tOWN\tour own\topen\n");
    let name = folder.path().to_str().unwrap();
    let (code, out, errors) = explain(&["--signatures", name, "the portal is closed today", "4711"]);
    assert_eq!(code, 0, "{errors}");
    assert!(out.contains("own-portal") && out.contains("own-space/4711"), "{out}");
    write("dialogs/bad.yml", "id: other\nsays: x\nkeys: {en: [word]}\n");
    let (_, _, errors) = explain(&["--signatures", name, "4711"]);
    assert!(errors.contains("dialogs/bad.yml") && errors.contains("one word"), "{errors}");
}
