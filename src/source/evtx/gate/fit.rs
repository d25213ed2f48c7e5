//! Tells of a value that it shows no sign, by less than it takes to read it.

use crate::event::{Place, Sign, length_bit};
use crate::source::evtx::binxml::{BINARY, STRING};

/// How texts look that may show a sign.
#[derive(Clone, Copy, Default)]
pub(in crate::source::evtx) struct Fit {
    /// How many letters they have, as [`Sign::lengths`] tells.
    lengths: u64,
    /// What they begin with, as bits by the last six bits of a unit.
    firsts: u64,
}

impl Fit {
    pub fn of(sign: &Sign) -> Self {
        let firsts = sign.letters.iter().map(|(place, letters)| match (place, letters.as_bytes().first()) {
            (Place::Whole | Place::Start, Some(first)) => firsts(*first),
            _ => u64::MAX,
        });
        Fit { lengths: sign.lengths(), firsts: firsts.fold(0, |all, own| all | own) }
    }

    pub fn or(self, other: Fit) -> Self {
        Fit { lengths: self.lengths | other.lengths, firsts: self.firsts | other.firsts }
    }

    /// May a text in ASCII of so many letters be one of them?
    #[inline]
    pub fn has(self, letters: usize) -> bool {
        self.lengths & length_bit(letters) != 0
    }

    /// May the value of this type in these bytes be one of them?
    #[inline]
    pub fn may_be(self, kind: u8, bytes: &[u8]) -> bool {
        match kind {
            STRING => self.may_be_text(bytes),
            BINARY => self.has(bytes.len() * 2),
            _ => true,
        }
    }

    /// A text ends with the first NUL, and of no letter outside ASCII the lower case has several inside it.
    #[inline]
    pub fn may_be_text(self, bytes: &[u8]) -> bool {
        let (units, _) = bytes.as_chunks::<2>();
        if units.first().is_some_and(|[low, _]| self.firsts >> (low % 64) & 1 == 0) {
            return false;
        }
        let own = length_bit(units.len());
        let mut shorter = self.lengths & (own - 1);
        let mut fits = self.lengths & own != 0;
        while shorter != 0 && !fits {
            fits = units.get(shorter.trailing_zeros() as usize) == Some(&[0, 0]);
            shorter &= shorter - 1;
        }
        fits
    }
}

/// Units that have this letter as their lower case, or begin it with it.
fn firsts(letter: u8) -> u64 {
    let other = match letter.to_ascii_lowercase() {
        b'i' => 0x130,
        b'k' => 0x212A,
        _ => u16::from(letter),
    };
    let units = [letter.to_ascii_lowercase().into(), letter.to_ascii_uppercase().into(), other];
    units.into_iter().fold(0, |all, unit: u16| all | 1 << (unit % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_shows_a_sign_fits() {
        let letters = |c: char| char::to_lowercase(c).next().filter(char::is_ascii);
        for c in char::MIN..=char::MAX {
            let Some(letter) = letters(c).filter(|letter| *letter != '\0') else { continue };
            for (place, letters) in [(Place::Start, letter.to_string()), (Place::Whole, letter.to_string() + "b")] {
                let fit = Fit::of(&Sign { field: String::new(), letters: vec![(place, letters)] });
                let text: Vec<u8> = [c, 'b'].iter().flat_map(|c| (*c as u16).to_le_bytes()).collect();
                assert!(fit.may_be_text(&text) && fit.may_be_text(&[&text[..], &[0, 0, 1, 0]].concat()), "{c}");
                assert!(!fit.may_be_text(&[letter as u8 ^ 0x10, 0, b'b', 0]) && !fit.may_be_text(&[]), "{c}");
            }
        }
    }

    #[test]
    fn an_empty_text_fits_what_asks_for_nothing() {
        for place in [Place::Whole, Place::Start, Place::End, Place::Inside] {
            let fit = Fit::of(&Sign { field: String::new(), letters: vec![(place, String::new())] });
            assert!(fit.has(0) && fit.may_be_text(&[]) && fit.may_be_text(&[0, 0, b'x', 0]));
            assert_eq!(fit.may_be_text(b"x\0"), place != Place::Whole);
        }
    }
}
