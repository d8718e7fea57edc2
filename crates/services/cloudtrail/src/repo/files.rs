//! Rows of files: gathered, waiting to be delivered, waiting for their digest.

use strongroom_deriving::Kept;
use strongroom_identity::AccountId;
use strongroom_journal::{Position, StreamId};
use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use super::{FORMAT, expect_format, read, write};
use crate::domain::destination::Destination;
use crate::domain::digest::{LogFile, Place};
use crate::domain::selection::Selection;
use crate::domain::trail::Trail;

/// Takes further records.
const OPEN: &str = "open";
/// Is to be delivered.
const CLOSED: &str = "closed";
/// Waits for its digest.
const DELIVERED_STATE: &str = "delivered";

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudtrail_files (file_id, trail_id, account, region, state, format, selection, edition, \
     opened_ms, due_ms, records, bytes, oldest_ms, newest_ms, destination) \
     VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);
pub(super) const ADD: Statement = Statement::new(
    "UPDATE cloudtrail_files SET records = records + $2, bytes = bytes + $3, \
     oldest_ms = CASE WHEN oldest_ms < $4 THEN oldest_ms ELSE $4 END, \
     newest_ms = CASE WHEN newest_ms > $5 THEN newest_ms ELSE $5 END WHERE file_id = $1",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT file_id, trail_id, account, region, state, format, selection, edition, opened_ms, due_ms, records, \
     bucket, object_key, destination FROM cloudtrail_files WHERE file_id = $1",
);
pub(super) const FIND_OPEN: Statement = Statement::new(
    "SELECT file_id, edition, records, bytes FROM cloudtrail_files \
     WHERE trail_id = $1 AND region = $2 AND destination = $3 AND state = 'open'",
);
pub(super) const CLOSE: Statement = Statement::new(
    "UPDATE cloudtrail_files SET state = 'closed', due_ms = $2 WHERE file_id = $1 AND state = 'open'",
);
pub(super) const PLAN: Statement =
    Statement::new("UPDATE cloudtrail_files SET bucket = $2, object_key = $3 WHERE file_id = $1");
pub(super) const POSTPONE: Statement = Statement::new(
    "UPDATE cloudtrail_files SET due_ms = $2 WHERE file_id = $1 AND due_ms = $3 AND state <> 'delivered'",
);
/// Of a trail's older files for a log group, of one Region, those that were put off.
pub(super) const HELD_BACK: Statement = Statement::new(
    "SELECT MIN(due_ms) AS again_ms FROM cloudtrail_files \
     WHERE trail_id = $1 AND region = $2 AND destination = 'logs' AND state = 'closed' AND due_ms > $3 \
     AND (opened_ms < $4 OR (opened_ms = $4 AND file_id < $5))",
);
pub(super) const DELIVERED: Statement = Statement::new(
    "UPDATE cloudtrail_files SET state = 'delivered', due_ms = NULL, hash = $2 \
     WHERE file_id = $1 AND state = 'closed' AND object_key = $3",
);
pub(super) const OF_DIGEST: Statement = Statement::new(
    "SELECT file_id, bucket, object_key, hash, oldest_ms, newest_ms FROM cloudtrail_files \
     WHERE trail_id = $1 AND region = $2 AND state = 'delivered' ORDER BY opened_ms, file_id LIMIT $3",
);
pub(super) const DUE: Statement = Statement::new(
    "SELECT file_id, due_ms FROM cloudtrail_files WHERE due_ms IS NOT NULL ORDER BY due_ms, file_id LIMIT $1",
);
/// Of one Region: what its digest waits for.
pub(super) const WAITING: Statement = Statement::new(
    "SELECT COUNT(*) AS waiting FROM cloudtrail_files WHERE trail_id = $1 AND state <> 'delivered' \
     AND (CAST($3 AS BIGINT) = 1 OR (region = $2 AND destination = 'bucket'))",
);
/// Their slices went when they were delivered.
pub(super) const FORGET_DELIVERED: Statement = Statement::new(
    "DELETE FROM cloudtrail_files \
     WHERE trail_id = $1 AND (region = $2 OR CAST($3 AS BIGINT) = 1) AND state = 'delivered'",
);
pub(super) const DELETE: Statement = Statement::new("DELETE FROM cloudtrail_files WHERE file_id = $1");
/// What lies between two slices of one stream was looked at, and is none of the file's.
pub(super) const PUT_SLICE: Statement = Statement::new(
    "INSERT INTO cloudtrail_slices (file_id, stream, first_record, last_record, proof) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (file_id, stream) DO UPDATE SET last_record = excluded.last_record",
);
pub(super) const SLICES: Statement = Statement::new(
    "SELECT stream, first_record, last_record, proof FROM cloudtrail_slices \
     WHERE file_id = $1 ORDER BY stream LIMIT $2",
);
pub(super) const DELETE_SLICES: Statement =
    Statement::new("DELETE FROM cloudtrail_slices WHERE file_id = $1");
pub(super) const FIRST_NEEDED: Statement = Statement::new(
    "SELECT first_record FROM cloudtrail_slices WHERE stream = $1 ORDER BY first_record LIMIT 1",
);

/// Streams of one file, at the most: a file takes minutes, and a stream is a start of a server.
const MOST_SLICES: i64 = 10_000;

/// A file that is to be delivered.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) trail_id: String,
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) is_open: bool,
    pub(crate) is_delivered: bool,
    pub(crate) selection: Selection,
    pub(crate) opened_ms: i64,
    pub(crate) due_ms: Option<i64>,
    /// How many records were gathered for it.
    pub(crate) records: u64,
    pub(crate) destination: Destination,
    /// Where it goes in its bucket, once that was decided.
    pub(crate) place: Option<Place>,
}

/// A file that takes further records.
pub(crate) struct OpenFile {
    pub(crate) id: String,
    pub(crate) edition: i64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// Records that join a file.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) stream: StreamId,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) oldest_ms: i64,
    pub(crate) newest_ms: i64,
    /// What proves them.
    pub(crate) proof: Option<Vec<u8>>,
}

/// The file of a trail, a Region and a destination that takes further records.
pub(crate) async fn find_open(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: &str,
    destination: Destination,
) -> Result<Option<OpenFile>, StoreError> {
    let named = [trail_id.into(), region.into(), destination.as_str().into()];
    let Some(row) = tx.query_opt(FIND_OPEN, &named).await? else { return Ok(None) };
    Ok(Some(OpenFile {
        id: row.text("file_id")?,
        edition: row.i64("edition")?,
        records: row.i64("records")? as u64,
        bytes: row.i64("bytes")? as u64,
    }))
}

/// Begins a file with its first records.
pub(crate) async fn open(
    tx: &mut Tx<'_>,
    (id, trail, region, destination): (&str, &Trail, &str, Destination),
    selection: &Selection,
    (opened_ms, due_ms): (i64, i64),
    share: &Share,
) -> Result<(), StoreError> {
    let values = [
        id.into(),
        Value::from(&trail.id),
        trail.account.to_string().into(),
        region.into(),
        FORMAT.into(),
        write(selection)?.into(),
        (selection.edition as i64).into(),
        opened_ms.into(),
        due_ms.into(),
        (share.records as i64).into(),
        (share.bytes as i64).into(),
        share.oldest_ms.into(),
        share.newest_ms.into(),
        destination.as_str().into(),
    ];
    tx.execute(INSERT, &values).await?;
    put_slice(tx, id, share).await
}

/// Adds records to a file.
pub(crate) async fn add(tx: &mut Tx<'_>, id: &str, share: &Share) -> Result<(), StoreError> {
    let (records, bytes) = (share.records as i64, share.bytes as i64);
    let values = [id.into(), records.into(), bytes.into(), share.oldest_ms.into(), share.newest_ms.into()];
    tx.execute(ADD, &values).await?;
    put_slice(tx, id, share).await
}

async fn put_slice(tx: &mut Tx<'_>, id: &str, share: &Share) -> Result<(), StoreError> {
    let (first, last) = (share.first as i64, share.last as i64);
    let (stream, proof) = (share.stream.to_string(), share.proof.clone());
    tx.execute(PUT_SLICE, &[id.into(), stream.into(), first.into(), last.into(), proof.into()])
        .await
        .map(drop)
}

/// Ends a file: it takes no further records, and is to be delivered at `due_ms`.
pub(crate) async fn close(tx: &mut Tx<'_>, id: &str, due_ms: i64) -> Result<(), StoreError> {
    tx.execute(CLOSE, &[id.into(), due_ms.into()]).await.map(drop)
}

pub(crate) async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<File>, StoreError> {
    tx.query_opt(FIND, &[id.into()]).await?.as_ref().map(file).transpose()
}

fn file(row: &Row) -> Result<File, StoreError> {
    expect_format(row.i64("format")?)?;
    let place = row.opt_text("bucket")?.zip(row.opt_text("object_key")?);
    let state = row.text("state")?;
    if ![OPEN, CLOSED, DELIVERED_STATE].contains(&state.as_str()) {
        let source = format!("{state} is no state of a file").into();
        return Err(StoreError::Column { column: "state".to_owned(), source });
    }
    let destination = row.text("destination")?;
    let destination = Destination::named(&destination).ok_or_else(|| StoreError::Column {
        column: "destination".to_owned(),
        source: format!("{destination} is no destination of a file").into(),
    })?;
    Ok(File {
        id: row.text("file_id")?,
        trail_id: row.text("trail_id")?,
        account: row.parse("account")?,
        region: row.text("region")?,
        is_open: state == OPEN,
        is_delivered: state == DELIVERED_STATE,
        selection: read("selection", &row.text("selection")?)?,
        opened_ms: row.i64("opened_ms")?,
        due_ms: row.opt_i64("due_ms")?,
        records: row.i64("records")? as u64,
        destination,
        place: place.map(|(bucket, key)| Place { bucket, key }),
    })
}

/// Decides where a file goes.
pub(crate) async fn plan(tx: &mut Tx<'_>, id: &str, place: &Place) -> Result<(), StoreError> {
    tx.execute(PLAN, &[id.into(), Value::from(&place.bucket), Value::from(&place.key)]).await.map(drop)
}

/// When an older file for the same log group, of the same Region, is tried again, if it was put off.
pub(crate) async fn held_back(tx: &mut Tx<'_>, file: &File, now_ms: i64) -> Result<Option<i64>, StoreError> {
    let (trail_id, region) = (Value::from(&file.trail_id), Value::from(&file.region));
    let values = [trail_id, region, now_ms.into(), file.opened_ms.into(), Value::from(&file.id)];
    tx.query_one(HELD_BACK, &values).await?.opt_i64("again_ms")
}

/// Puts the delivery of a file off. It may still be open.
pub(crate) async fn postpone(tx: &mut Tx<'_>, id: &str, from_ms: i64, to_ms: i64) -> Result<(), StoreError> {
    tx.execute(POSTPONE, &[id.into(), to_ms.into(), from_ms.into()]).await.map(drop)
}

/// Notes that a file has been delivered; tells whether it was still to be.
pub(crate) async fn delivered(
    tx: &mut Tx<'_>,
    id: &str,
    place: &Place,
    hash: &str,
) -> Result<bool, StoreError> {
    Ok(tx.execute(DELIVERED, &[id.into(), hash.into(), Value::from(&place.key)]).await? == 1)
}

/// The files that wait for their digest, at most `most`.
pub(crate) async fn of_digest(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: &str,
    most: u32,
) -> Result<Vec<(String, LogFile)>, StoreError> {
    let rows = tx.query(OF_DIGEST, &[trail_id.into(), region.into(), most.into()]).await?;
    let read = rows.iter().map(|row| {
        let place = Place { bucket: row.text("bucket")?, key: row.text("object_key")? };
        let (oldest_ms, newest_ms) = (row.i64("oldest_ms")?, row.i64("newest_ms")?);
        Ok((row.text("file_id")?, LogFile { place, hash: row.text("hash")?, newest_ms, oldest_ms }))
    });
    read.collect()
}

/// What is to be delivered: moments and ids.
pub(crate) async fn due(db: &Db, most: u32) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = db.query(DUE, &[most.into()]).await?;
    rows.iter().map(|row| Ok((row.i64("due_ms")?, row.text("file_id")?))).collect()
}

/// How many files of a trail are still to be delivered, in a Region or in all.
pub(crate) async fn waiting(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: Option<&str>,
) -> Result<u64, StoreError> {
    let (named, all) = (region.unwrap_or_default(), region.is_none());
    let row = tx.query_one(WAITING, &[trail_id.into(), named.into(), all.into()]).await?;
    Ok(row.i64("waiting")? as u64)
}

/// Forgets the files of a trail that wait for a digest which will not come, in a Region or in all.
pub(crate) async fn forget_delivered(
    tx: &mut Tx<'_>,
    trail_id: &str,
    region: Option<&str>,
) -> Result<(), StoreError> {
    let (named, all) = (region.unwrap_or_default(), region.is_none());
    tx.execute(FORGET_DELIVERED, &[trail_id.into(), named.into(), all.into()]).await.map(drop)
}

pub(crate) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE_SLICES, &[id.into()]).await?;
    tx.execute(DELETE, &[id.into()]).await.map(drop)
}

/// Lets the journal go of a file's records: it is delivered.
pub(crate) async fn release(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE_SLICES, &[id.into()]).await.map(drop)
}

/// What a file was gathered from: of each stream, records among which the file's are.
pub(crate) async fn slices(db: &Db, id: &str) -> Result<Vec<Kept>, StoreError> {
    let rows = db.query(SLICES, &[id.into(), MOST_SLICES.into()]).await?;
    let read = rows.iter().map(|row| {
        let (first, last) = (row.i64("first_record")? as u64, row.i64("last_record")? as u64);
        Ok(Kept { stream: row.parse("stream")?, first, last, proof: row.opt_blob("proof")? })
    });
    read.collect()
}

/// The first record of those streams, oldest first, that a file still to be delivered holds.
pub(crate) async fn first_needed(db: &Db, streams: &[StreamId]) -> Result<Option<Position>, StoreError> {
    for &stream in streams {
        if let Some(row) = db.query_opt(FIRST_NEEDED, &[stream.to_string().into()]).await? {
            return Ok(Some(Position { stream, record: row.i64("first_record")? as u64 }));
        }
    }
    Ok(None)
}
