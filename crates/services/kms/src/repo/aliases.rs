//! Rows of aliases.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{home_columns, name_of, read_home, topics};
use crate::domain::alias::{Alias, MOST_PER_KEY};
use crate::domain::identifier::Home;

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO kms_aliases (account, region, alias_name, key_id, created_ms, updated_ms, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, region, alias_name) DO NOTHING",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, alias_name, key_id, created_ms, updated_ms, mac \
     FROM kms_aliases WHERE account = $1 AND region = $2 AND alias_name = $3",
);
/// The columns in their order, and the MAC.
pub(super) const UPDATE: Statement = Statement::new(
    "UPDATE kms_aliases SET key_id = $4, created_ms = $5, updated_ms = $6, mac = $7 \
     WHERE account = $1 AND region = $2 AND alias_name = $3",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM kms_aliases WHERE account = $1 AND region = $2 AND alias_name = $3");
pub(super) const DELETE_OF_KEY: Statement = Statement::new(
    "DELETE FROM kms_aliases WHERE account = $1 AND region = $2 AND key_id = $3 RETURNING alias_name",
);
pub(super) const COUNT_OF_KEY: Statement = Statement::new(
    "SELECT COUNT(*) AS aliases FROM kms_aliases WHERE account = $1 AND region = $2 AND key_id = $3",
);
/// The names of a key's aliases, for keys whose rows do not have them.
pub(super) const OF_KEY: Statement = Statement::new(
    "SELECT account, region, alias_name, key_id, created_ms, updated_ms, mac \
     FROM kms_aliases WHERE account = $1 AND region = $2 AND key_id = $3 ORDER BY alias_name LIMIT $4",
);
pub(super) const LIST: Statement = Statement::new(
    "SELECT account, region, alias_name, key_id, created_ms, updated_ms, mac \
     FROM kms_aliases WHERE account = $1 AND region = $2 AND alias_name > $3 ORDER BY alias_name LIMIT $4",
);
pub(super) const LIST_OF_KEY: Statement = Statement::new(
    "SELECT account, region, alias_name, key_id, created_ms, updated_ms, mac FROM kms_aliases \
     WHERE account = $1 AND region = $2 AND alias_name > $3 AND key_id = $5 ORDER BY alias_name LIMIT $4",
);

impl AuthorityRow for Alias {
    const TABLE: &'static str = "kms_aliases";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("alias_name", Value::from(&self.name)),
            ("key_id", Value::from(&self.key_id)),
            ("created_ms", self.created_ms.into()),
            ("updated_ms", self.updated_ms.into()),
        ]);
        columns
    }

    fn key(&self) -> String {
        self.home.arn(&self.name)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            home: read_home(row)?,
            name: row.text("alias_name")?,
            key_id: row.text("key_id")?,
            created_ms: row.i64("created_ms")?,
            updated_ms: row.i64("updated_ms")?,
        })
    }
}

/// Adds an alias, unless its name is taken. Answers whether it did.
pub(crate) async fn insert(tx: &mut Tx<'_>, mac: &RowMac, alias: &Alias) -> Result<bool, StoreError> {
    Ok(tx.execute(INSERT, &mac.values(alias)).await? == 1)
}

/// Writes an alias that has been pointed at another key.
pub(crate) async fn replace(tx: &mut Tx<'_>, mac: &RowMac, alias: &Alias) -> Result<(), StoreError> {
    tx.execute(UPDATE, &mac.values(alias)).await?;
    topics::announce(tx, topics::ALIASES, &alias.home, &alias.name).await
}

/// Removes an alias.
pub(crate) async fn delete(tx: &mut Tx<'_>, alias: &Alias) -> Result<(), StoreError> {
    let name = [alias.home.account.to_string().into(), alias.home.region.into(), Value::from(&alias.name)];
    tx.execute(DELETE, &name).await?;
    topics::announce(tx, topics::ALIASES, &alias.home, &alias.name).await
}

/// Removes all aliases of a key, and answers their names.
pub(crate) async fn delete_of_key(
    tx: &mut Tx<'_>,
    home: &Home,
    key_id: &str,
) -> Result<Vec<String>, StoreError> {
    let of_key = name_of(home, key_id);
    let rows = tx.query(DELETE_OF_KEY, &of_key).await?;
    let names = rows.iter().map(|row| row.text("alias_name")).collect::<Result<Vec<_>, _>>()?;
    for name in &names {
        topics::announce(tx, topics::ALIASES, home, name).await?;
    }
    Ok(names)
}

/// How many aliases a key has.
pub(crate) async fn count_of_key(tx: &mut Tx<'_>, home: &Home, key_id: &str) -> Result<i64, StoreError> {
    let of_key = name_of(home, key_id);
    tx.query_one(COUNT_OF_KEY, &of_key).await?.i64("aliases")
}

/// What [`OF_KEY`] asks for: all aliases that a key may have, and one more.
pub(super) fn of_key(home: &Home, key_id: &str) -> Vec<Value> {
    let mut values = name_of(home, key_id).to_vec();
    values.push(Value::I64(MOST_PER_KEY as i64 + 1));
    values
}

/// The names of a key's aliases, of the rows that [`OF_KEY`] has found.
pub(super) fn names(
    mac: &RowMac,
    rows: &[Row],
    home: &Home,
    key_id: &str,
) -> Result<Vec<String>, StoreError> {
    let name = |row| match mac.load::<Alias>(row)? {
        alias if alias.home == *home && alias.key_id == key_id => Ok(alias.name),
        alias => Err(StoreError::Corrupt { table: Alias::TABLE, key: alias.key() }),
    };
    rows.iter().map(name).collect()
}

/// The alias of that name as this transaction sees it.
pub(crate) async fn load(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
    name: &str,
) -> Result<Option<Alias>, StoreError> {
    let values = [home.account.to_string().into(), home.region.into(), name.into()];
    tx.query_opt(FIND, &values).await?.map(|row| mac.load_as(&row, &home.arn(name))).transpose()
}

/// The alias of that name.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    name: &str,
) -> Result<Option<Alias>, StoreError> {
    let values = [home.account.to_string().into(), home.region.into(), name.into()];
    db.query_opt(FIND, &values).await?.map(|row| mac.load_as(&row, &home.arn(name))).transpose()
}

/// At most `most` aliases that come after `after`, in order; of one key, if one is named.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    key_id: Option<&str>,
    after: &str,
    most: usize,
) -> Result<Vec<Alias>, StoreError> {
    let mut values =
        vec![home.account.to_string().into(), home.region.into(), after.into(), Value::I64(most as i64)];
    let rows = match key_id {
        None => db.query(LIST, &values).await?,
        Some(key_id) => {
            values.push(key_id.into());
            db.query(LIST_OF_KEY, &values).await?
        }
    };
    let load = |row| match mac.load::<Alias>(row)? {
        alias if alias.home == *home => Ok(alias),
        alias => Err(StoreError::Corrupt { table: Alias::TABLE, key: alias.key() }),
    };
    rows.iter().map(load).collect()
}
