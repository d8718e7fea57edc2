//! Everything at once.

use strongroom_api_iam::{self as iam, EntityType, actions};
use strongroom_identity::{AccountId, RequestContext};

use super::shapes::{self, Detail, boundary, moment};
use crate::IdentityManagement;
use crate::domain::aws_policies::{AwsPolicy, POLICIES};
use crate::domain::directory::Directory;
use crate::domain::document::encoded;
use crate::domain::group::Group;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::permissions::Permissions;
use crate::domain::policy::{Policy, version_id};
use crate::domain::role::Role;
use crate::domain::usage::Usage;
use crate::domain::user::User;
use crate::error::Refusal;
use crate::targets::Target;
use crate::uses::RegionalUse;

/// An entity of the list, which mixes kinds.
enum Listed<'d> {
    User(&'d User),
    Group(&'d Group),
    Role(&'d Role),
    Policy(&'d Policy),
    AwsPolicy(&'static AwsPolicy),
}

impl Listed<'_> {
    /// Its place in the list.
    fn key(&self) -> String {
        match self {
            Self::User(user) => format!("1 {}", user.name.to_lowercase()),
            Self::Group(group) => format!("2 {}", group.name.to_lowercase()),
            Self::Role(role) => format!("3 {}", role.name.to_lowercase()),
            Self::Policy(policy) => format!("4 {}", policy.name.to_lowercase()),
            Self::AwsPolicy(policy) => format!("5 {}", policy.name.to_lowercase()),
        }
    }
}

pub(super) async fn get_account_authorization_details(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetAccountAuthorizationDetailsRequest,
) -> Result<iam::GetAccountAuthorizationDetailsResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let directory =
        identities.read::<actions::GetAccountAuthorizationDetails>(context, &[Target::Account]).await?;
    let wanted = input.filter.unwrap_or_default();
    let wants = |kind: EntityType| wanted.is_empty() || wanted.contains(&kind);
    let usage = Usage::of(&directory);
    let uses = identities.uses.of_roles(directory.account).await?;
    let mut all = Vec::new();
    if wants(EntityType::User) {
        all.extend(directory.users().map(Listed::User));
    }
    if wants(EntityType::Group) {
        all.extend(directory.groups().map(Listed::Group));
    }
    if wants(EntityType::Role) {
        all.extend(directory.roles().map(Listed::Role));
    }
    if wants(EntityType::LocalManagedPolicy) {
        all.extend(directory.policies().map(Listed::Policy));
    }
    if wants(EntityType::AwsManagedPolicy) {
        // Those that nobody has are left out, unless they are asked for.
        let in_use = |policy: &&AwsPolicy| !wanted.is_empty() || usage.get(&policy.arn()).is_any();
        let mut policies: Vec<_> = POLICIES.iter().filter(in_use).collect();
        policies.sort_by_key(|policy| policy.name.to_lowercase());
        all.extend(policies.into_iter().map(Listed::AwsPolicy));
    }
    let (entries, marker) = page.cut(all.into_iter(), Listed::key);
    let (mut users, mut groups, mut roles, mut policies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Listed::User(user) => users.push(user_detail(&directory, user)),
            Listed::Group(group) => groups.push(group_detail(&directory, group)),
            Listed::Role(role) => roles.push(role_detail(&directory, role, uses.get(&role.id))),
            Listed::Policy(policy) => policies.push(policy_detail(directory.account, &usage, policy)),
            Listed::AwsPolicy(policy) => policies.push(aws_policy_detail(&usage, policy)),
        }
    }
    Ok(iam::GetAccountAuthorizationDetailsResponse {
        user_detail_list: Some(users),
        group_detail_list: Some(groups),
        role_detail_list: Some(roles),
        policies: Some(policies),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

fn inline(permissions: &Permissions) -> Vec<iam::PolicyDetail> {
    let shown = |(name, text): (&String, &String)| iam::PolicyDetail {
        policy_name: Some(name.clone()),
        policy_document: Some(encoded(text)),
    };
    permissions.inline.iter().map(shown).collect()
}

fn attached(permissions: &Permissions) -> Vec<iam::AttachedPolicy> {
    permissions.attached.iter().map(|arn| shapes::attached(arn)).collect()
}

fn user_detail(directory: &Directory, user: &User) -> iam::UserDetail {
    let inline = inline(&user.permissions);
    iam::UserDetail {
        path: Some(user.path.clone()),
        user_name: Some(user.name.clone()),
        user_id: Some(user.id.clone()),
        arn: Some(Kind::User.arn(directory.account, &user.path, &user.name)),
        create_date: Some(moment(user.created_ms)),
        user_policy_list: (!inline.is_empty()).then_some(inline),
        group_list: Some(directory.groups_of(user).map(|group| group.name.clone()).collect()),
        attached_managed_policies: Some(attached(&user.permissions)),
        permissions_boundary: boundary(user.boundary.as_ref()),
        tags: Some(user.tags.to_answer()),
    }
}

fn group_detail(directory: &Directory, group: &Group) -> iam::GroupDetail {
    iam::GroupDetail {
        path: Some(group.path.clone()),
        group_name: Some(group.name.clone()),
        group_id: Some(group.id.clone()),
        arn: Some(Kind::Group.arn(directory.account, &group.path, &group.name)),
        create_date: Some(moment(group.created_ms)),
        group_policy_list: Some(inline(&group.permissions)),
        attached_managed_policies: Some(attached(&group.permissions)),
    }
}

fn role_detail(directory: &Directory, role: &Role, last: Option<&RegionalUse>) -> iam::RoleDetail {
    iam::RoleDetail {
        path: Some(role.path.clone()),
        role_name: Some(role.name.clone()),
        role_id: Some(role.id.clone()),
        arn: Some(Kind::Role.arn(directory.account, &role.path, &role.name)),
        create_date: Some(moment(role.created_ms)),
        assume_role_policy_document: Some(encoded(&role.trust.text(directory))),
        instance_profile_list: Some(Vec::new()),
        role_policy_list: Some(inline(&role.permissions)),
        attached_managed_policies: Some(attached(&role.permissions)),
        permissions_boundary: boundary(role.boundary.as_ref()),
        tags: Some(role.tags.to_answer()),
        role_last_used: Some(shapes::last_used(last)),
    }
}

fn policy_detail(account: AccountId, usage: &Usage<'_>, policy: &Policy) -> iam::ManagedPolicyDetail {
    let arn = Kind::Policy.arn(account, &policy.path, &policy.name);
    let count = usage.get(&arn);
    let versions = policy.versions.iter().rev();
    iam::ManagedPolicyDetail {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        path: Some(policy.path.clone()),
        default_version_id: Some(version_id(policy.default)),
        attachment_count: Some(count.attached as i32),
        permissions_boundary_usage_count: Some(count.bounded as i32),
        arn: Some(arn),
        is_attachable: Some(true),
        description: policy.description.clone(),
        create_date: Some(moment(policy.created_ms)),
        update_date: Some(moment(policy.updated_ms)),
        policy_version_list: Some(
            versions.map(|version| shapes::version(policy, version, Detail::Whole)).collect(),
        ),
    }
}

fn aws_policy_detail(usage: &Usage<'_>, policy: &'static AwsPolicy) -> iam::ManagedPolicyDetail {
    let arn = policy.arn();
    let count = usage.get(&arn);
    iam::ManagedPolicyDetail {
        policy_name: Some(policy.name.to_owned()),
        policy_id: Some(policy.id.to_owned()),
        path: Some(policy.path.to_owned()),
        default_version_id: Some(version_id(policy.version)),
        attachment_count: Some(count.attached as i32),
        permissions_boundary_usage_count: Some(count.bounded as i32),
        arn: Some(arn),
        is_attachable: Some(policy.is_attachable()),
        description: Some(policy.description.to_owned()),
        create_date: Some(moment(policy.created_ms)),
        update_date: Some(moment(policy.created_ms)),
        policy_version_list: Some(vec![shapes::aws_version(policy, Detail::Whole)]),
    }
}
