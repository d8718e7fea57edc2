//! HPKE (RFC 9180) in one suite and one mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; base mode,
//! single shot.
//!
//! Base mode says nothing of who sealed: what is sealed is authenticated by what it is sent in, or by what
//! `info` and `aad` bind. Start from [`PrivateKey::generate`] at the receiver and [`seal`] at the sender.

use std::fmt;

use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey};
use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
use strongroom_secret::{Key256, Secret, SecretBytes};

use crate::CryptoError;
use crate::aead::{Aes256Gcm, NONCE_LENGTH};
use crate::hmac::HmacSha256;

/// The length of a public key and of an encapsulated one, in bytes: a point, uncompressed.
pub const PUBLIC_KEY_LENGTH: usize = 65;
/// How many bytes longer than its plaintext a sealed message is.
pub const OVERHEAD: usize = PUBLIC_KEY_LENGTH + crate::aead::TAG_LENGTH;

/// `"KEM" || 0x0010`.
const KEM_SUITE: &[u8] = b"KEM\x00\x10";
/// `"HPKE" || 0x0010 || 0x0001 || 0x0002`.
const HPKE_SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x02";
const MODE_BASE: u8 = 0;

/// A receiver's private key.
pub struct PrivateKey {
    key: agreement::PrivateKey,
    public: [u8; PUBLIC_KEY_LENGTH],
}

impl PrivateKey {
    /// Makes a key.
    pub fn generate() -> Result<Self, CryptoError> {
        Self::new(agreement::PrivateKey::generate(&ECDH_P256)?)
    }

    /// Takes the 32 bytes that [`to_bytes`](Self::to_bytes) gives (RFC 9180, `SerializePrivateKey`).
    pub fn from_bytes(bytes: &Key256) -> Result<Self, CryptoError> {
        Self::new(agreement::PrivateKey::from_private_key(&ECDH_P256, bytes.expose())?)
    }

    fn new(key: agreement::PrivateKey) -> Result<Self, CryptoError> {
        let public = key.compute_public_key()?.as_ref().try_into().map_err(|_| CryptoError)?;
        Ok(Self { key, public })
    }

    /// The private scalar, big-endian.
    pub fn to_bytes(&self) -> Result<Key256, CryptoError> {
        let bytes: EcPrivateKeyBin<'_> = self.key.as_be_bytes()?;
        Secret::copied_from(bytes.as_ref()).ok_or(CryptoError)
    }

    /// The public key, to be given to senders.
    #[must_use]
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_LENGTH] {
        &self.public
    }

    /// Opens what [`seal`] made for this key with the same `info` and `aad`.
    pub fn open(&self, info: &[u8], aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, CryptoError> {
        let (encapsulated, ciphertext) = sealed.split_first_chunk().ok_or(CryptoError)?;
        let shared = self.shared_secret(encapsulated, encapsulated, &self.public)?;
        let (cipher, nonce) = key_schedule(&shared, info)?;
        cipher.open(&nonce, aad, ciphertext)
    }

    /// `ExtractAndExpand(DH(self, peer), enc || pkR)` (RFC 9180, 4.1).
    fn shared_secret(
        &self,
        peer: &[u8; PUBLIC_KEY_LENGTH],
        encapsulated: &[u8; PUBLIC_KEY_LENGTH],
        receiver: &[u8; PUBLIC_KEY_LENGTH],
    ) -> Result<Key256, CryptoError> {
        let context = [encapsulated.as_slice(), receiver].concat();
        agreement::agree(&self.key, UnparsedPublicKey::new(&ECDH_P256, peer), CryptoError, |dh| {
            let prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", dh);
            let mut shared = Secret::new([0; 32]);
            labeled_expand(KEM_SUITE, &prk, b"shared_secret", &context, shared.expose_mut())?;
            Ok(shared)
        })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// Seals `plaintext` so that only the owner of `receiver` opens it: gives the encapsulated key, ciphertext and
/// tag, one after the other. `info` and `aad` are bound to it, not kept in it; a `receiver` that is not a point
/// on the curve is refused.
pub fn seal(receiver: &[u8], info: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
    seal_from(&PrivateKey::generate()?, receiver, info, aad, plaintext)
}

fn seal_from(
    ephemeral: &PrivateKey,
    receiver: &[u8],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let receiver = receiver.try_into().map_err(|_| CryptoError)?;
    let shared = ephemeral.shared_secret(receiver, &ephemeral.public, receiver)?;
    let (cipher, nonce) = key_schedule(&shared, info)?;
    let mut sealed = Vec::with_capacity(OVERHEAD + plaintext.len());
    sealed.extend_from_slice(&ephemeral.public);
    cipher.seal_into(&nonce, aad, plaintext, &mut sealed)?;
    Ok(sealed)
}

/// RFC 9180, 5.1, for the base mode; the nonce is that of the first and only message.
fn key_schedule(shared: &Key256, info: &[u8]) -> Result<(Aes256Gcm, [u8; NONCE_LENGTH]), CryptoError> {
    let id_hash = labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"");
    let info_hash = labeled_extract(HPKE_SUITE, b"", b"info_hash", info);
    let context = [&[MODE_BASE], id_hash.expose().as_slice(), info_hash.expose()].concat();
    let secret = labeled_extract(HPKE_SUITE, shared.expose(), b"secret", b"");
    let mut key = Secret::new([0; 32]);
    labeled_expand(HPKE_SUITE, &secret, b"key", &context, key.expose_mut())?;
    let mut nonce = [0; NONCE_LENGTH];
    labeled_expand(HPKE_SUITE, &secret, b"base_nonce", &context, &mut nonce)?;
    Ok((Aes256Gcm::new(&key)?, nonce))
}

/// `LabeledExtract` (RFC 9180, 4) with HKDF-Extract (RFC 5869, 2.2).
fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Key256 {
    Secret::new(HmacSha256::new(salt).sign(&[b"HPKE-v1", suite, label, ikm]))
}

/// `LabeledExpand` (RFC 9180, 4) with HKDF-Expand (RFC 5869, 2.3), of which one block is enough here.
fn labeled_expand(
    suite: &[u8],
    prk: &Key256,
    label: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    let length = u16::try_from(out.len()).map_err(|_| CryptoError)?.to_be_bytes();
    let block =
        Secret::new(HmacSha256::new(prk.expose()).sign(&[&length, b"HPKE-v1", suite, label, info, &[1]]));
    out.copy_from_slice(block.expose().get(..out.len()).ok_or(CryptoError)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use strongroom_secret::Secret;

    use super::{PrivateKey, seal_from};
    use crate::hex;

    /// RFC 9180's own vector for this suite. The sender's key is random, so it cannot enter through [`seal`].
    ///
    /// [`seal`]: super::seal
    #[test]
    fn the_rfcs_answer() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../testdata/rfc9180_base_p256_aes256gcm.json")).unwrap();
        let vector = &file["tests"][0];
        let bytes = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
        let key = |name| PrivateKey::from_bytes(&Secret::copied_from(&bytes(name)).unwrap()).unwrap();
        let receiver = key("private");
        assert_eq!(receiver.public_key().as_slice(), bytes("public"));
        let (info, aad, plaintext) = (bytes("info"), bytes("aad"), bytes("pt"));
        let sealed = [bytes("enc"), bytes("ct")].concat();
        let again = seal_from(&key("ephemeral"), receiver.public_key(), &info, &aad, &plaintext).unwrap();
        assert_eq!(hex::encode(&again), hex::encode(&sealed));
        assert_eq!(*receiver.open(&info, &aad, &sealed).unwrap().expose(), plaintext);
    }
}
