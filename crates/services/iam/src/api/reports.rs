//! Credential reports.

use strongroom_api_iam::{self as iam, ReportFormatType, ReportStateType, actions, errors};
use strongroom_identity::RequestContext;
use strongroom_schema::{Blob, Unit};

use super::shapes;
use crate::IdentityManagement;
use crate::domain::credential_report::{self, FRESH_MS, Sources};
use crate::error::Refusal;
use crate::repo::{self, reports};
use crate::targets::Target;

/// A report is made while the caller waits; what AWS says when it begins to make one is said all the same, so that
/// clients do as they do there.
pub(super) async fn generate_credential_report(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: Unit,
) -> Result<iam::GenerateCredentialReportResponse, Refusal> {
    let directory = identities.read::<actions::GenerateCredentialReport>(context, &[Target::Account]).await?;
    let db = &identities.directories.db;
    let last = reports::find(db, directory.account).await?;
    if last.is_some_and(|last| is_fresh(last.generated_ms, context.now_ms)) {
        let state = Some(ReportStateType::Complete);
        return Ok(iam::GenerateCredentialReportResponse { state, description: None });
    }
    let root_keys = &identities.access_keys_of_root(&directory).await?;
    let uses = &identities.uses.of_account(directory.account).await?;
    let content = credential_report::write(&directory, &Sources { root_keys, uses });
    let report = &reports::Report { generated_ms: context.now_ms, content };
    let (account, draft) = (directory.account, context.draft());
    let kept = db.transaction(|tx| {
        Box::pin(async move {
            reports::put(tx, account, report).await?;
            repo::post(tx, draft).await
        })
    });
    kept.await?;
    Ok(iam::GenerateCredentialReportResponse {
        state: Some(ReportStateType::Started),
        description: Some("No report exists. Starting a new report generation task".to_owned()),
    })
}

pub(super) async fn get_credential_report(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: Unit,
) -> Result<iam::GetCredentialReportResponse, Refusal> {
    let directory = identities.read::<actions::GetCredentialReport>(context, &[Target::Account]).await?;
    let last = reports::find(&identities.directories.db, directory.account).await?;
    let report = last.ok_or_else(|| {
        let text = "No credential report is there. Generate one first.";
        Refusal::Modelled(&errors::CREDENTIAL_REPORT_NOT_PRESENT_EXCEPTION, text.to_owned())
    })?;
    if !is_fresh(report.generated_ms, context.now_ms) {
        let text = "The credential report has expired. Generate another one.";
        return Err(Refusal::Modelled(&errors::CREDENTIAL_REPORT_EXPIRED_EXCEPTION, text.to_owned()));
    }
    Ok(iam::GetCredentialReportResponse {
        content: Some(Blob(report.content.into_bytes())),
        report_format: Some(ReportFormatType::TextCsv),
        generated_time: Some(shapes::moment(report.generated_ms)),
    })
}

fn is_fresh(generated_ms: i64, now_ms: i64) -> bool {
    now_ms - generated_ms < FRESH_MS
}
