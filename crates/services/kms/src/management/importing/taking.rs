//! Materials taken in.

use strongroom_api_kms::actions;
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;
use strongroom_secret::SecretBytes;

use super::unwrapping::unwrap;
use crate::KeyManagement;
use crate::backend::Wanted;
use crate::domain::importing::ImportTerms;
use crate::domain::key::{Key, Material, MaterialId, SharedKey};
use crate::error::Refusal;
use crate::management::random_id;
use crate::repo;

impl KeyManagement {
    /// Takes in a material that comes wrapped, with the token of its wrapping key. `seen` is the key as the caller found it;
    /// permission is asked for again on the state that the import commits on. Answers the material's id.
    ///
    /// What has no effect costs nothing but time: the material is made known to the key in one transaction, or not at all.
    pub(crate) async fn import_material(
        &self,
        context: &RequestContext,
        seen: &Authorized<actions::ImportKeyMaterial, SharedKey>,
        terms: &ImportTerms,
        token: &[u8],
        wrapped: Vec<u8>,
    ) -> Result<MaterialId, Refusal> {
        let seen = seen.resource();
        seen.expect_importable()?;
        seen.expect_sayable(terms)?;
        let material = self.unwrap_material(seen, context.now_ms, token, wrapped).await?;
        seen.expect_room_for(terms)?;
        let material = self.material_of(seen, context.now_ms, &material).await?;
        let material_ref = &material;
        let imported = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load_whole(tx, &self.mac, &seen.home, &seen.id).await?;
                let key = found.filter(|key| key.created_ms == seen.created_ms);
                let key = key.ok_or_else(|| Refusal::no_such_key(&seen.arn))?;
                let key = self.permit_change::<actions::ImportKeyMaterial>(context, key)?;
                let mut family = self.family(tx, key).await?;
                let change = family.key.take_import(terms, material_ref.clone())?;
                family.changed(change);
                family.settle(&material_ref.id, context.now_ms);
                let key = self.write_family(tx, family).await?;
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>(key)
            })
        });
        let imported = imported.await;
        self.forget_key(&seen.home, &seen.id);
        self.agenda_changed();
        self.forget_related(&imported?);
        Ok(material.id)
    }

    /// The material that came wrapped under the key of that token.
    async fn unwrap_material(
        &self,
        key: &Key,
        now_ms: i64,
        token: &[u8],
        wrapped: Vec<u8>,
    ) -> Result<SecretBytes, Refusal> {
        let wrapping = self.import_tokens.open(key, token)?;
        if wrapping.valid_to_ms <= now_ms {
            return Err(Refusal::ExpiredImportToken);
        }
        // Reading a long RSA key and using it takes milliseconds, which no thread of calls is held up for.
        let unwrapping = tokio::task::spawn_blocking(move || unwrap(&wrapping, &wrapped));
        let unwrapped = unwrapping.await.map_err(|error| Refusal::Internal(error.into()))?;
        unwrapped.map_err(|_| Refusal::InvalidCiphertext)
    }

    /// What becomes of a material where the key is. What is no material of the key's spec is refused without saying why.
    async fn material_of(&self, key: &Key, now_ms: i64, bytes: &SecretBytes) -> Result<Material, Refusal> {
        let wanted = Wanted {
            home: &key.home,
            key_id: &key.id,
            spec: key.spec,
            usage: key.usage,
            material_id: random_id()?,
            now_ms,
        };
        self.backend(key).take_in(&wanted, bytes).await.map_err(|refusal| match refusal {
            Refusal::InvalidCiphertext => Refusal::IncorrectKeyMaterial,
            other => other,
        })
    }
}
