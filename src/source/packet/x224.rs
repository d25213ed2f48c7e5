//! The negotiation that begins a Remote Desktop connection: TPKT ([RFC 1006]) around X.224 connection
//! request and confirm, with the structures of [MS-RDPBCGR] 2.2.1.1 and 2.2.1.2.

use crate::source::bytes::u32_at;

const TPKT: usize = 4;
const X224: usize = 7;
const REQUEST: u8 = 0xE0;
const CONFIRM: u8 = 0xD0;
const DATA: u8 = 0xF0;
/// Longest cookie that is kept, in bytes.
const LONGEST: usize = 128;

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// Name in the cookie `mstshash`: what the client gives of its user name, cut to nine letters by mstsc.
    pub cookie: Option<String>,
    /// A load balancer's token instead of a name.
    pub token: Option<String>,
    /// Bits of the protocols that it knows; `None` where it cannot negotiate.
    pub protocols: Option<u32>,
    pub flags: u8,
    /// Identifier that it gives the connection.
    pub correlation: Option<[u8; 16]>,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The protocol that it chose, and flags.
    Selected(u32, u8),
    /// It refuses, and why.
    Failure(u32),
    /// Nothing is negotiated: Standard RDP Security.
    Old,
}

/// One TPKT packet of the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Request(Request),
    Answer(Answer),
    /// MCS Connect Initial, in the clear: the settings follow without TLS.
    Settings,
    /// Anything else.
    Other,
}

/// Do these first bytes ask for a Remote Desktop connection?
pub(super) fn asks(payload: &[u8]) -> bool {
    let length = length(payload);
    length.is_some_and(|length| length >= TPKT + X224)
        && payload.get(5) == Some(&REQUEST)
        && payload.get(TPKT).map(|indicator| usize::from(*indicator) + 5) == length
}

/// Length of the TPKT packet that begins here, as it says.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let [3, 0, high, low] = bytes.first_chunk::<TPKT>()? else { return None };
    Some(usize::from(u16::from_be_bytes([*high, *low]))).filter(|length| *length > TPKT)
}

/// Reads one whole TPKT packet.
pub(super) fn read(packet: &[u8]) -> Unit {
    let rest = packet.get(TPKT + X224..).unwrap_or_default();
    match packet.get(TPKT + 1) {
        Some(&REQUEST) => Unit::Request(request(rest)),
        Some(&CONFIRM) => Unit::Answer(answer(rest)),
        // Application 101 of [T.125]: the client's Connect Initial.
        Some(&DATA) if packet.get(TPKT + 3..).is_some_and(|data| data.starts_with(&[0x7F, 0x65])) => Unit::Settings,
        _ => Unit::Other,
    }
}

fn request(bytes: &[u8]) -> Request {
    let mut request = Request::default();
    let mut rest = bytes;
    if rest.starts_with(b"Cookie:") {
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let text = |line: &[u8]| String::from_utf8_lossy(line.get(..LONGEST).unwrap_or(line)).into_owned();
        if let Some(name) = line.strip_prefix(b"Cookie: mstshash=") {
            request.cookie = Some(text(name));
        } else if let Some(token) = line.strip_prefix(b"Cookie: msts=") {
            request.token = Some(text(token));
        }
        rest = end.and_then(|end| rest.get(end + 2..)).unwrap_or_default();
    }
    if let [1, flags, 8, 0, ..] = rest {
        request.flags = *flags;
        request.protocols = u32_at(rest, 4);
        rest = rest.get(8..).unwrap_or_default();
    }
    // RDP_NEG_CORRELATION_INFO.
    if let [6, _, 0x24, 0, ..] = rest {
        request.correlation = rest.get(4..).and_then(|id| id.first_chunk()).copied();
    }
    request
}

fn answer(bytes: &[u8]) -> Answer {
    match (bytes, u32_at(bytes, 4)) {
        ([2, flags, 8, 0, ..], Some(selected)) => Answer::Selected(selected, *flags),
        ([3, _, 8, 0, ..], Some(code)) => Answer::Failure(code),
        _ => Answer::Old,
    }
}
