//! What to collect, what it was not, and what nobody can say from these logs.

use std::io;

use super::Index;
use super::page::{Page, Style, Text};
use crate::report::headline::{count, digits, list};
use crate::report::model::Report;
use crate::report::reading;
use crate::report::wanted::{parts, wanted};
use crate::report::when;

/// Lines shown of either, unless everything is wanted.
const SHOWN: usize = 12;
/// Reasons given why one thing cannot be judged, unless everything is wanted.
const REASONS: usize = 3;
/// Computers to collect from, and commands for each, unless everything is wanted.
const WANTED: usize = 3;
const COMMANDS: usize = 3;

/// What was ruled out for every failed attempt: families, then single causes by reason.
pub fn ruled_out(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let by_reason = reading::ruled_out(report);
    if by_reason.is_empty() {
        return Ok(());
    }
    page.heading("Ruled out")?;
    let most = if page.options.verbose { usize::MAX } else { SHOWN };
    for ((_, why), names) in by_reason.iter().take(most) {
        let names = list(names, if page.options.verbose { usize::MAX } else { 6 });
        let text = Text::of(Style::Bold, &names).add(Style::Plain, ": ").add(Style::Plain, why);
        page.put(0, "- ", &text)?;
    }
    left_out(page, by_reason.len(), most)
}

/// What cannot be judged, and why.
pub fn missing<'a>(page: &mut Page<'_>, report: &'a Report, index: &Index<'a>) -> io::Result<()> {
    let gaps = &report.coverage.cannot_judge;
    if gaps.is_empty() {
        return Ok(());
    }
    page.heading("Cannot be judged")?;
    let most = if page.options.verbose { usize::MAX } else { SHOWN };
    for gap in gaps.iter().take(most) {
        let name = gap.cause.as_ref().or(gap.family.as_ref()).map_or("", |name| index.title(name));
        let mut text = Text::of(Style::Bold, name);
        match index.attempts(&gap.attempts).as_str() {
            "" => {}
            numbers => text = text.add(Style::Dim, &format!(" ({numbers})")),
        }
        let because = reasons(&gap.because, if page.options.verbose { usize::MAX } else { REASONS });
        let because = when::within(&page.options.timezone, &because);
        page.put(0, "- ", &text.add(Style::Plain, ": ").add(Style::Plain, &because))?;
    }
    left_out(page, gaps.len(), most)
}

/// The first of several clauses, which may have commas of their own.
fn reasons(because: &str, most: usize) -> String {
    let all: Vec<&str> = parts(because).collect();
    let told = all.iter().take(most).copied().collect::<Vec<_>>().join("; ");
    if all.len() > most { format!("{told}; and {} more", all.len() - most) } else { told }
}

/// What would tell more, and how to get it.
pub fn collect(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let wants = &report.coverage.collect;
    if wants.is_empty() {
        return Ok(());
    }
    page.heading("Collect, the most useful first")?;
    let most = if page.options.verbose { usize::MAX } else { WANTED };
    for (at, one) in wants.iter().take(most).enumerate() {
        let what = wanted(one, &page.options.timezone);
        let text = Text::plain(&what).add(Style::Dim, &format!(" (for {})", list(&one.serves, 4)));
        page.put(0, &format!("{}. ", at + 1), &text)?;
        let shown = if page.options.verbose { usize::MAX } else { COMMANDS };
        for command in one.commands.iter().take(shown) {
            page.command(3, "", command)?;
        }
        let more = one.commands.len().saturating_sub(shown);
        if more > 0 {
            page.put(
                3,
                "",
                &Text::of(Style::Dim, &format!("and {} more (all with -v)", count(more as u64, "command"))),
            )?;
        }
    }
    left_out(page, wants.len(), most)
}

fn left_out(page: &mut Page<'_>, all: usize, shown: usize) -> io::Result<()> {
    if all <= shown {
        return Ok(());
    }
    page.put(0, "", &Text::of(Style::Dim, &format!("and {} more (all with -v)", digits((all - shown) as u64))))
}
