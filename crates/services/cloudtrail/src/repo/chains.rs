//! Rows of chains of digests.

use serde::{Deserialize, Serialize};
use strongroom_store::{Db, Row, Statement, StoreError, Tx};

use super::{FORMAT, expect_format, read, write};
use crate::delivery::HOUR_MS;
use crate::domain::digest::{LogFile, Place, Previous};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudtrail_chains (trail_id, region, start_ms, due_ms, format) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (trail_id, region) DO NOTHING",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT trail_id, region, start_ms, due_ms, format, previous, planned FROM cloudtrail_chains \
     WHERE trail_id = $1 AND region = $2",
);
pub(super) const OF_TRAIL: Statement =
    Statement::new("SELECT COUNT(*) AS chains FROM cloudtrail_chains WHERE trail_id = $1");
pub(super) const PLAN: Statement =
    Statement::new("UPDATE cloudtrail_chains SET planned = $3 WHERE trail_id = $1 AND region = $2");
pub(super) const POSTPONE: Statement = Statement::new(
    "UPDATE cloudtrail_chains SET due_ms = $3 WHERE trail_id = $1 AND region = $2 AND due_ms = $4",
);
pub(super) const ADVANCE: Statement = Statement::new(
    "UPDATE cloudtrail_chains SET start_ms = $3, due_ms = $4, previous = $5, planned = NULL \
     WHERE trail_id = $1 AND region = $2 AND start_ms = $6",
);
pub(super) const HURRY: Statement =
    Statement::new("UPDATE cloudtrail_chains SET due_ms = $2 WHERE trail_id = $1 AND due_ms > $2");
pub(super) const HURRY_IN: Statement = Statement::new(
    "UPDATE cloudtrail_chains SET due_ms = $3 WHERE trail_id = $1 AND region = $2 AND due_ms > $3",
);
pub(super) const DUE: Statement = Statement::new(
    "SELECT trail_id, region, due_ms FROM cloudtrail_chains ORDER BY due_ms, trail_id, region LIMIT $1",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM cloudtrail_chains WHERE trail_id = $1 AND region = $2");

/// How far the digests of a trail in a Region are.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// What the next digest begins with.
    pub(crate) start_ms: i64,
    pub(crate) due_ms: i64,
    pub(crate) previous: Option<Previous>,
    pub(crate) planned: Option<Planned>,
}

impl Chain {
    /// Whether its digest was made due before its window is over: it is to end.
    pub(crate) fn is_hurried(&self) -> bool {
        self.due_ms < self.start_ms.saturating_add(HOUR_MS)
    }
}

/// A digest as it is put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) place: Place,
    pub(crate) end_ms: i64,
    /// The files that it names.
    pub(crate) files: Vec<LogFile>,
    pub(crate) text: String,
    pub(crate) hash: String,
    pub(crate) signature: String,
}

/// Begins a chain, if there is none.
pub(crate) async fn begin(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: &str,
    (start_ms, due_ms): (i64, i64),
) -> Result<(), StoreError> {
    tx.execute(INSERT, &[trail_id.into(), region.into(), start_ms.into(), due_ms.into(), FORMAT.into()])
        .await
        .map(drop)
}

pub(crate) async fn find(tx: &mut Tx<'_>, trail_id: &str, region: &str) -> Result<Option<Chain>, StoreError> {
    tx.query_opt(FIND, &[trail_id.into(), region.into()]).await?.as_ref().map(chain).transpose()
}

fn chain(row: &Row) -> Result<Chain, StoreError> {
    expect_format(row.i64("format")?)?;
    Ok(Chain {
        start_ms: row.i64("start_ms")?,
        due_ms: row.i64("due_ms")?,
        previous: row.opt_text("previous")?.map(|text| read("previous", &text)).transpose()?,
        planned: row.opt_text("planned")?.map(|text| read("planned", &text)).transpose()?,
    })
}

/// How many chains a trail has.
pub(crate) async fn count(tx: &mut Tx<'_>, trail_id: &str) -> Result<u64, StoreError> {
    Ok(tx.query_one(OF_TRAIL, &[trail_id.into()]).await?.i64("chains")? as u64)
}

/// Fixes what the next digest is.
pub(crate) async fn plan(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: &str,
    planned: &Planned,
) -> Result<(), StoreError> {
    tx.execute(PLAN, &[trail_id.into(), region.into(), write(planned)?.into()]).await.map(drop)
}

pub(crate) async fn postpone(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: &str,
    (from_ms, to_ms): (i64, i64),
) -> Result<(), StoreError> {
    tx.execute(POSTPONE, &[trail_id.into(), region.into(), to_ms.into(), from_ms.into()]).await.map(drop)
}

/// Goes on behind a digest that was delivered; tells whether it was the next one.
pub(crate) async fn advance(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: &str,
    from_ms: i64,
    (to_ms, due_ms): (i64, i64),
    previous: &Previous,
) -> Result<bool, StoreError> {
    let values = [
        trail_id.into(),
        region.into(),
        to_ms.into(),
        due_ms.into(),
        write(previous)?.into(),
        from_ms.into(),
    ];
    Ok(tx.execute(ADVANCE, &values).await? == 1)
}

/// Has the next digests of all chains of a trail made at `due_ms` at the latest.
pub(crate) async fn hurry(tx: &mut Tx<'_>, trail_id: &str, due_ms: i64) -> Result<(), StoreError> {
    tx.execute(HURRY, &[trail_id.into(), due_ms.into()]).await.map(drop)
}

/// Has the next digest of a chain made at `due_ms` at the latest.
pub(crate) async fn hurry_in(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: &str,
    due_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(HURRY_IN, &[trail_id.into(), region.into(), due_ms.into()]).await.map(drop)
}

/// What digests are due: moments, trails and Regions.
pub(crate) async fn due(db: &Db, most: u32) -> Result<Vec<(i64, String, String)>, StoreError> {
    let rows = db.query(DUE, &[most.into()]).await?;
    rows.iter().map(|row| Ok((row.i64("due_ms")?, row.text("trail_id")?, row.text("region")?))).collect()
}

pub(crate) async fn delete(tx: &mut Tx<'_>, trail_id: &str, region: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[trail_id.into(), region.into()]).await.map(drop)
}
