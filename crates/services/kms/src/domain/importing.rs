//! What becomes of a key whose materials its owner brings, when he does, takes one away, or one expires (KMS API
//! Reference, ImportKeyMaterial and DeleteImportedKeyMaterial).

mod regions;

use strongroom_crypto::hex;

pub(crate) use self::regions::all_have;
use super::import::{ImportStage, Imported};
use super::key::{Key, Material, MaterialId};
use super::origin::Origin;
use crate::error::Refusal;

/// The member that names one of a key's materials.
const MATERIAL_ID: &str = "KeyMaterialId";

/// What a caller says of the material that he brings.
#[derive(Clone, Debug)]
pub(crate) struct ImportTerms {
    /// Whether it is new to the key, or known; `None` if he does not say.
    pub(crate) is_new: Option<bool>,
    /// The one that it is to be.
    pub(crate) expected: Option<MaterialId>,
    /// When it expires, milliseconds since 1970; `None` if it does not.
    pub(crate) expires_ms: Option<i64>,
    /// What he says of it; `None` keeps what he said before.
    pub(crate) description: Option<String>,
}

/// What changes among a key's materials.
#[derive(Debug)]
pub(crate) enum MaterialChange {
    /// It has one more.
    Added(Material),
    /// One is another than before.
    Replaced(Material),
    /// One is gone that never was its for good.
    Removed(MaterialId),
}

impl Key {
    /// Refuses what is about imported materials to a key that has none.
    pub(crate) fn expect_imported_origin(&self) -> Result<(), Refusal> {
        match self.origin() {
            Origin::External => Ok(()),
            _ => Err(self.wrong_origin()),
        }
    }

    /// Refuses materials to a key that takes none now.
    pub(crate) fn expect_importable(&self) -> Result<(), Refusal> {
        self.expect_imported_origin()?;
        self.expect_made()?;
        self.expect_staying()
    }

    /// Refuses to say of a material what is said of those of symmetric keys only, or of primary keys. (Of AWS's texts
    /// nothing is known.)
    pub(crate) fn expect_sayable(&self, terms: &ImportTerms) -> Result<(), Refusal> {
        if self.is_replica() && terms.is_new == Some(true) {
            return Err(Refusal::Unsupported(Some(format!(
                "New key material cannot be imported into the replica key {}. Import it into the primary key first.",
                self.arn
            ))));
        }
        if self.is_replica() && terms.description.is_some() {
            return Err(Refusal::Validation(
                "KeyMaterialDescription is only valid for the primary key of a multi-Region key.".to_owned(),
            ));
        }
        self.expect_sayable_of_spec([
            ("ImportType", terms.is_new.is_some()),
            ("KeyMaterialDescription", terms.description.is_some()),
            (MATERIAL_ID, terms.expected.is_some()),
        ])
    }

    /// Refuses the first of the members that is said of a key of a spec of which it is not said.
    fn expect_sayable_of_spec<const N: usize>(&self, says: [(&str, bool); N]) -> Result<(), Refusal> {
        match says.iter().find(|(_, is_said)| *is_said && !self.spec.is_symmetric()) {
            Some((member, _)) => {
                Err(Refusal::Validation(format!("{member} is only valid for symmetric encryption KMS keys.")))
            }
            None => Ok(()),
        }
    }

    /// Whether the material that the caller brings is to be new.
    fn expects_new(&self, terms: &ImportTerms) -> bool {
        terms.is_new.unwrap_or(self.current_material.is_none())
    }

    /// Refuses new material while another waits to be rotated to. (The code is the one for states; the text is ours.)
    pub(crate) fn expect_room_for(&self, terms: &ImportTerms) -> Result<(), Refusal> {
        let is_new = self.expects_new(terms) && self.current_material.is_some();
        if is_new && self.materials.iter().any(|material| !material.is_permanent()) {
            return Err(Refusal::InvalidState(format!(
                "{} has key material pending rotation already. Rotate the key on demand or delete that material first.",
                self.arn
            )));
        }
        Ok(())
    }

    /// Takes a material that its owner has brought. `material` is what has become of it here.
    ///
    /// Only for a key whose materials are loaded.
    pub(crate) fn take_import(
        &mut self,
        terms: &ImportTerms,
        material: Material,
    ) -> Result<MaterialChange, Refusal> {
        self.expect_importable()?;
        self.expect_sayable(terms)?;
        self.expect_room_for(terms)?;
        let (is_new, is_first) = (self.expects_new(terms), self.current_material.is_none());
        if terms.expected.is_some_and(|expected| expected != material.id) {
            return Err(Refusal::IncorrectKeyMaterial);
        }
        let known = self.materials.iter_mut().find(|known| known.id == material.id);
        let change = match (known, is_new) {
            (Some(known), false) => {
                let described = known.import.as_ref().and_then(|known| known.description.clone());
                let stage = known.import.as_ref().map_or(ImportStage::Permanent, |known| known.stage);
                known.import = Some(Imported {
                    stage,
                    expires_ms: terms.expires_ms,
                    description: terms.description.clone().or(described),
                });
                if !known.is_there() {
                    known.held = material.held;
                }
                MaterialChange::Replaced(known.clone())
            }
            (None, true) if is_first || self.spec.is_symmetric() => {
                let stage = match (is_first, self.has_replicas()) {
                    (true, _) => ImportStage::Permanent,
                    (false, true) => ImportStage::PendingRegions,
                    (false, false) => ImportStage::PendingRotation,
                };
                let imported =
                    Imported { stage, expires_ms: terms.expires_ms, description: terms.description.clone() };
                let material = Material { import: Some(imported), ..material };
                if is_first {
                    self.current_material = Some(material.id);
                }
                self.materials.push(material.clone());
                MaterialChange::Added(material)
            }
            (Some(_), true) | (None, _) => return Err(Refusal::IncorrectKeyMaterial),
        };
        self.review_materials();
        Ok(change)
    }

    /// Takes away the material of that id, or the one that encrypts. What belongs to the key for good stays known.
    /// Answers which one it was, if the key ever had any, and what has changed, unless it was away already.
    ///
    /// Only for a key whose materials are loaded.
    pub(crate) fn delete_import(
        &mut self,
        id: Option<&MaterialId>,
    ) -> Result<(Option<MaterialId>, Option<MaterialChange>), Refusal> {
        self.expect_imported_origin()?;
        self.expect_sayable_of_spec([(MATERIAL_ID, id.is_some())])?;
        self.expect_settled()?;
        let Some(id) = id.copied().or(self.current_material) else { return Ok((None, None)) };
        if self.material(&id).is_none() {
            return Err(Refusal::NotFound(format!("Key material {} is not found.", hex::encode(&id))));
        }
        let change = self.without(&id);
        self.review_materials();
        Ok((Some(id), change))
    }

    /// Takes away all materials that have expired by that time.
    ///
    /// Only for a key whose materials are loaded.
    pub(crate) fn expire_imports(&mut self, now_ms: i64) -> Vec<MaterialChange> {
        let expired = self.materials.iter().filter(|material| material.is_over(now_ms));
        let expired: Vec<_> = expired.map(|material| material.id).collect();
        let changes = expired.iter().filter_map(|id| self.without(id)).collect();
        self.review_materials();
        changes
    }

    /// Has the key encrypt with the material that waits for it, which dates from now on.
    ///
    /// Only for a key whose materials are loaded.
    pub(crate) fn rotate_to_import(&mut self, now_ms: i64) -> Result<MaterialChange, Refusal> {
        self.expect_rotatable(now_ms)?;
        let newest_ms = self.materials.iter().filter(|material| material.is_permanent());
        let newest_ms = newest_ms.map(|material| material.created_ms).max();
        let waits = |material: &&mut Material| {
            let stage = material.import.as_ref().map(|import| import.stage);
            material.is_there() && !material.is_over(now_ms) && stage == Some(ImportStage::PendingRotation)
        };
        let Some(material) = self.materials.iter_mut().find(waits) else {
            // The text is AWS's (KMS Developer Guide, "Rotate AWS KMS keys").
            return Err(Refusal::InvalidState(format!(
                "No available key material pending rotation for the key: {}.",
                self.arn
            )));
        };
        material.become_current(now_ms, newest_ms);
        let change = MaterialChange::Replaced(material.clone());
        self.current_material = Some(material.id);
        self.on_demand_rotations += 1;
        self.review_materials();
        Ok(change)
    }

    fn without(&mut self, id: &MaterialId) -> Option<MaterialChange> {
        let position = self.materials.iter().position(|material| material.id == *id)?;
        // A replica goes on to know what its primary key still has.
        if !self.materials.get(position)?.is_permanent() && !self.is_replica() {
            return Some(MaterialChange::Removed(self.materials.remove(position).id));
        }
        let material = self.materials.get_mut(position)?;
        if !material.is_there() {
            return None;
        }
        material.vanish();
        Some(MaterialChange::Replaced(material.clone()))
    }

    /// Refuses a material that has expired, although nobody has taken it away yet.
    pub(crate) fn expect_unexpired(&self, material: &Material, now_ms: i64) -> Result<(), Refusal> {
        if material.is_over(now_ms) { Err(self.pending_import()) } else { Ok(()) }
    }

    /// When the first of the materials expires that belong to the key for good; `None` if none does.
    pub(crate) fn valid_to_ms(&self) -> Option<i64> {
        let permanent = self.materials.iter().filter(|material| material.is_permanent());
        permanent.filter_map(Material::expires_ms).min()
    }

    /// Whether the first of its materials expires at that moment.
    pub(crate) fn expires_at(&self, at_ms: i64) -> bool {
        self.import.is_some_and(|import| import.expires_ms == Some(at_ms))
    }
}
