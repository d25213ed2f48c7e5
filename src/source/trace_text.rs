//! Traces as lines for people: what `tracefmt`, `netsh trace convert` and `pktmon etl2txt` write. The
//! lines name who wrote them and say what happened in words, but no event id and no fields. What
//! stands in the words in every language is read out of them: codes and addresses.

use std::net::SocketAddr;

use jiff::civil::DateTime;

use crate::error::Error;
use crate::event::{Damage, Event, Guid, Interest, Sink, Stamp, Time};
use crate::source::aids::Aids;
use crate::source::layout::Known;
use crate::source::lines::{self, Lines, Piece, Reported};
use crate::source::payload::Want;
use crate::source::text::push_guid;
use crate::source::{Input, Log};

/// Codes or addresses read out of one message.
const MOST: usize = 32;
/// Bytes of a message that are kept.
const MESSAGE: usize = 64 << 10;

/// By a first line that has the prefix, perhaps behind a few without.
pub(super) fn sniff(head: &[u8]) -> bool {
    let text = lines::head(head);
    // The last line may be cut.
    text.lines().take(20).any(|line| Prefix::read(line).is_some())
}

struct TraceText {
    lines: Lines,
    aids: Aids,
}

pub(super) fn open(input: &Input, aids: &Aids) -> Result<Box<dyn Log>, Error> {
    Ok(Box::new(TraceText { lines: Lines::open(input)?, aids: aids.clone() }))
}

impl Log for TraceText {
    fn blocks(&self) -> usize {
        self.lines.blocks()
    }

    fn read(&self, block: usize, interest: &Interest, sink: &mut dyn Sink) {
        let mut reported = Reported::default();
        let mut event = Event::default();
        let done = self.lines.records(block, &begins, &mut |piece| match piece {
            Ok(piece) => {
                if let Err(what) = self.record(&piece, interest, &mut event, sink) {
                    reported.broken(piece.offset, what, sink);
                }
            }
            Err(damage) => reported.report(damage, sink),
        });
        reported.finish(self.lines.bounds(block).0, done, sink);
    }

    fn damage(&self) -> Vec<Damage> {
        Vec::new()
    }
}

/// A record, even one that turns out to be broken.
fn begins(line: &str) -> bool {
    line.starts_with("Unknown(") || place(line).is_some()
}

impl TraceText {
    fn record(
        &self,
        piece: &Piece<'_>,
        interest: &Interest,
        event: &mut Event,
        sink: &mut dyn Sink,
    ) -> Result<(), &'static str> {
        if let Some((number, guid)) = unknown(piece.text) {
            let mut name = String::new();
            push_guid(&mut name, guid);
            sink.record(&stamp(&name, Some(guid), number, None, "WPP"));
            return Ok(());
        }
        let Some(prefix) = Prefix::read(piece.text) else {
            // Lines before the first record are a heading.
            return if begins(piece.text) { Err("a line whose time cannot be read; it is missing") } else { Ok(()) };
        };
        let time = self.aids.moment(prefix.local);
        let known = Known::get().named(prefix.name);
        let name = known.map_or(prefix.name, |known| known.name);
        let guid = known.map(|known| known.guid);
        sink.record(&stamp(name, guid, 0, time, "LINE"));
        let want = Want::of(interest, interest.provider(name), 0);
        if want.any() {
            event.clear();
            event.origin.position.offset = piece.offset;
            event.origin.length = piece.length;
            event.system.provider.push_str(name);
            event.system.provider_guid = guid;
            event.system.time = time;
            event.system.process_id = prefix.process;
            event.system.thread_id = prefix.thread;
            fields(event, prefix.message, want);
            sink.event(event);
        }
        Ok(())
    }
}

fn stamp<'a>(name: &'a str, guid: Option<Guid>, event_id: u32, time: Option<Time>, kind: &'static str) -> Stamp<'a> {
    Stamp {
        computer: "",
        channel: "",
        provider: name,
        provider_guid: guid,
        event_id,
        record_id: None,
        time,
        forwarded: false,
        kind,
    }
}

/// `Unknown( 10): GUID=...`: number and source file of a message that nobody could format.
fn unknown(text: &str) -> Option<(u32, Guid)> {
    let (number, rest) = text.strip_prefix("Unknown(")?.split_once(')')?;
    let (_, guid) = rest.split_once("GUID=")?;
    Some((number.trim().parse().ok()?, Guid::parse(guid.get(..36)?)?))
}

/// What stands before the words.
struct Prefix<'a> {
    process: Option<u32>,
    thread: Option<u32>,
    local: DateTime,
    name: &'a str,
    message: &'a str,
}

/// `[cpu]PID.TID::`, and what follows.
fn place(line: &str) -> Option<(u32, u32, &str)> {
    // -seq writes a number of eight digits in front.
    let line = match line.split_at_checked(8) {
        Some((digits, rest)) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => rest.trim_start(),
        _ => line,
    };
    let (cpu, rest) = line.strip_prefix('[')?.split_once(']')?;
    let (ids, rest) = rest.split_once("::").filter(|(ids, _)| ids.len() <= 32)?;
    let (process, thread) = ids.split_once('.')?;
    let id = |text: &str| u32::from_str_radix(text.trim(), 16).ok();
    cpu.trim().parse::<u16>().ok()?;
    Some((id(process)?, id(thread)?, rest))
}

impl<'a> Prefix<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (process, thread, rest) = place(line)?;
        let (local, rest) = lines::stamp(rest.trim_start())?;
        let rest = rest.trim_start();
        // -seq may stand here as well.
        let rest = match rest.split_once(' ') {
            Some((digits, rest)) if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => rest,
            _ => rest,
        };
        let (name, message) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, message)) => (name.trim(), message),
            None => ("", rest),
        };
        let known = |id: u32| Some(id).filter(|id| !matches!(*id, 0 | u32::MAX));
        Some(Prefix { process: known(process), thread: known(thread), local, name, message: message.trim() })
    }
}

/// The words, and what is the same in every language.
fn fields(event: &mut Event, message: &str, want: Want<'_>) {
    let message = lines::at_most(message, MESSAGE);
    if want.wants("Message") {
        event.push("Message", message);
    }
    let words = || message.split(|c: char| c.is_whitespace() || matches!(c, '=' | '(' | ')' | ',' | ';' | '>'));
    if want.wants("Code") {
        for code in words().map(|word| word.trim_end_matches(['.', ':'])).filter(|word| is_code(word)).take(MOST) {
            event.push("Code", code);
        }
    }
    if want.wants("Address") {
        let found = words().filter_map(|word| word.trim_end_matches(['.', ':']).parse::<SocketAddr>().ok());
        for address in found.take(MOST) {
            event.push_with("Address", |out| out.push_str(&address.to_string()));
        }
    }
    packet(event, message, want);
}

/// Eight digits behind `0x`.
fn is_code(word: &str) -> bool {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    digits.is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A packet as `pktmon` writes it: `10.0.0.5.3389 > 10.0.0.9.50000: Flags [R.]`.
fn packet(event: &mut Event, message: &str, want: Want<'_>) {
    let Some((before, behind)) = message.split_once(" > ") else { return };
    let Some((target, rest)) = behind.split_once(": Flags [") else { return };
    let Some((flags, _)) = rest.split_once(']') else { return };
    let source = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let ends = [("Source", source), ("Destination", target)].map(|(name, text)| (name, endpoint(text)));
    if let [(_, Some(_)), (_, Some(_))] = &ends {
        for (name, end) in ends {
            if let Some(end) = end.filter(|_| want.wants(name)) {
                event.push(name, &end.to_string());
            }
        }
        if want.wants("Flags") {
            event.push("Flags", flags);
        }
    }
}

/// Address and port with a dot between.
fn endpoint(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.rsplit_once('.')?;
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_form_of_the_prefix_is_read() {
        for (line, name, message) in [
            (
                "[0]08FC.2CB4::2023/06/22-18:55:06.496885100 [Microsoft-Windows-TCPIP]IP: Route",
                "Microsoft-Windows-TCPIP",
                "IP: Route",
            ),
            ("[0]0888.0D60::10/23/2003-12:27:40.173 [tracedrv]Hello, 1 Hi", "tracedrv", "Hello, 1 Hi"),
            (
                "[00]0001.0002::2026-09-11 09:48:55.100000000 [Microsoft-Windows-TCPIP] TCP: x",
                "Microsoft-Windows-TCPIP",
                "TCP: x",
            ),
            ("0000001A [1]12345.0D60::10/23/2003-12:27:40.173 [tracedrv]Hi", "tracedrv", "Hi"),
            ("[1]0888.0D60::10/23/2003-12:27:40.173 0000001A [tracedrv]Hi", "tracedrv", "Hi"),
        ] {
            let prefix = Prefix::read(line).unwrap();
            assert_eq!((prefix.name, prefix.message), (name, message), "{line}");
        }
        for line in ["", "[0]", "[x]0888.0D60::10/23/2003-12:27:40.173 [a]b", "[0]0888::x", "text"] {
            assert!(Prefix::read(line).is_none(), "{line}");
        }
        let guid = unknown("Unknown( 10): GUID=37753236-c81f-505e-d40a-128d3bb2b5ff (No Format Information found).");
        assert_eq!(guid.unwrap().0, 10);
    }

    #[test]
    fn codes_and_addresses_are_read_out_of_the_words() {
        let told = |message: &str, name: &str| {
            let mut event = Event::default();
            let all = crate::event::Fields::All;
            fields(&mut event, message, Want([Some(&all), None]));
            event.values(name).collect::<Vec<_>>().join(" ")
        };
        let message =
            "TCP: connection 0xFFFF8F01 (local=10.0.0.9:50123 remote=[fe80::5]:3389) failed, status = 0xC0000236.";
        assert_eq!(told(message, "Code"), "0xFFFF8F01 0xC0000236");
        assert_eq!(told(message, "Address"), "10.0.0.9:50123 [fe80::5]:3389");
        let packet = "PktGroupId 1\n\tethertype IPv4, length 54: 10.0.0.5.3389 > 10.0.0.9.50123: Flags [R.], seq 0";
        assert_eq!(told(packet, "Source"), "10.0.0.5:3389");
        assert_eq!(told(packet, "Flags"), "R.");
        assert_eq!(told("a > b: Flags [R]", "Flags"), "");
    }
}
