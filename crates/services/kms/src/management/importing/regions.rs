//! What changes among the imported materials of a key and of its related keys, in one transaction.

use strongroom_store::Tx;

use crate::KeyManagement;
use crate::domain::identifier::Home;
use crate::domain::importing::{MaterialChange, all_have};
use crate::domain::key::{Key, MaterialId};
use crate::error::Refusal;
use crate::repo;

/// A key, its related keys, and what has changed among the materials of each.
pub(super) struct Family {
    pub(super) key: Key,
    related: Vec<Key>,
    changes: Vec<MaterialChange>,
    /// In the order of the related keys.
    related_changes: Vec<Vec<MaterialChange>>,
}

impl Family {
    /// Notes what has changed in the key itself, and does in its replicas what follows.
    pub(super) fn changed(&mut self, change: MaterialChange) {
        if !self.key.is_replica() {
            for (related, changes) in self.related.iter_mut().zip(&mut self.related_changes) {
                changes.extend(related.follow(&change));
            }
        }
        self.changes.push(change);
    }

    /// Lets a material be rotated to if no Region lacks it any more.
    pub(super) fn settle(&mut self, id: &MaterialId, now_ms: i64) {
        if self.have(id, now_ms) {
            self.changes.extend(self.key.end_wait_for_regions(id));
            for (related, changes) in self.related.iter_mut().zip(&mut self.related_changes) {
                changes.extend(related.end_wait_for_regions(id));
            }
        }
    }

    /// Notes that the key has rotated, and rotates its replicas with it.
    pub(super) fn rotated(&mut self, change: MaterialChange) {
        for (related, changes) in self.related.iter_mut().zip(&mut self.related_changes) {
            changes.extend(related.follow_rotation(&self.key));
            self.key.share(related);
        }
        self.changes.push(change);
    }

    /// Whether all of them have that material.
    fn have(&self, id: &MaterialId, now_ms: i64) -> bool {
        all_have(self.related.iter().chain([&self.key]), id, now_ms)
    }
}

impl KeyManagement {
    /// The family of a key that this transaction has loaded with its materials.
    pub(super) async fn family(&self, tx: &mut Tx<'_>, key: Key) -> Result<Family, Refusal> {
        let mut related = Vec::new();
        for home in key.related_homes() {
            let found = repo::keys::load_whole(tx, &self.mac, &home, &key.id).await?;
            related.push(found.ok_or_else(|| Refusal::internal("a related key is not in the store"))?);
        }
        let related_changes = related.iter().map(|_| Vec::new()).collect();
        Ok(Family { key, related, changes: Vec::new(), related_changes })
    }

    /// Has no material wait any more for a Region whose key is deleted in this transaction, at `now_ms`; `others` is where
    /// related keys are left.
    pub(in crate::management) async fn end_waits_for_region(
        &self,
        tx: &mut Tx<'_>,
        deleted: &Key,
        others: &[Home],
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let Some(other) = others.first().filter(|_| deleted.import.is_some()) else { return Ok(()) };
        let found = repo::keys::load_whole(tx, &self.mac, other, &deleted.id).await?;
        let key = found.ok_or_else(|| Refusal::internal("a related key is not in the store"))?;
        let mut family = self.family(tx, key).await?;
        let waiting = family.key.materials.iter().filter(|material| !material.is_permanent());
        for id in waiting.map(|material| material.id).collect::<Vec<_>>() {
            family.settle(&id, now_ms);
        }
        self.write_family(tx, family).await.map(drop)
    }

    /// Writes what has changed, and answers the key as it is then.
    pub(super) async fn write_family(&self, tx: &mut Tx<'_>, family: Family) -> Result<Key, Refusal> {
        let Family { mut key, related, changes, related_changes } = family;
        for (mut related, changes) in related.into_iter().zip(related_changes) {
            self.write_changes(tx, &mut related, &changes).await?;
        }
        self.write_changes(tx, &mut key, &changes).await?;
        Ok(key)
    }

    async fn write_changes(
        &self,
        tx: &mut Tx<'_>,
        key: &mut Key,
        changes: &[MaterialChange],
    ) -> Result<(), Refusal> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write_with(tx, key, changes).await
    }

    /// Writes a key with what has changed among its materials.
    pub(in crate::management) async fn write_with(
        &self,
        tx: &mut Tx<'_>,
        key: &mut Key,
        changes: &[MaterialChange],
    ) -> Result<(), Refusal> {
        for change in changes {
            repo::keys::change_material(tx, &self.mac, key, change).await?;
        }
        Ok(repo::keys::replace(tx, &self.mac, key).await?)
    }
}
