//! What a text begins with, as programs of Windows write it.

const UTF8: &[u8] = b"\xEF\xBB\xBF";
const UTF16: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];
/// Letters beyond ASCII are spoilt by then: it cannot be helped by decoding.
const WIDE: &str = "it is in UTF-16, as `>` of Windows PowerShell writes text: write UTF-8 instead \
    (`-o FILE` of whyrdp does; `| Out-File -Encoding utf8 FILE`)";

/// The text behind its mark, or what to do about one that cannot be read.
pub fn behind_mark(text: &[u8]) -> Result<&[u8], &'static str> {
    if UTF16.iter().any(|mark| text.starts_with(mark)) {
        return Err(WIDE);
    }
    Ok(text.strip_prefix(UTF8).unwrap_or(text))
}
