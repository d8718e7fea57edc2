//! What has to be done for a partition from time to time.

use std::sync::Arc;
use std::time::Duration;

use strongroom_crypto::random;
use strongroom_hsm_cluster::{ClusterError, Command};
use strongroom_hsm_proto::fleet::{Audit, BlobKind};

use super::{LogError, Partition};
use crate::clock::Clock;
use crate::fleet::Plane;

/// How often audit records are handed over.
const AUDIT: Duration = Duration::from_millis(500);
/// How many at a time.
const RECORDS: usize = 512;
/// How often it is looked whether something else is to be done.
const LOOK: Duration = Duration::from_secs(5);
/// After how many entries the log is compacted.
const COMPACT: u64 = 8_192;
/// How many key tokens are sealed anew in one entry.
const RESEALED: usize = 64;

/// Looks after a partition until the HSM stops.
pub(crate) async fn look_after(partition: Arc<Partition>, plane: Plane, clock: Clock) {
    tokio::join!(hand_over_audit(&partition, &plane), keep_short(&partition, &plane, &clock));
}

async fn hand_over_audit(partition: &Partition, plane: &Plane) {
    loop {
        plane.there().await;
        let records = partition.audit.waiting(RECORDS);
        if records.is_empty() {
            tokio::time::sleep(AUDIT).await;
            continue;
        }
        match plane.audit(Audit { records }).await {
            Ok(next) => {
                if let Err(error) = partition.audit.stored(next) {
                    tracing::error!(%error, "that audit records are stored could not be noted");
                }
            }
            Err(error) => {
                tracing::debug!(%error, "audit records were not taken");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

async fn keep_short(partition: &Partition, plane: &Plane, clock: &Clock) {
    let mut compacted = None;
    loop {
        tokio::time::sleep(LOOK).await;
        plane.there().await;
        let done = async {
            reseal(partition, clock).await?;
            compact(partition, plane, clock, &mut compacted).await
        };
        if let Err(error) = done.await {
            tracing::debug!(%error, "the upkeep of the partition was put off");
        }
    }
}

/// After the epoch has turned, seals key tokens anew under the new key. One HSM does it, the first by name.
async fn reseal(partition: &Partition, clock: &Clock) -> Result<(), LogError> {
    let hsm_id = &partition.hsm.identity().hsm_id;
    let is_first = |partition: &Partition| {
        partition.ledger.ask(|replica| {
            replica.members().map(|member| member.id.as_str().to_owned()).min().as_ref() == Some(hsm_id)
        })
    };
    let plan = || {
        let plan = tokio::task::block_in_place(|| partition.hsm.reseal(RESEALED, clock.now()));
        plan.map_err(|error| LogError::Core(error.to_string()))
    };
    while is_first(partition) && plan()?.is_some() {
        partition
            .log
            .append(|ledger| {
                let Some(planned) = plan()? else { return Err(ClusterError::NothingProposed.into()) };
                let id = random::bytes().map_err(ClusterError::from)?;
                let command = Command { id, effects: planned.effects, reply: Vec::new() };
                let proposed = ledger.propose(&[command], clock.now().domain_ms)?;
                Ok((proposed.entry.ok_or(ClusterError::NothingProposed)?, ()))
            })
            .await?;
    }
    Ok(())
}

/// Replaces old entries of the log with a snapshot, when there are many.
async fn compact(
    partition: &Partition,
    plane: &Plane,
    clock: &Clock,
    compacted: &mut Option<u64>,
) -> Result<(), LogError> {
    let last = match *compacted {
        Some(last) => last,
        None => plane.read(u64::MAX).await?.snapshot,
    };
    *compacted = Some(last);
    if partition.view.head().sequence < last.saturating_add(COMPACT) {
        return Ok(());
    }
    let placed = partition
        .log
        .append(|ledger| {
            let entry = ledger.propose_snapshot(clock.now().domain_ms)?;
            let sequence = entry.sequence;
            Ok((entry, sequence))
        })
        .await?;
    let (snapshot, sequence) = {
        let _turn = partition.log.turn().await;
        let snapshot = tokio::task::block_in_place(|| {
            partition.ledger.ask(|replica| (replica.sealed_snapshot(), replica.head().sequence))
        });
        (snapshot.0?, snapshot.1)
    };
    plane.put(BlobKind::Snapshot, &sequence.to_string(), &snapshot).await?;
    plane.compact(placed, sequence).await?;
    *compacted = Some(sequence);
    tracing::info!(before = placed, snapshot = sequence, "the log was compacted");
    Ok(())
}
