//! Evidence with its rules looked up and its join keys read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::event::{Time, read_code};
use crate::evidence::Evidence;
use crate::signature::Signatures;
use crate::signature::definition::{Kind, Mark, Meaning, Role, Rule, Slot};

use super::identity::{HostId, address};

/// One record of the case.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// The record and where it stands.
    pub evidence: &'a Evidence,
    /// Computer that wrote it.
    pub host: HostId,
    /// Its time, by that computer's clock; where the clock was set back later, by the clock that it kept then.
    /// What the record itself says stands in the evidence.
    pub time: Time,
    /// Rules that matched, by slug; foreign rules without a meaning are among them.
    pub rules: Arc<[&'a Rule]>,
    /// A noise rule matched and no fact: it counts for nothing.
    pub noise: bool,
}

impl<'a> Item<'a> {
    /// A record by itself, of a host that is not known.
    pub fn alone(evidence: &'a Evidence, signatures: &'a Signatures) -> Self {
        let rules = evidence.signatures.iter().filter_map(|slug| signatures.rule(slug)).collect();
        Item { evidence, host: 0, time: evidence.record.time.unwrap_or_default(), rules, noise: false }
    }

    /// Meanings of its rules.
    pub fn meanings(&self) -> impl Iterator<Item = &'a Meaning> {
        self.rules.iter().filter_map(|rule| rule.meaning.as_ref())
    }

    /// Meanings for one side of a connection.
    pub fn on_side(&self, side: Role) -> impl Iterator<Item = &'a Meaning> {
        self.meanings().filter(move |meaning| meaning.host == side)
    }

    /// Has it this mark on that side?
    pub fn marks(&self, side: Role, mark: Mark) -> bool {
        self.on_side(side).any(|meaning| meaning.mark == Some(mark))
    }

    /// Any of its rules states a fact.
    pub fn is_fact(&self) -> bool {
        !self.noise && self.meanings().any(|meaning| meaning.kind == Kind::Fact)
    }

    /// What a rule captures in this slot; placeholders count as nothing.
    pub fn capture(&self, slot: Slot) -> Option<&'a str> {
        self.meanings()
            .filter_map(|meaning| meaning.capture.get(&slot))
            .flatten()
            .find_map(|name| self.evidence.record.field(name))
            .map(|value| value.trim().trim_end_matches('\0'))
            .filter(|value| !value.is_empty() && *value != "-")
    }

    /// What a clock showed, as a record tells it.
    pub fn clock(&self, slot: Slot) -> Option<Time> {
        self.capture(slot).and_then(clock)
    }

    /// A captured address.
    pub fn ip(&self, slot: Slot) -> Option<IpAddr> {
        self.capture(slot).and_then(address)
    }

    /// A captured address with its port, which may stand behind it or apart.
    pub fn end(&self, address: Slot, port: Slot) -> Option<SocketAddr> {
        let text = self.capture(address)?;
        let apart = || Some(SocketAddr::new(self::address(text)?, u16::try_from(self.number(port)?).ok()?));
        let whole: Option<SocketAddr> = text.parse().ok();
        whole.map(|end| SocketAddr::new(end.ip().to_canonical(), end.port())).or_else(apart)
    }

    /// The TCP port from which the client came, where the record tells one: a logon that came through another program's
    /// hands has none of its own.
    pub fn client_port(&self) -> Option<u16> {
        Some(self.end(Slot::ClientIp, Slot::ClientPort)?.port()).filter(|port| *port != 0)
    }

    /// Process of the client program: where no field tells it, the record's own.
    pub fn process(&self) -> Option<u32> {
        self.number(Slot::Process).or(self.evidence.record.process_id)
    }

    /// A captured number, in any notation of [`read_code`].
    pub fn number(&self, slot: Slot) -> Option<u32> {
        number(self.capture(slot)?)
    }
}

/// Reads a time as logs write it: RFC 3339, or `8:15:2.0000 3/4/2026 Z` as Kerberos does in every language.
pub fn clock(text: &str) -> Option<Time> {
    let text = text.trim().trim_matches(|sign: char| !sign.is_ascii_alphanumeric());
    if let Some(time) = Time::parse(text) {
        return Some(time);
    }
    let mut words = text.strip_suffix('Z')?.split_whitespace();
    let (time, date) = (words.next()?, words.next()?);
    let mut parts = date.splitn(3, '/').map(|part| part.parse::<u16>().ok());
    let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (parts.next()?.parse::<u8>().ok()?, parts.next()?.parse::<u8>().ok()?);
    let (second, fraction) = parts.next()?.split_once('.')?;
    let second = second.parse::<u8>().ok()?;
    Time::parse(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z"))
}

/// Reads a number as a field holds it: a code, with blanks about it, or in brackets after a call's name.
pub fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    read_code(text.rsplit_once('(').map_or(text, |(_, rest)| rest.trim_end_matches(')').trim()))
}

#[cfg(test)]
mod tests {
    use super::{clock, number};

    #[test]
    fn times_of_other_clocks_are_read_as_logs_write_them() {
        let told = |text: &str| clock(text).map(|time| time.to_string());
        assert_eq!(told("8:15:2.0000 3/4/2026 Z").as_deref(), Some("2026-03-04T08:15:02.0000000Z"));
        assert_eq!(told("2026-03-04T08:15:02.5Z").as_deref(), Some("2026-03-04T08:15:02.5000000Z"));
        for text in ["", "Z", "8:15 3/4/2026 Z", "8:15:2.0 13/4/2026 Z", "25:00:00.0 3/4/2026 Z"] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_as_logs_write_them() {
        assert_eq!(number("2308"), Some(0x904));
        assert_eq!(number("0x80090304"), Some(0x8009_0304));
        assert_eq!(number("-2146893019"), Some(0x8009_0325));
        assert_eq!(number("SetErrorInfo(0x7)"), Some(7));
        assert_eq!(number("0xFFFFFFFF80090304"), Some(0x8009_0304));
        assert_eq!(number("RDP-Tcp#5"), None);
        assert_eq!(number("0x7FF680090304"), None, "a pointer is not the status that its lower half looks like");
        assert_eq!(number("%%2313"), None, "a message has numbers of its own");
    }
}
