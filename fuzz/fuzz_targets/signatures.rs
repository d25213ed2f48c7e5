//! Files of signatures: the first byte says of which kind, the rest is the text.
#![no_main]

use whyrdp::signature::read::load_text;

const NAMES: [&str; 8] = [
    "rules/fuzz/some_rule_1.yml",
    "causes/fuzz/some-cause.yml",
    "codes/status.tsv",
    "codes/pairs.tsv",
    "events/provider.yml",
    "dialogs/some-dialog.yml",
    "claims/some-claim.yml",
    "foreign/Some Rule.yaml",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [kind, text @ ..] = bytes else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let name = NAMES[usize::from(*kind) % NAMES.len()];
    let (_, problems) = load_text(&[(name.to_owned(), text.to_owned())]);
    assert!(problems.iter().all(|problem| !problem.message.is_empty()));
});
