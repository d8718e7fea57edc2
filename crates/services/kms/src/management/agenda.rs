//! What keys do by themselves when it is due: rotate, and be deleted.

use async_trait::async_trait;
use strongroom_identity::PARTITION;
use strongroom_journal::Record;
use strongroom_runtime::{Agenda, BoxError, Due};

use super::{KeyManagement, random_id};
use crate::domain::identifier::{Home, Named};
use crate::domain::key::{Key, KeyState};
use crate::error::Refusal;
use crate::repo::keys::DueRow;
use crate::{events, repo};

#[async_trait]
impl Agenda for KeyManagement {
    fn name(&self) -> &'static str {
        "keys"
    }

    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError> {
        let rows = repo::keys::list_due(&self.db, most).await?;
        let due = |row: DueRow| {
            let [account, region, key_id] = row.name;
            Due { at_ms: row.due_ms, id: format!("arn:{PARTITION}:kms:{region}:{account}:key/{key_id}") }
        };
        Ok(rows.into_iter().map(due).collect())
    }

    async fn run(&self, item: &Due) -> Result<(), BoxError> {
        // Nothing happens that cannot be recorded, whoever asks for it.
        if !self.outbox.is_ready() {
            self.outbox.probe().await;
            if !self.outbox.is_ready() {
                return Err("the audit journal cannot be written".into());
            }
        }
        let (home, key_id) = Named::parse_own_arn(&item.id).ok_or("the item names no key")?;
        // From the store: what is in memory may be older than the agenda.
        let Some(key) = repo::keys::find(&self.db, &self.mac, &home, &key_id).await? else { return Ok(()) };
        let done = match key.state {
            KeyState::PendingDeletion { due_ms } if due_ms == item.at_ms => {
                self.delete_when_due(&key, due_ms).await
            }
            KeyState::Enabled => self.rotate_when_due(&key, item.at_ms).await,
            KeyState::PendingDeletion { .. } | KeyState::Disabled => Ok(()),
        };
        done.map_err(Refusal::into_cause)
    }
}

impl KeyManagement {
    /// Deletes a key whose deletion was due at `due_ms`, and everything that hangs on it. Nothing happens if
    /// it is not due then any more.
    async fn delete_when_due(&self, seen: &Key, due_ms: i64) -> Result<(), Refusal> {
        let (home, key_id): (&Home, _) = (&seen.home, seen.id.as_str());
        let record = events::deleted(seen, due_ms, random_id()?);
        let draft = &self.outbox.draft(&record);
        let deleted = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::keys::load(tx, &self.mac, home, key_id).await?;
                let Some(key) = found.filter(|key| key.state == KeyState::PendingDeletion { due_ms }) else {
                    return Ok::<_, Refusal>(None);
                };
                let aliases = repo::aliases::delete_of_key(tx, home, key_id).await?;
                repo::usage::delete(tx, home, key_id).await?;
                repo::keys::delete(tx, &key).await?;
                repo::post(tx, Some(draft)).await?;
                Ok(Some(aliases))
            })
        });
        let deleted = deleted.await;
        self.forget_key(home, key_id);
        let Some(aliases) = deleted? else { return Ok(()) };
        for alias in aliases {
            self.forget_alias(home, &alias);
        }
        self.backend(seen)?.forget(seen);
        self.publish(record).await;
        Ok(())
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
