//! Where a key's cryptography is done.

mod built_in;

use async_trait::async_trait;
use strongroom_hsm_core::EncryptionContext;
use strongroom_secret::{Key256, SecretBytes};

pub(crate) use self::built_in::BuiltIn;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, Material};
use crate::error::Refusal;

/// A place that holds keys and computes with them. KMS asks it for every operation on a key's material and
/// never learns the material itself.
#[async_trait]
pub(crate) trait KeyBackend: Send + Sync {
    /// Makes a material for a key that lives at `home`.
    async fn generate(&self, home: &Home, key_id: &str, now_ms: i64) -> Result<Material, Refusal>;

    /// Makes a material out of a key that was made elsewhere.
    async fn take_in(
        &self,
        home: &Home,
        key_id: &str,
        chosen: &Key256,
        now_ms: i64,
    ) -> Result<Material, Refusal>;

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
}
