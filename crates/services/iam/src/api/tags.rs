//! Tags on users, roles, policies, devices and providers.

use strongroom_api_iam::{self as iam, actions};
use strongroom_identity::{Action, ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use crate::IdentityManagement;
use crate::domain::edit::Edit;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::tags::{self, Tags};
use crate::error::Refusal;
use crate::targets::Target;

/// The parameters of a list.
struct Listed {
    tags: Vec<iam::Tag>,
    marker: Option<String>,
}

async fn list<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    page: &Page,
) -> Result<Listed, Refusal> {
    let directory = identities.read::<A>(context, &[Target::One(kind, name)]).await?;
    let tags = match kind {
        Kind::User => &directory.user(name)?.tags,
        Kind::Role => &directory.role(name)?.tags,
        Kind::Policy => &directory.policy(name)?.tags,
        Kind::Mfa => &directory.device(name)?.tags,
        Kind::Oidc => &directory.provider(name)?.tags,
        Kind::Group => return Err(Refusal::internal("groups have no tags")),
    };
    let (tags, marker) = page.cut(tags.to_answer().into_iter(), |tag| tag.key.to_lowercase());
    Ok(Listed { tags, marker })
}

/// Changes the tags of what has that name; roles of services are refused.
fn change_tags(
    edit: &mut Edit,
    kind: Kind,
    name: &str,
    act: impl FnOnce(&mut Tags) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    match kind {
        Kind::User => edit.user_mut(name, |user| act(&mut user.tags)),
        Kind::Role => edit.role_mut(name, |role| act(&mut role.tags)),
        Kind::Policy => edit.policy_mut(name, |policy| act(&mut policy.tags)),
        Kind::Mfa => edit.device_mut(name, |device| act(&mut device.tags)),
        Kind::Oidc => edit.provider_mut(name, |provider| act(&mut provider.tags)),
        Kind::Group => Err(Refusal::internal("groups have no tags")),
    }
}

async fn tag<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    given: &[iam::Tag],
) -> Result<Unit, Refusal> {
    let more = Tags::parse(Some(given))?;
    context.ask(tags::asked(ConditionKeys::new(), Some(given)));
    identities
        .change::<A, _>(context, &[Target::One(kind, name)], |edit| {
            change_tags(edit, kind, name, |tags| tags.add(&more))
        })
        .await?;
    Ok(Unit)
}

async fn untag<A: Action>(
    identities: &IdentityManagement,
    context: &RequestContext,
    kind: Kind,
    name: &str,
    keys: &[String],
) -> Result<Unit, Refusal> {
    context.ask(ConditionKeys::new().with_tag_keys(keys.iter().map(String::as_str)));
    identities
        .change::<A, _>(context, &[Target::One(kind, name)], |edit| {
            change_tags(edit, kind, name, |tags| {
                tags.remove(keys);
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

/// The three operations of one kind, which differ in what names it.
macro_rules! of_kind {
    ($kind:expr, $member:ident, $tag:ident, $untag:ident, $list:ident,
     $Tag:ident, $TagRequest:ident, $Untag:ident, $UntagRequest:ident, $List:ident, $ListRequest:ident,
     $ListResponse:ident) => {
        pub(super) async fn $tag(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$TagRequest,
        ) -> Result<Unit, Refusal> {
            tag::<actions::$Tag>(identities, context, $kind, &input.$member, &input.tags).await
        }

        pub(super) async fn $untag(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$UntagRequest,
        ) -> Result<Unit, Refusal> {
            untag::<actions::$Untag>(identities, context, $kind, &input.$member, &input.tag_keys).await
        }

        pub(super) async fn $list(
            identities: &IdentityManagement,
            context: &RequestContext,
            input: iam::$ListRequest,
        ) -> Result<iam::$ListResponse, Refusal> {
            let page = Page::parse(input.max_items, input.marker.as_deref())?;
            let listed = list::<actions::$List>(identities, context, $kind, &input.$member, &page).await?;
            let Listed { tags, marker } = listed;
            Ok(iam::$ListResponse { tags, is_truncated: Some(marker.is_some()), marker })
        }
    };
}

of_kind!(
    Kind::User,
    user_name,
    tag_user,
    untag_user,
    list_user_tags,
    TagUser,
    TagUserRequest,
    UntagUser,
    UntagUserRequest,
    ListUserTags,
    ListUserTagsRequest,
    ListUserTagsResponse
);
of_kind!(
    Kind::Role,
    role_name,
    tag_role,
    untag_role,
    list_role_tags,
    TagRole,
    TagRoleRequest,
    UntagRole,
    UntagRoleRequest,
    ListRoleTags,
    ListRoleTagsRequest,
    ListRoleTagsResponse
);
of_kind!(
    Kind::Policy,
    policy_arn,
    tag_policy,
    untag_policy,
    list_policy_tags,
    TagPolicy,
    TagPolicyRequest,
    UntagPolicy,
    UntagPolicyRequest,
    ListPolicyTags,
    ListPolicyTagsRequest,
    ListPolicyTagsResponse
);
of_kind!(
    Kind::Mfa,
    serial_number,
    tag_mfa_device,
    untag_mfa_device,
    list_mfa_device_tags,
    TagMFADevice,
    TagMFADeviceRequest,
    UntagMFADevice,
    UntagMFADeviceRequest,
    ListMFADeviceTags,
    ListMFADeviceTagsRequest,
    ListMFADeviceTagsResponse
);
of_kind!(
    Kind::Oidc,
    open_id_connect_provider_arn,
    tag_open_id_connect_provider,
    untag_open_id_connect_provider,
    list_open_id_connect_provider_tags,
    TagOpenIDConnectProvider,
    TagOpenIDConnectProviderRequest,
    UntagOpenIDConnectProvider,
    UntagOpenIDConnectProviderRequest,
    ListOpenIDConnectProviderTags,
    ListOpenIDConnectProviderTagsRequest,
    ListOpenIDConnectProviderTagsResponse
);
