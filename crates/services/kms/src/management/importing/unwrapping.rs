//! Materials taken out of what they are wrapped in.

use strongroom_crypto::aes::AesKey;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{CryptoError, random, rsa};
use strongroom_secret::SecretBytes;

use super::token::Wrapping;

/// The length of the AES key that [`no_key`] stands in for.
const AES_KEY_LENGTH: usize = 32;

/// Takes a material out. Whatever is wrong with it, the error is the same, and the way to it: where there is no AES key
/// to be found, one that fits nothing takes its place.
pub(super) fn unwrap(wrapping: &Wrapping, wrapped: &[u8]) -> Result<SecretBytes, CryptoError> {
    let key = rsa::PrivateKey::from_pkcs8(wrapping.private_key.expose())?;
    let hash = if wrapping.algorithm.hashes_by_sha1() { Hash::Sha1 } else { Hash::Sha256 };
    if !wrapping.algorithm.is_key_wrap() {
        return key.decrypt_oaep(hash, b"", wrapped);
    }
    // RSA_AES_KEY_WRAP is PKCS#11's CKM_RSA_AES_KEY_WRAP: the AES key by OAEP, as long as the modulus, and the material
    // by RFC 5649 behind it.
    let (aes_key, material) = wrapped.split_at_checked(key.modulus_length()).ok_or(CryptoError)?;
    let stand_in = no_key()?;
    let aes_key = key.decrypt_oaep(hash, b"", aes_key).and_then(|aes_key| AesKey::new(aes_key.expose()));
    let (is_key, aes_key) = match aes_key {
        Ok(aes_key) => (true, aes_key),
        Err(_) => (false, stand_in),
    };
    let material = aes_key.unwrap_kwp(material);
    if is_key { material } else { Err(CryptoError) }
}

/// A key that wrapped nothing.
fn no_key() -> Result<AesKey, CryptoError> {
    AesKey::new(&random::bytes::<AES_KEY_LENGTH>()?)
}
