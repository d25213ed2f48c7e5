//! WPP messages of traces with the files that say how to read them.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "common/trace.rs"]
#[allow(dead_code)]
mod trace;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use assert_cmd::Command;
use trace::{Trace, after, message, wide};
use whyrdp::event::{Damage, Event, Interest, Sink, Stamp};
use whyrdp::source::{Aids, Input, Messages, open_with};

const FILE: &str = "{3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788}";
const FORMATS: &str = r#"// PDB:  sslfilter.pdb
3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788 sslfilter // SRC=sslfilter.cpp MJ= MN=
#typev sslfilter_cpp123 1026 "%0InitializeSecurityContext failed %10!s! for target %11!s!" //   LEVEL=TRACE_LEVEL_ERROR FLAGS=TRC_SSL FUNC=Handshake
{
status, ItemHRESULT -- 10
target, ItemWString -- 11
}
"#;

#[derive(Default)]
struct Told {
    stamps: Vec<String>,
    events: Vec<Event>,
}

impl Sink for Told {
    fn record(&mut self, stamp: &Stamp<'_>) {
        if !stamp.provider.is_empty() {
            self.stamps.push(format!("{} {}/{}", stamp.kind, stamp.provider, stamp.event_id));
        }
    }

    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn damage(&mut self, _: Damage) {}
}

/// A folder with a trace of two messages and the format of one of them.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut payload = 0x8009_0308u32.to_le_bytes().to_vec();
    payload.extend(wide("srv01"));
    let records = [message(FILE, 1026, after(10), &payload), message(FILE, 11, after(20), b"Reason")];
    let path = folder.path().join("rdp.etl");
    std::fs::write(&path, Trace::default().buffer(&records).bytes()).unwrap();
    let formats = FORMATS.encode_utf16().flat_map(u16::to_le_bytes);
    std::fs::write(folder.path().join("sslfilter.TMF"), [0xFF, 0xFE].into_iter().chain(formats).collect::<Vec<u8>>())
        .unwrap();
    (folder, path)
}

fn read(path: &Path, messages: Messages, interest: &Interest) -> Told {
    let bytes = std::fs::metadata(path).unwrap().len();
    let input = Input { path: path.to_owned(), name: "t".into(), format: "etl", bytes };
    let log = open_with(&input, &Aids { messages: Arc::new(messages), ..Aids::default() }).unwrap();
    let mut told = Told::default();
    (0..log.blocks()).for_each(|block| log.read(block, interest, &mut told));
    told
}

#[test]
fn a_message_is_read_by_its_format_and_the_others_stay_for_no_signature() {
    let (folder, path) = folder();
    let (messages, problems) = Messages::read(folder.path()).unwrap();
    assert!(problems.is_empty() && messages.len() == 1);
    let mut decoded = Interest::everything();
    decoded.undecoded = false;
    let told = read(&path, messages, &decoded);
    assert_eq!(told.stamps, ["WPP with TMF sslfilter/1026".to_owned(), format!("WPP {FILE}/11")]);
    let [event] = &told.events[..] else { panic!("one event") };
    assert_eq!(event.field("Message"), Some("InitializeSecurityContext failed 0x80090308 for target srv01"));
    assert_eq!((event.field("status"), event.field("target")), (Some("0x80090308"), Some("srv01")));
    assert_eq!((&*event.system.provider, event.system.level, event.system.event_id), ("sslfilter", Some(2), 1026));
    assert!(event.system.time.is_some());
    assert!(read(&path, Messages::default(), &decoded).events.is_empty());
}

#[test]
fn the_program_reads_messages_where_it_is_given_their_formats() {
    let (folder, path) = folder();
    let inventory = |more: &[&str]| {
        let mut program = Command::cargo_bin("whyrdp").unwrap();
        let output = program.arg("inventory").arg(&path).args(["--format", "json"]).args(more).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(inventory(&[]).contains("\"WPP\": 2"));
    let with = inventory(&["--tmf", folder.path().to_str().unwrap()]);
    assert!(with.contains("\"WPP with TMF\": 1") && with.contains("\"WPP\": 1"), "{with}");
    let mut program = Command::cargo_bin("whyrdp").unwrap();
    program.arg("analyze").arg(&path).args(["--tmf", "no-such-folder"]).assert().code(2);
}
