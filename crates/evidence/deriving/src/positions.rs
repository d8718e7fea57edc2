//! Rows of positions: how far each follower has had each stream.

use std::collections::BTreeMap;

use strongroom_journal::StreamId;
use strongroom_seal::Root;
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
pub const STATEMENTS: &[Statement] = &[LIST, BEGIN, MOVE, COUNT_SEALED, UNSEALED, SEAL, FORGET];

/// Streams of one store, at the most: each is one start of a server within the time that records are kept.
const MOST_STREAMS: i64 = 100_000;

/// The same of all followers together.
const MOST_UNSEALED: i64 = 1_000_000;

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
const COUNT_SEALED: Statement =
    Statement::new("SELECT COUNT(*) AS sealed FROM deriving_positions WHERE mac IS NOT NULL");
const UNSEALED: Statement = Statement::new(
    "SELECT follower, stream, record, done, proof FROM deriving_positions \
     WHERE mac IS NULL ORDER BY follower, stream LIMIT $1",
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

/// Seals the positions that versions before MACs left. A server does so once at its start, when the tables were brought up to
/// date and before anything follows the journal; nothing else believes a row without a MAC.
///
/// Those versions left no row with one. Where the database has any, a row without is one that somebody put there: it stays as it
/// is, and stops its follower. What is believed is told: whoever can write the database could take all MACs off and wait for a
/// start.
pub async fn adopt(db: &Db, root: &Root) -> Result<(), StoreError> {
    let mac = RowMac::new(root);
    let adopted = db.transaction(|tx| {
        let mac = &mac;
        Box::pin(async move {
            let mut adopted = BTreeMap::new();
            if tx.query_one(COUNT_SEALED, &[]).await?.i64("sealed")? > 0 {
                return Ok::<_, StoreError>(adopted);
            }
            for row in tx.query(UNSEALED, &[MOST_UNSEALED.into()]).await? {
                let position = PositionRow::read(&row)?;
                let columns = position.columns();
                let named: Vec<_> = columns.iter().map(|(name, value)| (*name, value)).collect();
                let sealed = mac.seal(PositionRow::TABLE, &named);
                let found = columns.into_iter().take(4).map(|(_, value)| value);
                tx.execute(SEAL, &found.chain([sealed.into()]).collect::<Vec<_>>()).await?;
                *adopted.entry(position.follower).or_default() += 1;
            }
            Ok(adopted)
        })
    });
    for (follower, streams) in adopted.await? {
        let streams: u64 = streams;
        tracing::warn!(
            follower,
            streams,
            "positions in the journal that have no MAC were believed and sealed: this is in order at the first start after an \
             upgrade from a version that made none, and at no other"
        );
    }
    Ok(())
}

/// All positions of a follower.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    follower: &str,
) -> Result<BTreeMap<StreamId, Had>, StoreError> {
    let rows = db.query(LIST, &[follower.into(), MOST_STREAMS.into()]).await?;
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
