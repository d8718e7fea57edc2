//! Rows of the minutes of which metric filters with a default value have looked at events. They commit with the events.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use super::most;
use crate::domain::id::Id;
use crate::emitting::Emitted;

/// Minutes that one statement notes.
const MANY: usize = 8;

/// Minutes that one statement forgets.
const MOST_FORGOTTEN: usize = 1_000;

const NOTE: Statement = Statement::new(
    "INSERT INTO logs_filter_minutes (group_id, filter, at_ms) VALUES \
     ($1, $2, $3), ($1, $4, $5), ($1, $6, $7), ($1, $8, $9), \
     ($1, $10, $11), ($1, $12, $13), ($1, $14, $15), ($1, $16, $17) \
     ON CONFLICT (group_id, filter, at_ms) DO NOTHING RETURNING filter, at_ms",
);
const DELETE_BEFORE: Statement = Statement::new(
    "DELETE FROM logs_filter_minutes WHERE (group_id, filter, at_ms) IN \
     (SELECT group_id, filter, at_ms FROM logs_filter_minutes WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)",
);
const DELETE_OF: Statement = Statement::new(
    "DELETE FROM logs_filter_minutes WHERE group_id = $1 AND filter = $2 AND at_ms IN \
     (SELECT at_ms FROM logs_filter_minutes WHERE group_id = $1 AND filter = $2 ORDER BY at_ms LIMIT $3)",
);

pub(super) const STATEMENTS: &[Statement] = &[NOTE, DELETE_BEFORE, DELETE_OF];

/// A minute of which a filter has looked at events.
#[derive(Clone, Debug)]
pub(crate) struct FilterMinute {
    /// What the filter's minutes are noted under.
    pub(crate) filter: String,
    pub(crate) at_ms: i64,
    /// What is said where the filter has not looked at events of that minute before; nothing where an event fits.
    pub(crate) default: Option<Emitted>,
}

/// Minutes of a group's filters in the order in which they are noted, each once: with a default where nothing fits.
pub(crate) fn merged(minutes: Vec<&FilterMinute>) -> Vec<FilterMinute> {
    let mut by_place: BTreeMap<(&str, i64), FilterMinute> = BTreeMap::new();
    for minute in minutes {
        match by_place.entry((minute.filter.as_str(), minute.at_ms)) {
            Entry::Vacant(place) => {
                place.insert(minute.clone());
            }
            Entry::Occupied(mut place) if minute.default.is_none() => place.get_mut().default = None,
            Entry::Occupied(_) => {}
        }
    }
    by_place.into_values().collect()
}

/// Notes minutes of a group's filters; answers the defaults of those that are new. Whoever notes at the same time waits for
/// those that both have: all note them by filter and time, after everything else that they could wait for.
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

/// Forgets some minutes from before a moment, the oldest first; tells whether there may be more.
pub(crate) async fn delete_before(db: &Db, before_ms: i64) -> Result<bool, StoreError> {
    let forgotten = db.execute(DELETE_BEFORE, &[before_ms.into(), most(MOST_FORGOTTEN)]).await?;
    Ok(forgotten >= MOST_FORGOTTEN as u64)
}

/// Forgets the minutes of a filter: it has some 20,000 at the most.
pub(crate) async fn delete_of(db: &Db, group: Id, filter: &str) -> Result<(), StoreError> {
    let values = [group.into(), filter.into(), most(MOST_FORGOTTEN)];
    while db.execute(DELETE_OF, &values).await? >= MOST_FORGOTTEN as u64 {}
    Ok(())
}

fn place(row: &Row) -> Result<(String, i64), StoreError> {
    Ok((row.text("filter")?, row.i64("at_ms")?))
}
