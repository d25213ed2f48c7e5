//! What is wrong with a chunk, place by place: so many places, the rest in one number.

use crate::event::{Damage, Sink};

/// Places told of per chunk.
const MOST: u32 = 64;

/// What was told of a chunk so far.
#[derive(Default)]
pub(super) struct Complaints {
    /// File offset of the chunk.
    offset: u64,
    places: u32,
    /// Records that could not be read for one reason, not yet told of.
    unread: Option<Unread>,
}

struct Unread {
    at: usize,
    first: u64,
    last: u64,
    count: u32,
    why: String,
}

impl Complaints {
    /// Of the chunk that lies there in its file.
    pub fn of(offset: u64) -> Self {
        Complaints { offset, ..Complaints::default() }
    }

    /// Something is wrong at that byte of the chunk.
    pub fn add(&mut self, at: usize, what: String, lost: bool, sink: &mut dyn Sink) {
        self.tell_unread(sink);
        self.places += 1;
        if self.places <= MOST {
            sink.damage(Damage { offset: self.offset + at as u64, what, lost });
        }
    }

    /// A record could not be read. Neighbours that could not be for the same reason are told of together.
    pub fn unread(&mut self, at: usize, id: u64, why: String, sink: &mut dyn Sink) {
        match &mut self.unread {
            Some(unread) if unread.why == why => {
                unread.last = id;
                unread.count += 1;
            }
            _ => {
                self.tell_unread(sink);
                self.unread = Some(Unread { at, first: id, last: id, count: 1, why });
            }
        }
    }

    /// Tells of the records that could not be read so far.
    pub fn tell_unread(&mut self, sink: &mut dyn Sink) {
        let Some(Unread { at, first, last, count, why }) = self.unread.take() else { return };
        let what = match count {
            1 => format!("record {first}: {why}"),
            _ => format!("{count} records, {first} to {last}: {why}"),
        };
        self.add(at, what, true, sink);
    }

    /// Tells how many places were not told of. Nothing comes behind it.
    pub fn end(&self, sink: &mut dyn Sink) {
        if self.places > MOST {
            let what = format!("{} more places in this chunk are damaged", self.places - MOST);
            sink.damage(Damage { offset: self.offset, what, lost: true });
        }
    }
}
