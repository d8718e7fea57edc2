//! The sealed logs of clusters: bytes in an order. What the order is for, HSMs know.

use strongroom_store::{Db, Statement, StoreError, Tx};

use super::{blobs, place};

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudhsm_log (cluster_id, sequence, entry) VALUES ($1, $2, $3) \
     ON CONFLICT (cluster_id, sequence) DO NOTHING",
);
pub(super) const LAST: Statement =
    Statement::new("SELECT sequence FROM cloudhsm_log WHERE cluster_id = $1 ORDER BY sequence DESC LIMIT 1");
pub(super) const FIRST: Statement =
    Statement::new("SELECT sequence FROM cloudhsm_log WHERE cluster_id = $1 ORDER BY sequence LIMIT 1");
/// Entries can be long: how many are read is decided by their lengths.
pub(super) const LENGTHS: Statement = Statement::new(
    "SELECT sequence, CAST(LENGTH(entry) AS BIGINT) AS length FROM cloudhsm_log WHERE cluster_id = $1 AND sequence >= $2 \
     ORDER BY sequence LIMIT $3",
);
pub(super) const READ: Statement = Statement::new(
    "SELECT sequence, entry FROM cloudhsm_log WHERE cluster_id = $1 AND sequence >= $2 AND sequence <= $3 \
     ORDER BY sequence LIMIT $4",
);
pub(super) const DROP_BEFORE: Statement =
    Statement::new("DELETE FROM cloudhsm_log WHERE cluster_id = $1 AND sequence < $2");
pub(super) const DROP_ALL: Statement = Statement::new("DELETE FROM cloudhsm_log WHERE cluster_id = $1");
pub(super) const FIND_SNAPSHOT: Statement =
    Statement::new("SELECT sequence FROM cloudhsm_log_snapshots WHERE cluster_id = $1");
pub(super) const PUT_SNAPSHOT: Statement = Statement::new(
    "INSERT INTO cloudhsm_log_snapshots (cluster_id, sequence) VALUES ($1, $2) \
     ON CONFLICT (cluster_id) DO UPDATE SET sequence = excluded.sequence",
);
pub(super) const DROP_SNAPSHOT: Statement =
    Statement::new("DELETE FROM cloudhsm_log_snapshots WHERE cluster_id = $1");

pub(super) const FIND_BACKUP: Statement =
    Statement::new("SELECT sequence FROM cloudhsm_log_backups WHERE cluster_id = $1");
pub(super) const PUT_BACKUP: Statement = Statement::new(
    "INSERT INTO cloudhsm_log_backups (cluster_id, sequence) VALUES ($1, $2) \
     ON CONFLICT (cluster_id) DO UPDATE SET sequence = excluded.sequence",
);
pub(super) const DROP_BACKUP: Statement =
    Statement::new("DELETE FROM cloudhsm_log_backups WHERE cluster_id = $1");

/// Entries that one statement reads; a page of the fleet's is bounded in bytes too.
const PAGE: u32 = 256;

/// What came of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It is in the log.
    Done,
    /// The place is taken, or is not the next one. The log ends here.
    Occupied(u64),
}

/// A page of a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) entries: Vec<(u64, Vec<u8>)>,
    pub(crate) head: u64,
    pub(crate) first: u64,
    pub(crate) snapshot: u64,
}

/// Puts an entry at the end of a log. The first entry of an empty log may have any place above 0.
pub(crate) async fn append(
    db: &Db,
    cluster: &str,
    sequence: u64,
    entry: &[u8],
) -> Result<Appended, StoreError> {
    db.transaction(|tx| {
        Box::pin(async move {
            let head = head_in(tx, cluster).await?;
            if sequence == 0 || i64::try_from(sequence).is_err() || (head > 0 && sequence != head + 1) {
                return Ok(Appended::Occupied(head));
            }
            let values = [cluster.into(), place(sequence).into(), entry.into()];
            match tx.execute(INSERT, &values).await? {
                1 => Ok(Appended::Done),
                _ => Ok(Appended::Occupied(head_in(tx, cluster).await?)),
            }
        })
    })
    .await
}

async fn head_in(tx: &mut Tx<'_>, cluster: &str) -> Result<u64, StoreError> {
    let row = tx.query_opt(LAST, &[cluster.into()]).await?;
    row.map_or(Ok(0), |row| row.i64("sequence").map(i64::unsigned_abs))
}

/// The last entry of a log; 0 while it is empty.
pub(crate) async fn head(db: &Db, cluster: &str) -> Result<u64, StoreError> {
    let row = db.query_opt(LAST, &[cluster.into()]).await?;
    row.map_or(Ok(0), |row| row.i64("sequence").map(i64::unsigned_abs))
}

/// Reads entries from `from` on: one at least if there is one, then as many as `max_bytes` hold.
pub(crate) async fn read(db: &Db, cluster: &str, from: u64, max_bytes: usize) -> Result<Page, StoreError> {
    let first = db.query_opt(FIRST, &[cluster.into()]).await?;
    let snapshot = db.query_opt(FIND_SNAPSHOT, &[cluster.into()]).await?;
    let mut page = Page {
        head: head(db, cluster).await?,
        first: first.map_or(Ok(0), |row| row.i64("sequence").map(i64::unsigned_abs))?,
        snapshot: snapshot.map_or(Ok(0), |row| row.i64("sequence").map(i64::unsigned_abs))?,
        entries: Vec::new(),
    };
    // What was dropped is said to be so, rather than passed over.
    if from < page.first {
        return Ok(page);
    }
    let (mut taken, mut last) = (0, None);
    for row in db.query(LENGTHS, &[cluster.into(), place(from).into(), PAGE.into()]).await? {
        taken += usize::try_from(row.i64("length")?).unwrap_or(usize::MAX);
        if taken > max_bytes && last.is_some() {
            break;
        }
        last = Some(row.i64("sequence")?);
    }
    let Some(last) = last else { return Ok(page) };
    for row in db.query(READ, &[cluster.into(), place(from).into(), last.into(), PAGE.into()]).await? {
        let sequence = row.i64("sequence")?.unsigned_abs();
        // The log may have grown since its head was read.
        page.head = page.head.max(sequence);
        page.entries.push((sequence, row.blob("entry")?));
    }
    Ok(page)
}

/// Drops the entries before `before`, which the snapshot at that place replaces, but none that the cluster's last
/// backup does not hold: whoever restores it goes on from it with them. Places only grow: an older request that
/// comes late drops nothing.
pub(crate) async fn compact(db: &Db, cluster: &str, before: u64, snapshot: u64) -> Result<(), StoreError> {
    db.transaction(|tx| {
        Box::pin(async move {
            let known = tx.query_opt(FIND_SNAPSHOT, &[cluster.into()]).await?;
            let known = known.map_or(Ok(0), |row| row.i64("sequence"))?;
            if place(snapshot) <= known {
                return Ok(());
            }
            tx.execute(PUT_SNAPSHOT, &[cluster.into(), place(snapshot).into()]).await?;
            // The one before may be being read.
            let is_old = |place: u64| place < snapshot && place != known.unsigned_abs();
            blobs::delete_snapshots(tx, cluster, is_old).await?;
            let held = tx.query_opt(FIND_BACKUP, &[cluster.into()]).await?;
            let held = held.map_or(Ok(i64::MAX), |row| row.i64("sequence"))?;
            let before = place(before).min(held.saturating_add(1));
            tx.execute(DROP_BEFORE, &[cluster.into(), before.into()]).await.map(drop)
        })
    })
    .await
}

/// Notes that a backup of the cluster holds the log up to that entry.
pub(crate) async fn backed_up(tx: &mut Tx<'_>, cluster: &str, sequence: u64) -> Result<(), StoreError> {
    tx.execute(PUT_BACKUP, &[cluster.into(), place(sequence).into()]).await.map(drop)
}

/// Removes a log.
pub(crate) async fn drop_all(tx: &mut Tx<'_>, cluster: &str) -> Result<(), StoreError> {
    tx.execute(DROP_ALL, &[cluster.into()]).await?;
    tx.execute(DROP_BACKUP, &[cluster.into()]).await?;
    tx.execute(DROP_SNAPSHOT, &[cluster.into()]).await.map(drop)
}
