//! What is known of the uses of a template that were looked at before: most are like one of them.

use crate::source::evtx::binxml;

/// Uses whose gates were shut that are known again, of one kind. More are looked at anew.
const ALIKE: usize = 4;
/// Kinds of uses that are told apart, by the value that decides most.
const KINDS: usize = 64;
/// So many more uses kept than known again, and no more are: their values are never the same.
const VAIN: u32 = 256;
/// Bytes of the values of one of them: most are shut by a number or a name or two.
const BYTES: usize = 128;

/// What tables and values were like.
#[derive(Default)]
pub(super) struct Uses {
    /// Of a table that was found sound, bits of each entry, and their values.
    mask: Vec<u32>,
    bits: Vec<u32>,
    /// By some bits of the value that decides most.
    shut: Vec<Kind>,
    /// The slot of that value.
    decides: usize,
    /// Uses that were kept more often than they were known again.
    vain: u32,
}

/// Uses that are alike in some bits of one value.
#[derive(Default)]
struct Kind {
    shut: Vec<Shut>,
    /// Which of them is given up next.
    next: usize,
}

/// Values by which all gates were shut.
struct Shut {
    /// Size and type of the first, which decides most.
    first: [u8; 4],
    /// The slots of the others, with size and type.
    others: Vec<(usize, [u8; 4])>,
    /// One after the other.
    values: Vec<u8>,
}

impl Uses {
    /// Does every value fit its type, and is none a fragment? And how many bytes do all take? Most uses of a template are
    /// alike in the first.
    #[inline]
    pub fn measure(&mut self, entries: &[[u8; 4]]) -> (bool, u32) {
        if self.mask.len() == entries.len() {
            let wanted = self.mask.iter().zip(&self.bits);
            let (odd, bytes) = entries.iter().zip(wanted).fold((0, 0), |(odd, bytes), (entry, (mask, bits))| {
                (odd | (u32::from_le_bytes(*entry) & mask) ^ bits, bytes + binxml::size(*entry))
            });
            return (odd == 0 || self.is_sound(entries), bytes);
        }
        (self.is_sound(entries), binxml::sum_of_sizes(entries))
    }

    /// Does every value fit its type, and is none a fragment? If so, others are held against this table.
    #[cold]
    fn is_sound(&mut self, entries: &[[u8; 4]]) -> bool {
        let sound = !binxml::holds_fragment(entries) && binxml::all_fit(entries);
        if sound {
            (self.mask, self.bits) = entries.iter().map(|entry| binxml::like(*entry)).unzip();
        }
        sound
    }

    /// Uses that are known again.
    pub fn kept(&self) -> usize {
        self.shut.iter().map(|kind| kind.shut.len()).sum()
    }

    /// Were all gates shut by such values? `values`: those of a sound table.
    #[inline]
    pub fn are_known_shut(&mut self, entries: &[[u8; 4]], values: &[u8]) -> bool {
        if self.shut.is_empty() {
            return false;
        }
        let Some(first) = value(entries, values, self.decides) else { return false };
        let kind = self.shut.get(kind(first.1));
        let known = kind.is_some_and(|kind| kind.shut.iter().any(|shut| shut.is(entries, values, first)));
        self.vain = self.vain.saturating_sub(u32::from(known));
        known
    }

    /// All gates are shut by the values of these slots.
    #[cold]
    pub fn keep_shut(&mut self, slots: impl Iterator<Item = usize>, entries: &[[u8; 4]], values: &[u8]) {
        self.vain = self.vain.saturating_add(1);
        if self.vain > VAIN {
            self.shut.clear();
            return;
        }
        let mut slots = slots.filter_map(|slot| Some((slot, value(entries, values, slot)?)));
        let Some((decides, (first, bytes))) = slots.next() else { return };
        let mut shut = Shut { first, others: Vec::new(), values: bytes.to_vec() };
        let mut last = decides;
        for (slot, (entry, bytes)) in slots {
            if slot != last {
                shut.others.push((slot, entry));
                shut.values.extend_from_slice(bytes);
                last = slot;
            }
        }
        if shut.values.len() > BYTES {
            return;
        }
        self.decides = decides;
        self.shut.resize_with(KINDS, Kind::default);
        let Some(Kind { shut: known, next }) = self.shut.get_mut(kind(bytes)) else { return };
        match known.get_mut(*next) {
            Some(old) => *old = shut,
            None => known.push(shut),
        }
        *next = (*next + 1) % ALIKE;
    }
}

impl Shut {
    #[inline]
    fn is(&self, entries: &[[u8; 4]], values: &[u8], (entry, decides): ([u8; 4], &[u8])) -> bool {
        // Sizes differ more often than values do, and are sooner compared.
        if self.first != entry || !self.others.iter().all(|(slot, entry)| entries.get(*slot) == Some(entry)) {
            return false;
        }
        let Some(mut known) = self.values.strip_prefix(decides) else { return false };
        self.others.iter().all(|(slot, _)| {
            let rest = value(entries, values, *slot).and_then(|(_, value)| known.strip_prefix(value));
            known = rest.unwrap_or_default();
            rest.is_some()
        })
    }
}

/// Some bits of a value: of its length, its first and its last letter.
#[inline]
fn kind(value: &[u8]) -> usize {
    let letter = |at: Option<usize>| at.and_then(|at| value.get(at)).copied().map_or(0, usize::from);
    (value.len() / 2 + 3 * letter(Some(0)) + 5 * letter(value.len().checked_sub(2))) % KINDS
}

/// Size and type of a slot, and its value.
#[inline]
pub(super) fn value<'a>(entries: &[[u8; 4]], values: &'a [u8], slot: usize) -> Option<([u8; 4], &'a [u8])> {
    let (before, rest) = entries.split_at_checked(slot)?;
    let entry = *rest.first()?;
    let start = binxml::sum_of_sizes(before) as usize;
    Some((entry, values.get(start..start + binxml::size(entry) as usize)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::evtx::binxml::STRING;

    /// Two strings, as a use holds them.
    fn held(texts: [&str; 2]) -> (Vec<[u8; 4]>, Vec<u8>) {
        let entry = |text: &str| [text.len() as u8, 0, STRING, 0];
        (texts.map(entry).to_vec(), texts.concat().into_bytes())
    }

    #[test]
    fn values_are_known_again_by_the_slots_that_were_looked_at() {
        let mut uses = Uses::default();
        let (entries, values) = held(["alice", "3"]);
        uses.keep_shut([1, 1].into_iter(), &entries, &values);
        let mut known = |texts| {
            let (entries, values) = held(texts);
            uses.are_known_shut(&entries, &values)
        };
        assert!(known(["alice", "3"]) && known(["bob", "3"]));
        assert!(!known(["alice", "2"]) && !known(["alice", "10"]) && !known(["alic3", ""]));
    }

    #[test]
    fn many_uses_are_known_again_however_alike() {
        let mut uses = Uses::default();
        let alike: Vec<_> = (0..ALIKE).map(|n| format!("x{n}xx")).collect();
        assert!(alike.iter().all(|text| kind(text.as_bytes()) == kind(alike[0].as_bytes())));
        let texts: Vec<_> = alike.into_iter().chain((0..KINDS).map(|n| "y".repeat(n))).collect();
        for text in &texts {
            let (entries, values) = held([text, ""]);
            uses.keep_shut([0].into_iter(), &entries, &values);
        }
        let known = texts.iter().filter(|text| {
            let (entries, values) = held([text, ""]);
            uses.are_known_shut(&entries, &values)
        });
        assert_eq!((known.count(), uses.kept()), (texts.len(), texts.len()));
    }

    #[test]
    fn values_that_never_come_again_are_given_up() {
        let mut uses = Uses::default();
        for n in 0..=VAIN {
            let (entries, values) = held([&n.to_string(), ""]);
            uses.keep_shut([0].into_iter(), &entries, &values);
            assert_eq!(uses.are_known_shut(&entries, &values), n < VAIN, "{n}");
            uses.vain = n + 1;
        }
        assert_eq!(uses.kept(), 0);
    }
}
