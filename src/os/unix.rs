//! Positioned reads on Unix.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

pub(super) fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}
