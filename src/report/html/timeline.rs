//! The timeline: a line per record that opens, and a form that narrows it down. Without the
//! script the form is hidden and every line is there.

use std::collections::BTreeSet;
use std::io;

use maud::{Markup, PreEscaped, html};

use super::{Page, say, short_host};
use crate::event::Time;
use crate::report::headline::{count, digits};
use crate::report::model::{EventRow, RecordLevel, Row, RunRow};
use crate::report::provider::bare;
use crate::signature::definition::Phase;

pub fn section(page: &Page<'_>, put: &mut dyn FnMut(Markup) -> io::Result<()>) -> io::Result<()> {
    let rows = &page.report.timeline;
    let hosts: Vec<&str> = hosts(rows);
    put(html! {
        (PreEscaped("<section id=\"timeline\" aria-labelledby=\"h-timeline\">"))
        h2 #h-timeline { "Timeline" }
        @if rows.is_empty() { p { "No record is cited." } }
        @else { p.note { "Records that attempts, causes and findings rest on, in order of corrected time. Open a line for all that is known of it." } }
        (form(page, &hosts))
        (strip())
        (PreEscaped("<div class=\"list\">"))
    })?;
    for row in rows {
        put(match row {
            Row::Event(row) => event(page, row, &hosts),
            Row::Run(run) => repeated(page, run, &hosts),
        })?;
    }
    put(PreEscaped("</div></section>".to_owned()))
}

fn hosts(rows: &[Row]) -> Vec<&str> {
    let names: BTreeSet<&str> = rows
        .iter()
        .map(|row| match row {
            Row::Event(row) => row.host.as_str(),
            Row::Run(run) => run.host.as_str(),
        })
        .collect();
    names.into_iter().collect()
}

fn form(page: &Page<'_>, hosts: &[&str]) -> Markup {
    let rows = page.report.timeline.iter().filter_map(|row| match row {
        Row::Event(row) => Some(row),
        Row::Run(_) => None,
    });
    let phases: BTreeSet<Phase> = rows.clone().filter_map(|row| row.phase).collect();
    let attempts: BTreeSet<usize> = rows.filter_map(|row| page.number(row.attempt?)).collect();
    let cited: BTreeSet<usize> = page.cited.values().flatten().copied().collect();
    html! {
        form #filter hidden autocomplete="off" {
            label { "Host" select name="h" { option value="" { "all" }
                @for (at, host) in hosts.iter().enumerate() { option value=(at) { (say(host)) } } } }
            label { "Phase" select name="p" { option value="" { "all" }
                @for phase in phases { option value=(phase.word()) { (phase.word()) } } } }
            label { "Attempt" select name="a" { option value="" { "all" }
                @for number in attempts { option value=(number) { (number) @if let Some(attempt) = page.report.attempts.get(number - 1) { " – " (page.instant(attempt.start)) ", " (attempt.outcome.word()) } } }
                option value="-" { "none" } } }
            label { "Evidence for" select name="c" { option value="" { "all records" }
                @for at in cited { option value=(at) { (say(&page.report.causes[at].title)) } } } }
            label.grow { "Text" input type="search" name="q" placeholder="event id, name, word"; }
            button type="reset" { "Clear" }
            output aria-live="polite" { (count(page.report.timeline.len() as u64, "row")) }
        }
    }
}

/// All records of the form's choice by time, a lane per computer; the script draws it.
fn strip() -> Markup {
    html! {
        div #zoom hidden {
            svg #strip tabindex="0" role="img" aria-label="Records by time and computer. Plus and minus zoom, arrows move, zero shows all." {}
            div.zoomer role="group" aria-label="Span of the timeline" {
                button type="button" data-zoom="in" { "Zoom in" }
                button type="button" data-zoom="out" { "Zoom out" }
                button type="button" data-zoom="left" { "Earlier" }
                button type="button" data-zoom="right" { "Later" }
                button type="button" data-zoom="all" { "All" }
                span #span.dim {}
            }
        }
    }
}

/// Milliseconds, as scripts count time.
fn ms(time: Time) -> i64 {
    time.timestamp().as_millisecond()
}

fn place(hosts: &[&str], host: &str) -> usize {
    hosts.binary_search(&host).unwrap_or_default()
}

fn event(page: &Page<'_>, row: &EventRow, hosts: &[&str]) -> Markup {
    let number = row.attempt.and_then(|attempt| page.number(attempt));
    let causes = page.cited.get(&row.event);
    let list = causes.map(|causes| causes.iter().map(usize::to_string).collect::<Vec<_>>().join(" "));
    let grave = row.level.as_ref().filter(|level| level.is_grave()).map(RecordLevel::word);
    html! {
        details class={ "ev l-" (grave.unwrap_or("info")) @if causes.is_some() { " cited" } } id={ "e-" (row.event) }
            data-t=(ms(row.aligned_time.unwrap_or(row.time))) data-h=(place(hosts, &row.host)) data-p=[row.phase.map(Phase::word)] data-a=[number] data-c=[list] {
            summary {
                (page.time(row.aligned_time.unwrap_or(row.time))) " "
                span.host { (short_host(&row.host)) } " "
                span.id { (say(bare(&row.provider))) " " (row.event_id) } " "
                span.msg { (say(&row.message)) }
                @if let Some(level) = grave { " " span.lvl { (level) } }
            }
            dl.facts {
                dt { "Own clock" } dd { code { (row.time) } }
                @if let Some(time) = row.aligned_time.filter(|time| *time != row.time) { dt { "Corrected" } dd { code { (time) } } }
                dt { "Computer" } dd { (say(&row.host)) @if let Some(role) = &row.role { " (" (say(role)) ")" } }
                dt { "Log" } dd { (say(&row.channel)) }
                dt { "Record" } dd { (say(&row.provider)) ", event " (row.event_id) @if let Some(id) = row.record_id { ", record " (id) } @if let Some(level) = &row.level { ", " (say(level.word())) } }
                @if let Some(phase) = row.phase { dt { "Phase" } dd { (phase.word()) } }
                @if let Some(number) = number { dt { "Attempt" } dd { a href={ "#a-" (number) } { (number) } } }
                @if let Some(causes) = causes {
                    dt { "Evidence for" }
                    dd { @for (n, at) in causes.iter().enumerate() { @if n > 0 { "; " } a href={ "#c-" (at) } { (say(&page.report.causes[*at].title)) } } }
                }
                @if !row.signatures.is_empty() { dt { "Signatures" } dd { (say(&row.signatures.join(", "))) } }
                @if let Some(id) = &row.kept.activity_id { dt { "Activity" } dd { code { (say(id)) } } }
                @for (name, value) in row.kept.named().filter(|(_, value)| !value.trim().is_empty()) {
                    dt.field { (say(&name)) } dd { (say(value)) }
                }
                dt { "File" } dd { (say(&row.source.path)) ", byte " (row.source.offset) @if row.source.within > 0 { ", in it decompressed byte " (row.source.within) } }
                dt { "Reference" } dd { code { (row.event) } }
            }
        }
    }
}

fn repeated(page: &Page<'_>, run: &RunRow, hosts: &[&str]) -> Markup {
    html! {
        div.ev.run data-t=(ms(run.first)) data-h=(place(hosts, &run.host)) {
            (page.time(run.first)) " "
            span.host { (short_host(&run.host)) } " "
            span.id { (say(bare(&run.provider))) " " (run.event_id) } " "
            span.msg { (say(&run.message)) " " b { "× " (digits(run.count)) } " until " (page.time(run.last)) }
        }
    }
}
