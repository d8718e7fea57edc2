//! Where a key's cryptography is done.

mod built_in;

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_hsm_core::EncryptionContext;
use strongroom_secret::{Key256, SecretBytes};

pub(crate) use self::built_in::BuiltIn;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, Material, MaterialId};
use crate::domain::spec::{KeySpec, KeyUsage};
use crate::error::Refusal;

/// A material that shall be made, and the key that it is for.
pub(crate) struct Wanted<'w> {
    pub(crate) home: &'w Home,
    pub(crate) key_id: &'w str,
    pub(crate) spec: KeySpec,
    pub(crate) usage: KeyUsage,
    /// The id that the material gets, unless the backend derives one from the material itself.
    pub(crate) material_id: MaterialId,
    /// Now, in milliseconds since 1970.
    pub(crate) now_ms: i64,
}

/// A ciphertext that shall become one under another key, or for another context.
pub(crate) struct ReEncryption<'r> {
    pub(crate) from: (&'r Key, &'r Material),
    pub(crate) from_context: &'r EncryptionContext,
    pub(crate) blob: &'r [u8],
    pub(crate) to: (&'r Key, &'r Material),
    pub(crate) to_context: &'r EncryptionContext,
}

/// A data key, encrypted, and in the clear if that was asked for.
pub(crate) struct DataKey {
    pub(crate) plaintext: Option<SecretBytes>,
    pub(crate) blob: Vec<u8>,
}

/// A place that holds keys and computes with them. KMS asks it for every operation on a key's material and
/// never learns the material itself.
#[async_trait]
pub(crate) trait KeyBackend: Send + Sync {
    /// Whether it makes keys of that spec for that usage.
    fn offers(&self, spec: KeySpec, usage: KeyUsage) -> bool;

    /// Makes a material.
    async fn generate(&self, wanted: &Wanted<'_>) -> Result<Material, Refusal>;

    /// Makes a material out of a key that was made elsewhere.
    async fn take_in(&self, _wanted: &Wanted<'_>, _chosen: &Key256) -> Result<Material, Refusal> {
        Err(Refusal::NotYet("chosen key material outside the built-in partitions"))
    }

    /// Lets a deleted key go from memory.
    fn forget(&self, key: &Key);

    /// Lets everything go from memory.
    fn clear(&self);

    /// Encrypts under a material of the key: a key of its own for each message, and a commitment to it.
    async fn encrypt(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal>;

    /// Decrypts what [`KeyBackend::encrypt`] made of the same key, material and context.
    async fn decrypt(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        blob: &[u8],
    ) -> Result<SecretBytes, Refusal>;

    /// Makes `length` random bytes and encrypts them.
    async fn generate_data_key(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        length: usize,
        want_plaintext: bool,
    ) -> Result<DataKey, Refusal> {
        let plaintext = self.random(length).await?;
        let blob = self.encrypt(key, material, context, plaintext.expose()).await?;
        Ok(DataKey { plaintext: want_plaintext.then_some(plaintext), blob })
    }

    /// Decrypts and encrypts again, where both keys are of this backend.
    async fn re_encrypt(&self, what: &ReEncryption<'_>) -> Result<Vec<u8>, Refusal> {
        let (key, material) = what.from;
        let plaintext = self.decrypt(key, material, what.from_context, what.blob).await?;
        let (key, material) = what.to;
        self.encrypt(key, material, what.to_context, plaintext.expose()).await
    }

    /// Makes random bytes.
    async fn random(&self, length: usize) -> Result<SecretBytes, Refusal>;
}

/// The backends of a service, each found by the place where a key's materials are.
pub(crate) struct Backends {
    built_in: Arc<dyn KeyBackend>,
}

impl Backends {
    /// Backends with the partitions of this node.
    pub(crate) fn new(built_in: BuiltIn) -> Self {
        Self { built_in: Arc::new(built_in) }
    }

    /// The backend of keys at `home` in that custom key store, or in none.
    pub(crate) fn of(&self, _home: &Home, store: Option<&str>) -> Result<Arc<dyn KeyBackend>, Refusal> {
        match store {
            None => Ok(self.built_in.clone()),
            Some(store) => Err(Refusal::NoSuchKeyStore(store.to_owned())),
        }
    }

    /// Lets everything go from memory.
    pub(crate) fn clear(&self) {
        self.built_in.clear();
    }
}
