//! Rows of credential reports: each account's last. They grant nothing.

use strongroom_identity::AccountId;
use strongroom_store::{Db, Statement, StoreError, Tx};

pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO iam_credential_reports (account, generated_ms, content) VALUES ($1, $2, $3) \
     ON CONFLICT (account) DO UPDATE SET generated_ms = excluded.generated_ms, content = excluded.content",
);
pub(super) const FIND: Statement =
    Statement::new("SELECT generated_ms, content FROM iam_credential_reports WHERE account = $1");

/// A credential report.
pub(crate) struct Report {
    pub(crate) generated_ms: i64,
    /// Lines of comma-separated fields.
    pub(crate) content: String,
}

/// Puts a report in place of the account's last.
pub(crate) async fn put(tx: &mut Tx<'_>, account: AccountId, report: &Report) -> Result<(), StoreError> {
    let values = [account.to_string().into(), report.generated_ms.into(), report.content.as_str().into()];
    tx.execute(PUT, &values).await.map(drop)
}

/// The account's last report.
pub(crate) async fn find(db: &Db, account: AccountId) -> Result<Option<Report>, StoreError> {
    let Some(row) = db.query_opt(FIND, &[account.to_string().into()]).await? else { return Ok(None) };
    Ok(Some(Report { generated_ms: row.i64("generated_ms")?, content: row.text("content")? }))
}
