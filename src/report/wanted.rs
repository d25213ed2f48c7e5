//! What to collect to judge more, in words.

use jiff::tz::TimeZone;

use super::headline::{count, list};
use super::model::{Collect, CollectHow};
use super::when;

/// Logs named of one computer.
const NAMED: usize = 3;

/// Which logs of which computer, and for what span, or what has to be done before they tell anything.
pub fn wanted(collect: &Collect, zone: &TimeZone) -> String {
    let (logs, who) = (list(&collect.logs, NAMED), who(collect));
    let span = match when::span(zone, collect.from, collect.to) {
        // No attempt is known.
        span if span.is_empty() => "the time of the failure".to_owned(),
        span => span,
    };
    match collect.how {
        CollectHow::Again if collect.logs.len() == 1 => {
            format!("{logs} of {who}: it no longer holds {span}; make it larger, let it happen again, then export it")
        }
        CollectHow::Again => format!(
            "{logs} of {who}: they no longer hold {span}; make them larger, let it happen again, then export them"
        ),
        CollectHow::Audit => format!(
            "auditing of {} on {who}: it seems to be off; switch it on, let it happen again, then export {logs}",
            list(&collect.audit, NAMED)
        ),
        CollectHow::Export | CollectHow::Other(_) => format!("{logs} of {who}, covering {span}"),
    }
}

/// The same in so few words that it fits a headline.
pub fn briefly(collect: &Collect) -> String {
    let logs = match collect.logs.as_slice() {
        [one] => one.clone(),
        logs => count(logs.len() as u64, "log"),
    };
    let before = match collect.how {
        CollectHow::Again => " after it happened again",
        CollectHow::Audit => " after auditing was switched on",
        CollectHow::Export | CollectHow::Other(_) => "",
    };
    format!("{logs} of {}{before}", who(collect))
}

fn who(collect: &Collect) -> String {
    match &collect.host {
        Some(host) => format!("{host} ({})", collect.role),
        None => format!("the {}", collect.role),
    }
}

/// The pieces of a list in words.
pub fn parts(words: &str) -> impl Iterator<Item = &str> {
    words.split(';').map(|piece| piece.trim().trim_end_matches('.')).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Time;

    fn collect(how: &str, host: Option<&str>, logs: &[&str]) -> Collect {
        Collect {
            host: host.map(str::to_owned),
            role: "server".to_owned(),
            how: how.to_owned().into(),
            logs: logs.iter().map(ToString::to_string).collect(),
            audit: vec!["Logon".to_owned()],
            from: Time::parse("2026-03-04T08:14:55Z"),
            to: Time::parse("2026-03-04T08:15:47Z"),
            commands: Vec::new(),
            serves: Vec::new(),
            causes: 1,
        }
    }

    #[test]
    fn a_span_stands_in_the_zone_of_the_reader() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let told = wanted(&collect("export", None, &["System"]), &zone);
        assert_eq!(told, "System of the server, covering 2026-03-04 10:14:55+02:00 to 10:15:47+02:00");
    }

    #[test]
    fn a_headline_says_what_has_to_happen_before_a_log_tells() {
        assert_eq!(briefly(&collect("export", Some("SRV01"), &["A", "B"])), "2 logs of SRV01 (server)");
        assert_eq!(briefly(&collect("again", None, &["A"])), "A of the server after it happened again");
        assert_eq!(briefly(&collect("audit", None, &["A"])), "A of the server after auditing was switched on");
    }
}
