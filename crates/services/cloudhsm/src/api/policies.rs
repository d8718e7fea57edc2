//! Resource policies of backups: who else may restore them.

use strongroom_api_cloudhsm::{
    DeleteResourcePolicyRequest, DeleteResourcePolicyResponse, GetResourcePolicyRequest,
    GetResourcePolicyResponse, PutResourcePolicyRequest, PutResourcePolicyResponse, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::document::{Document, Kind};

use super::required;
use crate::ControlPlane;
use crate::domain::home::Home;
use crate::error::Refusal;

pub(super) async fn put_resource_policy(
    plane: &ControlPlane,
    context: &RequestContext,
    input: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, Refusal> {
    let (id, arn) = backup_of(context, input.resource_arn)?;
    let policy = required("Policy", input.policy)?;
    Document::parse(&policy, Kind::Resource).map_err(|error| Refusal::Invalid(error.to_string()))?;
    plane
        .change_backup::<actions::PutResourcePolicy>(context, &id, |backup| {
            backup.expect_ready()?;
            backup.policy = Some(policy.clone());
            Ok(())
        })
        .await?;
    Ok(PutResourcePolicyResponse { resource_arn: Some(arn), policy: Some(policy) })
}

pub(super) async fn get_resource_policy(
    plane: &ControlPlane,
    context: &RequestContext,
    input: GetResourcePolicyRequest,
) -> Result<GetResourcePolicyResponse, Refusal> {
    let (id, _) = backup_of(context, input.resource_arn)?;
    let backup = plane.permitted_backup::<actions::GetResourcePolicy>(context, &id).await?;
    Ok(GetResourcePolicyResponse { policy: backup.into_resource().policy })
}

pub(super) async fn delete_resource_policy(
    plane: &ControlPlane,
    context: &RequestContext,
    input: DeleteResourcePolicyRequest,
) -> Result<DeleteResourcePolicyResponse, Refusal> {
    let (id, arn) = backup_of(context, input.resource_arn)?;
    let former = plane.permitted_backup::<actions::DeleteResourcePolicy>(context, &id).await?;
    let former = former.into_resource().policy;
    plane
        .change_backup::<actions::DeleteResourcePolicy>(context, &id, |backup| {
            backup.policy = None;
            Ok(())
        })
        .await?;
    Ok(DeleteResourcePolicyResponse { resource_arn: Some(arn), policy: former })
}

/// The id of the backup that an ARN names, and the ARN. Only backups have policies, and only their owner sees
/// them.
fn backup_of(context: &RequestContext, arn: Option<String>) -> Result<(String, String), Refusal> {
    let arn = required("ResourceArn", arn)?;
    match Home::parse_arn(&arn) {
        Some((home, id)) if id.starts_with("backup-") && home == Home::of(context) => Ok((id, arn)),
        Some((_, id)) if id.starts_with("backup-") => Err(Refusal::no_such_backup(&id)),
        _ => Err(Refusal::Invalid(format!("{arn} is not the ARN of a backup."))),
    }
}
