//! Damages logs as disks, programs and attackers do: the same seed, the same damage.

pub const HEADER: usize = 4096;
pub const CHUNK: usize = 65_536;

/// Numbers at which readers stumble.
const EDGES: [u32; 14] =
    [0, 1, 2, 4, 7, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];

pub struct Mutator(u64);

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Mutator(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    /// splitmix64
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// `other`: bytes to splice in.
    pub fn mutate(mut self, whole: &[u8], other: &[u8], is_log: bool) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        for _ in 0..=self.below(6) {
            self.once(&mut bytes, other);
        }
        // Half of the logs get checksums that fit, so that no reader is warned.
        if is_log && self.below(2) == 0 {
            repair(&mut bytes);
        }
        bytes
    }

    fn place(&mut self, bytes: &[u8]) -> usize {
        // Headers and the first records are where most goes wrong.
        let limit = if self.below(3) == 0 { HEADER + 2048 } else { bytes.len() };
        self.below(limit.min(bytes.len()))
    }

    fn once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let at = self.place(bytes);
        let length = 1 + self.below(64);
        let end = (at + length).min(bytes.len());
        match self.below(16) {
            0..=3 => bytes[at] ^= 1 << self.below(8),
            4 | 5 => bytes[at] = self.next() as u8,
            6 | 7 => self.edge(bytes, at & !1),
            8 => bytes[at..end].fill(0),
            9 => bytes[at..end].fill(0xFF),
            10 => (at..end).for_each(|at| bytes[at] = self.next() as u8),
            11 => {
                let from = self.below(bytes.len() - (end - at));
                bytes.copy_within(from..from + (end - at), at);
            }
            12 => {
                let from = self.below(other.len().saturating_sub(length));
                let spliced = other.iter().skip(from).take(end - at);
                bytes[at..end].iter_mut().zip(spliced).for_each(|(to, from)| *to = *from);
            }
            13 => drop(bytes.drain(at..end)),
            14 => {
                let zeros = vec![0; length];
                bytes.splice(at..at, zeros);
            }
            _ if self.below(4) == 0 => bytes.truncate(at),
            _ => self.edge(bytes, at & !3),
        }
    }

    fn edge(&mut self, bytes: &mut [u8], at: usize) {
        let value = EDGES[self.below(EDGES.len())].to_le_bytes();
        let width = 1 << self.below(3);
        bytes[at..].iter_mut().zip(&value[..width]).for_each(|(to, from)| *to = *from);
    }
}

/// Makes the checksums of all chunks fit ([MS-EVEN6] has none; see libevtx's description of the format).
fn repair(bytes: &mut [u8]) {
    for start in (HEADER..bytes.len()).step_by(CHUNK) {
        let Some(chunk) = bytes.get_mut(start..start + CHUNK) else { return };
        let free = u32::from_le_bytes(chunk[48..52].try_into().unwrap()) as usize;
        if (512..=CHUNK).contains(&free) {
            let sum = crc32(&chunk[512..free]).to_le_bytes();
            chunk[52..56].copy_from_slice(&sum);
        }
        let sum = crc32(&[&chunk[..120], &chunk[128..512]].concat()).to_le_bytes();
        chunk[124..128].copy_from_slice(&sum);
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}
