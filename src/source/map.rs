//! The one memory map, for formats whose bytes are visited at random and for looking
//! evidence up again. A scan reads blocks instead: over a map it takes twice as long.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::error::Error;

/// Maps a file read-only.
///
/// # Safety argument
/// `Mmap::map` is unsafe because bytes of a `&[u8]` must not change while it lives, and
/// another process may write to or cut the file. Every reader of a map treats its bytes as
/// hostile input: all access is bounds-checked against the length taken here, nothing read
/// once is assumed to read the same again for memory safety, and no `str` or reference into
/// the map is kept past the look-up. A file cut meanwhile raises SIGBUS, which ends the
/// program, never corrupts it; a scan of logs that are still written uses positioned reads.
#[allow(unsafe_code)]
pub fn map(path: &Path) -> Result<Mmap, Error> {
    let file = File::open(path).map_err(|error| Error::new(path, error))?;
    // SAFETY: see above.
    unsafe { Mmap::map(&file) }.map_err(|error| Error::new(path, error))
}
