//! What a rotation of the seal goes over: everything that services and the outbox keep sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_cloudhsm::BackupHalves;
use strongroom_crypto::hex;
use strongroom_iam::{IdentityManagement, SealedDirectories};
use strongroom_journal::{JournalError, Reader, StreamId};
use strongroom_outbox::Outbox;
use strongroom_resealing::{Aim, BoxError, Kept, KeptStep, Parts, Resealing, SealedColumn};
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_store::{Db, Posted, RowMac};

use crate::node::Ground;

/// The sealed columns of all services.
pub(crate) const COLUMNS: &[&[SealedColumn]] = &[
    strongroom_kms::SEALED,
    strongroom_iam::SEALED,
    strongroom_cloudhsm::SEALED,
    strongroom_s3::SEALED,
    strongroom_cloudtrail::SEALED,
    strongroom_sns::SEALED,
    strongroom_logs::SEALED,
    strongroom_deriving::SEALED,
];

/// Drafts that are looked at in one step.
const DRAFTS: u32 = 1000;

/// A node's part in rotations. `beside` are the databases beside the store.
pub(crate) fn of(
    ground: &Ground,
    iam: &Arc<IdentityManagement>,
    beside: Vec<Arc<dyn Kept>>,
    grace: Duration,
) -> Arc<Resealing> {
    let Ground { db, root, clocks, outbox, servers, journal, .. } = ground;
    let drafts = Drafts { db: db.clone(), root: root.clone(), outbox: outbox.clone() };
    let streams = StreamEpochs { reader: journal.reader(), known: Mutex::default() };
    let streams = Streams { root: root.clone(), epochs: Arc::new(streams) };
    let mut kept: Vec<Arc<dyn Kept>> = vec![
        Arc::new(SealedDirectories(iam.clone())),
        Arc::new(BackupHalves(db.clone())),
        Arc::new(drafts),
        Arc::new(streams),
    ];
    kept.extend(beside);
    let parts = Parts {
        db: db.clone(),
        root: root.clone(),
        clocks: clocks.clone(),
        columns: COLUMNS.to_vec(),
        kept,
        grace,
    };
    Arc::new(Resealing::of(parts, servers.clone()))
}

/// The journal's streams. They stay as they were written, and are verified as long as they are kept, under the keys of then.
struct Streams {
    root: Root,
    epochs: Arc<StreamEpochs>,
}

struct StreamEpochs {
    reader: Reader,
    /// Those that have been looked up.
    known: Mutex<BTreeMap<StreamId, u32>>,
}

impl StreamEpochs {
    /// The epochs whose keys streams that are kept were written under. Blocks on the disk, for a header of each new stream.
    fn read(&self) -> Result<BTreeSet<u32>, JournalError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.reader.key_epochs(&mut known)?;
        Ok(known.values().copied().collect())
    }
}

#[async_trait]
impl Kept for Streams {
    fn name(&self) -> &'static str {
        "the journal"
    }

    async fn step(&self, _: Aim, _: Option<&str>) -> Result<KeptStep, BoxError> {
        Ok(KeptStep::default())
    }

    async fn needs(&self) -> Result<Vec<(Epoch, Purpose)>, BoxError> {
        let epochs = self.epochs.clone();
        let epochs = tokio::task::spawn_blocking(move || epochs.read()).await?;
        let epochs = epochs.unwrap_or_else(|error| {
            tracing::warn!(%error, "all keys of the journal stay: which of them its streams need cannot be told");
            (1..=self.root.current_epoch().number()).collect()
        });
        Ok(epochs.into_iter().map(|epoch| (Epoch::new(epoch), Purpose::JournalMac)).collect())
    }
}

/// Drafts of records that wait in the outbox. They are not sealed afresh: they go as soon as they are recorded, and older root
/// keys stay for so long. One that was altered never goes; it is named.
struct Drafts {
    db: Db,
    root: Root,
    outbox: Arc<Outbox>,
}

#[async_trait]
impl Kept for Drafts {
    fn name(&self) -> &'static str {
        "outbox"
    }

    async fn step(&self, aim: Aim, after: Option<&str>) -> Result<KeptStep, BoxError> {
        let mut step = KeptStep::default();
        if aim == Aim::Reseal && after.is_none() {
            self.outbox.empty().await;
        }
        let after = after.and_then(hex::decode).and_then(|id| id.try_into().ok());
        let drafts = self.db.posted(after, DRAFTS).await?;
        let current = self.root.current_epoch();
        let is_old = |draft: &&Posted| RowMac::epoch_of(&draft.message).is_some_and(|epoch| epoch != current);
        step.looked = drafts.len() as u64;
        for draft in drafts.iter().filter(is_old) {
            if !self.outbox.is_own(draft) {
                step.refused.push(format!("outbox {}", hex::encode(&draft.id)));
            } else if aim == Aim::Reseal {
                step.overtaken += 1;
            }
        }
        if drafts.len() as u64 == u64::from(DRAFTS) {
            step.next = drafts.last().map(|draft| hex::encode(&draft.id));
        }
        Ok(step)
    }
}

#[cfg(test)]
mod tests;
