//! Rows of aliases.

use strongroom_identity::RequestContext;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Value};

use super::{home_columns, keys, load_as, post_draft, read_home};
use crate::domain::alias::Alias;
use crate::domain::identifier::Home;
use crate::error::Refusal;

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO kms_aliases (account, region, alias_name, key_id, created_ms, updated_ms, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, region, alias_name) DO NOTHING",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT account, region, alias_name, key_id, created_ms, updated_ms, mac \
     FROM kms_aliases WHERE account = $1 AND region = $2 AND alias_name = $3",
);
pub(super) const COUNT_OF_KEY: Statement = Statement::new(
    "SELECT COUNT(*) AS aliases FROM kms_aliases WHERE account = $1 AND region = $2 AND key_id = $3",
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

/// Adds an alias, unless its name is taken or its key has `most` already.
pub(crate) async fn insert(
    db: &Db,
    mac: &RowMac,
    context: &RequestContext,
    alias: &Alias,
    most: usize,
) -> Result<(), Refusal> {
    let values = mac.values(alias);
    let of_key =
        [alias.home.account.to_string().into(), alias.home.region.into(), Value::from(&alias.key_id)];
    let (values, of_key) = (&values, &of_key);
    db.transaction(|tx| {
        Box::pin(async move {
            let arn = || alias.home.arn(&alias.name);
            if keys::touch(tx, mac, &alias.home, &alias.key_id).await?.is_none() {
                return Err(Refusal::no_such_key(&alias.home.key_arn(&alias.key_id)));
            }
            let count = tx.query_one(COUNT_OF_KEY, of_key).await?.i64("aliases")?;
            if tx.execute(INSERT, values).await? == 0 {
                return Err(Refusal::AliasExists(arn()));
            }
            if count >= most as i64 {
                return Err(Refusal::LimitExceeded(format!("A key can have at most {most} aliases.")));
            }
            Ok(post_draft(tx, context).await?)
        })
    })
    .await
}

/// The alias of that name.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    home: &Home,
    name: &str,
) -> Result<Option<Alias>, StoreError> {
    let values = [home.account.to_string().into(), home.region.into(), name.into()];
    db.query_opt(FIND, &values).await?.map(|row| load_as(mac, &row, &home.arn(name))).transpose()
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
    rows.iter().map(|row| mac.load(row)).collect()
}
