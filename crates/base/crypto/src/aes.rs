//! AES with 128, 192 and 256-bit keys in the modes that an HSM offers.
//!
//! [`AesKey`] is the one type to start from. IVs are the caller's: who may choose them is a question of the
//! mechanism, not of the algorithm. For values of our own see [`salted`](crate::salted) and
//! [`aead`](crate::aead), which leave no such choice.

mod gcm;
mod wrap;

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext,
    UnboundCipherKey,
};
use aws_lc_rs::cmac;
use aws_lc_rs::iv::FixedLength;
use strongroom_secret::{SecretBytes, constant_time_eq};

use crate::{CryptoError, random};

/// The length of a block, and of an IV in the modes CBC and CTR, in bytes.
pub const BLOCK_LENGTH: usize = 16;
/// The shortest GCM tag, in bytes (96 bits).
pub const MIN_TAG_LENGTH: usize = 12;
/// The longest GCM tag, in bytes (128 bits).
pub const MAX_TAG_LENGTH: usize = 16;

/// An AES key.
pub struct AesKey {
    bytes: SecretBytes,
    /// Expanded for GCM with the usual IV and tag, on first use.
    gcm: OnceLock<LessSafeKey>,
}

impl AesKey {
    /// Takes a key of 16, 24 or 32 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, CryptoError> {
        if !matches!(bytes.len(), 16 | 24 | 32) {
            return Err(CryptoError);
        }
        Ok(Self { bytes: SecretBytes::new(bytes.to_vec()), gcm: OnceLock::new() })
    }

    /// Makes a random key of 16, 24 or 32 bytes.
    pub fn generate(length: usize) -> Result<Self, CryptoError> {
        if !matches!(length, 16 | 24 | 32) {
            return Err(CryptoError);
        }
        Ok(Self { bytes: SecretBytes::filled(length, random::fill)?, gcm: OnceLock::new() })
    }

    /// The key's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// Encrypts whole blocks, each by itself (SP 800-38A, ECB).
    pub fn encrypt_ecb(&self, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut out = plaintext.to_vec();
        let _ = EncryptingKey::ecb(self.unbound()?)?.less_safe_encrypt(&mut out, EncryptionContext::None)?;
        Ok(out)
    }

    /// Decrypts what [`encrypt_ecb`](Self::encrypt_ecb) makes.
    pub fn decrypt_ecb(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        let mut out = SecretBytes::new(ciphertext.to_vec());
        DecryptingKey::ecb(self.unbound()?)?.decrypt(out.expose_mut(), DecryptionContext::None)?;
        Ok(out)
    }

    /// Encrypts whole blocks (SP 800-38A, CBC).
    pub fn encrypt_cbc(&self, iv: &[u8; BLOCK_LENGTH], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut out = plaintext.to_vec();
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        let _ = EncryptingKey::cbc(self.unbound()?)?.less_safe_encrypt(&mut out, context)?;
        Ok(out)
    }

    /// Decrypts what [`encrypt_cbc`](Self::encrypt_cbc) makes.
    pub fn decrypt_cbc(
        &self,
        iv: &[u8; BLOCK_LENGTH],
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        let mut out = SecretBytes::new(ciphertext.to_vec());
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        DecryptingKey::cbc(self.unbound()?)?.decrypt(out.expose_mut(), context)?;
        Ok(out)
    }

    /// Encrypts any bytes: CBC after PKCS#7 padding (RFC 5652, 6.3), which adds 1 to 16 bytes.
    pub fn encrypt_cbc_pad(&self, iv: &[u8; BLOCK_LENGTH], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.encrypt_cbc(iv, padded(plaintext, BLOCK_LENGTH).expose())
    }

    /// Decrypts what [`encrypt_cbc_pad`](Self::encrypt_cbc_pad) makes. The padding is looked at in constant
    /// time, but that it was wrong can be seen by whoever sees the result: there is no MAC in this mode.
    pub fn decrypt_cbc_pad(
        &self,
        iv: &[u8; BLOCK_LENGTH],
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        unpadded(&self.decrypt_cbc(iv, ciphertext)?, BLOCK_LENGTH)
    }

    /// Encrypts any bytes (SP 800-38A, CTR): the counter block begins as `iv` and counts in all its 128 bits.
    pub fn encrypt_ctr(&self, iv: &[u8; BLOCK_LENGTH], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut out = plaintext.to_vec();
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        let _ = EncryptingKey::ctr(self.unbound()?)?.less_safe_encrypt(&mut out, context)?;
        Ok(out)
    }

    /// Decrypts what [`encrypt_ctr`](Self::encrypt_ctr) makes.
    pub fn decrypt_ctr(
        &self,
        iv: &[u8; BLOCK_LENGTH],
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        let mut out = SecretBytes::new(ciphertext.to_vec());
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        DecryptingKey::ctr(self.unbound()?)?.decrypt(out.expose_mut(), context)?;
        Ok(out)
    }

    /// Gives the CMAC (SP 800-38B) over all `parts`, one after the other.
    pub fn cmac(&self, parts: &[&[u8]]) -> Result<[u8; BLOCK_LENGTH], CryptoError> {
        let algorithm = match self.expose().len() {
            16 => cmac::AES_128,
            24 => cmac::AES_192,
            _ => cmac::AES_256,
        };
        let mut context = cmac::Context::with_key(&cmac::Key::new(algorithm, self.expose())?);
        for part in parts {
            context.update(part)?;
        }
        context.sign()?.as_ref().try_into().map_err(|_| CryptoError)
    }

    /// Checks a whole 16-byte CMAC in constant time; a shortened one is refused.
    pub fn verify_cmac(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        if constant_time_eq(&self.cmac(parts)?, tag) { Ok(()) } else { Err(CryptoError) }
    }

    fn unbound(&self) -> Result<UnboundCipherKey, CryptoError> {
        let algorithm: &'static Algorithm = match self.expose().len() {
            16 => &AES_128,
            24 => &AES_192,
            _ => &AES_256,
        };
        Ok(UnboundCipherKey::new(algorithm, self.expose())?)
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(..)")
    }
}

/// Fills up to the next whole block with bytes that say how many they are; a whole block gets another.
fn padded(plaintext: &[u8], block: usize) -> SecretBytes {
    let count = block - plaintext.len() % block;
    let mut bytes = Vec::with_capacity(plaintext.len() + count);
    bytes.extend_from_slice(plaintext);
    bytes.resize(plaintext.len() + count, count as u8);
    SecretBytes::new(bytes)
}

/// Takes the padding off, looking at the whole last block in a time that does not depend on it.
fn unpadded(bytes: &SecretBytes, block: usize) -> Result<SecretBytes, CryptoError> {
    let bytes = bytes.expose();
    let start = bytes.len().checked_sub(block).ok_or(CryptoError)?;
    let last = &bytes[start..];
    let count = last.last().copied().ok_or(CryptoError)?;
    let mut wrong = u32::from(count == 0) | u32::from(usize::from(count) > block);
    for (distance, byte) in last.iter().rev().enumerate() {
        let belongs = u32::from(distance < usize::from(count));
        wrong |= belongs & u32::from(*byte != count);
    }
    if wrong != 0 {
        return Err(CryptoError);
    }
    Ok(SecretBytes::new(bytes[..bytes.len() - usize::from(count)].to_vec()))
}
