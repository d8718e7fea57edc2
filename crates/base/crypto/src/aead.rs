//! AES-256-GCM (NIST SP 800-38D) with 96-bit nonces and 128-bit tags.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, UnboundKey};
use strongroom_secret::{Key256, SecretBytes};

use crate::CryptoError;

/// The length of a nonce, in bytes.
pub const NONCE_LENGTH: usize = 12;
/// The length of a tag, in bytes: what a ciphertext is longer than its plaintext.
pub const TAG_LENGTH: usize = 16;

/// An AES-256-GCM key, expanded. AWS-LC wipes it when it is dropped.
///
/// The caller chooses the nonces and answers for it that none is used twice with one key. Our formats derive
/// a key per message from a random salt, so even random nonces never come near the birthday bound.
pub struct Aes256Gcm(LessSafeKey);

impl Aes256Gcm {
    /// Expands `key`.
    pub fn new(key: &Key256) -> Result<Self, CryptoError> {
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose())?)))
    }

    /// Encrypts `plaintext` and gives ciphertext and tag, in one allocation of exactly their size.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let mut out = Vec::with_capacity(plaintext.len() + TAG_LENGTH);
        self.seal_into(nonce, aad, plaintext, &mut out)?;
        Ok(out)
    }

    /// Encrypts `plaintext` and appends ciphertext and tag to `out`; a failure leaves `out` as it was.
    pub fn seal_into(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let start = out.len();
        out.resize(start + plaintext.len() + TAG_LENGTH, 0);
        let (body, tag) = out[start..].split_at_mut(plaintext.len());
        let sealed =
            self.0.seal_out_of_place_scatter(nonce.into(), Aad::from(aad), plaintext, body, &[], tag);
        if sealed.is_err() {
            out.truncate(start);
        }
        Ok(sealed?)
    }

    /// Decrypts ciphertext and tag. Gives the plaintext, or nothing of it.
    pub fn open(
        &self,
        nonce: &[u8; NONCE_LENGTH],
        aad: &[u8],
        ciphertext_and_tag: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        let length = ciphertext_and_tag.len().checked_sub(TAG_LENGTH).ok_or(CryptoError)?;
        let (body, tag) = ciphertext_and_tag.split_at(length);
        SecretBytes::filled(body.len(), |plaintext| {
            Ok(self.0.open_separate_gather(nonce.into(), Aad::from(aad), body, tag, plaintext)?)
        })
    }
}

impl fmt::Debug for Aes256Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aes256Gcm(..)")
    }
}
