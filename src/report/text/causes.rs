//! The causes: proven and probable ones in full, weaker ones in a few lines.

use std::io;

use super::page::{Page, Style, Text};
use super::{Index, level};
use crate::evidence::EventRef;
use crate::report::headline::{count, digits, explains_failure, hits, less_sure, list};
use crate::report::model::{CauseReport, Cited, Level, Report};
use crate::report::provider::bare;
use crate::signature::definition::{Bearing, Severity};

/// Records shown for one claim, and causes told briefly, unless everything is wanted.
const SHOWN: usize = 3;
const BRIEF: usize = 8;
/// Changes shown before a cause.
const CHANGES: usize = 5;

/// Every cause: those of failures in full, weaker ones and those of wanted ends briefly.
pub fn write(page: &mut Page<'_>, report: &Report, index: &Index<'_>) -> io::Result<()> {
    let (strong, weak): (Vec<&CauseReport>, Vec<_>) =
        report.causes.iter().partition(|cause| cause.verdict >= Level::Probable);
    let (failures, beside): (Vec<&CauseReport>, Vec<_>) =
        strong.into_iter().partition(|cause| explains_failure(report, cause));
    for (at, cause) in failures.iter().enumerate() {
        if at == 0 {
            page.heading(if failures.len() == 1 { "Cause" } else { "Causes" })?;
        } else {
            page.blank()?;
        }
        full(page, report, index, at + 1, cause)?;
    }
    brief(page, index, "Possible, not proven", &weak)?;
    brief(page, index, "Seen, but no cause of a failure", &beside)
}

fn full(page: &mut Page<'_>, report: &Report, index: &Index<'_>, number: usize, cause: &CauseReport) -> io::Result<()> {
    let (style, word) = level(cause.verdict);
    let title = Text::of(Style::Bold, cause.title.trim_end_matches('.'))
        .add(Style::Plain, " (")
        .add(style, word)
        .add(Style::Plain, ", severity ")
        .add(heat(cause.severity), cause.severity.word())
        .add(Style::Plain, ")");
    page.put_styled(0, (Style::Bold, &format!("{number}. ")), &title)?;
    page.put(3, "", &Text::of(Style::Dim, &format!("{}/{}, score {}", cause.family, cause.id, cause.score)))?;
    page.put(3, "", &Text::plain(&one_line(&cause.explanation)))?;
    whom(page, report, index, cause)?;
    evidence(page, index, &cause.evidence)?;
    absent(page, index, cause)?;
    around(page, report, index, cause)?;
    steps(page, "Fix", &cause.fix, Style::Green, true)?;
    steps(page, "Avoid", &cause.avoid, Style::Red, false)?;
    steps(page, "Check that it is repaired", &cause.verify, Style::Bold, false)?;
    for reference in cause.references.iter().filter(|_| page.options.verbose).collect::<Vec<_>>() {
        page.put(3, "see  ", &Text::of(Style::Dim, reference))?;
    }
    Ok(())
}

/// Prose of the knowledge base may be broken into lines; the page breaks it anew.
fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The colour of a severity.
pub fn heat(severity: Severity) -> Style {
    match severity {
        Severity::Critical | Severity::High => Style::Red,
        Severity::Medium => Style::Yellow,
        Severity::Low | Severity::Info => Style::Plain,
    }
}

fn whom(page: &mut Page<'_>, report: &Report, index: &Index<'_>, cause: &CauseReport) -> io::Result<()> {
    page.blank()?;
    let explained = index.attempts(&cause.attempts);
    if !explained.is_empty() {
        page.put(3, "explains  ", &Text::plain(&format!("{explained} ({})", page.span(cause.first, cause.last))))?;
    }
    let weaker = less_sure(report, cause);
    if !weaker.is_empty() {
        page.put(13, "", &Text::plain(&format!("only probable for {}", index.attempts(&weaker))))?;
    }
    if !cause.hosts.is_empty() {
        page.put(3, "where     ", &Text::plain(&list(&cause.hosts, 6)))?;
    }
    if let Some(hits) = hits(report, cause) {
        page.put(3, "hits      ", &Text::new().cut(Style::Plain, &hits, 400))?;
    }
    if let Some(time) = cause.last_success {
        page.put(3, "worked    ", &Text::plain(&format!("last time at {}", page.moment(time))))?;
    }
    Ok(())
}

/// Evidence by claim: what one rule says of the cause once, then its records.
fn evidence(page: &mut Page<'_>, index: &Index<'_>, cited: &[Cited]) -> io::Result<()> {
    let mut claims: Vec<(&Cited, Vec<EventRef>)> = Vec::new();
    for one in cited {
        match claims
            .iter_mut()
            .find(|(claim, _)| claim.signature == one.signature && claim.role == one.role && claim.why == one.why)
        {
            Some((_, events)) => events.push(one.event),
            None => claims.push((one, vec![one.event])),
        }
    }
    claims.sort_by_key(|(claim, _)| claim.role);
    if claims.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.put(3, "", &Text::of(Style::Bold, "Evidence"))?;
    for (claim, events) in claims {
        let lead = match claim.role {
            Bearing::Proof => (Style::Red, "proof     "),
            Bearing::Support => (Style::Plain, "supports  "),
            Bearing::Standing => (Style::Yellow, "standing  "),
            Bearing::Refute => (Style::Green, "against   "),
        };
        let text = Text::plain(&one_line(&claim.why)).add(Style::Dim, &format!(" [{}]", claim.signature));
        page.put_styled(3, lead, &text)?;
        let most = if page.options.verbose { usize::MAX } else { SHOWN };
        let mut said = "";
        for event in events.iter().take(most) {
            said = record(page, index, *event, said)?;
        }
        if events.len() > most {
            let left = (events.len() - most) as u64;
            page.put(13, "", &Text::of(Style::Dim, &format!("and {} more like it", count(left, "record"))))?;
        }
    }
    Ok(())
}

/// What is missing, and how much of the evidence is told.
fn absent(page: &mut Page<'_>, index: &Index<'_>, cause: &CauseReport) -> io::Result<()> {
    for one in &cause.absent {
        let text = Text::plain(&one_line(&one.why)).add(Style::Dim, &format!(" [no {}]", one.signature));
        page.put(3, "missing   ", &text)?;
        let log = Text::new().cut(Style::Plain, &format!("{} of {}", one.channel, index.host(&one.host)), 200);
        page.put(13, "", &log)?;
    }
    let told = cause.evidence.len() as u64;
    if told > 0 && told < cause.evidence_total {
        let line = format!("{} of {} pieces of evidence are told here", digits(told), digits(cause.evidence_total));
        page.put(3, "", &Text::of(Style::Dim, &line))?;
    }
    Ok(())
}

/// One record: when, where, which, and what it says unless the one before said the same.
fn record<'a>(page: &mut Page<'_>, index: &Index<'a>, event: EventRef, said: &'a str) -> io::Result<&'a str> {
    let Some(row) = index.rows.get(&event).copied() else {
        page.put(13, "", &Text::of(Style::Dim, &format!("record {event}")))?;
        return Ok(said);
    };
    let id = row.record_id.map(|id| format!(" record {id}")).unwrap_or_default();
    let text = Text::new()
        .add(Style::Bold, &page.instant(row.time))
        .add(Style::Plain, " ")
        .cut(Style::Plain, index.host(&row.host), 64)
        .add(Style::Plain, &format!(" {}/{}{id}", bare(&row.provider), row.event_id));
    page.put(13, "", &text)?;
    if row.message == said {
        return Ok(said);
    }
    let most = if page.options.verbose { 2000 } else { 300 };
    page.put(15, "", &Text::new().cut(Style::Plain, &row.message, most))?;
    Ok(&row.message)
}

/// What changed before, what lies behind it and what it leads to.
fn around(page: &mut Page<'_>, report: &Report, index: &Index<'_>, cause: &CauseReport) -> io::Result<()> {
    let leads: Vec<String> =
        report.causes.iter().filter(|other| other.caused_by.contains(&cause.id)).map(titled).collect();
    let behind: Vec<String> = cause.caused_by.iter().map(|id| rooted(report, id)).collect();
    if !(cause.changes.is_empty() && leads.is_empty() && behind.is_empty()) {
        page.blank()?;
    }
    changes(page, index, cause)?;
    if !behind.is_empty() {
        page.put(3, "caused by       ", &Text::plain(&list(&behind, 6)))?;
    }
    if !leads.is_empty() {
        page.put(3, "leads to        ", &Text::plain(&list(&leads, 6)))?;
    }
    Ok(())
}

/// What changed before, the latest last: of many those nearest to the failure.
fn changes(page: &mut Page<'_>, index: &Index<'_>, cause: &CauseReport) -> io::Result<()> {
    let mut told: Vec<String> = Vec::new();
    for change in &cause.changes {
        let when =
            index.rows.get(&change.event).map(|row| format!("{} {}: ", page.moment(row.time), index.host(&row.host)));
        let words = format!("{}{}", when.unwrap_or_default(), change.what);
        if told.last() != Some(&words) {
            told.push(words);
        }
    }
    let most = if page.options.verbose { usize::MAX } else { CHANGES };
    let skipped = told.len().saturating_sub(most);
    if skipped > 0 {
        page.put(
            3,
            "changed before  ",
            &Text::of(Style::Dim, &format!("{} earlier (all with -v)", count(skipped as u64, "thing"))),
        )?;
    }
    for words in &told[skipped..] {
        page.put(3, "changed before  ", &Text::new().cut(Style::Plain, words, 300))?;
    }
    Ok(())
}

/// A cause behind this one, and how sure it is.
fn rooted(report: &Report, id: &str) -> String {
    match report.causes.iter().find(|cause| cause.id == id) {
        Some(cause) => titled(cause),
        None => id.to_owned(),
    }
}

fn titled(cause: &CauseReport) -> String {
    format!("{} ({})", cause.title.trim_end_matches('.'), cause.verdict.word())
}

fn steps(page: &mut Page<'_>, title: &str, steps: &[String], style: Style, numbered: bool) -> io::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.put(3, "", &Text::of(style, title))?;
    for (at, step) in steps.iter().enumerate() {
        let mut lead = if numbered { format!("{}. ", at + 1) } else { "- ".to_owned() };
        for line in step.lines().map(str::trim).filter(|line| !line.is_empty()) {
            page.step(5, &lead, Style::Plain, line)?;
            lead = " ".repeat(lead.len());
        }
    }
    Ok(())
}

fn brief(page: &mut Page<'_>, index: &Index<'_>, title: &str, causes: &[&CauseReport]) -> io::Result<()> {
    if causes.is_empty() {
        return Ok(());
    }
    page.heading(title)?;
    let most = if page.options.verbose { usize::MAX } else { BRIEF };
    for cause in causes.iter().take(most) {
        let (style, word) = level(cause.verdict);
        let text = Text::plain(cause.title.trim_end_matches('.'))
            .add(Style::Plain, " (")
            .add(style, word)
            .add(Style::Dim, &format!(", {}, score {}, {})", cause.id, cause.score, index.attempts(&cause.attempts)));
        page.put(0, "- ", &text)?;
        if let Some(cited) = cause.evidence.first() {
            let at = index.rows.get(&cited.event);
            let at = at.map(|row| format!(" ({} {}/{})", page.moment(row.time), bare(&row.provider), row.event_id));
            page.put(2, "for it     ", &Text::plain(&one_line(&cited.why)).add(Style::Dim, &at.unwrap_or_default()))?;
        }
        let check = cause.verify.first().filter(|_| cause.verdict == Level::Possible);
        if let Some(check) = check {
            page.step(2, "to settle  ", Style::Plain, &one_line(check))?;
        }
    }
    if causes.len() > most {
        let left = (causes.len() - most) as u64;
        page.put(0, "", &Text::of(Style::Dim, &format!("and {} more (all with -v)", digits(left))))?;
    }
    Ok(())
}
