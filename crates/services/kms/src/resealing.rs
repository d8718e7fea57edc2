//! What KMS keeps sealed, for who seals it afresh after a rotation of the seal.

use strongroom_resealing::{Binding, Fields, SealedColumn};
use strongroom_seal::Purpose;

use crate::backend;
use crate::management::key_store_context;

/// The sealed columns of KMS. (Key tokens are sealed under their partition's key, which is one of these.)
pub const SEALED: &[SealedColumn] = &[
    SealedColumn {
        table: "kms_partitions",
        column: "sealed_key",
        purpose: Purpose::Partition,
        bound_to: |row| Binding::from(partition(row)),
    },
    SealedColumn {
        table: "kms_key_stores",
        column: "password",
        purpose: Purpose::KeyStoreCredentials,
        bound_to: |row| Binding::from(key_store(row)),
    },
    SealedColumn {
        table: "kms_key_stores",
        column: "pending_password",
        purpose: Purpose::KeyStoreCredentials,
        bound_to: |row| Binding::from(key_store(row)),
    },
];

fn partition(row: &Fields<'_>) -> Option<Vec<u8>> {
    let number = |column| u32::try_from(row.i64(column)?).ok();
    let (account, region) = (row.text("account")?, row.text("region")?);
    let id = row.blob("partition_id")?.try_into().ok()?;
    Some(backend::partition_context(account, region, id, number("incarnation")?, number("epoch")?))
}

fn key_store(row: &Fields<'_>) -> Option<Vec<u8>> {
    Some(key_store_context(row.text("account")?, row.text("region")?, row.text("store_id")?))
}
