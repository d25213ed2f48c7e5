//! What tells of somebody by its shape: addresses, SIDs, mail addresses, hashes of names.

use std::net::IpAddr;

use regex::Regex;

/// SIDs, hashes of names (RDPClient 1029 writes one in Base64) and mail addresses wherever they stand.
const SHAPES: &str = r"(?i)(?P<hash>[A-Za-z0-9+/]{27}=|[A-Za-z0-9+/]{43}=)|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)*)|(?P<sid>S-1-5-21(?:-\d+){1,15}|S-1-12-1(?:-\d+){1,15})";
/// Bytes of the longest address, with one of IPv4 within one of IPv6.
const LONGEST: usize = 45;

/// Something found in a text.
pub struct Shape {
    /// What it is: `hash`, `mail` or `sid`.
    pub kind: &'static str,
    /// Its first byte.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
}

/// Finds shapes.
pub struct Shapes(Regex);

impl Shapes {
    /// Ready to look.
    ///
    /// # Errors
    /// The pattern is larger than the crate allows.
    pub fn new() -> Result<Self, regex::Error> {
        Regex::new(SHAPES).map(Shapes)
    }

    /// All of a text, in order.
    pub fn of(&self, text: &str) -> Vec<Shape> {
        let pattern = &self.0;
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some(captures) = pattern.captures_at(text, from) {
            let Some(whole) = captures.get(0) else { break };
            let kind = ["hash", "mail", "sid"].into_iter().find(|kind| captures.name(kind).is_some());
            let (start, end) = (whole.start(), whole.end());
            from = match kind.filter(|_| stands_alone(text, start, end)) {
                Some(kind) => {
                    found.push(Shape { kind, start, end });
                    end
                }
                None => start + text[start..].chars().next().map_or(1, char::len_utf8),
            };
            if from >= text.len() {
                break;
            }
        }
        found
    }
}

/// The longest address that begins here, and the byte behind it: a port or a colon may follow.
pub fn address(text: &str, start: usize) -> Option<(IpAddr, usize)> {
    let rest = text.get(start..)?.as_bytes();
    let part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    let run =
        &rest[..rest.iter().take(LONGEST + 1).position(|byte| !part(byte)).unwrap_or(rest.len().min(LONGEST + 1))];
    let count = |of: u8| run.iter().filter(|byte| **byte == of).count();
    if count(b':') < 2 && count(b'.') < 3 {
        return None;
    }
    (2..=run.len()).rev().find_map(|length| {
        let ip = std::str::from_utf8(&run[..length]).ok()?.parse().ok()?;
        stands_alone(text, start, start + length).then_some((ip, start + length))
    })
}

/// A name inside a longer word is another word.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    let edge = |outer: Option<char>, inner: Option<char>| {
        !(outer.is_some_and(char::is_alphanumeric) && inner.is_some_and(char::is_alphanumeric))
    };
    let within = text.get(start..end).unwrap_or_default();
    edge(before, within.chars().next()) && edge(after, within.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_where_its_port_begins() {
        let found = |text: &'static str| address(text, 0).map(|(ip, end)| (ip.to_string(), &text[end..]));
        let is = |ip: &str, rest: &'static str| Some((ip.to_owned(), rest));
        assert_eq!(found("10.1.7.17:49812"), is("10.1.7.17", ":49812"));
        assert_eq!(found("::ffff:10.1.7.17: 0x12"), is("::ffff:10.1.7.17", ": 0x12"));
        assert_eq!(found("2a02:8108:7::17: 23033"), is("2a02:8108:7::17", ": 23033"));
        assert_eq!(found("2a02:8108:7::22:57800 opened"), is("2a02:8108:7::22", ":57800 opened"));
        assert_eq!(found("fe80::1%12"), is("fe80::1", "%12"));
        assert_eq!(found("08:01:00"), None);
        assert_eq!(found("10.0.17763.1"), None);
    }
}
