//! New materials, and what is left of them in HSMs when they come to nothing or their key is gone.

use strongroom_store::Tx;

use super::{KeyManagement, random_id};
use crate::backend::{KeyBackend, NotMade, Wanted};
use crate::domain::identifier::Home;
use crate::domain::key::{Key, Material, MaterialId};
use crate::error::Refusal;
use crate::repo::leftovers::Leftover;
use crate::{events, repo};

/// How long after it was begun a new material is looked at that has come to nothing, in milliseconds of domain time.
/// Whoever makes it still may have lost it by then, and no key with it: his call fails, and can be made again. So does
/// one during which the clock is moved so far forward.
const PATIENCE_MS: i64 = 10 * 60 * 1000;

impl KeyManagement {
    /// Makes a material. One that lives outside the store leaves a row before it is made: [`Self::settle`] takes it in
    /// the transaction that gives the material to its key, and else [`Self::discard`] is to be called.
    pub(super) async fn make_material(
        &self,
        backend: &dyn KeyBackend,
        store: Option<&str>,
        wanted: &Wanted<'_>,
    ) -> Result<Material, Refusal> {
        let Some(store) = store.filter(|_| backend.keeps_outside()) else {
            return backend.generate(wanted).await.map_err(NotMade::into_refusal);
        };
        // No row for what cannot be begun.
        backend.expect_reach().await?;
        let leftover = &Leftover {
            home: wanted.home.clone(),
            store: store.to_owned(),
            material_id: wanted.material_id,
            key_id: wanted.key_id.to_owned(),
            condemned: false,
            due_ms: self.clocks.domain_now().saturating_add(PATIENCE_MS),
        };
        let noted = self.db.transaction(|tx| {
            Box::pin(async move {
                // With a store that is gone nobody would look after it.
                let there = repo::key_stores::load(tx, &self.mac, &leftover.home, store).await?;
                there.ok_or_else(|| Refusal::NoSuchKeyStore(store.to_owned()))?;
                Ok::<_, Refusal>(repo::leftovers::insert(tx, &self.mac, leftover).await?)
            })
        });
        noted.await?;
        let made = backend.generate(wanted).await;
        if let Err(NotMade::Certainly(_)) = &made
            && let Err(error) = repo::leftovers::delete(&self.db, leftover).await
        {
            tracing::warn!(store, %error, "a key that was not made is looked for later");
        }
        made.map_err(NotMade::into_refusal)
    }

    /// Takes the row of a new material, in the transaction that gives it to its key.
    pub(super) async fn settle(
        &self,
        tx: &mut Tx<'_>,
        key: &Key,
        material_id: &MaterialId,
    ) -> Result<(), Refusal> {
        let Some(store) = &key.store else { return Ok(()) };
        if repo::leftovers::settle(tx, &key.home, store, material_id).await? {
            return Ok(());
        }
        Err(Refusal::internal("making a key in a cluster took so long that it was given up"))
    }

    /// Deletes a new material that no key has, now if that is possible and else when it is due.
    pub(super) async fn discard(&self, home: &Home, store: Option<&str>, material_id: &MaterialId) {
        let Some(store) = store else { return };
        if let Err(refusal) = self.clear_away(home, store, material_id).await {
            let error = refusal.into_cause();
            tracing::warn!(store, error, "a key that nobody has is still in the cluster of a key store");
        }
    }

    /// Deletes a leftover in the HSMs, and then its row. Nothing happens if it is none any more.
    pub(super) async fn clear_away(
        &self,
        home: &Home,
        store: &str,
        material_id: &MaterialId,
    ) -> Result<(), Refusal> {
        match self.destroy_leftover(home, store, material_id).await? {
            Some((leftover, _)) => Ok(repo::leftovers::delete(&self.db, &leftover).await?),
            None => Ok(()),
        }
    }

    /// The same when it is due. No record of another change speaks of it, so that it gets one of its own, unless
    /// nothing was there.
    pub(super) async fn sweep(
        &self,
        home: &Home,
        store: &str,
        material_id: &MaterialId,
    ) -> Result<(), Refusal> {
        let Some((leftover, was_there)) = self.destroy_leftover(home, store, material_id).await? else {
            return Ok(());
        };
        let record = events::swept(&leftover, self.clocks.domain_now(), random_id()?);
        let (leftover, draft) = (&leftover, &self.outbox.draft(&record));
        let removed = self.db.transaction(|tx| {
            Box::pin(async move {
                let is_ours = repo::leftovers::remove(tx, leftover).await? && was_there;
                if is_ours {
                    repo::post(tx, Some(draft)).await?;
                }
                Ok::<_, Refusal>(is_ours)
            })
        });
        if removed.await? {
            self.publish(record).await;
        }
        Ok(())
    }

    /// Deletes a leftover in the HSMs. Answers it, and whether it was there; `None` if it is none any more.
    async fn destroy_leftover(
        &self,
        home: &Home,
        store: &str,
        material_id: &MaterialId,
    ) -> Result<Option<(Leftover, bool)>, Refusal> {
        let condemned = self.db.transaction(|tx| {
            Box::pin(async move { repo::leftovers::condemn(tx, &self.mac, home, store, material_id).await })
        });
        let Some(leftover) = condemned.await? else { return Ok(None) };
        let was_there = self.backends.of(home, Some(store)).destroy(material_id).await?;
        Ok(Some((leftover, was_there)))
    }
}
