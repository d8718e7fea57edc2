//! Groups and who is in them.

use strongroom_api_iam::{self as iam, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use super::shapes::{self, Detail};
use super::{ROOT_PATH, below};
use crate::IdentityManagement;
use crate::domain::directory::Entry;
use crate::domain::group::Group;
use crate::domain::id::new_id;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::permissions::Permissions;
use crate::error::Refusal;
use crate::targets::Target;

pub(super) async fn create_group(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateGroupRequest,
) -> Result<iam::CreateGroupResponse, Refusal> {
    let path = input.path.as_deref().unwrap_or(ROOT_PATH);
    let name = input.group_name.as_str();
    let id = new_id(Kind::Group)?;
    let ((), directory) = identities
        .change::<actions::CreateGroup, _>(context, &[Target::New(Kind::Group, path, name)], |edit| {
            let group = Group {
                id: id.clone(),
                path: path.to_owned(),
                name: name.to_owned(),
                created_ms: context.now_ms,
                permissions: Permissions::default(),
            };
            edit.add(Kind::Group, path, name, Entry::Group(group))
        })
        .await?;
    Ok(iam::CreateGroupResponse { group: shapes::group(&directory, directory.group(name)?) })
}

pub(super) async fn get_group(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetGroupRequest,
) -> Result<iam::GetGroupResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let target = Target::One(Kind::Group, &input.group_name);
    let directory = identities.read::<actions::GetGroup>(context, &[target]).await?;
    let group = directory.group(&input.group_name)?;
    let (users, marker) = page.cut(directory.members(group), |user| user.name.to_lowercase());
    Ok(iam::GetGroupResponse {
        group: shapes::group(&directory, group),
        users: users.into_iter().map(|user| shapes::user(&directory, user, Detail::Listed)).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn list_groups(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListGroupsRequest,
) -> Result<iam::ListGroupsResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or(ROOT_PATH);
    let directory =
        identities.read::<actions::ListGroups>(context, &[Target::Below(Kind::Group, prefix)]).await?;
    let groups = directory.groups().filter(|group| below(&group.path, prefix));
    let (groups, marker) = page.cut(groups, |group| group.name.to_lowercase());
    Ok(iam::ListGroupsResponse {
        groups: groups.into_iter().map(|group| shapes::group(&directory, group)).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn list_groups_for_user(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListGroupsForUserRequest,
) -> Result<iam::ListGroupsForUserResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let target = Target::One(Kind::User, &input.user_name);
    let directory = identities.read::<actions::ListGroupsForUser>(context, &[target]).await?;
    let user = directory.user(&input.user_name)?;
    let (groups, marker) = page.cut(directory.groups_of(user), |group| group.name.to_lowercase());
    Ok(iam::ListGroupsForUserResponse {
        groups: groups.into_iter().map(|group| shapes::group(&directory, group)).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn update_group(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateGroupRequest,
) -> Result<Unit, Refusal> {
    let name = input.group_name.as_str();
    let new_name = input.new_group_name.as_deref().unwrap_or(name);
    let mut targets = vec![Target::One(Kind::Group, name)];
    if input.new_path.is_some() || input.new_group_name.is_some() {
        let (path, name_then) = (input.new_path.as_deref(), input.new_group_name.as_deref());
        targets.push(Target::Moved(Kind::Group, name, path, name_then));
    }
    identities
        .change::<actions::UpdateGroup, _>(context, &targets, |edit| {
            if !name.eq_ignore_ascii_case(new_name) && edit.is_taken(Kind::Group, ROOT_PATH, new_name) {
                return Err(Kind::Group.taken(new_name));
            }
            edit.group_mut(name, |group| {
                new_name.clone_into(&mut group.name);
                if let Some(path) = &input.new_path {
                    group.path.clone_from(path);
                }
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_group(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteGroupRequest,
) -> Result<Unit, Refusal> {
    let name = input.group_name.as_str();
    identities
        .change::<actions::DeleteGroup, _>(context, &[Target::One(Kind::Group, name)], |edit| {
            let group = edit.group(name)?;
            if edit.members(group).next().is_some() {
                return Err(Refusal::must_first("remove users from group"));
            }
            group.permissions.expect_none()?;
            let id = group.id.clone();
            edit.remove(&id);
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// Whoever is in the group already stays in it.
pub(super) async fn add_user_to_group(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::AddUserToGroupRequest,
) -> Result<Unit, Refusal> {
    let target = Target::One(Kind::Group, &input.group_name);
    identities
        .change::<actions::AddUserToGroup, _>(context, &[target], |edit| {
            let group_id = edit.group(&input.group_name)?.id.clone();
            edit.user_mut(&input.user_name, |user| user.join(&group_id))
        })
        .await?;
    Ok(Unit)
}

/// Whoever is not in the group stays out.
pub(super) async fn remove_user_from_group(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::RemoveUserFromGroupRequest,
) -> Result<Unit, Refusal> {
    let target = Target::One(Kind::Group, &input.group_name);
    identities
        .change::<actions::RemoveUserFromGroup, _>(context, &[target], |edit| {
            let group_id = edit.group(&input.group_name)?.id.clone();
            edit.user_mut(&input.user_name, |user| {
                user.groups.remove(&group_id);
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}
