//! Spans of time as scenarios write them: `+1.25s`, `-3h`, `-1d2h`, `1m+200ms`.

use crate::error::Error;

/// Ticks of 100 ns in a second.
pub const SECOND: i64 = 10_000_000;

/// Reads a span into ticks of 100 ns. Parts add up; a sign holds until the next one; a plain
/// `0` needs no unit. Units: `d h m s ms us`.
///
/// # Errors
/// [`Error::Value`] when a part has no number or no known unit.
pub fn parse(text: &str) -> Result<i64, Error> {
    let bad = || Error::value("span", text);
    let mut rest = text.trim();
    let mut sign = 1.0;
    let mut total = 0.0;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix(['+', '-']) {
            sign = if rest.starts_with('-') { -1.0 } else { 1.0 };
            rest = tail.trim_start();
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| bad())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" => 1e-6,
            "" if number == 0.0 => 0.0,
            _ => return Err(bad()),
        };
        total += sign * number * unit * SECOND as f64;
        rest = rest[letters..].trim_start();
    }
    Ok(total.round() as i64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::parse;

    #[test]
    fn parts_add_up_and_signs_stay() {
        assert_eq!(parse("+1.25s").unwrap(), 12_500_000);
        assert_eq!(parse("-1h30m").unwrap(), -5_400 * 10_000_000);
        assert_eq!(parse("2s+18ms").unwrap(), 20_180_000);
        assert_eq!(parse("0").unwrap(), 0);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "5", "s", "5 parsecs", "+"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
