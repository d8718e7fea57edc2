//! Rows of those who copy the files, and keep all servers on the store from removing any.

use strongroom_store::{Db, Statement, StoreError};

const PUT: Statement = Statement::new(
    "INSERT INTO s3_holds (hold, ends_ms) VALUES ($1, $2) \
     ON CONFLICT (hold) DO UPDATE SET ends_ms = excluded.ends_ms",
);
const LAST: Statement = Statement::new("SELECT ends_ms FROM s3_holds ORDER BY ends_ms DESC LIMIT 1");
const REMOVE: Statement = Statement::new("DELETE FROM s3_holds WHERE hold = $1");
const FORGET: Statement = Statement::new("DELETE FROM s3_holds WHERE ends_ms <= $1");

pub(super) const STATEMENTS: &[Statement] = &[PUT, LAST, REMOVE, FORGET];

/// Holds the files until a moment of real time: for the first time, or longer.
pub(crate) async fn hold_until(db: &Db, hold: &str, ends_ms: i64) -> Result<(), StoreError> {
    db.execute(PUT, &[hold.into(), ends_ms.into()]).await.map(drop)
}

/// Whether somebody holds the files at a moment of real time.
pub(crate) async fn are_held(db: &Db, now_ms: i64) -> Result<bool, StoreError> {
    let last = db.query_opt(LAST, &[]).await?.map(|row| row.i64("ends_ms")).transpose()?;
    Ok(last.is_some_and(|ends_ms| ends_ms > now_ms))
}

/// Lets the files go, and forgets holds that have ended by themselves.
pub(crate) async fn release(db: &Db, hold: &str, now_ms: i64) -> Result<(), StoreError> {
    db.execute(REMOVE, &[hold.into()]).await?;
    db.execute(FORGET, &[now_ms.into()]).await.map(drop)
}
