//! The tokens of BinXML ([MS-EVEN6] 2.2.12 ff.), as places in a chunk: nothing is copied.
//! Offsets count from the start of the chunk, as the format's own do.

pub(super) use crate::source::bytes::{u16_at, u32_at, u64_at};

/// Why a stream could not be read further, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Offset in the chunk.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Bytes of the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub(super) struct Span {
    pub start: u32,
    pub len: u32,
}

impl Span {
    fn new(start: usize, len: usize) -> Self {
        Span { start: u32::try_from(start).unwrap_or(0), len: u32::try_from(len).unwrap_or(0) }
    }

    /// Those bytes; none where they lie outside.
    pub fn of(self, data: &[u8]) -> &[u8] {
        let start = self.start as usize;
        data.get(start..start + self.len as usize).unwrap_or_default()
    }
}

/// A typed value: of a substitution, or a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Item {
    /// Value type, [MS-EVEN6] 2.2.12 (0x80 set: an array).
    pub kind: u8,
    pub span: Span,
}

/// Use of a template: its definition, and the values to put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    /// Offset of the definition.
    pub definition: u32,
    /// Offset of the table of sizes and types.
    table: u32,
    /// Number of values.
    pub count: u32,
    /// Offset behind the last value.
    pub end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    End,
    /// `guard`: the substitution without which the element is left out, or [`NO_GUARD`].
    Open {
        name: Span,
        guard: u16,
    },
    CloseStart,
    CloseEmpty,
    CloseElement,
    Attribute(Span),
    Value(Item),
    Slot {
        slot: u16,
        optional: bool,
    },
    CharRef(u16),
    EntityRef(Span),
    Instance(Instance),
    /// Nothing that carries a value: fragment headers, processing instructions.
    Other,
}

/// An element that depends on no substitution.
pub(super) const NO_GUARD: u16 = 0xFFFF;
/// Length of a template definition's header.
pub(super) const DEFINITION_HEADER: usize = 24;
/// Units of the longest name that is read. Real ones have some thirty; where one has no end, each reference to it
/// would cost as much as the chunk.
const NAME: usize = 1 << 10;
/// Bytes before a name's text: link, hash, length.
pub(super) const NAME_HEADER: usize = 8;
/// A UTF-16 string.
pub(super) const STRING: u8 = 0x01;
/// Bytes, which are written as digits.
pub(super) const BINARY: u8 = 0x0E;
/// A BinXML stream as a value.
pub(super) const BINXML: u8 = 0x21;

/// Bytes of one value of a type with a fixed size.
pub(super) const fn fixed_size(kind: u8) -> Option<usize> {
    Some(match kind {
        0x00 => 0,
        0x03 | 0x04 => 1,
        0x05 | 0x06 => 2,
        0x07 | 0x08 | 0x0B | 0x0D | 0x14 => 4,
        0x09 | 0x0A | 0x0C | 0x11 | 0x15 => 8,
        0x0F | 0x12 => 16,
        _ => return None,
    })
}

/// Is a value of a table a fragment?
pub(super) fn holds_fragment(entries: &[[u8; 4]]) -> bool {
    entries.iter().fold(false, |any, entry| any | (entry[2] == BINXML))
}

/// Has each value of a table the size of its type, or none at all?
pub(super) fn all_fit(entries: &[[u8; 4]]) -> bool {
    entries.iter().fold(0, |any, entry| any | odd(entry[2], size(*entry))) == 0
}

/// Not 0 where a value has another size than its type. A product and a table, as it is asked for every value: 0 where
/// there is no value, where its type has no size, and where they are the same.
#[inline]
pub(super) fn odd(kind: u8, len: u32) -> u64 {
    let (len, size) = (u64::from(len), u64::from(SIZES[usize::from(kind)]));
    size * len * (len ^ size)
}

/// What an entry must be like for the value to fit its type as this one does: these bits of it, and their values.
pub(super) fn like([low, high, kind, _]: [u8; 4]) -> (u32, u32) {
    let mask = if SIZES[usize::from(kind)] == 0 { 0x00FF_0000 } else { 0x00FF_FFFF };
    (mask, u32::from_le_bytes([low, high, kind, 0]) & mask)
}

/// Bytes of a value by its type, 0 where they differ.
const SIZES: [u8; 256] = {
    let mut sizes = [0; 256];
    let mut kind = 0;
    while kind < sizes.len() {
        if let Some(size) = fixed_size(kind as u8) {
            sizes[kind] = size as u8;
        }
        kind += 1;
    }
    sizes
};

/// The body of the definition at `offset`, as a range of the chunk.
pub(super) fn definition(data: &[u8], offset: u32) -> Result<(usize, usize), Fault> {
    let at = offset as usize;
    let start = at + DEFINITION_HEADER;
    let size = u32_at(data, at + 20).ok_or(Fault { at, what: "template outside the chunk" })? as usize;
    let end = start.saturating_add(size);
    if end > data.len() {
        return Err(Fault { at, what: "template larger than the chunk" });
    }
    Ok((start, end))
}

/// Reads tokens between two offsets of a chunk.
pub(super) struct Tokens<'a> {
    data: &'a [u8],
    pub at: usize,
    end: usize,
    /// Definitions store a guard with each element; a record's own stream does not.
    guards: bool,
    /// Where the last name was referred to, and the name.
    pub name: Option<(usize, Span)>,
}

impl<'a> Tokens<'a> {
    pub fn new(data: &'a [u8], start: usize, end: usize, guards: bool) -> Self {
        Tokens { data, at: start, end: end.min(data.len()), guards, name: None }
    }

    fn cut(&self) -> Fault {
        Fault { at: self.at, what: "cut off" }
    }

    fn u8(&mut self) -> Result<u8, Fault> {
        let value = *self.data.get(self.at).ok_or_else(|| self.cut())?;
        self.at += 1;
        Ok(value)
    }

    fn u16(&mut self) -> Result<u16, Fault> {
        let value = u16_at(self.data, self.at).ok_or_else(|| self.cut())?;
        self.at += 2;
        Ok(value)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        let value = u32_at(self.data, self.at).ok_or_else(|| self.cut())?;
        self.at += 4;
        Ok(value)
    }

    fn take(&mut self, len: usize) -> Result<Span, Fault> {
        let end = self.at.saturating_add(len);
        if end > self.data.len() {
            return Err(self.cut());
        }
        let span = Span::new(self.at, len);
        self.at = end;
        Ok(span)
    }

    /// A name stands in the chunk's string table: link, hash, length, text, NUL. At its first
    /// use it stands right here and is stepped over.
    fn name(&mut self) -> Result<Span, Fault> {
        let at = self.at;
        let offset = self.u32()? as usize;
        let wrong = Fault { at, what: "name outside the chunk, or without an end" };
        let (name, length) = name_at(self.data, offset).ok_or(wrong)?;
        if offset == self.at {
            self.take(NAME_HEADER + length + 2)?;
        }
        self.name = Some((at, name));
        Ok(name)
    }

    fn counted_text(&mut self) -> Result<Span, Fault> {
        let len = usize::from(self.u16()?) * 2;
        self.take(len)
    }

    /// The next token; `End` at the end token and at the end of the range alike. Asked for so often that a call, and what
    /// it gives back in memory, take as long as the rest.
    #[inline(always)]
    pub fn next(&mut self) -> Result<Token, Fault> {
        if self.at >= self.end {
            return Ok(Token::End);
        }
        let token = self.u8()?;
        Ok(match token {
            0x00 => Token::End,
            0x01 | 0x41 => self.open(token & 0x40 != 0)?,
            0x02 => Token::CloseStart,
            0x03 => Token::CloseEmpty,
            0x04 => Token::CloseElement,
            0x05 | 0x45 => self.value()?,
            0x06 | 0x46 => Token::Attribute(self.name()?),
            0x07 | 0x47 => Token::Value(Item { kind: STRING, span: self.counted_text()? }),
            0x08 | 0x48 => Token::CharRef(self.u16()?),
            0x09 | 0x49 => Token::EntityRef(self.name()?),
            0x0A => {
                self.name()?;
                Token::Other
            }
            0x0B => {
                self.counted_text()?;
                Token::Other
            }
            0x0C => Token::Instance(self.instance()?),
            0x0D | 0x0E => {
                let slot = self.u16()?;
                self.u8()?;
                Token::Slot { slot, optional: token == 0x0E }
            }
            0x0F => {
                self.take(3)?;
                Token::Other
            }
            _ => return Err(Fault { at: self.at - 1, what: "unknown token" }),
        })
    }

    fn open(&mut self, attributes: bool) -> Result<Token, Fault> {
        let guard = if self.guards { self.u16()? } else { NO_GUARD };
        self.u32()?;
        let name = self.name()?;
        if attributes {
            self.u32()?;
        }
        Ok(Token::Open { name, guard })
    }

    fn value(&mut self) -> Result<Token, Fault> {
        let kind = self.u8()?;
        let span = match kind {
            STRING => self.counted_text()?,
            BINXML => {
                let len = usize::from(self.u16()?);
                self.take(len)?
            }
            0x13 => {
                let subs = *self.data.get(self.at + 1).ok_or_else(|| self.cut())?;
                self.take(8 + usize::from(subs) * 4)?
            }
            _ => match fixed_size(kind) {
                Some(size) => self.take(size)?,
                None => return Err(Fault { at: self.at - 1, what: "literal of an unknown type" }),
            },
        };
        Ok(Token::Value(Item { kind, span }))
    }

    /// Behind the token's byte.
    pub fn instance(&mut self) -> Result<Instance, Fault> {
        let instance = Head::at(self.data, self.at)?.instance(self.data)?;
        self.at = instance.end as usize;
        Ok(instance)
    }
}

/// Use of a template, but for where its values end.
#[derive(Clone, Copy)]
pub(super) struct Head {
    /// Offset of the definition.
    pub definition: u32,
    /// Offset of the table of sizes and types.
    table: u32,
    /// Number of values.
    count: u32,
}

impl Head {
    /// Behind the token's byte. The definition follows here at its first use.
    #[inline]
    fn at(data: &[u8], at: usize) -> Result<Self, Fault> {
        let cut = |at| Fault { at, what: "cut off" };
        // A byte and a number come before.
        let start = at.saturating_add(5);
        let offset = u32_at(data, start).ok_or(cut(start.min(data.len())))?;
        let mut counted = start + 4;
        if offset as usize == counted {
            (_, counted) = definition(data, offset)?;
        }
        let count = u32_at(data, counted).ok_or(cut(counted))?;
        Ok(Head { definition: offset, table: Span::new(counted + 4, 0).start, count })
    }

    /// Where the table of sizes and types starts, and where the values do.
    #[inline]
    pub fn places(&self) -> (usize, usize) {
        (self.table as usize, (self.table as usize).saturating_add((self.count as usize).saturating_mul(4)))
    }

    /// With the end that its sizes tell.
    #[inline]
    pub fn instance(self, data: &[u8]) -> Result<Instance, Fault> {
        let (table, values) = self.places();
        let entries = data.get(table..values).map(|table| table.as_chunks::<4>().0);
        let instance = entries.and_then(|entries| self.ending_at(data, values + sum_of_sizes(entries) as usize));
        instance.ok_or(Fault { at: table, what: "values outside the chunk" })
    }

    /// `None`: it ends outside the chunk.
    #[inline]
    pub fn ending_at(self, data: &[u8], end: usize) -> Option<Instance> {
        let Head { definition, table, count } = self;
        (end <= data.len()).then(|| Instance { definition, table, count, end: Span::new(end, 0).start })
    }
}

impl Instance {
    /// Where the table of sizes and types starts, and where the values do.
    #[inline]
    pub fn places(&self) -> (usize, usize) {
        (self.table as usize, self.table as usize + self.count as usize * 4)
    }

    /// Sizes and types.
    #[inline]
    pub fn entries<'a>(&self, data: &'a [u8]) -> &'a [[u8; 4]] {
        let (table, values) = self.places();
        data.get(table..values).unwrap_or_default().as_chunks::<4>().0
    }

    /// The values in order.
    #[inline]
    pub fn items<'a>(&self, data: &'a [u8]) -> impl Iterator<Item = Item> + 'a {
        let mut at = self.places().1 as u32;
        self.entries(data).iter().map(move |entry| {
            let len = size(*entry);
            let item = Item { kind: entry[2], span: Span { start: at, len } };
            at += len;
            item
        })
    }
}

/// Bytes of all values of a table: less than 2^30, as a chunk holds no larger table. Summed up several at a time, but for
/// one, which is what most often is left to sum up.
#[inline]
pub(super) fn sum_of_sizes(entries: &[[u8; 4]]) -> u32 {
    match entries {
        [] => 0,
        [one] => size(*one),
        many => many.iter().map(|entry| size(*entry)).sum(),
    }
}

/// Bytes of one value of a table.
#[inline]
pub(super) fn size(entry: [u8; 4]) -> u32 {
    u32::from_le_bytes(entry) & 0xFFFF
}

/// The use of a template of which a stream consists (behind a fragment header or not) or with which it begins; `None`
/// where it begins otherwise.
#[inline]
pub(super) fn leading_head(data: &[u8], start: usize, end: usize) -> Result<Option<Head>, Fault> {
    let at = match data.get(start..end) {
        Some([0x0F, _, _, _, 0x0C, ..]) => start + 5,
        Some([0x0C, ..]) => start + 1,
        _ => return Ok(None),
    };
    Head::at(data, at).map(Some)
}

/// As [`leading_head`], with its end.
#[inline]
pub(super) fn leading_instance(data: &[u8], start: usize, end: usize) -> Result<Option<Instance>, Fault> {
    leading_head(data, start, end)?.map(|head| head.instance(data)).transpose()
}

/// A name in the table of names, and the bytes of text that stand there. A NUL ends each and none holds one: the
/// name never goes beyond it, and where none stands behind the length that is told, that length is damaged.
pub(super) fn name_at(data: &[u8], offset: usize) -> Option<(Span, usize)> {
    let start = offset.checked_add(NAME_HEADER)?;
    let told = usize::from(u16_at(data, offset + 6)?);
    let (units, _) = data.get(start..)?.as_chunks::<2>();
    let text = units.get(..told).unwrap_or(units);
    let end = first_nul(text.get(..=NAME).unwrap_or(text));
    let length = if units.get(told) == Some(&[0, 0]) { told } else { end.unwrap_or(told) };
    // A damaged NUL leaves the length that is told.
    let name = units.get(..end.unwrap_or(told)).filter(|name| name.len() <= NAME)?;
    Some((Span::new(start, name.len() * 2), length * 2))
}

/// The first unit that is 0. Four are looked at together: asked for every name.
fn first_nul(text: &[[u8; 2]]) -> Option<usize> {
    const LOW: u64 = 0x0001_0001_0001_0001;
    const HIGH: u64 = 0x8000_8000_8000_8000;
    let (words, rest) = text.as_flattened().as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Borrowing sets bits behind the first unit that is 0 alone.
        let nul = word.wrapping_sub(LOW) & !word & HIGH;
        if nul != 0 {
            return Some(at * 4 + nul.trailing_zeros() as usize / 16);
        }
    }
    let behind = words.len() * 4;
    rest.as_chunks::<2>().0.iter().position(|unit| *unit == [0, 0]).map(|at| behind + at)
}

/// Is that the name of the element that starts at `at` of a record's own stream?
pub(super) fn element_is(data: &[u8], at: usize, name: &str) -> Option<bool> {
    let (found, _) = name_at(data, u32_at(data, at + 5)? as usize)?;
    Some(is(found.of(data), name))
}

/// Is this UTF-16 text that ASCII text?
pub(super) fn is(utf16: &[u8], ascii: &str) -> bool {
    let (units, _) = utf16.as_chunks::<2>();
    units.len() == ascii.len() && units.iter().zip(ascii.bytes()).all(|(unit, byte)| *unit == [byte, 0])
}

/// Does nothing follow offset `at` of a stream that ends at `end`?
pub(super) fn is_over(data: &[u8], at: usize, end: usize) -> bool {
    at >= end || data.get(at).is_none_or(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_unit_that_is_0() {
        for length in 0..20 {
            for nul in 0..=length {
                for other in [[1, 0], [0, 1], [0, 0x80], [0xFF, 0xFF]] {
                    let mut text = vec![other; length];
                    text.iter_mut().skip(nul).step_by(2).for_each(|unit| *unit = [0, 0]);
                    assert_eq!(first_nul(&text), (nul < length).then_some(nul), "{text:?}");
                }
            }
        }
    }
}
