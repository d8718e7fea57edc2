//! Rows of the minutes of which metric filters with a default value have looked at events. They commit with the events.

use std::collections::HashSet;

use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use crate::domain::id::Id;
use crate::emitting::Emitted;

/// Minutes that one statement notes.
const MANY: usize = 8;

const NOTE: Statement = Statement::new(
    "INSERT INTO logs_filter_minutes (group_id, filter, at_ms) VALUES \
     ($1, $2, $3), ($1, $4, $5), ($1, $6, $7), ($1, $8, $9), \
     ($1, $10, $11), ($1, $12, $13), ($1, $14, $15), ($1, $16, $17) \
     ON CONFLICT (group_id, filter, at_ms) DO NOTHING RETURNING filter, at_ms",
);
const FORGET: Statement = Statement::new("DELETE FROM logs_filter_minutes WHERE at_ms < $1");

pub(super) const STATEMENTS: &[Statement] = &[NOTE, FORGET];

/// A minute of which a filter has looked at events.
#[derive(Clone, Debug)]
pub(crate) struct FilterMinute {
    pub(crate) filter: String,
    pub(crate) at_ms: i64,
    /// What is said where the filter has not looked at events of that minute before; nothing where an event fits.
    pub(crate) default: Option<Emitted>,
}

/// Notes minutes of a group's filters; answers the defaults of those that are new.
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    group: Id,
    minutes: &[FilterMinute],
) -> Result<Vec<Emitted>, StoreError> {
    let mut said = Vec::new();
    for some in minutes.chunks(MANY) {
        // Where there are fewer, the last one comes several times: it is noted once.
        let all = some.iter().chain(std::iter::repeat(some.last()).flatten()).take(MANY);
        let own = all.flat_map(|minute| [Value::from(&minute.filter), minute.at_ms.into()]);
        let values: Vec<_> = std::iter::once(group.into()).chain(own).collect();
        let rows = tx.query(NOTE, &values).await?;
        let new = rows.iter().map(place).collect::<Result<HashSet<_>, _>>()?;
        let is_new = |minute: &&FilterMinute| new.contains(&(minute.filter.clone(), minute.at_ms));
        said.extend(some.iter().filter(is_new).filter_map(|minute| minute.default.clone()));
    }
    Ok(said)
}

/// Forgets the minutes before a moment.
pub(crate) async fn forget(db: &Db, before_ms: i64) -> Result<(), StoreError> {
    db.execute(FORGET, &[before_ms.into()]).await.map(drop)
}

fn place(row: &Row) -> Result<(String, i64), StoreError> {
    Ok((row.text("filter")?, row.i64("at_ms")?))
}
