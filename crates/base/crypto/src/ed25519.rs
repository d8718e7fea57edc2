//! Ed25519 and Ed25519ph (RFC 8032).
//!
//! Start from [`PrivateKey`].

#![allow(unsafe_code, reason = "aws-lc-rs has no Ed25519ph")]

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use aws_lc_sys::{
    ED25519_keypair_from_seed, ED25519ph_sign_digest, ED25519ph_verify_digest, EVP_PKEY_ED25519,
};
use strongroom_secret::{Secret, SecretBytes};

use crate::CryptoError;
use crate::ffi::{Pkey, check};

/// The length of a signature, in bytes.
pub const SIGNATURE_LENGTH: usize = 64;
/// The length of a public key, in bytes.
pub const PUBLIC_KEY_LENGTH: usize = 32;
/// The longest context of Ed25519ph, in bytes.
pub const MAX_CONTEXT_LENGTH: usize = 255;

/// What stands before the 32 bytes of a key in its SubjectPublicKeyInfo (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// An Ed25519 private key.
pub struct PrivateKey {
    pair: Ed25519KeyPair,
    /// Seed and public key, as AWS-LC's functions for Ed25519ph want them.
    expanded: Secret<[u8; 64]>,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a key.
    pub fn generate() -> Result<Self, CryptoError> {
        Self::new(Ed25519KeyPair::generate()?)
    }

    /// Parses a PKCS#8 key (RFC 8410), with or without the public key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoError> {
        // aws-lc-rs lets something follow the document.
        let _whole = Pkey::from_pkcs8(der, EVP_PKEY_ED25519)?;
        Self::new(Ed25519KeyPair::from_pkcs8(der)?)
    }

    /// Takes the seed of RFC 8032.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, CryptoError> {
        Self::new(Ed25519KeyPair::from_seed_unchecked(seed)?)
    }

    fn new(pair: Ed25519KeyPair) -> Result<Self, CryptoError> {
        let mut public = [0; PUBLIC_KEY_LENGTH];
        // The seed ends the document, which wipes itself; aws-lc-rs's own type for a seed does not.
        let pkcs8 = pair.to_pkcs8v1()?;
        let seed = pkcs8.as_ref().last_chunk::<32>().ok_or(CryptoError)?;
        let mut expanded = Secret::new([0; 64]);
        // SAFETY: the function reads 32 bytes and writes 32 and 64; it cannot fail.
        unsafe {
            ED25519_keypair_from_seed(public.as_mut_ptr(), expanded.expose_mut().as_mut_ptr(), seed.as_ptr());
        }
        if pair.public_key().as_ref() != public {
            return Err(CryptoError);
        }
        Ok(Self { pair, expanded, public: PublicKey(public) })
    }

    /// The key as PKCS#8 DER, version 1: without the public key, as OpenSSL writes it.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        Ok(SecretBytes::new(self.pair.to_pkcs8v1()?.as_ref().to_vec()))
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message` by Ed25519.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_LENGTH], CryptoError> {
        self.pair.try_sign(message)?.as_ref().try_into().map_err(|_| CryptoError)
    }

    /// Signs the SHA-512 `digest` of a message by Ed25519ph, with a `context` of up to 255 bytes.
    pub fn sign_prehashed(
        &self,
        digest: &[u8; 64],
        context: &[u8],
    ) -> Result<[u8; SIGNATURE_LENGTH], CryptoError> {
        if context.len() > MAX_CONTEXT_LENGTH {
            return Err(CryptoError);
        }
        let mut signature = [0; SIGNATURE_LENGTH];
        // SAFETY: signature, digest and key have the fixed lengths that the function asks for, and the context
        // is readable.
        check(unsafe {
            ED25519ph_sign_digest(
                signature.as_mut_ptr(),
                digest.as_ptr(),
                self.expanded.expose().as_ptr(),
                context.as_ptr(),
                context.len(),
            )
        })?;
        Ok(signature)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// An Ed25519 public key. Whether its bytes are a point shows when a signature is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_KEY_LENGTH]);

impl PublicKey {
    /// Takes the 32 bytes of RFC 8032.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; PUBLIC_KEY_LENGTH]) -> Self {
        Self(bytes)
    }

    /// Parses a DER SubjectPublicKeyInfo (RFC 8410).
    pub fn from_spki(der: &[u8]) -> Result<Self, CryptoError> {
        let bytes = der.strip_prefix(&SPKI_PREFIX).ok_or(CryptoError)?;
        bytes.try_into().map(Self).map_err(|_| CryptoError)
    }

    /// The key as DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn to_spki(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), &self.0].concat()
    }

    /// The 32 bytes of RFC 8032.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_LENGTH] {
        &self.0
    }

    /// Verifies an Ed25519 signature of `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        Ok(UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature)?)
    }

    /// Verifies an Ed25519ph signature of the message that has the SHA-512 `digest`.
    pub fn verify_prehashed(
        &self,
        digest: &[u8; 64],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if signature.len() != SIGNATURE_LENGTH || context.len() > MAX_CONTEXT_LENGTH {
            return Err(CryptoError);
        }
        // SAFETY: digest, signature and key have the fixed lengths that the function asks for, and the context
        // is readable.
        check(unsafe {
            ED25519ph_verify_digest(
                digest.as_ptr(),
                signature.as_ptr(),
                self.0.as_ptr(),
                context.as_ptr(),
                context.len(),
            )
        })
    }
}
