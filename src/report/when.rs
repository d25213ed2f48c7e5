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

/// A sentence whose times to the second, as RFC 3339 writes them in UTC, are told in the zone.
pub fn within(zone: &TimeZone, sentence: &str) -> String {
    let told = |word: &str| {
        let (time, rest) = word.split_at_checked("2026-03-04T08:35:00Z".len())?;
        let time = Time::parse(time).filter(|_| time.ends_with('Z'))?;
        Some(format!("{}{rest}", moment(zone, time)))
    };
    let words = sentence.split(' ').map(|word| told(word).unwrap_or_else(|| word.to_owned()));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_a_sentence_are_told_in_the_zone() {
        let says = "System covers only 2026-03-04T08:35:00Z to 2026-03-04T23:55:00Z; Äpfel are ten";
        assert_eq!(within(&TimeZone::UTC, says), says.replace('T', " ").replace('Z', ""));
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let told = "System covers only 2026-03-04 10:35:00+02:00 to 2026-03-05 01:55:00+02:00; Äpfel are ten";
        assert_eq!(within(&zone, says), told);
    }
}
