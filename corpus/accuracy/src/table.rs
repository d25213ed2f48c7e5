//! Figures as text.

use std::fmt::Write;

use crate::score::{Part, Score, Scores};

/// The table by family, and the cases that were missed.
pub fn text(scores: &Scores) -> String {
    let mut out = String::new();
    let head = ["cases", "top-1", "top-3", "wrong probable", "wrong confirmed", "unprovable, confirmed"];
    line(&mut out, "family", &head.map(str::to_owned));
    for (family, score) in &scores.families {
        line(&mut out, family, &columns(score));
    }
    line(&mut out, "total", &columns(&scores.total));
    out.push_str("\nOf what is said of single attempts, so much is right:\n");
    for level in ["confirmed", "probable", "possible"] {
        let part = scores.total.right.get(level).copied().unwrap_or_default();
        let _ = writeln!(out, "  {level:<10} {}", share(part));
    }
    let _ = writeln!(out, "\nCases that are missed: {}", scores.misses.len());
    for miss in &scores.misses {
        let truth = miss.truth.as_ref().map_or("nobody to blame".to_owned(), |ids| ids.join(" or "));
        let top = miss.top.as_deref().unwrap_or("nobody");
        let _ = writeln!(out, "  {}\n    true: {truth}\n    said: {top}", miss.case);
        if !miss.wrong.is_empty() {
            let _ = writeln!(out, "    wrong: {}", miss.wrong.join(", "));
        }
        if let Some(why) = &miss.known {
            let _ = writeln!(out, "    known: {why}");
        }
    }
    out
}

fn columns(score: &Score) -> [String; 6] {
    [
        score.cases.to_string(),
        share(score.top_1),
        share(score.top_3),
        share(score.wrong_probable),
        share(score.wrong_confirmed),
        share(score.unprovable_confirmed),
    ]
}

fn line(out: &mut String, name: &str, columns: &[String; 6]) {
    let _ = write!(out, "{name:<26}");
    for (column, width) in columns.iter().zip([6, 17, 17, 17, 17, 22]) {
        let _ = write!(out, "{column:>width$}");
    }
    out.push('\n');
}

/// `41/42  97.6 %`, or a dash of nothing.
fn share(part: Part) -> String {
    match part.percent() {
        Some(percent) => format!("{}/{} {percent:5.1} %", part.of, part.all),
        None => "-".to_owned(),
    }
}
