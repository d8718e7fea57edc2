//! What HSMs are told without asking: who may connect, where the others are, what time it is.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use strongroom_hsm_proto::fleet::{HsmCall, Peers, Rules, SetClock};
use strongroom_runtime::Shutdown;

use super::Session;
use crate::ControlPlane;
use crate::domain::home::Home;
use crate::domain::hsm::Hsm;
use crate::error::Refusal;
use crate::network::{FIRST_PORT, NetworkOwner};
use crate::repo;

/// How long an HSM may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how long rules that could not be told are told again.
const SOON: Duration = Duration::from_secs(1);

/// After how long the rules are looked at in any case: another server's changes are not heard of here.
const RARELY: Duration = Duration::from_secs(10);

impl ControlPlane {
    /// The sources that a security group lets reach clients' port, in order and each once.
    pub(crate) async fn sources(&self, home: &Home, group: &str) -> Result<Vec<String>, Refusal> {
        let owner = NetworkOwner { account: home.account, region: home.region };
        let groups = [group.to_owned()];
        let sources = self.rules.allowed_sources(&owner, &groups, FIRST_PORT).await;
        let mut sources = sources.map_err(Refusal::Internal)?;
        sources.sort();
        sources.dedup();
        Ok(sources)
    }

    /// Tells HSMs who may connect, whenever that changes, until the shutdown begins.
    pub(crate) async fn follow_rules(self: Arc<Self>, shutdown: Shutdown) {
        let mut changes = self.rules.changes();
        loop {
            let told = self.push_rules().await;
            let again = tokio::time::sleep(if told { RARELY } else { SOON });
            tokio::select! {
                biased;
                () = shutdown.begun() => return,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = again => {}
            }
        }
    }

    /// Tells each HSM who may connect, if that is not what it was told last. Answers whether all know.
    pub(crate) async fn push_rules(&self) -> bool {
        let sessions = self.fleet.sessions();
        let tell = async |session: &Session| {
            let told = self.push_rules_to(session).await;
            if let Err(error) = &told {
                tracing::warn!(hsm = session.hsm_id, error, "an HSM is not told yet who may connect");
            }
            told.is_ok()
        };
        at_once(sessions.iter().map(|session| tell(session))).await.into_iter().all(|told| told)
    }

    /// Tells an HSM that was just taken in what has changed since it was looked up for its assignment.
    pub(super) async fn tell_news(&self, session: &Session) {
        if let Ok(head) = repo::log::head(&self.db, &session.cluster_id).await {
            session.log_grew(head);
        }
        if let Err(error) = self.push_rules_to(session).await {
            tracing::warn!(hsm = session.hsm_id, error, "an HSM is not told yet who may connect");
        }
        if let Err(error) = self.push_fault_to(session).await {
            tracing::warn!(hsm = session.hsm_id, %error, "an HSM is not told yet what it is to do wrong");
        }
    }

    /// Tells one HSM who may connect, if that is not what it was told last.
    pub(super) async fn push_rules_to(
        &self,
        session: &Session,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        // Held while they are told, so that what is told last is what holds.
        let mut told = session.allowed.lock().await;
        let Some(cluster) = repo::clusters::find_by_id(&self.db, &self.mac, &session.cluster_id).await?
        else {
            return Ok(());
        };
        let allow =
            self.sources(&cluster.home, &cluster.security_group).await.map_err(Refusal::into_cause)?;
        if told.as_ref() == Some(&allow) {
            return Ok(());
        }
        let revision = self.fleet.next_revision(self.clocks.real_now());
        let rules = Rules { revision, allow: allow.clone() };
        session.order(HsmCall::SetRules(rules), PATIENCE).await?;
        *told = Some(allow);
        Ok(())
    }

    /// Tells the HSMs of a cluster where the others are.
    pub(crate) async fn push_peers(&self, cluster_id: &str, hsms: &[Hsm]) {
        let sessions = self.fleet.sessions_of(cluster_id);
        let tell = async |session: &Session| {
            let others = hsms.iter().filter(|hsm| hsm.is_member() && hsm.id != session.hsm_id);
            let addresses = others.map(|hsm| format!("{}:{FIRST_PORT}", hsm.eni_ip)).collect();
            if let Err(error) = session.order(HsmCall::SetPeers(Peers { addresses }), PATIENCE).await {
                tracing::debug!(hsm = session.hsm_id, %error, "an HSM is not told where the others are");
            }
        };
        at_once(sessions.iter().map(|session| tell(session))).await;
    }

    /// Tells all HSMs that domain time was moved. For development.
    pub async fn clock_moved(&self) {
        let offset_ms = self.clocks.offset_ms();
        let sessions = self.fleet.sessions();
        let tell = async |session: &Session| {
            if let Err(error) = session.order(HsmCall::SetClock(SetClock { offset_ms }), PATIENCE).await {
                tracing::warn!(hsm = session.hsm_id, %error, "an HSM is not told that the clock was moved");
            }
        };
        at_once(sessions.iter().map(|session| tell(session))).await;
    }
}

/// Does everything at once, so that nobody waits for an HSM that does not answer but itself.
pub(crate) async fn at_once<W: Future>(work: impl Iterator<Item = W>) -> Vec<W::Output> {
    let mut all: Vec<_> = work.map(|work| (Box::pin(work), None)).collect();
    std::future::poll_fn(|context| {
        let mut are_done = true;
        for (work, done) in all.iter_mut().filter(|(_, done)| done.is_none()) {
            match work.as_mut().poll(context) {
                Poll::Ready(output) => *done = Some(output),
                Poll::Pending => are_done = false,
            }
        }
        if are_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, done)| done).collect()
}
