//! The attempts as a table, then what is beside them: noise and findings.

use std::io;

use super::Index;
use super::alike::{Group, groups};
use super::page::{Column, Entry, Page, Room, Style, Text};
use crate::report::headline::{count, digits};
use crate::report::model::{AttemptReport, CodeReport, Finding, Noise, Report};
use crate::report::provider::bare;
use crate::report::reading::codes as told_codes;
use crate::signature::definition::{Outcome, Severity};

/// Rows shown, unless everything is wanted.
const SHOWN: usize = 50;

/// More attempts than this are told in groups of alike ones.
const MANY: usize = 30;

/// The table of attempts; of very many, those that failed or dropped are kept.
pub fn write(page: &mut Page<'_>, report: &Report, index: &Index<'_>) -> io::Result<()> {
    if report.attempts.is_empty() {
        return Ok(());
    }
    page.heading("Attempts")?;
    let apart = page.options.verbose || report.attempts.len() <= MANY;
    let mut groups = groups(report, index, apart);
    let most = if page.options.verbose { usize::MAX } else { SHOWN };
    groups.sort_by_key(|group| !unhappy(group.first.outcome));
    let hidden: usize = groups.iter().skip(most).map(|group| group.numbers.len()).sum();
    groups.truncate(most);
    groups.sort_by_key(|group| group.numbers.first().copied());
    if page.wide() {
        wide_table(page, index, &groups)?
    } else {
        narrow_table(page, index, &groups)?
    };
    codes(page, report)?;
    left_out(page, hidden, 0, "attempt")
}

/// Did it end against the user's will?
pub fn unhappy(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::Dropped)
}

/// The colour of an outcome.
pub fn tint(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Failed | Outcome::Dropped => Style::Red,
        Outcome::Established => Style::Green,
        Outcome::Abandoned => Style::Yellow,
        Outcome::Unknown => Style::Dim,
    }
}

fn wide_table(page: &mut Page<'_>, index: &Index<'_>, groups: &[Group<'_>]) -> io::Result<()> {
    let columns = [
        Column("#", Room::Content),
        Column("time", Room::Exactly(23)),
        Column("client", Room::Rest),
        Column("server", Room::Rest),
        Column("user", Room::Rest),
        Column("outcome", Room::Content),
        Column("phase", Room::Content),
        Column("code", Room::Content),
    ];
    let rows = groups.iter().map(|group| {
        let attempt = group.first;
        vec![
            number(group),
            Entry::plain(&page.instant(attempt.start)),
            Entry::plain(index.host(client(attempt))),
            Entry::plain(index.host(server(attempt))),
            Entry::plain(attempt.user.as_deref().unwrap_or("-")),
            Entry::new(tint(attempt.outcome), attempt.outcome.word()),
            Entry::plain(phase(attempt)),
            Entry::plain(&code(attempt)),
        ]
    });
    let rows = rows.collect();
    page.table(0, &columns, rows)
}

/// How far it came; of a session that stood, no log but the server's says more than that.
fn phase(attempt: &AttemptReport) -> &'static str {
    match attempt.outcome {
        Outcome::Established => "",
        _ => attempt.phase.map_or("-", |phase| phase.word()),
    }
}

/// The same with two values in a cell, one over the other.
fn narrow_table(page: &mut Page<'_>, index: &Index<'_>, groups: &[Group<'_>]) -> io::Result<()> {
    let columns = [
        Column("#", Room::Content),
        Column("time", Room::Exactly(12)),
        Column("client, server", Room::Rest),
        Column("user", Room::Rest),
        Column("outcome, phase", Room::Content),
        Column("code", Room::Content),
    ];
    let rows = groups.iter().map(|group| {
        let attempt = group.first;
        vec![
            number(group),
            Entry::two(Style::Plain, &page.date(attempt.start), &page.clock(attempt.start)),
            Entry::two(Style::Plain, index.host(client(attempt)), index.host(server(attempt))),
            Entry::plain(attempt.user.as_deref().unwrap_or("-")),
            Entry::two(tint(attempt.outcome), attempt.outcome.word(), phase(attempt)),
            Entry::plain(&code(attempt)),
        ]
    });
    let rows = rows.collect();
    page.table(0, &columns, rows)
}

/// The first one's number, and how many there are.
fn number(group: &Group<'_>) -> Entry {
    let first = group.numbers.first().map(usize::to_string).unwrap_or_default();
    match group.numbers.len() {
        1 => Entry::plain(&first),
        many => Entry::two(Style::Plain, &first, &format!("{many} alike")),
    }
}

/// Its codes as the dialog shows them.
pub fn code(attempt: &AttemptReport) -> String {
    let code = |code: &Option<CodeReport>| code.as_ref().map(|code| code.hex.clone());
    match (code(&attempt.disconnect), code(&attempt.extended)) {
        (Some(code), Some(extended)) => format!("{code}/{extended}"),
        (code, extended) => code.or(extended).unwrap_or_else(|| "-".to_owned()),
    }
}

/// The client as it is best known.
pub fn client(attempt: &AttemptReport) -> &str {
    let end = &attempt.client;
    end.host.as_deref().or(end.ip.as_deref()).unwrap_or("-")
}

/// The server as it is best known.
pub fn server(attempt: &AttemptReport) -> &str {
    let end = &attempt.server;
    end.host.as_deref().or(end.typed_name.as_deref()).or(end.ip.as_deref()).unwrap_or("-")
}

/// What the codes in the table mean, each once.
fn codes(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    for code in told_codes(report) {
        let symbol = code.symbol.as_ref().map(|symbol| format!("{symbol}: ")).unwrap_or_default();
        let meaning = code.meaning.as_deref().unwrap_or_default();
        let text = Text::of(Style::Dim, &symbol).add(Style::Dim, meaning).add(Style::Dim, &format!(" ({})", code.from));
        page.put(0, &format!("{} = ", code.hex), &text)?;
    }
    Ok(())
}

/// Connections that no user made.
pub fn noise(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    if report.noise.is_empty() {
        return Ok(());
    }
    page.heading("Noise: connections that no user made")?;
    let most = if page.options.verbose { usize::MAX } else { 15 };
    let mut kept: Vec<&Noise> = report.noise.iter().collect();
    kept.sort_by_key(|noise| std::cmp::Reverse(noise.count));
    for noise in kept.iter().take(most) {
        let from = noise.client_ip.as_ref().map(|ip| format!(" from {ip}")).unwrap_or_default();
        let text = Text::plain(&noise.what)
            .add(Style::Plain, ", on ")
            .cut(Style::Plain, &noise.host, 64)
            .cut(Style::Plain, &from, 64)
            .add(Style::Dim, &format!(" ({})", page.span(Some(noise.first), Some(noise.last))));
        page.put(0, &format!("{:>7} x ", digits(noise.count)), &text)?;
    }
    left_out(page, kept.len(), most, "row")
}

/// What deserves attention and explains no failure.
pub fn findings(page: &mut Page<'_>, report: &Report, index: &Index<'_>) -> io::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    page.heading("Findings that explain no failure")?;
    for finding in &report.findings {
        one_finding(page, index, finding)?;
    }
    Ok(())
}

fn one_finding(page: &mut Page<'_>, index: &Index<'_>, finding: &Finding) -> io::Result<()> {
    let mut text = Text::of(Style::Bold, finding.title.trim_end_matches('.'))
        .add(Style::Plain, " (")
        .add(super::causes::heat(finding.severity), finding.severity.word())
        .add(Style::Plain, ")");
    if let Some(host) = &finding.host {
        text = text.add(Style::Plain, " on ").cut(Style::Plain, host, 64);
    }
    let span = page.span(finding.first, finding.last);
    text = text.add(Style::Plain, &format!(", {} {span}", count(finding.count, "record")));
    if !finding.attack.is_empty() {
        text = text.add(Style::Dim, &format!(" [{}]", finding.attack.join(", ")));
    }
    page.put(0, "- ", &text)?;
    if finding.severity >= Severity::High {
        let line = format!("what to do: whyrdp explain {}", finding.id);
        page.put(2, "", &Text::plain(&line))?;
    }
    let first = finding.evidence.first().and_then(|event| index.rows.get(event));
    if let Some(row) = first {
        let text = Text::of(Style::Dim, &format!("{}/{} ", bare(&row.provider), row.event_id));
        page.put(2, "e.g. ", &text.cut(Style::Dim, &row.message, 200))?;
    }
    Ok(())
}

fn left_out(page: &mut Page<'_>, all: usize, shown: usize, noun: &str) -> io::Result<()> {
    if all <= shown {
        return Ok(());
    }
    let line = format!("{} left out (all with -v)", count((all - shown) as u64, noun));
    page.put(0, "", &Text::of(Style::Dim, &line))
}
