//! Who an HSM is, and what it is to be.

use strongroom_crypto::digest::sha256;
use strongroom_hsm_proto::fleet::{
    AssignedRole, Assignment, ClusterCertificates, ClusterMode, FLEET_VERSION, Failed, FailedCode, Register,
    RestoreFrom, Rules,
};
use strongroom_secret::constant_time_eq;

use crate::ControlPlane;
use crate::domain::backup::{Backup, BackupState};
use crate::domain::cluster::{Cluster, ClusterState, Mode};
use crate::domain::hsm::{Hsm, HsmState};
use crate::error::Refusal;
use crate::network::FIRST_PORT;
use crate::repo;

/// Milliseconds between two reports of an HSM.
const REPORT_EVERY_MS: u32 = 2_000;

/// An HSM's registration is refused.
pub(super) fn failed(code: FailedCode, text: impl Into<String>) -> Failed {
    Failed { code: code.into(), text: text.into() }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        let cause = refusal.into_cause();
        tracing::error!(error = cause, "a call of an HSM fails");
        failed(FailedCode::Internal, "the control plane failed; its log says why")
    }
}

/// Why an HSM of a cluster without members does not begin with the partition now: one does, the first that was
/// created, and the others join it. One that is still being deleted may have what is in no backup yet.
fn why_to_wait(hsm: &Hsm, hsms: &[Hsm]) -> Option<String> {
    let (leaving, staying): (Vec<_>, Vec<_>) =
        hsms.iter().partition(|other| other.state == HsmState::DeleteInProgress);
    if let Some(leaver) = leaving.iter().find(|other| other.device.is_some()) {
        return Some(format!("{}, which has been in the cluster, is being deleted", leaver.id));
    }
    let first = staying.into_iter().min_by_key(|other| (other.created_ms, &other.id))?;
    (first.id != hsm.id).then(|| format!("{} comes up first, and lets the others in", first.id))
}

impl ControlPlane {
    /// Takes an HSM in that has shown the device certificate of that digest, and says what it is to be, and in
    /// which cluster.
    pub(super) async fn register(
        &self,
        register: &Register,
        device: &[u8; 32],
    ) -> Result<(Assignment, String), Failed> {
        if register.version != FLEET_VERSION {
            let text = format!("this control plane speaks version {FLEET_VERSION}, not {}", register.version);
            return Err(failed(FailedCode::InvalidRequest, text));
        }
        if register.device_chain.first().map(|der| sha256(der)).as_ref() != Some(device) {
            let text = "the device certificate is not the one of the connection";
            return Err(failed(FailedCode::InvalidRequest, text));
        }
        let unknown = || failed(FailedCode::NotEnrolled, "no such HSM, or not this device");
        let found = repo::hsms::find(&self.db, &self.mac, &register.hsm_id).await.map_err(Refusal::from)?;
        let hsm = found.ok_or_else(unknown)?;
        match hsm.device {
            Some(known) if constant_time_eq(&known, device) => {}
            Some(_) => return Err(unknown()),
            None => {
                let digest = sha256(register.enrolment_token.as_bytes());
                if !hsm.token_digest.is_some_and(|known| constant_time_eq(&known, &digest)) {
                    return Err(unknown());
                }
                self.enrol(&hsm.id, digest, *device).await?;
            }
        }
        let found = repo::clusters::find(&self.db, &self.mac, &hsm.home, &hsm.cluster_id).await;
        let cluster = found.map_err(Refusal::from)?.ok_or_else(unknown)?;
        if !register.cluster_id.is_empty() && register.cluster_id != cluster.id {
            return Err(failed(FailedCode::WrongState, "the HSM has the partition of another cluster"));
        }
        let hsms = self.hsms_of(&cluster).await?;
        let assignment = self.assign(register, &cluster, &hsm, &hsms).await?;
        Ok((assignment, cluster.id))
    }

    /// Shows people why an HSM of theirs cannot become what it is to be.
    pub(super) async fn tell_why(&self, register: &Register, device: &[u8; 32], failed: &Failed) {
        if failed.code() != FailedCode::NotFound {
            return;
        }
        let known = repo::hsms::find(&self.db, &self.mac, &register.hsm_id).await.ok().flatten();
        if let Some(hsm) = known.filter(|hsm| hsm.device.as_ref() == Some(device)) {
            let text = format!("The HSM cannot come up: {}.", failed.text);
            if let Err(refusal) = self.degraded(&hsm, &text).await {
                tracing::warn!(
                    hsm = hsm.id,
                    error = refusal.into_cause(),
                    "an HSM's state is not written down"
                );
            }
        }
    }

    /// Uses the token up: from now on the device certificate alone counts.
    async fn enrol(&self, hsm_id: &str, token_digest: [u8; 32], device: [u8; 32]) -> Result<(), Failed> {
        let enrolled = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::hsms::load(tx, &self.mac, hsm_id).await?;
                let Some(mut hsm) = found.filter(|hsm| hsm.token_digest == Some(token_digest)) else {
                    return Ok::<_, Refusal>(false);
                };
                hsm.token_digest = None;
                hsm.device = Some(device);
                repo::hsms::replace(tx, &self.mac, &mut hsm).await?;
                Ok(true)
            })
        });
        if enrolled.await? {
            Ok(())
        } else {
            Err(failed(FailedCode::NotEnrolled, "the enrolment token has been used"))
        }
    }

    async fn assign(
        &self,
        register: &Register,
        cluster: &Cluster,
        hsm: &Hsm,
        hsms: &[Hsm],
    ) -> Result<Assignment, Failed> {
        let members: Vec<_> = hsms.iter().filter(|other| other.id != hsm.id && other.is_member()).collect();
        let mut head = repo::log::head(&self.db, &cluster.id).await.map_err(Refusal::from)?;
        let mut restore = None;
        let role = if !register.cluster_id.is_empty() {
            AssignedRole::Resume
        } else if hsm.state == HsmState::DeleteInProgress {
            return Err(failed(FailedCode::Expelled, "the HSM is being deleted"));
        } else if !members.is_empty() {
            AssignedRole::Join
        } else if let Some(wait) = why_to_wait(hsm, hsms) {
            return Err(failed(FailedCode::Unavailable, wait));
        } else {
            let backup = self.backup_to_begin_with(cluster, head).await?;
            if head > 0 && backup.as_ref().is_none_or(|(_, same_cluster)| !same_cluster) {
                if cluster.state == ClusterState::Initialized && cluster.source_backup.is_none() {
                    let text = "the HSM that had the partition is lost, and there is no backup of it";
                    return Err(failed(FailedCode::NotFound, text));
                }
                // What the first HSM wrote before it was lost opens for nobody.
                self.begin_log_anew(cluster).await?;
                head = 0;
            }
            match backup {
                Some((backup, same_cluster)) => {
                    restore = Some(self.restore_from(&backup, same_cluster)?);
                    AssignedRole::Restore
                }
                None => AssignedRole::Found,
            }
        };
        let allow = self.sources(&hsm.home, &cluster.security_group).await?;
        let installed = cluster.installed.as_ref().map(|installed| ClusterCertificates {
            cluster_certificate: installed.certificate.clone(),
            trust_anchor: installed.trust_anchor.clone(),
        });
        Ok(Assignment {
            cluster_id: cluster.id.clone(),
            role: role.into(),
            mode: match cluster.mode {
                Mode::Fips => ClusterMode::Fips,
                Mode::NonFips => ClusterMode::NonFips,
            }
            .into(),
            head,
            rules: Some(Rules { revision: self.fleet.next_revision(self.clocks.real_now()), allow }),
            certificates: installed,
            peers: members.iter().map(|other| format!("{}:{FIRST_PORT}", other.eni_ip)).collect(),
            clock_offset_ms: if self.options.dev { self.clocks.offset_ms() } else { 0 },
            restore,
            report_every_ms: REPORT_EVERY_MS,
            // One that was told by a control plane before this one is told that it is well.
            fault: Some(self.faults.own(&hsm.id)),
            audit_next: repo::audit::next(&self.db, &hsm.id).await.map_err(Refusal::from)?,
        })
    }

    /// The backup that a cluster without members begins with, and whether its log goes on from there: its own
    /// last one, or the one that it was made from.
    async fn backup_to_begin_with(
        &self,
        cluster: &Cluster,
        head: u64,
    ) -> Result<Option<(Backup, bool)>, Failed> {
        let own = repo::backups::list_of(&self.db, &self.mac, &cluster.home, &cluster.id).await;
        let own = own.map_err(Refusal::from)?;
        if head > 0
            && let Some(last) = own.into_iter().find(|backup| backup.state == BackupState::Ready)
        {
            return Ok(Some((last, true)));
        }
        // What was changed since the cluster was made from another's backup is in its own backups only.
        if cluster.state == ClusterState::Active {
            let text = "the cluster has no HSM left and no backup that is READY";
            return Err(failed(FailedCode::NotFound, text));
        }
        let Some(source) = &cluster.source_backup else { return Ok(None) };
        let found = repo::backups::find_by_id(&self.db, &self.mac, source).await.map_err(Refusal::from)?;
        let found = found.filter(|backup| backup.state != BackupState::CreateInProgress);
        let gone = || failed(FailedCode::NotFound, "the backup that the cluster was made from is gone");
        Ok(Some((found.ok_or_else(gone)?, false)))
    }

    fn restore_from(&self, backup: &Backup, same_cluster: bool) -> Result<RestoreFrom, Failed> {
        let half = self.service_half(&backup.blob, backup.seal_epoch)?;
        Ok(RestoreFrom {
            backup_id: backup.blob.clone(),
            service_half: half.expose().to_vec(),
            same_cluster,
            made_as: String::new(),
        })
    }

    /// Removes the log of a cluster that nobody can read any more.
    pub(crate) async fn begin_log_anew(&self, cluster: &Cluster) -> Result<(), Refusal> {
        let id = &cluster.id;
        // Page by page, and the log last: while there is one, this is done again.
        while self.db.transaction(|tx| Box::pin(repo::blobs::delete_snapshots(tx, id, |_| true))).await? {}
        Ok(self.db.transaction(|tx| Box::pin(repo::log::drop_all(tx, id))).await?)
    }
}
