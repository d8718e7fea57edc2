//! What keys do by themselves when it is due: rotate, be deleted, lose a material whose end has come, and leave the states
//! in which they are made or brought up to date.

use async_trait::async_trait;
use strongroom_crypto::hex;
use strongroom_identity::{PARTITION, Region};
use strongroom_journal::Record;
use strongroom_runtime::{Agenda, BoxError, Due};

use super::{KeyManagement, random_id};
use crate::domain::identifier::{Home, Named};
use crate::domain::key::{Key, KeyState, MaterialId};
use crate::error::Refusal;
use crate::repo::keys::DueRow;
use crate::repo::leftovers::Leftover;
use crate::{events, repo};

/// Marks the items that are about leftovers in the clusters of key stores.
const LEFTOVER: &str = "leftover/";

/// What an item of the agenda is about.
enum Item {
    Key { home: Home, key_id: String },
    Leftover { home: Home, store: String, material_id: MaterialId },
}

impl Item {
    fn parse(id: &str) -> Option<Self> {
        let Some(leftover) = id.strip_prefix(LEFTOVER) else {
            let (home, key_id) = Named::parse_own_arn(id)?;
            return Some(Self::Key { home, key_id });
        };
        let mut parts = leftover.split('/');
        let (account, region) = (parts.next()?.parse().ok()?, Region::named(parts.next()?)?);
        let (store, material_id) = (parts.next()?.to_owned(), hex::decode(parts.next()?)?);
        let home = Home { account, region: region.name() };
        Some(Self::Leftover { home, store, material_id: material_id.try_into().ok()? })
    }
}

#[async_trait]
impl Agenda for KeyManagement {
    fn name(&self) -> &'static str {
        "keys"
    }

    /// Of a key store whose cluster is left alone only the first of each kind is there: the others would fail all the
    /// same, and be in the way of what does not need it. So it is seen that something is left undone.
    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError> {
        let resting = self.resting.at(self.clocks.real_now());
        let mut keys = repo::keys::list_due(&self.db, most, &resting).await?;
        let mut leftovers = repo::leftovers::list_due(&self.db, most, &resting).await?;
        for store in &resting {
            keys.extend(repo::keys::first_due_in(&self.db, store).await?);
            leftovers.extend(repo::leftovers::first_due_in(&self.db, store).await?);
        }
        let key = |row: DueRow| {
            let [account, region, key_id] = row.name;
            Due { at_ms: row.due_ms, id: format!("arn:{PARTITION}:kms:{region}:{account}:key/{key_id}") }
        };
        let leftover = |row: repo::leftovers::DueRow| {
            let ([account, region, store], material_id) = (row.name, hex::encode(&row.material_id));
            Due { at_ms: row.due_ms, id: format!("{LEFTOVER}{account}/{region}/{store}/{material_id}") }
        };
        let mut all: Vec<_> = keys.into_iter().map(key).chain(leftovers.into_iter().map(leftover)).collect();
        all.sort_unstable();
        all.truncate(most as usize);
        Ok(all)
    }

    async fn run(&self, item: &Due) -> Result<(), BoxError> {
        // Nothing happens that cannot be recorded, whoever asks for it.
        if !self.outbox.is_ready() {
            self.outbox.probe().await;
            if !self.outbox.is_ready() {
                return Err("the audit journal cannot be written".into());
            }
        }
        match Item::parse(&item.id).ok_or("the item names nothing")? {
            Item::Key { home, key_id } => self.run_key(&home, &key_id, item.at_ms).await,
            Item::Leftover { home, store, material_id } => {
                let sweeping = self.sweep(&home, &store, &material_id);
                self.unless_resting(&home, &store, Box::pin(sweeping)).await
            }
        }
    }
}

impl KeyManagement {
    /// Does what is due with a key.
    async fn run_key(&self, home: &Home, key_id: &str, due_ms: i64) -> Result<(), BoxError> {
        // From the store: what is in memory may be older than the agenda.
        let Some(key) = repo::keys::find(&self.db, &self.mac, home, key_id).await? else { return Ok(()) };
        if key.expires_at(due_ms) {
            return Box::pin(self.expire_when_due(&key, due_ms)).await.map_err(Refusal::into_cause);
        }
        let done = match key.state {
            KeyState::PendingDeletion { due_ms: at } if at == due_ms => {
                self.delete_when_due(&key, due_ms).await
            }
            KeyState::Creating { until_ms } | KeyState::Updating { until_ms } if until_ms == due_ms => {
                self.settle_state(&key, due_ms).await
            }
            KeyState::Enabled => {
                let rotation = self.rotate_when_due(&key, due_ms);
                return match &key.store {
                    None => Box::pin(rotation).await.map_err(Refusal::into_cause),
                    Some(store) => self.unless_resting(home, store, Box::pin(rotation)).await,
                };
            }
            _ => Ok(()),
        };
        done.map_err(Refusal::into_cause)
    }

    /// Deletes a key whose deletion was due at `due_ms`, and everything that hangs on it. Nothing happens if
    /// it is not due then any more.
    ///
    /// The keys in the HSMs of a key store go after the commit. Their row says so, should that not work at once;
    /// until it has, the record says that it did not.
    async fn delete_when_due(&self, seen: &Key, due_ms: i64) -> Result<(), Refusal> {
        let (home, key_id): (&Home, _) = (&seen.home, seen.id.as_str());
        let cluster_id = self.standing(seen).await.ok().and_then(|standing| standing.cluster_id);
        let mut record = events::deleted(seen, cluster_id.as_deref(), due_ms, random_id()?);
        let leftovers = &Leftover::all_of(seen, self.clocks.domain_now());
        let draft = &self.outbox.draft(&record);
        let deleted = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load(tx, &self.mac, home, key_id).await?;
                let Some(key) = found.filter(|key| key.state == KeyState::PendingDeletion { due_ms }) else {
                    return Ok::<_, Refusal>(None);
                };
                let aliases = repo::aliases::delete_of_key(tx, home, key_id).await?;
                let grantees = repo::grants::delete_of_key(tx, home, key_id).await?;
                repo::usage::delete(tx, home, key_id).await?;
                let related = self.part(tx, &key, due_ms).await?;
                self.end_waits_for_region(tx, &key, &related, due_ms).await?;
                repo::keys::delete(tx, &key).await?;
                for leftover in leftovers {
                    repo::leftovers::insert(tx, &self.mac, leftover).await?;
                }
                repo::post(tx, Some(draft)).await?;
                Ok(Some((aliases, grantees, related)))
            })
        });
        let deleted = deleted.await;
        self.forget_key(home, key_id);
        if deleted.as_ref().is_err_and(Refusal::leaves_doubt) {
            self.aliases.clear();
            self.grants.clear();
        }
        let Some((aliases, grantees, related)) = deleted? else { return Ok(()) };
        for home in related {
            self.forget_key(&home, key_id);
        }
        self.agenda_changed();
        for alias in aliases {
            self.forget_alias(home, &alias);
        }
        for grantee in grantees {
            self.forget_grants(home, key_id, &grantee);
        }
        self.backend(seen).forget(seen);
        self.erase_deleted().await;
        if let Some(store) = &seen.store {
            let destroyed = self.destroy_all(home, store, leftovers).await;
            events::note_destroyed(&mut record, seen, cluster_id.as_deref(), &destroyed);
            self.agenda_changed();
        }
        self.publish(record).await;
        Ok(())
    }

    /// Deletes the keys of a deleted key in the HSMs, and answers which of its materials are gone. The first that
    /// cannot be deleted ends the attempt.
    async fn destroy_all(&self, home: &Home, store: &str, leftovers: &[Leftover]) -> Vec<MaterialId> {
        let mut destroyed = Vec::new();
        for leftover in leftovers {
            let clearing = self.clear_away(home, store, &leftover.material_id);
            if let Err(error) = self.unless_resting(home, store, Box::pin(clearing)).await {
                tracing::warn!(
                    store,
                    error,
                    "keys of a deleted KMS key are still in the cluster of a key store"
                );
                break;
            }
            destroyed.push(leftover.material_id);
        }
        destroyed
    }

    /// Records what has been done and committed. If it cannot be recorded now it is later: its draft is in
    /// the store.
    pub(super) async fn publish(&self, record: Record) {
        let event = record.event_name.clone();
        if let Err(error) = self.outbox.record(record, true).await {
            tracing::warn!(event, %error, "the record of what KMS did by itself is still to be written");
        }
    }
}
