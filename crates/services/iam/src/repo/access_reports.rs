//! Rows of reports of services last accessed. They grant nothing.

use strongroom_identity::AccountId;
use strongroom_store::{Db, Statement, StoreError, Tx};

pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO iam_access_reports (job_id, account, generated_ms, content) VALUES ($1, $2, $3, $4)",
);
pub(super) const FIND: Statement =
    Statement::new("SELECT generated_ms, content FROM iam_access_reports WHERE job_id = $1 AND account = $2");
/// All but the newest thousand of an account.
pub(super) const TIDY: Statement = Statement::new(
    "DELETE FROM iam_access_reports WHERE account = $1 AND job_id NOT IN \
     (SELECT job_id FROM iam_access_reports WHERE account = $1 ORDER BY generated_ms DESC, job_id LIMIT 1000)",
);

/// A report of services last accessed.
pub(crate) struct Report {
    pub(crate) generated_ms: i64,
    /// What `domain::service_access` writes.
    pub(crate) content: String,
}

/// Keeps a report. The account's oldest makes room where there are too many.
pub(crate) async fn put(
    tx: &mut Tx<'_>,
    account: AccountId,
    job_id: &str,
    report: &Report,
) -> Result<(), StoreError> {
    let account = account.to_string();
    let values =
        [job_id.into(), account.as_str().into(), report.generated_ms.into(), report.content.as_str().into()];
    tx.execute(PUT, &values).await?;
    tx.execute(TIDY, &[account.into()]).await.map(drop)
}

/// The account's report of that id.
pub(crate) async fn find(db: &Db, account: AccountId, job_id: &str) -> Result<Option<Report>, StoreError> {
    let values = [job_id.into(), account.to_string().into()];
    let Some(row) = db.query_opt(FIND, &values).await? else { return Ok(None) };
    Ok(Some(Report { generated_ms: row.i64("generated_ms")?, content: row.text("content")? }))
}
