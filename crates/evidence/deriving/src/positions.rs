//! Rows of positions: how far each follower has had each stream.

use std::collections::BTreeMap;

use strongroom_journal::StreamId;
use strongroom_store::{Db, Migration, Row, Statement, StoreError, Tx};

use crate::DerivingError;

/// The tables, forward only.
pub const MIGRATIONS: &[Migration] = &[Migration {
    component: "deriving",
    version: 1,
    name: "positions",
    sql: include_str!("0001_positions.sql"),
}];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[LIST, BEGIN, MOVE, FORGET];

/// Streams of one store, at the most: each is one start of a server within the time that records are kept.
const MOST_STREAMS: i64 = 100_000;

const LIST: Statement = Statement::new(
    "SELECT stream, record, done FROM deriving_positions WHERE follower = $1 ORDER BY stream LIMIT $2",
);
const BEGIN: Statement = Statement::new(
    "INSERT INTO deriving_positions (follower, stream, record, done) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (follower, stream) DO NOTHING",
);
const MOVE: Statement = Statement::new(
    "UPDATE deriving_positions SET record = $3, done = $4 \
     WHERE follower = $1 AND stream = $2 AND record = $5 AND done = 0",
);
const FORGET: Statement =
    Statement::new("DELETE FROM deriving_positions WHERE follower = $1 AND stream < $2");

/// How far a stream has been had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Had {
    /// The number of the next record.
    pub(crate) next: u64,
    /// Nothing comes after it.
    pub(crate) done: bool,
}

/// All positions of a follower.
pub(crate) async fn list(db: &Db, follower: &str) -> Result<BTreeMap<StreamId, Had>, StoreError> {
    let rows = db.query(LIST, &[follower.into(), MOST_STREAMS.into()]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<(StreamId, Had), StoreError> {
    let next = u64::try_from(row.i64("record")?.saturating_add(1)).unwrap_or_default();
    Ok((row.parse("stream")?, Had { next, done: row.flag("done")? }))
}

/// Moves a position from where it was found, `None` where there was none yet.
pub(crate) async fn advance(
    tx: &mut Tx<'_>,
    follower: &str,
    stream: StreamId,
    from: Option<Had>,
    to: Had,
) -> Result<(), DerivingError> {
    let record = |had: Had| i64::try_from(had.next).unwrap_or(i64::MAX) - 1;
    let named = [follower.into(), stream.to_string().into(), record(to).into(), to.done.into()];
    let moved = match from {
        None => tx.execute(BEGIN, &named).await?,
        Some(from) => {
            let [follower, stream, to, done] = named;
            tx.execute(MOVE, &[follower, stream, to, done, record(from).into()]).await?
        }
    };
    if moved == 1 { Ok(()) } else { Err(DerivingError::Overtaken) }
}

/// Forgets the positions in streams before `first`: their records are gone.
pub(crate) async fn forget_before(db: &Db, follower: &str, first: StreamId) -> Result<(), StoreError> {
    db.execute(FORGET, &[follower.into(), first.to_string().into()]).await.map(drop)
}
