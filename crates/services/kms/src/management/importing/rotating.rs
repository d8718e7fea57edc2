//! Keys rotated to materials that their owners have brought.

use strongroom_api_kms::actions;
use strongroom_identity::RequestContext;

use crate::KeyManagement;
use crate::domain::key::Key;
use crate::domain::rotation::RotationKind;
use crate::error::Refusal;
use crate::management::random_id;
use crate::{events, repo};

impl KeyManagement {
    /// Has a key encrypt with the material that was brought for that. Permission is asked for on the state that the
    /// rotation commits on.
    pub(in crate::management) async fn rotate_to_import(
        &self,
        context: &RequestContext,
        seen: &Key,
    ) -> Result<(), Refusal> {
        let (event_id, sharing_ids) = (random_id()?, (random_id()?, random_id()?));
        let rotated = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load_whole(tx, &self.mac, &seen.home, &seen.id).await?;
                let key = found.ok_or_else(|| Refusal::no_such_key(&seen.arn))?;
                let key = self.permit_change::<actions::RotateKeyOnDemand>(context, key)?;
                // Another key may have become the primary one since.
                key.expect_rotating(self.settings.strict)?;
                let mut family = self.family(tx, key).await?;
                let former = family.key.current_material;
                let change = family.key.rotate_to_import(context.now_ms)?;
                let kind = RotationKind::OnDemand;
                let record = events::rotated(&family.key, former.as_ref(), kind, context.now_ms, event_id);
                family.rotated(change);
                let key = self.write_family(tx, family).await?;
                repo::post(tx, context.draft()).await?;
                repo::post(tx, Some(&self.outbox.draft(&record))).await?;
                let shared = self.note_shared(tx, &key, context.now_ms, sharing_ids).await?;
                Ok::<_, Refusal>((record, shared))
            })
        });
        let rotated = rotated.await;
        self.forget_related(seen);
        let (record, shared) = rotated?;
        self.publish(record).await;
        if let Some(shared) = shared {
            self.publish(shared).await;
        }
        Ok(())
    }
}
