//! What it was not, and what nobody can say from these logs.

use std::collections::BTreeMap;
use std::io;

use super::Index;
use super::page::{Page, Style, Text};
use crate::evidence::EventRef;
use crate::report::headline::{digits, list};
use crate::report::model::Report;

/// Lines shown of either, unless everything is wanted.
const SHOWN: usize = 12;

/// What was ruled out for every failed attempt: families, then single causes by reason.
pub fn ruled_out(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let mut by_reason: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
    for out in &report.ruled_out {
        let whole = out.family.is_some() && out.id.is_none();
        let name = out.id.as_ref().or(out.family.as_ref());
        by_reason.entry((!whole, out.why.as_str())).or_default().extend(name.cloned());
    }
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

/// What cannot be judged, by what would have to be collected.
pub fn missing(page: &mut Page<'_>, report: &Report, index: &Index<'_>) -> io::Result<()> {
    let mut by_collect: BTreeMap<&str, (Vec<String>, Vec<&str>, Vec<EventRef>)> = BTreeMap::new();
    for gap in &report.coverage.cannot_judge {
        let (what, because, attempts) = by_collect.entry(gap.collect.trim()).or_default();
        what.extend(gap.cause.as_ref().or(gap.family.as_ref()).map(|name| index.title(name).to_owned()));
        if !because.contains(&gap.because.as_str()) {
            because.push(&gap.because);
        }
        attempts.extend(gap.attempts.iter().filter(|id| !attempts.contains(id)).collect::<Vec<_>>());
    }
    if by_collect.is_empty() {
        return Ok(());
    }
    page.heading("Cannot be judged")?;
    let most = if page.options.verbose { usize::MAX } else { SHOWN };
    for (collect, (what, because, attempts)) in by_collect.iter().take(most) {
        let mut text = Text::of(Style::Bold, &list(what, 6));
        match index.attempts(attempts).as_str() {
            "" => {}
            numbers => text = text.add(Style::Dim, &format!(" ({numbers})")),
        }
        let because: Vec<String> = because.iter().map(|why| (*why).to_owned()).collect();
        page.put(0, "- ", &text.add(Style::Plain, ": ").add(Style::Plain, &list(&because, 3)))?;
        if !collect.is_empty() {
            page.put(2, "collect  ", &Text::plain(collect))?;
        }
    }
    left_out(page, by_collect.len(), most)
}

fn left_out(page: &mut Page<'_>, all: usize, shown: usize) -> io::Result<()> {
    if all <= shown {
        return Ok(());
    }
    page.put(0, "", &Text::of(Style::Dim, &format!("and {} more (all with -v)", digits((all - shown) as u64))))
}
