//! The pages of `docs/causes`: one for each cause, and an index.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::causes;
use super::markdown::{page, safe};
use crate::signature::Signatures;
use crate::signature::definition::Cause;

/// Says where a page comes from, so that nobody mends it by hand.
const MADE: &str = "<!-- Made by `whyrdp explain --pages docs/causes` from signatures/; change those. -->\n\n";

/// Every page by its path below the folder.
pub fn pages(signatures: &Signatures) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut families: BTreeMap<&str, Vec<&Cause>> = BTreeMap::new();
    for cause in signatures.causes() {
        let link = |id: &str| {
            let other = signatures.cause(id)?;
            let folder = if other.family == cause.family { String::new() } else { format!("../{}/", other.family) };
            Some(format!("{folder}{id}.md"))
        };
        let text = page(&causes::cause(signatures, cause), &link);
        pages.insert(path(cause), format!("{MADE}{}\n", text.trim_end()));
        families.entry(&cause.family).or_default().push(cause);
    }
    pages.insert("README.md".to_owned(), index(&families));
    pages
}

fn path(cause: &Cause) -> String {
    format!("{}/{}.md", cause.family, cause.id)
}

fn index(families: &BTreeMap<&str, Vec<&Cause>>) -> String {
    let count: usize = families.values().map(Vec::len).sum();
    let mut out = format!(
        "{MADE}# Causes\n\nThe {count} causes that whyrdp knows, by family. \
         `whyrdp explain ID` shows the same offline.\n"
    );
    for (family, causes) in families {
        let _ = writeln!(out, "\n## {family}\n\n| cause | severity | phases |\n|---|---|---|");
        for cause in causes {
            let phases: Vec<&str> = cause.phases.iter().map(|phase| phase.word()).collect();
            let _ = writeln!(
                out,
                "| [{}]({}) | {} | {} |",
                safe(&cause.title),
                path(cause),
                cause.severity,
                phases.join(", ")
            );
        }
    }
    out
}
