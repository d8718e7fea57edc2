//! Where a key's cryptography is done.

mod built_in;

use async_trait::async_trait;
use strongroom_hsm_core::EncryptionContext;
use strongroom_secret::SecretBytes;

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
