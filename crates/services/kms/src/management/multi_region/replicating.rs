//! Keys replicated into other Regions.

use std::sync::Arc;

use strongroom_api_kms::actions;
use strongroom_identity::{Region, RequestContext};
use strongroom_policy::{Authorized, Everything};

use super::super::{KeyManagement, random_id};
use super::sharing::changed_meanwhile;
use crate::domain::access::KeyPolicy;
use crate::domain::alias::AliasNames;
use crate::domain::grant::Holdings;
use crate::domain::identifier::Home;
use crate::domain::import::Import;
use crate::domain::key::{Key, KeyState, SharedKey};
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::{events, repo};

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
        let seen = seen.resource();
        let home = Home { account: may.resource().0, region: new.region.name() };
        let mut materials = Vec::with_capacity(seen.materials.len());
        for material in &seen.materials {
            materials.push(self.copy_of(seen, material, &home).await?);
        }
        let replica = Key {
            arn: home.key_arn(&seen.id),
            home: home.clone(),
            version: 1,
            state: KeyState::Creating { until_ms: context.now_ms },
            description: new.description,
            created_ms: context.now_ms,
            policy: new.policy,
            tags: new.tags,
            aliases: AliasNames::none(),
            grants: 0,
            import: seen.import.map(|_| Import::AWAITED),
            materials,
            ..Key::clone(seen)
        };
        let created_id = random_id()?;
        let (seen, replica) = (&**seen, &replica);
        let made = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load_whole(tx, &self.mac, &seen.home, &seen.id).await?;
                let key = found.ok_or_else(|| Refusal::no_such_key(&seen.arn))?;
                let mut primary = self.permit_change::<actions::ReplicateKey>(context, key)?;
                primary.replicate(home.region)?;
                if !replica.has_the_materials_of(&primary) {
                    return Err(changed_meanwhile());
                }
                let mut replica = replica.clone();
                primary.share(&mut replica);
                let record = events::replica_created(context, &replica, created_id);
                // Those that there were; the new one is not in the store yet.
                let others = primary.related_homes().into_iter().filter(|other| *other != replica.home);
                for other in others {
                    let found = repo::keys::load(tx, &self.mac, &other, &primary.id).await?;
                    let mut other =
                        found.ok_or_else(|| Refusal::internal("a related key is not in the store"))?;
                    primary.share(&mut other);
                    repo::keys::replace(tx, &self.mac, &mut other).await?;
                }
                self.expect_room_for_key(tx, &replica).await?;
                if !repo::keys::insert(tx, &self.mac, &replica).await? {
                    return Err(Refusal::KeyExists(replica.arn));
                }
                repo::keys::replace(tx, &self.mac, &mut primary).await?;
                repo::post(tx, context.draft()).await?;
                repo::post(tx, Some(&self.outbox.draft(&record))).await?;
                Ok((replica, record))
            })
        });
        let made = made.await;
        self.forget_related(seen);
        let (replica, record) = made?;
        self.forget_related(&replica);
        self.agenda_changed();
        self.publish(record).await;
        Ok(SharedKey::new(Arc::new(replica), Holdings::new()))
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
