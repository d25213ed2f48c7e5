//! Fields of an event, made of its payload by a layout.

use crate::event::Event;
use crate::source::layout::{Extent, Field, Kind, Layout, Show};
use crate::source::text::unsigned;

use super::value;
use super::want::Want;

/// Most values of an array that are shown.
const MOST: usize = 1024;

/// The layout that fits: of those for this build, else of any, the one that uses up the payload; else the
/// one that leaves least of it.
pub(in crate::source) fn fitting<'a>(
    layouts: &'a [Layout],
    version: u8,
    build: u32,
    wide: bool,
    payload: &[u8],
) -> Option<&'a Layout> {
    let rank = |layout: &&Layout| {
        let exact = layout.version.is_none_or(|known| known == version);
        let built = layout.first_build <= build && build <= layout.last_build;
        let (whole, left) = match left(layout, wide, payload) {
            Ok(left) => (true, left),
            Err(left) => (false, left),
        };
        // The lower the better. Of another version only a layout that fits exactly is of use.
        let usable = exact || (whole && left == 0);
        (!usable, !(whole && left == 0), !exact, !whole, left, !built)
    };
    let best = layouts.iter().min_by_key(rank)?;
    (!rank(&best).0).then_some(best)
}

/// Bytes that a layout leaves; an error where the payload ends before the last field.
fn left(layout: &Layout, wide: bool, payload: &[u8]) -> Result<usize, usize> {
    let mut reading = Reading { layout, wide, rest: payload, numbers: Vec::new() };
    for at in 0..layout.fields.len() {
        if !reading.field(at, &mut |_, _| ()) {
            return Err(reading.rest.len());
        }
    }
    Ok(reading.rest.len())
}

/// Adds the wanted fields, as far as the payload goes.
pub(in crate::source) fn push(event: &mut Event, layout: &Layout, wide: bool, payload: &[u8], want: Want<'_>) {
    let mut reading = Reading { layout, wide, rest: payload, numbers: Vec::new() };
    for (at, field) in layout.fields.iter().enumerate() {
        let wanted = want.wants(field.name);
        let mut text = String::new();
        let read = reading.field(at, &mut |n, bytes| {
            if wanted && n < MOST {
                if n > 0 {
                    text.push(',');
                }
                value::push(&mut text, field.kind, field.show, bytes);
            }
        });
        if !read {
            return;
        }
        if wanted {
            event.push(field.name, &text);
        }
    }
}

/// The bytes of one field, as they stand in the payload; `None` where it ends before.
pub(in crate::source) fn bytes<'a>(layout: &Layout, wide: bool, payload: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let wanted = layout.fields.iter().position(|field| field.name == name)?;
    let mut reading = Reading { layout, wide, rest: payload, numbers: Vec::new() };
    let mut start = 0;
    for at in 0..=wanted {
        start = payload.len() - reading.rest.len();
        if !reading.field(at, &mut |_, _| ()) {
            return None;
        }
    }
    payload.get(start..payload.len() - reading.rest.len())
}

/// A walk over a payload.
struct Reading<'a> {
    layout: &'a Layout,
    wide: bool,
    rest: &'a [u8],
    /// Numbers of the fields so far, by which others are counted.
    numbers: Vec<Option<u64>>,
}

impl Reading<'_> {
    /// Reads the field at this position, whose values go to `take`. False where the payload ends before.
    fn field(&mut self, at: usize, take: &mut dyn FnMut(usize, &[u8])) -> bool {
        let Some(field) = self.layout.fields.get(at) else { return false };
        let length = match (self.extent(field.length), field.kind) {
            (None, Kind::Bytes) => self.rest.len().checked_sub(self.behind(at)),
            (length, _) => length,
        };
        let count = self.extent(field.count);
        let mut number = None;
        for n in 0..count.unwrap_or(1) {
            let Some((bytes, rest)) = value::split(field.kind, length, self.wide, self.rest) else { return false };
            // Values without bytes would repeat as often as a hostile count says.
            if n > 0 && rest.len() == self.rest.len() {
                break;
            }
            number = if is_number(field) { unsigned(bytes) } else { None };
            take(n, bytes);
            self.rest = rest;
        }
        self.numbers.push(number);
        true
    }

    fn extent(&self, extent: Extent) -> Option<usize> {
        match extent {
            Extent::Free => None,
            Extent::Fixed(number) => Some(number),
            Extent::Field(at) => usize::try_from(self.numbers.get(at).copied().flatten()?).ok(),
        }
    }

    /// Bytes of the fields behind one that takes what they leave.
    fn behind(&self, at: usize) -> usize {
        let behind = self.layout.fields.get(at + 1..).unwrap_or_default();
        behind.iter().map(|field| value::fixed(field.kind, self.wide).unwrap_or(0)).sum()
    }
}

fn is_number(field: &Field) -> bool {
    field.show != Show::Port && matches!(field.kind, Kind::Signed(_) | Kind::Unsigned(_) | Kind::Hex(_) | Kind::Pointer)
}
