//! Rows of built-in partitions. Their keys are sealed, and the seal is bound to the rest of the row, so the
//! row needs no MAC of its own.

use strongroom_store::{Db, Row, Statement, StoreError, Value};

use crate::domain::identifier::Home;

pub(super) const INSERT_IF_ABSENT: Statement = Statement::new(
    "INSERT INTO kms_partitions (account, region, partition_id, incarnation, epoch, sealed_key) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, region) DO NOTHING",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT partition_id, incarnation, epoch, sealed_key FROM kms_partitions WHERE account = $1 AND region = $2",
);

/// A partition as it is kept.
pub(crate) struct PartitionRow {
    pub(crate) partition_id: [u8; 16],
    pub(crate) incarnation: u32,
    pub(crate) epoch: u32,
    pub(crate) sealed_key: Vec<u8>,
}

/// The partition of an account in a Region.
pub(crate) async fn find(db: &Db, home: &Home) -> Result<Option<PartitionRow>, StoreError> {
    let row = db.query_opt(FIND, &[home.account.to_string().into(), home.region.into()]).await?;
    row.map(|row| {
        Ok(PartitionRow {
            partition_id: row.array("partition_id")?,
            incarnation: number(&row, "incarnation")?,
            epoch: number(&row, "epoch")?,
            sealed_key: row.blob("sealed_key")?,
        })
    })
    .transpose()
}

/// Adds a partition, unless the account has one in that Region by now.
pub(crate) async fn insert_if_absent(db: &Db, home: &Home, row: &PartitionRow) -> Result<(), StoreError> {
    let values = [
        home.account.to_string().into(),
        home.region.into(),
        row.partition_id.into(),
        row.incarnation.into(),
        row.epoch.into(),
        Value::from(&row.sealed_key),
    ];
    db.execute(INSERT_IF_ABSENT, &values).await.map(drop)
}

fn number(row: &Row, column: &str) -> Result<u32, StoreError> {
    u32::try_from(row.i64(column)?)
        .map_err(|error| StoreError::Column { column: column.to_owned(), source: error.into() })
}
