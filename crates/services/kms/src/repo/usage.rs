//! Rows of keys' last uses, and how far the journal has been read for them. Policies can ask for the former
//! (`kms:TrailingDaysWithoutKeyUsage`), so they carry a MAC.

use strongroom_journal::{EventId, Position};
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Type, Value};

use super::{home_columns, name_of, read_home};
use crate::domain::identifier::Home;
use crate::domain::usage::LastUse;

pub(super) const KEY_MADE: Statement =
    Statement::new("SELECT created_ms FROM kms_keys WHERE account = $1 AND region = $2 AND key_id = $3");
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, key_id, operation, used_ms, event_id, request_id, mac FROM kms_last_uses \
     WHERE account = $1 AND region = $2 AND key_id = $3",
);
pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO kms_last_uses (account, region, key_id, operation, used_ms, event_id, request_id, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account, region, key_id) DO UPDATE \
     SET operation = excluded.operation, used_ms = excluded.used_ms, event_id = excluded.event_id, \
     request_id = excluded.request_id, mac = excluded.mac \
     WHERE excluded.used_ms >= kms_last_uses.used_ms",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM kms_last_uses WHERE account = $1 AND region = $2 AND key_id = $3");
pub(super) const FIND_READING: Statement =
    Statement::new("SELECT stream, record FROM kms_readings WHERE journal = $1");
pub(super) const BEGIN_READING: Statement = Statement::new(
    "INSERT INTO kms_readings (journal, stream, record) VALUES ($1, $2, $3) ON CONFLICT (journal) DO NOTHING",
);
pub(super) const MOVE_READING: Statement = Statement::new(
    "UPDATE kms_readings SET stream = $2, record = $3 WHERE journal = $1 AND stream = $4 AND record = $5",
);

/// A row of `kms_last_uses`.
struct UseRow {
    home: Home,
    key_id: String,
    last: LastUse,
}

impl AuthorityRow for UseRow {
    const TABLE: &'static str = "kms_last_uses";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let Self { home, key_id, last } = self;
        let mut columns = home_columns(home).to_vec();
        columns.extend([
            ("key_id", Value::from(key_id)),
            ("operation", Value::from(&last.operation)),
            ("used_ms", last.used_ms.into()),
            ("event_id", last.event_id.0.into()),
            ("request_id", last.request_id.clone().map_or(Value::Null(Type::Text), Value::Text)),
        ]);
        columns
    }

    fn key(&self) -> String {
        self.home.key_arn(&self.key_id)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let last = LastUse {
            operation: row.text("operation")?,
            used_ms: row.i64("used_ms")?,
            event_id: EventId(row.array("event_id")?),
            request_id: row.opt_text("request_id")?,
        };
        Ok(Self { home: read_home(row)?, key_id: row.text("key_id")?, last })
    }
}

/// The last use of a key that is known.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    key_id: &str,
) -> Result<Option<LastUse>, StoreError> {
    let Some(row) = db.query_opt(FIND, &name_of(home, key_id)).await? else { return Ok(None) };
    let row: UseRow = mac.load_as(&row, &home.key_arn(key_id))?;
    Ok(Some(row.last))
}

/// The record up to which the journal of that name has been read.
pub(crate) async fn reading(db: &Db, journal: &str) -> Result<Option<Position>, StoreError> {
    let Some(row) = db.query_opt(FIND_READING, &[journal.into()]).await? else { return Ok(None) };
    let stream = row.text("stream")?.parse();
    let stream = stream
        .map_err(|error| StoreError::Column { column: "stream".to_owned(), source: Box::new(error) })?;
    Ok(Some(Position { stream, record: row.i64("record")? as u64 }))
}

/// How far a server's journal has been read on.
#[derive(Clone, Copy)]
pub(crate) struct Moved<'c> {
    /// The server's name among those on the store.
    pub(crate) chain: &'c str,
    /// Up to where it had been read.
    pub(crate) after: Option<Position>,
    /// Up to where it was read now.
    pub(crate) end: Position,
}

/// Keeps what was read of a journal, where nothing later is known: other servers have journals of their own. Uses of keys
/// that are gone are kept out, also where another key has the id now. Answers whether it was: another server may have read
/// the same.
pub(crate) async fn keep(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    uses: &[(Home, String, LastUse)],
    Moved { chain, after, end }: Moved<'_>,
) -> Result<bool, StoreError> {
    let place = |position: Position| [position.stream.to_string().into(), (position.record as i64).into()];
    let [stream, record] = place(end);
    let moved = match after.map(place) {
        None => tx.execute(BEGIN_READING, &[chain.into(), stream, record]).await?,
        Some([from, after]) => tx.execute(MOVE_READING, &[chain.into(), stream, record, from, after]).await?,
    };
    if moved == 0 {
        return Ok(false);
    }
    for (home, key_id, last) in uses {
        let name = name_of(home, key_id);
        let made_ms = tx.query_opt(KEY_MADE, &name).await?.map(|row| row.i64("created_ms")).transpose()?;
        if made_ms.is_none_or(|made_ms| last.used_ms < made_ms) {
            continue;
        }
        let row = UseRow { home: home.clone(), key_id: key_id.clone(), last: last.clone() };
        tx.execute(PUT, &mac.values(&row)).await?;
    }
    Ok(true)
}

/// Forgets the last use of a key that is deleted.
pub(crate) async fn delete(tx: &mut Tx<'_>, home: &Home, key_id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &name_of(home, key_id)).await.map(drop)
}
