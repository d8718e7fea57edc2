#![allow(unsafe_code, reason = "RSA goes through aws-lc-sys: see the head of the parent module")]

use std::fmt;
use std::ptr;

use aws_lc_sys::EVP_PKEY_CTX;
use aws_lc_sys::{
    BN_new, BN_set_u64, EVP_PKEY_CTX_set_rsa_mgf1_md, EVP_PKEY_CTX_set_rsa_oaep_md,
    EVP_PKEY_CTX_set_rsa_padding, EVP_PKEY_CTX_set0_rsa_oaep_label, EVP_PKEY_RSA, EVP_PKEY_assign_RSA,
    EVP_PKEY_decrypt, EVP_PKEY_decrypt_init, EVP_PKEY_get0_RSA, EVP_PKEY_new, OPENSSL_free, OPENSSL_memdup,
    RSA, RSA_NO_PADDING, RSA_PKCS1_OAEP_PADDING, RSA_PKCS1_PADDING, RSA_decrypt, RSA_generate_key_ex,
    RSA_new, RSA_sign, RSA_sign_pss_mgf1, RSA_sign_raw,
};
use strongroom_secret::SecretBytes;

use super::{BITS_STEP, MAX_BITS, MIN_BITS, PublicKey, exponent_is_served, left_padded, nid};
use crate::CryptoError;
use crate::digest::Hash;
use crate::ffi::{Owned, Pkey, check, failed, message_digest};

/// An RSA private key.
///
/// Decryption removes the padding without branches on secrets, but that it *failed* can be seen by whoever
/// sees the result. A caller that decrypts PKCS#1 v1.5 for strangers answers for what it tells them.
pub struct PrivateKey {
    key: Pkey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a key whose modulus has `bits` bits (2048 to 4096, in steps of 256), with the given odd public
    /// `exponent` of at least 65537. Takes from some tens of milliseconds to seconds.
    pub fn generate(bits: u32, exponent: u64) -> Result<Self, CryptoError> {
        let length_is_served =
            (MIN_BITS..=MAX_BITS).contains(&bits) && (bits - MIN_BITS).is_multiple_of(BITS_STEP);
        if !length_is_served || !exponent_is_served(exponent) {
            return Err(CryptoError);
        }
        // SAFETY: the functions give new objects or null; all pointers are of objects that live here, and
        // EVP_PKEY_assign_RSA takes the key over only when it succeeds, after which it is released here.
        let key = unsafe {
            let e = Owned::take(BN_new())?;
            check(BN_set_u64(e.as_ptr(), exponent))?;
            let rsa = Owned::take(RSA_new())?;
            check(RSA_generate_key_ex(rsa.as_ptr(), bits as i32, e.as_ptr(), ptr::null_mut()))?;
            let key = Owned::take(EVP_PKEY_new())?;
            check(EVP_PKEY_assign_RSA(key.as_ptr(), rsa.as_ptr()))?;
            let _taken_over = rsa.release();
            key
        };
        Self::new(Pkey::new(key))
    }

    /// Parses a PKCS#8 key (RFC 5958), checks that its parts belong together and that modulus and exponent
    /// are of the sizes served.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, CryptoError> {
        Self::new(Pkey::from_pkcs8(der, EVP_PKEY_RSA)?)
    }

    fn new(key: Pkey) -> Result<Self, CryptoError> {
        let public = PublicKey::from_spki(&key.to_spki()?)?;
        Ok(Self { key, public })
    }

    /// The key as PKCS#8 DER.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        self.key.to_pkcs8()
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The length of the modulus, and of every signature, in bytes.
    #[must_use]
    pub fn modulus_length(&self) -> usize {
        self.public.modulus_length()
    }

    /// Signs `digest`, made with `hash`, by PKCS#1 v1.5.
    pub fn sign_pkcs1(&self, hash: Hash, digest: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if digest.len() != hash.output_length() {
            return Err(CryptoError);
        }
        let mut signature = vec![0; self.modulus_length()];
        let mut length = 0;
        // SAFETY: the key is valid, the digest readable, and the signature as long as RSA_size says.
        check(unsafe {
            RSA_sign(
                nid(hash),
                digest.as_ptr(),
                digest.len(),
                signature.as_mut_ptr(),
                &raw mut length,
                self.rsa(),
            )
        })?;
        whole(signature, length as usize)
    }

    /// Signs `message` by PKCS#1 v1.5 with `hash`.
    pub fn sign_pkcs1_message(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.sign_pkcs1(hash, &hash.digest(message))
    }

    /// Signs `data` as it is after PKCS#1 v1.5 padding (PKCS#11's `CKM_RSA_PKCS`): usually a `DigestInfo`
    /// that the caller made. At most [`PKCS1_OVERHEAD`](super::PKCS1_OVERHEAD) bytes shorter than the modulus.
    pub fn sign_pkcs1_raw(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.sign_padded(data, RSA_PKCS1_PADDING)
    }

    /// Signs `digest`, made with `hash`, by PSS with MGF1 over the same hash and a salt of `salt_length` bytes.
    pub fn sign_pss(&self, hash: Hash, digest: &[u8], salt_length: usize) -> Result<Vec<u8>, CryptoError> {
        if digest.len() != hash.output_length() {
            return Err(CryptoError);
        }
        let salt_length = i32::try_from(salt_length).map_err(|_| CryptoError)?;
        let mut signature = vec![0; self.modulus_length()];
        let mut length = 0;
        // SAFETY: the key is valid, the digest readable, the signature writable for the length told.
        check(unsafe {
            RSA_sign_pss_mgf1(
                self.rsa(),
                &raw mut length,
                signature.as_mut_ptr(),
                signature.len(),
                digest.as_ptr(),
                digest.len(),
                message_digest(hash),
                message_digest(hash),
                salt_length,
            )
        })?;
        whole(signature, length)
    }

    /// Signs `message` by PSS with `hash`.
    pub fn sign_pss_message(
        &self,
        hash: Hash,
        message: &[u8],
        salt_length: usize,
    ) -> Result<Vec<u8>, CryptoError> {
        self.sign_pss(hash, &hash.digest(message), salt_length)
    }

    /// Raises `data` to the private exponent (PKCS#11's `CKM_RSA_X_509`). Data shorter than the modulus is
    /// filled with zeros from the left; its number is below the modulus, and neither 0 nor 1 nor one less than
    /// the modulus, of which the result says nothing (SP 800-56B, 7.1.2).
    pub fn sign_raw(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.sign_padded(&left_padded(data, self.modulus_length())?, RSA_NO_PADDING)
    }

    fn sign_padded(&self, data: &[u8], padding: i32) -> Result<Vec<u8>, CryptoError> {
        let mut signature = vec![0; self.modulus_length()];
        let mut length = 0;
        // SAFETY: the key is valid, the data readable, the signature writable for the length told.
        check(unsafe {
            RSA_sign_raw(
                self.rsa(),
                &raw mut length,
                signature.as_mut_ptr(),
                signature.len(),
                data.as_ptr(),
                data.len(),
                padding,
            )
        })?;
        whole(signature, length)
    }

    /// Decrypts by OAEP with `hash`, for MGF1 too, and `label` (empty in most uses).
    pub fn decrypt_oaep(
        &self,
        hash: Hash,
        label: &[u8],
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        let context = self.key.context()?;
        // SAFETY: the context is valid.
        check(unsafe { EVP_PKEY_decrypt_init(context.as_ptr()) })?;
        set_oaep(&context, hash, label)?;
        let mut plaintext = SecretBytes::new(vec![0; self.modulus_length()]);
        let mut length = plaintext.expose().len();
        // SAFETY: the context is ready for decryption, and the plaintext writable for the length told.
        check(unsafe {
            EVP_PKEY_decrypt(
                context.as_ptr(),
                plaintext.expose_mut().as_mut_ptr(),
                &raw mut length,
                ciphertext.as_ptr(),
                ciphertext.len(),
            )
        })?;
        start(&plaintext, length)
    }

    /// Decrypts by PKCS#1 v1.5.
    pub fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        self.decrypt_padded(ciphertext, RSA_PKCS1_PADDING)
    }

    /// Raises `ciphertext` to the private exponent (PKCS#11's `CKM_RSA_X_509`); the result is as long as the
    /// modulus.
    pub fn decrypt_raw(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        self.decrypt_padded(&left_padded(ciphertext, self.modulus_length())?, RSA_NO_PADDING)
    }

    fn decrypt_padded(&self, ciphertext: &[u8], padding: i32) -> Result<SecretBytes, CryptoError> {
        let mut plaintext = SecretBytes::new(vec![0; self.modulus_length()]);
        let mut length = 0;
        // SAFETY: the key is valid, the ciphertext readable, the plaintext writable for the length told.
        check(unsafe {
            RSA_decrypt(
                self.rsa(),
                &raw mut length,
                plaintext.expose_mut().as_mut_ptr(),
                plaintext.expose().len(),
                ciphertext.as_ptr(),
                ciphertext.len(),
                padding,
            )
        })?;
        start(&plaintext, length)
    }

    fn rsa(&self) -> *mut RSA {
        // SAFETY: the key is valid and of kind RSA; the pointer is borrowed from it.
        unsafe { EVP_PKEY_get0_RSA(self.key.as_ptr()) }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// Chooses OAEP with one hash and a label, in a context that was made ready for encryption or decryption.
pub(super) fn set_oaep(context: &Owned<EVP_PKEY_CTX>, hash: Hash, label: &[u8]) -> Result<(), CryptoError> {
    // SAFETY: the context is valid and the hash's object constant. EVP_PKEY_CTX_set0_rsa_oaep_label takes the
    // copy of the label over when it succeeds; when it fails the copy is still ours to free.
    unsafe {
        check(EVP_PKEY_CTX_set_rsa_padding(context.as_ptr(), RSA_PKCS1_OAEP_PADDING))?;
        check(EVP_PKEY_CTX_set_rsa_oaep_md(context.as_ptr(), message_digest(hash)))?;
        check(EVP_PKEY_CTX_set_rsa_mgf1_md(context.as_ptr(), message_digest(hash)))?;
        if !label.is_empty() {
            let copy = OPENSSL_memdup(label.as_ptr().cast(), label.len());
            if copy.is_null() {
                return Err(failed());
            }
            let set = EVP_PKEY_CTX_set0_rsa_oaep_label(context.as_ptr(), copy.cast(), label.len());
            check(set).inspect_err(|_| OPENSSL_free(copy))?;
        }
    }
    Ok(())
}

/// A signature fills its buffer, or something is wrong.
fn whole(signature: Vec<u8>, length: usize) -> Result<Vec<u8>, CryptoError> {
    if length == signature.len() { Ok(signature) } else { Err(CryptoError) }
}

/// The plaintext is the start of its buffer; the buffer is wiped when the caller drops it.
fn start(buffer: &SecretBytes, length: usize) -> Result<SecretBytes, CryptoError> {
    buffer.expose().get(..length).map(|plaintext| SecretBytes::new(plaintext.to_vec())).ok_or(CryptoError)
}
