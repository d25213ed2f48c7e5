//! What a message says: its format with its values.

use super::item::Read;
use super::{FIRST, SAID};

/// Width that a value may be filled up to.
const WIDTH: usize = 256;

/// A part of a format.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(Box<str>),
    /// `%!NAME!`: something of the message itself.
    Name(Box<str>),
    /// `%10!04x!`: a value, counted from 0.
    Value(usize, Spec),
}

/// How a value is shown, as `printf` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spec {
    left: bool,
    zeros: bool,
    prefix: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

/// Reads a format as it stands between its quotes.
pub(super) fn read(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let behind = rest.get(c.len_utf8()..).unwrap_or_default();
        let (part, next) = match c {
            '%' => place(behind),
            '\\' => escape(behind),
            _ => {
                plain.push(c);
                (None, behind)
            }
        };
        match part {
            Some(Part::Text(text)) => plain.push_str(&text),
            Some(part) => {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain).into()));
                }
                parts.push(part);
            }
            None => {}
        }
        rest = next;
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain.into()));
    }
    parts
}

/// What follows a backslash.
fn escape(behind: &str) -> (Option<Part>, &str) {
    let Some(c) = behind.chars().next() else { return (None, behind) };
    let text = match c {
        'n' => "\n",
        't' => "\t",
        'r' => "",
        '"' => "\"",
        '\\' => "\\",
        _ => return (Some(Part::Text("\\".into())), behind),
    };
    (Some(Part::Text(text.into())), behind.get(1..).unwrap_or_default())
}

/// What follows a per cent sign.
fn place(behind: &str) -> (Option<Part>, &str) {
    if let Some(rest) = behind.strip_prefix('%') {
        return (Some(Part::Text("%".into())), rest);
    }
    if let Some((name, rest)) = behind.strip_prefix('!').and_then(|rest| rest.split_once('!')) {
        return (Some(Part::Name(name.into())), rest);
    }
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = behind.split_at_checked(digits).unwrap_or((behind, ""));
    let Ok(number) = number.parse::<usize>() else { return (Some(Part::Text("%".into())), behind) };
    let (spec, rest) = match rest.strip_prefix('!').and_then(|rest| rest.split_once('!')) {
        Some((spec, rest)) => (spec, rest),
        None => ("s", rest),
    };
    // Lower ones are parts of the prefix, which events have in their System part.
    (number.checked_sub(FIRST).map(|at| Part::Value(at, Spec::read(spec))), rest)
}

impl Spec {
    fn read(text: &str) -> Self {
        let mut spec = Spec { kind: text.chars().last().unwrap_or('s'), ..Spec::default() };
        let flags = text.bytes().take_while(|byte| b"-+ #0".contains(byte)).count();
        let (flags, rest) = text.split_at_checked(flags).unwrap_or_default();
        spec.left = flags.contains('-');
        spec.zeros = flags.contains('0') && !spec.left;
        spec.prefix = flags.contains('#');
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (width, rest) = rest.split_at_checked(digits(rest)).unwrap_or_default();
        spec.width = width.parse().unwrap_or(0).min(WIDTH);
        spec.precision = rest
            .strip_prefix('.')
            .map(|rest| rest.get(..digits(rest)).and_then(|text| text.parse().ok()).unwrap_or(0).min(SAID));
        spec
    }

    fn show(self, out: &mut String, value: &Read) {
        let text = match (self.kind, value) {
            ('x', Read::Number(number, _) | Read::Code(number)) => self.hex(format!("{number:x}"), "0x"),
            ('X', Read::Number(number, _) | Read::Code(number)) => self.hex(format!("{number:X}"), "0X"),
            ('p', Read::Number(number, _) | Read::Code(number)) => format!("{number:X}"),
            ('u', Read::Number(number, _) | Read::Code(number)) => number.to_string(),
            ('c', Read::Number(number, _)) => {
                let code = u32::try_from(*number).ok().and_then(char::from_u32);
                code.filter(|c| *c != '\0').map(String::from).unwrap_or_default()
            }
            ('s' | 'S', Read::Text(text)) => match self.precision {
                Some(most) => text.chars().take(most).collect(),
                None => text.clone(),
            },
            (_, value) => value.to_string(),
        };
        let missing = self.width.saturating_sub(text.chars().count());
        let fill = |out: &mut String, c: char| out.extend(std::iter::repeat_n(c, missing));
        match (self.left, self.zeros && !matches!(value, Read::Text(_))) {
            (true, _) => {
                out.push_str(&text);
                fill(out, ' ');
            }
            (false, true) => {
                let before = if text.starts_with('-') { 1 } else { 2 * usize::from(self.prefix && text.len() > 2) };
                let (sign, digits) = text.split_at_checked(before).unwrap_or(("", &text));
                out.push_str(sign);
                fill(out, '0');
                out.push_str(digits);
            }
            (false, false) => {
                fill(out, ' ');
                out.push_str(&text);
            }
        }
    }

    fn hex(self, digits: String, prefix: &str) -> String {
        let least = self.precision.unwrap_or(0).min(WIDTH);
        let zeros = "0".repeat(least.saturating_sub(digits.len()));
        if self.prefix { format!("{prefix}{zeros}{digits}") } else { zeros + &digits }
    }
}

/// The message in words. Values that are missing show as `?`.
pub(super) fn said<'a>(parts: &[Part], values: &[Read], named: &dyn Fn(&str) -> &'a str) -> String {
    let mut out = String::new();
    for part in parts {
        if out.len() > SAID {
            break;
        }
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Name(name) => out.push_str(named(name)),
            Part::Value(at, spec) => match values.get(*at) {
                Some(value) => spec.show(&mut out, value),
                None => out.push('?'),
            },
        }
    }
    let end = crate::source::lines::at_most(&out, SAID).len();
    out.truncate(end);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: &str, value: Read) -> String {
        said(&read(format), &[value], &|_| "")
    }

    #[test]
    fn values_are_shown_as_printf_says() {
        assert_eq!(shown("%10!d!", Read::Number(0xFFFF_FFFE, -2)), "-2");
        assert_eq!(shown("%10!u!", Read::Number(0xFFFF_FFFE, -2)), "4294967294");
        assert_eq!(shown("%10!#010x!", Read::Number(255, 255)), "0x000000ff");
        assert_eq!(shown("%10!08X!|", Read::Code(0xAB)), "000000AB|");
        assert_eq!(shown("%10!-5d!|", Read::Number(7, 7)), "7    |");
        assert_eq!(shown("%10!05d!", Read::Number(0, -7)), "-0007");
        assert_eq!(shown("%10!5.2s!|", Read::Text("abc".into())), "   ab|");
        assert_eq!(shown("%10!I64x!", Read::Number(16, 16)), "10");
        assert_eq!(shown("%10!c!", Read::Number(65, 65)), "A");
        assert_eq!(shown("%10 %% %11!s! \\n%", Read::Text("x".into())), "x % ? \n%");
    }

    #[test]
    fn hostile_formats_neither_panic_nor_grow_without_bound() {
        for format in
            ["%", "%!", "%!x", "%99999999999999999999!d!", "%10!", "%10!99999999d!", "%10!.99999999x!", "\\", "%10!ä!"]
        {
            assert!(shown(format, Read::Number(1, 1)).len() < 1000, "{format}");
        }
        let long = "%10!256s!".repeat(10_000);
        assert!(shown(&long, Read::Text("x".into())).len() <= SAID);
    }
}
