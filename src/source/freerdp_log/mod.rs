//! What FreeRDP 2 and 3 print (WLog): client or server, as `xfreerdp` and others write it to a terminal
//! or a file. Lines tell hours and no day.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use jiff::ToSpan;
use jiff::civil::{Date, Time as Hour};
use jiff::tz::TimeZone;

mod days;

use days::{Clock, Days};

use crate::error::Error;
use crate::event::{Damage, Event, Interest, Sink, Stamp, Time, Wanted};
use crate::source::aids::Aids;
use crate::source::lines::{self, Lines, Piece, Reported};
use crate::source::payload::Want;
use crate::source::{Input, Log};

/// Name of the provider.
const PROVIDER: &str = "FreeRDP";
/// Id of every line: what it says stands in its fields.
const LINE: u32 = 1;
/// Bytes of a message that are kept.
const MESSAGE: usize = 16 << 10;

/// By a first line that has the prefix.
pub(super) fn sniff(head: &[u8]) -> bool {
    lines::head(head).lines().take(40).any(|line| Prefix::read(line).is_some())
}

struct FreerdpLog {
    lines: Lines,
    aids: Aids,
    /// Day of its last line, if nobody told that of the first.
    written: Option<Date>,
    days: OnceLock<Days>,
}

impl FreerdpLog {
    /// Hours and runs of the whole log, read when first asked for.
    fn days(&self) -> &Days {
        self.days.get_or_init(|| Days::of(&self.lines))
    }

    /// The day of the first line.
    fn first_day(&self) -> Option<Date> {
        let written = || self.written?.checked_sub(self.days().nights.days()).ok();
        self.aids.day.or_else(written)
    }
}

pub(super) fn open(input: &Input, aids: &Aids) -> Result<Box<dyn Log>, Error> {
    let written = std::fs::metadata(&input.path).and_then(|metadata| metadata.modified()).ok();
    let written = written.and_then(|time| jiff::Timestamp::try_from(time).ok());
    let zone = aids.zone.clone().unwrap_or(TimeZone::UTC);
    Ok(Box::new(FreerdpLog {
        lines: Lines::open(input)?,
        aids: aids.clone(),
        written: written.map(|stamp| stamp.to_zoned(zone).date()),
        days: OnceLock::new(),
    }))
}

impl Log for FreerdpLog {
    fn blocks(&self) -> usize {
        self.lines.blocks()
    }

    fn read(&self, block: usize, interest: &Interest, sink: &mut dyn Sink) {
        let wanted = interest.provider(PROVIDER);
        let mut reported = Reported::default();
        let mut event = Event::default();
        let mut clock = Clock::of(self, block);
        let done = self.lines.records(block, &begins, &mut |piece| match piece {
            Ok(piece) => record(&piece, &mut clock, (interest, wanted), &mut event, sink),
            Err(damage) => reported.report(damage, sink),
        });
        reported.finish(self.lines.bounds(block).0, done, sink);
    }

    fn damage(&self) -> Vec<Damage> {
        let days = self.days();
        if self.aids.day.is_some() || !days.told {
            return Vec::new();
        }
        let what = match self.written {
            Some(day) => format!(
                "its lines tell hours and no day: the last is taken to be of {day}, when the file was last written; \
                 --trace-day tells the day of the first"
            ),
            None => "its lines tell hours and no day, and have no time therefore; --trace-day tells that of the first"
                .to_owned(),
        };
        vec![Damage { offset: 0, what, lost: false }]
    }
}

fn begins(line: &str) -> bool {
    Prefix::read(line).is_some()
}

/// What stands before the words, and they.
struct Prefix<'a> {
    hour: Option<Hour>,
    process: Option<u32>,
    thread: Option<u32>,
    level: Option<u8>,
    tag: &'a str,
    function: &'a str,
    message: &'a str,
}

impl<'a> Prefix<'a> {
    /// `[HH:MM:SS:mmm] [PID:TID] [LEVEL][TAG] - [FUNCTION]: `, or `[pid=PID:tid=TID] - [FUNCTION]: `; a system
    /// log may stand in front.
    fn read(line: &'a str) -> Option<Self> {
        let line = line.trim_start();
        let line = if line.starts_with('[') { line } else { line.split_once("]: ")?.1 };
        let (first, rest) = group(line)?;
        if let Some(ids) = first.strip_prefix("pid=") {
            let (process, thread) = ids.split_once(":tid=")?;
            let (function, message) = words(rest)?;
            let (process, thread) = (process.parse().ok(), number(thread));
            return Some(Prefix { hour: None, process, thread, level: None, tag: "", function, message });
        }
        let (hour, behind) = lines::hour(first, &[':', '.'])?;
        let (ids, rest) = group(rest.trim_start()).filter(|_| behind.is_empty())?;
        let (process, thread) = ids.split_once(':')?;
        let (level, rest) = group(rest.trim_start())?;
        let (tag, rest) = group(rest)?;
        let (function, message) = words(rest)?;
        Some(Prefix {
            hour: Some(hour),
            process: process.parse().ok(),
            thread: number(thread),
            level: level_of(level),
            tag,
            function,
            message,
        })
    }
}

impl Prefix<'_> {
    /// The client begins to connect, which it does once for each user's action.
    fn connects(&self) -> bool {
        self.function == "freerdp_connect" && self.message.contains("resetting error state")
    }
}

fn group(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('[')?.split_once(']').filter(|(inside, _)| inside.len() <= 100)
}

/// The function, which FreeRDP 3 writes in brackets and 2 in front of some messages, and the message.
fn words(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start().strip_prefix('-')?;
    let text = text.trim();
    if let Some((function, message)) = group(text).and_then(|(inside, rest)| Some((inside, rest.strip_prefix(':')?))) {
        return Some((function, message.trim_start()));
    }
    let first = text.split([':', ' ']).next().unwrap_or_default();
    let is_name =
        first.contains('_') && first.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    Some((if is_name { first } else { "" }, text))
}

/// Of a thread: eight hexadecimal digits, or decimal ones.
fn number(text: &str) -> Option<u32> {
    if text.len() == 8 { u32::from_str_radix(text, 16).ok() } else { text.parse().ok() }
}

fn level_of(word: &str) -> Option<u8> {
    Some(match word {
        "FATAL" => 1,
        "ERROR" => 2,
        "WARN" => 3,
        "INFO" => 4,
        "DEBUG" | "TRACE" => 5,
        _ => return None,
    })
}

type Interested<'a> = (&'a Interest, Option<&'a Wanted>);

/// A line with its prefix, and lines without one behind it, each of which is told by itself.
fn record(piece: &Piece<'_>, clock: &mut Clock<'_>, interest: Interested<'_>, event: &mut Event, sink: &mut dyn Sink) {
    let mut prefix = Prefix::read(piece.text);
    let time = prefix.as_ref().and_then(|prefix| prefix.hour).and_then(|hour| clock.moment(hour));
    let (first, rest) = piece.text.split_once('\n').unwrap_or((piece.text, ""));
    if let Some(prefix) = &mut prefix {
        *prefix = Prefix::read(first).unwrap_or(Prefix { message: first, ..*prefix });
    }
    let behind = rest.lines().chain(prefix.is_none().then_some(first)).filter(|line| !line.trim().is_empty());
    let plain = |message| Prefix {
        hour: None,
        process: prefix.as_ref().and_then(|prefix| prefix.process),
        thread: prefix.as_ref().and_then(|prefix| prefix.thread),
        level: None,
        tag: "",
        function: "",
        message,
    };
    let others: Vec<Prefix<'_>> = behind.take(64).map(plain).collect();
    for prefix in prefix.iter().chain(&others) {
        sink.record(&Stamp {
            computer: "",
            channel: "",
            provider: PROVIDER,
            provider_guid: None,
            event_id: LINE,
            record_id: None,
            time,
            forwarded: false,
            kind: "LINE",
        });
        let activity = clock.activity(prefix);
        let want = Want::of(interest.0, interest.1, LINE);
        if want.any() {
            fill(event, prefix, time, want);
            event.system.activity_id = activity;
            event.origin.position.offset = piece.offset;
            event.origin.length = piece.length;
            sink.event(event);
        }
    }
}

fn fill(event: &mut Event, prefix: &Prefix<'_>, time: Option<Time>, want: Want<'_>) {
    event.clear();
    event.system.provider.push_str(PROVIDER);
    event.system.event_id = LINE;
    event.system.level = prefix.level;
    event.system.time = time;
    event.system.process_id = prefix.process;
    event.system.thread_id = prefix.thread;
    let message = lines::at_most(prefix.message.trim(), MESSAGE);
    let mut push = |name: &str, value: &str| {
        if !value.is_empty() && want.wants(name) {
            event.push(name, value);
        }
    };
    push("Tag", prefix.tag);
    push("Function", prefix.function);
    push("Message", message);
    push("Symbol", symbol(message).unwrap_or_default());
    push("Code", code(message).unwrap_or_default());
    push("Address", &address(message).unwrap_or_default());
}

/// The first name of a constant, such as `ERRCONNECT_LOGON_FAILURE`.
fn symbol(message: &str) -> Option<&str> {
    let mut words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.find(|word| {
        let upper = word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        upper && word.contains('_') && word.len() >= 6
    })
}

/// The first number of eight hexadecimal digits in brackets: what a constant stands for.
fn code(message: &str) -> Option<&str> {
    message.split(['[', '(']).skip(1).filter_map(|rest| rest.get(..10)).find(|word| {
        let digits = word.strip_prefix("0x");
        digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

/// The first address, with or without a port.
fn address(message: &str) -> Option<String> {
    let words = message.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '='));
    words.map(|word| word.trim_end_matches(['.', ':', ';'])).filter(|word| word.contains(['.', ':'])).find_map(|word| {
        let bare = || word.parse::<IpAddr>().map(|ip| ip.to_string());
        word.parse::<SocketAddr>().map(|address| address.to_string()).or_else(|_| bare()).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::days::is_next_day;
    use super::*;

    #[test]
    fn prefixes_of_both_versions_are_read() {
        let two = "[09:47:30:671] [39108:39109] [DEBUG][com.freerdp.core] - freerdp_connect:freerdp_set_last_error_ex resetting error state";
        let prefix = Prefix::read(two).unwrap();
        assert_eq!((prefix.process, prefix.thread, prefix.level), (Some(39108), Some(39109), Some(5)));
        assert_eq!((prefix.tag, prefix.function), ("com.freerdp.core", "freerdp_connect"));
        let three = "[15:33:49:549] [10934:6d5a3000] [WARN][com.freerdp.core.nego] - [nego_enable_tls]: Enabling TLS security: TRUE";
        let prefix = Prefix::read(three).unwrap();
        assert_eq!((prefix.thread, prefix.level), (Some(0x6D5A_3000), Some(3)));
        assert_eq!((prefix.function, prefix.message), ("nego_enable_tls", "Enabling TLS security: TRUE"));
        let system = format!("Nov 21 12:43:53 host xfreerdp[32061]: {three}");
        assert_eq!(Prefix::read(&system).unwrap().function, "nego_enable_tls");
        let journal = "[pid=12:tid=6d5a3000] - [rdp_print_errinfo]: ERRINFO_LOGOFF_BY_USER (0x0000000C):x";
        assert_eq!(Prefix::read(journal).unwrap().function, "rdp_print_errinfo");
        for line in ["", "[", "[1:2]", "[25:00:00:000] [1:2] [INFO][x] - y", "[09:47:30:671] x", "[a]: b"] {
            assert!(Prefix::read(line).is_none(), "{line}");
        }
    }

    #[test]
    fn symbols_codes_and_addresses_are_read_out_of_messages() {
        let message = "transport_connect_tls:freerdp_set_last_error_ex ERRCONNECT_TLS_CONNECT_FAILED [0x00020008]";
        assert_eq!((symbol(message), code(message)), (Some("ERRCONNECT_TLS_CONNECT_FAILED"), Some("0x00020008")));
        assert_eq!(code("ERRINFO_LOGOFF_BY_USER (0x0000000C):The"), Some("0x0000000C"));
        assert_eq!(symbol("Error: HYBRID_REQUIRED_BY_SERVER"), Some("HYBRID_REQUIRED_BY_SERVER"));
        assert_eq!((symbol("TLS"), code("[0x12]"), code("(0xä")), (None, None, None));
        assert_eq!(address("connecting to peer 10.0.0.5"), Some("10.0.0.5".into()));
        assert_eq!(address("connection (10.0.0.5:3389) "), Some("10.0.0.5:3389".into()));
        assert_eq!(address("version 2.11.7 of 12:43"), None);
    }

    #[test]
    fn a_night_is_a_long_step_back_and_not_a_late_line() {
        let hour = |text| lines::hour(text, &[':']).unwrap().0;
        let mut last = None;
        let steps = ["23:59:58:000", "00:00:01:000", "23:59:59:990", "00:00:02:000", "12:00:00:000", "11:59:59:000"];
        let nights: Vec<bool> = steps.iter().map(|text| is_next_day(&mut last, hour(text))).collect();
        assert_eq!(nights, [false, true, false, false, false, false]);
    }
}
