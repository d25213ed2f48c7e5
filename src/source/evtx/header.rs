//! Headers of the file and of a chunk ([MS-EVEN6] has none; the layout is that of libevtx's
//! documentation of the format).

use nom::IResult;
use nom::Parser;
use nom::bytes::complete::{tag, take};
use nom::number::complete::{le_u16, le_u32, le_u64};

use super::binxml::{u32_at, u64_at};

/// Length of a chunk, the last of a cut file excepted.
pub(super) const CHUNK: usize = 0x1_0000;
/// Where a chunk's records start.
pub(super) const RECORDS: usize = 0x200;
/// Where a file's chunks start.
pub(super) const FILE_HEADER: u64 = 0x1000;
pub(super) const FILE_MAGIC: &[u8; 8] = b"ElfFile\0";
pub(super) const CHUNK_MAGIC: &[u8; 8] = b"ElfChnk\0";
pub(super) const RECORD_MAGIC: &[u8; 4] = b"**\0\0";
/// Length of a record's header.
pub(super) const RECORD_HEADER: usize = 24;
/// Flag of files and chunks: no checksum is stored.
const NO_CHECKSUM: u32 = 0x4;
/// Flags of a file that have a meaning: dirty, full, no checksum.
const KNOWN_FLAGS: u32 = 0x7;

/// What the header of a file says that is of use.
pub(super) struct FileHeader {
    /// Chunks that the file has, modulo 65,536; fewer in a log that was not closed.
    pub chunks: u16,
    pub flags: u32,
    pub checksum_matches: bool,
}

pub(super) fn file(bytes: &[u8]) -> Option<FileHeader> {
    // Magic; first and last chunk, next record, sizes and version; count of chunks; unused; flags, checksum.
    let mut parse = (tag(&FILE_MAGIC[..]), take(34usize), le_u16, take(76usize), le_u32, le_u32);
    let parsed: IResult<&[u8], _> = parse.parse(bytes);
    let (_, (_, _, chunks, _, flags, checksum)) = parsed.ok()?;
    let matches = flags & NO_CHECKSUM != 0 || evtx::checksum_ieee(bytes.get(..120)?) == checksum;
    Some(FileHeader { chunks, flags, checksum_matches: matches })
}

impl FileHeader {
    /// Flags that no Windows sets.
    pub fn unknown_flags(&self) -> u32 {
        self.flags & !KNOWN_FLAGS
    }
}

/// The header of a chunk.
#[derive(Clone, Copy)]
pub(super) struct ChunkHeader {
    pub first_id: u64,
    pub last_id: u64,
    /// Where the records end.
    pub free_space: usize,
    flags: u32,
    records_checksum: u32,
    header_checksum: u32,
}

pub(super) fn chunk(bytes: &[u8]) -> Option<ChunkHeader> {
    // Magic; first and last record number; first and last id; size of the header, offset of
    // the last record; offset of free space, checksum of the records; unknown; flags,
    // checksum of the header.
    let mut parse = (
        tag(&CHUNK_MAGIC[..]),
        take(16usize),
        le_u64,
        le_u64,
        take(8usize),
        le_u32,
        le_u32,
        take(64usize),
        le_u32,
        le_u32,
    );
    let parsed: IResult<&[u8], _> = parse.parse(bytes.get(..RECORDS)?);
    let (_, (_, _, first_id, last_id, _, free_space, records_checksum, _, flags, header_checksum)) = parsed.ok()?;
    let free_space = free_space as usize;
    Some(ChunkHeader { first_id, last_id, free_space, flags, records_checksum, header_checksum })
}

impl ChunkHeader {
    /// Does the header's checksum match? It leaves out itself and the flags.
    pub fn is_sound(&self, data: &[u8]) -> bool {
        let parts = data.get(..120).zip(data.get(128..RECORDS));
        self.flags & NO_CHECKSUM != 0
            || parts.is_some_and(|(start, rest)| {
                let mut bytes = [0; RECORDS - 8];
                let (a, b) = bytes.split_at_mut(120);
                a.copy_from_slice(start);
                b.copy_from_slice(rest);
                evtx::checksum_ieee(&bytes) == self.header_checksum
            })
    }

    /// Does the checksum of the records match?
    pub fn records_are_sound(&self, data: &[u8]) -> bool {
        self.flags & NO_CHECKSUM != 0
            || data
                .get(RECORDS..self.free_space)
                .is_some_and(|records| evtx::checksum_ieee(records) == self.records_checksum)
    }
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub size: usize,
    pub id: u64,
}

/// The record at `at`, if there is one: its marks, and a size that fits the bytes. Read for
/// every record, so without the parser's machinery.
#[inline]
pub(super) fn record(data: &[u8], at: usize) -> Option<RecordHeader> {
    let bytes = data.get(at..)?;
    let header: &[u8; RECORD_HEADER] = bytes.first_chunk()?;
    let size = u32_at(header, 4)? as usize;
    let fits = header.starts_with(RECORD_MAGIC) && size >= RECORD_HEADER + 4 && size <= bytes.len();
    fits.then_some(RecordHeader { size, id: u64_at(header, 8)? })
}

/// Does the copy of its size stand at the end of the record?
pub(super) fn is_closed(data: &[u8], at: usize, record: RecordHeader) -> bool {
    let copy = u32_at(data, at + record.size - 4);
    copy.is_some_and(|copy| copy as usize == record.size)
}

/// Do the marks of a record stand there, whatever its size?
pub(super) fn record_mark(data: &[u8], at: usize) -> bool {
    data.get(at..).is_some_and(|rest| rest.starts_with(RECORD_MAGIC))
}
