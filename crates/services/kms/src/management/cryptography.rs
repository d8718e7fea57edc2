//! Cryptography with keys, where their backend does it.

use strongroom_api_kms::actions;
use strongroom_hsm_core::EncryptionContext;
use strongroom_identity::{Action, RequestContext};
use strongroom_policy::Authorized;
use strongroom_secret::SecretBytes;

use super::KeyManagement;
use crate::backend::{DataKey, ReEncryption};
use crate::domain::identifier::Home;
use crate::domain::key::{Key, Material, MaterialId, SharedKey};
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
impl Encrypts for actions::GenerateDataKeyPair {}
impl Encrypts for actions::GenerateDataKeyPairWithoutPlaintext {}
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
        self.backend(key).encrypt(key, self.usable(key)?, context, plaintext).await
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
        self.backend(key).decrypt(key, self.usable_of(key, material_id)?, context, blob).await
    }

    /// Makes a data key of `length` bytes under the key's current material.
    pub(crate) async fn generate_data_key<A: Encrypts>(
        &self,
        key: &Authorized<A, SharedKey>,
        context: &EncryptionContext,
        length: usize,
        want_plaintext: bool,
    ) -> Result<DataKey, Refusal> {
        let key = key.resource();
        self.backend(key).generate_data_key(key, self.usable(key)?, context, length, want_plaintext).await
    }

    /// Decrypts with the material that the ciphertext names, and encrypts under the current material of
    /// another key: inside their backend, if it is one.
    pub(crate) async fn re_encrypt(
        &self,
        (from, material_id): (&Authorized<ReEncryptFrom, SharedKey>, &MaterialId),
        from_context: &EncryptionContext,
        blob: &[u8],
        to: &Authorized<ReEncryptTo, SharedKey>,
        to_context: &EncryptionContext,
    ) -> Result<Vec<u8>, Refusal> {
        let (source, destination) = (from.resource(), to.resource());
        if source.place() != destination.place() {
            let plaintext = self.decrypt(from, material_id, from_context, blob).await?;
            return self.encrypt(to, to_context, plaintext.expose()).await;
        }
        let what = ReEncryption {
            from: (source, self.usable_of(source, material_id)?),
            from_context,
            blob,
            to: (destination, self.usable(destination)?),
            to_context,
        };
        self.backend(source).re_encrypt(&what).await
    }

    /// Random bytes of a custom key store's cluster, or of this process.
    pub(crate) async fn random(
        &self,
        context: &RequestContext,
        store: Option<&str>,
        length: usize,
    ) -> Result<SecretBytes, Refusal> {
        let backend = self.backend_in(&Home::of(context), store).await?;
        backend.random(length).await.map_err(Refusal::of_key_store)
    }

    /// The material that encrypts; of a key that does not rotate the only one.
    pub(super) fn usable<'k>(&self, key: &'k Key) -> Result<&'k Material, Refusal> {
        let current = key.current();
        let material = current.ok_or_else(|| Refusal::internal("a key is without its current material"))?;
        self.unexpired(key, material)
    }

    /// The material that a ciphertext names.
    fn usable_of<'k>(&self, key: &'k Key, material_id: &MaterialId) -> Result<&'k Material, Refusal> {
        self.unexpired(key, key.material(material_id).ok_or(Refusal::InvalidCiphertext)?)
    }

    /// Imported materials vanish when they are due, also where nobody has got round to it.
    fn unexpired<'k>(&self, key: &'k Key, material: &'k Material) -> Result<&'k Material, Refusal> {
        if material.expires_ms().is_some() {
            key.expect_unexpired(material, self.clocks.domain_now())?;
        }
        Ok(material)
    }
}
