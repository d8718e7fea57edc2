//! Encryption by a partition's pairs, and secrets that they share with others.

use strongroom_crypto::digest::Hash;
use strongroom_crypto::ec;
use strongroom_crypto::ml_kem::{self, Encapsulated};
use strongroom_crypto::rsa;
use strongroom_secret::SecretBytes;

use crate::opened::Opened;
use crate::{HsmError, OpenedKey, Usage};

impl OpenedKey {
    /// Encrypts by RSA-OAEP with `hash`, for MGF1 too, and an empty label (RFC 8017).
    pub fn encrypt_oaep(&self, hash: Hash, plaintext: &[u8]) -> Result<Vec<u8>, HsmError> {
        let key = self.rsa(Usage::ENCRYPT)?.public_key();
        if plaintext.len() > key.oaep_capacity(hash) {
            return Err(HsmError::InvalidMessage);
        }
        Ok(key.encrypt_oaep(hash, &[], plaintext)?)
    }

    /// Decrypts what [`encrypt_oaep`](Self::encrypt_oaep) makes. Whatever is wrong with the ciphertext is
    /// [`HsmError::InvalidCiphertext`].
    pub fn decrypt_oaep(&self, hash: Hash, ciphertext: &[u8]) -> Result<SecretBytes, HsmError> {
        let key = self.rsa(Usage::DECRYPT)?;
        if ciphertext.len() != key.modulus_length() {
            return Err(HsmError::InvalidCiphertext);
        }
        key.decrypt_oaep(hash, &[], ciphertext).map_err(|_| HsmError::InvalidCiphertext)
    }

    /// Agrees on a secret with the owner of the point `peer` (SEC 1, 2.3.4): the X coordinate, as long as the field
    /// (SP 800-56A, 5.7.1.2).
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes, HsmError> {
        let Opened::Ec(key) = self.permitted(Usage::AGREE)? else { return Err(HsmError::NotForThisKey) };
        let peer = ec::PublicKey::from_point(key.curve(), peer).map_err(|_| HsmError::InvalidPeer)?;
        Ok(key.agree(&peer)?)
    }

    /// Makes a secret and encapsulates it with the public half (FIPS 203).
    pub fn encapsulate(&self) -> Result<Encapsulated, HsmError> {
        Ok(self.ml_kem(Usage::ENCAPSULATE)?.public_key().encapsulate()?)
    }

    /// Takes the secret out of a ciphertext. One of another length is [`HsmError::InvalidCiphertext`]; one that was
    /// changed gives a secret that nobody else has (FIPS 203).
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, HsmError> {
        let key = self.ml_kem(Usage::DECAPSULATE)?;
        if ciphertext.len() != key.public_key().parameter_set().ciphertext_length() {
            return Err(HsmError::InvalidCiphertext);
        }
        Ok(key.decapsulate(ciphertext)?)
    }

    fn rsa(&self, operation: Usage) -> Result<&rsa::PrivateKey, HsmError> {
        match self.permitted(operation)? {
            Opened::Rsa(key) => Ok(key),
            _ => Err(HsmError::NotForThisKey),
        }
    }

    fn ml_kem(&self, operation: Usage) -> Result<&ml_kem::PrivateKey, HsmError> {
        match self.permitted(operation)? {
            Opened::MlKem(key) => Ok(key),
            _ => Err(HsmError::NotForThisKey),
        }
    }
}
