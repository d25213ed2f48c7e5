//! Compressed buffers: the three forms of [MS-XCA] that a session may name. Every decoder stops at the length
//! that the buffer states, so no input makes more than that.

mod huffman;
mod lznt1;
mod xpress;

/// How the buffers of a trace are compressed (`COMPRESSION_FORMAT_*` of winnt.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Lznt1,
    /// What Windows' own tools write.
    Xpress,
    XpressHuffman,
}

impl Method {
    /// By the number in the header of the first buffer; what is none of them is taken for the common one.
    pub fn of(number: u16) -> Self {
        match number {
            2 => Method::Lznt1,
            4 => Method::XpressHuffman,
            _ => Method::Xpress,
        }
    }

    /// Makes exactly `want` bytes of `input`, in place of what `out` held. After an error, `out` holds what
    /// was made before the fault.
    pub fn decompress(self, input: &[u8], want: usize, out: &mut Vec<u8>) -> Result<(), &'static str> {
        match self {
            Method::Lznt1 => lznt1::decompress(input, want, out),
            Method::Xpress => xpress::decompress(input, want, out),
            Method::XpressHuffman => huffman::decompress(input, want, out),
        }
    }
}

const SHORT: &str = "the compressed bytes end too early";
const BEFORE: &str = "a match begins before the buffer";

/// Repeats what stands `distance` before the end of `out`, which may be what is made while it is repeated.
fn repeat(out: &mut Vec<u8>, distance: usize, mut length: usize) -> Result<(), &'static str> {
    let from = out.len().checked_sub(distance).ok_or(BEFORE)?;
    // Each round there is more to copy from.
    while length > 0 {
        let part = length.min(out.len() - from);
        out.extend_from_within(from..from + part);
        length -= part;
    }
    Ok(())
}
