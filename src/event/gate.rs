//! By which few values it can be told that no signature matches a record, before anything else of it is read.

use serde::{Deserialize, Serialize};

/// Which records a signature may match, by some of their values. Plain data, so that sources need not know signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What values may show, at most [`Gate::MOST`].
    pub signs: Vec<Sign>,
    /// Any of these lets a record through.
    pub ways: Vec<Way>,
}

impl Gate {
    /// Most signs.
    pub const MOST: usize = u32::BITS as usize;

    /// How many ways ask for that sign.
    pub fn asks_for(&self, sign: usize) -> usize {
        self.ways.iter().filter(|way| way.with >> sign & 1 == 1).count()
    }

    /// Signs that may still matter to a record of which these were seen so far, and of those that are settled no more
    /// will be. `None`: nothing will let it through.
    #[inline]
    pub fn asks(&self, seen: Seen, settled: u32) -> Option<u32> {
        let is_shut = |way: &Way| way.with & settled & !seen.maybe != 0 || way.without & seen.surely != 0;
        let open = self.ways.iter().filter(|way| !is_shut(way));
        open.map(|way| way.with | way.without).reduce(|asked, own| asked | own)
    }

    /// Is a record let through of which these signs were seen?
    pub fn lets_through(&self, seen: Seen) -> bool {
        let holds = |way: &Way| way.with & seen.maybe == way.with && way.without & seen.surely == 0;
        self.ways.iter().any(holds)
    }
}

/// What must be seen, and what must not, as bits by the number of the sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Way {
    /// Each must be shown by some value.
    pub with: u32,
    /// No value may show any of them.
    pub without: u32,
}

/// Signs that some value shows, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Those that may be shown.
    pub maybe: u32,
    /// Those that are shown for sure.
    pub surely: u32,
}

impl Seen {
    /// Adds what a value shows of a sign. `ascii`: it is all in ASCII.
    #[inline]
    pub fn look(&mut self, number: usize, sign: &Sign, value: &[u8], ascii: bool) {
        self.add(number, sign.is_shown(value), ascii, value.is_empty());
    }

    /// Adds what bytes show of a sign that are written as digits.
    #[inline]
    pub fn look_at_bytes(&mut self, number: usize, sign: &Sign, bytes: &[u8]) {
        let shown = sign.letters.iter().any(|(place, letters)| place.hold_digits(bytes, letters.as_bytes()));
        self.add(number, shown, true, bytes.is_empty());
    }

    #[inline]
    fn add(&mut self, number: usize, shown: bool, ascii: bool, empty: bool) {
        // There are letters outside ASCII that have some inside it as their lower case.
        let maybe = shown || !ascii;
        // A field without a value may be left out.
        self.surely |= u32::from(shown && !empty) << number;
        self.maybe |= u32::from(maybe) << number;
    }
}

/// Letters in the values of a field, whatever their case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sign {
    /// Name of the field.
    pub field: String,
    /// Any of these, all in ASCII.
    pub letters: Vec<(Place, String)>,
}

impl Sign {
    /// Does a value in ASCII show it?
    #[inline]
    pub fn is_shown(&self, value: &[u8]) -> bool {
        self.letters.iter().any(|(place, letters)| place.hold(value, letters.as_bytes()))
    }

    /// How many letters a value in ASCII has that may show it, as bits; the last stands for all from there on. Most values
    /// are told by that alone.
    pub fn lengths(&self) -> u64 {
        let lengths = self.letters.iter().map(|(place, letters)| match place {
            Place::Whole => length_bit(letters.len()),
            // That many, or more.
            Place::Start | Place::End | Place::Inside => length_bit(letters.len()).wrapping_neg(),
        });
        lengths.fold(0, |all, own| all | own)
    }
}

/// A number of letters as a bit.
#[inline]
pub fn length_bit(letters: usize) -> u64 {
    1 << letters.min(63)
}

/// Where in a text letters stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// They are all of it.
    Whole,
    /// It starts with them.
    Start,
    /// It ends with them.
    End,
    /// Anywhere.
    Inside,
}

impl Place {
    /// Do these letters of ASCII stand there, whatever their case?
    #[inline]
    pub fn hold(self, text: &[u8], letters: &[u8]) -> bool {
        let same = |part: Option<&[u8]>| part.is_some_and(|part| part.eq_ignore_ascii_case(letters));
        match self {
            Place::Whole => text.eq_ignore_ascii_case(letters),
            Place::Start => same(text.get(..letters.len())),
            Place::End => same(text.len().checked_sub(letters.len()).and_then(|start| text.get(start..))),
            Place::Inside => match letters.first() {
                None => true,
                Some(first) => {
                    let mut starts = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text);
                    starts.any(|start| same(text.get(start..start + letters.len())))
                }
            },
        }
    }

    /// As [`Place::hold`], of bytes that are written as digits.
    #[inline]
    pub fn hold_digits(self, bytes: &[u8], letters: &[u8]) -> bool {
        let Some(room) = (bytes.len() * 2).checked_sub(letters.len()) else { return false };
        let same = |start: usize| {
            (start..).zip(letters).all(|(at, letter)| digit(bytes, at) == Some(letter.to_ascii_lowercase()))
        };
        match self {
            Place::Whole => room == 0 && same(0),
            Place::Start => same(0),
            Place::End => same(room),
            Place::Inside => (0..=room).any(same),
        }
    }
}

/// The digit of that number in bytes that are written so, two for each.
#[inline]
fn digit(bytes: &[u8], at: usize) -> Option<u8> {
    let byte = bytes.get(at / 2)?;
    b"0123456789abcdef".get(usize::from(byte >> (4 * (1 - at % 2)) & 0xF)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_show_what_their_digits_would() {
        let letters = ["", "0", "a", "0A", "a0b", "0a0B0c", "A0b0C", "0a0b0c0", "g", "0a "];
        for place in [Place::Whole, Place::Start, Place::End, Place::Inside] {
            for bytes in [&[][..], &[0x0A], &[0xA0], &[0x0A, 0x0B, 0x0C], &[0xA0, 0xB0]] {
                let text: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                for letters in letters.map(str::as_bytes) {
                    let holds = place.hold(text.as_bytes(), letters);
                    assert_eq!(place.hold_digits(bytes, letters), holds, "{place:?} {text} {letters:?}");
                }
            }
        }
    }

    #[test]
    fn a_way_is_open_where_all_is_seen_and_nothing_that_must_not_be() {
        let sign = |place, letters: &str| Sign { field: String::new(), letters: vec![(place, letters.to_owned())] };
        let mut signs = vec![sign(Place::Whole, "3"), sign(Place::End, "$")];
        signs[1].letters.push((Place::Whole, String::new()));
        let gate = Gate { signs, ways: vec![Way { with: 1, without: 2 }] };
        let through = |values: [&str; 2]| {
            let mut seen = Seen::default();
            let look = |at: usize| seen.look(at, &gate.signs[at], values[at].as_bytes(), values[at].is_ascii());
            (0..2).for_each(look);
            assert_eq!(gate.asks(seen, u32::MAX).is_some(), gate.lets_through(seen));
            gate.lets_through(seen)
        };
        assert!(through(["3", "ann"]) && through(["3", "ann\u{212a}"]) && through(["3", ""]));
        assert!(!through(["3", "SRV01$"]) && !through(["10", "ann"]) && !through(["3", "é$"]));
        assert!(through(["\u{212a}", "ann"]), "may be anything");
    }

    #[test]
    fn values_of_another_length_show_nothing() {
        for place in [Place::Whole, Place::Start, Place::End, Place::Inside] {
            for letters in [0, 1, 5, 62, 63, 64, 80].map(|letters| "a".repeat(letters)) {
                let sign = Sign { field: String::new(), letters: vec![(place, letters.clone())] };
                for value in (0..100).map(|letters| "a".repeat(letters)) {
                    let may = sign.lengths() & length_bit(value.len()) != 0;
                    let holds = place.hold(value.as_bytes(), letters.as_bytes());
                    let told = value.len().min(letters.len()) < 63;
                    assert!(may == holds || (may && !told), "{place:?} {} {}", letters.len(), value.len());
                }
            }
        }
    }

    #[test]
    fn a_gate_is_shut_by_what_is_settled_alone() {
        let ways = vec![Way { with: 0b001, without: 0b100 }, Way { with: 0b011, without: 0 }];
        let gate = Gate { signs: Vec::new(), ways };
        let seen = |maybe, surely| Seen { maybe, surely };
        assert_eq!((gate.asks_for(0), gate.asks_for(1), gate.asks_for(2)), (2, 1, 0));
        assert_eq!(gate.asks(seen(0, 0), 0), Some(0b111), "anything may come");
        assert_eq!(gate.asks(seen(0, 0), 0b001), None, "both ask for it, and it will not come");
        assert_eq!(gate.asks(seen(0b001, 0), 0b001), Some(0b111));
        assert_eq!(gate.asks(seen(0b001, 0), 0b011), Some(0b101), "the first way is open");
        assert_eq!(gate.asks(seen(0b101, 0b100), 0b001), Some(0b011), "the second is");
        assert_eq!(gate.asks(seen(0b101, 0b100), 0b111), None);
    }
}
