//! The audit logs of HSMs, each record once into the journal.

use strongroom_hsm_proto::fleet::{AuditRecord, Failed, FailedCode};

use super::Session;
use super::answers::away;
use super::registration::failed;
use crate::ControlPlane;
use crate::error::Refusal;
use crate::{events, repo};

/// Records that one call may carry.
const MOST: usize = 512;

impl ControlPlane {
    /// Records what an HSM has logged, and answers the first sequence number that is not recorded yet. What it
    /// sends again is recorded once: how far its log is, and the drafts of the records, commit together. What is
    /// missing it does not have any more: that it is missing is recorded.
    pub(super) async fn store_audit(&self, session: &Session, sent: Vec<AuditRecord>) -> Result<u64, Failed> {
        if sent.len() > MOST {
            return Err(failed(FailedCode::LimitExceeded, "too many audit records at once"));
        }
        if sent.iter().any(|record| i64::try_from(record.sequence).is_err()) {
            return Err(failed(FailedCode::InvalidRequest, "no audit log is so long"));
        }
        if !self.outbox.is_ready() {
            self.outbox.probe().await;
            if !self.outbox.is_ready() {
                return Err(failed(FailedCode::Unavailable, "the audit journal cannot be written"));
            }
        }
        let cluster = repo::clusters::find_by_id(&self.db, &self.mac, &session.cluster_id).await;
        let Some(cluster) = cluster.map_err(away)? else {
            return Err(failed(FailedCode::NotEnrolled, "the cluster is gone"));
        };
        let next = repo::audit::next(&self.db, &session.hsm_id).await.map_err(away)?;
        let mut wanted = next;
        let mut records = Vec::new();
        for record in &sent {
            // What is known already is passed over.
            if record.sequence < wanted {
                continue;
            }
            let (home, cluster, hsm) = (&cluster.home, &cluster.id, &session.hsm_id);
            if record.sequence > wanted {
                tracing::warn!(
                    hsm,
                    from = wanted,
                    to = record.sequence,
                    "records of an audit log are missing"
                );
                records.push(events::audit_gap(home, cluster, hsm, wanted, record));
            }
            records.push(events::audited(home, cluster, hsm, record));
            wanted = record.sequence + 1;
        }
        if records.is_empty() {
            return Ok(next);
        }
        let drafts: Vec<_> = records.iter().map(|record| self.outbox.draft(record)).collect();
        let (drafts, hsm_id) = (&drafts, session.hsm_id.as_str());
        let stored = self.db.transaction(|tx| {
            Box::pin(async move {
                if repo::audit::load(tx, hsm_id).await? != next {
                    return Ok::<_, Refusal>(false);
                }
                for draft in drafts {
                    repo::post(tx, Some(draft)).await?;
                }
                repo::audit::put(tx, hsm_id, wanted).await?;
                Ok(true)
            })
        });
        if !stored.await? {
            // Another call was faster; the HSM is told how far its log is now.
            return repo::audit::next(&self.db, hsm_id).await.map_err(away);
        }
        for record in records {
            self.publish(record).await;
        }
        Ok(wanted)
    }
}
