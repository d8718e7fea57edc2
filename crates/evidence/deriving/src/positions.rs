//! Rows of positions: how far each follower has had each stream.

use std::collections::BTreeMap;

use strongroom_journal::StreamId;
use strongroom_store::{AuthorityRow, Db, Migration, Row, RowMac, Statement, StoreError, Tx, Value};

use crate::DerivingError;

/// The tables, forward only.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        component: "deriving",
        version: 1,
        name: "positions",
        sql: include_str!("0001_positions.sql"),
    },
    Migration { component: "deriving", version: 2, name: "proofs", sql: include_str!("0002_proofs.sql") },
];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[LIST, BEGIN, MOVE, SEAL, FORGET];

/// Streams of one store, at the most: each is one start of a server within the time that records are kept.
const MOST_STREAMS: i64 = 100_000;

const LIST: Statement = Statement::new(
    "SELECT follower, stream, record, done, proof, mac FROM deriving_positions \
     WHERE follower = $1 ORDER BY stream LIMIT $2",
);
const BEGIN: Statement = Statement::new(
    "INSERT INTO deriving_positions (follower, stream, record, done, proof, mac) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (follower, stream) DO NOTHING",
);
const MOVE: Statement = Statement::new(
    "UPDATE deriving_positions SET record = $3, done = $4, proof = $5, mac = $6 \
     WHERE follower = $1 AND stream = $2 AND record = $7 AND done = 0",
);
const SEAL: Statement = Statement::new(
    "UPDATE deriving_positions SET mac = $5 \
     WHERE follower = $1 AND stream = $2 AND record = $3 AND done = $4 AND mac IS NULL",
);
const FORGET: Statement =
    Statement::new("DELETE FROM deriving_positions WHERE follower = $1 AND stream < $2");

/// How far a stream has been had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Had {
    /// The number of the next record.
    pub(crate) next: u64,
    /// Nothing comes after it.
    pub(crate) done: bool,
    /// The key of the next frame, sealed; none before the first.
    pub(crate) proof: Option<Vec<u8>>,
}

impl Had {
    /// The last record that was had; -1 before the first.
    fn record(&self) -> i64 {
        i64::try_from(self.next).unwrap_or(i64::MAX) - 1
    }
}

/// A row. It says which records are had no more, so it carries a MAC.
struct PositionRow {
    follower: String,
    stream: StreamId,
    had: Had,
}

impl AuthorityRow for PositionRow {
    const TABLE: &'static str = "deriving_positions";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("follower", Value::from(&self.follower)),
            ("stream", self.stream.to_string().into()),
            ("record", self.had.record().into()),
            ("done", self.had.done.into()),
            ("proof", self.had.proof.clone().into()),
        ]
    }

    fn key(&self) -> String {
        format!("{} {}", self.follower, self.stream)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let next = u64::try_from(row.i64("record")?.saturating_add(1)).unwrap_or_default();
        let had = Had { next, done: row.flag("done")?, proof: row.opt_blob("proof")? };
        Ok(Self { follower: row.text("follower")?, stream: row.parse("stream")?, had })
    }
}

/// All positions of a follower.
///
/// Versions before MACs left rows without: if none of the follower's has one, they are believed, and sealed.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    follower: &str,
) -> Result<BTreeMap<StreamId, Had>, StoreError> {
    let mut rows = rows(db, follower).await?;
    if !rows.is_empty() && unsealed(&rows)?.len() == rows.len() {
        seal(db, mac, &unsealed(&rows)?).await?;
        rows = self::rows(db, follower).await?;
    }
    let read = rows.iter().map(|row| {
        if row.opt_blob("mac")?.is_none() {
            let key = PositionRow::read(row)?.key();
            return Err(StoreError::Corrupt { table: PositionRow::TABLE, key });
        }
        let PositionRow { stream, had, .. } = mac.load(row)?;
        Ok((stream, had))
    });
    read.collect()
}

async fn rows(db: &Db, follower: &str) -> Result<Vec<Row>, StoreError> {
    db.query(LIST, &[follower.into(), MOST_STREAMS.into()]).await
}

/// The rows that have no MAC.
fn unsealed(rows: &[Row]) -> Result<Vec<PositionRow>, StoreError> {
    let mut unsealed = Vec::new();
    for row in rows {
        if row.opt_blob("mac")?.is_none() {
            unsealed.push(PositionRow::read(row)?);
        }
    }
    Ok(unsealed)
}

async fn seal(db: &Db, mac: &RowMac, unsealed: &[PositionRow]) -> Result<(), StoreError> {
    db.transaction(|tx| {
        Box::pin(async move {
            for row in unsealed {
                let columns = row.columns();
                let named: Vec<_> = columns.iter().map(|(name, value)| (*name, value)).collect();
                let sealed = mac.seal(PositionRow::TABLE, &named);
                let keys = columns.into_iter().take(4).map(|(_, value)| value);
                tx.execute(SEAL, &keys.chain([sealed.into()]).collect::<Vec<_>>()).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Moves a position from where it was found, `None` where there was none yet.
pub(crate) async fn advance(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    (follower, stream): (&str, StreamId),
    from: Option<&Had>,
    to: &Had,
) -> Result<(), DerivingError> {
    let mut values = mac.values(&PositionRow { follower: follower.to_owned(), stream, had: to.clone() });
    let moved = match from {
        None => tx.execute(BEGIN, &values).await?,
        Some(from) => {
            values.push(from.record().into());
            tx.execute(MOVE, &values).await?
        }
    };
    if moved == 1 { Ok(()) } else { Err(DerivingError::Overtaken) }
}

/// Forgets the positions in streams before `first`: their records are gone.
pub(crate) async fn forget_before(db: &Db, follower: &str, first: StreamId) -> Result<(), StoreError> {
    db.execute(FORGET, &[follower.into(), first.to_string().into()]).await.map(drop)
}
