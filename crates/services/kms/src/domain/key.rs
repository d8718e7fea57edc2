//! Keys: what they are, and what their state allows.

use strongroom_hsm_core::TokenRef;
use strongroom_identity::AccountId;
use strongroom_policy::Resource;

use super::identifier::Home;

/// The state of a key (KMS Developer Guide, "Key states of AWS KMS keys").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    Enabled,
}

impl KeyState {
    /// The state as the API and the store write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
        }
    }

    /// Reads a stored state.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Enabled].into_iter().find(|state| state.as_str() == text)
    }
}

/// A key with its materials: everything that an operation needs to know of it.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) home: Home,
    pub(crate) id: String,
    pub(crate) arn: String,
    /// Counts changes; a writer that saw another version has lost.
    pub(crate) version: i64,
    pub(crate) state: KeyState,
    pub(crate) description: String,
    pub(crate) created_ms: i64,
    /// The material that encrypts, by id.
    pub(crate) current_material: MaterialId,
    /// All materials: older ones still decrypt.
    pub(crate) materials: Vec<Material>,
}

/// The id of a key's material: 32 bytes, shown as 64 hexadecimal digits.
pub(crate) type MaterialId = [u8; 32];

/// One material of a key, sealed for the partition it lives in.
#[derive(Clone, Debug)]
pub(crate) struct Material {
    pub(crate) id: MaterialId,
    /// The token that is in force: the partition's handle of the key inside, and the token's digest.
    pub(crate) reference: TokenRef,
    pub(crate) token: Vec<u8>,
    pub(crate) created_ms: i64,
}

impl Key {
    /// The material of that id.
    pub(crate) fn material(&self, id: &MaterialId) -> Option<&Material> {
        self.materials.iter().find(|material| material.id == *id)
    }

    /// The material that encrypts.
    pub(crate) fn current(&self) -> Option<&Material> {
        self.material(&self.current_material)
    }
}

/// A key as the cache and the operations under way share it.
pub(crate) type SharedKey = std::sync::Arc<Key>;

impl Resource for Key {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }
}
