//! Keys: what they are.

use strongroom_hsm_core::TokenRef;

use super::access::KeyPolicy;
use super::identifier::Home;
use super::rotation::{RotationKind, Schedule};
use super::tags::Tags;
use crate::cache::Weighed;

/// The state of a key (KMS Developer Guide, "Key states of AWS KMS keys").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    Enabled,
    Disabled,
    PendingDeletion {
        /// When it is deleted, milliseconds since 1970.
        due_ms: i64,
    },
}

impl KeyState {
    /// The state as the API and the store write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion { .. } => "PendingDeletion",
        }
    }

    /// Reads a stored state; `deletion_ms` is stored beside it.
    pub(crate) fn parse(text: &str, deletion_ms: Option<i64>) -> Option<Self> {
        match (text, deletion_ms) {
            ("Enabled", None) => Some(Self::Enabled),
            ("Disabled", None) => Some(Self::Disabled),
            ("PendingDeletion", Some(due_ms)) => Some(Self::PendingDeletion { due_ms }),
            _ => None,
        }
    }

    /// When a key in this state is deleted.
    pub(crate) fn deletion_ms(self) -> Option<i64> {
        match self {
            Self::PendingDeletion { due_ms } => Some(due_ms),
            Self::Enabled | Self::Disabled => None,
        }
    }
}

/// Who looks after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// The account that owns it.
    Customer,
    /// An AWS service, for the account; by its short name, as in `alias/aws/<name>`.
    Service(String),
}

/// A key with its materials: everything that an operation needs to know of it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) home: Home,
    pub(crate) id: String,
    pub(crate) arn: String,
    /// Counts changes; a writer that saw another version has lost.
    pub(crate) version: i64,
    pub(crate) manager: Manager,
    pub(crate) state: KeyState,
    pub(crate) description: String,
    pub(crate) created_ms: i64,
    pub(crate) policy: KeyPolicy,
    pub(crate) tags: Tags,
    /// Automatic rotation, if it is on.
    pub(crate) rotation: Option<Schedule>,
    /// Rotations on demand so far.
    pub(crate) on_demand_rotations: u32,
    /// The material that encrypts, by id.
    pub(crate) current_material: MaterialId,
    /// All materials, oldest first: older ones still decrypt.
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
    /// When it was made, which for all but the first is when the key was rotated.
    pub(crate) created_ms: i64,
    /// Which kind of rotation made it; `None` for the first.
    pub(crate) rotation: Option<RotationKind>,
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

    /// When the key next changes by itself, in milliseconds since 1970: it is deleted, or rotated.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        match self.state {
            KeyState::Enabled => self.rotation.map(|schedule| schedule.next_ms),
            KeyState::Disabled => None,
            KeyState::PendingDeletion { due_ms } => Some(due_ms),
        }
    }
}

impl Weighed for Key {
    fn weight(&self) -> usize {
        let texts = [&self.id, &self.arn, &self.description].map(String::len).iter().sum::<usize>();
        let policy = self.policy.weight();
        let tokens: usize =
            self.materials.iter().map(|material| size_of::<Material>() + material.token.len()).sum();
        size_of::<Self>() + texts + policy + self.tags.weight() + tokens
    }
}

/// A key as the cache and the operations under way share it.
pub(crate) type SharedKey = std::sync::Arc<Key>;
