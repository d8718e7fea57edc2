//! How far the audit log of each HSM is in the journal.

use strongroom_store::{Db, Statement, StoreError, Tx};

use super::place;

pub(super) const FIND: Statement = Statement::new("SELECT next FROM cloudhsm_audit WHERE hsm_id = $1");
pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO cloudhsm_audit (hsm_id, next) VALUES ($1, $2) ON CONFLICT (hsm_id) DO UPDATE SET next = excluded.next",
);
pub(super) const DELETE: Statement = Statement::new("DELETE FROM cloudhsm_audit WHERE hsm_id = $1");

/// The first sequence number of an HSM that is not stored yet.
pub(crate) async fn next(db: &Db, hsm: &str) -> Result<u64, StoreError> {
    let row = db.query_opt(FIND, &[hsm.into()]).await?;
    row.map_or(Ok(0), |row| row.i64("next").map(i64::unsigned_abs))
}

/// The same, as this transaction sees it.
pub(crate) async fn load(tx: &mut Tx<'_>, hsm: &str) -> Result<u64, StoreError> {
    let row = tx.query_opt(FIND, &[hsm.into()]).await?;
    row.map_or(Ok(0), |row| row.i64("next").map(i64::unsigned_abs))
}

/// Notes that everything before `next` is stored.
pub(crate) async fn put(tx: &mut Tx<'_>, hsm: &str, next: u64) -> Result<(), StoreError> {
    tx.execute(PUT, &[hsm.into(), place(next).into()]).await.map(drop)
}

/// Forgets an HSM that is gone.
pub(crate) async fn delete(tx: &mut Tx<'_>, hsm: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[hsm.into()]).await.map(drop)
}
