//! Times as they are typed: an instant, a day, or so long before the newest record.
//!
//! Spans count back from the newest record, not from now: exported logs are old, and the
//! same files must give the same report tomorrow.

use jiff::civil;
use jiff::tz::TimeZone;
use whyrdp::event::{TICKS_PER_SECOND, Time};

/// A time as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// With its offset.
    At(Time),
    /// On the clock of the chosen zone.
    Local(civil::DateTime),
    /// A whole day in the chosen zone.
    Day(civil::Date),
    /// So many 100 ns steps before the newest record.
    Back(i64),
}

/// Reads a time.
pub fn parse(typed: &str) -> Result<Moment, String> {
    let typed = typed.trim();
    if let Some(time) = Time::parse(typed) {
        return Ok(Moment::At(time));
    }
    if typed.len() == 10
        && let Ok(day) = typed.parse()
    {
        return Ok(Moment::Day(day));
    }
    if let Ok(local) = typed.parse() {
        return Ok(Moment::Local(local));
    }
    span(typed).map(Moment::Back).map_err(|_| {
        format!("{typed:?} is no time: give RFC 3339 (2024-05-01T08:00:00Z), a date (2024-05-01), or a span (2h, 30d)")
    })
}

/// Reads `90s`, `15m`, `2h`, `1h30m`, `30d`, `2w` as 100 ns steps.
pub fn span(typed: &str) -> Result<i64, String> {
    let wrong = || format!("{typed:?} is no span: give a number and s, m, h, d or w, e.g. 15m or 1h30m");
    let mut rest = typed.trim();
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let seconds = match after.bytes().next() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3600,
            Some(b'd') => 86_400,
            Some(b'w') => 604_800,
            _ => return Err(wrong()),
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let ticks = number.checked_mul(seconds * TICKS_PER_SECOND).ok_or_else(wrong)?;
        total = total.checked_add(ticks).ok_or_else(wrong)?;
        rest = &after[1..];
    }
    if typed.trim().is_empty() { Err(wrong()) } else { Ok(total) }
}

impl Moment {
    /// First and last instant of what was typed. A span is not known without any record.
    pub fn bounds(self, zone: &TimeZone, newest: Option<Time>) -> Option<(Time, Time)> {
        match self {
            Moment::At(time) => Some((time, time)),
            Moment::Local(local) => instant(zone, local).map(|time| (time, time)),
            Moment::Day(day) => {
                let start = instant(zone, day.at(0, 0, 0, 0))?;
                let next = instant(zone, day.tomorrow().ok()?.at(0, 0, 0, 0))?;
                Some((start, next.plus(-1)))
            }
            Moment::Back(ticks) => newest.map(|newest| newest.plus(-ticks)).map(|time| (time, time)),
        }
    }
}

fn instant(zone: &TimeZone, local: civil::DateTime) -> Option<Time> {
    let stamp = zone.to_timestamp(local).ok()?;
    Time::from_unix(stamp.as_second(), i64::from(stamp.subsec_nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(typed: &str, zone: &TimeZone) -> (String, String) {
        let newest = Time::parse("2024-05-10T12:00:00Z");
        let (from, to) = parse(typed).unwrap().bounds(zone, newest).unwrap();
        (from.to_string(), to.to_string())
    }

    #[test]
    fn a_day_is_whole_in_the_chosen_zone() {
        let (from, to) = bounds("2024-05-01", &TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!((&*from, &*to), ("2024-04-30T22:00:00.0000000Z", "2024-05-01T21:59:59.9999999Z"));
    }

    #[test]
    fn spans_count_back_from_the_newest_record() {
        assert_eq!(bounds("2h", &TimeZone::UTC).0, "2024-05-10T10:00:00.0000000Z");
        assert_eq!(bounds("1d12h", &TimeZone::UTC).0, "2024-05-09T00:00:00.0000000Z");
        assert_eq!(parse("2h").unwrap().bounds(&TimeZone::UTC, None), None);
    }

    #[test]
    fn an_offset_wins_over_the_chosen_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(bounds("2024-05-01T08:00:00Z", &zone).0, "2024-05-01T08:00:00.0000000Z");
        assert_eq!(bounds("2024-05-01T08:00", &zone).0, "2024-05-01T06:00:00.0000000Z");
        assert_eq!(bounds("2024-05-01 08:00:30", &zone).0, "2024-05-01T06:00:30.0000000Z");
    }

    #[test]
    fn what_is_no_time() {
        for typed in ["", "yesterday", "2024-13-01", "2", "h", "5x", "99999999999999w", "-2h", "2024-05-01T25:00", "ä"]
        {
            assert!(parse(typed).is_err(), "{typed}");
        }
    }
}
