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
        // Less than a second is none to a reader.
        (Some(first), Some(last)) if moment(zone, first) == moment(zone, last) => moment(zone, first),
        (Some(first), Some(last)) if date(zone, first) == date(zone, last) => {
            let (from, to) = (moment(zone, first), moment(zone, last));
            format!("{from} to {}", to.get(11..).unwrap_or(&to))
        }
        (Some(first), Some(last)) => format!("{} to {}", moment(zone, first), moment(zone, last)),
        (Some(one), None) | (None, Some(one)) => moment(zone, one),
        (None, None) => String::new(),
    }
}

/// A sentence whose times to the second, as RFC 3339 writes them in UTC, are told in the zone; of a span the date once
/// where it is the same.
pub fn within(zone: &TimeZone, sentence: &str) -> String {
    let read = |word: &str| {
        let (time, _) = word.split_at_checked(WRITTEN)?;
        Time::parse(time).filter(|_| time.ends_with('Z'))
    };
    let words: Vec<&str> = sentence.split(' ').collect();
    let told = words.iter().enumerate().map(|(at, word)| {
        let Some(time) = read(word) else { return (*word).to_owned() };
        let (told, rest) = (moment(zone, time), &word[WRITTEN..]);
        let first = at.checked_sub(2).filter(|first| words[first + 1] == "to").and_then(|first| read(words[first]));
        let again = first.is_some_and(|first| date(zone, first) == date(zone, time));
        format!("{}{rest}", if again { &told[DATE..] } else { &told })
    });
    told.collect::<Vec<_>>().join(" ")
}

/// Bytes of a time to the second in RFC 3339, and of a date with the blank behind it.
const WRITTEN: usize = "2026-03-04T08:35:00Z".len();
const DATE: usize = "2026-03-04 ".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_within_a_second_is_a_moment() {
        let (first, last) = (Time::parse("2026-03-04T08:15:05.1Z"), Time::parse("2026-03-04T08:15:05.9Z"));
        assert_eq!(span(&TimeZone::UTC, first, last), "2026-03-04 08:15:05");
    }

    #[test]
    fn times_in_a_sentence_are_told_in_the_zone() {
        let says = "System covers only 2026-03-04T08:35:00Z to 2026-03-04T23:55:00Z; Äpfel are ten";
        let told = "System covers only 2026-03-04 08:35:00 to 23:55:00; Äpfel are ten";
        assert_eq!(within(&TimeZone::UTC, says), told);
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let told = "System covers only 2026-03-04 10:35:00+02:00 to 2026-03-05 01:55:00+02:00; Äpfel are ten";
        assert_eq!(within(&zone, says), told);
    }
}
