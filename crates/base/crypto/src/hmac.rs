//! HMAC (FIPS 198-1).

use std::fmt;

use aws_lc_rs::hmac;
use strongroom_secret::constant_time_eq;

use crate::CryptoError;
use crate::digest::Hash;

/// An HMAC key for any [`enum@Hash`], its two block states computed once. Cheap to clone.
#[derive(Clone)]
pub struct Hmac(hmac::Key);

impl Hmac {
    /// Prepares `key`, of any length. AWS-LC wipes its own copy.
    #[must_use]
    pub fn new(hash: Hash, key: &[u8]) -> Self {
        let algorithm = match hash {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha224 => hmac::HMAC_SHA224,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
            Hash::Sha512 => hmac::HMAC_SHA512,
        };
        Self(hmac::Key::new(algorithm, key))
    }

    /// Gives the tag, as long as the hash's digest, over all `parts`, one after the other.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }

    /// Checks a whole tag in constant time; a shortened tag is refused.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        if constant_time_eq(&self.sign(parts), tag) { Ok(()) } else { Err(CryptoError) }
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hmac(..)")
    }
}

/// An HMAC-SHA-256 key, its two block states computed once. Cheap to clone.
#[derive(Clone)]
pub struct HmacSha256(hmac::Key);

impl HmacSha256 {
    /// Prepares `key`, of any length. AWS-LC wipes its own copy.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Gives the tag over all `parts`, one after the other.
    ///
    /// The parts' borders do not enter the tag: who needs them frames the parts.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// Checks a whole 32-byte tag in constant time; a shortened tag is refused.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        if constant_time_eq(&self.sign(parts), tag) { Ok(()) } else { Err(CryptoError) }
    }
}

impl fmt::Debug for HmacSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacSha256(..)")
    }
}
