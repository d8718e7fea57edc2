//! Key check values: three bytes by which people compare keys that they do not see.

use crate::CryptoError;
use crate::aes::AesKey;
use crate::digest::Hash;

/// The length of a check value, in bytes.
pub const LENGTH: usize = 3;

/// The check value of an AES key: the first bytes of a block of zeros, encrypted (ECB).
pub fn of_aes(key: &AesKey) -> Result<[u8; LENGTH], CryptoError> {
    key.encrypt_ecb(&[0; 16])?.first_chunk().copied().ok_or(CryptoError)
}

/// The check value of a key pair, the same for both halves: the first bytes of SHA-1 of the public key, here
/// as its DER SubjectPublicKeyInfo.
#[must_use]
pub fn of_public_key(spki: &[u8]) -> [u8; LENGTH] {
    let digest = Hash::Sha1.digest(spki);
    let mut value = [0; LENGTH];
    value.copy_from_slice(&digest[..LENGTH]);
    value
}
