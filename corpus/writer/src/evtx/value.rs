//! The typed values of an event, in binary and in words.
//!
//! Owns the value type numbers of the binary XML. It knows nothing of records.

use crate::error::Error;

/// A security identifier (`S-1-5-21-...`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sid {
    authority: u64,
    parts: Vec<u32>,
}

impl Sid {
    /// Reads the usual text form of a SID.
    ///
    /// # Errors
    /// [`Error::Value`] when the text is no SID of revision 1.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = || Error::value("sid", text);
        let rest = text.strip_prefix("S-1-").ok_or_else(bad)?;
        let mut numbers = rest.split('-');
        let authority = numbers.next().ok_or_else(bad)?;
        let authority = authority.parse().map_err(|_| bad())?;
        let parts: Result<Vec<u32>, _> = numbers.map(str::parse).collect();
        let parts = parts.map_err(|_| bad())?;
        if parts.len() > 15 {
            return Err(bad());
        }
        Ok(Self { authority, parts })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = vec![1, self.parts.len() as u8];
        out.extend_from_slice(&self.authority.to_be_bytes()[2..]);
        for part in &self.parts {
            out.extend_from_slice(&part.to_le_bytes());
        }
        out
    }
}

impl std::fmt::Display for Sid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.parts.iter().try_for_each(|p| write!(f, "-{p}"))
    }
}

/// A GUID, in the order of its text form (big-endian throughout).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// Reads a GUID with or without braces.
    ///
    /// # Errors
    /// [`Error::Value`] when the text does not hold 32 hex digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let bytes = hex(&digits)?;
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| Error::value("guid", text))?;
        Ok(Self(bytes))
    }

    /// The sixteen bytes as Windows stores them (first three groups little-endian).
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        let mut b = self.0;
        b[0..4].reverse();
        b[4..6].reverse();
        b[6..8].reverse();
        b
    }
}

impl std::fmt::Display for Guid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{")?;
        for (i, b) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{b:02X}")?;
        }
        f.write_str("}")
    }
}

/// One value of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing at all: the element stays empty.
    Null,
    /// UTF-16 text; `nul` adds the terminator that tracing providers store.
    Str {
        /// The text.
        text: String,
        /// Store a NUL behind it.
        nul: bool,
    },
    /// Several NUL-terminated strings: the unnamed Data of a classic event.
    Strings(Vec<String>),
    /// Unsigned byte.
    U8(u8),
    /// Unsigned 16 bits.
    U16(u16),
    /// Unsigned 32 bits.
    U32(u32),
    /// Signed 32 bits.
    I32(i32),
    /// Unsigned 64 bits.
    U64(u64),
    /// 64-bit floating point.
    F64(f64),
    /// Truth value (stored in 32 bits).
    Bool(bool),
    /// 32 bits shown in hex.
    Hex32(u32),
    /// 64 bits shown in hex.
    Hex64(u64),
    /// A pointer-sized number (64 bits here), shown in hex.
    Pointer(u64),
    /// Raw bytes, shown as upper-case hex.
    Binary(Vec<u8>),
    /// A GUID.
    Guid(Guid),
    /// A SID.
    Sid(Sid),
    /// A time in 100 ns ticks since 1601.
    FileTime(u64),
}

impl Value {
    /// The type number that binary XML gives this value.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::Null => 0x00,
            Self::Str { .. } => 0x01,
            Self::Strings(_) => 0x81,
            Self::U8(_) => 0x04,
            Self::U16(_) => 0x06,
            Self::I32(_) => 0x07,
            Self::U32(_) => 0x08,
            Self::U64(_) => 0x0a,
            Self::F64(_) => 0x0c,
            Self::Bool(_) => 0x0d,
            Self::Binary(_) => 0x0e,
            Self::Guid(_) => 0x0f,
            Self::Pointer(_) => 0x10,
            Self::FileTime(_) => 0x11,
            Self::Sid(_) => 0x13,
            Self::Hex32(_) => 0x14,
            Self::Hex64(_) => 0x15,
        }
    }

    /// The bytes of the value as a substitution array stores them.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Null => Vec::new(),
            Self::Str { text, nul } => {
                let mut out = utf16(text);
                if *nul {
                    out.extend([0, 0]);
                }
                out
            }
            Self::Strings(texts) => texts.iter().flat_map(|t| utf16(t).into_iter().chain([0, 0])).collect(),
            Self::U8(v) => vec![*v],
            Self::U16(v) => v.to_le_bytes().to_vec(),
            Self::U32(v) | Self::Hex32(v) => v.to_le_bytes().to_vec(),
            Self::I32(v) => v.to_le_bytes().to_vec(),
            Self::U64(v) | Self::Hex64(v) | Self::Pointer(v) | Self::FileTime(v) => v.to_le_bytes().to_vec(),
            Self::F64(v) => v.to_le_bytes().to_vec(),
            Self::Bool(v) => u32::from(*v).to_le_bytes().to_vec(),
            Self::Binary(v) => v.clone(),
            Self::Guid(v) => v.bytes().to_vec(),
            Self::Sid(v) => v.bytes(),
        }
    }

    /// The value as a collector's rendered XML shows it; `None` for [`Value::Null`].
    #[must_use]
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Str { text, .. } => text.clone(),
            Self::Strings(texts) => texts.join("\n"),
            Self::U8(v) => v.to_string(),
            Self::U16(v) => v.to_string(),
            Self::U32(v) => v.to_string(),
            Self::I32(v) => v.to_string(),
            Self::U64(v) => v.to_string(),
            Self::F64(v) => v.to_string(),
            Self::Bool(v) => v.to_string(),
            Self::Hex32(v) => format!("{v:#x}"),
            Self::Hex64(v) | Self::Pointer(v) => format!("{v:#x}"),
            Self::Binary(v) => v.iter().map(|b| format!("{b:02X}")).collect(),
            Self::Guid(v) => v.to_string(),
            Self::Sid(v) => v.to_string(),
            Self::FileTime(v) => crate::evtx::time::rfc3339(*v),
        })
    }

    /// Reads `text` as a value of the named type (`str u8 u16 u32 i32 u64 f64 bool hex32 hex64
    /// pointer binary guid sid filetime`); `nul` is for `str` alone. `~` is [`Value::Null`].
    ///
    /// # Errors
    /// [`Error::Value`] when the text does not fit the type or the type is unknown.
    pub fn parse(kind: &str, text: &str, nul: bool) -> Result<Self, Error> {
        let bad = || Error::value(kind, text);
        let number = || unsigned(text).ok_or_else(bad);
        if text == "~" {
            return Ok(Self::Null);
        }
        Ok(match kind {
            "str" => Self::Str { text: text.to_owned(), nul },
            "u8" => Self::U8(number()?.try_into().map_err(|_| bad())?),
            "u16" => Self::U16(number()?.try_into().map_err(|_| bad())?),
            "u32" => Self::U32(number()?.try_into().map_err(|_| bad())?),
            "i32" => Self::I32(text.parse().map_err(|_| bad())?),
            "u64" => Self::U64(number()?),
            "f64" => Self::F64(text.parse().map_err(|_| bad())?),
            "bool" => Self::Bool(text.parse().map_err(|_| bad())?),
            "hex32" => Self::Hex32(number()?.try_into().map_err(|_| bad())?),
            "hex64" => Self::Hex64(number()?),
            "pointer" => Self::Pointer(number()?),
            "binary" => Self::Binary(hex(text)?),
            // As traces store them: a socket address, a port and an IPv4 address in network order, 8-bit text.
            "sockaddr" => Self::Binary(crate::traces::sockaddr(text)?),
            "port" => Self::U16(u16::try_from(number()?).map_err(|_| bad())?.swap_bytes()),
            "ip4" => Self::U32(u32::from_le_bytes(text.parse::<std::net::Ipv4Addr>().map_err(|_| bad())?.octets())),
            "ansi" => Self::Binary(text.bytes().chain([0]).collect()),
            "guid" => Self::Guid(Guid::parse(text)?),
            "sid" => Self::Sid(Sid::parse(text)?),
            "filetime" => Self::FileTime(crate::evtx::time::ticks(text.parse().map_err(|_| bad())?)),
            _ => return Err(bad()),
        })
    }
}

/// UTF-16LE without a terminator.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Bytes of a text of hex digit pairs.
///
/// # Errors
/// [`Error::Value`] on an odd length or another character.
pub fn hex(text: &str) -> Result<Vec<u8>, Error> {
    let bad = || Error::value("hex", text);
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err(bad());
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).map_err(|_| bad())).collect()
}

/// A number in decimal or, with `0x`, in hex.
pub fn unsigned(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
