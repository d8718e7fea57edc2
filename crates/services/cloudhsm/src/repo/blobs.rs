//! Large sealed things in pieces: backups, and snapshots of logs.

use strongroom_store::{Db, Statement, StoreError, Tx};

use super::place;

pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO cloudhsm_blobs (kind, owner, name, length, complete) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (kind, owner, name) DO UPDATE SET length = excluded.length, complete = excluded.complete",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT length, complete FROM cloudhsm_blobs WHERE kind = $1 AND owner = $2 AND name = $3",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM cloudhsm_blobs WHERE kind = $1 AND owner = $2 AND name = $3");
pub(super) const DELETE_PIECES: Statement =
    Statement::new("DELETE FROM cloudhsm_pieces WHERE kind = $1 AND owner = $2 AND name = $3");
pub(super) const INSERT_PIECE: Statement = Statement::new(
    "INSERT INTO cloudhsm_pieces (kind, owner, name, start, bytes) VALUES ($1, $2, $3, $4, $5)",
);
pub(super) const READ_PIECE: Statement = Statement::new(
    "SELECT start, bytes FROM cloudhsm_pieces WHERE kind = $1 AND owner = $2 AND name = $3 AND start <= $4 \
     ORDER BY start DESC LIMIT 1",
);
pub(super) const LIST_OF_OWNER: Statement =
    Statement::new("SELECT name FROM cloudhsm_blobs WHERE kind = $1 AND owner = $2 ORDER BY name LIMIT 100");

/// Which blob. A backup's bytes belong to nobody in particular: copies share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blob {
    Backup(String),
    Snapshot { cluster: String, name: String },
}

impl Blob {
    fn columns(&self) -> [&str; 3] {
        match self {
            Self::Backup(name) => ["backup", "", name],
            Self::Snapshot { cluster, name } => ["snapshot", cluster, name],
        }
    }
}

/// Why a piece is not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PieceError {
    #[error("the piece does not follow the one before")]
    OutOfOrder,
    #[error("the blob is whole already")]
    Complete,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores a piece. One at offset 0 begins anew, unless the blob is whole.
pub(crate) async fn put_piece(
    db: &Db,
    blob: &Blob,
    offset: u64,
    bytes: &[u8],
    last: bool,
) -> Result<(), PieceError> {
    db.transaction(|tx| Box::pin(put_piece_in(tx, blob, offset, bytes, last))).await
}

/// The same as a part of a transaction.
pub(crate) async fn put_piece_in(
    tx: &mut Tx<'_>,
    blob: &Blob,
    offset: u64,
    bytes: &[u8],
    last: bool,
) -> Result<(), PieceError> {
    let [kind, owner, name] = blob.columns();
    let key = [kind.into(), owner.into(), name.into()];
    let known = match tx.query_opt(FIND, &key).await? {
        Some(row) => Some((row.i64("length")?.unsigned_abs(), row.flag("complete")?)),
        None => None,
    };
    match known {
        Some((_, true)) => return Err(PieceError::Complete),
        Some(_) if offset == 0 => {
            tx.execute(DELETE_PIECES, &key).await?;
        }
        Some((length, false)) if offset == length => {}
        None if offset == 0 => {}
        _ => return Err(PieceError::OutOfOrder),
    }
    let [kind, owner, name] = key;
    let length = place(offset + bytes.len() as u64);
    tx.execute(PUT, &[kind.clone(), owner.clone(), name.clone(), length.into(), last.into()]).await?;
    tx.execute(INSERT_PIECE, &[kind, owner, name, place(offset).into(), bytes.into()]).await?;
    Ok(())
}

/// Whether a blob is whole, as this transaction sees it.
pub(crate) async fn is_whole(tx: &mut Tx<'_>, blob: &Blob) -> Result<bool, StoreError> {
    let [kind, owner, name] = blob.columns();
    let row = tx.query_opt(FIND, &[kind.into(), owner.into(), name.into()]).await?;
    row.map_or(Ok(false), |row| row.flag("complete"))
}

/// At most `max_bytes` bytes from `offset` on, and how long the whole is. `None` while it is not whole.
pub(crate) async fn get_piece(
    db: &Db,
    blob: &Blob,
    offset: u64,
    max_bytes: usize,
) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
    let [kind, owner, name] = blob.columns();
    let Some(total) = length(db, blob).await? else { return Ok(None) };
    let values = [kind.into(), owner.into(), name.into(), place(offset).into()];
    let Some(row) = db.query_opt(READ_PIECE, &values).await? else { return Ok(Some((Vec::new(), total))) };
    let (start, bytes) = (row.i64("start")?.unsigned_abs(), row.blob("bytes")?);
    let skip = usize::try_from(offset - start).unwrap_or(usize::MAX).min(bytes.len());
    let end = skip.saturating_add(max_bytes).min(bytes.len());
    Ok(Some((bytes[skip..end].to_vec(), total)))
}

/// How long a blob is, if it is whole.
pub(crate) async fn length(db: &Db, blob: &Blob) -> Result<Option<u64>, StoreError> {
    let [kind, owner, name] = blob.columns();
    let Some(row) = db.query_opt(FIND, &[kind.into(), owner.into(), name.into()]).await? else {
        return Ok(None);
    };
    Ok(row.flag("complete")?.then_some(row.i64("length")?.unsigned_abs()))
}

/// Removes a blob.
pub(crate) async fn delete(tx: &mut Tx<'_>, blob: &Blob) -> Result<(), StoreError> {
    let [kind, owner, name] = blob.columns();
    let key = [kind.into(), owner.into(), name.into()];
    tx.execute(DELETE_PIECES, &key).await?;
    tx.execute(DELETE, &key).await.map(drop)
}

/// Removes snapshots of a cluster's log that `is_old` says of, by their places in it; a page of them. Answers
/// whether it found any.
pub(crate) async fn delete_snapshots(
    tx: &mut Tx<'_>,
    cluster: &str,
    is_old: impl Fn(u64) -> bool + Send,
) -> Result<bool, StoreError> {
    let mut any = false;
    for row in tx.query(LIST_OF_OWNER, &["snapshot".into(), cluster.into()]).await? {
        let name = row.text("name")?;
        if name.parse().is_ok_and(&is_old) {
            delete(tx, &Blob::Snapshot { cluster: cluster.to_owned(), name }).await?;
            any = true;
        }
    }
    Ok(any)
}
