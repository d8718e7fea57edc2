//! Leases: of several servers one at a time does what a lease is for.

use strongroom_store::{Db, Statement, StoreError};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudhsm_leases (name, holder, until_ms, fence) VALUES ($1, $2, $3, 1) \
     ON CONFLICT (name) DO NOTHING",
);
/// Takes a lease that is one's own or over. The fence counts its holders.
pub(super) const TAKE: Statement = Statement::new(
    "UPDATE cloudhsm_leases SET fence = CASE WHEN holder = $2 THEN fence ELSE fence + 1 END, holder = $2, \
     until_ms = $3 WHERE name = $1 AND (holder = $2 OR until_ms < $4)",
);
pub(super) const FIND: Statement =
    Statement::new("SELECT holder, until_ms, fence FROM cloudhsm_leases WHERE name = $1");

/// Takes the lease of that name, or prolongs it, until `until_ms` of real time. Answers its fence if it is
/// `holder`'s now.
pub(crate) async fn hold(
    db: &Db,
    name: &str,
    holder: &str,
    now_ms: i64,
    until_ms: i64,
) -> Result<Option<i64>, StoreError> {
    let taken = db.execute(TAKE, &[name.into(), holder.into(), until_ms.into(), now_ms.into()]).await?;
    if taken == 0 && db.execute(INSERT, &[name.into(), holder.into(), until_ms.into()]).await? == 0 {
        return Ok(None);
    }
    let row = db.query_one(FIND, &[name.into()]).await?;
    Ok((row.text("holder")? == holder).then_some(row.i64("fence")?))
}
