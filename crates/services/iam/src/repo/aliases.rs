//! Rows of account aliases, which are unique among all accounts.

use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Row, RowMac, Statement, StoreError, Tx, Value};

pub(super) const INSERT_IF_ABSENT: Statement = Statement::new(
    "INSERT INTO iam_account_aliases (account_alias, account, mac) VALUES ($1, $2, $3) \
     ON CONFLICT (account_alias) DO NOTHING",
);
pub(super) const DELETE: Statement =
    Statement::new("DELETE FROM iam_account_aliases WHERE account_alias = $1 AND account = $2");

/// A row of `iam_account_aliases`.
struct AliasRow {
    alias: String,
    account: AccountId,
}

impl AuthorityRow for AliasRow {
    const TABLE: &'static str = "iam_account_aliases";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![("account_alias", Value::from(&self.alias)), ("account", self.account.to_string().into())]
    }

    fn key(&self) -> String {
        self.alias.clone()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { alias: row.text("account_alias")?, account: row.parse("account")? })
    }
}

/// Gives an account an alias. Answers whether it was free.
pub(crate) async fn take(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    account: AccountId,
    alias: &str,
) -> Result<bool, StoreError> {
    let row = AliasRow { alias: alias.to_owned(), account };
    Ok(tx.execute(INSERT_IF_ABSENT, &mac.values(&row)).await? == 1)
}

/// Sets an account's alias free.
pub(crate) async fn free(tx: &mut Tx<'_>, account: AccountId, alias: &str) -> Result<(), StoreError> {
    tx.execute(DELETE, &[alias.into(), account.to_string().into()]).await.map(drop)
}
