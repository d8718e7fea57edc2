//! Rows of streams.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::most;
use crate::domain::id::Id;
use crate::domain::stream::Stream;

const INSERT: Statement = Statement::new(
    "INSERT INTO logs_streams (group_id, name, stream_id, created_ms, mac) VALUES ($1, $2, $3, $4, $5)",
);
const FIND: Statement = Statement::new(
    "SELECT group_id, name, stream_id, created_ms, mac FROM logs_streams WHERE group_id = $1 AND name = $2",
);

const FIND_BY_ID: Statement = Statement::new(
    "SELECT group_id, name, stream_id, created_ms, mac FROM logs_streams WHERE stream_id = $1",
);
const DELETE: Statement = Statement::new("DELETE FROM logs_streams WHERE group_id = $1 AND name = $2");
const DELETE_SOME: Statement = Statement::new(
    "DELETE FROM logs_streams WHERE group_id = $1 \
     AND name IN (SELECT name FROM logs_streams WHERE group_id = $1 ORDER BY name LIMIT $2)",
);
const LIST: Statement = Statement::new(
    "SELECT group_id, name, stream_id, created_ms, mac FROM logs_streams \
     WHERE group_id = $1 AND name > $2 AND name >= $3 ORDER BY name LIMIT $4",
);
const LIST_BACK: Statement = Statement::new(
    "SELECT group_id, name, stream_id, created_ms, mac FROM logs_streams \
     WHERE group_id = $1 AND name < $2 AND name >= $3 ORDER BY name DESC LIMIT $4",
);

pub(super) const STATEMENTS: &[Statement] = &[INSERT, FIND, FIND_BY_ID, DELETE, DELETE_SOME, LIST, LIST_BACK];

/// After every name of a stream: no text has a code point beyond.
pub(crate) const END: &str = "\u{10FFFF}\u{10FFFF}";

impl AuthorityRow for Stream {
    const TABLE: &'static str = "logs_streams";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("group_id", self.group.into()),
            ("name", Value::from(&self.name)),
            ("stream_id", self.id.into()),
            ("created_ms", self.created_ms.into()),
        ]
    }

    fn key(&self) -> String {
        label(self.group, &self.name)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            group: Id::read(row, "group_id")?,
            name: row.text("name")?,
            id: Id::read(row, "stream_id")?,
            created_ms: row.i64("created_ms")?,
        })
    }
}

/// Adds a stream.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, stream: &Stream) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(stream)).await.map(drop)
}

/// The stream of that name of a group.
pub(crate) async fn find(db: &Db, mac: &RowMac, group: Id, name: &str) -> Result<Option<Stream>, StoreError> {
    let row = db.query_opt(FIND, &[group.into(), name.into()]).await?;
    row.map(|row| mac.load_as(&row, &label(group, name))).transpose()
}

/// The same as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    group: Id,
    name: &str,
) -> Result<Option<Stream>, StoreError> {
    let row = tx.query_opt(FIND, &[group.into(), name.into()]).await?;
    row.map(|row| mac.load_as(&row, &label(group, name))).transpose()
}

/// The stream of that id, if it is one of the group.
pub(crate) async fn find_by_id(
    db: &Db,
    mac: &RowMac,
    group: Id,
    id: Id,
) -> Result<Option<Stream>, StoreError> {
    let row = db.query_opt(FIND_BY_ID, &[id.into()]).await?;
    let stream: Option<Stream> = row.map(|row| mac.load(&row)).transpose()?;
    Ok(stream.filter(|stream| stream.group == group && stream.id == id))
}

/// Removes a stream's row.
pub(crate) async fn delete(tx: &mut Tx<'_>, stream: &Stream) -> Result<(), StoreError> {
    tx.execute(DELETE, &[stream.group.into(), Value::from(&stream.name)]).await.map(drop)
}

/// Removes the rows of at most `limit` streams of a group; tells how many those were.
pub(crate) async fn delete_some(db: &Db, group: Id, limit: usize) -> Result<u64, StoreError> {
    db.execute(DELETE_SOME, &[group.into(), most(limit)]).await
}

/// At most `limit` streams of a group, in the order of their names or in the reverse of it: those behind `after`, whose
/// names are not before `from`.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    group: Id,
    (after, from): (&str, &str),
    is_descending: bool,
    limit: usize,
) -> Result<Vec<Stream>, StoreError> {
    let statement = if is_descending { LIST_BACK } else { LIST };
    let rows = db.query(statement, &[group.into(), after.into(), from.into(), most(limit)]).await?;
    rows.iter().map(|row| mac.load(row)).collect()
}

/// How a stream is named.
fn label(group: Id, name: &str) -> String {
    format!("{name} of {group}")
}
