//! Points in time.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: 100-nanosecond steps since 1601-01-01T00:00:00Z, the unit of
/// Windows' `FILETIME` ([MS-DTYP] 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// Steps of a [`Time`] in one second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;
/// Seconds between 1601-01-01 and 1970-01-01.
const UNIX_OFFSET_SECONDS: i64 = 11_644_473_600;

impl Time {
    /// 9999-12-30T22:00:00Z, the last instant that calendars with every zone's offset can show.
    pub const LAST: Time = Time((253_402_207_200 + UNIX_OFFSET_SECONDS) * TICKS_PER_SECOND);

    /// From a `FILETIME`. Values past [`Time::LAST`] are cut to it.
    pub fn from_filetime(ticks: u64) -> Self {
        i64::try_from(ticks).map_or(Self::LAST, |ticks| Time(ticks).min(Self::LAST))
    }

    /// 100-nanosecond steps since 1601-01-01.
    pub fn ticks(self) -> i64 {
        self.0
    }

    /// This time moved by `ticks` (100 ns each), staying between 1601 and 9999.
    #[must_use]
    pub fn plus(self, ticks: i64) -> Self {
        Self::from_filetime(u64::try_from(self.0.saturating_add(ticks)).unwrap_or(0))
    }

    /// Steps of 100 ns from `earlier` to this time; negative if it is later.
    pub fn since(self, earlier: Time) -> i64 {
        self.0 - earlier.0
    }

    /// Reads RFC 3339 with any number of fraction digits; digits past the seventh are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.trim().parse().ok()?;
        Self::from_unix(stamp.as_second(), i64::from(stamp.subsec_nanosecond()))
    }

    /// From seconds and nanoseconds since 1970; `None` before 1601.
    pub fn from_unix(seconds: i64, nanoseconds: i64) -> Option<Self> {
        let ticks = seconds
            .checked_add(UNIX_OFFSET_SECONDS)?
            .checked_mul(TICKS_PER_SECOND)?
            .checked_add(nanoseconds.div_euclid(100))?;
        u64::try_from(ticks).ok().map(Self::from_filetime)
    }

    /// The same instant for calendar work.
    pub fn timestamp(self) -> jiff::Timestamp {
        let seconds = self.0.div_euclid(TICKS_PER_SECOND) - UNIX_OFFSET_SECONDS;
        let nanoseconds = self.0.rem_euclid(TICKS_PER_SECOND) * 100;
        // A Time never leaves the years 1601..9999, all of which jiff holds.
        jiff::Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or(0)).unwrap_or_default()
    }

    /// RFC 3339, UTC, always seven fraction digits, in ASCII.
    pub fn to_ascii(self) -> [u8; 28] {
        let mut text = *b"0000-00-00T00:00:00.0000000Z";
        let ticks = self.0.unsigned_abs();
        let (seconds, fraction) = (ticks / TICKS, ticks % TICKS);
        let (year, month, day) = civil(seconds / 86_400);
        let digits = [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, seconds / 3600 % 24),
            (14..16, seconds / 60 % 60),
            (17..19, seconds % 60),
            (20..27, fraction),
        ];
        for (place, mut value) in digits {
            for digit in text[place].iter_mut().rev() {
                *digit = b'0' + (value % 10) as u8;
                value /= 10;
            }
        }
        text
    }
}

impl fmt::Display for Time {
    /// As [`Time::to_ascii`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_ascii()).unwrap_or_default())
    }
}

const TICKS: u64 = TICKS_PER_SECOND.unsigned_abs();

/// Year, month and day, so many days after 1601-01-01: with that year begin four centuries of which the last alone
/// ends with a leap year.
fn civil(days: u64) -> (u64, u64, u64) {
    let (cycles, rest) = (days / 146_097, days % 146_097);
    let centuries = (rest / 36_524).min(3);
    let rest = rest - centuries * 36_524;
    let (fours, rest) = (rest / 1461, rest % 1461);
    let years = (rest / 365).min(3);
    let mut day = rest - years * 365;
    let leap = years == 3 && (fours < 24 || centuries == 3);
    let mut month = 1;
    for length in [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (1601 + cycles * 400 + centuries * 100 + fours * 4 + years, month, day + 1)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_keeps_seven_digits_both_ways() {
        let time = Time::parse("2020-09-19T03:21:46.5654321Z").unwrap();
        assert_eq!(time.to_string(), "2020-09-19T03:21:46.5654321Z");
        assert_eq!(Time::parse("2020-09-19T05:21:46.565432199+02:00").unwrap(), time);
        assert_eq!(Time::from_filetime(0).to_string(), "1601-01-01T00:00:00.0000000Z");
        assert_eq!(Time::from_filetime(u64::MAX).to_string(), "9999-12-30T22:00:00.0000000Z");
    }

    #[test]
    fn days_have_the_date_that_calendars_give_it() {
        let day = 86_400 * TICKS;
        for n in (0..(9999 - 1601) * 365).step_by(11) {
            let time = Time::from_filetime(n * day + n % 86_399 * TICKS + n % TICKS);
            let known = time.timestamp().to_zoned(jiff::tz::TimeZone::UTC).datetime();
            assert_eq!(time.to_string(), format!("{known:.7}Z"), "{n}");
        }
    }
}
