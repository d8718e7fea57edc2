//! Roles, their trust policies and boundaries.

use strongroom_api_iam::{self as iam, actions};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use super::shapes::{self, Detail};
use super::{ROOT_PATH, below, boundary_asked};
use crate::IdentityManagement;
use crate::domain::directory::Entry;
use crate::domain::edit::RowChange;
use crate::domain::id::new_id;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::permissions::Permissions;
use crate::domain::role::{Role, USUAL_SESSION};
use crate::domain::tags::{self, Tags};
use crate::domain::trust::Trust;
use crate::error::Refusal;
use crate::targets::Target;

/// The path under which services keep theirs.
const RESERVED_PATH: &str = "/aws-service-role/";

pub(super) async fn create_role(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateRoleRequest,
) -> Result<iam::CreateRoleResponse, Refusal> {
    let path = input.path.as_deref().unwrap_or(ROOT_PATH);
    let name = input.role_name.as_str();
    if path.starts_with(RESERVED_PATH) {
        return Err(Refusal::Validation(format!(
            "The specified value for path is invalid. {RESERVED_PATH} is for service-linked roles."
        )));
    }
    let given = Tags::parse(input.tags.as_deref())?;
    let keys = boundary_asked(ConditionKeys::new(), input.permissions_boundary.as_deref());
    context.ask(tags::asked(keys, input.tags.as_deref()));
    let id = new_id(Kind::Role)?;
    let target = Target::New(Kind::Role, path, name);
    identities.read::<actions::CreateRole>(context, &[target]).await?;
    let elsewhere = identities.named_elsewhere(context.account(), &input.assume_role_policy_document).await?;
    let ((), directory) = identities
        .make::<actions::CreateRole, actions::TagRole, _>(context, target, &given, |edit| {
            if let Some(arn) = &input.permissions_boundary {
                edit.expect_bounding(arn)?;
            }
            let role = Role {
                id: id.clone(),
                path: path.to_owned(),
                name: name.to_owned(),
                created_ms: context.now_ms,
                description: input.description.clone(),
                max_session: input.max_session_duration.unwrap_or(USUAL_SESSION),
                trust: Trust::parse(edit, &elsewhere, &input.assume_role_policy_document)?,
                tags: given.clone(),
                permissions: Permissions::default(),
                boundary: input.permissions_boundary.clone(),
                service: None,
            };
            edit.add(Kind::Role, path, name, Entry::Role(role))
        })
        .await?;
    Ok(iam::CreateRoleResponse { role: shapes::role(&directory, directory.role(name)?, Detail::Whole) })
}

pub(super) async fn get_role(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetRoleRequest,
) -> Result<iam::GetRoleResponse, Refusal> {
    let target = Target::One(Kind::Role, &input.role_name);
    let directory = identities.read::<actions::GetRole>(context, &[target]).await?;
    let role = directory.role(&input.role_name)?;
    let last = identities.uses.of_role(&role.id).await?;
    let mut shown = shapes::role(&directory, role, Detail::Whole);
    shown.role_last_used = Some(shapes::last_used(last.as_ref()));
    Ok(iam::GetRoleResponse { role: shown })
}

pub(super) async fn list_roles(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListRolesRequest,
) -> Result<iam::ListRolesResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or(ROOT_PATH);
    let directory =
        identities.read::<actions::ListRoles>(context, &[Target::Below(Kind::Role, prefix)]).await?;
    let roles = directory.roles().filter(|role| below(&role.path, prefix));
    let (roles, marker) = page.cut(roles, |role| role.name.to_lowercase());
    Ok(iam::ListRolesResponse {
        roles: roles.into_iter().map(|role| shapes::role(&directory, role, Detail::Listed)).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn update_role(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateRoleRequest,
) -> Result<iam::UpdateRoleResponse, Refusal> {
    let name = input.role_name.as_str();
    identities
        .change::<actions::UpdateRole, _>(context, &[Target::One(Kind::Role, name)], |edit| {
            // The description is all that can be changed of a service's role.
            if input.max_session_duration.is_some() {
                edit.role(name)?.expect_own()?;
            }
            edit.any_role_mut(name, |role| {
                if let Some(description) = &input.description {
                    role.description = Some(description.clone());
                }
                if let Some(seconds) = input.max_session_duration {
                    role.max_session = seconds;
                }
                Ok(())
            })
        })
        .await?;
    Ok(iam::UpdateRoleResponse {})
}

pub(super) async fn update_role_description(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateRoleDescriptionRequest,
) -> Result<iam::UpdateRoleDescriptionResponse, Refusal> {
    let name = input.role_name.as_str();
    let target = Target::One(Kind::Role, name);
    let ((), directory) = identities
        .change::<actions::UpdateRoleDescription, _>(context, &[target], |edit| {
            edit.any_role_mut(name, |role| {
                role.description = Some(input.description.clone());
                Ok(())
            })
        })
        .await?;
    let role = shapes::role(&directory, directory.role(name)?, Detail::Whole);
    Ok(iam::UpdateRoleDescriptionResponse { role: Some(role) })
}

pub(super) async fn update_assume_role_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateAssumeRolePolicyRequest,
) -> Result<Unit, Refusal> {
    let name = input.role_name.as_str();
    let target = [Target::One(Kind::Role, name)];
    identities.read::<actions::UpdateAssumeRolePolicy>(context, &target).await?;
    let elsewhere = identities.named_elsewhere(context.account(), &input.policy_document).await?;
    identities
        .change::<actions::UpdateAssumeRolePolicy, _>(context, &target, |edit| {
            let trust = Trust::parse(edit, &elsewhere, &input.policy_document)?;
            edit.role_mut(name, |role| {
                role.trust = trust;
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_role(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteRoleRequest,
) -> Result<Unit, Refusal> {
    let name = input.role_name.as_str();
    identities
        .change::<actions::DeleteRole, _>(context, &[Target::One(Kind::Role, name)], |edit| {
            let role = edit.role(name)?;
            role.expect_own()?;
            role.permissions.expect_none()?;
            let id = role.id.clone();
            edit.remove(&id);
            edit.row(RowChange::DropUses(id));
            Ok(())
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn put_role_permissions_boundary(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::PutRolePermissionsBoundaryRequest,
) -> Result<Unit, Refusal> {
    let (name, arn) = (input.role_name.as_str(), input.permissions_boundary.as_str());
    context.ask(boundary_asked(ConditionKeys::new(), Some(arn)));
    let target = Target::One(Kind::Role, name);
    identities
        .change::<actions::PutRolePermissionsBoundary, _>(context, &[target], |edit| {
            edit.expect_bounding(arn)?;
            edit.role_mut(name, |role| {
                role.boundary = Some(arn.to_owned());
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_role_permissions_boundary(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteRolePermissionsBoundaryRequest,
) -> Result<Unit, Refusal> {
    let name = input.role_name.as_str();
    let target = Target::One(Kind::Role, name);
    identities
        .change::<actions::DeleteRolePermissionsBoundary, _>(context, &[target], |edit| {
            edit.role_mut(name, |role| {
                let gone = role.boundary.take();
                gone.map(drop).ok_or_else(|| super::no_boundary("role", name))
            })
        })
        .await?;
    Ok(Unit)
}
