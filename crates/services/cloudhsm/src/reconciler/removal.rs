//! HSMs taken out of their cluster.

use std::time::Duration;

use strongroom_hsm_proto::fleet::{Destroy, HsmAnswer, HsmCall, Leave};

use crate::ControlPlane;
use crate::domain::backup::BackupState;
use crate::domain::cluster::{Cluster, ClusterState};
use crate::domain::hsm::Hsm;
use crate::error::Refusal;
use crate::placement::Condition;
use crate::repo;

/// How long a member may take to let another HSM go: an entry, and the partition key's next epoch.
const LEAVING: Duration = Duration::from_secs(15);

/// How long an HSM may take to wipe its state.
const DESTROYING: Duration = Duration::from_secs(5);

/// How long members are asked to let an HSM go before it goes all the same, in milliseconds of real time. It stays
/// in the members' list then, so this is long: whatever keeps them from it is over by then, or will not be over.
const LEAVE_MS: i64 = 300_000;

/// How long a removal waits for the backup before it, in milliseconds of real time.
const BACKUP_MS: i64 = 60_000;

impl ControlPlane {
    /// Removes an HSM: a backup, the leave, the process with all that it keeps, the interface, the row. Each look
    /// goes on where the last one came to.
    pub(super) async fn remove(&self, cluster: &Cluster, hsm: &Hsm, hsms: &[Hsm]) -> Result<(), Refusal> {
        let others = hsms.iter().any(|other| other.id != hsm.id && other.is_member());
        if self.waits_for_backup(cluster, hsm, hsms, others).await? {
            return Ok(());
        }
        if others && hsm.device.is_some() {
            self.let_go(cluster, hsm).await?;
        }
        if let Some(session) = self.fleet.session(&hsm.id) {
            // The placement ends it in any case; asked first, it hands its last audit records over.
            if let Err(error) = session.order(HsmCall::Destroy(Destroy {}), DESTROYING).await {
                tracing::debug!(hsm = hsm.id, %error, "an HSM does not say that it is destroyed");
            }
        }
        let destroyed = self.placement.destroy(&hsm.id).await;
        destroyed.map_err(|error| Refusal::Internal(error.into()))?;
        let deleted = self.network.delete_interface(&hsm.home, &hsm.eni_id).await;
        deleted.map_err(Refusal::Elsewhere)?;
        self.forget_hsm(cluster, hsm).await
    }

    /// Whether the removal of an HSM has to wait for a backup. The last HSM of a cluster does not go without
    /// one while it can still make it.
    async fn waits_for_backup(
        &self,
        cluster: &Cluster,
        hsm: &Hsm,
        hsms: &[Hsm],
        others: bool,
    ) -> Result<bool, Refusal> {
        let backups = repo::backups::list_of(&self.db, &self.mac, &cluster.home, &cluster.id).await?;
        let pending = backups.iter().filter(|backup| backup.state == BackupState::CreateInProgress);
        let Some(pending) = pending.min_by_key(|backup| backup.created_ms) else { return Ok(false) };
        let now_ms = self.clocks.real_now();
        let tries = self.memory.note(&hsm.id, |tries| {
            tries.waits_since_ms.get_or_insert(now_ms);
        });
        let waited_ms = now_ms - tries.waits_since_ms.unwrap_or(now_ms);
        let condition = self.placement.observe(&hsm.id).await;
        let lost = condition.map_err(|error| Refusal::Internal(error.into()))? == Condition::Absent;
        let saved = backups.iter().any(|backup| backup.state == BackupState::Ready);
        let must = !others && !saved && !lost;
        if must || (waited_ms < BACKUP_MS && (others || !lost)) {
            if !others && !lost && self.fleet.session(&hsm.id).is_none() && !self.faults.is_down(&hsm.id) {
                // Only this one can make it.
                self.bring_up(cluster, hsm, hsms).await?;
            }
            return Ok(true);
        }
        tracing::warn!(hsm = hsm.id, backup = pending.id, "an HSM goes without the backup before it");
        self.give_up_backup(pending).await?;
        Ok(false)
    }

    /// Has a member take the HSM out of the cluster, so that what is written from now on is not for it.
    pub(super) async fn let_go(&self, cluster: &Cluster, hsm: &Hsm) -> Result<(), Refusal> {
        let now_ms = self.clocks.real_now();
        let tries = self.memory.note(&hsm.id, |tries| {
            tries.leaving_since_ms.get_or_insert(now_ms);
        });
        if tries.has_left {
            return Ok(());
        }
        if tries.leaving_since_ms.is_some_and(|since_ms| now_ms - since_ms > LEAVE_MS) {
            tracing::warn!(hsm = hsm.id, "an HSM goes although no member has let it go");
            return Ok(());
        }
        let Some(member) = self.fleet.serving(&cluster.id, &[&hsm.id], now_ms) else {
            return Err(Refusal::internal("no member is there to let an HSM go"));
        };
        // No backup is made meanwhile: one of before the leave does not open what is written after it.
        let turn = self.back_up_turn(&cluster.id).await;
        let leave = Leave { hsm_id: hsm.id.clone() };
        let left = member.work(HsmCall::Leave(leave), LEAVING).await;
        match left.map_err(|error| Refusal::Internal(error.into()))? {
            HsmAnswer::Done(_) => {}
            _ => return Err(Refusal::internal("a member gave the answer of another call")),
        }
        self.expect_backup(cluster).await?;
        drop(turn);
        self.memory.note(&hsm.id, |tries| tries.has_left = true);
        Ok(())
    }

    async fn forget_hsm(&self, cluster: &Cluster, hsm: &Hsm) -> Result<(), Refusal> {
        let (home, cluster_id, hsm_id) = (&cluster.home, &cluster.id, &hsm.id);
        let left = self.db.transaction(|tx| {
            Box::pin(async move {
                repo::hsms::delete(tx, hsm_id).await?;
                repo::audit::delete(tx, hsm_id).await?;
                let left = repo::hsms::load_all(tx, &self.mac, home, cluster_id).await?;
                if let Some(mut cluster) = repo::clusters::load(tx, &self.mac, home, cluster_id).await? {
                    if left.is_empty() {
                        cluster.partition_lost();
                    }
                    repo::clusters::replace(tx, &self.mac, &mut cluster).await?;
                }
                Ok::<_, Refusal>(left)
            })
        });
        let left = left.await?;
        let new = [ClusterState::Uninitialized, ClusterState::InitializeInProgress].contains(&cluster.state);
        if left.is_empty() && new {
            self.begin_log_anew(cluster).await?;
        }
        tracing::info!(hsm = hsm.id, cluster = cluster.id, "an HSM is deleted");
        if let Some(session) = self.fleet.session(&hsm.id) {
            session.close();
        }
        self.memory.forget(&hsm.id);
        self.faults.forget(&hsm.id);
        self.nudge();
        self.push_peers(&cluster.id, &left).await;
        Ok(())
    }
}
