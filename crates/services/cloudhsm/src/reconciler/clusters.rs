//! Clusters moved on.

use std::time::Duration;

use strongroom_hsm_proto::fleet::{ClusterCertificates, HsmCall, HsmState as Doing};

use crate::domain::backup::BackupState;
use crate::domain::cluster::{Cluster, ClusterState, DAY_MS, Evidence};
use crate::domain::home::Home;
use crate::domain::hsm::Hsm;
use crate::error::Refusal;
use crate::{ControlPlane, events, repo};

/// How long an HSM may take to install certificates.
const INSTALLING: Duration = Duration::from_secs(10);

impl ControlPlane {
    /// Does what is to be done for a cluster and its HSMs now.
    pub(super) async fn move_on(&self, cluster: &Cluster) -> Result<(), Refusal> {
        match cluster.state {
            ClusterState::CreateInProgress => return self.set_up(cluster).await,
            ClusterState::DeleteInProgress => return self.wind_up(cluster).await,
            _ => {}
        }
        let hsms = self.hsms_of(cluster).await?;
        for hsm in &hsms {
            if let Err(refusal) = self.tend(cluster, hsm, &hsms).await {
                tracing::warn!(
                    hsm = hsm.id,
                    error = refusal.into_cause(),
                    "an HSM is not yet as it is to be"
                );
            }
        }
        if let Err(refusal) = self.sweep(cluster).await {
            let error = refusal.into_cause();
            tracing::warn!(cluster = cluster.id, error, "what was made for nothing is not looked for");
        }
        match cluster.state {
            ClusterState::Uninitialized => self.take_evidence(cluster).await,
            ClusterState::InitializeInProgress => self.install(cluster).await,
            ClusterState::Initialized => self.notice_activation(cluster).await,
            _ => Ok(()),
        }
    }

    /// The security group gets its rules, and the cluster is there.
    async fn set_up(&self, cluster: &Cluster) -> Result<(), Refusal> {
        let opened = self.network.open_group(&cluster.home, &cluster.security_group, self.options.dev).await;
        opened.map_err(Refusal::Elsewhere)?;
        self.advance(&cluster.home, &cluster.id, |cluster| {
            cluster.set_up();
            true
        })
        .await
    }

    /// What a cluster leaves behind is removed, and the cluster is gone.
    async fn wind_up(&self, cluster: &Cluster) -> Result<(), Refusal> {
        if !self.hsms_of(cluster).await?.is_empty() {
            return Ok(());
        }
        // No HSM comes any more, and what stays in the group would keep it.
        self.sweep_interfaces(cluster, 0).await?;
        self.memory.end_sweeps(&cluster.id);
        let deleted = self.network.delete_group(&cluster.home, &cluster.security_group).await;
        deleted.map_err(Refusal::Elsewhere)?;
        self.begin_log_anew(cluster).await?;
        for backup in repo::backups::list_of(&self.db, &self.mac, &cluster.home, &cluster.id).await? {
            if backup.state == BackupState::CreateInProgress {
                self.give_up_backup(&backup).await?;
            }
        }
        let now_ms = self.clocks.domain_now();
        self.advance(&cluster.home, &cluster.id, |cluster| {
            cluster.deleted(now_ms);
            true
        })
        .await
    }

    /// Changes a cluster for nobody but itself, if `act` says that something changes.
    pub(super) async fn advance(
        &self,
        home: &Home,
        id: &str,
        act: impl Fn(&mut Cluster) -> bool + Send + Sync,
    ) -> Result<(), Refusal> {
        let act = &act;
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let Some(mut cluster) = repo::clusters::load(tx, &self.mac, home, id).await? else {
                    return Ok::<_, Refusal>(false);
                };
                if !act(&mut cluster) {
                    return Ok(false);
                }
                repo::clusters::replace(tx, &self.mac, &mut cluster).await?;
                Ok(true)
            })
        });
        if changed.await? {
            self.nudge();
        }
        Ok(())
    }

    /// The first HSM has made the partition: its certificates and the CSR are shown.
    async fn take_evidence(&self, cluster: &Cluster) -> Result<(), Refusal> {
        let mut sessions = self.fleet.sessions_of(&cluster.id).into_iter();
        let Some(certificates) = sessions.find_map(|session| session.report()?.certificates) else {
            return Ok(());
        };
        let evidence = Evidence {
            csr: certificates.cluster_csr,
            hsm_certificate: certificates.hsm_certificate,
            aws_certificate: certificates.aws_hardware_certificate,
            manufacturer_certificate: certificates.manufacturer_hardware_certificate,
        };
        // As DescribeClusters shows it: a CSR belongs to an HSM that is ACTIVE.
        let hsms = self.hsms_of(cluster).await?;
        if !hsms.iter().any(Hsm::is_member) {
            return Ok(());
        }
        self.advance(&cluster.home, &cluster.id, |cluster| cluster.founded(&evidence)).await
    }

    /// The HSM gets the owner's certificate.
    async fn install(&self, cluster: &Cluster) -> Result<(), Refusal> {
        let Some(installed) = &cluster.installed else {
            return Err(Refusal::internal("a cluster that is being initialized has no certificate"));
        };
        let ready = |state| matches!(state, Some(Doing::Uninitialized | Doing::Serving));
        let sessions = self.fleet.sessions_of(&cluster.id);
        let Some(session) = sessions.into_iter().find(|session| ready(session.state())) else {
            return Ok(());
        };
        let certificates = ClusterCertificates {
            cluster_certificate: installed.certificate.clone(),
            trust_anchor: installed.trust_anchor.clone(),
        };
        let order = session.order(HsmCall::SetCertificates(certificates), INSTALLING).await;
        order.map_err(|error| Refusal::Internal(error.into()))?;
        self.advance(&cluster.home, &cluster.id, |cluster| {
            cluster.initialized();
            true
        })
        .await
    }

    /// An administrator has set the first password inside the HSM, or had in the cluster that the backup is of.
    async fn notice_activation(&self, cluster: &Cluster) -> Result<(), Refusal> {
        let serves = |report: &strongroom_hsm_proto::fleet::Report| {
            report.activated && report.state == i32::from(Doing::Serving)
        };
        let sessions = self.fleet.sessions_of(&cluster.id);
        if !sessions.iter().any(|session| session.report().is_some_and(|report| serves(&report))) {
            return Ok(());
        }
        let now_ms = self.clocks.domain_now();
        let event_id = strongroom_crypto::random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
        let record = events::activated(cluster, now_ms, event_id);
        let (draft, home, id) = (&self.outbox.draft(&record), &cluster.home, &cluster.id);
        let activated = self.db.transaction(|tx| {
            Box::pin(async move {
                let Some(mut cluster) = repo::clusters::load(tx, &self.mac, home, id).await? else {
                    return Ok::<_, Refusal>(false);
                };
                if !cluster.activated() {
                    return Ok(false);
                }
                cluster.next_backup_ms = Some(now_ms.saturating_add(DAY_MS));
                repo::clusters::replace(tx, &self.mac, &mut cluster).await?;
                let backup = self.new_backup(&cluster, now_ms)?;
                repo::backups::insert(tx, &self.mac, &backup).await?;
                repo::post(tx, Some(draft)).await?;
                Ok(true)
            })
        });
        if activated.await? {
            self.publish(record).await;
            self.agenda_changed();
            self.nudge();
        }
        Ok(())
    }
}
