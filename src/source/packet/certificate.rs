//! What of a server's certificate ([RFC 5280]) tells why a client may refuse it.

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::event::Time;

/// Names that are told.
const NAMES: usize = 16;
/// Longest text that is told, in bytes.
const LONGEST: usize = 256;

/// A certificate as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    pub subject: String,
    pub issuer: String,
    pub self_signed: bool,
    /// DNS names and addresses that it is for besides its subject.
    pub names: Vec<String>,
    pub not_before: Option<Time>,
    pub not_after: Option<Time>,
    pub serial: String,
    pub signature: String,
    pub key: &'static str,
    pub bits: Option<usize>,
    /// Its extended key usage names server authentication, or it has none.
    pub for_servers: bool,
}

/// Reads a certificate; `None` where it is none.
pub(super) fn read(der: &[u8]) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let spki = certificate.public_key();
    let (key, bits) = match spki.parsed() {
        Ok(PublicKey::RSA(key)) => ("RSA", Some(bits(key.modulus))),
        Ok(key @ PublicKey::EC(_)) => ("EC", Some(key.key_size())),
        Ok(PublicKey::DSA(_)) => ("DSA", None),
        _ => ("", None),
    };
    let time = |seconds: i64| Time::from_unix(seconds, 0);
    let usage = certificate.extended_key_usage().ok().flatten();
    Some(Certificate {
        subject: short(certificate.subject().to_string()),
        issuer: short(certificate.issuer().to_string()),
        self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        names: names(&certificate),
        not_before: time(certificate.validity().not_before.timestamp()),
        not_after: time(certificate.validity().not_after.timestamp()),
        serial: short(certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect()),
        signature: signature(&certificate.signature_algorithm.algorithm.to_id_string()),
        key,
        bits,
        for_servers: usage.is_none_or(|usage| usage.value.server_auth || usage.value.any),
    })
}

/// Bits of a number, its leading zeros left out.
fn bits(number: &[u8]) -> usize {
    let mut rest = number;
    while let [0, more @ ..] = rest {
        rest = more;
    }
    rest.first().map_or(0, |first| rest.len() * 8 - first.leading_zeros() as usize)
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for extension in certificate.extensions() {
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else { continue };
        for name in names.general_names.iter().take(NAMES) {
            match name {
                GeneralName::DNSName(name) => found.push(short((*name).to_owned())),
                GeneralName::IPAddress(bytes) => found.extend(address(bytes)),
                _ => {}
            }
        }
    }
    found.truncate(NAMES);
    found
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::Ipv4Addr::from(bytes).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())).ok()
}

fn short(mut text: String) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// Name of a signature's algorithm ([RFC 3279], [RFC 4055], [RFC 5758]), or its object identifier.
fn signature(oid: &str) -> String {
    let known = match oid {
        "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10040.4.3" => "dsaWithSHA1",
        "1.2.840.10045.4.1" => "ecdsaWithSHA1",
        "1.2.840.10045.4.3.2" => "ecdsaWithSHA256",
        "1.2.840.10045.4.3.3" => "ecdsaWithSHA384",
        "1.2.840.10045.4.3.4" => "ecdsaWithSHA512",
        "1.3.101.112" => "ed25519",
        other => other,
    };
    known.to_owned()
}
