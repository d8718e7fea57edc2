//! Rows of files that nothing needs any more.

use strongroom_store::{Db, Statement, StoreError, Tx};

const INSERT: Statement = Statement::new(
    "INSERT INTO s3_dropped_files (file, dropped_ms) VALUES ($1, $2) ON CONFLICT (file) DO NOTHING",
);
const LIST: Statement =
    Statement::new("SELECT file FROM s3_dropped_files WHERE dropped_ms <= $1 ORDER BY file LIMIT $2");
const REMOVE: Statement = Statement::new("DELETE FROM s3_dropped_files WHERE file = $1");
const IS_PART: Statement = Statement::new("SELECT number FROM s3_parts WHERE file = $1");
const IS_DROPPED: Statement = Statement::new("SELECT dropped_ms FROM s3_dropped_files WHERE file = $1");

pub(super) const STATEMENTS: &[Statement] = &[INSERT, LIST, REMOVE, IS_PART, IS_DROPPED];

/// A file is needed no more, from this moment of real time on.
pub(crate) async fn drop_file(tx: &mut Tx<'_>, file: &str, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(INSERT, &[file.into(), now_ms.into()]).await.map(drop)
}

/// Files that were dropped until then.
pub(crate) async fn dropped_files(db: &Db, until_ms: i64, most: i64) -> Result<Vec<String>, StoreError> {
    db.query(LIST, &[until_ms.into(), most.into()]).await?.iter().map(|row| row.text("file")).collect()
}

/// A dropped file is gone.
pub(crate) async fn forget_dropped(db: &Db, file: &str) -> Result<(), StoreError> {
    db.execute(REMOVE, &[file.into()]).await.map(drop)
}

/// Whether any row names a file, also one that is dropped.
pub(crate) async fn is_named(db: &Db, file: &str) -> Result<bool, StoreError> {
    let is_part = db.query_opt(IS_PART, &[file.into()]).await?.is_some();
    Ok(is_part || db.query_opt(IS_DROPPED, &[file.into()]).await?.is_some())
}
