//! Rows of alarms' histories.

use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_crypto::random;
use strongroom_store::{Db, Row, Statement, StoreError, Tx, Value};

use super::unreadable;
use crate::domain::alarm::Alarm;
use crate::domain::home::Home;
use crate::domain::message::Item;

const INSERT: Statement = Statement::new(
    "INSERT INTO cloudwatch_history (account, region, at_ms, item, alarm, alarm_type, kind, summary, data) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
const NEWEST: Statement = Statement::new(
    "SELECT at_ms, item, alarm, alarm_type, kind, summary, data FROM cloudwatch_history \
     WHERE account = $1 AND region = $2 AND at_ms <= $3 AND (at_ms < $3 OR item < $4) AND at_ms >= $5 \
     ORDER BY at_ms DESC, item DESC LIMIT $6",
);
const OLDEST: Statement = Statement::new(
    "SELECT at_ms, item, alarm, alarm_type, kind, summary, data FROM cloudwatch_history \
     WHERE account = $1 AND region = $2 AND at_ms >= $3 AND (at_ms > $3 OR item > $4) AND at_ms <= $5 \
     ORDER BY at_ms, item LIMIT $6",
);
const NEWEST_OF: Statement = Statement::new(
    "SELECT at_ms, item, alarm, alarm_type, kind, summary, data FROM cloudwatch_history \
     WHERE account = $1 AND region = $2 AND alarm = $7 AND at_ms <= $3 AND (at_ms < $3 OR item < $4) \
     AND at_ms >= $5 ORDER BY at_ms DESC, item DESC LIMIT $6",
);
const OLDEST_OF: Statement = Statement::new(
    "SELECT at_ms, item, alarm, alarm_type, kind, summary, data FROM cloudwatch_history \
     WHERE account = $1 AND region = $2 AND alarm = $7 AND at_ms >= $3 AND (at_ms > $3 OR item > $4) \
     AND at_ms <= $5 ORDER BY at_ms, item LIMIT $6",
);
const DROP_OLD: Statement = Statement::new("DELETE FROM cloudwatch_history WHERE at_ms < $1");

pub(crate) const STATEMENTS: &[Statement] = &[INSERT, NEWEST, OLDEST, NEWEST_OF, OLDEST_OF, DROP_OLD];

/// The place of an item: its moment, and sixteen bytes that tell it from others of that moment.
pub(crate) type Place = (i64, Vec<u8>);

/// An item as it is kept.
pub(crate) struct Kept {
    pub(crate) place: Place,
    pub(crate) alarm: String,
    pub(crate) alarm_type: String,
    pub(crate) kind: String,
    pub(crate) summary: String,
    pub(crate) data: String,
}

/// Whose history something is added to.
pub(crate) struct Of<'a> {
    pub(crate) home: &'a Home,
    pub(crate) alarm: &'a str,
    pub(crate) alarm_type: &'a str,
}

impl<'a> From<&'a Alarm> for Of<'a> {
    fn from(alarm: &'a Alarm) -> Self {
        Self { home: &alarm.home, alarm: &alarm.name, alarm_type: alarm.type_name() }
    }
}

/// Adds an item to an alarm's history.
pub(crate) async fn add(tx: &mut Tx<'_>, of: Of<'_>, at_ms: i64, item: &Item) -> Result<(), StoreError> {
    let [account, region] = of.home.columns();
    let id = new_item()?;
    let values = [
        account,
        region,
        at_ms.into(),
        id.into(),
        of.alarm.into(),
        of.alarm_type.into(),
        item.kind.into(),
        (&item.summary).into(),
        (&item.data).into(),
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// What tells an item from others of its moment, and which of those that this process has added came first.
fn new_item() -> Result<[u8; 16], StoreError> {
    static ADDED: AtomicU64 = AtomicU64::new(0);
    let mut item: [u8; 16] = random::bytes().map_err(|error| unreadable("item", error))?;
    let (number, _) = item.split_at_mut(8);
    number.copy_from_slice(&ADDED.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    Ok(item)
}

/// Which items are wanted.
pub(crate) struct Wanted<'w> {
    pub(crate) alarm: Option<&'w str>,
    pub(crate) newest_first: bool,
    pub(crate) from_ms: i64,
    pub(crate) until_ms: i64,
}

/// The next items after a place.
pub(crate) async fn list(
    db: &Db,
    home: &Home,
    wanted: &Wanted<'_>,
    after: Option<&Place>,
    most: u32,
) -> Result<Vec<Kept>, StoreError> {
    let [account, region] = home.columns();
    // Before the first of all places, or behind the last.
    let (start, end_ms) = if wanted.newest_first {
        ((wanted.until_ms, vec![0xff; 17]), wanted.from_ms)
    } else {
        ((wanted.from_ms, Vec::new()), wanted.until_ms)
    };
    let (at_ms, item) = after.cloned().unwrap_or(start);
    let mut values: Vec<Value> = vec![account, region, at_ms.into(), item.into(), end_ms.into(), most.into()];
    let statement = match (wanted.alarm, wanted.newest_first) {
        (None, true) => NEWEST,
        (None, false) => OLDEST,
        (Some(_), true) => NEWEST_OF,
        (Some(_), false) => OLDEST_OF,
    };
    values.extend(wanted.alarm.map(Value::from));
    db.query(statement, &values).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Kept, StoreError> {
    Ok(Kept {
        place: (row.i64("at_ms")?, row.blob("item")?),
        alarm: row.text("alarm")?,
        alarm_type: row.text("alarm_type")?,
        kind: row.text("kind")?,
        summary: row.text("summary")?,
        data: row.text("data")?,
    })
}

/// Drops what happened before a moment.
pub(crate) async fn drop_old(db: &Db, before_ms: i64) -> Result<(), StoreError> {
    db.execute(DROP_OLD, &[before_ms.into()]).await.map(drop)
}
