//! Real connections, recorded between two hosts: the report on the packets, and on the packets together
//! with what the client wrote, is held against what is true of them.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/told.rs"]
mod told;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use told::{Told, blamed, root};
use whyrdp::report::model::{Level, Report};

#[derive(Deserialize)]
struct Expect {
    top: Option<String>,
    failed: u64,
    #[serde(default)]
    possible: Vec<String>,
}

fn expected() -> BTreeMap<String, Expect> {
    let text = std::fs::read_to_string(root().join("corpus/wire/expect.yml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn recording(file: &str) -> PathBuf {
    root().join("corpus/wire").join(file)
}

fn names(report: &Report, level: Level) -> Vec<&str> {
    report.causes.iter().filter(|cause| cause.verdict == level).map(|cause| cause.id.as_str()).collect()
}

#[test]
fn packets_alone_prove_what_they_can_and_blame_nobody_else() {
    for (name, expect) in expected() {
        let report = Told::of(&[recording(&format!("{name}.pcap"))]).report;
        let blamed: Vec<&str> = blamed(&report).map(|cause| cause.id.as_str()).collect();
        assert_eq!(blamed, expect.top.as_deref().into_iter().collect::<Vec<_>>(), "{name}");
        assert_eq!(report.summary.failed, expect.failed, "{name}");
        for cause in &expect.possible {
            assert!(names(&report, Level::Possible).contains(&cause.as_str()), "{name}: {cause}");
        }
        assert!(report.attempts.iter().all(|attempt| attempt.server.ip.is_some()), "{name}");
        assert!(!report.attempts.is_empty(), "{name}: what packets show is an attempt");
    }
}
