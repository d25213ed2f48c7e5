//! One self-contained page for whoever must decide and whoever must repair: the answer first,
//! then a picture, causes with evidence and steps, every attempt, a timeline to search in,
//! what is not known, and what was read.
//!
//! Nothing is loaded from anywhere: a content security policy allows only the page's own style
//! and script, by their hashes. Everything can be read without the script. The template crate
//! escapes every text; [`say`] spells out what steers or hides, as on a terminal.

mod attempts;
mod causes;
mod ground;
mod picture;
mod timeline;

use std::collections::HashMap;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use causes::step_words;

use super::facts::Facts;
use super::headline::{answer, answered, beside, count, digits, selection};
use super::model::{CauseReport, EventRow, Level, Report};
use super::provider::bare;
use super::reading::{damaged, unproven};
use super::terminal::clean;
use super::{Options, when};
use crate::event::Time;
use crate::evidence::{EventRef, is_unnamed};
use crate::signature::definition::{Outcome, Severity};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Longest text that is shown of one field.
const LONGEST: usize = 4000;

/// Writes the page.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, options: &Options) -> io::Result<()> {
    let page = Page::of(report, options);
    let mut put = |part: Markup| out.write_all(part.into_string().as_bytes());
    put(head(&page))?;
    put(lead(&page))?;
    put(causes::section(&page))?;
    put(attempts::section(&page))?;
    timeline::section(&page, &mut put)?;
    put(ground::section(&page))?;
    put(foot(&page))
}

/// What the parts of the page share.
struct Page<'a> {
    report: &'a Report,
    facts: Facts<'a>,
    options: &'a Options,
    /// Places of attempts in the report, from one.
    numbers: HashMap<EventRef, usize>,
    /// Records that causes cite, with the places of the causes.
    cited: HashMap<EventRef, Vec<usize>>,
}

impl<'a> Page<'a> {
    fn of(report: &'a Report, options: &'a Options) -> Self {
        let mut cited: HashMap<EventRef, Vec<usize>> = HashMap::new();
        for (at, cause) in report.causes.iter().enumerate() {
            for event in cause.evidence.iter().map(|cited| cited.event) {
                let causes = cited.entry(event).or_default();
                if causes.last() != Some(&at) {
                    causes.push(at);
                }
            }
        }
        Page {
            report,
            facts: Facts::of(report),
            options,
            numbers: report.attempts.iter().enumerate().map(|(at, attempt)| (attempt.id, at + 1)).collect(),
            cited,
        }
    }

    fn number(&self, attempt: EventRef) -> Option<usize> {
        self.numbers.get(&attempt).copied()
    }

    fn instant(&self, time: Time) -> String {
        when::instant(&self.options.timezone, time)
    }

    fn span(&self, first: Option<Time>, last: Option<Time>) -> String {
        when::span(&self.options.timezone, first, last)
    }

    /// A time that programs can read as well.
    fn time(&self, time: Time) -> Markup {
        html! { time datetime=(time) { (self.instant(time)) } }
    }

    /// Links to attempts, the first few of many.
    fn attempts(&self, ids: &[EventRef]) -> Markup {
        let numbers: Vec<usize> = ids.iter().filter_map(|id| self.number(*id)).collect();
        html! {
            @for (at, number) in numbers.iter().take(12).enumerate() {
                @if at > 0 { ", " }
                a href={ "#a-" (number) } { (number) }
            }
            @if numbers.len() > 12 { " and " (digits((numbers.len() - 12) as u64)) " more" }
        }
    }

    /// "attempts 2, 3", with links.
    fn numbered(&self, ids: &[EventRef]) -> Markup {
        html! { (if ids.len() == 1 { "attempt " } else { "attempts " }) (self.attempts(ids)) }
    }

    /// A record in one line that leads to its place in the timeline.
    fn record(&self, row: &EventRow) -> Markup {
        html! {
            a.rec href={ "#e-" (row.event) } {
                (self.time(row.time)) " " b { (short_host(&row.host)) } " " (say(bare(&row.provider))) " " (row.event_id)
            }
        }
    }
}

/// Text from logs, with what steers or hides spelled out.
fn say(text: &str) -> String {
    clean(text, LONGEST)
}

/// A computer without its domain; addresses whole.
fn short_host(name: &str) -> String {
    let whole = name.parse::<std::net::IpAddr>().is_ok() || is_unnamed(name);
    say(if whole { name } else { name.split('.').next().filter(|label| !label.is_empty()).unwrap_or(name) })
}

fn level_badge(level: Level) -> Markup {
    html! { span class={ "badge " (level.word()) } { (level.word()) } }
}

fn severity_badge(severity: Severity) -> Markup {
    html! { span class={ "badge sev-" (severity.word()) } { (severity.word()) } }
}

fn outcome_badge(outcome: Outcome) -> Markup {
    html! { span class={ "badge out-" (outcome.word()) } { (outcome.word()) } }
}

fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn head(page: &Page<'_>) -> Markup {
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            meta name="color-scheme" content="light dark";
            meta name="generator" content={ (page.report.tool.name) " " (page.report.tool.version) };
            title { "Remote Desktop report: " (say(&answered(page.report, page.options))) }
            style { (PreEscaped(STYLE)) }
        }
        (PreEscaped("<body>"))
        a.skip href="#main" { "Skip to the answer" }
        header.bar {
            span.brand { (page.report.tool.name) }
            nav aria-label="Parts of the report" {
                a href="#causes" { "Causes" }
                @if ground::is_missing(page.report) { a href="#missing" { "Collect" } }
                a href="#attempts" { "Attempts" }
                a href="#timeline" { "Timeline" }
                a href="#ruled-out" { "Ruled out" }
                a href="#coverage" { "Coverage" }
                a href="#inputs" { "Inputs" }
            }
        }
        (PreEscaped("<main id=\"main\">"))
    }
}

/// The answer, the numbers, what to do first, and a picture.
fn lead(page: &Page<'_>) -> Markup {
    let report = page.report;
    let s = &report.summary;
    let cause = answer(report);
    let tiles = [
        (s.failed, "failed"),
        (s.dropped, "dropped"),
        (s.abandoned, "abandoned"),
        (s.established, "established"),
        (s.unknown, "unknown"),
    ];
    let mood = match s {
        _ if s.failed + s.dropped > 0 => "bad",
        _ if s.attempts > 0 => "good",
        // Nothing is known: that is not good.
        _ => "open",
    };
    let unproven = unproven(report);
    html! {
        section class={ "lead " (mood) } aria-labelledby="answer" {
            p.kicker { "Why Remote Desktop failed" }
            h1 #answer { (say(answered(report, page.options).trim_end_matches('.'))) "." }
            @if let Some(cause) = cause.filter(|cause| cause.verdict >= Level::Probable) { (advice(cause)) }
            ul.tiles aria-label="Attempts by outcome" {
                li { b { (digits(s.attempts)) } " " (if s.attempts == 1 { "attempt" } else { "attempts" }) }
                @for (number, word) in tiles.iter().filter(|(number, _)| *number > 0) {
                    li class={ "out-" (word) } { b { (digits(*number)) } " " (word) }
                }
            }
            @for finding in beside(report) {
                p {
                    strong { "Beside it: " } (say(finding.title.trim_end_matches('.')))
                    @if let Some(host) = &finding.host { " on " (say(host)) }
                    " (" (finding.severity.word()) ") " a href="#findings" { "findings" }
                }
            }
            @if !unproven.is_empty() {
                p {
                    "No cause is proven for " (page.numbered(&unproven)) "."
                    @if ground::is_missing(report) { " " a href="#missing" { "What to collect, and how" } }
                }
            }
            @if let Some(lost) = damaged(report) { p { (lost) "; see " a href="#inputs" { "inputs" } " for what could not be read." } }
            p.note {
                @if s.first.is_some() { "From " (page.span(s.first, s.last)) ". " }
                "All times are " (when::name(&page.options.timezone))
                "; evidence has the time of the computer that wrote it, the timeline corrects clocks that are off. "
                @if page.options.selected { strong { (selection(report)) } }
            }
            (complaint(page))
        }
        (picture::lead(page))
    }
}

fn advice(cause: &CauseReport) -> Markup {
    html! {
        p.why { (say(&cause.explanation)) }
        // What a user would do is no answer to an attack.
        @if let Some(step) = cause.fix.first().filter(|_| !cause.guesses_only) {
            p.first { strong { "First step: " } (step_words(step)) " " a href="#causes" { "all steps" } }
        }
    }
}

fn complaint(page: &Page<'_>) -> Markup {
    let Some(complaint) = &page.report.complaint else { return html! {} };
    html! {
        p.note {
            "The complaint"
            @if let Some(code) = complaint.code { " " code { (format!("{code:#x}")) } }
            @if let Some(extended) = complaint.extended { " / " code { (format!("{extended:#x}")) } }
            @if let Some(said) = &complaint.said { " “" (say(said)) "”" }
            @if complaint.attempts.is_empty() { " fits no attempt in these logs." }
            @else { " was taken to be about " (page.numbered(&complaint.attempts)) "." }
        }
    }
}

fn foot(page: &Page<'_>) -> Markup {
    let tool = &page.report.tool;
    html! {
        (PreEscaped("</main>"))
        footer {
            p {
                "Made by " (tool.name) " " (tool.version) " from " (count(page.report.inputs.len() as u64, "input"))
                ", signatures " code { (tool.signatures_sha256) } "."
            }
        }
        script { (PreEscaped(SCRIPT)) }
        (PreEscaped("</body></html>\n"))
    }
}
