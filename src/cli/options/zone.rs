//! `--tz`: the zone in which times are told and typed.

use jiff::tz::{Offset, TimeZone};

/// No clock of the world is further from UTC.
const HOURS: i32 = 14;

/// Reads `UTC`, `local`, an offset, or an IANA name.
pub fn parse(typed: &str) -> Result<TimeZone, String> {
    match typed.to_ascii_lowercase().as_str() {
        "utc" | "z" => return Ok(TimeZone::UTC),
        "local" => return Ok(TimeZone::system()),
        _ => {}
    }
    if let Some(offset) = offset(typed) {
        return Ok(if offset == Offset::UTC { TimeZone::UTC } else { TimeZone::fixed(offset) });
    }
    TimeZone::get(typed).map_err(|_| {
        "no such time zone: give an IANA name such as Europe/Berlin, an offset such as +02:00, UTC or local".to_owned()
    })
}

/// `+02:00`, `-0330`, `+2`.
fn offset(typed: &str) -> Option<Offset> {
    let (sign, rest) = match typed.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 => rest.split_at_checked(2)?,
        None => (rest, "0"),
    };
    let number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i32>().ok())?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let real = minutes < 60 && hours <= HOURS && hours * 60 + minutes <= HOURS * 60;
    real.then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_names_and_nonsense() {
        assert_eq!(parse("utc").unwrap(), TimeZone::UTC);
        assert_eq!(parse("+00:00").unwrap(), TimeZone::UTC);
        for typed in ["+02:00", "+0200", "+2"] {
            assert_eq!(parse(typed).unwrap().to_fixed_offset().unwrap().seconds(), 7200);
        }
        assert_eq!(parse("-03:30").unwrap().to_fixed_offset().unwrap().seconds(), -12_600);
        for typed in ["", "+", "+2:99", "+14:01", "+25:59", "+99999999999", "Middle-earth/Shire", "+ä"] {
            assert!(parse(typed).is_err(), "{typed}");
        }
    }
}
