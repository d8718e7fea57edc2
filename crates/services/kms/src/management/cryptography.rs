//! Cryptography with keys, where their backend does it.

use strongroom_api_kms::actions;
use strongroom_hsm_core::EncryptionContext;
use strongroom_identity::Action;
use strongroom_policy::Authorized;
use strongroom_secret::SecretBytes;

use super::KeyManagement;
use crate::domain::key::{MaterialId, SharedKey};
use crate::error::Refusal;

/// The permission that ReEncrypt needs on the key that it decrypts with.
pub(crate) struct ReEncryptFrom;

impl Action for ReEncryptFrom {
    const NAME: &'static str = "kms:ReEncryptFrom";
}

/// The permission that ReEncrypt needs on the key that it encrypts under.
pub(crate) struct ReEncryptTo;

impl Action for ReEncryptTo {
    const NAME: &'static str = "kms:ReEncryptTo";
}

/// The actions under which a key encrypts.
pub(crate) trait Encrypts: Action {}

impl Encrypts for actions::Encrypt {}
impl Encrypts for actions::GenerateDataKey {}
impl Encrypts for actions::GenerateDataKeyWithoutPlaintext {}
impl Encrypts for ReEncryptTo {}

/// The actions under which a key decrypts.
pub(crate) trait Decrypts: Action {}

impl Decrypts for actions::Decrypt {}
impl Decrypts for ReEncryptFrom {}

impl KeyManagement {
    /// Encrypts under the key's current material.
    pub(crate) async fn encrypt<A: Encrypts>(
        &self,
        key: &Authorized<A, SharedKey>,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let key = key.resource();
        let material =
            key.current().ok_or_else(|| Refusal::internal("a key is without its current material"))?;
        self.backend.encrypt(key, material, context, plaintext).await
    }

    /// Decrypts with the material that the ciphertext names.
    pub(crate) async fn decrypt<A: Decrypts>(
        &self,
        key: &Authorized<A, SharedKey>,
        material_id: &MaterialId,
        context: &EncryptionContext,
        blob: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let key = key.resource();
        let material = key.material(material_id).ok_or(Refusal::InvalidCiphertext)?;
        self.backend.decrypt(key, material, context, blob).await
    }
}
