//! Pairs outside KMS: those it makes for callers, and those of whom its keys agree on secrets with.

use strongroom_crypto::ec::{Curve, PublicKey};

use super::KeySpec;
use crate::error::Refusal;

/// A kind of data key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataKeyPairKind {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
    Secp256k1,
    Ed25519,
    MlKem512,
    MlKem768,
    MlKem1024,
}

impl DataKeyPairKind {
    /// What keys of KMS have it.
    pub(crate) const fn spec(self) -> KeySpec {
        match self {
            Self::Rsa2048 => KeySpec::Rsa2048,
            Self::Rsa3072 => KeySpec::Rsa3072,
            Self::Rsa4096 => KeySpec::Rsa4096,
            Self::P256 => KeySpec::EccNistP256,
            Self::P384 => KeySpec::EccNistP384,
            Self::P521 => KeySpec::EccNistP521,
            Self::Secp256k1 => KeySpec::EccSecgP256k1,
            Self::Ed25519 => KeySpec::EccNistEdwards25519,
            Self::MlKem512 => KeySpec::MlKem512,
            Self::MlKem768 => KeySpec::MlKem768,
            Self::MlKem1024 => KeySpec::MlKem1024,
        }
    }
}

/// The public key of whom a secret is agreed on with, on the curve of the key that agrees.
pub(crate) struct Peer {
    /// The point, uncompressed.
    pub(crate) point: Vec<u8>,
}

impl KeySpec {
    /// Reads a DER SubjectPublicKeyInfo that must be of the same curve as keys of this spec.
    pub(crate) fn peer(self, der: &[u8]) -> Result<Peer, Refusal> {
        let read = PublicKey::from_spki(der).ok().filter(|peer| Some(peer.curve()) == self.curve());
        let point = read.and_then(|peer| peer.to_point().ok());
        point.map(|point| Peer { point }).ok_or_else(|| {
            Refusal::Validation(format!(
                "PublicKey must be a DER-encoded X.509 SubjectPublicKeyInfo of a key on the curve of {}.",
                self.as_str()
            ))
        })
    }

    /// The curve of keys of this spec, if they agree on secrets.
    const fn curve(self) -> Option<Curve> {
        match self {
            Self::EccNistP256 => Some(Curve::P256),
            Self::EccNistP384 => Some(Curve::P384),
            Self::EccNistP521 => Some(Curve::P521),
            _ => None,
        }
    }
}
