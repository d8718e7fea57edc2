//! ML-KEM (FIPS 203).
//!
//! Start from [`PrivateKey`].

#![allow(
    unsafe_code,
    reason = "aws-lc-rs neither keeps an ML-KEM key's seed nor reads and writes its documents"
)]

use std::fmt;
use std::ptr;

use aws_lc_sys::{
    EVP_PKEY_CTX_kem_set_params, EVP_PKEY_CTX_new_id, EVP_PKEY_KEM, EVP_PKEY_decapsulate,
    EVP_PKEY_encapsulate, EVP_PKEY_kem_get_type, EVP_PKEY_keygen, EVP_PKEY_keygen_init,
    EVP_PKEY_public_check, NID_MLKEM512, NID_MLKEM768, NID_MLKEM1024,
};
use strongroom_secret::SecretBytes;

use crate::CryptoError;
use crate::ffi::{Owned, Pkey, check};

/// The length of a shared secret, in bytes.
pub const SECRET_LENGTH: usize = 32;

/// A parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterSet {
    /// ML-KEM-512.
    MlKem512,
    /// ML-KEM-768.
    MlKem768,
    /// ML-KEM-1024.
    MlKem1024,
}

impl ParameterSet {
    /// Every parameter set.
    pub const ALL: [Self; 3] = [Self::MlKem512, Self::MlKem768, Self::MlKem1024];

    /// The length of a ciphertext, in bytes (FIPS 203, table 3).
    #[must_use]
    pub const fn ciphertext_length(self) -> usize {
        match self {
            Self::MlKem512 => 768,
            Self::MlKem768 => 1088,
            Self::MlKem1024 => 1568,
        }
    }

    const fn nid(self) -> i32 {
        match self {
            Self::MlKem512 => NID_MLKEM512,
            Self::MlKem768 => NID_MLKEM768,
            Self::MlKem1024 => NID_MLKEM1024,
        }
    }

    /// Refuses a key of another set.
    fn is_of(self, key: &Pkey) -> Result<(), CryptoError> {
        // SAFETY: the key is valid and of kind KEM.
        let nid = unsafe { EVP_PKEY_kem_get_type(key.as_ptr()) };
        if nid == self.nid() { Ok(()) } else { Err(CryptoError) }
    }
}

/// A decapsulation key.
pub struct PrivateKey {
    key: Pkey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a key.
    pub fn generate(set: ParameterSet) -> Result<Self, CryptoError> {
        let mut made = ptr::null_mut();
        // SAFETY: the context is new and ours; a key that was made is ours.
        let key = unsafe {
            let context = Owned::take(EVP_PKEY_CTX_new_id(EVP_PKEY_KEM, ptr::null_mut()))?;
            check(EVP_PKEY_CTX_kem_set_params(context.as_ptr(), set.nid()))?;
            check(EVP_PKEY_keygen_init(context.as_ptr()))?;
            check(EVP_PKEY_keygen(context.as_ptr(), &raw mut made))?;
            Owned::take(made)?
        };
        Self::new(set, Pkey::new(key))
    }

    /// Parses a PKCS#8 key (RFC 9935) that has the seed and nothing else; a key without it could not be written
    /// again.
    pub fn from_pkcs8(set: ParameterSet, der: &[u8]) -> Result<Self, CryptoError> {
        Self::new(set, Pkey::from_pkcs8(der, EVP_PKEY_KEM)?)
    }

    fn new(set: ParameterSet, key: Pkey) -> Result<Self, CryptoError> {
        // A key that was parsed from its expanded form has no public half on this side.
        let public = PublicKey::from_spki(set, &key.to_spki()?)?;
        Ok(Self { key, public })
    }

    /// The key as PKCS#8 DER with the seed: 86 bytes.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        self.key.to_pkcs8()
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Takes the shared secret out of a ciphertext. One of another length is refused; one that was changed, or made
    /// for another key, gives a secret that nobody else has (FIPS 203, algorithm 18).
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        if ciphertext.len() != self.public.set.ciphertext_length() {
            return Err(CryptoError);
        }
        let context = self.key.context()?;
        SecretBytes::filled(SECRET_LENGTH, |secret| {
            let mut length = secret.len();
            // SAFETY: the context is valid, the ciphertext readable, the secret writable for the length told.
            check(unsafe {
                EVP_PKEY_decapsulate(
                    context.as_ptr(),
                    secret.as_mut_ptr(),
                    &raw mut length,
                    ciphertext.as_ptr(),
                    ciphertext.len(),
                )
            })
        })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// A shared secret, and the ciphertext that takes it to the holder of the decapsulation key.
#[derive(Debug)]
pub struct Encapsulated {
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// The secret, of [`SECRET_LENGTH`] bytes.
    pub secret: SecretBytes,
}

/// An encapsulation key.
pub struct PublicKey {
    set: ParameterSet,
    key: Pkey,
}

impl PublicKey {
    /// Parses a DER SubjectPublicKeyInfo (RFC 9935) of this parameter set, and checks its coefficients (FIPS 203, 7.2).
    pub fn from_spki(set: ParameterSet, der: &[u8]) -> Result<Self, CryptoError> {
        let key = Pkey::from_spki(der, EVP_PKEY_KEM)?;
        set.is_of(&key)?;
        // SAFETY: the context is valid.
        check(unsafe { EVP_PKEY_public_check(key.context()?.as_ptr()) })?;
        Ok(Self { set, key })
    }

    /// The key as DER SubjectPublicKeyInfo.
    pub fn to_spki(&self) -> Result<Vec<u8>, CryptoError> {
        self.key.to_spki()
    }

    /// The parameter set.
    #[must_use]
    pub fn parameter_set(&self) -> ParameterSet {
        self.set
    }

    /// Makes a secret and encapsulates it.
    pub fn encapsulate(&self) -> Result<Encapsulated, CryptoError> {
        let context = self.key.context()?;
        let mut ciphertext = vec![0; self.set.ciphertext_length()];
        let secret = SecretBytes::filled(SECRET_LENGTH, |secret| {
            let (mut ciphertext_length, mut length) = (ciphertext.len(), secret.len());
            // SAFETY: the context is valid; ciphertext and secret are writable for the lengths told.
            check(unsafe {
                EVP_PKEY_encapsulate(
                    context.as_ptr(),
                    ciphertext.as_mut_ptr(),
                    &raw mut ciphertext_length,
                    secret.as_mut_ptr(),
                    &raw mut length,
                )
            })
        })?;
        Ok(Encapsulated { ciphertext, secret })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.set)
    }
}
