//! A picture of one attempt: phases as columns, computers as lanes, records as dots where
//! they happened, and how far each clock is off.

use maud::{Markup, html};

use super::{Page, ground, say, short_host};
use crate::event::Time;
use crate::report::headline::answer;
use crate::report::model::{AttemptReport, ClockState, EventRow, HostCoverage, RecordLevel, Row};
use crate::report::provider::bare;
use crate::signature::definition::{Outcome, Phase, Role};

const LEFT: usize = 148;
const COLUMN: usize = 74;
const TOP: usize = 58;
const LANE: usize = 104;
/// Dots in a cell; more are told as a number.
const DOTS: usize = 8;

/// The picture beside the answer: the first failed attempt that the answer explains.
pub fn lead(page: &Page<'_>) -> Markup {
    let unhappy = |attempt: &&AttemptReport| matches!(attempt.outcome, Outcome::Failed | Outcome::Dropped);
    let explained =
        |attempt: &&AttemptReport| answer(page.report).is_none_or(|cause| cause.attempts.contains(&attempt.id));
    let attempts = || page.report.attempts.iter().filter(unhappy);
    let Some(attempt) = attempts().find(explained).or_else(|| attempts().next()) else { return html! {} };
    of(page, page.number(attempt.id).unwrap_or_default(), attempt)
}

/// How far a phase was gone through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Passed,
    Stopped,
    Unknown,
    Never,
}

impl State {
    fn of(attempt: &AttemptReport, phase: Phase) -> Self {
        let ended_well = matches!(attempt.outcome, Outcome::Established);
        match (attempt.phase, attempt.phase_limit) {
            (Some(last), _) if phase < last => State::Passed,
            (Some(last), _) if phase == last => {
                if ended_well {
                    State::Passed
                } else {
                    State::Stopped
                }
            }
            (_, Some(limit)) if phase >= limit => State::Never,
            _ => State::Unknown,
        }
    }

    fn class(self) -> &'static str {
        match self {
            State::Passed => "p-pass",
            State::Stopped => "p-stop",
            State::Unknown => "p-open",
            State::Never => "p-never",
        }
    }

    fn mark(self) -> &'static str {
        match self {
            State::Passed => "✓",
            State::Stopped => "✕",
            State::Unknown => "?",
            State::Never => "–",
        }
    }
}

/// One computer and its records by column.
struct Lane<'a> {
    role: Role,
    host: Option<&'a str>,
    cells: Vec<Vec<&'a EventRow>>,
}

/// The picture of one attempt with a caption.
pub fn of(page: &Page<'_>, number: usize, attempt: &AttemptReport) -> Markup {
    let rows: Vec<&EventRow> = page
        .report
        .timeline
        .iter()
        .filter_map(|row| match row {
            Row::Event(row) if row.attempt == Some(attempt.id) => Some(&**row),
            _ => None,
        })
        .collect();
    let columns = columns(attempt, &rows);
    let lanes = lanes(attempt, &rows, &columns);
    let width = LEFT + columns.len() * COLUMN + 8;
    let height = TOP + lanes.len() * LANE + 6;
    let stop = columns.iter().position(|phase| State::of(attempt, *phase) == State::Stopped);
    let label = words(attempt);
    html! {
        figure.picture {
            div.wide tabindex="0" role="group" aria-label={ "Picture of attempt " (number) } {
                svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img" aria-label=(label) {
                    @for (at, phase) in columns.iter().enumerate() { (column(attempt, at, *phase, height)) }
                    @for (at, lane) in lanes.iter().enumerate() { (draw(page, attempt, at, lane, width)) }
                    @if let Some(at) = stop {
                        line.stop x1=(LEFT + (at + 1) * COLUMN - 2) x2=(LEFT + (at + 1) * COLUMN - 2) y1="4" y2=(height - 4) {}
                    }
                }
            }
            figcaption {
                "Attempt " (number) ", " (page.instant(attempt.start)) ": " (label) " "
                span.legend {
                    span.k-cited { "●" } " evidence of a cause, " span.k-err { "●" } " error or warning, " span.k-dot { "●" } " other record"
                }
            }
        }
    }
}

/// The picture in words.
fn words(attempt: &AttemptReport) -> String {
    let phase = attempt.phase.map_or("an unknown phase".to_owned(), |phase| format!("the phase {}", phase.word()));
    match attempt.outcome {
        Outcome::Established => "a session was reached.".to_owned(),
        Outcome::Dropped => format!("a session was reached and dropped in {phase}."),
        Outcome::Abandoned => format!("the user gave up in {phase}."),
        Outcome::Failed => format!("stopped in {phase}."),
        Outcome::Unknown => format!("came to {phase}; how it ended is not recorded."),
    }
}

/// Phases that any connection has, and the others where this one has them.
fn columns(attempt: &AttemptReport, rows: &[&EventRow]) -> Vec<Phase> {
    let seen = |phase: Phase| attempt.phase == Some(phase) || rows.iter().any(|row| row.phase == Some(phase));
    let wanted = |phase: &Phase| {
        if phase.is_gateway() {
            attempt.gateway.is_some() || seen(*phase)
        } else {
            *phase != Phase::BrokerRedirect || seen(*phase)
        }
    };
    Phase::ALL.iter().copied().filter(wanted).collect()
}

fn lanes<'a>(attempt: &'a AttemptReport, rows: &[&'a EventRow], columns: &[Phase]) -> Vec<Lane<'a>> {
    let gateway = attempt.gateway.as_ref().map(|gateway| gateway.host.as_deref());
    let server =
        attempt.server.host.as_deref().or(attempt.server.typed_name.as_deref()).or(attempt.server.ip.as_deref());
    let mut lanes = vec![(Role::Client, attempt.client.host.as_deref().or(attempt.client.ip.as_deref()))];
    lanes.extend(gateway.map(|host| (Role::Gateway, host)));
    lanes.push((Role::Server, server));
    lanes
        .into_iter()
        .map(|(role, host)| {
            let mut cells = vec![Vec::new(); columns.len()];
            let mut last = 0;
            for row in rows.iter().filter(|row| row.role.as_deref() == Some(role.word())) {
                // A record of no phase stands where its computer was last.
                last = row.phase.and_then(|phase| columns.iter().position(|c| *c == phase)).unwrap_or(last);
                if let Some(cell) = cells.get_mut(last) {
                    cell.push(*row);
                }
            }
            Lane { role, host, cells }
        })
        .collect()
}

fn column(attempt: &AttemptReport, at: usize, phase: Phase, height: usize) -> Markup {
    let state = State::of(attempt, phase);
    let x = LEFT + at * COLUMN;
    html! {
        rect class={ "col " (state.class()) } x=(x) y="4" width=(COLUMN - 4) height=(height - 8) rx="6" {}
        text.mark class=(state.class()) x=(x + COLUMN / 2 - 2) y="24" text-anchor="middle" { (state.mark()) }
        text.phase x=(x + COLUMN / 2 - 2) y="44" text-anchor="middle" { (label(phase)) }
    }
}

fn draw(page: &Page<'_>, attempt: &AttemptReport, at: usize, lane: &Lane<'_>, width: usize) -> Markup {
    let y = TOP + at * LANE;
    let covered =
        lane.host.and_then(|name| page.report.coverage.hosts.iter().find(|host| host.host.eq_ignore_ascii_case(name)));
    let empty = lane.cells.iter().all(Vec::is_empty);
    html! {
        line.lane x1="0" x2=(width - 8) y1=(y) y2=(y) {}
        text.role x="8" y=(y + 24) { (lane.role.word()) }
        text.host x="8" y=(y + 44) { (lane.host.map_or("not known".into(), |host| cut(&short_host(host)))) }
        @for (n, line) in clock(covered).iter().enumerate() { text.clock x="8" y=(y + 62 + n * 14) { (line) } }
        @if empty { text.clock x=(LEFT + 12) y=(y + 52) { "no record of this attempt from here" } }
        @for (column, cell) in lane.cells.iter().enumerate() { (dots(page, attempt, LEFT + column * COLUMN, y, cell)) }
    }
}

fn dots(page: &Page<'_>, attempt: &AttemptReport, x: usize, y: usize, cell: &[&EventRow]) -> Markup {
    let cited = |row: &EventRow| page.cited.contains_key(&row.event);
    let grave = |row: &EventRow| row.level.as_ref().is_some_and(RecordLevel::is_grave);
    let told = cell.iter().find(|row| cited(row)).or_else(|| cell.iter().find(|row| grave(row))).or(cell.first());
    html! {
        @for (n, row) in cell.iter().take(DOTS).enumerate() {
            circle class=(if cited(row) { "d-cited" } else if grave(row) { "d-err" } else { "d-dot" })
                cx=(x + 12 + (n % 4) * 15) cy=(y + 20 + (n / 4) * 15) r="5" {
                title { (page.instant(row.time)) " " (say(bare(&row.provider))) " " (row.event_id) ": " (say(&row.message)) }
            }
        }
        @if let Some(row) = told {
            text class=(if cited(row) { "ev-id cited" } else { "ev-id" }) x=(x + 8) y=(y + 62) { (row.event_id) }
            text.ev-at x=(x + 8) y=(y + 76) { (after(attempt.start, row.aligned_time.unwrap_or(row.time))) }
        }
        @if cell.len() > 1 { text.ev-at x=(x + 8) y=(y + 90) { (cell.len()) " records" } }
    }
}

/// Time since the start of the attempt.
fn after(start: Time, time: Time) -> String {
    let ms = time.since(start) / 10_000;
    let sign = if ms < 0 { "−" } else { "+" };
    match ms.unsigned_abs() {
        ms if ms < 1000 => format!("{sign}{ms} ms"),
        ms if ms < 100_000 => format!("{sign}{}.{} s", ms / 1000, ms % 1000 / 100),
        ms if ms < 7_200_000 => format!("{sign}{} min", ms / 60_000),
        ms => format!("{sign}{} h", ms / 3_600_000),
    }
}

/// The clock of a computer in short lines.
fn clock(host: Option<&HostCoverage>) -> Vec<String> {
    let Some(host) = host else { return vec!["no logs of it".to_owned()] };
    let words = match host.clock.state {
        ClockState::Reference => "clock of reference".to_owned(),
        ClockState::Unaligned => "clock not comparable".to_owned(),
        ClockState::Aligned | ClockState::Assumed | ClockState::Other(_) => {
            format!("clock {}", ground::clock(&host.clock))
        }
    };
    // The offset, how sure it is, and on what it rests: a line each.
    words.replace(" ± ", "\n± ").replace(" (", "\n(").lines().map(str::to_owned).collect()
}

fn cut(name: &str) -> String {
    if name.chars().count() <= 20 { name.to_owned() } else { name.chars().take(19).chain(['…']).collect() }
}

fn label(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "Name",
        Phase::Tcp => "TCP",
        Phase::GatewayTransport => "GW link",
        Phase::GatewayAuth => "GW logon",
        Phase::GatewayCap => "GW CAP",
        Phase::GatewayRap => "GW RAP",
        Phase::GatewayTarget => "GW target",
        Phase::X224 => "Request",
        Phase::Tls => "TLS",
        Phase::Credssp => "CredSSP",
        Phase::Mcs => "Settings",
        Phase::Licensing => "Licence",
        Phase::BrokerRedirect => "Broker",
        Phase::SessionArbitration => "Session",
        Phase::Logon => "Logon",
        Phase::ProfileShell => "Profile",
        Phase::Graphics => "Graphics",
        Phase::Established => "Working",
    }
}
