//! Passes over data without a template for their texts alone, whatever they are called: of most, no text is any that is
//! asked for.

use super::super::binxml::{self, NAME_HEADER, STRING};
use super::super::compile::DEPTH;
use super::super::fields::Want;
use super::super::gate::{Fit, Texts, gates};
use crate::event::{Gate, Sign};

/// What texts a want asks for: without any of them, every gate is shut.
#[derive(Default)]
pub(super) struct Asked {
    /// By the number of the gate, which of its signs, as bits.
    signs: Vec<(usize, u32)>,
    /// How texts look that may show one of these.
    fit: Fit,
    /// A gate may be open without any, or by an empty text.
    vain: bool,
}

impl Asked {
    pub fn of(want: &Want<'_>) -> Self {
        let mut asked = Asked::default();
        for (at, gate) in gates(want) {
            let signs = deciding(gate);
            let own = chosen(gate, signs.unwrap_or_default());
            asked.fit = own.map(Fit::of).fold(asked.fit, Fit::or);
            asked.vain |= signs.is_none();
            asked.signs.push((at, signs.unwrap_or_default()));
        }
        asked.vain |= asked.fit.has(0);
        asked
    }

    /// Does a text in these bytes show a sign?
    #[inline]
    fn is_shown(&self, bytes: &[u8], texts: &mut Texts, want: &Want<'_>) -> bool {
        self.fit.may_be_text(bytes) && self.shows(bytes, texts, want)
    }

    fn shows(&self, bytes: &[u8], texts: &mut Texts, want: &Want<'_>) -> bool {
        texts.read(STRING, bytes);
        let (text, ascii) = texts.letters();
        let gates = self.signs.iter().filter_map(|(at, signs)| Some((want.gate(*at)?, *signs)));
        !ascii || gates.flat_map(|(gate, signs)| chosen(gate, signs)).any(|sign| sign.is_shown(text))
    }
}

/// Signs of which each way asks for one, as bits: those that most ask for. `None`: a way asks for none.
fn deciding(gate: &Gate) -> Option<u32> {
    let mut signs = 0;
    while let Some(way) = gate.ways.iter().find(|way| way.with & signs == 0) {
        let own = (0..Gate::MOST).filter(|sign| way.with >> sign & 1 == 1);
        signs |= 1 << own.max_by_key(|sign| gate.asks_for(*sign))?;
    }
    Some(signs)
}

fn chosen(gate: &Gate, signs: u32) -> impl Iterator<Item = &Sign> {
    gate.signs.iter().enumerate().filter(move |(at, _)| signs >> at & 1 == 1).map(|(_, sign)| sign)
}

/// Are all gates shut, whatever the texts are called? Data that are not as simple as nearly all, or broken, are looked
/// at more closely.
pub(super) fn is_shut(
    data: &[u8],
    (start, end): (usize, usize),
    asked: &Asked,
    texts: &mut Texts,
    want: &Want<'_>,
) -> bool {
    let mut is_shown = |bytes: &[u8]| asked.is_shown(bytes, texts, want);
    !asked.vain && shows_nothing(data, (start, end), &mut is_shown).is_some()
}

/// `None`: a text shows something, is put together of several, or nothing is told of how it reads.
fn shows_nothing(data: &[u8], (start, end): (usize, usize), is_shown: &mut impl FnMut(&[u8]) -> bool) -> Option<()> {
    let data = data.get(..end)?;
    let mut rest = data.get(start..)?;
    if let [0x0F, _, _, _, behind @ ..] = rest {
        rest = behind;
    }
    let mut depth = 0_usize;
    loop {
        rest = match rest {
            [] | [0x00, ..] => break,
            [0x04, behind @ ..] => {
                depth = depth.checked_sub(1)?;
                behind
            }
            [token @ (0x01 | 0x41), _, _, _, _, behind @ ..] => {
                let mut behind = behind_name(data, behind)?;
                if *token == 0x41 {
                    behind = behind.get(4..)?;
                }
                while let [0x06 | 0x46, name @ ..] = behind {
                    behind = behind_text(behind_name(data, name)?, is_shown)?;
                }
                match behind {
                    [0x03, behind @ ..] => behind,
                    [0x02, content @ ..] => {
                        depth += 1;
                        if depth > DEPTH {
                            return None;
                        }
                        // Text behind this one, or behind a child, is not passed over: the text of a field is one.
                        behind_text(content, is_shown)?
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    (depth == 0).then_some(())
}

/// What follows the name that is referred to here: at its first use it stands right behind.
#[inline]
fn behind_name<'a>(data: &[u8], reference: &'a [u8]) -> Option<&'a [u8]> {
    let (offset, behind) = reference.split_first_chunk::<4>()?;
    let at = data.len() - behind.len();
    if u32::from_le_bytes(*offset) as usize != at {
        return Some(behind);
    }
    let (_, bytes) = binxml::name_at(data, at)?;
    behind.get(NAME_HEADER + bytes + 2..)
}

/// What follows a text, if there is one.
#[inline(always)]
fn behind_text<'a>(rest: &'a [u8], is_shown: &mut impl FnMut(&[u8]) -> bool) -> Option<&'a [u8]> {
    let [0x05 | 0x45, STRING, low, high, behind @ ..] = rest else { return Some(rest) };
    let (text, behind) = behind.split_at_checked(usize::from(u16::from_le_bytes([*low, *high])) * 2)?;
    (!is_shown(text)).then_some(behind)
}
