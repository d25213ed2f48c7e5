//! What TLS says in the clear: hellos, the certificate up to TLS 1.2, alerts before the keys change, and
//! from which record on everything is encrypted.

use tls_parser::{
    TlsExtension, TlsMessage, TlsMessageHandshake, TlsRawRecord, TlsRecordType, parse_tls_client_hello_extensions,
    parse_tls_message_handshake, parse_tls_raw_record, parse_tls_server_hello_extensions,
};

use super::certificate::{self, Certificate};

/// TLS 1.3 on the wire.
pub(super) const TLS13: u16 = 0x0304;
/// What the "random" of a server hello is that asks the client for another hello ([RFC 8446] 4.1.3).
const RETRY: [u8; 8] = [0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11];
/// Cipher suites of a hello that are told.
const SUITES: usize = 64;
/// Longest encrypted alert of TLS 1.3: 2 bytes, the type, and the tag of the cipher ([RFC 8446] 5.2).
const ALERT13: usize = 19;

/// A client's hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// Highest version that it offers.
    pub version: u16,
    pub name: Option<String>,
    pub suites: Vec<u16>,
}

/// A server's hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub version: u16,
    pub suite: u16,
}

/// Something that TLS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    ClientHello(ClientHello),
    ServerHello(ServerHello),
    /// `None`: it cannot be read.
    Certificate(Option<Box<Certificate>>),
    ServerDone,
    ClientKey,
    /// From here on this direction is encrypted.
    Ciphered,
    Alert {
        level: u8,
        description: u8,
    },
    /// An alert that is encrypted: by its type, or (TLS 1.3) by its length alone.
    HiddenAlert {
        by_length: bool,
    },
    /// The first encrypted data.
    Data,
}

/// Reads records of one direction one by one.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Bytes of a message that goes on in the next record.
    begun: Vec<u8>,
    ciphered: bool,
    data: bool,
    /// The version that was agreed on, by the server's hello.
    pub version: Option<u16>,
}

/// Longest handshake message that is put together.
const LONGEST: usize = 64 << 10;

/// Length of the record that begins here, if one does.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let [kind, 3, _, high, low] = bytes.first_chunk::<5>()? else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    ((0x14..=0x17).contains(kind) && length <= (16 << 10) + 2048).then_some(length + 5)
}

impl Reader {
    /// For a direction whose keys follow from a version that is known already, perhaps.
    pub fn of(version: Option<u16>) -> Self {
        Reader { version, ..Reader::default() }
    }

    /// Reads one whole record.
    pub fn record(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Said)) {
        let Ok((_, record)) = parse_tls_raw_record(bytes) else { return };
        match record.hdr.record_type {
            TlsRecordType::ChangeCipherSpec => {
                if !self.ciphered {
                    tell(Said::Ciphered);
                }
                self.ciphered = true;
            }
            TlsRecordType::Alert => self.alert(&record, tell),
            TlsRecordType::Handshake if !self.ciphered => self.handshake(record.data, tell),
            TlsRecordType::ApplicationData => {
                if self.version == Some(TLS13) && record.data.len() <= ALERT13 {
                    tell(Said::HiddenAlert { by_length: true });
                } else if !self.data {
                    self.data = true;
                    tell(Said::Data);
                }
            }
            _ => {}
        }
    }

    fn alert(&self, record: &TlsRawRecord<'_>, tell: &mut dyn FnMut(Said)) {
        match *record.data {
            [level, description] if !self.ciphered => tell(Said::Alert { level, description }),
            _ => tell(Said::HiddenAlert { by_length: false }),
        }
    }

    fn handshake(&mut self, data: &[u8], tell: &mut dyn FnMut(Said)) {
        if self.begun.len() + data.len() > LONGEST {
            self.begun.clear();
            return;
        }
        self.begun.extend_from_slice(data);
        while let Some(length) = whole(&self.begun) {
            let rest = self.begun.split_off(length);
            let message = std::mem::replace(&mut self.begun, rest);
            self.message(&message, tell);
        }
    }

    fn message(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Said)) {
        let Ok((_, TlsMessage::Handshake(message))) = parse_tls_message_handshake(bytes) else {
            // 11: a certificate that the parser does not take.
            if bytes.first() == Some(&11) {
                tell(Said::Certificate(None));
            }
            return;
        };
        match message {
            TlsMessageHandshake::ClientHello(hello) => {
                let mut found = ClientHello {
                    version: hello.version.0,
                    name: None,
                    suites: hello
                        .ciphers
                        .iter()
                        .map(|suite| suite.0)
                        .filter(|suite| !grease(*suite))
                        .take(SUITES)
                        .collect(),
                };
                let extensions = hello.ext.and_then(|bytes| parse_tls_client_hello_extensions(bytes).ok());
                for extension in extensions.map(|(_, list)| list).unwrap_or_default() {
                    client_extension(&extension, &mut found);
                }
                tell(Said::ClientHello(found));
            }
            TlsMessageHandshake::ServerHello(hello) => {
                let mut found = ServerHello { version: hello.version.0, suite: hello.cipher.0 };
                let extensions = hello.ext.and_then(|bytes| parse_tls_server_hello_extensions(bytes).ok());
                for extension in extensions.map(|(_, list)| list).unwrap_or_default() {
                    if let TlsExtension::SupportedVersions(versions) = extension {
                        found.version = versions.first().map_or(found.version, |version| version.0);
                    }
                }
                self.version = Some(found.version);
                if !hello.random.starts_with(&RETRY) {
                    tell(Said::ServerHello(found));
                }
            }
            TlsMessageHandshake::Certificate(chain) => {
                let leaf = chain.cert_chain.first().and_then(|leaf| certificate::read(leaf.data));
                tell(Said::Certificate(leaf.map(Box::new)));
            }
            TlsMessageHandshake::ServerDone(_) => tell(Said::ServerDone),
            TlsMessageHandshake::ClientKeyExchange(_) => tell(Said::ClientKey),
            _ => {}
        }
    }
}

/// Length of the message that begins here, once it is whole.
fn whole(bytes: &[u8]) -> Option<usize> {
    let [_, high, middle, low] = bytes.first_chunk::<4>()?;
    let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize + 4;
    (bytes.len() >= length).then_some(length)
}

fn client_extension(extension: &TlsExtension<'_>, hello: &mut ClientHello) {
    match extension {
        TlsExtension::SNI(names) => {
            let name = names.first().map(|(_, name)| String::from_utf8_lossy(name.get(..255).unwrap_or(name)));
            hello.name = name.map(|name| name.into_owned());
        }
        TlsExtension::SupportedVersions(versions) => {
            let known = versions.iter().map(|version| version.0).filter(|version| !grease(*version));
            hello.version = known.max().unwrap_or(hello.version);
        }
        _ => {}
    }
}

/// Numbers that mean nothing and keep servers tolerant ([RFC 8701]).
fn grease(number: u16) -> bool {
    number & 0x0F0F == 0x0A0A && number >> 8 == number & 0xFF
}

/// Name of a version.
pub(super) fn version(number: u16) -> String {
    match number {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        TLS13 => "TLS 1.3".to_owned(),
        _ => format!("0x{number:04x}"),
    }
}

/// Name of a cipher suite in the registry of IANA, or its number.
pub(super) fn suite(number: u16) -> String {
    let known = tls_parser::TlsCipherSuite::from_id(number);
    known.map_or_else(|| format!("0x{number:04x}"), |suite| suite.name.to_owned())
}
