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
    /// From a `FILETIME`. Values past 9999-12-30T22:00:00Z (the last instant that calendars
    /// with every zone's offset can show) are cut to it.
    pub fn from_filetime(ticks: u64) -> Self {
        let last = (253_402_207_200 + UNIX_OFFSET_SECONDS) * TICKS_PER_SECOND;
        Time(i64::try_from(ticks).unwrap_or(last).min(last))
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
}

impl fmt::Display for Time {
    /// RFC 3339, UTC, always seven fraction digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zoned = self.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
        let (date, time) = (zoned.date(), zoned.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            self.0.rem_euclid(TICKS_PER_SECOND)
        )
    }
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
}
