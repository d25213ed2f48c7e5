//! Windows file times: 100 ns ticks since 1601-01-01 UTC.

use jiff::Timestamp;

/// Seconds between 1601 and 1970.
const EPOCH_GAP: i64 = 11_644_473_600;

/// Ticks of a point in time; times before 1601 become 0.
#[must_use]
pub fn ticks(time: Timestamp) -> u64 {
    let ticks = (time.as_nanosecond() / 100) + i128::from(EPOCH_GAP) * 10_000_000;
    u64::try_from(ticks).unwrap_or(0)
}

/// RFC 3339 in UTC with all seven digits; ticks past jiff's range give the Unix epoch.
#[must_use]
pub fn rfc3339(ticks: u64) -> String {
    let seconds = (ticks / 10_000_000) as i64 - EPOCH_GAP;
    let whole = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{}.{:07}Z", whole.strftime("%Y-%m-%dT%H:%M:%S"), ticks % 10_000_000)
}
