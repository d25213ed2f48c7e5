//! Local dates and hours as lines write them.

use jiff::civil::{Date, DateTime, Time};

/// Splits a number of `digits` decimal digits off.
fn number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (own, rest) = text.split_at_checked(digits)?;
    let value = own.bytes().all(|byte| byte.is_ascii_digit()).then(|| own.parse().ok())??;
    Some((value, rest))
}

fn mark<'a>(text: &'a str, marks: &[char]) -> Option<(char, &'a str)> {
    let first = text.chars().next().filter(|c| marks.contains(c))?;
    Some((first, text.get(first.len_utf8()..)?))
}

/// `HH:MM:SS` and a fraction of one to nine digits behind any of `marks`; what follows.
pub(in crate::source) fn hour<'a>(text: &'a str, marks: &[char]) -> Option<(Time, &'a str)> {
    let (hour, rest) = number(text, 2)?;
    let (minute, rest) = number(mark(rest, &[':'])?.1, 2)?;
    let (second, rest) = number(mark(rest, &[':'])?.1, 2)?;
    let (fraction, rest) = match mark(rest, marks) {
        Some((_, rest)) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            rest.split_at_checked(digits).filter(|_| (1..=9).contains(&digits))?
        }
        None => ("", rest),
    };
    let mut nanoseconds = 0;
    for at in 0..9 {
        let digit = fraction.as_bytes().get(at).map_or(0, |digit| digit - b'0');
        nanoseconds = nanoseconds * 10 + i32::from(digit);
    }
    let part = |value: u32| i8::try_from(value).ok();
    // A leap second is the last one of its minute.
    let time = Time::new(part(hour)?, part(minute)?, part(second.min(59))?, nanoseconds).ok()?;
    Some((time, rest))
}

/// `YYYY-MM-DD`, `YYYY/MM/DD` or `MM/DD/YYYY`; what follows.
pub(in crate::source) fn day(text: &str) -> Option<(Date, &str)> {
    let marks = ['-', '/'];
    let part = |value: u32| i8::try_from(value).ok();
    let year = |value: u32| i16::try_from(value).ok();
    let three = |text, widths: [usize; 3]| {
        let (first, rest) = number(text, widths[0])?;
        let (mark_one, rest) = mark(rest, &marks)?;
        let (second, rest) = number(rest, widths[1])?;
        let (mark_two, rest) = mark(rest, &marks)?;
        let (third, rest) = number(rest, widths[2])?;
        (mark_one == mark_two).then_some(([first, second, third], rest))
    };
    if let Some(([y, m, d], rest)) = three(text, [4, 2, 2]) {
        return Some((Date::new(year(y)?, part(m)?, part(d)?).ok()?, rest));
    }
    let ([m, d, y], rest) = three(text, [2, 2, 4])?;
    Some((Date::new(year(y)?, part(m)?, part(d)?).ok()?, rest))
}

/// A day and an hour with `-`, a blank or `T` between; what follows.
pub(in crate::source) fn stamp(text: &str) -> Option<(DateTime, &str)> {
    let (day, rest) = day(text)?;
    let (_, rest) = mark(rest, &['-', ' ', 'T'])?;
    let (hour, rest) = hour(rest, &['.', ','])?;
    Some((day.to_datetime(hour), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_stamp_is_read() {
        let told = |text| stamp(text).map(|(moment, rest)| (moment.to_string(), rest.to_owned()));
        let expected = |moment: &str| Some((moment.to_owned(), " [".to_owned()));
        assert_eq!(told("10/23/2003-12:27:40.173 ["), expected("2003-10-23T12:27:40.173"));
        assert_eq!(told("2023/06/22-18:55:06.496885100 ["), expected("2023-06-22T18:55:06.4968851"));
        assert_eq!(told("2026-09-11 09:48:55.100000000 ["), expected("2026-09-11T09:48:55.1"));
        assert_eq!(told("2026-09-11 09:48:55 ["), expected("2026-09-11T09:48:55"));
        for text in ["2026-13-11 09:48:55 [", "2026-09/11 09:48:55", "24:61:00", "", "10/23/2003", "ä0/23/2003-1"] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
