//! Rows of groups.

use strongroom_identity::Region;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::unreadable;
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

pub(super) const STATEMENTS: &[Statement] = &[INSERT, FIND];

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
    row.map(|row| load_as(mac, &row, name)).transpose()
}

/// The group of that name as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    name: &GroupName,
) -> Result<Option<Group>, StoreError> {
    let row = tx.query_opt(FIND, &place(name)).await?;
    row.map(|row| load_as(mac, &row, name)).transpose()
}

/// The MAC says that a row is ours, not that it is the one that was asked for.
fn load_as(mac: &RowMac, row: &Row, name: &GroupName) -> Result<Group, StoreError> {
    let group: Group = mac.load(row)?;
    if group.name == *name {
        Ok(group)
    } else {
        Err(StoreError::Corrupt { table: Group::TABLE, key: name.arn() })
    }
}

fn place(name: &GroupName) -> [Value; 3] {
    [name.account.to_string().into(), name.region.into(), Value::from(&name.name)]
}
