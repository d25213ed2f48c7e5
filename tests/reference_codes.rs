//! Every row of the reference tables is found by `explain`, in every notation that it has.
//!
//! The tables lie beside the repository, not in it: where they are missing, nothing is tested.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]
#![allow(clippy::print_stderr, reason = "says why nothing was tested")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use whyrdp::reference::{Kind, explain};
use whyrdp::signature::Signatures;

fn table(name: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/knowledge");
    let folder = std::env::var_os("WHYRDP_KNOWLEDGE").map_or(beside, PathBuf::from);
    let Ok(text) = fs::read_to_string(folder.join(name)) else {
        eprintln!("{name} is not here: set WHYRDP_KNOWLEDGE to its folder to test against it");
        return None;
    };
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<String>>());
    let header = lines.next().unwrap();
    Some(lines.map(|cells| header.iter().cloned().zip(cells).collect()).collect())
}

struct Checked {
    signatures: Signatures,
    wrong: Vec<String>,
    rows: usize,
}

impl Checked {
    fn new() -> Self {
        Checked { signatures: Signatures::open(true, &[]).0, wrong: Vec::new(), rows: 0 }
    }

    /// One of the topics that `asked` finds has this id.
    fn has(&mut self, asked: &str, id: &str) {
        if asked.is_empty() {
            return;
        }
        let found: Vec<String> = explain(&self.signatures, asked).topics.into_iter().map(|topic| topic.id).collect();
        if !found.iter().any(|one| one == id) {
            self.wrong.push(format!("{asked}: no {id} among {found:?}"));
        }
    }

    /// Something of this kind is found.
    fn kind(&mut self, asked: &str, kind: Kind) {
        let found = explain(&self.signatures, asked).topics;
        if !found.iter().any(|topic| topic.kind == kind) {
            self.wrong.push(format!("{asked}: no {} among {} topics", kind.word(), found.len()));
        }
    }

    fn done(self, rows: usize) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert_eq!(self.rows, rows, "rows of the table");
    }
}

/// Decimal, hex, and the negative form of what has its top bit set.
fn notations(number: u32) -> Vec<String> {
    let mut all = vec![number.to_string(), format!("0x{number:x}"), format!("0X{number:X}")];
    if number > 0x7FFF_FFFF {
        all.push(number.cast_signed().to_string());
        all.push(format!("{number:08X}"));
    }
    all
}

fn number(decimal: &str) -> u32 {
    let wide: i64 = decimal.parse().unwrap();
    u32::try_from(wide).unwrap_or_else(|_| i32::try_from(wide).unwrap().cast_unsigned())
}

#[test]
fn disconnect_reasons() {
    let Some(rows) = table("disconnect-reasons.tsv") else { return };
    let mut checked = Checked::new();
    for row in &rows {
        checked.rows += 1;
        let space = match row["kind"].as_str() {
            "discReason" | "discReason-gateway" => "disconnect",
            "OnLogonError" => "logon-error",
            "OnFatalError" => "fatal-error",
            "pattern" => {
                // A member that no table has of its own.
                let low = row["hex"].strip_prefix("0x..");
                let member = low.map_or_else(|| row["hex"].replace('.', "7"), |low| format!("0x7F{low}"));
                checked.kind(&member, Kind::Group);
                continue;
            }
            other => panic!("{other}"),
        };
        let code = number(&row["dec"]);
        let id = format!("{space}/{code}");
        for asked in notations(code).into_iter().chain([row["dec"].clone(), row["hex"].clone()]) {
            checked.has(&asked, &id);
        }
        checked.has(&row["symbol"], &id);
    }
    checked.done(177);
}

#[test]
fn extended_reasons() {
    let Some(rows) = table("extended-reasons.tsv") else { return };
    let mut checked = Checked::new();
    for row in &rows {
        checked.rows += 1;
        match row["kind"].as_str() {
            "code" => {
                let code = number(&row["dec"]);
                let id = format!("extended/{code}");
                for asked in notations(code).into_iter().chain([row["dec"].clone(), row["hex"].clone()]) {
                    checked.has(&asked, &id);
                }
                for name in ["symbol_client", "symbol_wire"] {
                    checked.has(&row[name], &id);
                }
            }
            "range" => {
                let member = match row["hex"].as_str() {
                    "0x1000-0x7FFF" => "0x1FFF",
                    "0x100-0x1FF" => "0x1F7",
                    "0x400-0x4FF" => "0x4F7",
                    "0xDXXXXXXX" => "0xD0000077",
                    "0x8007XXXX" => "0x8007FFF7",
                    other => panic!("{other}"),
                };
                checked.kind(member, Kind::Group);
            }
            "pairing" => {
                checked.kind(&row["dec"].replace("..", "-"), Kind::Pair);
                checked.kind(&row["hex"], Kind::Pair);
            }
            "evidence-0x904/0x7" => {
                let topics = explain(&checked.signatures, "0x904/0x7").topics;
                let claims = topics.iter().flat_map(|topic| &topic.sections).filter(|s| s.name.contains("claimed"));
                let weighed = claims.flat_map(|s| &s.lines).filter(|line| line.text.starts_with("0x904/0x7 comes"));
                assert_eq!(weighed.count(), 11);
            }
            other => panic!("{other}"),
        }
    }
    checked.done(151);
}

#[test]
fn codes_of_tls_and_nla() {
    let Some(rows) = table("ssl-nla-codes.tsv") else { return };
    let mut checked = Checked::new();
    for row in &rows {
        checked.rows += 1;
        let space = match row["kind"].as_str() {
            "SECURITY_STATUS" | "NTSTATUS" | "HRESULT/WIN32" | "WIN32" | "CERT/CRYPT/TRUST" => "status",
            "KERBEROS" => "kerberos",
            "TLS_ALERT" => "schannel-alert",
            "SCHANNEL_STATE" => "schannel-state",
            "X224_FAILURE" => "x224-failure",
            "X224_PROTOCOL" => "x224-protocol",
            "FAILURE_REASON" => "messages",
            "E_PROXY" => "gateway",
            "CREDSSP_POLICY" => "credssp-policy",
            "DIALOG" => {
                checked.has(&row["symbol"], "credssp-oracle");
                checked.has(&row["meaning"], "credssp-oracle");
                continue;
            }
            "NTSTATUS-note" => {
                checked.kind(&row["symbol"], Kind::Group);
                checked.has("0xD000006D", "status/3489661037");
                continue;
            }
            other => panic!("{other}"),
        };
        let code = number(&row["dec"]);
        let id = format!("{space}/{code}");
        for asked in notations(code).into_iter().chain([row["dec"].clone()]) {
            checked.has(&asked, &id);
        }
        if row["code"].contains('|') {
            let whole = format!("{space}/{}", 0x8007_0000 | code);
            checked.has(&row["code"], &whole);
            checked.has(&format!("0x{:X}", 0x8007_0000 | code), &whole);
        } else {
            checked.has(&row["code"], &id);
        }
        checked.has(&row["symbol"], &id);
    }
    checked.done(345);
}
