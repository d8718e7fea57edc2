//! Which signatures and keys are known, and verifying one: RSA and the NIST curves, SHA-224 to SHA-512. That is
//! what CloudHSM takes in a customer's certificates. SHA-1, Ed25519 and everything else is not known.

use std::fmt;

use strongroom_crypto::CryptoError;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::ec::{self, Curve};
use strongroom_crypto::rsa;
use x509_parser::asn1_rs::{BitString, Tag};
use x509_parser::prelude::FromDer as _;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::ReadError;

/// How a certificate or a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSA by PKCS#1 v1.5.
    RsaPkcs1(Hash),
    /// RSA by PSS, with MGF1 over the same hash.
    RsaPss {
        /// The hash.
        hash: Hash,
        /// The length of the salt, in bytes.
        salt_length: usize,
    },
    /// ECDSA.
    Ecdsa(Hash),
}

impl SignatureAlgorithm {
    /// `None` for an algorithm that is not known here.
    pub(crate) fn read(identifier: &AlgorithmIdentifier<'_>) -> Option<Self> {
        let algorithm = Self::named(identifier)?;
        // NULL or nothing for PKCS#1 v1.5, nothing for ECDSA (RFC 4055, section 5; RFC 5758, section 3.2).
        let parameters = identifier.parameters.as_ref();
        let plain = match algorithm {
            Self::RsaPss { .. } => true,
            Self::RsaPkcs1(_) => parameters.is_none_or(|any| any.tag() == Tag::Null && any.data.is_empty()),
            Self::Ecdsa(_) => parameters.is_none(),
        };
        plain.then_some(algorithm)
    }

    fn named(identifier: &AlgorithmIdentifier<'_>) -> Option<Self> {
        match identifier.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.14" => Some(Self::RsaPkcs1(Hash::Sha224)),
            "1.2.840.113549.1.1.11" => Some(Self::RsaPkcs1(Hash::Sha256)),
            "1.2.840.113549.1.1.12" => Some(Self::RsaPkcs1(Hash::Sha384)),
            "1.2.840.113549.1.1.13" => Some(Self::RsaPkcs1(Hash::Sha512)),
            "1.2.840.10045.4.3.1" => Some(Self::Ecdsa(Hash::Sha224)),
            "1.2.840.10045.4.3.2" => Some(Self::Ecdsa(Hash::Sha256)),
            "1.2.840.10045.4.3.3" => Some(Self::Ecdsa(Hash::Sha384)),
            "1.2.840.10045.4.3.4" => Some(Self::Ecdsa(Hash::Sha512)),
            "1.2.840.113549.1.1.10" => Self::read_pss(identifier),
            _ => None,
        }
    }

    fn read_pss(identifier: &AlgorithmIdentifier<'_>) -> Option<Self> {
        let parameters = RsaSsaPssParams::try_from(identifier.parameters.as_ref()?).ok()?;
        let hash = hash(&parameters.hash_algorithm()?.algorithm.to_id_string())?;
        let mask = parameters.mask_gen_algorithm().ok()?;
        let plain = mask.mgf.to_id_string() == "1.2.840.113549.1.1.8" && parameters.trailer_field() == 1;
        if !plain || self::hash(&mask.hash.to_id_string()) != Some(hash) {
            return None;
        }
        Some(Self::RsaPss { hash, salt_length: usize::try_from(parameters.salt_length()).ok()? })
    }

    /// Verifies that the owner of the key in the SubjectPublicKeyInfo `spki` signed `message`.
    pub fn verify(self, spki: &[u8], message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        match self {
            Self::RsaPkcs1(hash) => {
                rsa::PublicKey::from_spki(spki)?.verify_pkcs1_message(hash, message, signature)
            }
            Self::RsaPss { hash, salt_length } => {
                rsa::PublicKey::from_spki(spki)?.verify_pss_message(hash, message, salt_length, signature)
            }
            Self::Ecdsa(hash) => {
                let key = ec::PublicKey::from_spki(spki)?;
                let raw = ec::signature_from_der(key.curve(), signature)?;
                key.verify_digest(&hash.digest(message), &raw)
            }
        }
    }
}

fn hash(oid: &str) -> Option<Hash> {
    match oid {
        "2.16.840.1.101.3.4.2.4" => Some(Hash::Sha224),
        "2.16.840.1.101.3.4.2.1" => Some(Hash::Sha256),
        "2.16.840.1.101.3.4.2.2" => Some(Hash::Sha384),
        "2.16.840.1.101.3.4.2.3" => Some(Hash::Sha512),
        _ => None,
    }
}

/// What kind of key a SubjectPublicKeyInfo holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKeyKind {
    /// RSA with a modulus of so many bits.
    Rsa(u32),
    /// A point on a curve.
    Ec(Curve),
    /// Any other, or one that is broken.
    Other,
}

impl PublicKeyKind {
    /// Reads a SubjectPublicKeyInfo.
    #[must_use]
    pub fn of(spki: &[u8]) -> Self {
        if let Ok(key) = rsa::PublicKey::from_spki(spki) {
            Self::Rsa(key.bits())
        } else if let Ok(key) = ec::PublicKey::from_spki(spki) {
            Self::Ec(key.curve())
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for PublicKeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::Ec(curve) => write!(f, "ECDSA {curve:?}"),
            Self::Other => f.write_str("an unknown kind"),
        }
    }
}

/// The bits of the key in a SubjectPublicKeyInfo, without what says which kind it is.
pub(crate) fn key_bits(spki: &[u8]) -> Option<Vec<u8>> {
    let (rest, parsed) = SubjectPublicKeyInfo::from_der(spki).ok()?;
    rest.is_empty().then(|| parsed.subject_public_key.data.to_vec())
}

/// The bytes of a signature: whole ones, or the same signature could be written in several ways.
pub(crate) fn whole_bytes(bits: &BitString<'_>) -> Result<Vec<u8>, ReadError> {
    if bits.unused_bits == 0 { Ok(bits.data.to_vec()) } else { Err(ReadError::Malformed) }
}
