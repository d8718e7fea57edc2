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

/// As the four above, how large the events are.
const SIZES_OF_STREAM: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, bytes FROM logs_events \
     WHERE stream_id = $1 AND at_ms >= $2 AND (at_ms > $2 OR sequence >= $3) AND at_ms <= $4 \
     ORDER BY at_ms, sequence LIMIT $5",
);
const SIZES_OF_STREAM_BACK: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, bytes FROM logs_events \
     WHERE stream_id = $1 AND at_ms <= $2 AND (at_ms < $2 OR sequence < $3) AND at_ms >= $4 \
     ORDER BY at_ms DESC, sequence DESC LIMIT $5",
);
const SIZES_OF_GROUP: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, bytes FROM logs_events \
     WHERE group_id = $1 AND at_ms >= $2 AND (at_ms > $2 OR stream_id > $3 OR stream_id = $3 AND sequence >= $4) \
     AND at_ms <= $5 ORDER BY at_ms, stream_id, sequence LIMIT $6",
);
const SIZES_OF_GROUP_BACK: Statement = Statement::new(
    "SELECT stream_id, at_ms, sequence, bytes FROM logs_events \
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
    SIZES_OF_STREAM,
    SIZES_OF_STREAM_BACK,
    SIZES_OF_GROUP,
    SIZES_OF_GROUP_BACK,
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
            place: place_of(row)?,
            ingested_ms: row.i64("ingested_ms")?,
            data_key: row.i64("data_key")?,
            bytes: bytes_of(row)?,
            sealed: row.blob("sealed")?,
        })
    }
}

/// How much is read or removed at once: so many events, whose texts have so many bytes. One event always is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// What was read at once.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) rows: Vec<EventRow>,
    /// Nothing follows. Where something does, there is a row at least.
    pub(crate) is_last: bool,
}

/// Events of a stream from a place on, up to and with the moment `last_ms`.
pub(crate) async fn of_stream(
    db: &Db,
    stream: Id,
    from: Place,
    last_ms: i64,
    portion: Portion,
) -> Result<Read, StoreError> {
    let begin = [stream.into(), from.at_ms.into(), from.sequence.into()];
    read(db, (SIZES_OF_STREAM, READ_STREAM), &begin, last_ms, portion).await
}

/// Events of a stream before a place, the last one first, down to and with the moment `first_ms`.
pub(crate) async fn of_stream_back(
    db: &Db,
    stream: Id,
    before: Place,
    first_ms: i64,
    portion: Portion,
) -> Result<Read, StoreError> {
    let begin = [stream.into(), before.at_ms.into(), before.sequence.into()];
    read(db, (SIZES_OF_STREAM_BACK, READ_STREAM_BACK), &begin, first_ms, portion).await
}

/// Events of a group from a place in a stream on, up to and with the moment `last_ms`.
pub(crate) async fn of_group(
    db: &Db,
    group: Id,
    (from, stream): (Place, Id),
    last_ms: i64,
    portion: Portion,
) -> Result<Read, StoreError> {
    let begin = [group.into(), from.at_ms.into(), stream.into(), from.sequence.into()];
    read(db, (SIZES_OF_GROUP, READ_GROUP), &begin, last_ms, portion).await
}

/// Events of a group before a place in a stream, the last one first, down to and with the moment `first_ms`.
pub(crate) async fn of_group_back(
    db: &Db,
    group: Id,
    (before, stream): (Place, Id),
    first_ms: i64,
    portion: Portion,
) -> Result<Read, StoreError> {
    let begin = [group.into(), before.at_ms.into(), stream.into(), before.sequence.into()];
    read(db, (SIZES_OF_GROUP_BACK, READ_GROUP_BACK), &begin, first_ms, portion).await
}

/// Looks first at how large events are, then reads those that have room.
async fn read(
    db: &Db,
    (sizes, events): (Statement, Statement),
    begin: &[Value],
    end_ms: i64,
    portion: Portion,
) -> Result<Read, StoreError> {
    let values = |end_ms: i64, count: usize| [begin, &[end_ms.into(), most(count)]].concat();
    loop {
        let found = db.query(sizes, &values(end_ms, portion.events)).await?;
        let count = fitting(&found, portion.bytes)?;
        let Some(last) = found.get(..count).and_then(<[Row]>::last) else {
            return Ok(Read { rows: Vec::new(), is_last: true });
        };
        let (stream, place) = (Id::read(last, "stream_id")?, place_of(last)?);
        let rows = db.query(events, &values(place.at_ms, count)).await?;
        let rows = rows.iter().map(EventRow::read).collect::<Result<Vec<_>, _>>()?;
        // Where events came or went meanwhile, the next read tells whether there are more.
        if let Some(read) = rows.last() {
            let is_all = found.len() < portion.events && count == found.len();
            let is_last = is_all && (read.stream, read.place) == (stream, place);
            return Ok(Read { rows, is_last });
        }
    }
}

/// How many events of these rows have room in so many bytes.
fn fitting(rows: &[Row], room: usize) -> Result<usize, StoreError> {
    Ok(count_fitting(&rows.iter().map(bytes_of).collect::<Result<Vec<_>, _>>()?, room))
}

/// One always has room.
fn count_fitting(sizes: &[usize], room: usize) -> usize {
    let mut bytes = 0_usize;
    let fits = |size: &&usize| {
        bytes = bytes.saturating_add(**size);
        bytes <= room
    };
    sizes.iter().take_while(fits).count().max(1).min(sizes.len())
}

fn bytes_of(row: &Row) -> Result<usize, StoreError> {
    Ok(usize::try_from(row.i64("bytes")?).unwrap_or_default())
}

fn place_of(row: &Row) -> Result<Place, StoreError> {
    Ok(Place { at_ms: row.i64("at_ms")?, sequence: row.i64("sequence")? })
}

/// Removes events of a group, or of one stream of it, that are older than a moment. Tells how many bytes of which streams
/// that were, and whether there may be more.
pub(crate) async fn remove_before(
    tx: &mut Tx<'_>,
    leaving: Leaving,
    before_ms: i64,
    portion: Portion,
) -> Result<(BTreeMap<Id, i64>, bool), StoreError> {
    let limit = most(portion.events);
    let found = match leaving {
        Leaving::Group(group) => tx.query(OLDEST, &[group.into(), before_ms.into(), limit]).await?,
        Leaving::Stream { stream, .. } => {
            tx.query(OLDEST_OF_STREAM, &[stream.into(), before_ms.into(), limit]).await?
        }
    };
    let rows = found.get(..fitting(&found, portion.bytes)?).unwrap_or_default();
    let mut bytes = BTreeMap::new();
    for row in rows {
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
    Ok((bytes, rows.len() < found.len() || found.len() == portion.events))
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

#[cfg(test)]
mod tests {
    use super::count_fitting;

    #[test]
    fn as_many_are_read_as_have_room_but_one_at_least() {
        assert_eq!(count_fitting(&[], 10), 0);
        assert_eq!(count_fitting(&[20, 1], 10), 1);
        assert_eq!(count_fitting(&[4, 6, 0, 1], 10), 3);
        assert_eq!(count_fitting(&[1, 20, 1], 10), 1);
        assert_eq!(count_fitting(&[usize::MAX, usize::MAX], usize::MAX - 1), 1);
    }
}
