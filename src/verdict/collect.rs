//! What to collect, by computer and the most decisive first, with the commands that do it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::Time;
use crate::report::model::{Collect, CollectHow};
use crate::signature::audit::Subcategory;

/// Bytes that a log is given to hold days instead of hours.
const LARGER: u64 = 64 << 20;

/// Why a log does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// It is not here, not whole, or was exported too early: exporting it helps.
    Export,
    /// It no longer holds the time: only the next failure can be recorded.
    Gone,
    /// What it would hold is not audited.
    Audit,
}

/// A log of a computer that is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// In words why, for the reader.
    pub because: String,
    /// The log, in words.
    pub log: String,
    /// The computer, where it is known by name.
    pub host: Option<String>,
    /// What it is in the connection, in words.
    pub role: &'static str,
    /// The channel.
    pub channel: String,
    /// Why.
    pub lack: Lack,
}

/// One computer's missing logs of one kind.
#[derive(Default)]
struct Group<'a> {
    logs: BTreeMap<&'a str, u64>,
    span: Option<(Time, Time)>,
    serves: BTreeSet<&'a str>,
    causes: BTreeSet<&'a str>,
    weight: u64,
}

/// Adds up what is wanted.
#[derive(Default)]
pub struct Wants<'a>(BTreeMap<(Option<&'a str>, &'static str, Lack), Group<'a>>);

impl<'a> Wants<'a> {
    /// A cause of this family cannot be judged for attempts of this span, if any is known; the weight is its prior for
    /// each.
    pub fn add(
        &mut self,
        missing: &'a Missing,
        (family, cause): (&'a str, &'a str),
        weight: u64,
        span: impl Into<Option<(Time, Time)>>,
    ) {
        let group = self.0.entry((missing.host.as_deref(), missing.role, missing.lack)).or_default();
        *group.logs.entry(&missing.channel).or_default() += weight;
        group.weight += weight;
        group.serves.insert(family);
        group.causes.insert(cause);
        if let Some(span) = span.into() {
            let known = group.span.unwrap_or(span);
            group.span = Some((known.0.min(span.0), known.1.max(span.1)));
        }
    }

    /// The most decisive first: by the weight of all causes that it lets anybody judge.
    pub fn ranked(self, off: &[Subcategory]) -> Vec<Collect> {
        let mut groups: Vec<_> = self.0.into_iter().collect();
        groups.sort_by(|(a, x), (b, y)| y.weight.cmp(&x.weight).then_with(|| a.cmp(b)));
        groups.into_iter().map(|((host, role, lack), group)| collect(host, role, lack, &group, off)).collect()
    }
}

fn collect(host: Option<&str>, role: &str, lack: Lack, group: &Group<'_>, off: &[Subcategory]) -> Collect {
    let mut logs: Vec<(&str, u64)> = group.logs.iter().map(|(log, weight)| (*log, *weight)).collect();
    logs.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    let logs: Vec<String> = logs.into_iter().map(|(log, _)| log.to_string()).collect();
    let prefix = plain(called(host, role));
    let export = |log: &String| format!("wevtutil epl \"{log}\" \"{prefix}-{}.evtx\"", file(log));
    // Never smaller than it is; without a dollar sign, so that every shell hands it on as it stands.
    let larger = |log: &String| {
        format!(
            "powershell -Command \"Get-WinEvent -ListLog '{log}' | Where-Object MaximumSizeInBytes -lt {LARGER} | \
             ForEach-Object {{ wevtutil sl '{log}' /ms:{LARGER} }}\""
        )
    };
    let commands = match lack {
        Lack::Export => logs.iter().map(export).collect(),
        Lack::Gone => logs.iter().map(larger).chain(logs.iter().map(export)).collect(),
        Lack::Audit => {
            let on = |one: &Subcategory| {
                format!("auditpol /set /subcategory:\"{}\" /success:enable /failure:enable", one.guid)
            };
            off.iter().map(on).chain(logs.iter().map(export)).collect()
        }
    };
    let how = match lack {
        Lack::Export => CollectHow::Export,
        Lack::Gone => CollectHow::Again,
        Lack::Audit => CollectHow::Audit,
    };
    let (from, to) = group.span.unzip();
    Collect {
        host: host.map(str::to_string),
        role: role.to_string(),
        how,
        logs,
        audit: if lack == Lack::Audit { off.iter().map(|one| one.name.to_string()).collect() } else { Vec::new() },
        from,
        to,
        commands,
        serves: group.serves.iter().map(ToString::to_string).collect(),
        causes: group.causes.len() as u64,
    }
}

/// What stands for a computer in names of files: no address with colons, which no file of Windows may have.
fn called<'a>(host: Option<&'a str>, role: &'a str) -> &'a str {
    let Some(host) = host else { return role };
    match host.parse() {
        Ok(IpAddr::V4(_)) => host,
        Ok(IpAddr::V6(_)) => role,
        Err(_) => host.split('.').next().unwrap_or(host),
    }
}

/// A file name for a channel: its last telling words.
fn file(channel: &str) -> String {
    let name = channel.strip_suffix("/Operational").unwrap_or(channel);
    plain(name.rsplit_once("Microsoft-Windows-").map_or(name, |(_, rest)| rest))
}

/// A name, some of which logs tell, as part of a command that somebody pastes into an elevated prompt: nothing in it
/// may end the quotes or be expanded.
fn plain(name: &str) -> String {
    let harmless = |sign: &char| sign.is_alphanumeric() || matches!(sign, '-' | '_' | '.');
    name.chars().map(|sign| if harmless(&sign) { sign } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(host: Option<&str>, channel: &str, lack: Lack) -> Missing {
        let (because, log) = (String::new(), String::new());
        Missing { because, log, host: host.map(str::to_string), role: "server", channel: channel.to_string(), lack }
    }

    #[test]
    fn a_computer_with_a_hostile_name_puts_no_command_beside_those_told() {
        let hostile = missing(Some("a\"&calc&\"$(x)`%PATH%"), "System", Lack::Export);
        let mut wants = Wants::default();
        wants.add(&hostile, ("network", "a"), 1, (Time::default(), Time::default()));
        assert_eq!(wants.ranked(&[])[0].commands, ["wevtutil epl \"System\" \"a--calc----x---PATH--System.evtx\""]);
    }

    #[test]
    fn a_computer_known_by_its_address_keeps_the_whole_of_it() {
        assert_eq!(called(Some("172.16.6.14"), "server"), "172.16.6.14");
        assert_eq!((called(Some("fd00::1"), "server"), called(Some("pc_1.corp"), "client")), ("server", "pc_1"));
    }

    #[test]
    fn the_computer_whose_logs_decide_most_comes_first_with_its_commands() {
        let (weak, strong) =
            (missing(Some("pc"), "System", Lack::Export), missing(None, "A-B/Operational", Lack::Gone));
        let span = (Time::default(), Time::default());
        let mut wants = Wants::default();
        wants.add(&weak, ("network", "a"), 2, span);
        wants.add(&strong, ("network", "a"), 2, span);
        wants.add(&strong, ("account", "b"), 1, span);
        let ranked = wants.ranked(&[]);
        assert_eq!(
            ranked[0].commands,
            [
                "powershell -Command \"Get-WinEvent -ListLog 'A-B/Operational' | Where-Object MaximumSizeInBytes -lt 67108864 | \
                 ForEach-Object { wevtutil sl 'A-B/Operational' /ms:67108864 }\"",
                "wevtutil epl \"A-B/Operational\" \"server-A-B.evtx\""
            ]
        );
        assert_eq!((ranked[0].serves.len(), ranked[0].causes, ranked[0].how.word()), (2, 2, "again"));
        assert_eq!(ranked[1].commands, ["wevtutil epl \"System\" \"pc-System.evtx\""]);
    }
}
