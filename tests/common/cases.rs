//! Reports of cases, from their logs to the verdict.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use whyrdp::correlate::{Request, correlate};
use whyrdp::evidence::Findings;
use whyrdp::report::model::Report;
use whyrdp::scan::{Options, scan};
use whyrdp::signature::Signatures;
use whyrdp::source::{Given, discover_given};

/// Writes the logs of a case into a fresh folder that vanishes with the value.
pub fn logs(slug: &str) -> tempfile::TempDir {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(slug);
    let folder = tempfile::tempdir().unwrap();
    whyrdp_corpus::generate(&case, folder.path()).unwrap();
    folder
}

/// What a scan of a folder finds; rows call the folder `case`.
pub fn findings(folder: PathBuf, signatures: &Signatures) -> Findings {
    let found = discover_given(&[Given { path: folder, name: Some("case".into()) }]);
    let mut all = Findings::default();
    scan(&found.inputs, signatures, &Options::default(), &mut |row| {
        all.add(row);
        Ok::<(), std::convert::Infallible>(())
    })
    .unwrap();
    all
}

/// The report on a case, made once per test program.
pub fn report(slug: &str) -> Report {
    static MADE: Mutex<BTreeMap<String, Report>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    let make = || {
        let folder = logs(slug);
        let (signatures, _) = Signatures::open(true, &[]);
        correlate(&findings(folder.path().to_owned(), &signatures), &signatures, &Request::default())
    };
    made.entry(slug.to_owned()).or_insert_with(make).clone()
}
