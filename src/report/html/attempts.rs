//! Every attempt as a line that opens: its picture, codes, connections, and what was ruled out.

use maud::{Markup, html};

use super::causes::cause_link;
use super::{Page, level_badge, outcome_badge, picture, say, short_host};
use crate::report::headline::{count, digits};
use crate::report::model::{AttemptReport, CodeReport, Level};
use crate::signature::definition::Outcome;

/// Attempts with a picture; of more, those that failed or dropped come first.
const DRAWN: usize = 60;

pub fn section(page: &Page<'_>) -> Markup {
    let attempts = &page.report.attempts;
    let unhappy = |attempt: &AttemptReport| matches!(attempt.outcome, Outcome::Failed | Outcome::Dropped);
    let mut order: Vec<usize> = (0..attempts.len()).collect();
    order.sort_by_key(|at| !unhappy(&attempts[*at]));
    order.truncate(DRAWN);
    html! {
        section #attempts aria-labelledby="h-attempts" {
            h2 #h-attempts { "Attempts" }
            @if attempts.is_empty() { p { (if page.options.selected { "None is one of those that were asked for." } else { "No attempt is recorded in these logs." }) } }
            @else { p.note { "One line for each time that a user tried to connect. Open a line for its picture and codes." } }
            div.list {
                @for (at, attempt) in attempts.iter().enumerate() { (one(page, at + 1, attempt, order.contains(&at))) }
            }
            (noise(page))
        }
    }
}

fn one(page: &Page<'_>, number: usize, attempt: &AttemptReport, drawn: bool) -> Markup {
    html! {
        details.attempt #{ "a-" (number) } {
            (line(page, number, attempt))
            div.body {
                @if drawn { (picture::of(page, number, attempt)) }
                (facts(page, attempt))
                (causes(page, attempt))
                (ruled_out(attempt))
                p { button.pick type="button" hidden data-attempt=(number) { "Show its records in the timeline" } }
            }
        }
    }
}

fn server(attempt: &AttemptReport) -> Option<&str> {
    let server = &attempt.server;
    server.host.as_deref().or(server.typed_name.as_deref()).or(server.ip.as_deref())
}

/// What is seen before it is opened.
fn line(page: &Page<'_>, number: usize, attempt: &AttemptReport) -> Markup {
    let client = attempt.client.host.as_deref().or(attempt.client.ip.as_deref());
    html! {
        summary {
            span.num { (number) } " "
            span.when { (page.time(attempt.start)) } " "
            (outcome_badge(attempt.outcome)) " "
            span.ends {
                (client.map_or("unknown client".into(), short_host)) " → "
                (server(attempt).map_or("unknown server".into(), short_host))
                @if let Some(user) = &attempt.user { ", " (say(user)) }
            } " "
            span.cause-of {
                @if let Some(verdict) = attempt.verdicts.first() {
                    (page.facts.cause(&verdict.cause).map_or(say(&verdict.cause), |cause| say(&cause.title)))
                    @if verdict.verdict < Level::Confirmed { " (" (verdict.verdict.word()) ")" }
                }
            }
        }
    }
}

/// Who, where, how far, and from which logs that is known.
fn facts(page: &Page<'_>, attempt: &AttemptReport) -> Markup {
    html! {
        dl.facts {
            dt { "Lasted" } dd { (page.span(Some(attempt.start), Some(attempt.end))) }
            @if let Some(client) = &attempt.client.host { dt { "Client" } dd { (say(client)) @if let Some(ip) = &attempt.client.ip { " (" (say(ip)) ")" } } }
            @else if let Some(ip) = &attempt.client.ip { dt { "Client" } dd { (say(ip)) } }
            @if let Some(host) = server(attempt) { dt { "Server" } dd { (say(host)) @if let Some(ip) = &attempt.server.ip { " (" (say(ip)) ")" } } }
            @if let Some(gateway) = &attempt.gateway {
                dt { "Gateway" } dd { (say(gateway.host.as_deref().unwrap_or("not named"))) }
            }
            @if let Some(user) = &attempt.user { dt { "User" } dd { (say(user)) } }
            @if let Some(phase) = attempt.phase { dt { "Reached" } dd { (phase.word()) } }
            @if let Some(phase) = attempt.phase_limit { dt { "Never entered" } dd { (phase.word()) } }
            @if let Some(code) = &attempt.disconnect { dt { "Code" } dd { (told(code)) } }
            @if let Some(code) = &attempt.extended { dt { "Extended code" } dd { (told(code)) } }
            dt { "Known from" }
            dd {
                (basis(attempt))
                @if !attempt.join.by.is_empty() { ", joined by " (say(&attempt.join.by.join(", "))) }
                @if attempt.join.ambiguous { strong { " (other attempts fit as well)" } }
            }
        }
    }
}

fn causes(page: &Page<'_>, attempt: &AttemptReport) -> Markup {
    html! {
        @if !attempt.verdicts.is_empty() {
            h3.sub { "Causes" }
            ul.records {
                @for verdict in &attempt.verdicts {
                    li {
                        (cause_link(page, &verdict.cause)) " "
                        (level_badge(verdict.verdict)) " " span.dim { "score " (verdict.score) }
                    }
                }
            }
        }
    }
}

fn ruled_out(attempt: &AttemptReport) -> Markup {
    html! {
        @if !attempt.ruled_out.is_empty() {
            details { summary { (count(attempt.ruled_out.len() as u64, "cause")) " or families ruled out for this attempt" }
                ul.records {
                    @for out in &attempt.ruled_out {
                        li { b { (say(out.id.as_deref().or(out.family.as_deref()).unwrap_or_default())) } ": " (say(&out.why)) }
                    }
                }
            }
        }
    }
}

fn basis(attempt: &AttemptReport) -> &'static str {
    use crate::report::model::Basis;
    match attempt.basis {
        Basis::Client => "the client's log",
        Basis::Server => "the server's log",
        Basis::Both => "the logs of both ends",
        Basis::Gateway => "the gateway's log",
        Basis::Network => "captured packets",
        Basis::Implied => "a single record that implies it",
    }
}

fn told(code: &CodeReport) -> Markup {
    html! {
        code { (say(&code.hex)) }
        @if let Some(symbol) = &code.symbol { " " (say(symbol)) }
        @if let Some(meaning) = &code.meaning { ": " (say(meaning)) }
        " " span.dim { "(" (say(&code.from)) ")" }
    }
}

fn noise(page: &Page<'_>) -> Markup {
    let noise = &page.report.noise;
    html! {
        @if !noise.is_empty() {
            h3 { "Noise: connections that no user made" }
            ul.records {
                @for one in noise {
                    li {
                        (digits(one.count)) " × " (say(&one.what)) ", on " (say(&one.host))
                        @if let Some(ip) = &one.client_ip { " from " (say(ip)) }
                        " " span.dim { (page.span(Some(one.first), Some(one.last))) }
                    }
                }
            }
        }
    }
}
