//! Users.

use strongroom_api_iam::{self as iam, actions};
use strongroom_identity::{ConditionKeys, Principal, RequestContext};
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
use crate::domain::tags::{self, Tags};
use crate::domain::user::User;
use crate::error::Refusal;
use crate::targets::Target;

pub(super) async fn create_user(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateUserRequest,
) -> Result<iam::CreateUserResponse, Refusal> {
    let path = input.path.as_deref().unwrap_or(ROOT_PATH);
    let given = Tags::parse(input.tags.as_deref())?;
    let keys = boundary_asked(ConditionKeys::new(), input.permissions_boundary.as_deref());
    context.ask(tags::asked(keys, input.tags.as_deref()));
    let id = new_id(Kind::User)?;
    let target = Target::New(Kind::User, path, &input.user_name);
    let ((), directory) = identities
        .make::<actions::CreateUser, actions::TagUser, _>(context, target, &given, |edit| {
            if let Some(arn) = &input.permissions_boundary {
                edit.expect_bounding(arn)?;
            }
            let user = User {
                id: id.clone(),
                path: path.to_owned(),
                name: input.user_name.clone(),
                created_ms: context.now_ms,
                tags: given.clone(),
                permissions: Permissions::default(),
                boundary: input.permissions_boundary.clone(),
                groups: std::collections::BTreeSet::new(),
                access_keys: Vec::new(),
                login: None,
            };
            edit.add(Kind::User, path, &input.user_name, Entry::User(user))
        })
        .await?;
    let user = directory.user(&input.user_name)?;
    Ok(iam::CreateUserResponse { user: Some(shapes::user(&directory, user, Detail::Whole)) })
}

pub(super) async fn get_user(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetUserRequest,
) -> Result<iam::GetUserResponse, Refusal> {
    if input.user_name.is_none() && matches!(context.caller.principal, Principal::Root(_)) {
        let directory = identities.read::<actions::GetUser>(context, &[Target::Root]).await?;
        let keys = identities.access_keys_of_root(&directory).await?;
        let mut user = shapes::root_user(&directory);
        // An account is as old as the first key that its root user has.
        if let Some(created_ms) = keys.iter().map(|key| key.created_ms).min() {
            user.create_date = shapes::moment(created_ms);
        }
        return Ok(iam::GetUserResponse { user });
    }
    let name = super::own_name(context, input.user_name)?;
    let directory = identities.read::<actions::GetUser>(context, &[Target::One(Kind::User, &name)]).await?;
    let user = directory.user(&name)?;
    Ok(iam::GetUserResponse { user: shapes::user(&directory, user, Detail::Whole) })
}

pub(super) async fn list_users(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListUsersRequest,
) -> Result<iam::ListUsersResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or(ROOT_PATH);
    let directory =
        identities.read::<actions::ListUsers>(context, &[Target::Below(Kind::User, prefix)]).await?;
    let users = directory.users().filter(|user| below(&user.path, prefix));
    let (users, marker) = page.cut(users, |user| user.name.to_lowercase());
    Ok(iam::ListUsersResponse {
        users: users.into_iter().map(|user| shapes::user(&directory, user, Detail::Listed)).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn update_user(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateUserRequest,
) -> Result<Unit, Refusal> {
    let name = input.user_name.as_str();
    let new_name = input.new_user_name.as_deref().unwrap_or(name);
    let mut targets = vec![Target::One(Kind::User, name)];
    if input.new_path.is_some() || input.new_user_name.is_some() {
        let (path, name_then) = (input.new_path.as_deref(), input.new_user_name.as_deref());
        targets.push(Target::Moved(Kind::User, name, path, name_then));
    }
    identities
        .change::<actions::UpdateUser, _>(context, &targets, |edit| {
            if !name.eq_ignore_ascii_case(new_name) && edit.is_taken(Kind::User, ROOT_PATH, new_name) {
                return Err(Kind::User.taken(new_name));
            }
            edit.user_mut(name, |user| {
                new_name.clone_into(&mut user.name);
                if let Some(path) = &input.new_path {
                    user.path.clone_from(path);
                }
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_user(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteUserRequest,
) -> Result<Unit, Refusal> {
    let name = input.user_name.as_str();
    identities
        .change::<actions::DeleteUser, _>(context, &[Target::One(Kind::User, name)], |edit| {
            let user = edit.user(name)?;
            if user.login.is_some() {
                return Err(Refusal::must_first("delete login profile"));
            }
            if !user.access_keys.is_empty() {
                return Err(Refusal::must_first("delete access keys"));
            }
            if edit.devices_of(&user.id).next().is_some() {
                return Err(Refusal::must_first("delete MFA device"));
            }
            user.permissions.expect_none()?;
            if !user.groups.is_empty() {
                return Err(Refusal::must_first("remove users from group"));
            }
            let id = user.id.clone();
            edit.remove(&id);
            edit.row(RowChange::DropUses(id));
            Ok(())
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn put_user_permissions_boundary(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::PutUserPermissionsBoundaryRequest,
) -> Result<Unit, Refusal> {
    let (name, arn) = (input.user_name.as_str(), input.permissions_boundary.as_str());
    context.ask(boundary_asked(ConditionKeys::new(), Some(arn)));
    identities
        .change::<actions::PutUserPermissionsBoundary, _>(context, &[Target::One(Kind::User, name)], |edit| {
            edit.expect_bounding(arn)?;
            edit.user_mut(name, |user| {
                user.boundary = Some(arn.to_owned());
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_user_permissions_boundary(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteUserPermissionsBoundaryRequest,
) -> Result<Unit, Refusal> {
    let name = input.user_name.as_str();
    identities
        .change::<actions::DeleteUserPermissionsBoundary, _>(
            context,
            &[Target::One(Kind::User, name)],
            |edit| {
                edit.user_mut(name, |user| {
                    let gone = user.boundary.take();
                    gone.map(drop).ok_or_else(|| super::no_boundary("user", name))
                })
            },
        )
        .await?;
    Ok(Unit)
}
