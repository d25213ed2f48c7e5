//! WMI_BUFFER_HEADER: where one buffer ends and what in it is data.

use crate::source::bytes::{u16_at, u32_at};

/// Length of a buffer's header.
pub(super) const HEADER: usize = 0x48;
/// Longest buffer that is believed: four times what any session may have.
pub(super) const LARGEST: usize = 64 << 20;
const COMPRESSED: u16 = 0x40;
/// Where the session lost events before this buffer, and buffers.
const LOST: u16 = 0x2 | 0x4;

/// The header of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buffer {
    /// Bytes in the file.
    pub size: usize,
    /// End of the data, counted from the buffer's start, decompressed.
    pub end: usize,
    pub compressed: bool,
    /// The session lost something before.
    pub after_loss: bool,
    /// In the first buffer of a compressed file: how the others are compressed.
    pub compression: u16,
}

impl Buffer {
    /// The header at the start of `bytes`. `None` where none can stand there.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        let size = u32_at(header, 0)? as usize;
        let flags = u16_at(header, 0x34)?;
        // Neither SavedOffset nor CurrentOffset holds in all versions of Windows.
        let end = u32_at(header, 0x30)? as usize;
        let fits = (HEADER..=LARGEST).contains(&size);
        let compressed = flags & COMPRESSED != 0;
        let compression = u16_at(header, 0x2C)?;
        fits.then_some(Buffer { size, end, compressed, after_loss: flags & LOST != 0, compression })
    }
}
