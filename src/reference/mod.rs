//! The knowledge in words: what a code, an event, a cause or a dialog means, and the pages
//! made of it. Knows signatures and nothing else: no log, no case, no terminal.

mod causes;
mod codes;
mod dialogs;
mod markdown;
mod near;
mod pages;
mod query;
mod records;
mod topic;

pub use markdown::markdown;
pub use pages::pages;
pub use topic::{Answer, Fact, Kind, Line, Section, Topic};

use serde::Serialize;

use crate::signature::Signatures;

/// The version of [`json`]'s form.
const SCHEMA_VERSION: u32 = 1;

/// All that is known about what was asked; without topics, names like it.
pub fn explain(signatures: &Signatures, asked: &str) -> Answer {
    let topics = query::topics(signatures, asked.trim());
    let near = if topics.is_empty() { near::names(signatures, asked.trim()) } else { Vec::new() };
    Answer { asked: asked.to_owned(), topics, near }
}

#[derive(Serialize)]
struct Wire<'a> {
    schema_version: u32,
    answers: &'a [Answer],
}

/// The answers for programs.
///
/// # Errors
/// Only where memory fails.
pub fn json(answers: &[Answer]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&Wire { schema_version: SCHEMA_VERSION, answers })
}
