//! What whoever hands files in knows of them, and the files do not say.

use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::tmf::Messages;
use crate::event::Time;

/// Facts beside the files.
#[derive(Clone, Debug, Default)]
pub struct Aids {
    /// Zone of times that name none; UTC where it is not told.
    pub zone: Option<TimeZone>,
    /// Day of the first line of a log that tells hours alone.
    pub day: Option<Date>,
    /// How to read WPP messages.
    pub messages: Arc<Messages>,
}

impl Aids {
    /// The moment of a local time. One that the clocks passed twice is the earlier.
    pub(super) fn moment(&self, local: DateTime) -> Option<Time> {
        let stamp = match &self.zone {
            Some(zone) => zone.to_timestamp(local),
            None => TimeZone::UTC.to_timestamp(local),
        };
        let stamp = stamp.ok()?;
        Time::from_unix(stamp.as_second(), i64::from(stamp.subsec_nanosecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_of_the_zone_that_was_told_else_utc() {
        let local = jiff::civil::date(2024, 7, 1).at(10, 0, 0, 5_000_000);
        let told = |zone| Aids { zone, ..Aids::default() }.moment(local).unwrap().to_string();
        assert_eq!(told(None), "2024-07-01T10:00:00.0050000Z");
        assert_eq!(told(TimeZone::get("Europe/Berlin").ok()), "2024-07-01T08:00:00.0050000Z");
    }
}
