//! The KDF of ANSI X9.63, SEC 1 section 3.6.1. `aws-lc-rs` has the single-step KDF of SP 800-56C, which puts the
//! counter elsewhere.

use strongroom_secret::SecretBytes;
use zeroize::Zeroize as _;

use super::MAX_OUTPUT_LENGTH;
use crate::CryptoError;
use crate::digest::{Hash, Hasher};

/// Derives `length` bytes from a Diffie-Hellman's shared `secret`: blocks of
/// `Hash(secret || counter || shared_info)`, the counter 32 bits, big-endian, from 1.
pub fn x963(
    hash: Hash,
    secret: &[u8],
    shared_info: &[u8],
    length: usize,
) -> Result<SecretBytes, CryptoError> {
    if secret.is_empty() || length == 0 || length > MAX_OUTPUT_LENGTH {
        return Err(CryptoError);
    }
    SecretBytes::filled(length, |out| {
        for (counter, chunk) in (1_u32..).zip(out.chunks_mut(hash.output_length())) {
            let mut hasher = Hasher::new(hash);
            hasher.update(secret);
            hasher.update(&counter.to_be_bytes());
            hasher.update(shared_info);
            let mut block = hasher.finish();
            chunk.copy_from_slice(&block[..chunk.len()]);
            block.zeroize();
        }
        Ok(())
    })
}
