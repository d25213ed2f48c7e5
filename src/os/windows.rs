//! Positioned reads on Windows. `seek_read` moves the file position too, which nobody uses.

use std::fs::File;
use std::io;
use std::os::windows::fs::FileExt;

pub(super) fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}
