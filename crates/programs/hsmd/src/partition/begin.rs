//! How an HSM comes to its partition: it makes it, is let into it, takes it from a backup, or has it already.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use strongroom_crypto::random;
use strongroom_hsm_cluster::{
    Archive, BackupKey, ClusterError, Command, FEATURE_LEVEL, Founding, Identity, JoinRequest, MemberId,
    MemberSecret, PartitionId, Replica,
};
use strongroom_hsm_core::Hsm;
use strongroom_hsm_proto::fleet::{AskAdmission, BlobKind, RestoreFrom};
use strongroom_secret::Key256;

use super::upkeep::compact;
use super::{AuditFile, Core, LOCAL, Ledger, Log, LogError, View};
use crate::clock::Clock;
use crate::faults::Faults;
use crate::fleet::{Plane, PlaneError};
use crate::state::{Device, DeviceChain, Folder};

/// How often the log is read on until the entry that lets this HSM in is there.
const MOST_LOOKS: u32 = 100;
/// How long to wait between two looks.
const BETWEEN: Duration = Duration::from_millis(100);

/// A restore has begun, and the snapshot that stands for what was before it is not stored yet.
const RESTORING: &str = "restoring";

/// What a partition stands on.
pub(crate) struct Ground {
    pub(crate) folder: Arc<Folder>,
    pub(crate) device: Arc<Device>,
    pub(crate) plane: Plane,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) hsm: Arc<Hsm>,
}

/// A partition that has just begun, before anybody works with it.
pub(crate) struct Begun {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) view: Arc<View>,
    pub(crate) log: Log,
    pub(crate) audit: AuditFile,
}

impl Ground {
    fn core(&self) -> Core {
        Core(self.hsm.clone())
    }

    fn identity(&self) -> Result<Identity, LogError> {
        let member = MemberId::new(&self.hsm.identity().hsm_id);
        Ok(Identity {
            member: member.ok_or(ClusterError::UnknownMember)?,
            secret: MemberSecret::generate().map_err(ClusterError::from)?,
            device_chain: DeviceChain { certificates: self.device.chain().to_vec() }.encode_to_vec(),
            supports: FEATURE_LEVEL,
        })
    }

    fn partition_id(&self) -> PartitionId {
        PartitionId::named(&self.hsm.identity().cluster_id)
    }

    fn founding(&self) -> Founding {
        Founding {
            partition: self.partition_id(),
            device_root: DeviceChain { certificates: vec![self.device.root().to_vec()] }.encode_to_vec(),
            fleet_half: self.device.backup_half().clone(),
            level: FEATURE_LEVEL,
            // The keys under which the machine's first effects are sealed do not exist yet.
            effects: Vec::new(),
        }
    }

    fn begun(&self, ledger: Ledger, view: Arc<View>) -> Result<Begun, LogError> {
        let ledger = Arc::new(ledger);
        let audit = AuditFile::open(self.hsm.clone(), self.folder.clone())?;
        if let Some(local) = self.folder.read_sealed(LOCAL).map_err(LogError::disk)? {
            self.hsm.load_local(local.expose()).map_err(|_| LogError::damaged(LOCAL))?;
        }
        let log = Log::new(ledger.clone(), view.clone(), self.plane.clone(), self.faults.clone());
        Ok(Begun { ledger, view, log, audit })
    }

    /// Goes on with what is in the state folder, if there is a partition.
    pub(crate) fn resume(&self) -> Result<Option<Begun>, LogError> {
        let view = Arc::new(View::new());
        let ledger = Ledger::recover(self.core(), self.folder.clone(), view.clone())?;
        ledger.map(|ledger| self.begun(ledger, view)).transpose()
    }

    /// Makes a new partition.
    pub(crate) async fn found(&self) -> Result<Begun, LogError> {
        let now_ms = self.clock.now().domain_ms;
        let (replica, entry) = Replica::found(self.identity()?, self.founding(), self.core(), now_ms)?;
        // What is not on disk is not founded: a crash after this goes on with the same entry.
        let view = Arc::new(View::new());
        let begun = self.begun(Ledger::begin(replica, self.folder.clone(), view.clone())?, view)?;
        let _ = begun.log.turn().await.place(entry).await?;
        self.complete(&begun).await?;
        Ok(begun)
    }

    /// Whether something is left to do of a restore.
    pub(crate) fn is_restoring(&self) -> Result<bool, LogError> {
        Ok(self.folder.read(RESTORING).map_err(LogError::disk)?.is_some())
    }

    /// Does what is left to do of founding or restoring: the partition's users and keys, after its first entry, or
    /// the snapshot that takes the place of what was before the restore.
    pub(crate) async fn complete(&self, begun: &Begun) -> Result<(), LogError> {
        let caught_up = begun.log.turn().await.catch_up().await;
        if caught_up == Err(LogError::Cluster(ClusterError::Superseded)) {
            Ledger::forget(&self.folder)?;
            self.folder.remove(RESTORING).map_err(LogError::disk)?;
        }
        let _ = caught_up?;
        if self.is_restoring()? {
            // Newcomers cannot read what was before.
            compact(&begun.log, &begun.ledger, &self.plane, &self.clock).await?;
            self.folder.remove(RESTORING).map_err(LogError::disk)?;
        }
        if self.hsm.cluster_public_key().is_ok() {
            return Ok(());
        }
        let effects = tokio::task::block_in_place(|| self.hsm.found(self.clock.now()));
        let effects = effects.map_err(|error| LogError::Core(error.to_string()))?;
        let command =
            Command { id: random::bytes().map_err(ClusterError::from)?, effects, reply: Vec::new() };
        begun
            .log
            .append(|ledger| {
                let proposed = ledger.propose(std::slice::from_ref(&command), self.clock.now().domain_ms)?;
                Ok((proposed.entry.ok_or(ClusterError::NothingProposed)?, ()))
            })
            .await
    }

    /// Is let in by a member of the cluster.
    pub(crate) async fn join(&self) -> Result<Begun, LogError> {
        let identity = self.identity()?;
        let request = JoinRequest::new(&identity, self.partition_id(), |bytes| self.device.sign(bytes))?;
        let ask = AskAdmission {
            hsm_id: self.hsm.identity().hsm_id.clone(),
            device_chain: self.device.chain().to_vec(),
            request: request.encode(),
        };
        let invitation = self.plane.ask_admission(ask).await?;
        let read = self.plane.read(1).await?;
        let snapshot = match (read.first, read.snapshot) {
            (first, snapshot) if first > 1 || snapshot > 0 => {
                Some(self.plane.get(BlobKind::Snapshot, &snapshot.to_string()).await?)
            }
            _ => None,
        };
        let view = Arc::new(View::new());
        let replica =
            Replica::join(identity, self.partition_id(), &invitation, snapshot.as_deref(), self.core())?;
        let begun = self.begun(Ledger::begin(replica, self.folder.clone(), view.clone())?, view)?;
        for _ in 0..MOST_LOOKS {
            let _ = begun.log.turn().await.catch_up().await?;
            if begun.ledger.ask(Replica::is_member) {
                begun.ledger.write_down()?;
                return Ok(begun);
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Err(ClusterError::NotMember.into())
    }

    /// Takes the partition from a backup.
    pub(crate) async fn restore(&self, from: &RestoreFrom) -> Result<Begun, LogError> {
        let backup = self.plane.get(BlobKind::Backup, &from.backup_id).await?;
        let made_as = if from.made_as.is_empty() { &from.backup_id } else { &from.made_as };
        let key = BackupKey {
            backup_id: made_as.clone(),
            fleet_half: self.device.backup_half().clone(),
            service_half: Key256::copied_from(&from.service_half).ok_or(ClusterError::Backup)?,
        };
        let mut archive = Archive::open(&backup, &key, FEATURE_LEVEL, self.core())?;
        if from.same_cluster {
            self.replay_into(&mut archive).await?;
        }
        let now_ms = self.clock.now().domain_ms;
        // The entry comes from the replica again, where it is not in the log.
        let (replica, _) = archive.begin(self.identity()?, self.founding(), now_ms)?;
        self.folder.write(RESTORING, b"").map_err(LogError::disk)?;
        let view = Arc::new(View::new());
        let begun = self.begun(Ledger::begin(replica, self.folder.clone(), view.clone())?, view)?;
        self.complete(&begun).await?;
        Ok(begun)
    }

    /// Brings a backup up to the end of its cluster's log, as far as its keys reach. What it cannot read stays in
    /// the log, and the restore comes after it.
    async fn replay_into(&self, archive: &mut Archive<Core>) -> Result<(), LogError> {
        loop {
            let from = archive.head().sequence + 1;
            let read = self.plane.read(from).await?;
            if read.entries.is_empty() {
                if read.first > from {
                    tracing::warn!("the log does not reach back to the backup; what came after it is lost");
                }
                break;
            }
            let entries: Vec<_> = read.entries.into_iter().map(|entry| entry.entry).collect();
            match tokio::task::block_in_place(|| archive.replay(from, &entries)) {
                Ok(0) => return Err(PlaneError::Nonsense.into()),
                Ok(_) => {}
                Err(error @ (ClusterError::NoKey { .. } | ClusterError::LaterIncarnation { .. })) => {
                    tracing::warn!(%error, from = archive.head().sequence, "what the log has after this is lost");
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let last = self.plane.read(u64::MAX).await?.head;
        if last > 0 && last != archive.head().sequence {
            let read = self.plane.read(last).await?.entries.into_iter().next();
            archive.begin_after(last, &read.ok_or(PlaneError::Nonsense)?.entry);
        }
        Ok(())
    }
}
