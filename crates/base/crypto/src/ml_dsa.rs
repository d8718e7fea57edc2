//! ML-DSA (FIPS 204): pure, hedged, with an empty context, and over an external mu.
//!
//! Start from [`PrivateKey`].

#![allow(unsafe_code, reason = "aws-lc-rs does not sign an external mu")]

use std::fmt;
use std::ptr;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87, ML_DSA_87_SIGNING,
    PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm, UnparsedPublicKey,
};
use aws_lc_sys::{
    EVP_DigestFinalXOF, EVP_DigestInit_ex, EVP_DigestUpdate, EVP_MD_CTX_new, EVP_PKEY_PQDSA,
    EVP_PKEY_get_raw_public_key, EVP_PKEY_sign, EVP_PKEY_sign_init, EVP_PKEY_verify, EVP_PKEY_verify_init,
    EVP_shake256,
};
use strongroom_secret::SecretBytes;

use crate::CryptoError;
use crate::ffi::{Owned, Pkey, check};

/// The length of mu, in bytes.
pub const MU_LENGTH: usize = 64;

/// A parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterSet {
    /// ML-DSA-44.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
}

impl ParameterSet {
    /// Every parameter set.
    pub const ALL: [Self; 3] = [Self::MlDsa44, Self::MlDsa65, Self::MlDsa87];

    /// The length of a public key, in bytes (FIPS 204, table 2).
    #[must_use]
    pub const fn public_key_length(self) -> usize {
        match self {
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }

    /// The length of a signature, in bytes (FIPS 204, table 2).
    #[must_use]
    pub const fn signature_length(self) -> usize {
        match self {
            Self::MlDsa44 => 2420,
            Self::MlDsa65 => 3309,
            Self::MlDsa87 => 4627,
        }
    }

    fn signing(self) -> &'static PqdsaSigningAlgorithm {
        match self {
            Self::MlDsa44 => &ML_DSA_44_SIGNING,
            Self::MlDsa65 => &ML_DSA_65_SIGNING,
            Self::MlDsa87 => &ML_DSA_87_SIGNING,
        }
    }

    fn verification(self) -> &'static PqdsaVerificationAlgorithm {
        match self {
            Self::MlDsa44 => &ML_DSA_44,
            Self::MlDsa65 => &ML_DSA_65,
            Self::MlDsa87 => &ML_DSA_87,
        }
    }
}

/// An ML-DSA private key.
pub struct PrivateKey {
    pair: PqdsaKeyPair,
    /// The same key on the side of `aws-lc-sys`, for mu.
    key: Pkey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a key.
    pub fn generate(set: ParameterSet) -> Result<Self, CryptoError> {
        Self::new(set, PqdsaKeyPair::generate(set.signing())?)
    }

    /// Takes the 32-byte seed (FIPS 204, algorithm 6).
    pub fn from_seed(set: ParameterSet, seed: &[u8; 32]) -> Result<Self, CryptoError> {
        Self::new(set, PqdsaKeyPair::from_seed(set.signing(), seed)?)
    }

    /// Parses a PKCS#8 key (RFC 9881) that has the seed; a key without it could not be written again.
    pub fn from_pkcs8(set: ParameterSet, der: &[u8]) -> Result<Self, CryptoError> {
        // aws-lc-rs lets something follow the document.
        let _whole = Pkey::from_pkcs8(der, EVP_PKEY_PQDSA)?;
        Self::new(set, PqdsaKeyPair::from_pkcs8(set.signing(), der)?)
    }

    fn new(set: ParameterSet, pair: PqdsaKeyPair) -> Result<Self, CryptoError> {
        let public = PublicKey::from_spki(set, pair.public_key().as_der()?.as_ref())?;
        let key = Pkey::from_pkcs8(pair.to_pkcs8v1()?.as_ref(), EVP_PKEY_PQDSA)?;
        Ok(Self { pair, key, public })
    }

    /// The key as PKCS#8 DER with the seed: 54 bytes.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        Ok(SecretBytes::new(self.pair.to_pkcs8v1()?.as_ref().to_vec()))
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut signature = vec![0; self.public.set.signature_length()];
        let length = self.pair.sign(message, &mut signature)?;
        if length == signature.len() { Ok(signature) } else { Err(CryptoError) }
    }

    /// Signs an external `mu` ([`PublicKey::mu`] of the message, computed wherever the message is).
    pub fn sign_mu(&self, mu: &[u8; MU_LENGTH]) -> Result<Vec<u8>, CryptoError> {
        let context = self.key.context()?;
        let mut signature = vec![0; self.public.set.signature_length()];
        let mut length = signature.len();
        // SAFETY: the context is valid, mu readable, the signature writable for the length told.
        unsafe {
            check(EVP_PKEY_sign_init(context.as_ptr()))?;
            check(EVP_PKEY_sign(
                context.as_ptr(),
                signature.as_mut_ptr(),
                &raw mut length,
                mu.as_ptr(),
                mu.len(),
            ))?;
        }
        if length == signature.len() { Ok(signature) } else { Err(CryptoError) }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// An ML-DSA public key.
pub struct PublicKey {
    set: ParameterSet,
    key: Pkey,
    raw: Vec<u8>,
}

impl PublicKey {
    /// Parses a DER SubjectPublicKeyInfo (RFC 9881) of this parameter set.
    pub fn from_spki(set: ParameterSet, der: &[u8]) -> Result<Self, CryptoError> {
        let key = Pkey::from_spki(der, EVP_PKEY_PQDSA)?;
        // One longer than wanted: a key of a larger parameter set does not pass for its start.
        let mut raw = vec![0; set.public_key_length() + 1];
        let mut length = raw.len();
        // SAFETY: the key is valid and the bytes writable for the length told.
        check(unsafe { EVP_PKEY_get_raw_public_key(key.as_ptr(), raw.as_mut_ptr(), &raw mut length) })?;
        if length != set.public_key_length() {
            return Err(CryptoError);
        }
        raw.truncate(length);
        Ok(Self { set, key, raw })
    }

    /// The key as DER SubjectPublicKeyInfo.
    pub fn to_spki(&self) -> Result<Vec<u8>, CryptoError> {
        self.key.to_spki()
    }

    /// The key as FIPS 204 encodes it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// The parameter set.
    #[must_use]
    pub fn parameter_set(&self) -> ParameterSet {
        self.set
    }

    /// Verifies a signature of `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        Ok(UnparsedPublicKey::new(self.set.verification(), &self.raw).verify(message, signature)?)
    }

    /// Verifies a signature of the message that has this `mu`.
    pub fn verify_mu(&self, mu: &[u8; MU_LENGTH], signature: &[u8]) -> Result<(), CryptoError> {
        let context = self.key.context()?;
        // SAFETY: the context is valid; signature and mu are readable.
        unsafe {
            check(EVP_PKEY_verify_init(context.as_ptr()))?;
            check(EVP_PKEY_verify(
                context.as_ptr(),
                signature.as_ptr(),
                signature.len(),
                mu.as_ptr(),
                mu.len(),
            ))
        }
    }

    /// Computes mu of `message` with an empty context (FIPS 204, algorithm 7, line 6):
    /// `SHAKE256(SHAKE256(public key, 64) || 0 || 0 || message, 64)`.
    pub fn mu(&self, message: &[u8]) -> Result<[u8; MU_LENGTH], CryptoError> {
        let key_digest = shake256(&[&self.raw])?;
        shake256(&[&key_digest, &[0, 0], message])
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.set)
    }
}

/// The first 64 bytes of SHAKE256 (FIPS 202), which `aws-lc-rs` does not have.
fn shake256(parts: &[&[u8]]) -> Result<[u8; 64], CryptoError> {
    let mut out = [0; 64];
    // SAFETY: the context is new and ours, the parts are readable, `out` is writable.
    unsafe {
        let context = Owned::take(EVP_MD_CTX_new())?;
        check(EVP_DigestInit_ex(context.as_ptr(), EVP_shake256(), ptr::null_mut()))?;
        for part in parts {
            check(EVP_DigestUpdate(context.as_ptr(), part.as_ptr().cast(), part.len()))?;
        }
        check(EVP_DigestFinalXOF(context.as_ptr(), out.as_mut_ptr(), out.len()))?;
    }
    Ok(out)
}
