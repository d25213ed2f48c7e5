//! The little that differs between systems and that std has no portable name for.
//! Nothing outside this folder names a system.

use std::fs::File;
use std::io;
use std::path::PathBuf;

#[cfg(not(target_os = "linux"))]
mod unaware;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

/// Fills `buffer` from `offset` on, as far as the file goes; returns the bytes read.
/// Takes no shared file position, so that threads may read one file at once.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match system::read_some_at(file, rest, offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Fills `buffer` from `offset` on with what need not be waited for; returns the bytes read: none where the system does
/// not tell.
pub fn read_at_hand(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    system::read_at_hand(file, buffer, offset)
}

/// Says that these bytes will be asked for, so that the system may fetch them meanwhile.
pub fn fetch(file: &File, offset: u64, bytes: u64) {
    system::fetch(file, offset, bytes);
}

/// Calls `stop` with the signal's number (1 hang up, 2 interrupt, 15 terminate) when somebody asks the
/// program to end. It runs on a thread of its own and may do anything.
///
/// # Errors
/// When the system lets nobody listen.
pub fn on_stop(stop: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    system::on_stop(stop)
}

/// The path that these bytes of a text name; on Windows, what is no UTF-8 names nothing that is there.
pub fn path(bytes: &[u8]) -> PathBuf {
    system::path(bytes)
}

/// What this computer is called, where the system says so.
pub fn computer_name() -> Option<String> {
    let name = system::computer_name()?.trim().to_owned();
    (!name.is_empty()).then_some(name)
}
