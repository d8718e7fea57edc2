//! Rows of events, and of what is there of each stream.

use strongroom_store::{Statement, StoreError, Tx, Value};

use crate::domain::id::Id;

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

pub(super) const STATEMENTS: &[Statement] = &[COUNT, ADD, ADD_MANY];

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
