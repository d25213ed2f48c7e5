//! What the report stands on: what was ruled out, what nobody can judge, coverage and inputs.

use maud::{Markup, html};

use super::{Page, say};
use crate::report::headline::{digits, list};
use crate::report::model::{ChannelState, Clock, ClockState, HostCoverage, Report};
use crate::report::reading::{self, roles};
use crate::report::wanted::{parts, wanted};
use crate::report::when;

pub fn section(page: &Page<'_>) -> Markup {
    html! {
        (ruled_out(page))
        (missing(page))
        (coverage(page))
        (inputs(page))
    }
}

fn ruled_out(page: &Page<'_>) -> Markup {
    let by_reason = reading::ruled_out(page.report);
    html! {
        section #ruled-out aria-labelledby="h-ruled-out" {
            h2 #h-ruled-out { "Ruled out" }
            @if by_reason.is_empty() { p { "Nothing could be ruled out." } }
            ul.plain {
                @for ((_, why), names) in &by_reason { li { b { (say(&names.join(", "))) } ": " (say(why)) } }
            }
        }
    }
}

/// Is there something that more logs would tell?
pub fn is_missing(report: &Report) -> bool {
    !(report.coverage.cannot_judge.is_empty() && report.coverage.collect.is_empty())
}

fn missing(page: &Page<'_>) -> Markup {
    let gaps = &page.report.coverage.cannot_judge;
    if !is_missing(page.report) {
        return html! {};
    }
    html! {
        section #missing aria-labelledby="h-missing" {
            h2 #h-missing { "Cannot be judged" }
            h3 { "Collect, the most useful first" }
            ol.plain {
                @for one in page.report.coverage.collect.iter().take(12) {
                    li {
                        (say(&wanted(one, &page.options.timezone))) " " span.dim { "for " (say(&list(&one.serves, 4))) }
                        @for command in &one.commands { br; code { (say(command)) } }
                    }
                }
            }
            @if !gaps.is_empty() { details.fold {
                summary { (digits(gaps.len() as u64)) " causes or families that these logs cannot settle" }
                ul.plain {
                    @for gap in gaps {
                        li {
                            b {
                                @if let Some(cause) = &gap.cause { (page.facts.cause(cause).map_or(say(cause), |cause| say(&cause.title))) }
                                @else { (say(gap.family.as_deref().unwrap_or_default())) }
                            }
                            @if !gap.attempts.is_empty() { " (" (page.numbered(&gap.attempts)) ")" }
                            ": " (say(&when::within(&page.options.timezone, &parts(&gap.because).take(3).collect::<Vec<_>>().join("; "))))
                        }
                    }
                }
            } }
        }
    }
}

fn coverage(page: &Page<'_>) -> Markup {
    html! {
        section #coverage aria-labelledby="h-coverage" {
            h2 #h-coverage { "Coverage" }
            p.note { "What the logs hold. That something did not happen is argued only where a log is present without a gap." }
            @for host in &page.report.coverage.hosts { (one_host(page, host)) }
        }
    }
}

fn one_host(page: &Page<'_>, host: &HostCoverage) -> Markup {
    html! {
        h3 { (say(&host.host)) @if !host.roles.is_empty() { " " span.dim { (say(&roles(host).join(", "))) } } }
        p {
            "Clock: " (clock(&host.clock)) "."
            @if !host.aliases.is_empty() { " Also known as " (say(&host.aliases.join(", "))) "." }
            @if let Some(os) = &host.os { " Windows " (say(os)) "." }
        }
        @if !host.channels.is_empty() {
            div.wide tabindex="0" role="group" aria-label={ "Logs of " (say(&host.host)) } { table {
                thead { tr { th scope="col" { "Log" } th scope="col" { "State" } th.n scope="col" { "Records" } th scope="col" { "Span" } } }
                tbody {
                    @for channel in &host.channels {
                        tr {
                            td { (say(&channel.channel)) }
                            td { span class={ "state st-" (if channel.state == ChannelState::Present { "ok" } else { "gap" }) } { (say(channel.shown().0)) } }
                            td.n { (channel.shown().1.map_or("-".to_string(), digits)) @if channel.lost > 0 { " (" (digits(channel.lost)) " lost)" } }
                            td { (page.span(channel.first, channel.last)) }
                        }
                    }
                }
            } }
        }
    }
}

/// How far a clock is off, in words.
pub fn clock(clock: &Clock) -> String {
    let spread = clock.spread_ms.filter(|spread| *spread > 0).map(|ms| format!(" ± {ms} ms")).unwrap_or_default();
    let state = match &clock.state {
        ClockState::Reference => return "the one that times are corrected to".to_owned(),
        ClockState::Unaligned => return "cannot be compared with the others".to_owned(),
        state @ (ClockState::Aligned | ClockState::Assumed | ClockState::Other(_)) => say(state.word()),
    };
    match clock.offset_ms {
        Some(0) => format!("as the reference{spread} ({state})"),
        Some(ms) => {
            let way = if ms > 0 { "ahead" } else { "behind" };
            format!("{} {way}{spread} ({state})", seconds(ms))
        }
        None if clock.state == ClockState::Assumed => "assumed right".to_owned(),
        None => state,
    }
}

fn seconds(ms: i64) -> String {
    let ms = ms.unsigned_abs();
    if ms < 1000 { format!("{ms} ms") } else { format!("{}.{:03} s", ms / 1000, ms % 1000) }
}

fn inputs(page: &Page<'_>) -> Markup {
    html! {
        section #inputs aria-labelledby="h-inputs" {
            h2 #h-inputs { "Inputs" }
            div.wide tabindex="0" role="group" aria-label="Inputs" { table {
                thead { tr { th scope="col" { "File" } th scope="col" { "Kind" } th.n scope="col" { "Bytes" } th.n scope="col" { "Records" } th scope="col" { "SHA-256" } } }
                tbody {
                    @for input in &page.report.inputs {
                        tr {
                            td {
                                (say(&input.path))
                                @for damage in input.damage.iter().take(20) {
                                    br; span class={ @if damage.lost { "damage" } @else { "dim" } } { @if let Some(offset) = damage.offset { "at byte " (offset) ": " } (say(&damage.what)) }
                                }
                                @if input.damage.len() > 20 { br; span.damage { "and " (input.damage.len() - 20) " more places" } }
                            }
                            td { (say(&input.kind)) }
                            td.n { (digits(input.bytes)) }
                            td.n { (digits(input.records)) }
                            td { @if let Some(hash) = &input.sha256 { code.hash { (say(hash)) } } @else { span.dim { "not taken" } } }
                        }
                    }
                }
            } }
        }
    }
}
