//! Imported materials: what is known of them, and what it takes for a key of them to be usable (KMS Developer Guide,
//! "Importing key material").

use super::key::{Held, Key, KeyState, Material};
use super::rotation::RotationKind;

/// What a key has beside others whose materials its owner brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// When the first of its materials expires, milliseconds since 1970; `None` if none does.
    pub(crate) expires_ms: Option<i64>,
    /// Whether all materials that belong to it for good are there. Without one of them it cannot be used.
    pub(crate) is_complete: bool,
}

impl Import {
    /// That of a key to which nothing has been brought yet.
    pub(crate) const AWAITED: Self = Self { expires_ms: None, is_complete: false };
}

/// What is known of a material that was imported, or that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Imported {
    pub(crate) stage: ImportStage,
    /// When it expires, milliseconds since 1970; `None` if it does not, or is not there.
    pub(crate) expires_ms: Option<i64>,
    /// What its owner says of it.
    pub(crate) description: Option<String>,
}

/// How far an imported material is on its way into use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImportStage {
    /// It is or was the one that encrypts, and belongs to its key for good.
    Permanent,
    /// It waits for a rotation on demand, and can still be replaced by another.
    PendingRotation,
    /// The same, and not all Regions of its multi-Region key have it yet.
    PendingRegions,
}

impl ImportStage {
    /// The stage as the store writes it, and the API where it has a word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "PERMANENT",
            Self::PendingRotation => "PENDING_ROTATION",
            Self::PendingRegions => "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
        }
    }

    /// Reads a stored stage.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Permanent, Self::PendingRotation, Self::PendingRegions]
            .into_iter()
            .find(|stage| stage.as_str() == text)
    }
}

impl Material {
    /// Whether it is where it can be used.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self.held, Held::Absent { .. })
    }

    /// Whether it belongs to its key for good.
    pub(crate) fn is_permanent(&self) -> bool {
        self.import.as_ref().is_none_or(|import| import.stage == ImportStage::Permanent)
    }

    /// Takes it away. What is no secret stays.
    pub(super) fn vanish(&mut self) {
        self.held = Held::Absent { public: self.public_key().map(<[u8]>::to_vec) };
        if let Some(import) = &mut self.import {
            import.expires_ms = None;
        }
    }

    /// When it expires, milliseconds since 1970; `None` if it does not, or is not there.
    pub(crate) fn expires_ms(&self) -> Option<i64> {
        self.import.as_ref()?.expires_ms
    }

    /// Whether its end has come, although nobody may have taken it away yet.
    pub(crate) fn is_over(&self, now_ms: i64) -> bool {
        self.expires_ms().is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// Has it be the one that encrypts, from now on: later than the others that its key has for good.
    pub(super) fn become_current(&mut self, now_ms: i64, newest_ms: Option<i64>) {
        self.created_ms = newest_ms.map_or(now_ms, |newest| now_ms.max(newest + 1));
        self.rotation = Some(RotationKind::OnDemand);
        if let Some(import) = &mut self.import {
            import.stage = ImportStage::Permanent;
        }
    }
}

impl Key {
    /// Draws from its materials what they say of it, after one was imported, has expired or was deleted. A key that is
    /// to be deleted stays so; any other is usable as soon as all are there, and not before.
    ///
    /// Only for keys whose materials are loaded.
    pub(crate) fn review_materials(&mut self) {
        let Some(import) = &mut self.import else { return };
        import.expires_ms = self.materials.iter().filter_map(Material::expires_ms).min();
        let was_complete = import.is_complete;
        import.is_complete = self.current_material.is_some()
            && self.materials.iter().filter(|material| material.is_permanent()).all(Material::is_there);
        self.state = match self.state {
            KeyState::PendingDeletion { .. }
            | KeyState::PendingReplicaDeletion { .. }
            | KeyState::Creating { .. } => self.state,
            _ if !import.is_complete => KeyState::PendingImport,
            _ if !was_complete => KeyState::Enabled,
            state => state,
        };
    }
}
