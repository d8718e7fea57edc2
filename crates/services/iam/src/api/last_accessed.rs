//! When services were last accessed by those whom policies let.

use strongroom_api_iam::{
    self as iam, AccessAdvisorUsageGranularityType as Granularity, JobStatusType, actions,
};
use strongroom_crypto::random;
use strongroom_identity::RequestContext;

use super::shapes;
use crate::IdentityManagement;
use crate::domain::directory::check_policy_arn;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::service_access::{ServiceAccess, Subject, name_of};
use crate::domain::simulation::subject::EntityArn;
use crate::error::Refusal;
use crate::repo::{self, access_reports};
use crate::targets::Target;

/// A report is made while the caller waits, and kept for who asks by its job's id: AWS's clients ask until it is there.
pub(super) async fn generate_service_last_accessed_details(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GenerateServiceLastAccessedDetailsRequest,
) -> Result<iam::GenerateServiceLastAccessedDetailsResponse, Refusal> {
    if input.granularity == Some(Granularity::ActionLevel) {
        return Err(Refusal::NotImplemented(
            "Strongroom tells when services were last accessed, not yet which of their actions.",
        ));
    }
    let arn = input.arn.as_str();
    let entity = EntityArn::parse(arn);
    let target = if let Some(entity) = &entity {
        Target::One(entity.kind, entity.name)
    } else {
        check_policy_arn(arn)?;
        Target::One(Kind::Policy, arn)
    };
    let directory =
        identities.read::<actions::GenerateServiceLastAccessedDetails>(context, &[target]).await?;
    let subject = match &entity {
        Some(entity) => {
            Subject::entity(&directory, entity).ok_or_else(|| entity.kind.not_found(entity.name))?
        }
        None => Subject::policy(&directory, arn).ok_or_else(|| Kind::Policy.not_found(arn))?,
    };
    let uses = identities.uses.of_services(directory.account).await?;
    let services = subject.report(&directory, &uses);
    let content = serde_json::to_string(&services).map_err(|error| Refusal::Internal(Box::new(error)))?;
    let report = &access_reports::Report { generated_ms: context.now_ms, content };
    let job_id = &uuid::Builder::from_random_bytes(random::bytes()?).into_uuid().to_string();
    let (account, draft) = (directory.account, context.draft());
    let kept = identities.directories.db.transaction(|tx| {
        Box::pin(async move {
            access_reports::put(tx, account, job_id, report).await?;
            repo::post(tx, draft).await
        })
    });
    kept.await?;
    Ok(iam::GenerateServiceLastAccessedDetailsResponse { job_id: Some(job_id.clone()) })
}

pub(super) async fn get_service_last_accessed_details(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetServiceLastAccessedDetailsRequest,
) -> Result<iam::GetServiceLastAccessedDetailsResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let directory =
        identities.read::<actions::GetServiceLastAccessedDetails>(context, &[Target::Account]).await?;
    let found = access_reports::find(&identities.directories.db, directory.account, &input.job_id).await?;
    // AWS documents no text.
    let report = found
        .ok_or_else(|| Refusal::no_such(format!("The job with id {} cannot be found.", input.job_id)))?;
    let services: Vec<ServiceAccess> =
        serde_json::from_str(&report.content).map_err(|error| Refusal::Internal(Box::new(error)))?;
    let (services, marker) = page.cut(services.into_iter(), |service| service.namespace.clone());
    Ok(iam::GetServiceLastAccessedDetailsResponse {
        job_status: JobStatusType::Completed,
        job_type: Some(Granularity::ServiceLevel),
        job_creation_date: shapes::moment(report.generated_ms),
        job_completion_date: shapes::moment(report.generated_ms),
        services_last_accessed: services.into_iter().map(shown).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
        error: None,
    })
}

fn shown(service: ServiceAccess) -> iam::ServiceLastAccessed {
    let ServiceAccess { namespace, last } = service;
    let name = name_of(&namespace).unwrap_or_default().to_owned();
    let entities = last.as_ref().map_or(0, |last| i32::try_from(last.entities).unwrap_or(i32::MAX));
    iam::ServiceLastAccessed {
        service_name: name,
        service_namespace: namespace,
        last_authenticated: last.as_ref().map(|last| shapes::moment(last.used_ms)),
        last_authenticated_region: last.as_ref().map(|last| last.region.clone()),
        last_authenticated_entity: last.map(|last| last.entity),
        total_authenticated_entities: Some(entities),
        tracked_actions_last_accessed: None,
    }
}
