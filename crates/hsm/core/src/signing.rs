//! Signatures and MACs by a partition's keys.

use strongroom_crypto::digest::Hash;
use strongroom_crypto::hmac::Hmac;
use strongroom_crypto::ml_dsa::MU_LENGTH;

use crate::opened::Opened;
use crate::{HsmError, OpenedKey, Usage};

/// How a pair signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningScheme {
    /// RSA with PKCS#1 v1.5 padding (RFC 8017).
    RsaPkcs1(Hash),
    /// RSA with PSS padding, MGF1 over the same hash and a salt as long as it (RFC 8017).
    RsaPss(Hash),
    /// ECDSA (FIPS 186-5); signatures are DER `ECDSA-Sig-Value` (RFC 3279, 2.2.3).
    Ecdsa(Hash),
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// Ed25519ph with an empty context (RFC 8032).
    Ed25519ph,
    /// ML-DSA, hedged, with an empty context (FIPS 204).
    MlDsa,
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed<'m> {
    /// A message, which is hashed on the way where the scheme hashes.
    Message(&'m [u8]),
    /// The message's hash, where the scheme signs one.
    Digest(&'m [u8]),
    /// The external mu of ML-DSA (FIPS 204, algorithm 7, line 6).
    ExternalMu(&'m [u8]),
}

impl Signed<'_> {
    /// The hash that is signed.
    fn digest(self, hash: Hash) -> Result<Vec<u8>, HsmError> {
        match self {
            Self::Message(message) => Ok(hash.digest(message)),
            Self::Digest(digest) if digest.len() == hash.output_length() => Ok(digest.to_vec()),
            Self::Digest(_) | Self::ExternalMu(_) => Err(HsmError::InvalidMessage),
        }
    }

    /// The hash that Ed25519ph signs.
    fn prehash(self) -> Result<[u8; 64], HsmError> {
        self.digest(Hash::Sha512)?.try_into().map_err(|_| HsmError::InvalidMessage)
    }
}

fn mu(bytes: &[u8]) -> Result<&[u8; MU_LENGTH], HsmError> {
    bytes.try_into().map_err(|_| HsmError::InvalidMessage)
}

impl OpenedKey {
    /// Signs.
    pub fn sign(&self, scheme: SigningScheme, signed: Signed<'_>) -> Result<Vec<u8>, HsmError> {
        use SigningScheme as S;
        Ok(match (self.permitted(Usage::SIGN)?, scheme, signed) {
            (Opened::Rsa(key), S::RsaPkcs1(hash), _) => key.sign_pkcs1(hash, &signed.digest(hash)?)?,
            (Opened::Rsa(key), S::RsaPss(hash), _) => {
                key.sign_pss(hash, &signed.digest(hash)?, hash.output_length())?
            }
            (Opened::Ec(key), S::Ecdsa(hash), _) => key.sign_digest_der(&signed.digest(hash)?)?,
            (Opened::Ed25519(key), S::Ed25519, Signed::Message(message)) => key.sign(message)?.to_vec(),
            (Opened::Ed25519(key), S::Ed25519ph, _) => key.sign_prehashed(&signed.prehash()?, &[])?.to_vec(),
            (Opened::MlDsa(key), S::MlDsa, Signed::Message(message)) => key.sign(message)?,
            (Opened::MlDsa(key), S::MlDsa, Signed::ExternalMu(bytes)) => key.sign_mu(mu(bytes)?)?,
            (Opened::Ed25519(_), S::Ed25519, _) | (Opened::MlDsa(_), S::MlDsa, _) => {
                return Err(HsmError::InvalidMessage);
            }
            _ => return Err(HsmError::NotForThisKey),
        })
    }

    /// Tells whether `signature` is right: whole, of this key, by this scheme and over what is said to be signed.
    pub fn verify(
        &self,
        scheme: SigningScheme,
        signed: Signed<'_>,
        signature: &[u8],
    ) -> Result<bool, HsmError> {
        use SigningScheme as S;
        let verified = match (self.permitted(Usage::VERIFY)?, scheme, signed) {
            (Opened::Rsa(key), S::RsaPkcs1(hash), _) => {
                key.public_key().verify_pkcs1(hash, &signed.digest(hash)?, signature)
            }
            (Opened::Rsa(key), S::RsaPss(hash), _) => {
                let salt_length = hash.output_length();
                key.public_key().verify_pss(hash, &signed.digest(hash)?, salt_length, signature)
            }
            (Opened::Ec(key), S::Ecdsa(hash), _) => {
                key.public_key().verify_digest_der(&signed.digest(hash)?, signature)
            }
            (Opened::Ed25519(key), S::Ed25519, Signed::Message(message)) => {
                key.public_key().verify(message, signature)
            }
            (Opened::Ed25519(key), S::Ed25519ph, _) => {
                key.public_key().verify_prehashed(&signed.prehash()?, &[], signature)
            }
            (Opened::MlDsa(key), S::MlDsa, Signed::Message(message)) => {
                key.public_key().verify(message, signature)
            }
            (Opened::MlDsa(key), S::MlDsa, Signed::ExternalMu(bytes)) => {
                key.public_key().verify_mu(mu(bytes)?, signature)
            }
            (Opened::Ed25519(_), S::Ed25519, _) | (Opened::MlDsa(_), S::MlDsa, _) => {
                return Err(HsmError::InvalidMessage);
            }
            _ => return Err(HsmError::NotForThisKey),
        };
        Ok(verified.is_ok())
    }

    /// Makes a MAC with the key's hash, as long as its digest.
    pub fn mac(&self, message: &[u8]) -> Result<Vec<u8>, HsmError> {
        Ok(self.mac_key(Usage::SIGN)?.sign(&[message]))
    }

    /// Tells in constant time whether a whole MAC is right.
    pub fn verify_mac(&self, message: &[u8], mac: &[u8]) -> Result<bool, HsmError> {
        Ok(self.mac_key(Usage::VERIFY)?.verify(&[message], mac).is_ok())
    }

    fn mac_key(&self, operation: Usage) -> Result<&Hmac, HsmError> {
        match self.permitted(operation)? {
            Opened::Mac(key) => Ok(&key.ready),
            _ => Err(HsmError::NotForThisKey),
        }
    }
}
