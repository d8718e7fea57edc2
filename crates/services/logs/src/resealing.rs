//! What Logs keeps sealed under the seal itself, for who seals it afresh after a rotation.

use strongroom_seal::Purpose;
use strongroom_store::{Binding, Fields, SealedColumn};

use crate::domain::id::Id;
use crate::keys::bound_to;

/// The sealed columns of Logs: the data keys. Events are sealed under these, and stay as they are.
pub const SEALED: &[SealedColumn] = &[SealedColumn {
    table: "logs_data_keys",
    column: "sealed",
    purpose: Purpose::Logs,
    bound_to: |row| Binding::from(data_key(row)),
}];

fn data_key(row: &Fields<'_>) -> Option<Vec<u8>> {
    let group = Id::from_bytes(row.blob("group_id")?)?;
    Some(bound_to(group, row.i64("number")?))
}
