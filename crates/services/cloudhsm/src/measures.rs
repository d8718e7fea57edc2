//! What HSMs count, for whoever keeps metrics (CloudHSM User Guide, "Getting CloudWatch metrics for AWS CloudHSM").

use strongroom_identity::AccountId;
use strongroom_runtime::BoxError;

use crate::ControlPlane;
use crate::domain::hsm::HsmState;
use crate::repo;

/// Clusters read at once.
const PAGE: usize = 100;

/// Users that a cluster can have.
const MOST_USERS: u32 = 1_024;

/// How one HSM is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HsmMeasures {
    /// Whose cluster it is of.
    pub account: AccountId,
    /// The Region's name.
    pub region: &'static str,
    /// Its cluster.
    pub cluster_id: String,
    /// Its id.
    pub hsm_id: String,
    /// Whether it does not serve as it should.
    pub is_unhealthy: bool,
    /// What it counts, if it is connected to this server.
    pub counts: Option<HsmCounts>,
}

/// What an HSM counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HsmCounts {
    /// Session keys on it.
    pub session_keys: u32,
    /// Token keys of its partition.
    pub token_keys: u32,
    /// Sessions that are open.
    pub sessions: u32,
    /// Users that can still be made.
    pub users_available: u32,
}

impl ControlPlane {
    /// How the HSMs of all clusters are that are members of them.
    pub async fn measure(&self) -> Result<Vec<HsmMeasures>, BoxError> {
        let mut measures = Vec::new();
        let mut after = String::new();
        loop {
            let page = repo::clusters::list_unsettled(&self.db, &self.mac, &after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(measures) };
            after.clone_from(last);
            // A cluster whose row cannot be read is the reconciler's to tell of.
            for cluster in page.into_iter().filter_map(|(_, cluster)| cluster.ok()) {
                for hsm in repo::hsms::list(&self.db, &self.mac, &cluster.home, &cluster.id).await? {
                    if !hsm.is_member() {
                        continue;
                    }
                    let report = self.fleet.session(&hsm.id).and_then(|session| session.report());
                    let counts = report.and_then(|report| report.counters).map(|counters| HsmCounts {
                        session_keys: counters.session_keys,
                        token_keys: counters.token_keys,
                        sessions: counters.sessions,
                        users_available: MOST_USERS.saturating_sub(counters.users),
                    });
                    measures.push(HsmMeasures {
                        account: hsm.home.account,
                        region: hsm.home.region,
                        cluster_id: hsm.cluster_id,
                        hsm_id: hsm.id,
                        is_unhealthy: hsm.state == HsmState::Degraded,
                        counts,
                    });
                }
            }
        }
    }
}
