//! What happens by itself when it is due: a cluster is backed up every day, a backup outlives its retention, and
//! one that was deleted is gone a week later.

use std::time::Duration;

use async_trait::async_trait;
use strongroom_runtime::{Agenda, BoxError, Due};

use super::ControlPlane;
use crate::domain::backup::{Backup, BackupState};
use crate::domain::cluster::{ClusterState, DAY_MS};
use crate::domain::home::Home;
use crate::domain::hsm::Hsm;
use crate::error::Refusal;
use crate::{events, repo};

/// How long whatever is due next waits for a daily backup.
const DAILY_PATIENCE: Duration = Duration::from_secs(10);

/// The id of an item, from a row whose columns nobody has checked.
fn item_id([account, region, id]: &[String; 3]) -> String {
    let kind = id.split_once('-').map_or("", |(kind, _)| kind);
    format!("arn:aws:cloudhsm:{region}:{account}:{kind}/{id}")
}

#[async_trait]
impl Agenda for ControlPlane {
    fn name(&self) -> &'static str {
        "clusters"
    }

    async fn first(&self, most: u32) -> Result<Vec<Due>, BoxError> {
        let clusters = repo::clusters::list_due(&self.db, most).await?.into_iter();
        let backups = repo::backups::list_due(&self.db, most).await?.into_iter();
        let mut due: Vec<_> = clusters
            .map(|row| Due { at_ms: row.due_ms, id: item_id(&row.name) })
            .chain(backups.map(|row| Due { at_ms: row.due_ms, id: item_id(&row.name) }))
            .collect();
        due.sort();
        due.truncate(most as usize);
        Ok(due)
    }

    async fn run(&self, item: &Due) -> Result<(), BoxError> {
        // Nothing happens that cannot be recorded, whoever asks for it.
        if !self.outbox.is_ready() {
            self.outbox.probe().await;
            if !self.outbox.is_ready() {
                return Err("the audit journal cannot be written".into());
            }
        }
        let (home, id) = Home::parse_arn(&item.id).ok_or("the item names nothing of CloudHSM")?;
        if id.starts_with("cluster-") {
            return self.back_up_daily(&home, &id, item.at_ms).await.map_err(Refusal::into_cause);
        }
        let Some(backup) = repo::backups::find(&self.db, &self.mac, &home, &id).await? else { return Ok(()) };
        if backup.due_ms() != Some(item.at_ms) {
            return Ok(());
        }
        let done = match backup.state {
            BackupState::CreateInProgress => Ok(()),
            BackupState::Ready => self.expire(&backup, item.at_ms).await,
            BackupState::PendingDeletion => self.end(&backup, item.at_ms).await,
        };
        done.map_err(Refusal::into_cause)
    }
}

impl ControlPlane {
    /// Backs a cluster up that was due at `at_ms`, and says when the next time is.
    async fn back_up_daily(&self, home: &Home, id: &str, at_ms: i64) -> Result<(), Refusal> {
        let paused = !self.options.daily_backups;
        let record = events::backup_skipped(home, id, at_ms, event_id()?);
        let draft = &self.outbox.draft(&record);
        let due = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::clusters::load(tx, &self.mac, home, id).await?;
                let Some(mut cluster) = found.filter(|cluster| cluster.next_backup_ms == Some(at_ms)) else {
                    return Ok::<_, Refusal>(Daily::Nothing);
                };
                let lives = cluster.state == ClusterState::Active;
                cluster.next_backup_ms = lives.then(|| at_ms.saturating_add(DAY_MS));
                repo::clusters::replace(tx, &self.mac, &mut cluster).await?;
                let hsms = repo::hsms::load_all(tx, &self.mac, home, id).await?;
                let backups = repo::backups::load_of(tx, &self.mac, home, id).await?;
                let waits = backups.iter().any(|backup| backup.state == BackupState::CreateInProgress);
                if !lives || waits || !hsms.iter().any(Hsm::is_member) {
                    return Ok(Daily::Nothing);
                }
                if paused {
                    repo::post(tx, Some(draft)).await?;
                    return Ok(Daily::Skipped);
                }
                let backup = self.new_backup(&cluster, at_ms)?;
                repo::backups::insert(tx, &self.mac, &backup).await?;
                Ok(Daily::ToBeMade(Box::new(backup)))
            })
        });
        let backup = match due.await? {
            Daily::Nothing => return Ok(()),
            Daily::Skipped => {
                self.publish(record).await;
                return Ok(());
            }
            Daily::ToBeMade(backup) => backup,
        };
        // The reconciler makes it. Waited for, so that what is due next finds it made, but not for long.
        self.nudge();
        self.see_backup_made(&backup, DAILY_PATIENCE).await
    }

    /// The retention of a backup is over.
    async fn expire(&self, seen: &Backup, at_ms: i64) -> Result<(), Refusal> {
        let record = events::expired(seen, at_ms, event_id()?);
        let draft = &self.outbox.draft(&record);
        let expired = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::backups::load(tx, &self.mac, &seen.home, &seen.id).await?;
                let Some(mut backup) = found.filter(|backup| backup.expires_ms == Some(at_ms)) else {
                    return Ok::<_, Refusal>(false);
                };
                backup.delete(at_ms)?;
                repo::backups::replace(tx, &self.mac, &mut backup).await?;
                repo::post(tx, Some(draft)).await?;
                Ok(true)
            })
        });
        if expired.await? {
            self.publish(record).await;
        }
        Ok(())
    }

    /// The week after the deletion of a backup is over.
    async fn end(&self, seen: &Backup, at_ms: i64) -> Result<(), Refusal> {
        let record = events::ended(seen, at_ms, event_id()?);
        let draft = &self.outbox.draft(&record);
        let ended = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::backups::load(tx, &self.mac, &seen.home, &seen.id).await?;
                let Some(backup) = found.filter(|backup| backup.delete_ms == Some(at_ms)) else {
                    return Ok::<_, Refusal>(false);
                };
                self.remove_backup(tx, &backup).await?;
                repo::post(tx, Some(draft)).await?;
                Ok(true)
            })
        });
        if ended.await? {
            self.publish(record).await;
        }
        Ok(())
    }
}

/// What comes of a day.
enum Daily {
    /// There is nothing to back up.
    Nothing,
    /// There is, and daily backups are paused.
    Skipped,
    ToBeMade(Box<Backup>),
}

fn event_id() -> Result<[u8; 16], Refusal> {
    strongroom_crypto::random::bytes().map_err(|error| Refusal::Internal(error.into()))
}
