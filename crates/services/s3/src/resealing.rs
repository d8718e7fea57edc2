//! What S3 keeps sealed, for who seals it afresh after a rotation of the seal.

use strongroom_seal::Purpose;
use strongroom_store::{Binding, Fields, SealedColumn};

use crate::keys::bound_to;

/// The sealed columns of S3. The files themselves are under keys that these hold, and stay as they are.
pub const SEALED: &[SealedColumn] = &[SealedColumn {
    table: "s3_parts",
    column: "sealed_key",
    purpose: Purpose::Objects,
    bound_to: |row| Binding::from(part(row)),
}];

fn part(row: &Fields<'_>) -> Option<Vec<u8>> {
    Some(bound_to(row.text("content")?, row.i64("number")?, row.text("file")?))
}
