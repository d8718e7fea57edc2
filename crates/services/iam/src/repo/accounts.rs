//! Rows of accounts that the operator has made.

use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use crate::accounts::Account;

/// Rows read at once.
const PAGE: i64 = 1000;

pub(super) const INSERT_IF_ABSENT: Statement = Statement::new(
    "INSERT INTO iam_accounts (account, name, created_ms, mac) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (account) DO NOTHING",
);
pub(super) const FIND: Statement =
    Statement::new("SELECT account, name, created_ms, mac FROM iam_accounts WHERE account = $1");
pub(super) const LIST: Statement = Statement::new(
    "SELECT account, name, created_ms, mac FROM iam_accounts WHERE account > $1 ORDER BY account LIMIT $2",
);

impl AuthorityRow for Account {
    const TABLE: &'static str = "iam_accounts";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("account", self.id.to_string().into()),
            ("name", Value::from(&self.name)),
            ("created_ms", self.created_ms.into()),
        ]
    }

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.parse("account")?, name: row.text("name")?, created_ms: row.i64("created_ms")? })
    }
}

/// Adds an account. Answers whether it did: it may be there already.
pub(crate) async fn add(tx: &mut Tx<'_>, mac: &RowMac, account: &Account) -> Result<bool, StoreError> {
    Ok(tx.execute(INSERT_IF_ABSENT, &mac.values(account)).await? == 1)
}

/// The account of that id.
pub(crate) async fn find(db: &Db, mac: &RowMac, account: AccountId) -> Result<Option<Account>, StoreError> {
    db.query_opt(FIND, &[account.to_string().into()]).await?.map(|row| mac.load(&row)).transpose()
}

/// The ids that follow `after`, some of them, whatever else their rows say.
pub(crate) async fn list_ids(db: &Db, after: Option<AccountId>) -> Result<Vec<AccountId>, StoreError> {
    let after = after.map_or(String::new(), |account| account.to_string());
    let rows = db.query(LIST, &[after.into(), PAGE.into()]).await?;
    rows.iter().map(|row| row.parse("account")).collect()
}

/// The accounts that follow `after`, some of them, by id.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    after: Option<AccountId>,
) -> Result<Vec<Account>, StoreError> {
    let after = after.map_or(String::new(), |account| account.to_string());
    let rows = db.query(LIST, &[after.into(), PAGE.into()]).await?;
    rows.iter().map(|row| mac.load(row)).collect()
}
