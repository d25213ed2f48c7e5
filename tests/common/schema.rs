//! Holds reports against `docs/report.schema.json`.

use std::path::Path;
use std::sync::LazyLock;

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
    let schema = std::fs::read_to_string(path).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
});

/// Where a report breaks the schema, in words.
pub fn breaches(report: &serde_json::Value) -> Vec<String> {
    SCHEMA.iter_errors(report).map(|error| format!("{} at {}", error, error.instance_path())).collect()
}

/// Fails where a report breaks the schema, naming the places.
#[allow(dead_code)]
pub fn assert_valid(report: &serde_json::Value) {
    let breaches = breaches(report);
    assert!(breaches.is_empty(), "the report breaks its schema:\n{}", breaches.join("\n"));
}
