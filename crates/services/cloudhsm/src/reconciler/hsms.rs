//! HSMs started, and told from those that do not serve.

use std::net::SocketAddr;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::{hex, random};
use strongroom_hsm_proto::fleet::HsmState as Doing;
use strongroom_secret::SecretString;

use crate::ControlPlane;
use crate::domain::backup::BackupState;
use crate::domain::cluster::{Cluster, ClusterState};
use crate::domain::hsm::{Hsm, HsmState};
use crate::error::Refusal;
use crate::network::FIRST_PORT;
use crate::placement::{Condition, Order};
use crate::repo;

/// How long an HSM may be away, or not serve, until it counts as degraded, in milliseconds of real time.
const DEGRADED_AFTER_MS: i64 = 15_000;

/// How long an HSM whose process runs may be away until it is stopped, to be started anew.
const STUCK_AFTER_MS: i64 = 60_000;

/// From that start on, people are told that the HSM does not come up.
const WORRYING_STARTS: u32 = 3;

impl ControlPlane {
    /// Sees to one HSM.
    pub(super) async fn tend(&self, cluster: &Cluster, hsm: &Hsm, hsms: &[Hsm]) -> Result<(), Refusal> {
        if hsm.state == HsmState::DeleteInProgress {
            return self.remove(cluster, hsm, hsms).await;
        }
        if self.faults.is_down(&hsm.id) {
            return self.keep_down(hsm).await;
        }
        let Some(session) = self.fleet.session(&hsm.id) else {
            return self.bring_up(cluster, hsm, hsms).await;
        };
        if let Err(error) = self.push_fault_to(&session).await {
            tracing::warn!(hsm = hsm.id, %error, "an HSM is not told yet what it is to do wrong");
        }
        self.memory.note(&hsm.id, |tries| tries.away_since_ms = None);
        let state = session.state();
        // Before the cluster has a certificate, an HSM that waits for it is as good as it gets.
        let waits = state == Some(Doing::Uninitialized) && cluster.installed.is_none();
        if state == Some(Doing::Serving) || waits {
            self.memory.forget(&hsm.id);
            return self.came_up(cluster, hsm).await;
        }
        match state {
            Some(Doing::Halted) => {
                let reason = session.report().map(|report| report.halt_reason).unwrap_or_default();
                self.degraded(hsm, &format!("The HSM has halted: {reason}")).await
            }
            _ => self.is_idle(hsm, session.report().map(|report| report.halt_reason)).await,
        }
    }

    /// An HSM is connected and does not serve, which it may do for a while when it starts.
    async fn is_idle(&self, hsm: &Hsm, reason: Option<String>) -> Result<(), Refusal> {
        let now_ms = self.clocks.real_now();
        let tries = self.memory.note(&hsm.id, |tries| {
            tries.idle_since_ms.get_or_insert(now_ms);
        });
        if now_ms - tries.idle_since_ms.unwrap_or(now_ms) <= DEGRADED_AFTER_MS {
            return Ok(());
        }
        let why = match reason.filter(|reason| !reason.is_empty()) {
            Some(reason) => format!("The HSM is connected and does not serve: {reason}"),
            None => "The HSM is connected and does not serve.".to_owned(),
        };
        self.degraded(hsm, &why).await
    }

    /// An HSM that is not connected: starts it, or finds out why it is away.
    pub(super) async fn bring_up(&self, cluster: &Cluster, hsm: &Hsm, hsms: &[Hsm]) -> Result<(), Refusal> {
        let now_ms = self.clocks.real_now();
        let tries = self.memory.note(&hsm.id, |tries| {
            tries.away_since_ms.get_or_insert(now_ms);
        });
        let away_ms = now_ms - tries.away_since_ms.unwrap_or(now_ms);
        let condition = self.placement.observe(&hsm.id).await;
        match condition.map_err(|error| Refusal::Internal(error.into()))? {
            Condition::Running if away_ms > STUCK_AFTER_MS => {
                tracing::warn!(
                    hsm = hsm.id,
                    "an HSM runs and is not connected; it is stopped and started anew"
                );
                self.memory.note(&hsm.id, |tries| tries.away_since_ms = None);
                let stopped = self.placement.stop(&hsm.id).await;
                stopped.map_err(|error| Refusal::Internal(error.into()))?;
            }
            Condition::Absent if hsm.device.is_some() => return self.replace(cluster, hsm, hsms).await,
            Condition::Absent | Condition::Stopped if now_ms >= tries.not_before_ms => {
                let tries = self.memory.started(&hsm.id, now_ms);
                if let Err(refusal) = self.start_hsm(hsm).await {
                    let cause = refusal.into_cause();
                    self.degraded(hsm, &format!("The HSM cannot be started: {cause}")).await?;
                    return Err(Refusal::Internal(cause));
                }
                if tries.starts >= WORRYING_STARTS {
                    self.degraded(hsm, "The HSM's process ends again and again. Its log says why.").await?;
                }
            }
            // It runs and will connect, or it is too early to start it again.
            Condition::Running | Condition::Absent | Condition::Stopped => {}
        }
        if hsm.state == HsmState::Active && away_ms > DEGRADED_AFTER_MS {
            self.degraded(hsm, "The HSM is not connected.").await?;
        }
        Ok(())
    }

    /// Starts the process of an HSM. One that has not enrolled gets a new token for it.
    async fn start_hsm(&self, hsm: &Hsm) -> Result<(), Refusal> {
        let plane = self.fleet.address();
        let plane = plane.ok_or_else(|| Refusal::internal("the fleet's listener is not open"))?;
        let enrolment_token = if hsm.device.is_none() { Some(self.new_token(hsm).await?) } else { None };
        let order = Order {
            hsm_id: hsm.id.clone(),
            zone: hsm.zone.clone(),
            listen: SocketAddr::from((hsm.eni_ip, FIRST_PORT)),
            plane,
            plane_certificate: self.fleet.certificate_pem().to_owned(),
            enrolment_token,
            dev: self.options.dev,
        };
        self.placement.start(&order).await.map_err(|error| Refusal::Internal(error.into()))
    }

    async fn new_token(&self, hsm: &Hsm) -> Result<SecretString, Refusal> {
        let token: [u8; 32] = random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
        let token = hex::encode(&token);
        let digest = sha256(token.as_bytes());
        self.advance_hsm(&hsm.id, |hsm| {
            hsm.token_digest = Some(digest);
            true
        })
        .await?;
        Ok(SecretString::new(token))
    }

    /// Changes an HSM for nobody but itself, if `act` says that something changes. Answers whether it did.
    pub(super) async fn advance_hsm(
        &self,
        hsm_id: &str,
        act: impl Fn(&mut Hsm) -> bool + Send + Sync,
    ) -> Result<bool, Refusal> {
        let act = &act;
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let Some(mut hsm) = repo::hsms::load(tx, &self.mac, hsm_id).await? else {
                        return Ok(false);
                    };
                    if !act(&mut hsm) {
                        return Ok(false);
                    }
                    repo::hsms::replace(tx, &self.mac, &mut hsm).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// Notes that an HSM does not serve as it should, and why.
    pub(crate) async fn degraded(&self, hsm: &Hsm, why: &str) -> Result<(), Refusal> {
        if self.advance_hsm(&hsm.id, |hsm| hsm.degraded(why)).await? {
            tracing::warn!(hsm = hsm.id, "{why}");
            self.nudge();
        }
        Ok(())
    }

    /// An HSM serves. One that is new in an active cluster is a reason for a backup.
    async fn came_up(&self, cluster: &Cluster, hsm: &Hsm) -> Result<(), Refusal> {
        if hsm.state == HsmState::Active {
            return Ok(());
        }
        let now_ms = self.clocks.domain_now();
        let (home, cluster_id, hsm_id) = (&cluster.home, &cluster.id, &hsm.id);
        let came_up = self.db.transaction(|tx| {
            Box::pin(async move {
                let Some(mut hsm) = repo::hsms::load(tx, &self.mac, hsm_id).await? else {
                    return Ok::<_, Refusal>(None);
                };
                let new = hsm.state == HsmState::CreateInProgress;
                if !hsm.came_up() {
                    return Ok(None);
                }
                repo::hsms::replace(tx, &self.mac, &mut hsm).await?;
                let Some(cluster) = repo::clusters::load(tx, &self.mac, home, cluster_id).await? else {
                    return Ok(None);
                };
                if new && cluster.state == ClusterState::Active {
                    let backups = repo::backups::load_of(tx, &self.mac, home, cluster_id).await?;
                    if !backups.iter().any(|backup| backup.state == BackupState::CreateInProgress) {
                        let backup = self.new_backup(&cluster, now_ms)?;
                        repo::backups::insert(tx, &self.mac, &backup).await?;
                    }
                }
                Ok(Some(repo::hsms::load_all(tx, &self.mac, home, cluster_id).await?))
            })
        });
        if let Some(hsms) = came_up.await? {
            tracing::info!(hsm = hsm.id, cluster = cluster.id, "an HSM is active");
            self.nudge();
            self.push_peers(&cluster.id, &hsms).await;
        }
        Ok(())
    }
}
