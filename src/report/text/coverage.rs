//! What the logs cover and what was read.

use std::io;

use super::page::{Column, Entry, Page, Room, Style, Text};
use super::short;
use crate::report::headline::{count, digits, list};
use crate::report::model::{Clock, HostCoverage, InputReport};

/// Inputs shown without damage, and places of damage per input, unless everything is wanted.
const SHOWN: usize = 12;
const PLACES: usize = 5;

/// Hosts, their clocks and channels.
pub fn hosts(page: &mut Page<'_>, hosts: &[HostCoverage]) -> io::Result<()> {
    if hosts.is_empty() {
        return Ok(());
    }
    page.heading("What the logs cover")?;
    for (at, host) in hosts.iter().enumerate() {
        if at > 0 {
            page.blank()?;
        }
        host_line(page, host)?;
        let columns = [
            Column("channel", Room::Rest),
            Column("state", Room::Content),
            Column("records", Room::Content),
            Column("lost", Room::Content),
            Column("span", Room::Exactly(if page.wide() { 42 } else { 23 })),
        ];
        let rows = host.channels.iter().map(|channel| {
            let bad = if channel.state == "present" { Style::Plain } else { Style::Yellow };
            vec![
                Entry::plain(named(&channel.channel, page.wide())),
                Entry::new(bad, &channel.state),
                Entry::plain(&digits(channel.records)),
                Entry::new(if channel.lost > 0 { Style::Red } else { Style::Plain }, &digits(channel.lost)),
                Entry::plain(&page.span(channel.first, channel.last)),
            ]
        });
        let rows = rows.collect::<Vec<_>>();
        if !rows.is_empty() {
            page.table(2, &columns, rows)?;
        }
    }
    Ok(())
}

/// A channel's name, shortened where room is scarce.
fn named(channel: &str, wide: bool) -> &str {
    match (channel, wide) {
        ("", _) => "(no channel)",
        (_, true) => channel,
        _ => short(channel),
    }
}

fn host_line(page: &mut Page<'_>, host: &HostCoverage) -> io::Result<()> {
    let mut text = Text::new().cut(Style::Bold, &host.host, 64);
    if !host.aliases.is_empty() {
        text = text.add(Style::Plain, &format!(" (also {})", list(&host.aliases, 4)));
    }
    let mut facts: Vec<String> = Vec::new();
    if !host.roles.is_empty() {
        facts.push(list(&host.roles, 6));
    }
    facts.extend(host.os.iter().map(|os| format!("Windows {os}")));
    facts.extend(clock(&host.clock));
    if !facts.is_empty() {
        text = text.add(Style::Plain, &format!(": {}", facts.join("; ")));
    }
    page.put(0, "", &text)
}

fn clock(clock: &Clock) -> Option<String> {
    let words = match (clock.state.as_str(), clock.offset_ms) {
        ("reference", _) => "the reference clock".to_owned(),
        ("aligned", Some(offset)) => {
            let way = if offset < 0 { "behind" } else { "ahead of" };
            let seconds = offset.unsigned_abs() as f64 / 1000.0;
            let reference = clock.reference.as_deref().unwrap_or("the reference");
            format!("clock {seconds:.3} s {way} {reference} ({})", count(clock.pairs, "pair"))
        }
        ("assumed", _) => "clock assumed right".to_owned(),
        ("unaligned", _) => "clock not comparable".to_owned(),
        _ => return None,
    };
    let steps = match clock.segments {
        0 | 1 => String::new(),
        2 => ", set anew once while logging".to_owned(),
        segments => format!(", set anew {} times while logging", segments - 1),
    };
    Some(words + &steps)
}

/// What was read, the damaged first.
pub fn inputs(page: &mut Page<'_>, inputs: &[InputReport]) -> io::Result<()> {
    if inputs.is_empty() {
        return Ok(());
    }
    page.heading("Inputs")?;
    let most = if page.options.verbose { usize::MAX } else { SHOWN };
    let (damaged, sound): (Vec<&InputReport>, Vec<&InputReport>) =
        inputs.iter().partition(|input| !input.damage.is_empty() || input.lost != Default::default());
    for input in damaged.iter().chain(sound.iter().take(most)) {
        one_input(page, input)?;
    }
    if sound.len() > most {
        let line =
            format!("{} read without damage left out (all with -v)", count((sound.len() - most) as u64, "input"));
        page.put(0, "", &Text::of(Style::Dim, &line))?;
    }
    Ok(())
}

fn one_input(page: &mut Page<'_>, input: &InputReport) -> io::Result<()> {
    let span = page.span(input.first, input.last);
    let text = Text::new()
        .cut(Style::Bold, &input.path, 400)
        .add(Style::Plain, &format!(" ({}): {}", input.kind, count(input.records, "record")))
        .add(Style::Dim, &if span.is_empty() { span } else { format!(", {span}") });
    page.put(0, "- ", &text)?;
    if let Some(sha256) = &input.sha256 {
        page.put(2, "sha256 ", &Text::of(Style::Dim, sha256))?;
    }
    if input.lost.events > 0 || input.lost.buffers > 0 {
        let line = format!(
            "the logger lost {} and {}",
            count(input.lost.events, "event"),
            count(input.lost.buffers, "buffer")
        );
        page.put(2, "", &Text::of(Style::Yellow, &line))?;
    }
    let most = if page.options.verbose { usize::MAX } else { PLACES };
    for damage in input.damage.iter().take(most) {
        let at = damage.offset.map(|offset| format!("offset {offset:#x}: ")).unwrap_or_default();
        page.put_styled(2, (Style::Red, "damage "), &Text::plain(&at).cut(Style::Plain, &damage.what, 300))?;
    }
    if input.damage.len() > most {
        let left = count((input.damage.len() - most) as u64, "place");
        page.put(2, "", &Text::of(Style::Dim, &format!("and {left} more (all with -v)")))?;
    }
    Ok(())
}
