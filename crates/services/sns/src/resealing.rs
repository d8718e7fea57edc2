//! What SNS keeps sealed, for who seals it afresh after a rotation of the seal.

use strongroom_resealing::{Binding, Fields, SealedColumn};
use strongroom_seal::Purpose;

use crate::delivery::waiting;
use crate::signing;

/// The sealed columns of SNS: the keys that sign messages, and the messages that wait.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn {
        table: "sns_signers",
        column: "private_key",
        purpose: Purpose::Notifications,
        bound_to: |row| Binding::from(row.text("name").map(signing::bound_to)),
    },
    SealedColumn {
        table: "sns_messages",
        column: "body",
        purpose: Purpose::Notifications,
        bound_to: |row| Binding::from(message(row)),
    },
];

fn message(row: &Fields<'_>) -> Option<Vec<u8>> {
    let place = [row.text("account")?, row.text("region")?, row.text("topic")?];
    Some(waiting::bound_to(place, row.text("message_id")?))
}
