//! Service-linked roles.

use strongroom_api_iam::{self as iam, DeletionTaskStatusType, actions};
use strongroom_identity::{ConditionKeys, RequestContext};

use super::shapes::{self, Detail};
use crate::IdentityManagement;
use crate::domain::directory::Entry;
use crate::domain::edit::RowChange;
use crate::domain::id::new_nonce;
use crate::domain::kind::Kind;
use crate::domain::service_linked::LinkedService;
use crate::error::Refusal;
use crate::targets::Target;

/// What the ids of deletions begin with.
const TASK: &str = "task";

pub(super) async fn create_service_linked_role(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateServiceLinkedRoleRequest,
) -> Result<iam::CreateServiceLinkedRoleResponse, Refusal> {
    let service = LinkedService::named(&input.aws_service_name)?;
    if input.custom_suffix.is_some() {
        return Err(Refusal::invalid_input(format!(
            "Custom suffix is not allowed for {}",
            input.aws_service_name
        )));
    }
    context.ask(ConditionKeys::new().with("iam:AWSServiceName", service.name));
    let new = service.new_role(input.description, context.now_ms)?;
    let target = Target::New(Kind::Role, &new.path, &new.name);
    let ((), directory) = identities
        .change::<actions::CreateServiceLinkedRole, _>(context, &[target], |edit| {
            if edit.is_taken(Kind::Role, &new.path, &new.name) {
                return Err(Refusal::invalid_input(format!(
                    "Service role name {} has been taken in this account, please try a different suffix.",
                    new.name
                )));
            }
            edit.add(Kind::Role, &new.path, &new.name, Entry::Role(new.clone()))
        })
        .await?;
    let role = shapes::role(&directory, directory.role(service.role)?, Detail::Whole);
    Ok(iam::CreateServiceLinkedRoleResponse { role: Some(role) })
}

/// The role goes at once: what a service needs it for, it does by a policy of its own.
pub(super) async fn delete_service_linked_role(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteServiceLinkedRoleRequest,
) -> Result<iam::DeleteServiceLinkedRoleResponse, Refusal> {
    let name = input.role_name.as_str();
    let task = new_nonce()?;
    let (deletion_task_id, _) = identities
        .change::<actions::DeleteServiceLinkedRole, _>(context, &[Target::One(Kind::Role, name)], |edit| {
            let role = edit.role(name)?;
            if role.service.is_none() {
                return Err(Kind::Role.not_found(name));
            }
            let (id, path) = (role.id.clone(), role.path.clone());
            let deletion = format!("{TASK}{path}{name}/{task}");
            edit.remove(&id);
            edit.row(RowChange::DropUses(id));
            edit.settings_mut(|settings| {
                settings.add_deletion(&deletion);
                Ok(())
            })?;
            Ok(deletion)
        })
        .await?;
    Ok(iam::DeleteServiceLinkedRoleResponse { deletion_task_id })
}

pub(super) async fn get_service_linked_role_deletion_status(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetServiceLinkedRoleDeletionStatusRequest,
) -> Result<iam::GetServiceLinkedRoleDeletionStatusResponse, Refusal> {
    let id = input.deletion_task_id.as_str();
    let mut fields = id.rsplit('/');
    let name = fields.nth(1).unwrap_or_default();
    let target = [Target::One(Kind::Role, name)];
    let directory = identities.read::<actions::GetServiceLinkedRoleDeletionStatus>(context, &target).await?;
    if !directory.settings().has_deletion(id) {
        return Err(Refusal::no_such(format!("Deletion task {id} cannot be found.")));
    }
    let status = DeletionTaskStatusType::Succeeded;
    Ok(iam::GetServiceLinkedRoleDeletionStatusResponse { status, reason: None })
}
