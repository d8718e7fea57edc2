//! Inline policies of users, groups and roles.

use strongroom_api_iam::{self as iam, actions};
use strongroom_identity::{Action, RequestContext};
use strongroom_schema::Unit;

use crate::IdentityManagement;
use crate::domain::directory::Directory;
use crate::domain::document::{check_inline, encoded};
use crate::domain::edit::Edit;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::permissions::Permissions;
use crate::error::Refusal;
use crate::targets::Target;

/// The policies of the entity of that name; so does the next one, to change them.
pub(super) fn permissions<'d>(
    directory: &'d Directory,
    kind: Kind,
    name: &str,
) -> Result<&'d Permissions, Refusal> {
    match kind {
        Kind::User => Ok(&directory.user(name)?.permissions),
        Kind::Group => Ok(&directory.group(name)?.permissions),
        Kind::Role => Ok(&directory.role(name)?.permissions),
        Kind::Policy | Kind::Mfa | Kind::Oidc => {
            Err(Refusal::internal("only users, groups and roles have policies"))
        }
    }
}

/// Roles of services are refused.
pub(super) fn change_permissions(
    edit: &mut Edit,
    kind: Kind,
    name: &str,
    act: impl FnOnce(&mut Permissions) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    match kind {
        Kind::User => edit.user_mut(name, |user| act(&mut user.permissions)),
        Kind::Group => edit.group_mut(name, |group| act(&mut group.permissions)),
        Kind::Role => edit.role_mut(name, |role| act(&mut role.permissions)),
        Kind::Policy | Kind::Mfa | Kind::Oidc => {
            Err(Refusal::internal("only users, groups and roles have policies"))
        }
    }
}

async fn put<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    policy: &str,
    text: &str,
) -> Result<Unit, Refusal> {
    identities
        .change::<A, _>(context, &[Target::One(kind, name)], |edit| {
            check_inline(text)?;
            change_permissions(edit, kind, name, |permissions| permissions.put(kind, name, policy, text))
        })
        .await?;
    Ok(Unit)
}

async fn get<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    policy: &str,
) -> Result<String, Refusal> {
    let directory = identities.read::<A>(context, &[Target::One(kind, name)]).await?;
    Ok(encoded(permissions(&directory, kind, name)?.get(kind, policy)?))
}

async fn delete<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    policy: &str,
) -> Result<Unit, Refusal> {
    identities
        .change::<A, _>(context, &[Target::One(kind, name)], |edit| {
            change_permissions(edit, kind, name, |permissions| permissions.delete(kind, policy))
        })
        .await?;
    Ok(Unit)
}

async fn list<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    page: &Page,
) -> Result<(Vec<String>, Option<String>), Refusal> {
    let directory = identities.read::<A>(context, &[Target::One(kind, name)]).await?;
    let names = permissions(&directory, kind, name)?.inline.keys().cloned();
    Ok(page.cut(names, Clone::clone))
}

/// The four operations of one kind, which differ in what names it.
macro_rules! of_kind {
    ($kind:expr, $member:ident,
     $put:ident $Put:ident $PutRequest:ident,
     $get:ident $Get:ident $GetRequest:ident $GetResponse:ident,
     $delete:ident $Delete:ident $DeleteRequest:ident,
     $list:ident $List:ident $ListRequest:ident $ListResponse:ident) => {
        pub(super) async fn $put(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$PutRequest,
        ) -> Result<Unit, Refusal> {
            let (policy, text) = (&input.policy_name, &input.policy_document);
            put::<actions::$Put>(identities, context, $kind, &input.$member, policy, text).await
        }

        pub(super) async fn $get(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$GetRequest,
        ) -> Result<iam::$GetResponse, Refusal> {
            let iam::$GetRequest { $member, policy_name } = input;
            let document = get::<actions::$Get>(identities, context, $kind, &$member, &policy_name).await?;
            Ok(iam::$GetResponse { $member, policy_name, policy_document: document })
        }

        pub(super) async fn $delete(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$DeleteRequest,
        ) -> Result<Unit, Refusal> {
            let (name, policy) = (&input.$member, &input.policy_name);
            delete::<actions::$Delete>(identities, context, $kind, name, policy).await
        }

        pub(super) async fn $list(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$ListRequest,
        ) -> Result<iam::$ListResponse, Refusal> {
            let page = Page::parse(input.max_items, input.marker.as_deref())?;
            let (policy_names, marker) =
                list::<actions::$List>(identities, context, $kind, &input.$member, &page).await?;
            Ok(iam::$ListResponse { policy_names, is_truncated: Some(marker.is_some()), marker })
        }
    };
}

of_kind!(
    Kind::User, user_name,
    put_user_policy PutUserPolicy PutUserPolicyRequest,
    get_user_policy GetUserPolicy GetUserPolicyRequest GetUserPolicyResponse,
    delete_user_policy DeleteUserPolicy DeleteUserPolicyRequest,
    list_user_policies ListUserPolicies ListUserPoliciesRequest ListUserPoliciesResponse
);
of_kind!(
    Kind::Group, group_name,
    put_group_policy PutGroupPolicy PutGroupPolicyRequest,
    get_group_policy GetGroupPolicy GetGroupPolicyRequest GetGroupPolicyResponse,
    delete_group_policy DeleteGroupPolicy DeleteGroupPolicyRequest,
    list_group_policies ListGroupPolicies ListGroupPoliciesRequest ListGroupPoliciesResponse
);
of_kind!(
    Kind::Role, role_name,
    put_role_policy PutRolePolicy PutRolePolicyRequest,
    get_role_policy GetRolePolicy GetRolePolicyRequest GetRolePolicyResponse,
    delete_role_policy DeleteRolePolicy DeleteRolePolicyRequest,
    list_role_policies ListRolePolicies ListRolePoliciesRequest ListRolePoliciesResponse
);
