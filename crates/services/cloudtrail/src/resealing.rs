//! What CloudTrail keeps sealed, for who seals it afresh after a rotation of the seal.

use strongroom_deriving::sealed_proofs;
use strongroom_seal::Purpose;
use strongroom_store::{Binding, Fields, SealedColumn};

use crate::signing;

/// The sealed columns of CloudTrail.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn {
        table: "cloudtrail_keys",
        column: "private_key",
        purpose: Purpose::TrailDigests,
        bound_to: |row| Binding::from(key(row)),
    },
    sealed_proofs("cloudtrail_slices"),
];

fn key(row: &Fields<'_>) -> Option<Vec<u8>> {
    Some(signing::bound_to(row.text("region")?, row.text("fingerprint")?))
}
