//! Reads and signals on Unix.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

pub(super) fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

#[cfg(target_os = "linux")]
pub(super) fn read_at_hand(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    use rustix::io::{ReadWriteFlags, preadv2};
    preadv2(file, &mut [io::IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

#[cfg(target_os = "linux")]
pub(super) fn fetch(file: &File, offset: u64, bytes: u64) {
    use rustix::fs::{Advice, fadvise};
    // Advice: what follows works without.
    let _ = fadvise(file, offset, std::num::NonZeroU64::new(bytes), Advice::WillNeed);
}

#[cfg(not(target_os = "linux"))]
pub(super) use super::unaware::{fetch, read_at_hand};

pub(super) fn on_stop(stop: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    // A file that may grow no more is an error of its writer, which says so.
    signal_hook::flag::register(SIGXFSZ, std::sync::Arc::default())?;
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    if !outlives_its_terminal() {
        signals.add_signal(SIGHUP)?;
    }
    std::thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(stop))?;
    Ok(())
}

/// Was it started so that it goes on when its terminal is gone (`nohup`)? Where nothing tells, it may have been.
fn outlives_its_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_none_or(|mask| mask & 1 != 0)
}

pub(super) fn computer_name() -> Option<String> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname")).or_else(|| std::env::var("HOSTNAME").ok())
}

pub(super) fn path(bytes: &[u8]) -> PathBuf {
    std::ffi::OsStr::from_bytes(bytes).into()
}
