//! Rows of access keys: whose they are, and their secrets, sealed. Whether a user's key counts stands with the
//! user.

use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Type, Value};

use super::topics::ACCESS_KEYS;
use super::unreadable;
use crate::domain::root_user::GivenKey;

pub(super) const INSERT_IF_ABSENT: Statement = Statement::new(
    "INSERT INTO iam_access_keys (access_key_id, account, sealed_secret, version, created_ms, user_id, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (access_key_id) DO NOTHING",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT access_key_id, account, sealed_secret, version, created_ms, user_id, mac FROM iam_access_keys \
     WHERE access_key_id = $1",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM iam_access_keys WHERE access_key_id = $1 AND account = $2");
/// What a root user was given: what it has made has an id of its holder.
pub(super) const GIVEN_TO_ROOT: Statement = Statement::new(
    "SELECT access_key_id, account, sealed_secret, version, created_ms, user_id, mac FROM iam_access_keys \
     WHERE account = $1 AND user_id IS NULL ORDER BY access_key_id",
);

/// A row of `iam_access_keys`.
pub(crate) struct AccessKeyRow {
    pub(crate) access_key_id: String,
    pub(crate) account: AccountId,
    pub(crate) sealed_secret: Vec<u8>,
    pub(crate) version: u32,
    pub(crate) created_ms: i64,
    /// The id of the user. The account's, for a key that its root user has made; `None` for one that the root user
    /// was given.
    pub(crate) user_id: Option<String>,
}

impl AuthorityRow for AccessKeyRow {
    const TABLE: &'static str = "iam_access_keys";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("access_key_id", Value::from(&self.access_key_id)),
            ("account", self.account.to_string().into()),
            ("sealed_secret", Value::from(&self.sealed_secret)),
            ("version", self.version.into()),
            ("created_ms", self.created_ms.into()),
            ("user_id", self.user_id.clone().map_or(Value::Null(Type::Text), Value::Text)),
        ]
    }

    fn key(&self) -> String {
        self.access_key_id.clone()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let version = row.i64("version")?;
        Ok(Self {
            access_key_id: row.text("access_key_id")?,
            account: row.parse("account")?,
            sealed_secret: row.blob("sealed_secret")?,
            version: u32::try_from(version).map_err(|error| unreadable("version", error))?,
            created_ms: row.i64("created_ms")?,
            user_id: row.opt_text("user_id")?,
        })
    }
}

/// Adds an access key, unless one of that id is there.
pub(crate) async fn insert_if_absent(db: &Db, mac: &RowMac, row: &AccessKeyRow) -> Result<(), StoreError> {
    db.execute(INSERT_IF_ABSENT, &mac.values(row)).await.map(drop)
}

/// The same in a transaction. Answers whether it was added.
pub(crate) async fn add(tx: &mut Tx<'_>, mac: &RowMac, row: &AccessKeyRow) -> Result<bool, StoreError> {
    Ok(tx.execute(INSERT_IF_ABSENT, &mac.values(row)).await? == 1)
}

/// Removes an access key of that account.
pub(crate) async fn delete(
    tx: &mut Tx<'_>,
    account: AccountId,
    access_key_id: &str,
) -> Result<(), StoreError> {
    tx.execute(DELETE, &[access_key_id.into(), account.to_string().into()]).await?;
    tx.announce(ACCESS_KEYS, access_key_id).await
}

/// The access key of that id.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    access_key_id: &str,
) -> Result<Option<AccessKeyRow>, StoreError> {
    db.query_opt(FIND, &[access_key_id.into()]).await?.map(|row| mac.load(&row)).transpose()
}

/// The access keys that an account's root user was given.
pub(crate) async fn given_to_root(
    db: &Db,
    mac: &RowMac,
    account: AccountId,
) -> Result<Vec<GivenKey>, StoreError> {
    let rows = db.query(GIVEN_TO_ROOT, &[account.to_string().into()]).await?;
    let given = rows.iter().map(|row| {
        let row: AccessKeyRow = mac.load(row)?;
        Ok(GivenKey { id: row.access_key_id, created_ms: row.created_ms })
    });
    given.collect()
}
