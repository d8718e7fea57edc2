//! Encryption under a key per message, with key commitment.
//!
//! From the key's material and the ciphertext's header, random nonce included, SP 800-108 derives an
//! AES-256-GCM key and a commitment: label = suite, context = header, output = key || commitment. Every
//! message has its own key, so one material may encrypt without a limit; and a ciphertext opens under one
//! material only, which AES-GCM alone does not promise. The associated data is the header and the encoded
//! encryption context.

use strongroom_crypto::aead::{Aes256Gcm, NONCE_LENGTH, TAG_LENGTH};
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_crypto::{CryptoError, random};
use strongroom_secret::{Key256, Secret, SecretBytes, constant_time_eq};

use crate::blob::{self, Blob};
use crate::opened::Opened;
use crate::{BlobHeader, EncryptionContext, HsmError, LONGEST_PLAINTEXT, OpenedKey, Usage};

/// AES-256-GCM under a derived key, with commitment: the suite that a ciphertext's start names.
const SUITE_LABEL: &[u8] = b"strongroom/aes-256-gcm-committed/1";

impl OpenedKey {
    /// Encrypts `plaintext`, at most [`LONGEST_PLAINTEXT`] bytes, under a key derived for it alone.
    ///
    /// `names` stands in the ciphertext in the clear ([`parse_header`](crate::parse_header)), authenticated.
    pub fn encrypt_derived(
        &self,
        names: &BlobHeader<'_>,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, HsmError> {
        let material = self.derivation_key(Usage::ENCRYPT_DERIVED)?;
        // Drawn at once: asking the generator takes longer than what it gives.
        let drawn: [u8; blob::NONCE_LENGTH + NONCE_LENGTH] = random::bytes()?;
        let (Some(nonce), Some(iv)) = (drawn.first_chunk(), drawn.last_chunk()) else {
            return Err(CryptoError.into());
        };
        let header = names.encode(nonce)?;
        seal(material, &header, iv, context, plaintext)
    }

    /// Decrypts what [`encrypt_derived`](Self::encrypt_derived) made.
    ///
    /// Whatever is wrong with the ciphertext, or with the context it is given, is
    /// [`HsmError::InvalidCiphertext`].
    pub fn decrypt_derived(&self, blob: &[u8], context: &EncryptionContext) -> Result<SecretBytes, HsmError> {
        let material = self.derivation_key(Usage::DECRYPT_DERIVED)?;
        let blob = Blob::parse(blob)?;
        open(material, &blob, context).map_err(|CryptoError| HsmError::InvalidCiphertext)
    }

    fn derivation_key(&self, operation: Usage) -> Result<&[u8], HsmError> {
        match self.permitted(operation)? {
            Opened::Aes(key) => Ok(key.expose()),
            _ => Err(HsmError::NotForThisKey),
        }
    }
}

fn seal(
    material: &[u8],
    header: &[u8],
    iv: &[u8; NONCE_LENGTH],
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, HsmError> {
    if plaintext.len() > LONGEST_PLAINTEXT {
        return Err(HsmError::PlaintextTooLong);
    }
    let message = MessageKeys::derive(material, header)?;
    let length = header.len() + iv.len() + message.commitment().len() + plaintext.len() + TAG_LENGTH;
    let mut blob = Vec::with_capacity(length);
    blob.extend_from_slice(header);
    blob.extend_from_slice(iv);
    blob.extend_from_slice(message.commitment());
    message.cipher()?.seal_into(iv, &associated_data(header, context), plaintext, &mut blob)?;
    Ok(blob)
}

fn open(material: &[u8], blob: &Blob<'_>, context: &EncryptionContext) -> Result<SecretBytes, CryptoError> {
    let message = MessageKeys::derive(material, blob.header)?;
    if !constant_time_eq(message.commitment(), blob.commitment) {
        return Err(CryptoError);
    }
    message.cipher()?.open(blob.iv, &associated_data(blob.header, context), blob.body_and_tag)
}

fn associated_data(header: &[u8], context: &EncryptionContext) -> Vec<u8> {
    [header, context.encoded()].concat()
}

/// The key of one message, followed by its commitment.
struct MessageKeys(Secret<[u8; 64]>);

impl MessageKeys {
    fn derive(material: &[u8], header: &[u8]) -> Result<Self, CryptoError> {
        let derived = Secret::<[u8; 64]>::filled(|bytes| {
            sp800_108_counter_hmac_sha256(material, SUITE_LABEL, header, bytes)
        })?;
        Ok(Self(derived))
    }

    fn cipher(&self) -> Result<Aes256Gcm, CryptoError> {
        Aes256Gcm::new(&Key256::copied_from(&self.0.expose()[..32]).ok_or(CryptoError)?)
    }

    fn commitment(&self) -> &[u8] {
        &self.0.expose()[32..]
    }
}

#[cfg(test)]
mod tests {
    use strongroom_crypto::hex;

    use super::seal;
    use crate::{BlobHeader, EncryptionContext};

    /// The golden ciphertexts under `testdata/` show that old messages open; this shows that new ones are
    /// written as they were. Computed apart from this crate, with Python's `hmac` and `cryptography`.
    #[test]
    fn the_format_never_drifts() {
        let names = BlobHeader { key_id: "golden-key", material_id: &[0x22; 32] };
        let header = names.encode(&[0x33; 16]).unwrap();
        let context = EncryptionContext::new([("b", "2"), ("a", "1")]).unwrap();
        let blob = seal(&[0x11; 32], &header, &[0x44; 12], &context, b"plaintext").unwrap();
        assert_eq!(hex::encode(&blob), GOLDEN);
        assert_eq!(blob.len(), blob.capacity());
    }

    const GOLDEN: &str = "5352435401010a676f6c64656e2d6b65792222222222222222222222222222222222222222222222\
        22222222222222222233333333333333333333333333333333444444444444444444444444ed2187\
        d8023c8ff77a5e5e3136557effb648c7329e7937d7d5f8a90beba921d666c2dbed207b305747a5be\
        aa007553cb21b79f6e3d42a45e86";
}
