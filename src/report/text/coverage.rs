//! What the logs cover and what was read.

use std::io;

use super::page::{Column, Entry, Page, Room, Style, Text};
use crate::report::headline::{count, digits, list};
use crate::report::model::{
    AuditState, ChannelState, Clock, ClockState, ClockStep, HostCoverage, InputReport, OffsetBasis, StepBasis,
};
use crate::report::provider::bare;
use crate::report::reading::roles;

/// Inputs shown without damage, and places of damage per input, unless everything is wanted.
const SHOWN: usize = 12;
const PLACES: usize = 5;
/// Settings of a clock shown, the last ones.
const STEPS: usize = 4;

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
        let own = |other: &&HostCoverage| other.clock.reference.as_ref() == Some(&host.host);
        let compared = hosts.iter().filter(own).any(|other| other.host != host.host);
        host_line(page, host, compared)?;
        clock_lines(page, &host.clock)?;
        for one in host.audit.iter().filter(|one| one.state == AuditState::Off) {
            let line = format!(
                "{}: sessions were reached, and Security holds nothing of the kind; it seems to be off",
                one.subcategory
            );
            page.put(2, "audit  ", &Text::of(Style::Yellow, &line))?;
        }
        let columns = [
            Column("channel", Room::Rest),
            Column("state", Room::Content),
            Column("records", Room::Content),
            Column("lost", Room::Content),
            Column("span", Room::Exactly(if page.wide() { 42 } else { 23 })),
        ];
        let rows = host.channels.iter().map(|channel| {
            let (state, records) = channel.shown();
            let bad = if channel.state == ChannelState::Present { Style::Plain } else { Style::Yellow };
            vec![
                name(named(&channel.channel, page.wide()), page.width().saturating_sub(OTHERS)),
                Entry::new(bad, state),
                Entry::plain(&records.map_or("-".to_string(), digits)),
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

/// Columns that the rest of the table takes.
const OTHERS: usize = 53;

/// A name that does not fit breaks behind the provider, not within a word.
fn name(channel: &str, room: usize) -> Entry {
    match channel.split_at_checked(channel.find('/').map_or(0, |at| at + 1)) {
        Some((provider, log)) if channel.len() > room && !provider.is_empty() => {
            Entry::two(Style::Plain, provider, log)
        }
        _ => Entry::plain(channel),
    }
}

/// A channel's name, shortened where room is scarce.
fn named(channel: &str, wide: bool) -> &str {
    match (channel, wide) {
        ("", _) => "(no channel)",
        (_, true) => channel,
        _ => bare(channel),
    }
}

/// A computer in one line; `compared` if the clocks of others were compared with its own.
fn host_line(page: &mut Page<'_>, host: &HostCoverage, compared: bool) -> io::Result<()> {
    let mut text = Text::new().cut(Style::Bold, &host.host, 64);
    if !host.aliases.is_empty() {
        text = text.add(Style::Plain, &format!(" (also {})", list(&host.aliases, 4)));
    }
    let mut facts: Vec<String> = Vec::new();
    if !host.roles.is_empty() {
        facts.push(list(&roles(host), 6));
    }
    facts.extend(host.os.iter().map(|os| format!("Windows {os}")));
    facts.extend(clock(&host.clock, compared));
    if !facts.is_empty() {
        text = text.add(Style::Plain, &format!(": {}", facts.join("; ")));
    }
    page.put(0, "", &text)
}

fn clock(clock: &Clock, compared: bool) -> Option<String> {
    let words = match (&clock.state, clock.offset_ms) {
        (ClockState::Reference, _) if compared => "the reference clock".to_owned(),
        (ClockState::Aligned | ClockState::Assumed, Some(offset)) if clock.known_by.is_some() => {
            let way = if offset < 0 { "behind" } else { "ahead of" };
            let far = match offset.unsigned_abs() {
                ms if ms < 60_000 => format!("{:.3} s", ms as f64 / 1000.0),
                _ => span(offset),
            };
            let reference = clock.reference.as_deref().unwrap_or("the reference");
            let basis = match clock.known_by {
                Some(OffsetBasis::Readings) => "by a domain controller's time in the records of both".to_owned(),
                _ if clock.pairs == 1 => "one pair of records, one witness".to_owned(),
                Some(OffsetBasis::Pairs | OffsetBasis::Other(_)) | None => {
                    format!("{} of records", count(clock.pairs, "pair"))
                }
            };
            format!("clock {far} {way} {reference} ({basis})")
        }
        (ClockState::Assumed, _) => "clock assumed right".to_owned(),
        (ClockState::Unaligned, _) => "clock not comparable".to_owned(),
        (ClockState::Reference | ClockState::Aligned | ClockState::Other(_), _) => return None,
    };
    Some(words)
}

/// What is to be said of a clock besides its offset: with whom it cannot be compared, when it was set, who speaks of it.
fn clock_lines(page: &mut Page<'_>, clock: &Clock) -> io::Result<()> {
    if !clock.unaligned_with.is_empty() {
        let others = list(&clock.unaligned_with, 4);
        let line = format!(
            "No connection stands both in its log and in that of {others}: the clocks cannot be compared, what is \
             joined by time is not proven, and what is missing there was looked for five minutes around"
        );
        page.put(2, "clock  ", &Text::of(Style::Yellow, &line))?;
    }
    let most = if page.options.verbose { usize::MAX } else { STEPS };
    let hidden = clock.steps.len().saturating_sub(most);
    for step in clock.steps.iter().skip(hidden) {
        let line = stepped(page, step);
        page.put(2, "clock  ", &Text::of(if step.corrected { Style::Yellow } else { Style::Plain }, &line))?;
    }
    if hidden > 0 {
        let line = format!("and set {} before (all with -v)", count(hidden as u64, "time"));
        page.put(2, "clock  ", &Text::of(Style::Dim, &line))?;
    }
    for witness in &clock.witnesses {
        let text = Text::plain(&witness.says);
        let text = match witness.agrees {
            Some(true) => text.add(Style::Green, " (bears it out)"),
            Some(false) => text.add(Style::Red, " (speaks against the offset found)"),
            None => text,
        };
        page.put(2, "clock  ", &text)?;
    }
    Ok(())
}

fn stepped(page: &Page<'_>, step: &ClockStep) -> String {
    let how = match step.known_by {
        StepBasis::Record => "a record says so",
        StepBasis::Order => "times fall back while record numbers rise",
        StepBasis::Both | StepBasis::LaterStep | StepBasis::Other(_) => {
            "a record says so, and so does the order of the others"
        }
    };
    let by = span(step.ms);
    let (before, after) = (page.moment(step.before), page.moment(step.after));
    if step.known_by == StepBasis::LaterStep {
        return format!(
            "wrong by {by} from {after} on, as it was set back later; times until the next step are corrected, those up \
             to {before} are left as they are"
        );
    }
    if step.corrected && step.ms > 0 {
        return format!("wrongly set forward by {by}, from {before} to {after} ({how}), and set back later");
    }
    if step.corrected {
        let about = if step.known_by == StepBasis::Order { "by at least" } else { "by" };
        return format!("set back {about} {by}, from {before} to {after} ({how}); earlier times are corrected");
    }
    let own = match step.offset_ms {
        Some(ms) => {
            format!("before it the clock was {} {} the reference", span(ms), if ms < 0 { "behind" } else { "ahead of" })
        }
        None => "it had been behind, or the computer had stood still; earlier times are left as they are".to_owned(),
    };
    format!("set forward by {by}, from {before} to {after} ({how}); {own}")
}

/// A length of time in its two largest units.
fn span(ms: i64) -> String {
    let exact = ms.unsigned_abs() / 1000;
    // Rounded to what is shown.
    let seconds = if exact < 3600 { exact } else { (exact + 30) / 60 * 60 };
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{:.1} s", ms.unsigned_abs() as f64 / 1000.0),
        (0, 0, minutes) => format!("{minutes} min {rest} s"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
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
        let line = format!(
            "{} read without damage or remark left out (all with -v)",
            count((sound.len() - most) as u64, "input")
        );
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
        let lead = if damage.lost { (Style::Red, "damage ") } else { (Style::Yellow, "remark ") };
        page.put_styled(2, lead, &Text::plain(&at).cut(Style::Plain, &damage.what, 300))?;
    }
    if input.damage.len() > most {
        let left = count((input.damage.len() - most) as u64, "place");
        page.put(2, "", &Text::of(Style::Dim, &format!("and {left} more (all with -v)")))?;
    }
    Ok(())
}
