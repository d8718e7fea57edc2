//! What related keys share, carried from the primary one to its replicas.

use strongroom_journal::Record;
use strongroom_store::Tx;

use super::super::KeyManagement;
use crate::backend::Wanted;
use crate::domain::identifier::Home;
use crate::domain::import::Imported;
use crate::domain::key::{Held, Key, Material};
use crate::domain::multi_region::MultiRegion;
use crate::error::Refusal;
use crate::{events, repo};

/// The ids of a record's event and of the request that it names.
type SharingIds = ([u8; 16], [u8; 16]);

/// A material of a multi-Region key as its replicas have it, each where it is.
pub(in crate::management) struct Copies {
    related: Option<MultiRegion>,
    materials: Vec<(Home, Material)>,
}

impl KeyManagement {
    /// Makes a material of the key for each of its replicas.
    pub(in crate::management) async fn copies_of(
        &self,
        key: &Key,
        material: &Material,
    ) -> Result<Copies, Refusal> {
        let mut materials = Vec::new();
        for home in key.related_homes() {
            let copy = self.copy_of(key, material, &home).await?;
            materials.push((home, copy));
        }
        Ok(Copies { related: key.multi_region.clone(), materials })
    }

    /// Makes a material of the key for another Region. One that its owner brings is only known there: he brings it to
    /// each Region himself.
    pub(in crate::management) async fn copy_of(
        &self,
        key: &Key,
        material: &Material,
        home: &Home,
    ) -> Result<Material, Refusal> {
        if let Some(import) = &material.import {
            let import = Imported { stage: import.stage, expires_ms: None, description: None };
            let held = Held::Absent { public: material.public_key().map(<[u8]>::to_vec) };
            return Ok(Material { held, import: Some(import), ..material.clone() });
        }
        let wanted = Wanted {
            home,
            key_id: &key.id,
            spec: key.spec,
            usage: key.usage,
            material_id: material.id,
            now_ms: material.created_ms,
        };
        let copy = self.backend(key).adopt(&wanted, (key, material)).await?;
        if copy.id != material.id {
            return Err(Refusal::internal("the same material has another id in another Region"));
        }
        Ok(Material { held: copy.held, ..material.clone() })
    }

    /// The related keys of a key, as this transaction sees them.
    pub(in crate::management) async fn load_related(
        &self,
        tx: &mut Tx<'_>,
        key: &Key,
    ) -> Result<Vec<Key>, Refusal> {
        let mut related = Vec::new();
        for home in key.related_homes() {
            let found = repo::keys::load(tx, &self.mac, &home, &key.id).await?;
            related.push(found.ok_or_else(|| Refusal::internal("a related key is not in the store"))?);
        }
        Ok(related)
    }

    /// Gives all replicas what they share with the primary key, which has changed in this transaction. Answers the record
    /// of it, whose draft it posts; `None` for a key without replicas.
    pub(in crate::management) async fn share(
        &self,
        tx: &mut Tx<'_>,
        primary: &Key,
        at_ms: i64,
        ids: SharingIds,
    ) -> Result<Option<Record>, Refusal> {
        for mut related in self.load_related(tx, primary).await? {
            primary.share(&mut related);
            repo::keys::replace(tx, &self.mac, &mut related).await?;
        }
        self.note_shared(tx, primary, at_ms, ids).await
    }

    /// The same where the primary key has a new material, of which these are the copies.
    pub(in crate::management) async fn share_material(
        &self,
        tx: &mut Tx<'_>,
        primary: &Key,
        copies: &Copies,
        at_ms: i64,
        ids: SharingIds,
    ) -> Result<Option<Record>, Refusal> {
        if primary.multi_region != copies.related {
            return Err(changed_meanwhile());
        }
        for mut related in self.load_related(tx, primary).await? {
            let copy = copies.materials.iter().find(|(home, _)| *home == related.home);
            let (_, copy) = copy.ok_or_else(changed_meanwhile)?;
            repo::keys::append_material(tx, &self.mac, &related, copy).await?;
            primary.share(&mut related);
            repo::keys::replace(tx, &self.mac, &mut related).await?;
        }
        self.note_shared(tx, primary, at_ms, ids).await
    }

    pub(in crate::management) async fn note_shared(
        &self,
        tx: &mut Tx<'_>,
        primary: &Key,
        at_ms: i64,
        (event_id, request_id): SharingIds,
    ) -> Result<Option<Record>, Refusal> {
        if primary.related_homes().is_empty() {
            return Ok(None);
        }
        let record = events::synchronized(primary, at_ms, event_id, request_id);
        repo::post(tx, Some(&self.outbox.draft(&record))).await?;
        Ok(Some(record))
    }

    /// Takes a key that is deleted from among its related keys, and answers where these are.
    pub(in crate::management) async fn part(
        &self,
        tx: &mut Tx<'_>,
        key: &Key,
        now_ms: i64,
    ) -> Result<Vec<Home>, Refusal> {
        for mut related in self.load_related(tx, key).await? {
            related.part_from(key.home.region, now_ms);
            repo::keys::replace(tx, &self.mac, &mut related).await?;
        }
        Ok(key.related_homes())
    }

    /// Drops what is in memory of a key and of its related keys.
    pub(in crate::management) fn forget_related(&self, key: &Key) {
        self.forget_key(&key.home, &key.id);
        for home in key.related_homes() {
            self.forget_key(&home, &key.id);
        }
    }
}

/// Another Region was added between reading and writing. Whoever tries again finds it.
fn changed_meanwhile() -> Refusal {
    Refusal::Timeout("a multi-Region key has changed meanwhile".into())
}
