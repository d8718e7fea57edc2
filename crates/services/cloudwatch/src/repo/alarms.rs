//! Rows of alarms.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Topic, Tx, Value};

use super::unreadable;
use crate::domain::alarm::{Alarm, Body};
use crate::domain::home::Home;

/// What servers tell each other of alarms.
pub(crate) const ALARMS: Topic = Topic::new("cloudwatch.alarms");

/// The form of documents that is written here.
const FORMAT: i64 = 1;

const INSERT: Statement = Statement::new(
    "INSERT INTO cloudwatch_alarms (account, region, name, version, format, document, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, region, name) DO NOTHING",
);
/// The version before comes last: the others are the columns in their order, and the MAC.
const UPDATE: Statement = Statement::new(
    "UPDATE cloudwatch_alarms SET version = $4, format = $5, document = $6, mac = $7 \
     WHERE account = $1 AND region = $2 AND name = $3 AND version = $8",
);
const DELETE: Statement =
    Statement::new("DELETE FROM cloudwatch_alarms WHERE account = $1 AND region = $2 AND name = $3");
const FIND: Statement = Statement::new(
    "SELECT account, region, name, version, format, document, mac FROM cloudwatch_alarms \
     WHERE account = $1 AND region = $2 AND name = $3",
);
const COUNT: Statement =
    Statement::new("SELECT COUNT(*) AS alarms FROM cloudwatch_alarms WHERE account = $1 AND region = $2");
const LIST_ALL: Statement = Statement::new(
    "SELECT account, region, name, version, format, document, mac FROM cloudwatch_alarms \
     WHERE account >= $1 AND (account > $1 OR region > $2 OR (region = $2 AND name > $3)) \
     ORDER BY account, region, name LIMIT $4",
);

pub(crate) const STATEMENTS: &[Statement] = &[INSERT, UPDATE, DELETE, FIND, COUNT, LIST_ALL];

/// An alarm's row. The document stays as it was read, because the MAC is over its bytes.
struct Stored {
    alarm: Alarm,
    document: String,
}

impl Stored {
    fn of(alarm: &Alarm) -> Result<Self, StoreError> {
        let document = serde_json::to_string(&alarm.body).map_err(|error| unreadable("document", error))?;
        Ok(Self { alarm: alarm.clone(), document })
    }
}

impl AuthorityRow for Stored {
    const TABLE: &'static str = "cloudwatch_alarms";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let [account, region] = self.alarm.home.columns();
        vec![
            ("account", account),
            ("region", region),
            ("name", Value::from(&self.alarm.name)),
            ("version", self.alarm.version.into()),
            ("format", FORMAT.into()),
            ("document", Value::from(&self.document)),
        ]
    }

    fn key(&self) -> String {
        self.alarm.arn()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        if row.i64("format")? != FORMAT {
            return Err(unreadable("format", "it is of a newer Strongroom"));
        }
        let document = row.text("document")?;
        let body: Body = serde_json::from_str(&document).map_err(|error| unreadable("document", error))?;
        let (home, name, version) = (Home::read(row)?, row.text("name")?, row.i64("version")?);
        Ok(Self { alarm: Alarm { home, name, version, body }, document })
    }
}

fn named(home: &Home, name: &str) -> [Value; 3] {
    let [account, region] = home.columns();
    [account, region, name.into()]
}

fn read(mac: &RowMac, row: &Row) -> Result<Alarm, StoreError> {
    Ok(mac.load::<Stored>(row)?.alarm)
}

/// The alarm of that name.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    name: &str,
) -> Result<Option<Alarm>, StoreError> {
    let row = db.query_opt(FIND, &named(home, name)).await?;
    expected(row.map(|row| read(mac, &row)).transpose()?, home, name)
}

/// The same as a transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    name: &str,
) -> Result<Option<Alarm>, StoreError> {
    let row = tx.query_opt(FIND, &named(home, name)).await?;
    expected(row.map(|row| read(mac, &row)).transpose()?, home, name)
}

/// A row that was found under another's name is no alarm.
fn expected(alarm: Option<Alarm>, home: &Home, name: &str) -> Result<Option<Alarm>, StoreError> {
    match alarm {
        Some(alarm) if alarm.home != *home || alarm.name != name => {
            Err(StoreError::Corrupt { table: Stored::TABLE, key: alarm.arn() })
        }
        alarm => Ok(alarm),
    }
}

/// How many alarms an account has in a Region.
pub(crate) async fn count(tx: &mut Tx<'_>, home: &Home) -> Result<usize, StoreError> {
    let row = tx.query_one(COUNT, &home.columns()).await?;
    Ok(usize::try_from(row.i64("alarms")?).unwrap_or(usize::MAX))
}

/// Adds an alarm.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, alarm: &Alarm) -> Result<(), StoreError> {
    if tx.execute(INSERT, &mac.values(&Stored::of(alarm)?)).await? == 0 {
        return Err(StoreError::Conflict);
    }
    tx.announce(ALARMS, &alarm.arn()).await
}

/// Writes an alarm that was changed, and counts its version up.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, alarm: &mut Alarm) -> Result<(), StoreError> {
    let before = alarm.version;
    alarm.version += 1;
    let mut values = mac.values(&Stored::of(alarm)?);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await?;
    tx.announce(ALARMS, &alarm.arn()).await
}

/// Removes an alarm.
pub(crate) async fn delete(tx: &mut Tx<'_>, alarm: &Alarm) -> Result<(), StoreError> {
    tx.execute(DELETE, &named(&alarm.home, &alarm.name)).await?;
    tx.announce(ALARMS, &alarm.arn()).await
}

/// The next alarms of all accounts and Regions. One whose row was altered is passed over: what is wrong with it is told
/// to whoever asks for it.
pub(crate) async fn list_all(
    db: &Db,
    mac: &RowMac,
    after: Option<&(String, String, String)>,
    most: u32,
) -> Result<(Vec<Alarm>, Option<(String, String, String)>), StoreError> {
    let (account, region, name) = after.cloned().unwrap_or_default();
    let rows = db.query(LIST_ALL, &[account.into(), region.into(), name.into(), most.into()]).await?;
    let mut alarms = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        last = Some((row.text("account")?, row.text("region")?, row.text("name")?));
        match read(mac, row) {
            Ok(alarm) => alarms.push(alarm),
            Err(error) => tracing::error!(%error, "an alarm cannot be read, and is not looked at"),
        }
    }
    Ok((alarms, last))
}
