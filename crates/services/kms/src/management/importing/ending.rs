//! Materials taken away: because their owner wants it, or because their time is over.

use strongroom_api_kms::actions;
use strongroom_identity::RequestContext;

use crate::KeyManagement;
use crate::domain::identifier::{Home, Named};
use crate::domain::key::{Key, MaterialId};
use crate::error::Refusal;
use crate::management::random_id;
use crate::{events, repo};

impl KeyManagement {
    /// Takes away an imported material: the one of that id, or the one that encrypts. Answers the key as it was, and which
    /// material it was, if the key ever had one.
    pub(crate) async fn delete_imported_material(
        &self,
        context: &RequestContext,
        key_id: &str,
        material_id: Option<&MaterialId>,
    ) -> Result<(Key, Option<MaterialId>), Refusal> {
        let (home, key_id) = Named::parse_key_only(context, key_id)?;
        let (home, key_id) = (&home, key_id.as_str());
        let deleted = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load_whole(tx, &self.mac, home, key_id).await?;
                let key = found.ok_or_else(|| Refusal::no_such_key(&Home::of(context).key_arn(key_id)))?;
                let key = self.permit_change::<actions::DeleteImportedKeyMaterial>(context, key)?;
                let before = key.clone();
                let mut family = self.family(tx, key).await?;
                let (id, change) = family.key.delete_import(material_id)?;
                if let Some(change) = change {
                    family.changed(change);
                }
                self.write_family(tx, family).await?;
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>((before, id))
            })
        });
        let deleted = deleted.await;
        self.forget_key(home, key_id);
        self.agenda_changed();
        let (before, id) = deleted?;
        self.forget_related(&before);
        self.backend(&before).forget(&before);
        self.erase_deleted().await;
        Ok((before, id))
    }

    /// Takes away the materials of a key of which the first expired at `due_ms`. Nothing happens if none expires then (any
    /// more).
    pub(in crate::management) async fn expire_when_due(
        &self,
        seen: &Key,
        due_ms: i64,
    ) -> Result<(), Refusal> {
        let record = events::material_expired(seen, due_ms, random_id()?);
        let draft = &self.outbox.draft(&record);
        let expired = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load_whole(tx, &self.mac, &seen.home, &seen.id).await?;
                let Some(key) = found.filter(|key| key.expires_at(due_ms)) else {
                    return Ok::<_, Refusal>(false);
                };
                let mut family = self.family(tx, key).await?;
                for change in family.key.expire_imports(due_ms) {
                    family.changed(change);
                }
                self.write_family(tx, family).await?;
                repo::post(tx, Some(draft)).await?;
                Ok(true)
            })
        });
        let expired = expired.await;
        self.forget_related(seen);
        if expired? {
            self.backend(seen).forget(seen);
            self.erase_deleted().await;
            self.publish(record).await;
        }
        Ok(())
    }

    /// Has the store's files lose what was deleted and committed. Should that fail, it is gone with the next deletion, or
    /// when the store is closed.
    pub(in crate::management) async fn erase_deleted(&self) {
        if let Err(error) = self.db.empty_log().await {
            tracing::warn!(%error, "deleted key material has not left the store's log yet");
        }
    }
}
