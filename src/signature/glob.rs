//! Wildcard patterns against text, letter by letter, in time of at most pattern times text.

use super::definition::Glob;
use crate::event::Place;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    units: Vec<Unit>,
    cased: bool,
    /// Most are plain enough to be compared at once.
    plain: Option<(Place, Box<str>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Letter(char),
    Any,
    One,
}

impl Matcher {
    pub(super) fn new(glob: &[Glob], cased: bool) -> Self {
        let mut units = Vec::new();
        for piece in glob {
            match piece {
                Glob::Literal(text) => {
                    units.extend(text.chars().map(|letter| Unit::Letter(if cased { letter } else { fold(letter) })));
                }
                Glob::One => units.push(Unit::One),
                Glob::Any if units.last() == Some(&Unit::Any) => {}
                Glob::Any => units.push(Unit::Any),
            }
        }
        let plain = plain(glob).map(|(place, text)| (place, text.into()));
        Matcher { units, cased, plain }
    }

    /// What a text must be, whatever its case, if that is all. In ASCII.
    pub(super) fn value(&self) -> Option<&str> {
        match &self.plain {
            Some((Place::Whole, letters)) if !self.cased && letters.is_ascii() => Some(letters),
            _ => None,
        }
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        match &self.plain {
            Some((place, letters)) if self.cased => holds(*place, text, letters),
            // Letters outside ASCII may have some inside it as their lower case.
            Some((place, letters)) if letters.is_ascii() => {
                place.hold(text.as_bytes(), letters.as_bytes()) || (!text.is_ascii() && self.fits_by_letters(text))
            }
            _ => self.fits_by_letters(text),
        }
    }

    /// Goes back to the last `*` only: an earlier one can never do better.
    fn fits_by_letters(&self, text: &str) -> bool {
        let mut at = 0;
        let mut left = text.chars();
        let mut retry = None;
        loop {
            let here = left.clone();
            let fits = match (self.units.get(at), left.next()) {
                (Some(Unit::Any), _) => {
                    at += 1;
                    left = here.clone();
                    retry = Some((at, here));
                    continue;
                }
                (Some(Unit::One), Some(_)) => true,
                (Some(Unit::Letter(wanted)), Some(letter)) => {
                    *wanted == letter || (!self.cased && *wanted == fold(letter))
                }
                (None, None) => return true,
                _ => false,
            };
            if fits {
                at += 1;
                continue;
            }
            // The last `*` takes one letter more, if there is one.
            let Some((after, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            at = *after;
            left = from.clone();
        }
    }
}

/// Where letters must stand in a text, and which, if that is all that the pattern asks for.
pub(super) fn plain(glob: &[Glob]) -> Option<(Place, &str)> {
    match glob {
        [] => Some((Place::Whole, "")),
        [Glob::Literal(text)] => Some((Place::Whole, text)),
        [Glob::Literal(text), Glob::Any] => Some((Place::Start, text)),
        [Glob::Any, Glob::Literal(text)] => Some((Place::End, text)),
        [Glob::Any, Glob::Literal(text), Glob::Any] => Some((Place::Inside, text)),
        _ => None,
    }
}

fn holds(place: Place, text: &str, letters: &str) -> bool {
    match place {
        Place::Whole => text == letters,
        Place::Start => text.starts_with(letters),
        Place::End => text.ends_with(letters),
        Place::Inside => text.contains(letters),
    }
}

/// A letter without its case; letters whose lower case is several letters stay.
pub(super) fn fold(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => letter,
    }
}

/// Equal but for the case of letters.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.chars().map(fold).eq(b.chars().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(pattern: &[Glob], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((Glob::Any, rest)) => (0..=text.len()).any(|n| naive(rest, &text[n..])),
            Some((Glob::One, rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((Glob::Literal(literal), rest)) => {
                let letters: Vec<char> = literal.chars().collect();
                text.len() >= letters.len()
                    && letters.iter().zip(text).all(|(a, b)| fold(*a) == fold(*b))
                    && naive(rest, &text[letters.len()..])
            }
        }
    }

    fn pieces() -> impl Strategy<Value = Vec<Glob>> {
        let piece = prop_oneof!["[aBé]{1,2}".prop_map(Glob::Literal), Just(Glob::Any), Just(Glob::One)];
        proptest::collection::vec(piece, 0..7)
    }

    proptest! {
        #[test]
        fn fits_as_a_plain_matcher_says(pattern in pieces(), text in "[abAÉ]{0,9}") {
            let letters: Vec<char> = text.chars().collect();
            prop_assert_eq!(Matcher::new(&pattern, false).fits(&text), naive(&pattern, &letters));
        }
    }

    #[test]
    fn what_is_compared_at_once_fits_as_letter_by_letter() {
        let texts =
            ["", "k", "K", "\u{212a}", "ak", "kelvin", "x\u{212a}elvin", "\u{212a}ELVIN scale", "KELVI", "kkelvink"];
        for letters in ["", "k", "Kelvin", "elvin", "é"] {
            let any = || Glob::Any;
            let text = || Glob::Literal(letters.to_owned());
            for glob in [vec![text()], vec![text(), any()], vec![any(), text()], vec![any(), text(), any()]] {
                for cased in [false, true] {
                    let matcher = Matcher::new(&glob, cased);
                    for text in texts {
                        assert_eq!(matcher.fits(text), matcher.fits_by_letters(text), "{glob:?} {cased} {text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn case_counts_only_where_it_should() {
        let glob = [Glob::Literal("Größe".into())];
        assert!(Matcher::new(&glob, false).fits("GRÖßE"));
        assert!(!Matcher::new(&glob, true).fits("größe"));
        assert!(Matcher::new(&glob, true).fits("Größe"));
    }

    #[test]
    fn many_stars_end_soon() {
        let glob: Vec<Glob> = (0..200).flat_map(|_| [Glob::Any, Glob::Literal("a".into())]).collect();
        assert!(!Matcher::new(&glob, false).fits(&format!("{}b", "a".repeat(4096))));
    }
}
