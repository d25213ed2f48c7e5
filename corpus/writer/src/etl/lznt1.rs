//! LZNT1 of [MS-XCA] 2.5: what a session with compressed buffers may name, though no tool is known to write it.

use std::collections::HashMap;

/// Bytes that a chunk holds.
const CHUNK: usize = 4096;
/// Shortest match.
const LEAST: usize = 3;

/// Compresses `data`.
#[must_use]
pub fn compress(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in data.chunks(CHUNK) {
        let packed = chunk(part);
        // What does not become smaller is stored.
        let (flag, bytes) = if packed.len() < part.len() { (0x8000, &packed[..]) } else { (0, part) };
        out.extend((flag | 0x3000 | (bytes.len() - 1) as u16).to_le_bytes());
        out.extend(bytes);
    }
    out
}

fn chunk(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let (mut at, mut items, mut flags) = (0, 0, 0);
    while at < data.len() {
        if items % 8 == 0 {
            flags = out.len();
            out.push(0);
        }
        // As many bits for the distance as the place needs, four at least; the rest are the length's.
        let bits = (1..=12).find(|bits| at <= 1 << bits).unwrap_or(12).max(4);
        let found = data.get(at..at + LEAST).and_then(|key| places.get(key)).copied();
        let length = found.map_or(1, |from| {
            let same = data[at..].iter().zip(&data[from..]).take_while(|(a, b)| a == b).count();
            same.min((0xFFFF >> bits) + LEAST)
        });
        match found {
            Some(from) => {
                out[flags] |= 1 << (items % 8);
                let pair = (at - from - 1) << (16 - bits) | (length - LEAST);
                out.extend((pair as u16).to_le_bytes());
            }
            None => out.push(data[at]),
        }
        for place in at..at + length {
            if let Some(key) = data.get(place..place + LEAST) {
                places.insert(key, place);
            }
        }
        at += length;
        items += 1;
    }
    out
}
