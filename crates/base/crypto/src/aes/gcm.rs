#![allow(unsafe_code, reason = "aws-lc-rs has GCM with 12-byte IVs and 16-byte tags only")]

use std::ffi::c_int;
use std::ptr;

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_sys::{
    EVP_CIPHER_CTX, EVP_CIPHER_CTX_ctrl, EVP_CIPHER_CTX_new, EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_IVLEN,
    EVP_CTRL_AEAD_SET_TAG, EVP_CipherFinal_ex, EVP_CipherInit_ex, EVP_CipherUpdate, EVP_aes_128_gcm,
    EVP_aes_192_gcm, EVP_aes_256_gcm,
};
use strongroom_secret::SecretBytes;

use super::{AesKey, MAX_TAG_LENGTH, MIN_TAG_LENGTH};
use crate::CryptoError;
use crate::ffi::{Owned, check};

/// The length of the IVs that everyone uses, in bytes.
const USUAL_IV_LENGTH: usize = 12;
/// The longest IV, in bytes.
const MAX_IV_LENGTH: usize = 256;

impl AesKey {
    /// Encrypts by GCM (SP 800-38D): gives the ciphertext and then the tag, of 12 to 16 bytes. The IV has 1 to
    /// 256 bytes; the same IV twice under one key gives the key's secrets away.
    pub fn seal_gcm(
        &self,
        iv: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        tag_length: usize,
    ) -> Result<Vec<u8>, CryptoError> {
        if !(MIN_TAG_LENGTH..=MAX_TAG_LENGTH).contains(&tag_length) {
            return Err(CryptoError);
        }
        let mut out = vec![0; plaintext.len() + MAX_TAG_LENGTH];
        let (body, tag) = out.split_at_mut(plaintext.len());
        if iv.len() == USUAL_IV_LENGTH {
            let nonce = Nonce::try_assume_unique_for_key(iv)?;
            self.gcm()?.seal_out_of_place_scatter(nonce, Aad::from(aad), plaintext, body, &[], tag)?;
        } else {
            let context = self.context(iv, aad, 1)?;
            update(&context, body.as_mut_ptr(), plaintext)?;
            finish(&context)?;
            control(&context, EVP_CTRL_AEAD_GET_TAG, MAX_TAG_LENGTH, tag.as_mut_ptr())?;
        }
        out.truncate(plaintext.len() + tag_length);
        Ok(out)
    }

    /// Decrypts what [`seal_gcm`](Self::seal_gcm) makes. Gives the plaintext, or nothing of it.
    pub fn open_gcm(
        &self,
        iv: &[u8],
        aad: &[u8],
        ciphertext_and_tag: &[u8],
        tag_length: usize,
    ) -> Result<SecretBytes, CryptoError> {
        if !(MIN_TAG_LENGTH..=MAX_TAG_LENGTH).contains(&tag_length) {
            return Err(CryptoError);
        }
        let length = ciphertext_and_tag.len().checked_sub(tag_length).ok_or(CryptoError)?;
        let (body, tag) = ciphertext_and_tag.split_at(length);
        SecretBytes::filled(length, |plaintext| {
            if iv.len() == USUAL_IV_LENGTH && tag_length == MAX_TAG_LENGTH {
                let nonce = Nonce::try_assume_unique_for_key(iv)?;
                return Ok(self.gcm()?.open_separate_gather(nonce, Aad::from(aad), body, tag, plaintext)?);
            }
            let context = self.context(iv, aad, 0)?;
            let mut tag = tag.to_vec();
            control(&context, EVP_CTRL_AEAD_SET_TAG, tag.len(), tag.as_mut_ptr())?;
            update(&context, plaintext.as_mut_ptr(), body)?;
            finish(&context)
        })
    }

    fn gcm(&self) -> Result<&LessSafeKey, CryptoError> {
        if let Some(key) = self.gcm.get() {
            return Ok(key);
        }
        let algorithm = match self.expose().len() {
            16 => &AES_128_GCM,
            24 => &AES_192_GCM,
            _ => &AES_256_GCM,
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, self.expose())?);
        Ok(self.gcm.get_or_init(|| key))
    }

    /// A context with key, IV and AAD taken in; `direction` is 1 for encryption, 0 for decryption.
    fn context(&self, iv: &[u8], aad: &[u8], direction: c_int) -> Result<Owned<EVP_CIPHER_CTX>, CryptoError> {
        if iv.is_empty() || iv.len() > MAX_IV_LENGTH {
            return Err(CryptoError);
        }
        // SAFETY: the context is new and ours. The cipher's key length is the key's, and the IV's length is set
        // before the IV is read.
        let context = unsafe {
            let cipher = match self.expose().len() {
                16 => EVP_aes_128_gcm(),
                24 => EVP_aes_192_gcm(),
                _ => EVP_aes_256_gcm(),
            };
            let context = Owned::take(EVP_CIPHER_CTX_new())?;
            let null = ptr::null();
            check(EVP_CipherInit_ex(context.as_ptr(), cipher, ptr::null_mut(), null, null, direction))?;
            control(&context, EVP_CTRL_AEAD_SET_IVLEN, iv.len(), ptr::null_mut())?;
            let key = self.expose().as_ptr();
            check(EVP_CipherInit_ex(
                context.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                key,
                iv.as_ptr(),
                direction,
            ))?;
            context
        };
        if !aad.is_empty() {
            update(&context, ptr::null_mut(), aad)?;
        }
        Ok(context)
    }
}

/// Takes `input` in: as AAD when `out` is null, else as text, of which as many bytes go to `out`.
fn update(context: &Owned<EVP_CIPHER_CTX>, out: *mut u8, input: &[u8]) -> Result<(), CryptoError> {
    // To a call without input AWS-LC's older interface would give another meaning.
    if input.is_empty() {
        return Ok(());
    }
    let length = c_int::try_from(input.len()).map_err(|_| CryptoError)?;
    let mut written = 0;
    // SAFETY: the input is readable, and the callers give null or as many writable bytes as the input has.
    check(unsafe { EVP_CipherUpdate(context.as_ptr(), out, &raw mut written, input.as_ptr(), length) })?;
    if written == length { Ok(()) } else { Err(CryptoError) }
}

/// Ends the operation; in decryption this is where the tag is compared.
fn finish(context: &Owned<EVP_CIPHER_CTX>) -> Result<(), CryptoError> {
    let mut written = 0;
    let mut nothing = [0; 16];
    // SAFETY: GCM writes nothing at the end, and a block would fit.
    check(unsafe { EVP_CipherFinal_ex(context.as_ptr(), nothing.as_mut_ptr(), &raw mut written) })
}

fn control(
    context: &Owned<EVP_CIPHER_CTX>,
    command: c_int,
    length: usize,
    bytes: *mut u8,
) -> Result<(), CryptoError> {
    let length = c_int::try_from(length).map_err(|_| CryptoError)?;
    // SAFETY: the callers give `length` bytes that are readable and writable, or null to set a length.
    check(unsafe { EVP_CIPHER_CTX_ctrl(context.as_ptr(), command, length, bytes.cast()) })
}
