//! What a rotation of the seal goes over: everything that services and the outbox keep sealed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_cloudhsm::BackupHalves;
use strongroom_crypto::hex;
use strongroom_iam::{IdentityManagement, SealedDirectories};
use strongroom_outbox::Outbox;
use strongroom_resealing::{Aim, BoxError, Kept, KeptStep, Parts, Resealing, SealedColumn};
use strongroom_seal::Root;
use strongroom_store::{Db, Posted, RowMac};

use crate::node::Ground;

/// The sealed columns of all services.
pub(crate) const COLUMNS: &[&[SealedColumn]] =
    &[strongroom_kms::SEALED, strongroom_iam::SEALED, strongroom_cloudhsm::SEALED];

/// Drafts that are looked at in one step.
const DRAFTS: u32 = 1000;

/// A node's part in rotations.
pub(crate) fn of(ground: &Ground, iam: &Arc<IdentityManagement>, grace: Duration) -> Arc<Resealing> {
    let Ground { db, root, clocks, outbox, servers, .. } = ground;
    let drafts = Drafts { db: db.clone(), root: root.clone(), outbox: outbox.clone() };
    let parts = Parts {
        db: db.clone(),
        root: root.clone(),
        clocks: clocks.clone(),
        columns: COLUMNS.to_vec(),
        kept: vec![
            Arc::new(SealedDirectories(iam.clone())),
            Arc::new(BackupHalves(db.clone())),
            Arc::new(drafts),
        ],
        grace,
    };
    Arc::new(Resealing::of(parts, servers.clone()))
}

/// Drafts of records that wait in the outbox. They are not sealed afresh: they go as soon as they are recorded, and older root
/// keys stay for so long.
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
        if aim == Aim::Reseal {
            step.overtaken = drafts.iter().filter(is_old).count() as u64;
        }
        if drafts.len() as u64 == u64::from(DRAFTS) {
            step.next = drafts.last().map(|draft| hex::encode(&draft.id));
        }
        Ok(step)
    }
}
