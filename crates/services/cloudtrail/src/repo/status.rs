//! Rows of how deliveries went.

use strongroom_store::{Db, Row, Statement, StoreError, Tx};

use super::{FORMAT, expect_format, read, write};
use crate::domain::status::Status;

pub(super) const FIND: Statement =
    Statement::new("SELECT format, document FROM cloudtrail_status WHERE trail_id = $1");
pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO cloudtrail_status (trail_id, format, document) VALUES ($1, $2, $3) \
     ON CONFLICT (trail_id) DO UPDATE SET format = excluded.format, document = excluded.document",
);
pub(super) const DELETE: Statement = Statement::new("DELETE FROM cloudtrail_status WHERE trail_id = $1");

/// How a trail's deliveries went so far.
pub(crate) async fn find(db: &Db, trail_id: &str) -> Result<Status, StoreError> {
    of(db.query_opt(FIND, &[trail_id.into()]).await?.as_ref())
}

/// Notes how another one went.
pub(crate) async fn change(
    tx: &mut Tx<'_>,
    trail_id: &str,
    note: impl FnOnce(&mut Status) + Send,
) -> Result<(), StoreError> {
    let mut status = of(tx.query_opt(FIND, &[trail_id.into()]).await?.as_ref())?;
    note(&mut status);
    tx.execute(PUT, &[trail_id.into(), FORMAT.into(), write(&status)?.into()]).await.map(drop)
}

fn of(row: Option<&Row>) -> Result<Status, StoreError> {
    let Some(row) = row else { return Ok(Status::default()) };
    expect_format(row.i64("format")?)?;
    read("document", &row.text("document")?)
}

pub(crate) async fn delete(tx: &mut Tx<'_>, trail_id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[trail_id.into()]).await.map(drop)
}
