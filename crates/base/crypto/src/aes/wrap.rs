#![allow(
    unsafe_code,
    reason = "aws-lc-rs wraps with 128 and 256-bit keys only; one path for all three sizes"
)]

use std::mem::MaybeUninit;
use std::ptr;

use aws_lc_sys::{
    AES_KEY, AES_set_decrypt_key, AES_set_encrypt_key, AES_unwrap_key, AES_unwrap_key_padded, AES_wrap_key,
    AES_wrap_key_padded, OPENSSL_cleanse,
};
use strongroom_secret::SecretBytes;

use super::{AesKey, padded, unpadded};
use crate::CryptoError;
use crate::ffi::failed;

/// Half a block: what key wrapping counts in.
const SEMIBLOCK: usize = 8;
/// The longest key that is wrapped, in bytes: longer than any PKCS#8 key of ours.
const MAX_WRAPPED_LENGTH: usize = 64 * 1024;

impl AesKey {
    /// Wraps a key (RFC 3394, SP 800-38F KW) of at least 16 bytes, a multiple of 8, with the standard's IV.
    /// Adds 8 bytes.
    pub fn wrap_kw(&self, key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if key.len() < 2 * SEMIBLOCK || !key.len().is_multiple_of(SEMIBLOCK) || key.len() > MAX_WRAPPED_LENGTH
        {
            return Err(CryptoError);
        }
        let mut out = vec![0; key.len() + SEMIBLOCK];
        let schedule = Schedule::new(self, AES_set_encrypt_key)?;
        // SAFETY: the schedule is initialised, null stands for the standard's IV, and `out` has 8 bytes more
        // than the key.
        let written = unsafe {
            AES_wrap_key(schedule.as_ptr(), ptr::null(), out.as_mut_ptr(), key.as_ptr(), key.len())
        };
        if usize::try_from(written) == Ok(out.len()) { Ok(out) } else { Err(failed()) }
    }

    /// Unwraps what [`wrap_kw`](Self::wrap_kw) makes.
    pub fn unwrap_kw(&self, wrapped: &[u8]) -> Result<SecretBytes, CryptoError> {
        let served = wrapped.len() >= 3 * SEMIBLOCK
            && wrapped.len().is_multiple_of(SEMIBLOCK)
            && wrapped.len() <= MAX_WRAPPED_LENGTH + SEMIBLOCK;
        if !served {
            return Err(CryptoError);
        }
        let schedule = Schedule::new(self, AES_set_decrypt_key)?;
        SecretBytes::filled(wrapped.len() - SEMIBLOCK, |out| {
            // SAFETY: the schedule is initialised, null stands for the standard's IV, and `out` has 8 bytes less
            // than what is unwrapped.
            let written = unsafe {
                AES_unwrap_key(
                    schedule.as_ptr(),
                    ptr::null(),
                    out.as_mut_ptr(),
                    wrapped.as_ptr(),
                    wrapped.len(),
                )
            };
            if usize::try_from(written) == Ok(out.len()) { Ok(()) } else { Err(failed()) }
        })
    }

    /// Wraps a key of any length from 1 byte (RFC 5649, SP 800-38F KWP).
    pub fn wrap_kwp(&self, key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if key.is_empty() || key.len() > MAX_WRAPPED_LENGTH {
            return Err(CryptoError);
        }
        let mut out = vec![0; key.len().next_multiple_of(SEMIBLOCK) + SEMIBLOCK];
        let mut length = 0;
        let schedule = Schedule::new(self, AES_set_encrypt_key)?;
        // SAFETY: the schedule is initialised, and `out` writable for the length told.
        let wrapped = unsafe {
            AES_wrap_key_padded(
                schedule.as_ptr(),
                out.as_mut_ptr(),
                &raw mut length,
                out.len(),
                key.as_ptr(),
                key.len(),
            )
        };
        if wrapped == 1 && length == out.len() { Ok(out) } else { Err(failed()) }
    }

    /// Unwraps what [`wrap_kwp`](Self::wrap_kwp) makes.
    pub fn unwrap_kwp(&self, wrapped: &[u8]) -> Result<SecretBytes, CryptoError> {
        if wrapped.len() > MAX_WRAPPED_LENGTH + 2 * SEMIBLOCK {
            return Err(CryptoError);
        }
        let schedule = Schedule::new(self, AES_set_decrypt_key)?;
        let mut length = 0;
        let out = SecretBytes::filled(wrapped.len(), |out| {
            // SAFETY: the schedule is initialised, and `out` writable for the length told.
            let unwrapped = unsafe {
                AES_unwrap_key_padded(
                    schedule.as_ptr(),
                    out.as_mut_ptr(),
                    &raw mut length,
                    out.len(),
                    wrapped.as_ptr(),
                    wrapped.len(),
                )
            };
            if unwrapped == 1 { Ok(()) } else { Err(failed()) }
        })?;
        out.expose().get(..length).map(|key| SecretBytes::new(key.to_vec())).ok_or(CryptoError)
    }

    /// Wraps a key of at least 8 bytes as CloudHSM's `CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD` does: RFC 3394
    /// after padding of 1 to 8 bytes that say how many they are.
    pub fn wrap_kw_pkcs5(&self, key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.wrap_kw(padded(key, SEMIBLOCK).expose())
    }

    /// Unwraps what [`wrap_kw_pkcs5`](Self::wrap_kw_pkcs5) makes.
    pub fn unwrap_kw_pkcs5(&self, wrapped: &[u8]) -> Result<SecretBytes, CryptoError> {
        unpadded(&self.unwrap_kw(wrapped)?, SEMIBLOCK)
    }
}

/// An expanded key, wiped when it is dropped.
struct Schedule(Box<MaybeUninit<AES_KEY>>);

impl Schedule {
    fn new(
        key: &AesKey,
        expand: unsafe extern "C" fn(*const u8, u32, *mut AES_KEY) -> i32,
    ) -> Result<Self, CryptoError> {
        let mut schedule = Self(Box::new(MaybeUninit::zeroed()));
        let bits = (8 * key.expose().len()) as u32;
        // SAFETY: the key has as many bits as told, and the schedule is writable. Both functions give 0 for
        // success.
        let result = unsafe { expand(key.expose().as_ptr(), bits, schedule.0.as_mut_ptr()) };
        if result == 0 { Ok(schedule) } else { Err(failed()) }
    }

    fn as_ptr(&self) -> *const AES_KEY {
        self.0.as_ptr()
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        // SAFETY: the memory is ours and as long as told.
        unsafe { OPENSSL_cleanse(self.0.as_mut_ptr().cast(), size_of::<AES_KEY>()) }
    }
}
