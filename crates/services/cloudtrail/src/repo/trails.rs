//! Rows of trails.

use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{FORMAT, expect_format, read, write};
use crate::domain::trail::Trail;

/// Trails of one account that are read at once: five in each Region, and those that are on their way out.
const MOST: i64 = 1000;

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO cloudtrail_trails (account, region, name, trail_id, due_ms, format, document, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account, region, name) DO NOTHING",
);
pub(super) const UPDATE: Statement = Statement::new(
    "UPDATE cloudtrail_trails SET account = $1, region = $2, name = $3, due_ms = $5, format = $6, \
     document = $7, mac = $8 WHERE trail_id = $4",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, name, trail_id, due_ms, format, document, mac FROM cloudtrail_trails \
     WHERE account = $1 AND region = $2 AND name = $3",
);
pub(super) const FIND_BY_ID: Statement = Statement::new(
    "SELECT account, region, name, trail_id, due_ms, format, document, mac FROM cloudtrail_trails \
     WHERE trail_id = $1",
);
pub(super) const OF_ACCOUNT: Statement = Statement::new(
    "SELECT account, region, name, trail_id, due_ms, format, document, mac FROM cloudtrail_trails \
     WHERE account = $1 ORDER BY region, name LIMIT $2",
);
pub(super) const DUE: Statement = Statement::new(
    "SELECT trail_id, due_ms FROM cloudtrail_trails WHERE due_ms IS NOT NULL ORDER BY due_ms, trail_id LIMIT $1",
);
pub(super) const ALL: Statement = Statement::new(
    "SELECT account, region, name, trail_id, due_ms, format, document, mac FROM cloudtrail_trails \
     WHERE trail_id > $1 ORDER BY trail_id LIMIT $2",
);
pub(super) const DELETE: Statement = Statement::new("DELETE FROM cloudtrail_trails WHERE trail_id = $1");

/// A row of `cloudtrail_trails`. The document stays as it was read: the MAC is over its bytes.
struct TrailRow {
    trail: Trail,
    due_ms: Option<i64>,
    document: String,
}

impl TrailRow {
    fn new(trail: &Trail, due_ms: Option<i64>) -> Result<Self, StoreError> {
        Ok(Self { trail: trail.clone(), due_ms, document: write(trail)? })
    }

    /// What the row is called: a deleted trail's name is free for another.
    fn name(&self) -> String {
        match self.trail.deleted_ms {
            None => self.trail.name.clone(),
            Some(_) => format!("~{}", self.trail.id),
        }
    }
}

impl AuthorityRow for TrailRow {
    const TABLE: &'static str = "cloudtrail_trails";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("account", self.trail.account.to_string().into()),
            ("region", Value::from(&self.trail.home_region)),
            ("name", self.name().into()),
            ("trail_id", Value::from(&self.trail.id)),
            ("due_ms", self.due_ms.into()),
            ("format", FORMAT.into()),
            ("document", Value::from(&self.document)),
        ]
    }

    fn key(&self) -> String {
        format!("{} ({})", self.trail.arn(), self.trail.id)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        expect_format(row.i64("format")?)?;
        let document = row.text("document")?;
        let trail: Trail = read("document", &document)?;
        let read = Self { trail, due_ms: row.opt_i64("due_ms")?, document };
        // The MAC is checked over these: they must be the row's own.
        let columns = [
            ("account", read.trail.account.to_string()),
            ("region", read.trail.home_region.clone()),
            ("name", read.name()),
            ("trail_id", read.trail.id.clone()),
        ];
        for (column, value) in columns {
            if row.text(column)? != value {
                return Err(StoreError::Corrupt { table: Self::TABLE, key: read.key() });
            }
        }
        Ok(read)
    }
}

/// Adds a trail; tells whether its name was free.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, trail: &Trail) -> Result<bool, StoreError> {
    Ok(tx.execute(INSERT, &mac.values(&TrailRow::new(trail, None)?)).await? == 1)
}

/// Writes a trail as it is now, to be looked after at `due_ms`.
pub(crate) async fn update(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    trail: &Trail,
    due_ms: Option<i64>,
) -> Result<(), StoreError> {
    tx.execute(UPDATE, &mac.values(&TrailRow::new(trail, due_ms)?)).await.map(drop)
}

/// The trail of that name.
pub(crate) async fn find(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    account: AccountId,
    region: &str,
    name: &str,
) -> Result<Option<Trail>, StoreError> {
    let row = tx.query_opt(FIND, &[account.to_string().into(), region.into(), name.into()]).await?;
    load(mac, row.as_ref())
}

/// The trail of that id, deleted or not.
pub(crate) async fn find_by_id(tx: &mut Tx<'_>, mac: &RowMac, id: &str) -> Result<Option<Trail>, StoreError> {
    let row = tx.query_opt(FIND_BY_ID, &[id.into()]).await?;
    load(mac, row.as_ref())
}

fn load(mac: &RowMac, row: Option<&Row>) -> Result<Option<Trail>, StoreError> {
    row.map(|row| Ok(mac.load::<TrailRow>(row)?.trail)).transpose()
}

/// All trails of an account, those that are on their way out with them, for a transaction.
pub(crate) async fn all_of(tx: &mut Tx<'_>, mac: &RowMac, account: &str) -> Result<Vec<Trail>, StoreError> {
    let rows = tx.query(OF_ACCOUNT, &[account.into(), MOST.into()]).await?;
    rows.iter().map(|row| Ok(mac.load::<TrailRow>(row)?.trail)).collect()
}

/// The trails of an account, by Region and name.
pub(crate) async fn list(db: &Db, mac: &RowMac, account: AccountId) -> Result<Vec<Trail>, StoreError> {
    let rows = db.query(OF_ACCOUNT, &[account.to_string().into(), MOST.into()]).await?;
    let trails = rows.iter().map(|row| Ok(mac.load::<TrailRow>(row)?.trail));
    trails
        .filter(|trail: &Result<Trail, StoreError>| {
            trail.as_ref().map_or(true, |trail| trail.deleted_ms.is_none())
        })
        .collect()
}

/// What is to be done with trails themselves: moments and ids.
pub(crate) async fn due(db: &Db, most: u32) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = db.query(DUE, &[most.into()]).await?;
    rows.iter().map(|row| Ok((row.i64("due_ms")?, row.text("trail_id")?))).collect()
}

pub(crate) async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[id.into()]).await.map(drop)
}

/// The next trails of all accounts, those that are on their way out too.
pub(crate) async fn all(db: &Db, mac: &RowMac, after: &str) -> Result<Vec<Trail>, StoreError> {
    let rows = db.query(ALL, &[after.into(), MOST.into()]).await?;
    rows.iter().map(|row| Ok(mac.load::<TrailRow>(row)?.trail)).collect()
}
