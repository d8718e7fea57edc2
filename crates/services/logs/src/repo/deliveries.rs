//! Rows of what was delivered under a name.

use strongroom_store::{Statement, StoreError, Tx};

use crate::domain::id::Id;

/// How long a name is remembered, in milliseconds of domain time: longer than trails try to deliver a file, of whose parts the
/// first may be there while another one is refused (30 days).
const KEPT_MS: i64 = 31 * 24 * 60 * 60 * 1000;

const TAKE: Statement = Statement::new(
    "INSERT INTO logs_deliveries (stream_id, name, taken_ms) VALUES ($1, $2, $3) \
     ON CONFLICT (stream_id, name) DO NOTHING",
);
const FORGET: Statement = Statement::new("DELETE FROM logs_deliveries WHERE taken_ms < $1");

pub(super) const STATEMENTS: &[Statement] = &[TAKE, FORGET];

/// Notes that a batch of that name has come; tells whether it is the first.
pub(crate) async fn take(tx: &mut Tx<'_>, stream: Id, name: &str, now_ms: i64) -> Result<bool, StoreError> {
    tx.execute(FORGET, &[now_ms.saturating_sub(KEPT_MS).into()]).await?;
    Ok(tx.execute(TAKE, &[stream.into(), name.into(), now_ms.into()]).await? == 1)
}
