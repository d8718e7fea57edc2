//! Access keys of users.

use strongroom_api_iam::{self as iam, StatusType, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use super::{own_name, shapes};
use crate::IdentityManagement;
use crate::access_keys::seal;
use crate::domain::edit::RowChange;
use crate::domain::id::{new_access_key_id, new_secret};
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::user::no_access_key;
use crate::error::Refusal;
use crate::identities::Target;

/// What stands for a service and a Region where a key was never used.
const NEVER: &str = "N/A";

pub(super) async fn create_access_key(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateAccessKeyRequest,
) -> Result<iam::CreateAccessKeyResponse, Refusal> {
    let name = own_name(context, input.user_name)?;
    let (id, secret) = (new_access_key_id()?, new_secret()?);
    let sealed_secret = seal(&identities.sealer, &id, &secret)?;
    let (key, _) = identities
        .change::<actions::CreateAccessKey, _>(context, &[Target::One(Kind::User, &name)], |edit| {
            let user_id = edit.user(&name)?.id.clone();
            let key = edit.user_mut(&name, |user| user.add_access_key(&id, context.now_ms))?;
            edit.row(RowChange::AddKey {
                access_key_id: id.clone(),
                user_id,
                sealed_secret: sealed_secret.clone(),
                created_ms: context.now_ms,
            });
            Ok(key)
        })
        .await?;
    let access_key = iam::AccessKey {
        user_name: name,
        access_key_id: id,
        status: StatusType::Active,
        secret_access_key: secret,
        create_date: Some(shapes::moment(key.created_ms)),
    };
    Ok(iam::CreateAccessKeyResponse { access_key })
}

pub(super) async fn list_access_keys(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListAccessKeysRequest,
) -> Result<iam::ListAccessKeysResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let name = own_name(context, input.user_name)?;
    let directory =
        identities.read::<actions::ListAccessKeys>(context, &[Target::One(Kind::User, &name)]).await?;
    let user = directory.user(&name)?;
    let mut keys: Vec<_> = user.access_keys.iter().collect();
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    let (keys, marker) = page.cut(keys.into_iter(), |key| key.id.clone());
    let shown = |key: &crate::domain::user::AccessKey| iam::AccessKeyMetadata {
        user_name: Some(user.name.clone()),
        access_key_id: Some(key.id.clone()),
        status: Some(if key.active { StatusType::Active } else { StatusType::Inactive }),
        create_date: Some(shapes::moment(key.created_ms)),
    };
    Ok(iam::ListAccessKeysResponse {
        access_key_metadata: keys.into_iter().map(shown).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn update_access_key(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateAccessKeyRequest,
) -> Result<Unit, Refusal> {
    let active = match input.status {
        StatusType::Active => true,
        StatusType::Inactive => false,
        StatusType::Expired | StatusType::Unknown(_) => {
            return Err(Refusal::Validation(
                "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must \
                 satisfy enum value set: [Active, Inactive]"
                    .to_owned(),
            ));
        }
    };
    let name = own_name(context, input.user_name)?;
    identities
        .change::<actions::UpdateAccessKey, _>(context, &[Target::One(Kind::User, &name)], |edit| {
            edit.user_mut(&name, |user| user.set_active(&input.access_key_id, active))
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_access_key(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteAccessKeyRequest,
) -> Result<Unit, Refusal> {
    let name = own_name(context, input.user_name)?;
    identities
        .change::<actions::DeleteAccessKey, _>(context, &[Target::One(Kind::User, &name)], |edit| {
            edit.user_mut(&name, |user| user.remove_access_key(&input.access_key_id))?;
            edit.row(RowChange::DropKey(input.access_key_id.clone()));
            Ok(())
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn get_access_key_last_used(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetAccessKeyLastUsedRequest,
) -> Result<iam::GetAccessKeyLastUsedResponse, Refusal> {
    let target = Target::Below(Kind::User, "/*");
    let directory = identities.read::<actions::GetAccessKeyLastUsed>(context, &[target]).await?;
    let id = input.access_key_id.as_str();
    let user = directory.owner_of_key(id).ok_or_else(|| no_access_key(id))?;
    let last = match identities.uses.last(id).await? {
        Some(last) => iam::AccessKeyLastUsed {
            last_used_date: Some(shapes::moment(last.used_ms)),
            service_name: last.service,
            region: last.region,
        },
        None => iam::AccessKeyLastUsed {
            last_used_date: None,
            service_name: NEVER.to_owned(),
            region: NEVER.to_owned(),
        },
    };
    Ok(iam::GetAccessKeyLastUsedResponse {
        user_name: Some(user.name.clone()),
        access_key_last_used: Some(last),
    })
}
