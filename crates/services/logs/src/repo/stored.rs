//! Rows of what is there of each stream.

use strongroom_store::{Db, Row, Statement, StoreError, Tx};

use super::most;
use crate::domain::id::Id;

const FIND: Statement = Statement::new(
    "SELECT stream_id, first_ms, last_ms, ingested_ms, next_sequence FROM logs_stored WHERE stream_id = $1",
);
const BYTES: Statement = Statement::new(
    "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes FROM logs_stored WHERE group_id = $1",
);
const LIST: Statement = Statement::new(
    "SELECT stream_id, first_ms, last_ms, ingested_ms, next_sequence FROM logs_stored \
     WHERE group_id = $1 AND (last_ms > $2 OR last_ms = $2 AND stream_id > $3) ORDER BY last_ms, stream_id LIMIT $4",
);
const LIST_BACK: Statement = Statement::new(
    "SELECT stream_id, first_ms, last_ms, ingested_ms, next_sequence FROM logs_stored \
     WHERE group_id = $1 AND (last_ms < $2 OR last_ms = $2 AND stream_id < $3) \
     ORDER BY last_ms DESC, stream_id DESC LIMIT $4",
);
const SHRINK: Statement = Statement::new(
    "UPDATE logs_stored SET bytes = bytes - $2, first_ms = \
     COALESCE((SELECT MIN(at_ms) FROM logs_events WHERE stream_id = $1), 9223372036854775807) WHERE stream_id = $1",
);
const DELETE: Statement = Statement::new("DELETE FROM logs_stored WHERE stream_id = $1");
const DELETE_SOME: Statement = Statement::new(
    "DELETE FROM logs_stored WHERE group_id = $1 \
     AND stream_id IN (SELECT stream_id FROM logs_stored WHERE group_id = $1 ORDER BY last_ms, stream_id LIMIT $2)",
);

pub(super) const STATEMENTS: &[Statement] = &[FIND, BYTES, LIST, LIST_BACK, SHRINK, DELETE, DELETE_SOME];

/// What is there of a stream that has had events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) stream: Id,
    /// The time of the first event that is there; none where all are gone.
    pub(crate) first_ms: Option<i64>,
    pub(crate) last_ms: i64,
    pub(crate) ingested_ms: i64,
    /// How many events it has had.
    pub(crate) next_sequence: i64,
}

/// Where a list in the order of last events goes on.
pub(crate) type After = (i64, Id);

/// What is there of a stream.
pub(crate) async fn find(db: &Db, stream: Id) -> Result<Option<Stored>, StoreError> {
    db.query_opt(FIND, &[stream.into()]).await?.map(|row| read(&row)).transpose()
}

/// The bytes of a group's events.
pub(crate) async fn bytes_of(db: &Db, group: Id) -> Result<i64, StoreError> {
    db.query_one(BYTES, &[group.into()]).await?.i64("bytes")
}

/// At most `limit` streams of a group in the order of their last events, or in the reverse of it.
pub(crate) async fn list(
    db: &Db,
    group: Id,
    after: Option<After>,
    is_descending: bool,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let (statement, from) = if is_descending { (LIST_BACK, i64::MAX) } else { (LIST, i64::MIN) };
    let (at_ms, stream) = after.unwrap_or((from, Id::FIRST));
    let rows = db.query(statement, &[group.into(), at_ms.into(), stream.into(), most(limit)]).await?;
    rows.iter().map(read).collect()
}

/// Notes that events are gone, which had so many bytes.
pub(crate) async fn shrink(tx: &mut Tx<'_>, stream: Id, bytes: i64) -> Result<(), StoreError> {
    tx.execute(SHRINK, &[stream.into(), bytes.into()]).await.map(drop)
}

/// Forgets a stream.
pub(crate) async fn delete(db: &Db, stream: Id) -> Result<(), StoreError> {
    db.execute(DELETE, &[stream.into()]).await.map(drop)
}

/// Forgets at most `limit` streams of a group; tells how many those were.
pub(crate) async fn delete_some(db: &Db, group: Id, limit: usize) -> Result<u64, StoreError> {
    db.execute(DELETE_SOME, &[group.into(), most(limit)]).await
}

fn read(row: &Row) -> Result<Stored, StoreError> {
    Ok(Stored {
        stream: Id::read(row, "stream_id")?,
        first_ms: Some(row.i64("first_ms")?).filter(|first_ms| *first_ms != i64::MAX),
        last_ms: row.i64("last_ms")?,
        ingested_ms: row.i64("ingested_ms")?,
        next_sequence: row.i64("next_sequence")?,
    })
}
