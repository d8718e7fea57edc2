//! Rows of events, and of what is there of each stream.

use std::collections::BTreeMap;

use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use super::leavings::Leaving;
use super::most;
use crate::domain::id::Id;
use crate::domain::tokens::Place;

/// Events that one statement adds.
const MANY: usize = 8;

const COUNT: Statement = Statement::new(
    "INSERT INTO logs_stored (stream_id, group_id, first_ms, last_ms, ingested_ms, bytes, next_sequence) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (stream_id) DO UPDATE SET \
     first_ms = CASE WHEN excluded.first_ms < logs_stored.first_ms THEN excluded.first_ms ELSE logs_stored.first_ms END, \
     last_ms = CASE WHEN excluded.last_ms > logs_stored.last_ms THEN excluded.last_ms ELSE logs_stored.last_ms END, \
     ingested_ms = excluded.ingested_ms, bytes = logs_stored.bytes + excluded.bytes, \
     next_sequence = logs_stored.next_sequence + excluded.next_sequence RETURNING next_sequence",
);
const ADD: Statement = Statement::new(
    "INSERT INTO logs_events (stream_id, group_id, ingested_ms, data_key, at_ms, sequence, bytes, sealed) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
/// As [`ADD`], for [`MANY`] events of one stream.
const ADD_MANY: Statement = Statement::new(
    "INSERT INTO logs_events (stream_id, group_id, ingested_ms, data_key, at_ms, sequence, bytes, sealed) VALUES \
     ($1, $2, $3, $4, $5, $6, $7, $8), ($1, $2, $3, $4, $9, $10, $11, $12), \
     ($1, $2, $3, $4, $13, $14, $15, $16), ($1, $2, $3, $4, $17, $18, $19, $20), \
     ($1, $2, $3, $4, $21, $22, $23, $24), ($1, $2, $3, $4, $25, $26, $27, $28), \
     ($1, $2, $3, $4, $29, $30, $31, $32), ($1, $2, $3, $4, $33, $34, $35, $36)",
);

const READ_STREAM: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, ingested_ms, data_key, bytes, sealed FROM logs_events \
     WHERE stream_id = $1 AND at_ms >= $2 AND (at_ms > $2 OR sequence >= $3) AND at_ms <= $4 \
     ORDER BY at_ms, sequence LIMIT $5",
);
const READ_STREAM_BACK: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, ingested_ms, data_key, bytes, sealed FROM logs_events \
     WHERE stream_id = $1 AND at_ms <= $2 AND (at_ms < $2 OR sequence < $3) AND at_ms >= $4 \
     ORDER BY at_ms DESC, sequence DESC LIMIT $5",
);
const READ_GROUP: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, ingested_ms, data_key, bytes, sealed FROM logs_events \
     WHERE group_id = $1 AND at_ms >= $2 AND (at_ms > $2 OR stream_id > $3 OR stream_id = $3 AND sequence >= $4) \
     AND at_ms <= $5 ORDER BY at_ms, stream_id, sequence LIMIT $6",
);
const READ_GROUP_BACK: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, ingested_ms, data_key, bytes, sealed FROM logs_events \
     WHERE group_id = $1 AND at_ms <= $2 AND (at_ms < $2 OR stream_id < $3 OR stream_id = $3 AND sequence < $4) \
     AND at_ms >= $5 ORDER BY at_ms DESC, stream_id DESC, sequence DESC LIMIT $6",
);
const DELETE_TO: Statement = Statement::new(
    "DELETE FROM logs_events WHERE group_id = $1 AND (at_ms < $2 OR at_ms = $2 AND stream_id < $3 \
     OR at_ms = $2 AND stream_id = $3 AND sequence <= $4)",
);
const DELETE_STREAM_TO: Statement = Statement::new(
    "DELETE FROM logs_events WHERE stream_id = $1 AND (at_ms < $2 OR at_ms = $2 AND sequence <= $3)",
);
const OLDEST: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, bytes FROM logs_events WHERE group_id = $1 AND at_ms < $2 \
     ORDER BY at_ms, stream_id, sequence LIMIT $3",
);
const OLDEST_OF_STREAM: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, bytes FROM logs_events WHERE stream_id = $1 AND at_ms < $2 \
     ORDER BY at_ms, sequence LIMIT $3",
);

pub(super) const STATEMENTS: &[Statement] = &[
    COUNT,
    ADD,
    ADD_MANY,
    READ_STREAM,
    READ_STREAM_BACK,
    READ_GROUP,
    READ_GROUP_BACK,
    DELETE_TO,
    DELETE_STREAM_TO,
    OLDEST,
    OLDEST_OF_STREAM,
];

/// Events of one stream that came together.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) group: Id,
    pub(crate) stream: Id,
    pub(crate) ingested_ms: i64,
    /// The number of the data key that they are sealed under.
    pub(crate) data_key: i64,
    pub(crate) events: Vec<SealedEvent>,
}

/// An event as it is kept.
#[derive(Debug)]
pub(crate) struct SealedEvent {
    pub(crate) at_ms: i64,
    /// The length of its text.
    pub(crate) bytes: usize,
    pub(crate) sealed: Vec<u8>,
}

/// An event that is there.
#[derive(Debug)]
pub(crate) struct EventRow {
    pub(crate) stream: Id,
    pub(crate) place: Place,
    pub(crate) ingested_ms: i64,
    pub(crate) data_key: i64,
    pub(crate) bytes: usize,
    pub(crate) sealed: Vec<u8>,
}

impl EventRow {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            stream: Id::read(row, "stream_id")?,
            place: Place { at_ms: row.i64("at_ms")?, sequence: row.i64("sequence")? },
            ingested_ms: row.i64("ingested_ms")?,
            data_key: row.i64("data_key")?,
            bytes: usize::try_from(row.i64("bytes")?).unwrap_or_default(),
            sealed: row.blob("sealed")?,
        })
    }
}

/// At most `limit` events of a stream from a place on, up to and with the moment `last_ms`.
pub(crate) async fn of_stream(
    db: &Db,
    stream: Id,
    from: Place,
    last_ms: i64,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    let values = [stream.into(), from.at_ms.into(), from.sequence.into(), last_ms.into(), most(limit)];
    db.query(READ_STREAM, &values).await?.iter().map(EventRow::read).collect()
}

/// At most `limit` events of a stream before a place, the last one first, down to and with the moment `first_ms`.
pub(crate) async fn of_stream_back(
    db: &Db,
    stream: Id,
    before: Place,
    first_ms: i64,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    let values = [stream.into(), before.at_ms.into(), before.sequence.into(), first_ms.into(), most(limit)];
    db.query(READ_STREAM_BACK, &values).await?.iter().map(EventRow::read).collect()
}

/// At most `limit` events of a group from a place in a stream on, up to and with the moment `last_ms`.
pub(crate) async fn of_group(
    db: &Db,
    group: Id,
    (from, stream): (Place, Id),
    last_ms: i64,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    let values =
        [group.into(), from.at_ms.into(), stream.into(), from.sequence.into(), last_ms.into(), most(limit)];
    db.query(READ_GROUP, &values).await?.iter().map(EventRow::read).collect()
}

/// At most `limit` events of a group before a place in a stream, the last one first, down to and with the moment
/// `first_ms`.
pub(crate) async fn of_group_back(
    db: &Db,
    group: Id,
    (before, stream): (Place, Id),
    first_ms: i64,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    let values = [
        group.into(),
        before.at_ms.into(),
        stream.into(),
        before.sequence.into(),
        first_ms.into(),
        most(limit),
    ];
    db.query(READ_GROUP_BACK, &values).await?.iter().map(EventRow::read).collect()
}

/// Removes at most `limit` events of a group, or of one stream of it, that are older than a moment. Tells how many bytes
/// of which streams that were, and whether there may be more.
pub(crate) async fn remove_before(
    tx: &mut Tx<'_>,
    leaving: Leaving,
    before_ms: i64,
    limit: usize,
) -> Result<(BTreeMap<Id, i64>, bool), StoreError> {
    let rows = match leaving {
        Leaving::Group(group) => tx.query(OLDEST, &[group.into(), before_ms.into(), most(limit)]).await?,
        Leaving::Stream { stream, .. } => {
            tx.query(OLDEST_OF_STREAM, &[stream.into(), before_ms.into(), most(limit)]).await?
        }
    };
    let mut bytes = BTreeMap::new();
    for row in &rows {
        *bytes.entry(Id::read(row, "stream_id")?).or_insert(0) += row.i64("bytes")?;
    }
    let Some(last) = rows.last() else { return Ok((bytes, false)) };
    let (at_ms, sequence) = (last.i64("at_ms")?.into(), last.i64("sequence")?.into());
    match leaving {
        Leaving::Group(group) => {
            let stream = Id::read(last, "stream_id")?;
            tx.execute(DELETE_TO, &[group.into(), at_ms, stream.into(), sequence]).await?;
        }
        Leaving::Stream { stream, .. } => {
            tx.execute(DELETE_STREAM_TO, &[stream.into(), at_ms, sequence]).await?;
        }
    }
    Ok((bytes, rows.len() == limit))
}

/// Appends events to their stream: those that came earlier come first among those of the same time.
pub(crate) async fn append(tx: &mut Tx<'_>, stretch: &Stretch) -> Result<(), StoreError> {
    let times = || stretch.events.iter().map(|event| event.at_ms);
    let (Some(first_ms), Some(last_ms)) = (times().min(), times().max()) else { return Ok(()) };
    let bytes: i64 = stretch.events.iter().map(|event| number(event.bytes)).sum();
    let count = number(stretch.events.len());
    let values = [
        stretch.stream.into(),
        stretch.group.into(),
        first_ms.into(),
        last_ms.into(),
        stretch.ingested_ms.into(),
        bytes.into(),
        count.into(),
    ];
    let next = tx.query_one(COUNT, &values).await?.i64("next_sequence")?;
    let mut sequence = next.saturating_sub(count);
    for events in stretch.events.chunks(MANY) {
        if events.len() == MANY {
            let values = shared(stretch).into_iter().chain(own(events, sequence));
            tx.execute(ADD_MANY, &values.collect::<Vec<_>>()).await?;
        } else {
            for (at, event) in (sequence..).zip(events) {
                let values = shared(stretch).into_iter().chain(own(std::slice::from_ref(event), at));
                tx.execute(ADD, &values.collect::<Vec<_>>()).await?;
            }
        }
        sequence = sequence.saturating_add(number(events.len()));
    }
    Ok(())
}

fn shared(stretch: &Stretch) -> [Value; 4] {
    [stretch.stream.into(), stretch.group.into(), stretch.ingested_ms.into(), stretch.data_key.into()]
}

fn own(events: &[SealedEvent], sequence: i64) -> impl Iterator<Item = Value> + '_ {
    (sequence..).zip(events).flat_map(|(sequence, event)| {
        [event.at_ms.into(), sequence.into(), number(event.bytes).into(), event.sealed.clone().into()]
    })
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
