//! One chunk of 64 KiB: records, the names and template definitions that they share, checksums.

use super::binxml::{END_OF_STREAM, Element, FRAGMENT};
use super::value::utf16;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Size of a chunk in bytes.
pub(super) const SIZE: usize = 0x1_0000;
/// Where the first record stands.
const FIRST_RECORD: usize = 0x200;

/// A chunk under construction. All offsets count from its first byte.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    names: BTreeMap<String, u32>,
    /// Offset and GUID of every definition that stands in this chunk.
    templates: BTreeMap<Element, (u32, [u8; 16])>,
    records: Option<Extent>,
}

/// The first and the last record of a chunk.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Number in the file, and id.
    first: (u64, u64),
    /// Number in the file, and id.
    last: (u64, u64),
    /// Where the last one starts.
    last_at: usize,
}

/// A log that never held a record says so with a last number below the first.
const NOTHING: Extent = Extent { first: (1, u64::MAX), last: (u64::MAX, u64::MAX), last_at: 0 };

impl Chunk {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; FIRST_RECORD], names: BTreeMap::new(), templates: BTreeMap::new(), records: None }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_none()
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn patch(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Leaves room for a length in bytes, which [`Chunk::close`] fills.
    pub(super) fn reserve(&mut self) -> usize {
        self.put(&[0; 4]);
        self.len() - 4
    }

    pub(super) fn close(&mut self, at: usize) {
        let size = (self.len() - at - 4) as u32;
        self.patch(at, &size.to_le_bytes());
    }

    /// Writes a reference to a name; the name itself follows where it is used first.
    pub(super) fn name(&mut self, name: &str) {
        if let Some(offset) = self.names.get(name) {
            self.bytes.extend_from_slice(&offset.to_le_bytes());
            return;
        }
        let offset = self.len() as u32 + 4;
        let hash = name_hash(name);
        let bucket = hash % 64;
        let same = self.names.iter().filter(|(n, _)| name_hash(n) % 64 == bucket);
        let next = same.map(|(_, offset)| *offset).max().unwrap_or(0);
        self.put(&offset.to_le_bytes());
        self.put(&next.to_le_bytes());
        self.put(&(hash as u16).to_le_bytes());
        let text = utf16(name);
        self.put(&((text.len() / 2) as u16).to_le_bytes());
        self.put(&text);
        self.put(&[0, 0]);
        self.names.insert(name.to_owned(), offset);
    }

    /// Writes the head of a template instance; the definition follows where it is used first.
    pub(super) fn template(&mut self, template: &Element) {
        self.put(&[0x0c, 0x01]);
        if let Some((offset, guid)) = self.templates.get(template) {
            self.bytes.extend_from_slice(&guid[..4]);
            self.bytes.extend_from_slice(&offset.to_le_bytes());
            return;
        }
        let guid = template_guid(template);
        self.put(&guid[..4]);
        let offset = self.len() as u32 + 4;
        let bucket = template_bucket(&guid);
        let same = self.templates.values();
        let same = same.filter(|(_, g)| template_bucket(g) == bucket);
        let next = same.map(|(offset, _)| *offset).max().unwrap_or(0);
        self.put(&offset.to_le_bytes());
        self.put(&next.to_le_bytes());
        self.put(&guid);
        let size_at = self.reserve();
        self.put(&FRAGMENT);
        template.write(self, true);
        self.put(&END_OF_STREAM);
        self.close(size_at);
        self.templates.insert(template.clone(), (offset, guid));
    }

    /// Writes one record whose binary XML `body` writes. Returns false, and leaves the chunk as
    /// it was, when the record does not fit.
    pub(super) fn record(&mut self, number: u64, id: u64, ticks: u64, body: impl FnOnce(&mut Self)) -> bool {
        let start = self.len();
        self.put(b"**\0\0\0\0\0\0");
        self.put(&id.to_le_bytes());
        self.put(&ticks.to_le_bytes());
        self.put(&FRAGMENT);
        body(self);
        self.put(&END_OF_STREAM);
        while !(self.len() - start + 4).is_multiple_of(8) {
            self.put(&[0]);
        }
        let size = ((self.len() - start + 4) as u32).to_le_bytes();
        self.put(&size);
        self.patch(start + 4, &size);
        if self.len() > SIZE {
            self.bytes.truncate(start);
            self.names.retain(|_, offset| (*offset as usize) < start);
            self.templates.retain(|_, (offset, _)| (*offset as usize) < start);
            return false;
        }
        self.records = Some(Extent {
            first: self.records.map_or((number, id), |extent| extent.first),
            last: (number, id),
            last_at: start,
        });
        true
    }

    /// Fills in header, tables and checksums and returns the 64 KiB.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let Extent { first, last, last_at } = self.records.unwrap_or(NOTHING);
        let free = self.len();
        for (name, offset) in &self.names {
            let at = 128 + 4 * (name_hash(name) % 64) as usize;
            raise(&mut self.bytes, at, *offset);
        }
        for (offset, guid) in self.templates.values() {
            let at = 384 + 4 * template_bucket(guid);
            raise(&mut self.bytes, at, *offset);
        }
        self.patch(0, b"ElfChnk\0");
        for (at, value) in [(8, first.0), (16, last.0), (24, first.1), (32, last.1)] {
            self.patch(at, &value.to_le_bytes());
        }
        let sum = crc32fast::hash(&self.bytes[FIRST_RECORD..free]);
        for (at, value) in [(40, 128), (44, last_at as u32), (48, free as u32), (52, sum), (120, 1)] {
            self.patch(at, &value.to_le_bytes());
        }
        let mut header = crc32fast::Hasher::new();
        header.update(&self.bytes[..120]);
        header.update(&self.bytes[128..FIRST_RECORD]);
        self.patch(124, &header.finalize().to_le_bytes());
        self.bytes.resize(SIZE, 0);
        self.bytes
    }
}

/// Puts `offset` into a table slot unless a later one stands there: tables point at the newest.
fn raise(bytes: &mut [u8], at: usize, offset: u32) {
    let slot = &mut bytes[at..at + 4];
    if u32::from_le_bytes([slot[0], slot[1], slot[2], slot[3]]) < offset {
        slot.copy_from_slice(&offset.to_le_bytes());
    }
}

fn name_hash(name: &str) -> u32 {
    hash_units(name.encode_utf16())
}

fn hash_units(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(0, |hash: u32, unit| hash.wrapping_mul(65599).wrapping_add(u32::from(unit)))
}

/// A template's GUID is arbitrary in Windows; here it is a hash, so that equal input gives
/// equal bytes.
fn template_guid(template: &Element) -> [u8; 16] {
    let digest = Sha256::digest(template.outline());
    let mut guid = [0; 16];
    guid.copy_from_slice(&digest[..16]);
    guid
}

/// The bucket of a template: the hash of names, over the GUID's eight 16-bit units (observed).
fn template_bucket(guid: &[u8; 16]) -> usize {
    let units = guid.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b));
    hash_units(units) as usize % 32
}
