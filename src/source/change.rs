//! Files that change while they are read: a log that is still written, cut off, or replaced.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::event::Damage;

/// What a file is like at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Snapshot {
    /// `None` where nobody may ask.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Snapshot { bytes: metadata.len(), modified: metadata.modified().ok() })
    }

    /// What is different now. A file that became shorter loses records only where a reader misses them,
    /// which it tells itself.
    pub fn changed(self, path: &Path) -> Option<Damage> {
        let now = Snapshot::of(path).filter(|now| *now != self)?;
        let what = if now.bytes == self.bytes {
            "something wrote to it while it was read: records of that moment may be missing".to_owned()
        } else {
            let (was, is) = (self.bytes, now.bytes);
            format!(
                "its size went from {was} to {is} bytes while it was read: what came or went meanwhile may be missing"
            )
        };
        Some(Damage { offset: self.bytes.min(now.bytes), what, lost: false })
    }
}

/// What a block lacks whose file ended before it did.
pub(super) fn cut(offset: u64, expected: usize, read: usize) -> Option<Damage> {
    let missing = expected.checked_sub(read).filter(|missing| *missing > 0)?;
    let what = format!("the file became shorter while it was read: {missing} bytes are missing here");
    Some(Damage { offset: offset + read as u64, what, lost: true })
}
