//! Keys replicated into other Regions.

use std::sync::Arc;

use strongroom_api_kms::actions;
use strongroom_identity::{Region, RequestContext};
use strongroom_policy::{Authorized, Everything};

use super::super::{KeyManagement, random_id};
use crate::domain::access::KeyPolicy;
use crate::domain::alias::AliasNames;
use crate::domain::grant::Holdings;
use crate::domain::identifier::Home;
use crate::domain::import::Import;
use crate::domain::key::{Key, KeyState, SharedKey};
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::{events, repo};

/// How often a replica is tried to be made again of a key whose materials change meanwhile. They do with rotations, of
/// which a key has 25 on demand in its life, and with imports.
const TIMES_MORE: usize = 25;

/// What a caller says of a replica that shall be made.
pub(crate) struct NewReplica {
    pub(crate) region: Region,
    pub(crate) description: String,
    pub(crate) policy: KeyPolicy,
    pub(crate) tags: Tags,
}

impl KeyManagement {
    /// Makes a replica of a primary key, with all its materials. `seen` is the key as the caller found it; permission is
    /// asked for again on the state that the replica is made of.
    pub(crate) async fn replicate(
        &self,
        context: &RequestContext,
        seen: &Authorized<actions::ReplicateKey, SharedKey>,
        may: &Authorized<actions::CreateKey, Everything>,
        new: NewReplica,
    ) -> Result<SharedKey, Refusal> {
        let home = Home { account: may.resource().0, region: new.region.name() };
        let seen: &Key = seen.resource();
        if let Some(replica) = self.replicate_as_seen(context, seen, &home, &new).await? {
            return Ok(replica);
        }
        for _ in 0..TIMES_MORE {
            let found = repo::keys::find(&self.db, &self.mac, &seen.home, &seen.id).await?;
            let key = found.ok_or_else(|| Refusal::no_such_key(&seen.arn))?;
            if let Some(replica) = self.replicate_as_seen(context, &key, &home, &new).await? {
                return Ok(replica);
            }
        }
        // ReplicateKey has no DependencyTimeoutException, which is what RotateKeyOnDemand says to the same.
        Err(Refusal::Internal("a multi-Region key changes all the time".into()))
    }

    /// Makes a replica of the materials that a primary key had when it was read; `None` if it has others, of which the
    /// caller may read and try again.
    async fn replicate_as_seen(
        &self,
        context: &RequestContext,
        seen: &Key,
        home: &Home,
        new: &NewReplica,
    ) -> Result<Option<SharedKey>, Refusal> {
        let mut materials = Vec::with_capacity(seen.materials.len());
        for material in &seen.materials {
            materials.push(self.copy_of(seen, material, home).await?);
        }
        let replica = &Key {
            arn: home.key_arn(&seen.id),
            home: home.clone(),
            version: 1,
            state: KeyState::Creating { until_ms: context.now_ms },
            description: new.description.clone(),
            created_ms: context.now_ms,
            policy: new.policy.clone(),
            tags: new.tags.clone(),
            aliases: AliasNames::none(),
            grants: 0,
            import: seen.import.map(|_| Import::AWAITED),
            materials,
            ..seen.clone()
        };
        let created_id = random_id()?;
        let made = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load_whole(tx, &self.mac, &seen.home, &seen.id).await?;
                let key = found.ok_or_else(|| Refusal::no_such_key(&seen.arn))?;
                let mut primary = self.permit_change::<actions::ReplicateKey>(context, key)?;
                // The new one is not in the store yet.
                let others = primary.related_homes();
                primary.replicate(home.region)?;
                // What waits for a rotation waits for the new Region from now on, everywhere.
                let mut replica = replica.clone();
                replica.wait_for_regions();
                let waiting = primary.wait_for_regions();
                if !replica.has_the_materials_of(&primary) {
                    return Ok::<_, Refusal>(None);
                }
                primary.share(&mut replica);
                let record = events::replica_created(context, &replica, created_id);
                for other in others {
                    let found = if waiting.is_empty() {
                        repo::keys::load(tx, &self.mac, &other, &primary.id).await?
                    } else {
                        repo::keys::load_whole(tx, &self.mac, &other, &primary.id).await?
                    };
                    let mut other =
                        found.ok_or_else(|| Refusal::internal("a related key is not in the store"))?;
                    primary.share(&mut other);
                    let waiting = other.wait_for_regions();
                    self.write_with(tx, &mut other, &waiting).await?;
                }
                self.expect_room_for_key(tx, &replica).await?;
                if !repo::keys::insert(tx, &self.mac, &replica).await? {
                    return Err(Refusal::KeyExists(replica.arn));
                }
                self.write_with(tx, &mut primary, &waiting).await?;
                repo::post(tx, context.draft()).await?;
                repo::post(tx, Some(&self.outbox.draft(&record))).await?;
                Ok(Some((replica, record)))
            })
        });
        let made = made.await;
        self.forget_related(seen);
        let Some((replica, record)) = made? else { return Ok(None) };
        self.forget_related(&replica);
        self.agenda_changed();
        self.publish(record).await;
        Ok(Some(SharedKey::new(Arc::new(replica), Holdings::new())))
    }

    /// Ends the state in which a key is made, or brought up to date, that was to last until then.
    pub(in crate::management) async fn settle_state(&self, seen: &Key, until_ms: i64) -> Result<(), Refusal> {
        let event_id = random_id()?;
        let request_id = random_id()?;
        let settled = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load(tx, &self.mac, &seen.home, &seen.id).await?;
                let Some(mut key) = found else { return Ok::<_, Refusal>(None) };
                let is_new = matches!(key.state, KeyState::Creating { .. });
                if !key.settle_state(until_ms) {
                    return Ok(None);
                }
                repo::keys::replace(tx, &self.mac, &mut key).await?;
                if !is_new {
                    return Ok(None);
                }
                let record = events::synchronized(&key, until_ms, event_id, request_id);
                repo::post(tx, Some(&self.outbox.draft(&record))).await?;
                Ok(Some(record))
            })
        });
        let settled = settled.await;
        self.forget_key(&seen.home, &seen.id);
        if let Some(record) = settled? {
            self.publish(record).await;
        }
        Ok(())
    }
}
