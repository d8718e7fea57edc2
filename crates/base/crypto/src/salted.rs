//! Encryption of many values under one long-lived key: each value gets an AES-256-GCM key of its own, derived
//! from the long-lived one and a random 256-bit salt.
//!
//! A salted value is `salt (32 bytes) || ciphertext || tag (16 bytes)`. Its key is
//! `SP800-108(key, label, context = salt)`; as that key encrypts this value only, the nonce is all zeros.
//! Salts of 256 bits never collide, so there is no limit to how many values one key may protect.

use strongroom_secret::{Key256, SecretBytes};

use crate::aead::{Aes256Gcm, TAG_LENGTH};
use crate::kdf::sp800_108_counter_hmac_sha256;
use crate::{CryptoError, random};

/// How many bytes a salted value is longer than its plaintext.
pub const OVERHEAD: usize = SALT_LENGTH + TAG_LENGTH;

const SALT_LENGTH: usize = 32;

/// Encrypts `plaintext` and appends the salted value to `out`; a failure leaves `out` as it was.
///
/// `label` says what the values are for, without a zero byte. `aad` is bound to the value, not kept in it.
pub fn seal_into(
    key: &Key256,
    label: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CryptoError> {
    seal_with(&random::bytes()?, key, label, aad, plaintext, out)
}

/// Decrypts a salted value. Fails if key, label or `aad` is another, or if the value was changed.
pub fn open(key: &Key256, label: &[u8], aad: &[u8], salted: &[u8]) -> Result<SecretBytes, CryptoError> {
    let (salt, sealed) = salted.split_first_chunk().ok_or(CryptoError)?;
    value_cipher(salt, key, label)?.open(&[0; 12], aad, sealed)
}

fn seal_with(
    salt: &[u8; SALT_LENGTH],
    key: &Key256,
    label: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CryptoError> {
    let start = out.len();
    out.reserve_exact(OVERHEAD + plaintext.len());
    out.extend_from_slice(salt);
    let sealed =
        value_cipher(salt, key, label).and_then(|cipher| cipher.seal_into(&[0; 12], aad, plaintext, out));
    if sealed.is_err() {
        out.truncate(start);
    }
    sealed
}

fn value_cipher(salt: &[u8; SALT_LENGTH], key: &Key256, label: &[u8]) -> Result<Aes256Gcm, CryptoError> {
    let value_key = Key256::filled(|bytes| sp800_108_counter_hmac_sha256(key.expose(), label, salt, bytes))?;
    Aes256Gcm::new(&value_key)
}

#[cfg(test)]
mod tests {
    use strongroom_secret::Secret;

    use super::{open, seal_with};
    use crate::hex;

    /// The format is written into files and databases: it stays as it is. The value was computed apart from
    /// this crate, with Python's `hmac` and `cryptography`.
    #[test]
    fn the_format_never_drifts() {
        let golden = "2222222222222222222222222222222222222222222222222222222222222222\
                      e6541236701d39232b9a1d72dadb5af1eec8b074d07df00fee66694667";
        let key = Secret::new([0x11; 32]);
        let mut out = Vec::new();
        seal_with(&[0x22; 32], &key, b"label", b"aad", b"the plaintext", &mut out).unwrap();
        assert_eq!(hex::encode(&out), golden);
        assert_eq!(open(&key, b"label", b"aad", &out).unwrap().expose(), b"the plaintext");
    }
}
