#![allow(unsafe_code, reason = "RSA goes through aws-lc-sys: see the head of the parent module")]

use std::fmt;

use aws_lc_sys::{
    EVP_PKEY_RSA, EVP_PKEY_assign_RSA, EVP_PKEY_encrypt, EVP_PKEY_encrypt_init, EVP_PKEY_get0_RSA,
    EVP_PKEY_new, RSA, RSA_NO_PADDING, RSA_PKCS1_PADDING, RSA_bits, RSA_encrypt, RSA_get0_e, RSA_get0_n,
    RSA_new_public_key, RSA_public_key_from_bytes, RSA_verify, RSA_verify_pss_mgf1, RSA_verify_raw,
};

use strongroom_secret::SecretBytes;

use super::{left_padded, nid, private, sizes_are_served};
use crate::CryptoError;
use crate::digest::Hash;
use crate::ffi::{Owned, Pkey, check, message_digest, number, number_bytes};

/// An RSA public key.
pub struct PublicKey {
    key: Pkey,
    bits: u32,
}

impl PublicKey {
    /// Parses a DER SubjectPublicKeyInfo (RFC 5280) of the kind `rsaEncryption`, of the sizes served.
    pub fn from_spki(der: &[u8]) -> Result<Self, CryptoError> {
        Self::new(Pkey::from_spki(der, EVP_PKEY_RSA)?)
    }

    /// Makes a key of its big-endian `modulus` and public `exponent`.
    pub fn from_components(modulus: &[u8], exponent: &[u8]) -> Result<Self, CryptoError> {
        let (n, e) = (number(modulus)?, number(exponent)?);
        // SAFETY: RSA_new_public_key copies its numbers.
        Self::of(unsafe { Owned::take(RSA_new_public_key(n.as_ptr(), e.as_ptr()))? })
    }

    /// Parses a DER `RSAPublicKey` (RFC 8017, appendix A.1.1), of the sizes served.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, CryptoError> {
        // SAFETY: it reads the bytes of the slice, and nothing behind them.
        Self::of(unsafe { Owned::take(RSA_public_key_from_bytes(der.as_ptr(), der.len()))? })
    }

    fn of(rsa: Owned<RSA>) -> Result<Self, CryptoError> {
        // SAFETY: EVP_PKEY_assign_RSA takes the key over only when it succeeds, after which it is released here.
        let key = unsafe {
            let key = Owned::take(EVP_PKEY_new())?;
            check(EVP_PKEY_assign_RSA(key.as_ptr(), rsa.as_ptr()))?;
            let _taken_over = rsa.release();
            key
        };
        Self::new(Pkey::new(key))
    }

    fn new(key: Pkey) -> Result<Self, CryptoError> {
        let mut public = Self { key, bits: 0 };
        // SAFETY: the key is valid.
        public.bits = unsafe { RSA_bits(public.rsa()) };
        sizes_are_served(public.bits, &public.exponent()?)?;
        Ok(public)
    }

    /// The key as DER SubjectPublicKeyInfo.
    pub fn to_spki(&self) -> Result<Vec<u8>, CryptoError> {
        self.key.to_spki()
    }

    /// The length of the modulus, in bits.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The length of the modulus, in bytes.
    #[must_use]
    pub fn modulus_length(&self) -> usize {
        self.bits.div_ceil(8) as usize
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> Result<Vec<u8>, CryptoError> {
        // SAFETY: the key is valid, and the number borrowed from it.
        unsafe { number_bytes(RSA_get0_n(self.rsa())) }
    }

    /// The public exponent, big-endian, without zeros in front.
    pub fn exponent(&self) -> Result<Vec<u8>, CryptoError> {
        // SAFETY: the key is valid, and the number borrowed from it.
        unsafe { number_bytes(RSA_get0_e(self.rsa())) }
    }

    /// Verifies what [`PrivateKey::sign_pkcs1`](super::PrivateKey::sign_pkcs1) makes.
    pub fn verify_pkcs1(&self, hash: Hash, digest: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        if digest.len() != hash.output_length() {
            return Err(CryptoError);
        }
        // SAFETY: the key is valid, digest and signature readable.
        check(unsafe {
            RSA_verify(
                nid(hash),
                digest.as_ptr(),
                digest.len(),
                signature.as_ptr(),
                signature.len(),
                self.rsa(),
            )
        })
    }

    /// Verifies what [`PrivateKey::sign_pkcs1_message`](super::PrivateKey::sign_pkcs1_message) makes.
    pub fn verify_pkcs1_message(
        &self,
        hash: Hash,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.verify_pkcs1(hash, &hash.digest(message), signature)
    }

    /// Verifies what [`PrivateKey::sign_pkcs1_raw`](super::PrivateKey::sign_pkcs1_raw) makes.
    pub fn verify_pkcs1_raw(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        same(&self.recovered(signature, RSA_PKCS1_PADDING)?, data)
    }

    /// Verifies what [`PrivateKey::sign_pss`](super::PrivateKey::sign_pss) makes; the salt has exactly
    /// `salt_length` bytes.
    pub fn verify_pss(
        &self,
        hash: Hash,
        digest: &[u8],
        salt_length: usize,
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if digest.len() != hash.output_length() {
            return Err(CryptoError);
        }
        let salt_length = i32::try_from(salt_length).map_err(|_| CryptoError)?;
        // SAFETY: the key is valid, digest and signature readable.
        check(unsafe {
            RSA_verify_pss_mgf1(
                self.rsa(),
                digest.as_ptr(),
                digest.len(),
                message_digest(hash),
                message_digest(hash),
                salt_length,
                signature.as_ptr(),
                signature.len(),
            )
        })
    }

    /// Verifies what [`PrivateKey::sign_pss_message`](super::PrivateKey::sign_pss_message) makes.
    pub fn verify_pss_message(
        &self,
        hash: Hash,
        message: &[u8],
        salt_length: usize,
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.verify_pss(hash, &hash.digest(message), salt_length, signature)
    }

    /// Verifies what [`PrivateKey::sign_raw`](super::PrivateKey::sign_raw) makes.
    pub fn verify_raw(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        same(&self.recovered(signature, RSA_NO_PADDING)?, &left_padded(data, self.modulus_length())?)
    }

    fn recovered(&self, signature: &[u8], padding: i32) -> Result<Vec<u8>, CryptoError> {
        let mut data = vec![0; self.modulus_length()];
        let mut length = 0;
        // SAFETY: the key is valid, the signature readable, the data writable for the length told.
        check(unsafe {
            RSA_verify_raw(
                self.rsa(),
                &raw mut length,
                data.as_mut_ptr(),
                data.len(),
                signature.as_ptr(),
                signature.len(),
                padding,
            )
        })?;
        data.truncate(length);
        Ok(data)
    }

    /// Encrypts by OAEP with `hash`, for MGF1 too, and `label`. The plaintext is at most
    /// [`oaep_capacity`](Self::oaep_capacity) bytes long.
    pub fn encrypt_oaep(&self, hash: Hash, label: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let context = self.key.context()?;
        // SAFETY: the context is valid.
        check(unsafe { EVP_PKEY_encrypt_init(context.as_ptr()) })?;
        private::set_oaep(&context, hash, label)?;
        let mut ciphertext = vec![0; self.modulus_length()];
        let mut length = ciphertext.len();
        // SAFETY: the context is ready for encryption, and the ciphertext writable for the length told.
        check(unsafe {
            EVP_PKEY_encrypt(
                context.as_ptr(),
                ciphertext.as_mut_ptr(),
                &raw mut length,
                plaintext.as_ptr(),
                plaintext.len(),
            )
        })?;
        Ok(ciphertext)
    }

    /// How many bytes OAEP with `hash` can encrypt with this key.
    #[must_use]
    pub fn oaep_capacity(&self, hash: Hash) -> usize {
        self.modulus_length().saturating_sub(2 * hash.output_length() + 2)
    }

    /// Encrypts by PKCS#1 v1.5. The plaintext is at most
    /// [`PKCS1_OVERHEAD`](super::PKCS1_OVERHEAD) bytes shorter than the modulus.
    pub fn encrypt_pkcs1(&self, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.encrypt_padded(plaintext, RSA_PKCS1_PADDING)
    }

    /// Raises `data` to the public exponent (PKCS#11's `CKM_RSA_X_509`). Data shorter than the modulus is
    /// filled with zeros from the left; its number is below the modulus.
    pub fn encrypt_raw(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let block = SecretBytes::new(left_padded(data, self.modulus_length())?);
        self.encrypt_padded(block.expose(), RSA_NO_PADDING)
    }

    fn encrypt_padded(&self, plaintext: &[u8], padding: i32) -> Result<Vec<u8>, CryptoError> {
        let mut ciphertext = vec![0; self.modulus_length()];
        let mut length = 0;
        // SAFETY: the key is valid, the plaintext readable, the ciphertext writable for the length told.
        check(unsafe {
            RSA_encrypt(
                self.rsa(),
                &raw mut length,
                ciphertext.as_mut_ptr(),
                ciphertext.len(),
                plaintext.as_ptr(),
                plaintext.len(),
                padding,
            )
        })?;
        Ok(ciphertext)
    }

    fn rsa(&self) -> *mut RSA {
        // SAFETY: the key is valid and of kind RSA; the pointer is borrowed from it.
        unsafe { EVP_PKEY_get0_RSA(self.key.as_ptr()) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits)", self.bits)
    }
}

/// Both are public: what a signature holds, and what was signed.
fn same(recovered: &[u8], expected: &[u8]) -> Result<(), CryptoError> {
    if recovered == expected { Ok(()) } else { Err(CryptoError) }
}
