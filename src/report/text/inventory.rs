//! What is here, for reading.

use std::io::{self, Write};

use super::coverage;
use super::page::{Column, Entry, Page, Room, Style, Text};
use crate::report::Options;
use crate::report::headline::{count, digits};
use crate::report::inventory::Inventory;
use crate::report::model::InputReport;

/// Providers shown of an input, unless everything is wanted.
const PROVIDERS: usize = 8;

/// Writes an inventory as text.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(inventory: &Inventory, out: &mut dyn Write, options: &Options) -> io::Result<()> {
    let mut page = Page::new(out, options);
    let records = inventory.inputs.iter().map(|input| input.records).sum();
    let inputs = count(inventory.inputs.len() as u64, "input");
    let hosts = count(inventory.coverage.hosts.len() as u64, "computer");
    let line = format!("{inputs} with {} of {hosts}; times in {}", count(records, "record"), page.zone());
    page.put(0, "", &Text::of(Style::Bold, &line))?;
    missing(&mut page, inventory)?;
    coverage::hosts(&mut page, &inventory.coverage.hosts)?;
    table(&mut page, &inventory.inputs)?;
    traces(&mut page, &inventory.inputs)?;
    let damaged: Vec<InputReport> = inventory.inputs.iter().filter(|input| !input.damage.is_empty()).cloned().collect();
    coverage::inputs(&mut page, &damaged)
}

fn missing(page: &mut Page<'_>, inventory: &Inventory) -> io::Result<()> {
    if inventory.missing.is_empty() {
        return Ok(());
    }
    page.heading("What is missing")?;
    inventory.missing.iter().try_for_each(|words| page.put(0, "- ", &Text::plain(words)))
}

fn table(page: &mut Page<'_>, inputs: &[InputReport]) -> io::Result<()> {
    if inputs.is_empty() {
        return Ok(());
    }
    page.heading("What was read")?;
    let columns = [
        Column("input", Room::Rest),
        Column("kind", Room::Content),
        Column("records", Room::Content),
        Column("lost", Room::Content),
        Column("span", Room::Exactly(if page.wide() { 42 } else { 23 })),
    ];
    let rows = inputs.iter().map(|input| {
        let lost = input.lost.events + input.lost.buffers;
        vec![
            Entry::cut(Style::Plain, &input.path, 400),
            Entry::plain(&input.kind),
            Entry::plain(&digits(input.records)),
            Entry::new(if lost > 0 { Style::Red } else { Style::Plain }, &digits(lost)),
            Entry::plain(&page.span(input.first, input.last)),
        ]
    });
    let rows = rows.collect();
    page.table(0, &columns, rows)
}

/// What traces hold, which unlike logs hold records of many kinds and providers.
fn traces(page: &mut Page<'_>, inputs: &[InputReport]) -> io::Result<()> {
    let mut traces = inputs.iter().filter(|input| !input.record_kinds.is_empty()).peekable();
    if traces.peek().is_some() {
        page.heading("What the traces hold")?;
    }
    for (at, input) in traces.enumerate() {
        if at > 0 {
            page.blank()?;
        }
        page.put(0, "", &Text::new().cut(Style::Bold, &input.path, 400))?;
        trace(page, input)?;
    }
    Ok(())
}

fn trace(page: &mut Page<'_>, input: &InputReport) -> io::Result<()> {
    let kinds: Vec<String> = input.record_kinds.iter().map(|(kind, n)| format!("{kind} {}", digits(*n))).collect();
    page.put(2, "", &Text::of(Style::Dim, &format!("kinds of headers: {}", kinds.join(", "))))?;
    let mut providers: Vec<_> = input.providers.iter().collect();
    providers.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.name.cmp(&b.name)));
    let most = if page.options.verbose { usize::MAX } else { PROVIDERS };
    let rows = providers.iter().take(most).map(|provider| {
        let guid = provider.guid.as_deref().unwrap_or_default();
        vec![Entry::plain(&provider.name), Entry::plain(&digits(provider.records)), Entry::new(Style::Dim, guid)]
    });
    let columns = [Column("provider", Room::Rest), Column("records", Room::Content), Column("GUID", Room::Content)];
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        page.table(2, &columns, rows)?;
    }
    if providers.len() > most {
        let left = count((providers.len() - most) as u64, "provider");
        page.put(2, "", &Text::of(Style::Dim, &format!("and {left} more (all with -v)")))?;
    }
    Ok(())
}
