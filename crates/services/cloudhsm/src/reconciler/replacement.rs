//! HSMs that have lost what they kept.

use crate::domain::backup::BackupState;
use crate::domain::cluster::{Cluster, ClusterState};
use crate::domain::home::new_id;
use crate::domain::hsm::{Hsm, HsmState};
use crate::error::Refusal;
use crate::placement::Condition;
use crate::{ControlPlane, events, repo};

impl ControlPlane {
    /// Puts a new HSM in the place of one that has lost its state: with an id of its own, as AWS's have it, at
    /// the same address, so that clients find it.
    pub(super) async fn replace(&self, cluster: &Cluster, lost: &Hsm, hsms: &[Hsm]) -> Result<(), Refusal> {
        let others = self.others_are_left(lost, hsms).await?;
        if !others && !self.can_begin_again(cluster).await? {
            let why =
                "The HSM has lost its state, and there is neither another HSM nor a backup of the cluster.";
            return self.degraded(lost, why).await;
        }
        if others {
            self.let_go(cluster, lost).await?;
        }
        let destroyed = self.placement.destroy(&lost.id).await;
        destroyed.map_err(|error| Refusal::Internal(error.into()))?;
        let now_ms = self.clocks.domain_now();
        let new = Hsm {
            id: new_id("hsm")?,
            version: 1,
            state: HsmState::CreateInProgress,
            message: None,
            token_digest: None,
            device: None,
            ..lost.clone()
        };
        let event_id = strongroom_crypto::random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
        let record = events::replaced(cluster, lost, &new, now_ms, event_id);
        let (draft, new) = (&self.outbox.draft(&record), &new);
        let replaced = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::hsms::load(tx, &self.mac, &lost.id).await?;
                let Some(hsm) = found.filter(|hsm| hsm.state != HsmState::DeleteInProgress) else {
                    return Ok::<_, Refusal>(false);
                };
                let Some(mut cluster) =
                    repo::clusters::load(tx, &self.mac, &hsm.home, &hsm.cluster_id).await?
                else {
                    return Ok(false);
                };
                repo::hsms::delete(tx, &hsm.id).await?;
                repo::audit::delete(tx, &hsm.id).await?;
                repo::hsms::insert(tx, &self.mac, new).await?;
                cluster.partition_lost();
                repo::clusters::replace(tx, &self.mac, &mut cluster).await?;
                repo::post(tx, Some(draft)).await?;
                Ok(true)
            })
        });
        if replaced.await? {
            tracing::warn!(hsm = lost.id, by = new.id, "an HSM that has lost its state is replaced");
            self.memory.forget(&lost.id);
            self.faults.forget(&lost.id);
            if let Some(session) = self.fleet.session(&lost.id) {
                session.close();
            }
            self.publish(record).await;
            self.nudge();
        }
        Ok(())
    }

    /// Whether another member of the cluster has what the lost one had. One that is away may come back; those whose
    /// state is lost too are waited for by nobody.
    async fn others_are_left(&self, lost: &Hsm, hsms: &[Hsm]) -> Result<bool, Refusal> {
        for other in hsms.iter().filter(|other| other.id != lost.id && other.is_member()) {
            let condition = self.placement.observe(&other.id).await;
            if condition.map_err(|error| Refusal::Internal(error.into()))? != Condition::Absent {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a cluster without HSMs has something to begin with: nothing to lose, or a backup.
    async fn can_begin_again(&self, cluster: &Cluster) -> Result<bool, Refusal> {
        let new = [ClusterState::Uninitialized, ClusterState::InitializeInProgress].contains(&cluster.state);
        if new || cluster.source_backup.is_some() {
            return Ok(true);
        }
        let backups = repo::backups::list_of(&self.db, &self.mac, &cluster.home, &cluster.id).await?;
        Ok(backups.iter().any(|backup| backup.state == BackupState::Ready))
    }
}
