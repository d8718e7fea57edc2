//! Material of a partition's keys, parsed and ready to compute with.
//!
//! A token holds AES keys and keys of MACs as they are, and private keys as PKCS#8 as AWS-LC writes it: of ML-DSA and
//! ML-KEM with the seed alone.

use strongroom_crypto::digest::{Hash, sha256};
use strongroom_crypto::hmac::Hmac;
use strongroom_crypto::{CryptoError, ec, ed25519, ml_dsa, ml_kem, random, rsa};
use strongroom_secret::{Key256, SecretBytes};

use crate::KeyType;
use crate::key_type::Family;

/// Parsed material. Wiped when the cache and all who compute with it have let it go.
pub(crate) enum Opened {
    Aes(Key256),
    Mac(Box<MacKey>),
    Rsa(rsa::PrivateKey),
    Ec(ec::PrivateKey),
    Ed25519(Box<ed25519::PrivateKey>),
    MlDsa(Box<ml_dsa::PrivateKey>),
    MlKem(Box<ml_kem::PrivateKey>),
}

/// A key of MACs as it is kept, and as it computes.
pub(crate) struct MacKey {
    bytes: SecretBytes,
    pub(crate) ready: Hmac,
}

impl MacKey {
    fn boxed(hash: Hash, bytes: SecretBytes) -> Box<Self> {
        Box::new(Self { ready: Hmac::new(hash, bytes.expose()), bytes })
    }
}

impl Opened {
    /// Makes material. A key of MACs is as long as its MACs.
    pub(crate) fn generate(key_type: KeyType) -> Result<Self, CryptoError> {
        Ok(match key_type.family() {
            Family::Aes => Self::Aes(random::key256()?),
            Family::Mac(hash) => {
                Self::Mac(MacKey::boxed(hash, SecretBytes::filled(hash.output_length(), random::fill)?))
            }
            Family::Rsa { bits } => Self::Rsa(rsa::PrivateKey::generate(bits, rsa::MIN_EXPONENT)?),
            Family::Ec(curve) => Self::Ec(ec::PrivateKey::generate(curve)?),
            Family::Ed25519 => Self::Ed25519(Box::new(ed25519::PrivateKey::generate()?)),
            Family::MlDsa(set) => Self::MlDsa(Box::new(ml_dsa::PrivateKey::generate(set)?)),
            Family::MlKem(set) => Self::MlKem(Box::new(ml_kem::PrivateKey::generate(set)?)),
        })
    }

    /// Parses material of that type, and refuses what is none: of another length, modulus or curve, or not whole.
    pub(crate) fn parse(key_type: KeyType, bytes: &[u8]) -> Result<Self, CryptoError> {
        match key_type.family() {
            Family::Aes => Key256::copied_from(bytes).map(Self::Aes).ok_or(CryptoError),
            Family::Mac(hash) if key_type.mac_key_lengths().is_some_and(|fit| fit.contains(&bytes.len())) => {
                Ok(Self::Mac(MacKey::boxed(hash, SecretBytes::new(bytes.to_vec()))))
            }
            Family::Mac(_) => Err(CryptoError),
            Family::Rsa { bits } => match rsa::PrivateKey::from_pkcs8(bytes)? {
                key if key.public_key().bits() == bits => Ok(Self::Rsa(key)),
                _ => Err(CryptoError),
            },
            Family::Ec(curve) => match ec::PrivateKey::from_pkcs8(bytes)? {
                key if key.curve() == curve => Ok(Self::Ec(key)),
                _ => Err(CryptoError),
            },
            Family::Ed25519 => Ok(Self::Ed25519(Box::new(ed25519::PrivateKey::from_pkcs8(bytes)?))),
            Family::MlDsa(set) => Ok(Self::MlDsa(Box::new(ml_dsa::PrivateKey::from_pkcs8(set, bytes)?))),
            Family::MlKem(set) => Ok(Self::MlKem(Box::new(ml_kem::PrivateKey::from_pkcs8(set, bytes)?))),
        }
    }

    /// What [`parse`](Self::parse) takes, in its one form.
    pub(crate) fn secret_bytes(&self) -> Result<SecretBytes, CryptoError> {
        match self {
            Self::Aes(key) => Ok(SecretBytes::new(key.expose().to_vec())),
            Self::Mac(key) => Ok(key.bytes.clone()),
            Self::Rsa(key) => key.to_pkcs8(),
            Self::Ec(key) => key.to_pkcs8(),
            Self::Ed25519(key) => key.to_pkcs8(),
            Self::MlDsa(key) => key.to_pkcs8(),
            Self::MlKem(key) => key.to_pkcs8(),
        }
    }

    /// The public half as a DER SubjectPublicKeyInfo, if it is a pair.
    pub(crate) fn public_key(&self) -> Result<Option<Vec<u8>>, CryptoError> {
        Ok(Some(match self {
            Self::Aes(_) | Self::Mac(_) => return Ok(None),
            Self::Rsa(key) => key.public_key().to_spki()?,
            Self::Ec(key) => key.public_key().to_spki()?,
            Self::Ed25519(key) => key.public_key().to_spki(),
            Self::MlDsa(key) => key.public_key().to_spki()?,
            Self::MlKem(key) => key.public_key().to_spki()?,
        }))
    }

    /// Thirty-two bytes that are equal for equal keys, however they were written: an AES key, or the hash of what else
    /// says which key it is. Hashed, because HMAC takes a key and the same with zeros behind it for one. Secret unless
    /// the key is a pair.
    pub(crate) fn identity(&self) -> Result<Key256, CryptoError> {
        Ok(match self {
            Self::Aes(key) => key.clone(),
            Self::Mac(key) => Key256::new(sha256(key.bytes.expose())),
            pair => Key256::new(sha256(&pair.public_key()?.ok_or(CryptoError)?)),
        })
    }
}
