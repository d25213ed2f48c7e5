//! Numbers that look random and are the same in every run: hashes of names.

use sha2::{Digest, Sha256};

/// Sixteen bytes that depend on all words and their order.
#[must_use]
pub fn bytes(words: &[&str]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    let mut out = [0; 16];
    out.copy_from_slice(&hash.finalize()[..16]);
    out
}

/// A number below `limit` (0 when `limit` is 0) that depends on all words.
#[must_use]
pub fn number(words: &[&str], limit: u64) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = bytes(words);
    u64::from_le_bytes([a, b, c, d, e, f, g, h]).checked_rem(limit).unwrap_or(0)
}

/// SHA-256 in lower-case hex.
#[must_use]
pub fn sha256_hex(data: &[u8]) -> String {
    let digest = Sha256::digest(data);
    digest.iter().map(|b| format!("{b:02x}")).collect()
}
