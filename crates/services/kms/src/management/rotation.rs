//! Keys rotated: on demand, and when it is due.

use strongroom_api_kms::actions;
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;

use super::{KeyManagement, random_id};
use crate::backend::Wanted;
use crate::domain::key::{Key, Material, SharedKey};
use crate::domain::origin::Origin;
use crate::domain::rotation::RotationKind;
use crate::error::Refusal;
use crate::{events, repo};

impl KeyManagement {
    /// Gives a key new material at once. `seen` is the key as the caller
    /// found it; permission is asked for again on the state that the rotation commits on.
    pub(crate) async fn rotate_on_demand(
        &self,
        context: &RequestContext,
        seen: &Authorized<actions::RotateKeyOnDemand, SharedKey>,
    ) -> Result<(), Refusal> {
        let seen = seen.resource();
        seen.expect_rotating(self.settings.strict)?;
        // No material is made for a rotation that would be refused.
        seen.expect_rotatable(context.now_ms)?;
        if seen.origin() == Origin::External {
            return self.rotate_to_import(context, seen).await;
        }
        let kind = RotationKind::OnDemand;
        let material = self.new_material(seen, context.now_ms, kind).await?;
        let copies = &self.copies_of(seen, &material).await?;
        let (event_id, sharing_ids) = (random_id()?, (random_id()?, random_id()?));
        let material = &material;
        let rotated = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load(tx, &self.mac, &seen.home, &seen.id).await?;
                let key = found.ok_or_else(|| Refusal::no_such_key(&seen.arn))?;
                let mut key = self.permit_change::<actions::RotateKeyOnDemand>(context, key)?;
                // Another key may have become the primary one since.
                key.expect_rotating(self.settings.strict)?;
                let former = key.current_material;
                key.rotate_on_demand(context.now_ms, material)?;
                let record = events::rotated(&key, former.as_ref(), kind, context.now_ms, event_id);
                repo::keys::append_material(tx, &self.mac, &key, material).await?;
                self.settle(tx, &key, &material.id).await?;
                repo::keys::replace(tx, &self.mac, &mut key).await?;
                repo::post(tx, context.draft()).await?;
                repo::post(tx, Some(&self.outbox.draft(&record))).await?;
                let shared = self.share_material(tx, &key, copies, context.now_ms, sharing_ids).await?;
                Ok::<_, Refusal>((record, shared))
            })
        });
        let rotated = rotated.await;
        self.forget_related(seen);
        if rotated.is_err() {
            self.discard(&seen.home, seen.store.as_deref(), &material.id).await;
        }
        let (record, shared) = rotated?;
        self.publish(record).await;
        if let Some(shared) = shared {
            self.publish(shared).await;
        }
        Ok(())
    }

    /// Does the automatic rotation of a key that was due at `due_ms`, as of that moment. Nothing happens if
    /// it is not due then any more.
    ///
    /// What fell due while the key's store was not connected is done as of the moment at which it was connected
    /// again, and once.
    pub(super) async fn rotate_when_due(&self, seen: &Key, due_ms: i64) -> Result<(), Refusal> {
        if !seen.rotates_at(due_ms) {
            return Ok(());
        }
        let done_ms = match &seen.store {
            None => due_ms,
            Some(store) => self.stores.find(&seen.home, store).await?.since_ms.max(due_ms),
        };
        let kind = RotationKind::Automatic;
        let material = &self.new_material(seen, done_ms, kind).await?;
        let copies = &self.copies_of(seen, material).await?;
        let (event_id, sharing_ids) = (random_id()?, (random_id()?, random_id()?));
        let rotated = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load(tx, &self.mac, &seen.home, &seen.id).await?;
                let Some(mut key) = found else { return Ok::<_, Refusal>(None) };
                let former = key.current_material;
                if !key.rotate_when_due(due_ms, done_ms, material) {
                    return Ok(None);
                }
                let record = events::rotated(&key, former.as_ref(), kind, done_ms, event_id);
                repo::keys::append_material(tx, &self.mac, &key, material).await?;
                self.settle(tx, &key, &material.id).await?;
                repo::keys::replace(tx, &self.mac, &mut key).await?;
                repo::post(tx, Some(&self.outbox.draft(&record))).await?;
                let shared = self.share_material(tx, &key, copies, done_ms, sharing_ids).await?;
                Ok(Some((record, shared)))
            })
        });
        let rotated = rotated.await;
        self.forget_related(seen);
        if !matches!(rotated, Ok(Some(_))) {
            self.discard(&seen.home, seen.store.as_deref(), &material.id).await;
        }
        if let Some((record, shared)) = rotated? {
            self.publish(record).await;
            if let Some(shared) = shared {
                self.publish(shared).await;
            }
        }
        Ok(())
    }

    async fn new_material(&self, key: &Key, now_ms: i64, kind: RotationKind) -> Result<Material, Refusal> {
        let wanted = Wanted {
            home: &key.home,
            key_id: &key.id,
            spec: key.spec,
            usage: key.usage,
            material_id: random_id()?,
            now_ms,
        };
        let backend = self.backend(key);
        let material = self.make_material(&*backend, key.store.as_deref(), &wanted).await?;
        Ok(Material { rotation: Some(kind), ..material })
    }
}
