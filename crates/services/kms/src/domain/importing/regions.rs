//! Imported materials of multi-Region keys: each Region is brought them by itself, and the key rotates when all have one
//! (KMS Developer Guide, "Importing key material into multi-Region keys").

use super::MaterialChange;
use crate::domain::import::{ImportStage, Imported};
use crate::domain::key::{Held, Key, Material, MaterialId};

impl Key {
    /// Does in a replica what has changed in its primary key: of a new material it learns, and one that is gone before it
    /// was rotated to is gone here too. `None` if it is none of the replica's business.
    pub(crate) fn follow(&mut self, change: &MaterialChange) -> Option<MaterialChange> {
        let follows = match change {
            MaterialChange::Added(material) => {
                let known =
                    Imported { stage: material.import.as_ref()?.stage, expires_ms: None, description: None };
                let held = Held::Absent { public: material.public_key().map(<[u8]>::to_vec) };
                let known = Material { held, import: Some(known), ..material.clone() };
                self.materials.push(known.clone());
                MaterialChange::Added(known)
            }
            MaterialChange::Removed(id) => {
                let position = self.materials.iter().position(|material| material.id == *id)?;
                MaterialChange::Removed(self.materials.remove(position).id)
            }
            MaterialChange::Replaced(_) => return None,
        };
        self.review_materials();
        Some(follows)
    }

    /// Has what waits for a rotation wait for a Region that becomes one of the key's, too.
    ///
    /// Only for keys whose materials are loaded.
    pub(crate) fn wait_for_regions(&mut self) -> Vec<MaterialChange> {
        let mut changes = Vec::new();
        for material in &mut self.materials {
            let import = material.import.as_mut();
            if let Some(import) = import.filter(|import| import.stage == ImportStage::PendingRotation) {
                import.stage = ImportStage::PendingRegions;
                changes.push(MaterialChange::Replaced(material.clone()));
            }
        }
        changes
    }

    /// Lets a material be rotated to that all Regions have now.
    pub(crate) fn end_wait_for_regions(&mut self, id: &MaterialId) -> Option<MaterialChange> {
        let material = self.materials.iter_mut().find(|material| material.id == *id)?;
        let import = material.import.as_mut().filter(|import| import.stage == ImportStage::PendingRegions)?;
        import.stage = ImportStage::PendingRotation;
        Some(MaterialChange::Replaced(material.clone()))
    }

    /// Has a replica encrypt with the material that its primary key has rotated to, from the same moment on.
    pub(crate) fn follow_rotation(&mut self, primary: &Self) -> Option<MaterialChange> {
        let rotated = primary.current()?;
        let material = self.materials.iter_mut().find(|material| material.id == rotated.id)?;
        material.become_current(rotated.created_ms, None);
        let change = MaterialChange::Replaced(material.clone());
        self.current_material = Some(rotated.id);
        self.review_materials();
        Some(change)
    }
}

/// Whether every one of the keys has that material at that time.
pub(crate) fn all_have<'k>(mut keys: impl Iterator<Item = &'k Key>, id: &MaterialId, now_ms: i64) -> bool {
    keys.all(|key| key.material(id).is_some_and(|material| material.is_there() && !material.is_over(now_ms)))
}
