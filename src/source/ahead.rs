//! Files that are read block by block. What has to come from a disk is asked for while what came before is worked on:
//! the systems' own reading ahead leaves a fast disk idle meanwhile.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::os;

/// A file, for any number of threads at once.
pub(super) struct Ahead {
    file: File,
    /// So far ahead of what is read.
    distance: u64,
    /// Something had to be waited for, so that more will have to be. Asking ahead for what is in memory takes time.
    waited: AtomicBool,
}

impl Ahead {
    /// Its first bytes will be read soon, and so will those be that lie `distance` bytes behind any that are read.
    pub fn new(file: File, distance: u64) -> Self {
        os::fetch(&file, 0, distance);
        Ahead { file, distance, waited: AtomicBool::new(false) }
    }

    /// As [`os::read_at`].
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let at_hand = if self.waited.load(Relaxed) { 0 } else { os::read_at_hand(&self.file, buffer, offset) };
        let Some(rest) = buffer.get_mut(at_hand..).filter(|rest| !rest.is_empty()) else { return Ok(at_hand) };
        self.waited.store(true, Relaxed);
        os::fetch(&self.file, offset.saturating_add(self.distance), rest.len() as u64);
        Ok(at_hand + os::read_at(&self.file, rest, offset + at_hand as u64)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn bytes_are_those_of_the_file_however_they_are_asked_for() {
        let bytes: Vec<u8> = (0..300_000u32).flat_map(|n| n.to_le_bytes()).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        for distance in [0, 4096, 1 << 20, u64::MAX] {
            for step in [1, 5000, 300_000, 2 << 20] {
                let ahead = Ahead::new(file.reopen().unwrap(), distance);
                // In order, the other way round, and beyond the end.
                let forth: Vec<usize> = (0..=bytes.len() / step + 1).take(40).map(|n| n * step).collect();
                for offset in forth.iter().chain(forth.iter().rev()) {
                    let mut buffer = vec![0xAA; step];
                    let read = ahead.read_at(&mut buffer, *offset as u64).unwrap();
                    let expected = bytes.get(*offset..).unwrap_or_default();
                    let expected = expected.get(..step).unwrap_or(expected);
                    assert_eq!(&buffer[..read], expected, "{distance} {step} {offset}");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        // Not every system opens a folder.
        if let Ok(file) = File::open(folder.path()) {
            assert!(Ahead::new(file, 1).read_at(&mut [0; 8], 0).is_err());
        }
    }
}
