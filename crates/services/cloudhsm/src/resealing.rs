//! What CloudHSM keeps sealed, for who seals it afresh after a rotation of the seal.

use async_trait::async_trait;
use strongroom_resealing::{Aim, Binding, BoxError, Kept, KeptStep, SealedColumn};
use strongroom_seal::{Epoch, Purpose};
use strongroom_store::Db;

use crate::fleet::IDENTITY;
use crate::repo;

/// The sealed columns of CloudHSM: of the store's named values, one.
pub const SEALED: &[SealedColumn] = &[SealedColumn {
    table: "meta",
    column: "value",
    purpose: Purpose::Secrets,
    bound_to: |row| match row.text("name") {
        Some(IDENTITY) => Binding::To(IDENTITY.as_bytes().to_vec()),
        _ => Binding::NotSealed,
    },
}];

/// The service's halves of backup keys. Backups are sealed by HSMs, and nobody seals them afresh.
pub struct BackupHalves(pub Db);

#[async_trait]
impl Kept for BackupHalves {
    fn name(&self) -> &'static str {
        "backups of clusters"
    }

    async fn step(&self, _: Aim, _: Option<&str>) -> Result<KeptStep, BoxError> {
        Ok(KeptStep::default())
    }

    async fn needs(&self) -> Result<Vec<(Epoch, Purpose)>, BoxError> {
        let epochs = repo::backups::seal_epochs(&self.0).await?;
        Ok(epochs.into_iter().map(|epoch| (Epoch::new(epoch), Purpose::BackupServiceHalf)).collect())
    }
}
