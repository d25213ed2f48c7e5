//! Causes: those that are proven or likely in full, the others behind a fold.

use maud::{Markup, html};

use super::{Page, level_badge, say, severity_badge};
use crate::evidence::EventRef;
use crate::report::headline::{count, digits, explains_failure, hits, less_sure};
use crate::report::model::{CauseReport, Cited, Finding, Level};
use crate::signature::definition::{Bearing, Severity};
use crate::step::{Piece, pieces};

/// Records and changes shown before a fold.
const SHOWN: usize = 3;

pub fn section(page: &Page<'_>) -> Markup {
    let all = || page.report.causes.iter().enumerate();
    let strong = |cause: &CauseReport| cause.verdict >= Level::Probable && explains_failure(page.report, cause);
    let weak: Vec<_> = all().filter(|(_, cause)| !strong(cause)).collect();
    let findings = &page.report.findings;
    let none = weak.len() == page.report.causes.len();
    html! {
        section #causes aria-labelledby="h-causes" {
            h2 #h-causes { "Causes" }
            @if none { p { "No cause of a failure is proven or likely from these logs." } }
            @for (at, cause) in all().filter(|(_, cause)| strong(cause)) { (full(page, at, cause)) }
            @if !weak.is_empty() {
                details.fold {
                    summary { (count(weak.len() as u64, if none { "cause" } else { "other cause" })) ": possible, or seen where nothing failed" }
                    @for (at, cause) in weak { (full(page, at, cause)) }
                }
            }
            @if !findings.is_empty() {
                h3 #findings { "Findings that explain no failure" }
                ul.findings { @for finding in findings { (found(page, finding)) } }
            }
        }
    }
}

fn full(page: &Page<'_>, at: usize, cause: &CauseReport) -> Markup {
    html! {
        article.cause #{ "c-" (at) } {
            header {
                h3 { (say(cause.title.trim_end_matches('.'))) }
                p.badges {
                    (level_badge(cause.verdict)) " " (severity_badge(cause.severity)) " "
                    span.dim { (say(&cause.family)) "/" (say(&cause.id)) ", score " (cause.score) }
                }
            }
            p { (say(&cause.explanation)) }
            (facts(page, cause))
            div.two {
                div {
                    h4 { "Evidence" }
                    (evidence(page, &cause.evidence))
                    (absent(cause))
                    (changes(page, cause))
                }
                div { (steps(cause)) }
            }
        }
    }
}

/// Which attempts a cause explains, whom it hits, and how it stands to other causes.
fn facts(page: &Page<'_>, cause: &CauseReport) -> Markup {
    let weaker = less_sure(page.report, cause);
    let roots: Vec<&str> = cause.caused_by.iter().map(String::as_str).collect();
    let after = page.report.causes.iter().filter(|other| other.caused_by.contains(&cause.id));
    let leads: Vec<&str> = after.map(|other| other.id.as_str()).collect();
    html! {
        dl.facts {
            @if !cause.attempts.is_empty() {
                dt { "Explains" }
                dd { (page.numbered(&cause.attempts)) " (" (page.span(cause.first, cause.last)) ")" }
                @if !weaker.is_empty() {
                    dt { "Only probable" }
                    dd { "for " (page.numbered(&weaker)) }
                }
            }
            @if !cause.hosts.is_empty() { dt { "Where" } dd { (say(&cause.hosts.join(", "))) } }
            @if let Some(hits) = hits(page.report, cause) { dt { "Hits" } dd { (say(&hits)) } }
            @if let Some(time) = cause.last_success { dt { "Last worked" } dd { (page.time(time)) } }
            @if !roots.is_empty() { dt { "Caused by" } dd { (titled(page, &roots)) } }
            @if !leads.is_empty() { dt { "Leads to" } dd { (titled(page, &leads)) } }
            @if !cause.attack.is_empty() { dt { "ATT&CK" } dd { (say(&cause.attack.join(", "))) } }
        }
    }
}

/// Other causes by their titles, as links where the page tells of them.
fn titled(page: &Page<'_>, ids: &[&str]) -> Markup {
    html! {
        @for (n, id) in ids.iter().enumerate() {
            @if n > 0 { "; " }
            (cause_link(page, id))
        }
    }
}

/// A cause by its title, as a link where the page tells of it.
pub(super) fn cause_link(page: &Page<'_>, id: &str) -> Markup {
    html! {
        @match page.report.causes.iter().position(|cause| cause.id == id) {
            Some(place) => { a href={ "#c-" (place) } { (say(&page.report.causes[place].title)) } }
            None => { (say(id)) }
        }
    }
}

/// What to do, what not to do, and how to see that it is done.
fn steps(cause: &CauseReport) -> Markup {
    html! {
        @if !cause.fix.is_empty() { h4 { "Fix" } ol.fix { @for step in &cause.fix { li { (step_words(step)) } } } }
        @if !cause.avoid.is_empty() { h4 { "Avoid" } ul.avoid { @for step in &cause.avoid { li { (step_words(step)) } } } }
        @if !cause.verify.is_empty() {
            h4 { @if cause.verdict == Level::Possible { "To settle it" } @else { "Check that it is repaired" } }
            ul.check { @for step in &cause.verify { li { (step_words(step)) } } }
        }
        @if !cause.references.is_empty() {
            h4 { "Read more" }
            ul.refs { @for link in &cause.references { li { (reference(link)) } } }
        }
    }
}

/// A step may be of several lines, the later ones commands.
pub(super) fn step_words(step: &str) -> Markup {
    let mut lines = step.lines();
    html! {
        @for piece in pieces(lines.next().unwrap_or_default()) {
            @match piece {
                Piece::Words(words) => (say(words)),
                Piece::Command(command) => code { (say(command)) },
            }
        }
        @for line in lines { br; code { (say(line)) } }
    }
}

/// Only what leads to the web by a safe scheme is a link.
fn reference(link: &str) -> Markup {
    let safe = link.starts_with("https://") && !link.contains(|ch: char| ch.is_whitespace() || ch.is_control());
    html! {
        @if safe { a href=(link) rel="noopener noreferrer" { (say(link)) } } @else { (say(link)) }
    }
}

/// Evidence by claim, each once with its records.
fn evidence(page: &Page<'_>, cited: &[Cited]) -> Markup {
    let mut claims: Vec<(&Cited, Vec<EventRef>)> = Vec::new();
    for one in cited {
        let same = |claim: &Cited| claim.signature == one.signature && claim.role == one.role && claim.why == one.why;
        match claims.iter_mut().find(|(claim, _)| same(claim)) {
            Some((_, events)) => events.push(one.event),
            None => claims.push((one, vec![one.event])),
        }
    }
    claims.sort_by_key(|(claim, _)| claim.role);
    html! {
        @if claims.is_empty() { p.dim { "None on record." } }
        ul.evidence {
            @for (claim, events) in &claims {
                li {
                    span class={ "role " (claim.role.word()) } { (role(claim.role)) } " " (say(&claim.why)) " "
                    span.dim { (say(&claim.signature)) }
                    ul.records {
                        @for event in events.iter().take(SHOWN) { li { (record(page, *event)) } }
                        @if let Some(first) = events.first().and_then(|event| page.facts.row(*event)) {
                            li.said { (say(&first.message)) }
                        }
                    }
                    @if events.len() > SHOWN {
                        details { summary { (count((events.len() - SHOWN) as u64, "more record")) }
                            ul.records { @for event in events.iter().skip(SHOWN).take(200) { li { (record(page, *event)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// What is missing, and how much of the evidence is told.
fn absent(cause: &CauseReport) -> Markup {
    let told = cause.evidence.len() as u64;
    html! {
        @if !cause.absent.is_empty() {
            ul.evidence {
                @for one in &cause.absent {
                    li {
                        span.role { "missing" } " " (say(&one.why)) " "
                        span.dim { "no " (say(&one.signature)) " in " (say(&one.channel)) " of " (say(&one.host)) }
                    }
                }
            }
        }
        @if told < cause.evidence_total {
            p.dim { (digits(told)) " of " (digits(cause.evidence_total)) " pieces of evidence are told here" }
        }
    }
}

fn record(page: &Page<'_>, event: EventRef) -> Markup {
    match page.facts.row(event) {
        Some(row) => page.record(row),
        None => html! { span.dim { "record " (event) } },
    }
}

fn role(role: Bearing) -> &'static str {
    match role {
        Bearing::Proof => "proof",
        Bearing::Support => "supports",
        Bearing::Standing => "standing since before",
        Bearing::Refute => "against",
    }
}

/// What changed before; the latest last.
fn changes(page: &Page<'_>, cause: &CauseReport) -> Markup {
    let line = |change: &crate::report::model::Change| {
        html! {
            li {
                @if let Some(row) = page.facts.row(change.event) { (page.time(row.time)) " " }
                (say(&change.what))
            }
        }
    };
    let early = cause.changes.len().saturating_sub(SHOWN);
    html! {
        @if !cause.changes.is_empty() {
            h4 { "Changed before" }
            @if early > 0 {
                details { summary { (count(early as u64, "earlier change")) }
                    ul.records { @for change in cause.changes.iter().take(early) { (line(change)) } } }
            }
            ul.records { @for change in cause.changes.iter().skip(early) { (line(change)) } }
        }
    }
}

fn found(page: &Page<'_>, finding: &Finding) -> Markup {
    html! {
        li {
            b { (say(&finding.title)) } " " (severity_badge(finding.severity))
            @if let Some(host) = &finding.host { " on " (say(host)) }
            ", " (count(finding.count, "record")) " " (page.span(finding.first, finding.last))
            @if !finding.attack.is_empty() { " " span.dim { (say(&finding.attack.join(", "))) } }
            @if finding.severity >= Severity::High { "; what to do: " code { "whyrdp explain " (say(&finding.id)) } }
            @if let Some(row) = finding.evidence.first().and_then(|event| page.facts.row(*event)) {
                ul.records { li { (page.record(row)) } li.said { (say(&row.message)) } }
            }
        }
    }
}
