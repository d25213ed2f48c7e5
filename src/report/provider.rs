//! How forms for people call providers.

/// A provider, or a channel that begins with one, without what all of them share. A form has the report alone, and makes
/// do with the name; the short names of `signatures/events` (`LSM`), which the report's sentences have, are for those
/// who may ask the knowledge (`Signatures::short`).
pub fn bare(name: &str) -> &str {
    let name = name.strip_prefix("Microsoft-Windows-").unwrap_or(name);
    match name.split_once('-') {
        Some(("TerminalServices" | "RemoteDesktopServices", rest)) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn only_what_is_shared_goes() {
        assert_eq!(bare("Microsoft-Windows-TerminalServices-LocalSessionManager"), "LocalSessionManager");
        assert_eq!(bare("Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational"), "RdpCoreTS/Operational");
        assert_eq!(bare("Microsoft-Windows-Security-Auditing"), "Security-Auditing");
        assert_eq!(bare("TerminalServices"), "TerminalServices");
    }
}
