//! Times in the zone of the reader.

use jiff::tz::TimeZone;

use crate::event::Time;

/// Date and time to the second, with the offset where the zone is not UTC.
pub fn moment(zone: &TimeZone, time: Time) -> String {
    let offset = if *zone == TimeZone::UTC { "" } else { "%:z" };
    time.timestamp().to_zoned(zone.clone()).strftime(&format!("%Y-%m-%d %H:%M:%S{offset}")).to_string()
}

/// Date and time to the millisecond. Digits below are cut, not rounded, so that order shows.
pub fn instant(zone: &TimeZone, time: Time) -> String {
    format!("{} {}", date(zone, time), clock(zone, time))
}

/// Time of day to the millisecond.
pub fn clock(zone: &TimeZone, time: Time) -> String {
    let zoned = time.timestamp().to_zoned(zone.clone());
    format!("{}.{:03}", zoned.strftime("%H:%M:%S"), zoned.millisecond())
}

/// Date.
pub fn date(zone: &TimeZone, time: Time) -> String {
    time.timestamp().to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string()
}

/// Name of a zone.
pub fn name(zone: &TimeZone) -> String {
    if *zone == TimeZone::UTC {
        return "UTC".to_owned();
    }
    match (zone.iana_name(), zone.to_fixed_offset()) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(offset)) => format!("UTC{offset}"),
        _ => "local time".to_owned(),
    }
}

/// From and to, the date once where it is the same.
pub fn span(zone: &TimeZone, first: Option<Time>, last: Option<Time>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first == last => moment(zone, first),
        (Some(first), Some(last)) if date(zone, first) == date(zone, last) => {
            let (from, to) = (moment(zone, first), moment(zone, last));
            format!("{from} to {}", to.get(11..).unwrap_or(&to))
        }
        (Some(first), Some(last)) => format!("{} to {}", moment(zone, first), moment(zone, last)),
        (Some(one), None) | (None, Some(one)) => moment(zone, one),
        (None, None) => String::new(),
    }
}
