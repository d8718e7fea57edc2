//! Rows of streams.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use crate::domain::id::Id;
use crate::domain::stream::Stream;

const INSERT: Statement = Statement::new(
    "INSERT INTO logs_streams (group_id, name, stream_id, created_ms, mac) VALUES ($1, $2, $3, $4, $5)",
);
const FIND: Statement = Statement::new(
    "SELECT group_id, name, stream_id, created_ms, mac FROM logs_streams WHERE group_id = $1 AND name = $2",
);

pub(super) const STATEMENTS: &[Statement] = &[INSERT, FIND];

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
        format!("{} of {}", self.name, self.group)
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
    row.map(|row| load_as(mac, &row, group, name)).transpose()
}

/// The same as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    group: Id,
    name: &str,
) -> Result<Option<Stream>, StoreError> {
    let row = tx.query_opt(FIND, &[group.into(), name.into()]).await?;
    row.map(|row| load_as(mac, &row, group, name)).transpose()
}

fn load_as(mac: &RowMac, row: &Row, group: Id, name: &str) -> Result<Stream, StoreError> {
    let stream: Stream = mac.load(row)?;
    if stream.group == group && stream.name == name {
        Ok(stream)
    } else {
        Err(StoreError::Corrupt { table: Stream::TABLE, key: format!("{name} of {group}") })
    }
}
