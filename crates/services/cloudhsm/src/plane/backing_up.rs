//! Backups made. Which are to be made is written down first, as backups in the state CREATE_IN_PROGRESS; then an
//! HSM of the cluster makes them. What it hands over is sealed under a key of two halves, of which the service
//! keeps one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_crypto::digest::Sha256;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_hsm_proto::fleet;
use strongroom_seal::{Epoch, Purpose};
use strongroom_secret::{Key256, constant_time_eq};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};

use super::ControlPlane;
use crate::domain::backup::{Backup, BackupState};
use crate::domain::cluster::Cluster;
use crate::domain::home::new_id;
use crate::error::Refusal;
use crate::fleet::CallError;
use crate::repo;
use crate::repo::blobs::{Blob, PieceError};

/// What the service's half of a backup's key is derived for. It never changes, or nothing opens any more.
const LABEL: &[u8] = b"strongroom/cloudhsm/backup";

/// How long an HSM may take to make a backup.
const PATIENCE: Duration = Duration::from_mins(5);

/// Bytes of a blob that are read at once.
const PIECE: usize = 1 << 20;

/// Who is making backups of which cluster, and the news that one is made.
#[derive(Default)]
pub(super) struct BackUps {
    turns: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
    made: watch::Sender<u64>,
}

impl BackUps {
    fn of(&self, cluster: &str) -> Arc<AsyncMutex<()>> {
        let mut all = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, turn| Arc::strong_count(turn) > 1);
        all.entry(cluster.to_owned()).or_default().clone()
    }
}

/// Why a backup is not made yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackUpError {
    /// No HSM of the cluster is there to make it.
    #[error("no HSM of the cluster is connected and serves")]
    NoHsm,
    /// The HSM did not make it.
    #[error("the HSM did not make the backup")]
    Hsm(#[from] CallError),
    /// What the HSM stored is not what it said.
    #[error("the bytes of the backup are not those that the HSM told of")]
    Differs,
    /// The store or the seal failed.
    #[error("the backup cannot be kept")]
    Kept(Box<dyn std::error::Error + Send + Sync>),
}

impl From<Refusal> for BackUpError {
    fn from(refusal: Refusal) -> Self {
        Self::Kept(refusal.into_cause())
    }
}

impl From<strongroom_store::StoreError> for BackUpError {
    fn from(error: strongroom_store::StoreError) -> Self {
        Self::Kept(error.into())
    }
}

impl ControlPlane {
    /// A backup of a cluster that is to be made.
    pub(crate) fn new_backup(&self, cluster: &Cluster, created_ms: i64) -> Result<Backup, Refusal> {
        let id = new_id("backup")?;
        Ok(Backup {
            home: cluster.home.clone(),
            version: 1,
            state: BackupState::CreateInProgress,
            cluster_id: Some(cluster.id.clone()),
            blob: id.clone(),
            id,
            seal_epoch: self.root.current_epoch().number(),
            created_ms,
            copied: None,
            never_expires: false,
            delete_ms: None,
            expires_ms: None,
            mode: cluster.mode,
            tags: cluster.tags.clone(),
            policy: None,
            installed: cluster.installed.clone(),
        })
    }

    /// The service's half of a backup's key.
    pub(crate) fn service_half(&self, blob: &str, seal_epoch: u32) -> Result<Key256, Refusal> {
        let key = self.root.subkey(Purpose::BackupServiceHalf, Epoch::new(seal_epoch))?;
        Key256::filled(|half| sp800_108_counter_hmac_sha256(key.expose(), LABEL, blob.as_bytes(), half))
            .map_err(|error| Refusal::Internal(error.into()))
    }

    /// Keeps backups of a cluster from being made as long as it is held.
    pub(crate) async fn back_up_turn(&self, cluster_id: &str) -> OwnedMutexGuard<()> {
        self.back_ups.of(cluster_id).lock_owned().await
    }

    /// Has a cluster backed up soon, if there is something to lose: the one that is to be made next counts.
    pub(crate) async fn expect_backup(&self, cluster: &Cluster) -> Result<(), Refusal> {
        let (home, id, now_ms) = (&cluster.home, &cluster.id, self.clocks.domain_now());
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let Some(cluster) = repo::clusters::load(tx, &self.mac, home, id).await? else {
                        return Ok::<_, Refusal>(());
                    };
                    let backups = repo::backups::load_of(tx, &self.mac, home, id).await?;
                    if cluster.is_backed_up()
                        && !backups.iter().any(|backup| backup.state == BackupState::CreateInProgress)
                    {
                        let backup = self.new_backup(&cluster, now_ms)?;
                        repo::backups::insert(tx, &self.mac, &backup).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.nudge();
        Ok(())
    }

    /// Makes a backup that is to be made, on any HSM of its cluster, and finds it made if somebody else has.
    pub(crate) async fn make_backup(&self, pending: &Backup) -> Result<(), BackUpError> {
        let Some(cluster) = &pending.cluster_id else { return self.finish_backup(pending, None).await };
        let turn = self.back_ups.of(cluster);
        let _turn = turn.lock().await;
        let known = repo::backups::find(&self.db, &self.mac, &pending.home, &pending.id).await?;
        if known.is_none_or(|backup| backup.state != BackupState::CreateInProgress) {
            return Ok(());
        }
        let now_ms = self.clocks.real_now();
        let session = self.fleet.serving(cluster, &[], now_ms).ok_or(BackUpError::NoHsm)?;
        let half = self.service_half(&pending.blob, pending.seal_epoch)?;
        let call = fleet::BackUp { backup_id: pending.blob.clone(), service_half: half.expose().to_vec() };
        let answer = session.work(fleet::HsmCall::BackUp(call), PATIENCE).await?;
        let fleet::HsmAnswer::BackedUp(made) = answer else { return Err(CallError::Unexpected.into()) };
        let compared = repo::backups::find(&self.db, &self.mac, &pending.home, &pending.id).await?;
        self.compare(&pending.blob, &made).await?;
        self.finish_backup(pending, compared.map(|backup| (backup.version, made.sequence))).await
    }

    /// Stores a piece of a backup, if it is one that is to be made, and for that cluster. One at offset 0 begins
    /// anew, also where all bytes are there already: then the HSM's word that they are its own was lost.
    pub(crate) async fn put_piece_of_backup(
        &self,
        cluster_id: &str,
        name: &str,
        piece: &fleet::PutPiece,
    ) -> Result<bool, PieceError> {
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let found = repo::backups::load_by_id(tx, &self.mac, name).await?;
                    let wanted = found.filter(|backup| {
                        backup.state == BackupState::CreateInProgress
                            && backup.cluster_id.as_deref() == Some(cluster_id)
                    });
                    let Some(mut backup) = wanted else { return Ok(false) };
                    let blob = Blob::Backup(name.to_owned());
                    if piece.offset == 0 && repo::blobs::is_whole(tx, &blob).await? {
                        repo::blobs::delete(tx, &blob).await?;
                        // Whoever has compared the bytes before does not finish the backup with others.
                        repo::backups::replace(tx, &self.mac, &mut backup).await?;
                    }
                    repo::blobs::put_piece_in(tx, &blob, piece.offset, &piece.bytes, piece.last).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// Compares what is stored with what the HSM says that it has stored.
    async fn compare(&self, blob: &str, made: &fleet::BackedUp) -> Result<(), BackUpError> {
        let blob = Blob::Backup(blob.to_owned());
        let (mut digest, mut offset) = (Sha256::new(), 0);
        while let Some((bytes, total)) = repo::blobs::get_piece(&self.db, &blob, offset, PIECE).await? {
            if total != made.length {
                return Err(BackUpError::Differs);
            }
            if bytes.is_empty() {
                break;
            }
            digest.update(&bytes);
            offset += bytes.len() as u64;
        }
        let same = offset == made.length && constant_time_eq(&digest.finish(), &made.sha256);
        if same { Ok(()) } else { Err(BackUpError::Differs) }
    }

    /// The bytes are there: the backup is READY. `compared` is the version that it had when they were compared, and
    /// the last entry of the log that they hold.
    async fn finish_backup(&self, pending: &Backup, compared: Option<(i64, u64)>) -> Result<(), BackUpError> {
        let blob = &Blob::Backup(pending.blob.clone());
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let found = repo::backups::load(tx, &self.mac, &pending.home, &pending.id).await?;
                    let Some(mut backup) = found else { return Ok::<_, BackUpError>(()) };
                    if backup.state != BackupState::CreateInProgress {
                        return Ok(());
                    }
                    let changed = compared.is_some_and(|(version, _)| version != backup.version);
                    if changed || !repo::blobs::is_whole(tx, blob).await? {
                        return Err(BackUpError::Differs);
                    }
                    backup.state = BackupState::Ready;
                    repo::backups::replace(tx, &self.mac, &mut backup).await?;
                    if let (Some(cluster), Some((_, sequence))) = (&backup.cluster_id, compared) {
                        repo::log::backed_up(tx, cluster, sequence).await?;
                    }
                    match &backup.cluster_id {
                        Some(cluster) => Ok(self.renew_expiries(tx, &backup.home, cluster).await?),
                        None => Ok(()),
                    }
                })
            })
            .await?;
        self.back_ups.made.send_modify(|number| *number += 1);
        self.agenda_changed();
        self.nudge();
        Ok(())
    }

    /// Waits until a backup is made, `patience` at the most.
    pub(super) async fn see_backup_made(&self, backup: &Backup, patience: Duration) -> Result<(), Refusal> {
        let mut made = self.back_ups.made.subscribe();
        let seen = async {
            loop {
                let known = repo::backups::find(&self.db, &self.mac, &backup.home, &backup.id).await?;
                if known.is_none_or(|known| known.state != BackupState::CreateInProgress) {
                    return Ok(());
                }
                if made.changed().await.is_err() {
                    return Ok(());
                }
            }
        };
        tokio::time::timeout(patience, seen).await.unwrap_or_else(|_| {
            tracing::warn!(backup = backup.id, "a daily backup is still to be made");
            Ok(())
        })
    }

    /// Gives a backup up that nobody can make.
    pub(crate) async fn give_up_backup(&self, pending: &Backup) -> Result<(), Refusal> {
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let found = repo::backups::load(tx, &self.mac, &pending.home, &pending.id).await?;
                    let Some(backup) = found.filter(|backup| backup.state == BackupState::CreateInProgress)
                    else {
                        return Ok::<_, Refusal>(());
                    };
                    self.remove_backup(tx, &backup).await
                })
            })
            .await
    }

    /// Removes a backup, and its bytes if no copy has them.
    pub(crate) async fn remove_backup(
        &self,
        tx: &mut strongroom_store::Tx<'_>,
        backup: &Backup,
    ) -> Result<(), Refusal> {
        repo::backups::delete(tx, backup).await?;
        if repo::backups::count_of_blob(tx, &backup.blob).await? == 0 {
            repo::blobs::delete(tx, &Blob::Backup(backup.blob.clone())).await?;
        }
        Ok(())
    }
}
