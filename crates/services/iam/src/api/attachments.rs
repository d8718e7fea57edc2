//! Managed policies attached to users, groups and roles.

use strongroom_api_iam::{self as iam, EntityType, PolicyUsageType, actions};
use strongroom_identity::{Action, ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use super::inline::{change_permissions, permissions};
use super::shapes;
use super::{ROOT_PATH, below, path_of};
use crate::IdentityManagement;
use crate::domain::aws_policies::AwsPolicy;
use crate::domain::directory::check_policy_arn;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::error::Refusal;
use crate::targets::Target;

async fn attach<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    arn: &str,
) -> Result<Unit, Refusal> {
    context.ask(ConditionKeys::new().with("iam:PolicyARN", arn));
    identities
        .change::<A, _>(context, &[Target::One(kind, name)], |edit| {
            if kind == Kind::Role {
                edit.role(name)?.expect_own()?;
            }
            edit.expect_attachable(arn)?;
            change_permissions(edit, kind, name, |permissions| permissions.attach(kind, arn))
        })
        .await?;
    Ok(Unit)
}

async fn detach<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    arn: &str,
) -> Result<Unit, Refusal> {
    context.ask(ConditionKeys::new().with("iam:PolicyARN", arn));
    identities
        .change::<A, _>(context, &[Target::One(kind, name)], |edit| {
            check_policy_arn(arn)?;
            change_permissions(edit, kind, name, |permissions| permissions.detach(arn))
        })
        .await?;
    Ok(Unit)
}

async fn list<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    prefix: Option<&str>,
    page: &Page,
) -> Result<(Vec<iam::AttachedPolicy>, Option<String>), Refusal> {
    let prefix = prefix.unwrap_or(ROOT_PATH);
    let directory = identities.read::<A>(context, &[Target::One(kind, name)]).await?;
    let arns = permissions(&directory, kind, name)?.attached.iter();
    let mut arns: Vec<_> = arns.filter(|arn| below(path_of(arn), prefix)).collect();
    arns.sort_by_key(|arn| by_name(arn));
    let (arns, marker) = page.cut(arns.into_iter(), |arn| by_name(arn));
    Ok((arns.into_iter().map(|arn| shapes::attached(arn)).collect(), marker))
}

/// The name in an ARN, with what keeps policies of AWS and of the account apart.
fn by_name(arn: &str) -> String {
    let name = arn.rsplit('/').next().unwrap_or_default().to_lowercase();
    format!("{name} {}", u8::from(AwsPolicy::find(arn).is_some()))
}

/// The three operations of one kind, which differ in what names it.
macro_rules! of_kind {
    ($kind:expr, $member:ident,
     $attach:ident $Attach:ident $AttachRequest:ident,
     $detach:ident $Detach:ident $DetachRequest:ident,
     $list:ident $List:ident $ListRequest:ident $ListResponse:ident) => {
        pub(super) async fn $attach(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$AttachRequest,
        ) -> Result<Unit, Refusal> {
            let (name, arn) = (&input.$member, &input.policy_arn);
            attach::<actions::$Attach>(identities, context, $kind, name, arn).await
        }

        pub(super) async fn $detach(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$DetachRequest,
        ) -> Result<Unit, Refusal> {
            let (name, arn) = (&input.$member, &input.policy_arn);
            detach::<actions::$Detach>(identities, context, $kind, name, arn).await
        }

        pub(super) async fn $list(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$ListRequest,
        ) -> Result<iam::$ListResponse, Refusal> {
            let page = Page::parse(input.max_items, input.marker.as_deref())?;
            let (name, prefix) = (&input.$member, input.path_prefix.as_deref());
            let (policies, marker) =
                list::<actions::$List>(identities, context, $kind, name, prefix, &page).await?;
            Ok(iam::$ListResponse {
                attached_policies: Some(policies),
                is_truncated: Some(marker.is_some()),
                marker,
            })
        }
    };
}

of_kind!(
    Kind::User, user_name,
    attach_user_policy AttachUserPolicy AttachUserPolicyRequest,
    detach_user_policy DetachUserPolicy DetachUserPolicyRequest,
    list_attached_user_policies ListAttachedUserPolicies ListAttachedUserPoliciesRequest
        ListAttachedUserPoliciesResponse
);
of_kind!(
    Kind::Group, group_name,
    attach_group_policy AttachGroupPolicy AttachGroupPolicyRequest,
    detach_group_policy DetachGroupPolicy DetachGroupPolicyRequest,
    list_attached_group_policies ListAttachedGroupPolicies ListAttachedGroupPoliciesRequest
        ListAttachedGroupPoliciesResponse
);
of_kind!(
    Kind::Role, role_name,
    attach_role_policy AttachRolePolicy AttachRolePolicyRequest,
    detach_role_policy DetachRolePolicy DetachRolePolicyRequest,
    list_attached_role_policies ListAttachedRolePolicies ListAttachedRolePoliciesRequest
        ListAttachedRolePoliciesResponse
);

/// An entity that has a policy, for a list that mixes kinds.
enum Holder {
    Group(iam::PolicyGroup),
    User(iam::PolicyUser),
    Role(iam::PolicyRole),
}

pub(super) async fn list_entities_for_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListEntitiesForPolicyRequest,
) -> Result<iam::ListEntitiesForPolicyResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let arn = input.policy_arn.as_str();
    let target = Target::One(Kind::Policy, arn);
    let directory = identities.read::<actions::ListEntitiesForPolicy>(context, &[target]).await?;
    if AwsPolicy::find(arn).is_none() {
        directory.policy(arn)?;
    }
    let prefix = input.path_prefix.as_deref().unwrap_or(ROOT_PATH);
    let wants =
        |kind: EntityType| input.entity_filter.is_none() || input.entity_filter.as_ref() == Some(&kind);
    let usage = input.policy_usage_filter.as_ref();
    let as_permissions = usage != Some(&PolicyUsageType::PermissionsBoundary);
    let as_boundary = usage != Some(&PolicyUsageType::PermissionsPolicy);
    let has = |permissions: &crate::domain::permissions::Permissions, boundary: Option<&String>| {
        as_permissions && permissions.attached.contains(arn)
            || as_boundary && boundary.is_some_and(|bound| bound == arn)
    };
    let mut holders = Vec::new();
    if wants(EntityType::Group) {
        for group in directory.groups() {
            if has(&group.permissions, None) && below(&group.path, prefix) {
                let (name, id) = (Some(group.name.clone()), Some(group.id.clone()));
                let shown = Holder::Group(iam::PolicyGroup { group_name: name, group_id: id });
                holders.push((format!("1 {}", group.name.to_lowercase()), shown));
            }
        }
    }
    if wants(EntityType::User) {
        for user in directory.users() {
            if has(&user.permissions, user.boundary.as_ref()) && below(&user.path, prefix) {
                let (name, id) = (Some(user.name.clone()), Some(user.id.clone()));
                let shown = Holder::User(iam::PolicyUser { user_name: name, user_id: id });
                holders.push((format!("2 {}", user.name.to_lowercase()), shown));
            }
        }
    }
    if wants(EntityType::Role) {
        for role in directory.roles() {
            if has(&role.permissions, role.boundary.as_ref()) && below(&role.path, prefix) {
                let (name, id) = (Some(role.name.clone()), Some(role.id.clone()));
                let shown = Holder::Role(iam::PolicyRole { role_name: name, role_id: id });
                holders.push((format!("3 {}", role.name.to_lowercase()), shown));
            }
        }
    }
    let (holders, marker) = page.cut(holders.into_iter(), |(key, _)| key.clone());
    let (mut groups, mut users, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    for (_, holder) in holders {
        match holder {
            Holder::Group(group) => groups.push(group),
            Holder::User(user) => users.push(user),
            Holder::Role(role) => roles.push(role),
        }
    }
    Ok(iam::ListEntitiesForPolicyResponse {
        policy_groups: Some(groups),
        policy_users: Some(users),
        policy_roles: Some(roles),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}
