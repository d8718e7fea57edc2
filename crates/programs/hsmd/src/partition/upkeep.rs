//! What has to be done for a partition from time to time.

use std::sync::Arc;
use std::time::Duration;

use strongroom_crypto::random;
use strongroom_hsm_cluster::{ClusterError, Command};
use strongroom_hsm_core::Planned;
use strongroom_hsm_proto::fleet::{Audit, BlobKind};

use super::{Ledger, Log, LogError, Partition};
use crate::clock::Clock;
use crate::fleet::Plane;

/// How often audit records are handed over.
const AUDIT: Duration = Duration::from_millis(500);
/// How many at a time.
const RECORDS: usize = 512;
/// How often it is looked whether something else is to be done.
const LOOK: Duration = Duration::from_secs(5);
/// After how many entries the log is compacted, where nothing else is said.
const COMPACT_AFTER: u64 = 8_192;
/// How many key tokens are sealed anew in one entry.
const RESEALED: usize = 64;
/// The keys of this many past epochs are kept: clients may hold cursors of them.
const PAST_EPOCHS: u32 = 8;

/// Looks after a partition.
pub(crate) struct Care {
    partition: Arc<Partition>,
    plane: Plane,
    clock: Clock,
    compact_after: u64,
    /// The place of the last snapshot, once it is known.
    compacted: Option<u64>,
    /// The epoch before which all keys are retired.
    retired: u32,
}

impl Care {
    pub(crate) fn new(partition: Arc<Partition>, plane: Plane, clock: Clock, compact_after: u64) -> Self {
        let compact_after = if compact_after == 0 { COMPACT_AFTER } else { compact_after };
        Self { partition, plane, clock, compact_after, compacted: None, retired: 0 }
    }

    /// Looks after the partition until the HSM stops.
    pub(crate) async fn look_after(mut self) {
        let (partition, plane) = (self.partition.clone(), self.plane.clone());
        tokio::join!(hand_over_audit(&partition, &plane), self.keep_in_order());
    }

    async fn keep_in_order(&mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = tokio::task::block_in_place(|| self.partition.ledger.mend()) {
                tracing::error!(%error, "nothing can be changed");
            }
            if !self.plane.is_there() {
                continue;
            }
            if let Err(error) = self.put_in_order().await {
                tracing::debug!(%error, "the upkeep of the partition was put off");
            }
        }
    }

    async fn put_in_order(&mut self) -> Result<(), LogError> {
        // One HSM does it, the first by name.
        if self.is_first() {
            self.reseal().await?;
            self.retire().await?;
        }
        self.compact_if_long().await
    }

    fn is_first(&self) -> bool {
        let members = |replica: &strongroom_hsm_cluster::Replica<_>| {
            replica.members().map(|member| member.id.as_str().to_owned()).min()
        };
        self.partition.ledger.ask(members).as_ref() == Some(&self.partition.hsm.identity().hsm_id)
    }

    /// After the epoch has turned, seals key tokens anew under the new key.
    async fn reseal(&self) -> Result<(), LogError> {
        while self.resealing()?.is_some() {
            let sealed = self.partition.log.append(|ledger| {
                let planned = self.resealing()?.ok_or(ClusterError::NothingProposed)?;
                let id = random::bytes().map_err(ClusterError::from)?;
                let command = Command { id, effects: planned.effects, reply: Vec::new() };
                let proposed = ledger.propose(&[command], self.clock.now().domain_ms)?;
                Ok((proposed.entry.ok_or(ClusterError::NothingProposed)?, ()))
            });
            match sealed.await {
                // Another HSM has done the rest meanwhile.
                Err(LogError::Cluster(ClusterError::NothingProposed)) => return Ok(()),
                sealed => sealed?,
            }
        }
        Ok(())
    }

    fn resealing(&self) -> Result<Option<Planned>, LogError> {
        let planned = tokio::task::block_in_place(|| self.partition.hsm.reseal(RESEALED, self.clock.now()));
        planned.map_err(|error| LogError::Core(error.to_string()))
    }

    /// Drops keys of epochs long past, which no key token is under any more.
    async fn retire(&mut self) -> Result<(), LogError> {
        let head = self.partition.view.head();
        let Some(before) = head.epoch.checked_sub(PAST_EPOCHS) else { return Ok(()) };
        if before < self.retired.saturating_add(PAST_EPOCHS) {
            return Ok(());
        }
        // Nor may an entry be that is still in the log.
        self.compact().await?;
        let retired = self.partition.log.append(|ledger| {
            let now_ms = self.clock.now().domain_ms;
            Ok((ledger.propose_retire((head.incarnation, before), now_ms)?, ()))
        });
        retired.await?;
        self.retired = before;
        Ok(())
    }

    /// Replaces old entries of the log with a snapshot, when there are many.
    async fn compact_if_long(&mut self) -> Result<(), LogError> {
        let last = match self.compacted {
            Some(last) => last,
            None => self.plane.read(u64::MAX).await?.snapshot,
        };
        self.compacted = Some(last);
        let head = self.partition.view.head();
        // Newcomers cannot read what was before a restore: a snapshot has to stand in its place.
        let lacks_snapshot = head.incarnation > 1 && last == 0;
        if head.sequence < last.saturating_add(self.compact_after) && !lacks_snapshot {
            return Ok(());
        }
        // Another HSM may have done it.
        let last = self.plane.read(u64::MAX).await?.snapshot;
        self.compacted = Some(last);
        if head.sequence < last.saturating_add(self.compact_after) && (head.incarnation == 1 || last > 0) {
            return Ok(());
        }
        self.compact().await
    }

    async fn compact(&mut self) -> Result<(), LogError> {
        let Partition { log, ledger, .. } = &*self.partition;
        self.compacted = Some(compact(log, ledger, &self.plane, &self.clock).await?);
        Ok(())
    }
}

/// Replaces the log's entries up to now with a snapshot; gives its place.
pub(super) async fn compact(
    log: &Log,
    ledger: &Ledger,
    plane: &Plane,
    clock: &Clock,
) -> Result<u64, LogError> {
    let stated = log.append(|ledger| {
        let entry = ledger.propose_snapshot(clock.now().domain_ms)?;
        let sequence = entry.sequence;
        Ok((entry, sequence))
    });
    let stated = stated.await?;
    let (snapshot, sequence) = {
        // Nothing may move between the two.
        let _turn = log.turn().await;
        tokio::task::block_in_place(|| {
            ledger.ask(|replica| (replica.sealed_snapshot(), replica.head().sequence))
        })
    };
    plane.put(BlobKind::Snapshot, &sequence.to_string(), &snapshot?).await?;
    plane.compact(stated, sequence).await?;
    tracing::info!(before = stated, snapshot = sequence, "the log was compacted");
    Ok(sequence)
}

async fn hand_over_audit(partition: &Partition, plane: &Plane) {
    loop {
        plane.there().await;
        let records = partition.audit.waiting(RECORDS);
        if records.is_empty() {
            tokio::time::sleep(AUDIT).await;
            continue;
        }
        let oldest = records.first().map_or(0, |record| record.sequence);
        match plane.audit(Audit { records }).await {
            Ok(next) if next <= oldest => {
                tracing::warn!(next, oldest, "audit records are not stored");
                tokio::time::sleep(LOOK).await;
            }
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
