//! Positioned reads and signals on Windows. `seek_read` moves the file position too, which nobody uses.

use std::fs::File;
use std::io;
use std::os::windows::fs::FileExt;
use std::path::PathBuf;

pub(super) fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

pub(super) use super::unaware::{fetch, read_at_hand};

/// Windows does not tell Ctrl-C from a closed console here; both count as an interrupt.
pub(super) fn on_stop(stop: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || stop(2)).map_err(io::Error::other)
}

pub(super) fn computer_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

pub(super) fn path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}
