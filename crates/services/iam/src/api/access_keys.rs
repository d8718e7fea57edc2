//! Access keys of users, and of root users.

use strongroom_api_iam::{self as iam, StatusType, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use super::holders::Holder;
use super::shapes;
use crate::IdentityManagement;
use crate::access_keys::seal;
use crate::domain::directory::Directory;
use crate::domain::edit::RowChange;
use crate::domain::id::{new_access_key_id, new_secret};
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::user::{AccessKey, no_access_key};
use crate::error::Refusal;
use crate::targets::Target;

/// What stands for a service and a Region where a key was never used.
const NEVER: &str = "N/A";

pub(super) async fn create_access_key(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateAccessKeyRequest,
) -> Result<iam::CreateAccessKeyResponse, Refusal> {
    let holder = Holder::of_call(identities, context, input.user_name).await?;
    let (id, secret) = (new_access_key_id()?, new_secret()?);
    let sealed_secret = seal(&identities.sealer, &id, &secret)?;
    let given = holder.given(identities, context).await?;
    let (key, directory) = identities
        .change::<actions::CreateAccessKey, _>(context, &[holder.target()], |edit| {
            let holder_id = holder.id(edit)?;
            let key = match &holder {
                Holder::User(name) => edit.user_mut(name, |user| user.add_access_key(&id, context.now_ms))?,
                Holder::Root => edit.root_mut(|root| root.add_access_key(&given, &id, context.now_ms))?,
            };
            edit.row(RowChange::AddKey {
                access_key_id: id.clone(),
                holder_id,
                sealed_secret: sealed_secret.clone(),
                created_ms: context.now_ms,
            });
            Ok(key)
        })
        .await?;
    let access_key = iam::AccessKey {
        user_name: holder.name(&directory).unwrap_or_default(),
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
    let holder = Holder::of_call(identities, context, input.user_name).await?;
    let directory = identities.read::<actions::ListAccessKeys>(context, &[holder.target()]).await?;
    let mut keys = match &holder {
        Holder::User(name) => directory.user(name)?.access_keys.clone(),
        Holder::Root => identities.access_keys_of_root(&directory).await?,
    };
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    let (keys, marker) = page.cut(keys.into_iter(), |key| key.id.clone());
    let name = holder.name(&directory);
    let shown = |key: AccessKey| iam::AccessKeyMetadata {
        user_name: name.clone(),
        access_key_id: Some(key.id),
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
    let holder = Holder::of_call(identities, context, input.user_name).await?;
    let given = holder.given(identities, context).await?;
    let id = input.access_key_id.as_str();
    identities
        .change::<actions::UpdateAccessKey, _>(context, &[holder.target()], |edit| match &holder {
            Holder::User(name) => edit.user_mut(name, |user| user.set_active(id, active)),
            Holder::Root => edit.root_mut(|root| root.set_active(&given, id, active)),
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_access_key(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteAccessKeyRequest,
) -> Result<Unit, Refusal> {
    let holder = Holder::of_call(identities, context, input.user_name).await?;
    let given = holder.given(identities, context).await?;
    let id = input.access_key_id.as_str();
    identities
        .change::<actions::DeleteAccessKey, _>(context, &[holder.target()], |edit| {
            match &holder {
                Holder::User(name) => edit.user_mut(name, |user| user.remove_access_key(id))?,
                Holder::Root => edit.root_mut(|root| root.remove_access_key(&given, id))?,
            }
            edit.row(RowChange::DropKey(id.to_owned()));
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
    let id = input.access_key_id.as_str();
    // The key says whose it is, and that is what policies name.
    let directory = identities.unread(context).await?;
    let owner = owner_of(identities, &directory, id).await?;
    let target = owner.as_ref().map_or(Target::Below(Kind::User, "/*"), Holder::target);
    identities.permit::<actions::GetAccessKeyLastUsed>(context, &directory, &[target])?;
    let owner = owner.ok_or_else(|| no_access_key(id))?;
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
        user_name: owner.name(&directory),
        access_key_last_used: Some(last),
    })
}

/// Whose access key that is.
async fn owner_of(
    identities: &IdentityManagement,
    directory: &Directory,
    access_key_id: &str,
) -> Result<Option<Holder>, Refusal> {
    if let Some(user) = directory.owner_of_key(access_key_id) {
        return Ok(Some(Holder::User(user.name.clone())));
    }
    let root = identities.access_keys_of_root(directory).await?;
    Ok(root.iter().any(|key| key.id == access_key_id).then_some(Holder::Root))
}
