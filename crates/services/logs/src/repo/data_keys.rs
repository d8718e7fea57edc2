//! Rows of data keys.

use strongroom_store::{Db, Row, Statement, StoreError, Tx};

use crate::domain::id::Id;

const ADD: Statement = Statement::new(
    "INSERT INTO logs_data_keys (group_id, number, created_ms, sealed) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (group_id, number) DO NOTHING",
);
const NEWEST: Statement = Statement::new(
    "SELECT group_id, number, created_ms, sealed FROM logs_data_keys WHERE group_id = $1 ORDER BY number DESC LIMIT 1",
);
const FIND: Statement = Statement::new(
    "SELECT group_id, number, created_ms, sealed FROM logs_data_keys WHERE group_id = $1 AND number = $2",
);

const DELETE_ALL: Statement = Statement::new("DELETE FROM logs_data_keys WHERE group_id = $1");

pub(super) const STATEMENTS: &[Statement] = &[ADD, NEWEST, FIND, DELETE_ALL];

/// A data key as it is kept: sealed, and bound to group and number.
pub(crate) struct DataKeyRow {
    pub(crate) group: Id,
    pub(crate) number: i64,
    pub(crate) created_ms: i64,
    pub(crate) sealed: Vec<u8>,
}

/// Adds a data key; tells whether there was none of that number.
pub(crate) async fn add(tx: &mut Tx<'_>, row: &DataKeyRow) -> Result<bool, StoreError> {
    let values = [row.group.into(), row.number.into(), row.created_ms.into(), row.sealed.clone().into()];
    Ok(tx.execute(ADD, &values).await? == 1)
}

/// The last data key of a group.
pub(crate) async fn newest(db: &Db, group: Id) -> Result<Option<DataKeyRow>, StoreError> {
    db.query_opt(NEWEST, &[group.into()]).await?.map(|row| read(&row)).transpose()
}

/// The data key of that number.
pub(crate) async fn find(db: &Db, group: Id, number: i64) -> Result<Option<DataKeyRow>, StoreError> {
    db.query_opt(FIND, &[group.into(), number.into()]).await?.map(|row| read(&row)).transpose()
}

/// Removes the data keys of a group: what is sealed under them is gone with them.
pub(crate) async fn delete_all(tx: &mut Tx<'_>, group: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_ALL, &[group.into()]).await.map(drop)
}

/// The same, long after the group.
pub(crate) async fn delete_of(db: &Db, group: Id) -> Result<(), StoreError> {
    db.execute(DELETE_ALL, &[group.into()]).await.map(drop)
}

fn read(row: &Row) -> Result<DataKeyRow, StoreError> {
    Ok(DataKeyRow {
        group: Id::read(row, "group_id")?,
        number: row.i64("number")?,
        created_ms: row.i64("created_ms")?,
        sealed: row.blob("sealed")?,
    })
}
