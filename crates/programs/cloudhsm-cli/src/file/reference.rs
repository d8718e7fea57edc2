//! Files that stand for a key in an HSM: they hold its public half and its handle, and no private key.

use super::der::{self, OCTET_STRING, SEQUENCE, element, unsigned};
use super::public_key::{PublicKey, look_into, pem};

/// What stands in the place of a private number, before the handle. The first byte keeps it below every
/// modulus and order.
const MARK: &[u8; 16] = b"\0hsm-reference\0\x01";

/// Why a key has no file of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoReference {
    #[error("reference-pem files are for RSA and EC private keys; for others use cloudhsm-reference-pem")]
    WrongKind,
    #[error("the HSM does not know the public half of this key")]
    NoPublicHalf,
}

/// A private key's file that tools read as one (RFC 8017 RSAPrivateKey, RFC 5915 ECPrivateKey). Its public half
/// is the key's own; in place of the private number stands the handle.
pub(crate) fn reference_pem(spki: &[u8], handle: u64) -> Result<String, NoReference> {
    let named = [MARK.as_slice(), &handle.to_be_bytes()].concat();
    match look_into(spki).ok_or(NoReference::NoPublicHalf)? {
        PublicKey::Rsa { modulus, exponent } => {
            let one = unsigned(&[1]);
            let parts = [
                &unsigned(&[0]),
                &unsigned(modulus),
                &unsigned(exponent),
                &unsigned(&named),
                // Two primes, two exponents, one coefficient: none is here.
                &one,
                &one,
                &one,
                &one,
                &one,
            ];
            Ok(pem("RSA PRIVATE KEY", &element(SEQUENCE, &parts.map(Vec::as_slice))))
        }
        PublicKey::Ec { curve, point } => {
            // An uncompressed point is two numbers of the private number's length.
            let width = point.len().saturating_sub(1) / 2;
            let mut private = vec![0; width.saturating_sub(named.len())];
            private.extend_from_slice(&named);
            let public = element(der::BIT_STRING, &[&[0], point]);
            let parts = [
                &unsigned(&[1]),
                &element(OCTET_STRING, &[&private]),
                &element(0xa0, &[curve]),
                &element(0xa1, &[&public]),
            ];
            Ok(pem("EC PRIVATE KEY", &element(SEQUENCE, &parts.map(Vec::as_slice))))
        }
        PublicKey::Other => Err(NoReference::WrongKind),
    }
}

/// A file of our own kind, for keys whose private half has no numbers to hide a handle in.
pub(crate) fn own_reference_pem(spki: &[u8], handle: u64) -> String {
    let parts = [&unsigned(&[0]), &element(OCTET_STRING, &[&handle.to_be_bytes()]), &spki.to_vec()];
    pem("CLOUDHSM REFERENCE PRIVATE KEY", &element(SEQUENCE, &parts.map(Vec::as_slice)))
}
