//! Rows of access keys.

use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Db, Migration, Row, RowMac, Statement, StoreError, Value};

/// The tables of IAM, forward only.
pub const MIGRATIONS: &[Migration] = &[Migration {
    component: "iam",
    version: 1,
    name: "access keys",
    sql: "CREATE TABLE iam_access_keys (
              access_key_id TEXT PRIMARY KEY,
              account TEXT NOT NULL,
              sealed_secret BYTEA NOT NULL,
              version BIGINT NOT NULL,
              created_ms BIGINT NOT NULL,
              mac BYTEA NOT NULL
          )",
}];

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] = &[INSERT_IF_ABSENT, FIND];

const INSERT_IF_ABSENT: Statement = Statement::new(
    "INSERT INTO iam_access_keys (access_key_id, account, sealed_secret, version, created_ms, mac) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (access_key_id) DO NOTHING",
);
const FIND: Statement = Statement::new(
    "SELECT access_key_id, account, sealed_secret, version, created_ms, mac FROM iam_access_keys \
     WHERE access_key_id = $1",
);

/// A row of `iam_access_keys`: the key of an account's root user.
pub(crate) struct AccessKeyRow {
    pub(crate) access_key_id: String,
    pub(crate) account: AccountId,
    pub(crate) sealed_secret: Vec<u8>,
    pub(crate) version: u32,
    pub(crate) created_ms: i64,
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
            version: u32::try_from(version)
                .map_err(|error| StoreError::Column { column: "version".to_owned(), source: error.into() })?,
            created_ms: row.i64("created_ms")?,
        })
    }
}

/// Adds an access key, unless one of that id is there.
pub(crate) async fn insert_if_absent(db: &Db, mac: &RowMac, row: &AccessKeyRow) -> Result<(), StoreError> {
    db.execute(INSERT_IF_ABSENT, &mac.values(row)).await.map(drop)
}

/// The access key of that id.
pub(crate) async fn find(
    db: &Db,
    mac: &RowMac,
    access_key_id: &str,
) -> Result<Option<AccessKeyRow>, StoreError> {
    db.query_opt(FIND, &[access_key_id.into()]).await?.map(|row| mac.load(&row)).transpose()
}
