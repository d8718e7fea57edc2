//! Rows of groups.

use strongroom_identity::{AccountId, Region};
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{most, unreadable};
use crate::domain::group::{Group, GroupName};
use crate::domain::id::Id;
use crate::domain::tags::Tags;

const INSERT: Statement = Statement::new(
    "INSERT INTO logs_groups \
     (account, region, name, group_id, version, created_ms, retention_days, kms_key, protected, tags, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);
const FIND: Statement = Statement::new(
    "SELECT account, region, name, group_id, version, created_ms, retention_days, kms_key, protected, tags, mac \
     FROM logs_groups WHERE account = $1 AND region = $2 AND name = $3",
);

/// The version before comes last.
const UPDATE: Statement = Statement::new(
    "UPDATE logs_groups SET group_id = $4, version = $5, created_ms = $6, retention_days = $7, kms_key = $8, protected = $9, \
     tags = $10, mac = $11 WHERE account = $1 AND region = $2 AND name = $3 AND version = $12",
);
const DELETE: Statement =
    Statement::new("DELETE FROM logs_groups WHERE account = $1 AND region = $2 AND name = $3");
const COUNT: Statement =
    Statement::new("SELECT COUNT(*) AS found FROM logs_groups WHERE account = $1 AND region = $2");
const LIST: Statement = Statement::new(
    "SELECT account, region, name, group_id, version, created_ms, retention_days, kms_key, protected, tags, mac \
     FROM logs_groups WHERE account = $1 AND region = $2 AND name > $3 AND name >= $4 ORDER BY name LIMIT $5",
);
const LIST_RETAINING: Statement = Statement::new(
    "SELECT account, region, name, group_id, version, created_ms, retention_days, kms_key, protected, tags, mac \
     FROM logs_groups WHERE retention_days IS NOT NULL AND \
     (account > $1 OR account = $1 AND region > $2 OR account = $1 AND region = $2 AND name > $3) \
     ORDER BY account, region, name LIMIT $4",
);

pub(super) const STATEMENTS: &[Statement] = &[INSERT, FIND, UPDATE, DELETE, COUNT, LIST, LIST_RETAINING];

impl AuthorityRow for Group {
    const TABLE: &'static str = "logs_groups";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let [account, region, name] = place(&self.name);
        vec![
            ("account", account),
            ("region", region),
            ("name", name),
            ("group_id", self.id.into()),
            ("version", self.version.into()),
            ("created_ms", self.created_ms.into()),
            ("retention_days", self.retention_days.map(i64::from).into()),
            ("kms_key", self.kms_key.clone().into()),
            ("protected", self.is_protected.into()),
            ("tags", self.tags.to_column().into()),
        ]
    }

    fn key(&self) -> String {
        self.name.arn()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let region = row.text("region")?;
        let region = Region::named(&region).ok_or_else(|| unreadable("region", "no Region has that name"))?;
        let name =
            GroupName { account: row.parse("account")?, region: region.name(), name: row.text("name")? };
        let days = row.opt_i64("retention_days")?.map(i32::try_from).transpose();
        let tags = Tags::from_column(row.opt_text("tags")?.as_deref());
        Ok(Self {
            name,
            id: Id::read(row, "group_id")?,
            version: row.i64("version")?,
            created_ms: row.i64("created_ms")?,
            retention_days: days.map_err(|error| unreadable("retention_days", error))?,
            kms_key: row.opt_text("kms_key")?,
            is_protected: row.flag("protected")?,
            tags: tags.map_err(|error| unreadable("tags", error))?,
        })
    }
}

/// Adds a group.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, group: &Group) -> Result<(), StoreError> {
    tx.execute(INSERT, &mac.values(group)).await.map(drop)
}

/// The group of that name.
pub(crate) async fn find(db: &Db, mac: &RowMac, name: &GroupName) -> Result<Option<Group>, StoreError> {
    let row = db.query_opt(FIND, &place(name)).await?;
    row.map(|row| mac.load_as(&row, &name.arn())).transpose()
}

/// The group of that name as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    name: &GroupName,
) -> Result<Option<Group>, StoreError> {
    let row = tx.query_opt(FIND, &place(name)).await?;
    row.map(|row| mac.load_as(&row, &name.arn())).transpose()
}

/// Writes a group that this transaction loaded.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, group: &mut Group) -> Result<(), StoreError> {
    let before = group.version;
    group.version += 1;
    let mut values = mac.values(group);
    values.push(before.into());
    tx.compare_and_set(UPDATE, &values).await
}

/// Removes a group's row.
pub(crate) async fn delete(tx: &mut Tx<'_>, name: &GroupName) -> Result<(), StoreError> {
    tx.execute(DELETE, &place(name)).await.map(drop)
}

/// How many groups the account of a name has in its Region.
pub(crate) async fn count(db: &Db, name: &GroupName) -> Result<i64, StoreError> {
    let [account, region, _] = place(name);
    db.query_one(COUNT, &[account, region]).await?.i64("found")
}

/// At most `limit` groups of an account in a Region, in the order of their names: those after `after` whose names are not
/// before `from`.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    (account, region): (AccountId, &str),
    (after, from): (&str, &str),
    limit: usize,
) -> Result<Vec<Group>, StoreError> {
    let values = [account.to_string().into(), region.into(), after.into(), from.into(), most(limit)];
    db.query(LIST, &values).await?.iter().map(|row| mac.load(row)).collect()
}

/// At most `limit` groups of all accounts that keep events for a time only, after a place.
pub(crate) async fn list_retaining(
    db: &Db,
    mac: &RowMac,
    after: Option<&GroupName>,
    limit: usize,
) -> Result<Vec<Group>, StoreError> {
    let [account, region, name] = after.map_or(["".into(), "".into(), "".into()], place);
    let rows = db.query(LIST_RETAINING, &[account, region, name, most(limit)]).await?;
    rows.iter().map(|row| mac.load(row)).collect()
}

fn place(name: &GroupName) -> [Value; 3] {
    [name.account.to_string().into(), name.region.into(), Value::from(&name.name)]
}
