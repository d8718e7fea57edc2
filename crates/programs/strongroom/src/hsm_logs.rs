//! HSMs' audit logs on their way from the journal into CloudWatch Logs: group `/aws/cloudhsm/` and the cluster's id, a stream
//! for each HSM (CloudHSM User Guide, "Viewing HSM audit logs in CloudWatch Logs").

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_cloudhsm::{AuditLine, audit_line};
use strongroom_deriving::{Batch, Effect};
use strongroom_identity::Region;
use strongroom_logs::{Admitted, Arrival, Arrivals, Logs, NotAdmitted};
use strongroom_runtime::BoxError;
use strongroom_store::{StoreError, Tx};

/// Who makes the groups and streams.
const SERVICE: &str = "cloudhsm.amazonaws.com";

/// Lines that come into a stream at once: of a few hundred bytes each.
const MOST_LINES: usize = 4_096;

/// Puts what HSMs have logged into their streams.
pub(crate) struct HsmLogs(pub(crate) Arc<Logs>);

/// Lines of a batch: as they were read, then as they can be written.
pub(crate) struct Lines {
    read: Vec<Arrivals>,
    admitted: Vec<Admitted>,
}

#[async_trait]
impl Effect for HsmLogs {
    type Prepared = Lines;

    fn name(&self) -> &'static str {
        "hsm-logs"
    }

    fn prepare(&self, batch: Batch) -> Lines {
        let mut streams: BTreeMap<(String, &'static str, String, String), Vec<Arrival>> = BTreeMap::new();
        for (_, record) in &batch.records {
            let Some(line) = audit_line(record) else { continue };
            let Some(region) = Region::named(&record.aws_region) else { continue };
            let AuditLine { cluster_id, hsm_id, at_ms, text } = line;
            let place = (record.account_id.clone(), region.name(), cluster_id, hsm_id);
            streams.entry(place).or_default().push(Arrival { at_ms, message: text });
        }
        let mut read = Vec::new();
        for ((account, region, cluster_id, hsm_id), lines) in streams {
            let Ok(account) = account.parse() else { continue };
            for lines in lines.chunks(MOST_LINES) {
                read.push(Arrivals {
                    account,
                    region,
                    group: format!("/aws/cloudhsm/{cluster_id}"),
                    stream: hsm_id.clone(),
                    events: lines.to_vec(),
                    made_by: Some(SERVICE),
                });
            }
        }
        Lines { read, admitted: Vec::new() }
    }

    async fn ready(&self, prepared: Lines) -> Result<Lines, BoxError> {
        let Lines { read, mut admitted } = prepared;
        for arrivals in read {
            let (group, stream) = (arrivals.group.clone(), arrivals.stream.clone());
            match self.0.admit(arrivals).await {
                Ok(lines) => admitted.push(lines),
                // What can never come in must not keep everything else out. The journal has it.
                Err(error @ (NotAdmitted::TooMuch | NotAdmitted::Damaged(_))) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(
                        group,
                        stream,
                        error,
                        "lines of an HSM's audit log are not in CloudWatch Logs"
                    );
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Lines { read: Vec::new(), admitted })
    }

    async fn commit(&self, tx: &mut Tx<'_>, prepared: &Lines) -> Result<(), StoreError> {
        Admitted::write_all(&prepared.admitted, tx).await
    }
}
