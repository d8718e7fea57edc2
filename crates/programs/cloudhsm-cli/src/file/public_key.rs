//! Files with a public key.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;

use super::der::{self, BIT_STRING, EC_PUBLIC_KEY, OBJECT_IDENTIFIER, RSA_ENCRYPTION, SEQUENCE};
use super::read_bounded;
use crate::error::CliError;

/// The longest file of a public key that is read, in bytes.
const MAX_PEM: u64 = 64 << 10;
/// How long a line of a PEM file is (RFC 7468).
const LINE: usize = 64;

/// What a SubjectPublicKeyInfo holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey<'a> {
    /// An RSAPublicKey.
    Rsa { modulus: &'a [u8], exponent: &'a [u8] },
    /// A curve's object identifier as an element, and a point.
    Ec { curve: &'a [u8], point: &'a [u8] },
    /// Something else.
    Other,
}

/// Reads a public key from a PEM file, as a DER SubjectPublicKeyInfo.
pub(crate) fn read_pem(path: &Path) -> Result<Vec<u8>, CliError> {
    let text = read_bounded(path, MAX_PEM)?;
    SubjectPublicKeyInfoDer::from_pem_slice(&text).map(|key| key.to_vec()).map_err(|_| {
        CliError::file(path, "there is no public key in it; it begins with -----BEGIN PUBLIC KEY-----")
    })
}

/// Looks into a SubjectPublicKeyInfo.
pub(crate) fn look_into(spki: &[u8]) -> Option<PublicKey<'_>> {
    let (body, _) = der::expect(spki, SEQUENCE)?;
    let (algorithm, rest) = der::expect(body, SEQUENCE)?;
    let (bits, _) = der::expect(rest, BIT_STRING)?;
    let (oid, parameters) = der::expect(algorithm, OBJECT_IDENTIFIER)?;
    // The first byte counts the bits that are left over, and there are none.
    let key = bits.strip_prefix(&[0])?;
    Some(if oid == RSA_ENCRYPTION {
        let (numbers, _) = der::expect(key, SEQUENCE)?;
        let (modulus, rest) = der::expect(numbers, der::INTEGER)?;
        let (exponent, _) = der::expect(rest, der::INTEGER)?;
        PublicKey::Rsa { modulus, exponent }
    } else if oid == EC_PUBLIC_KEY {
        PublicKey::Ec { curve: parameters, point: key }
    } else {
        PublicKey::Other
    })
}

/// Writes PEM (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.extend(["-----END ", label, "-----\n"]);
    out
}
