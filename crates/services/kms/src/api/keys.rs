//! Making, describing and listing keys.

use strongroom_api_kms::{
    CreateKeyRequest, CreateKeyResponse, DescribeKeyRequest, DescribeKeyResponse, KeyListEntry,
    ListKeysRequest, ListKeysResponse, OriginType, ResourceOwnerType, UpdateKeyDescriptionRequest, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::{Authorized, Everything};
use strongroom_schema::Unit;

use super::metadata::key_metadata;
use super::{chosen, new_key_place, new_key_spec, refuse_nul, tags};
use crate::KeyManagement;
use crate::domain::access::{Nature, Stated};
use crate::domain::alias::AliasNames;
use crate::domain::identifier::Home;
use crate::domain::key::SharedKey;
use crate::domain::multi_region::Role;
use crate::domain::paging::Page;
use crate::domain::policy;
use crate::error::Refusal;
use crate::events;
use crate::management::{KEY_RESOURCE, NewKey};

/// Keys in a page of ListKeys, unless the caller says otherwise.
const PAGE: usize = 100;

/// Mark this list's markers: of the account's own keys, of those of other accounts, of both.
const LIST: u8 = 1;
const OF_OTHERS: u8 = 21;
const OF_BOTH: u8 = 22;

pub(super) async fn create_key(
    kms: &KeyManagement,
    context: &RequestContext,
    input: CreateKeyRequest,
) -> Result<CreateKeyResponse, Refusal> {
    context.ask(super::asked::create_key(&input));
    let (spec, usage) = new_key_spec::asked_for(&input)?;
    let (origin, store) = new_key_place::asked_for(&input, spec, kms.settings.strict)?;
    note_defaults(context, &input);
    let is_multi_region = input.multi_region.unwrap_or(false);
    let mut new = NewKey { spec, usage, origin, store, is_multi_region, ..new_key(kms, &input)? };
    let key_id = match &new.id {
        Some(chosen) => chosen.clone(),
        None if is_multi_region => KeyManagement::new_multi_region_id()?,
        None => KeyManagement::new_key_id()?,
    };
    let all = kms.authority().authorize::<actions::CreateKey, _>(context, Everything(context.account()))?;
    if new.tags.is_any() {
        kms.authority().authorize::<actions::TagResource, _>(context, Everything(context.account()))?;
    }
    if let Some(policy) = &input.policy {
        let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
        let home = Home::of(context);
        let nature = Nature { spec, usage, origin, role: is_multi_region.then_some(Role::Primary) };
        let stated = Stated { nature, tags: &new.tags, aliases: &AliasNames::none() };
        let recipient = policy::Recipient { home: &home, arn: &home.key_arn(&key_id), stated };
        let bound = kms.bind_policy(home.account, policy).await?;
        new.policy = policy::check(kms.authority(), context, policy, bound.as_ref(), recipient, bypass)?;
    }
    let key = kms.create_key(&all, context, &key_id, new).await?;
    context.touched(KEY_RESOURCE, key.home.account, key.arn.clone());
    if let Some(backing_key) = key.current().and_then(events::backing_key) {
        context.additional("backingKey", backing_key.to_string().as_str());
    }
    let standing = kms.standing(&key).await?;
    Ok(CreateKeyResponse { key_metadata: Some(key_metadata(&key, standing)) })
}

/// What the request says of the new key.
fn new_key(kms: &KeyManagement, input: &CreateKeyRequest) -> Result<NewKey, Refusal> {
    let description = input.description.clone().unwrap_or_default();
    refuse_nul("Description", &description)?;
    let tags = tags::parse(input.tags.clone().unwrap_or_default())?;
    let chosen = if kms.lets_choose_keys() {
        chosen::choose(tags, input.multi_region.unwrap_or(false))?
    } else {
        NewKey { tags, ..NewKey::default() }
    };
    Ok(NewKey { description, ..chosen })
}

/// Notes the defaults that AWS shows in the record of CreateKey.
fn note_defaults(context: &RequestContext, input: &CreateKeyRequest) {
    if input.description.is_none() {
        context.defaulted("description", "");
    }
    if input.origin.is_none() {
        context.defaulted("origin", OriginType::AwsKms.as_str());
    }
    if input.bypass_policy_lockout_safety_check.is_none() {
        context.defaulted("bypassPolicyLockoutSafetyCheck", false);
    }
    new_key_spec::note_defaults(context, input);
}

pub(super) async fn describe_key(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DescribeKeyRequest,
) -> Result<DescribeKeyResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(super::asked::key_id(&input.key_id));
    let key = kms.find::<actions::DescribeKey>(context, &input.key_id).await?;
    context.touched(KEY_RESOURCE, key.home.account, key.arn.clone());
    let key: Authorized<actions::DescribeKey, SharedKey> = kms.authority().authorize(context, key)?;
    let standing = kms.standing(key.resource()).await?;
    Ok(DescribeKeyResponse { key_metadata: Some(key_metadata(key.resource(), standing)) })
}

pub(super) async fn update_key_description(
    kms: &KeyManagement,
    context: &RequestContext,
    input: UpdateKeyDescriptionRequest,
) -> Result<Unit, Refusal> {
    refuse_nul("Description", &input.description)?;
    let update = kms.change::<actions::UpdateKeyDescription>(context, &input.key_id, |key| {
        key.expect_staying()?;
        key.description.clone_from(&input.description);
        Ok(())
    });
    context.responded("keyId", update.await?.arn);
    Ok(Unit)
}

/// What marks the list of those owners' keys: a marker is for the same owners alone. Keys of other accounts are in it
/// that share them through Resource Access Manager, which is not here: there are none.
fn marker_of(owners: &[ResourceOwnerType]) -> u8 {
    let names = |owner: ResourceOwnerType| owners.contains(&owner);
    match (names(ResourceOwnerType::Self2), names(ResourceOwnerType::OtherAccountsViaRam)) {
        (true, true) => OF_BOTH,
        (false, true) => OF_OTHERS,
        (_, false) => LIST,
    }
}

pub(super) async fn list_keys(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ListKeysRequest,
) -> Result<ListKeysResponse, Refusal> {
    let list = marker_of(input.resource_owners.as_deref().unwrap_or_default());
    let page = Page::parse(list, input.limit, PAGE, input.marker.as_deref())?;
    let all = kms.authority().authorize::<actions::ListKeys, _>(context, Everything(context.account()))?;
    let home = Home::of(context);
    let ids = if list == OF_OTHERS { Vec::new() } else { kms.list_key_ids(&all, context, &page).await? };
    let (ids, next_marker) = page.cut(list, ids, String::clone);
    let entry = |id: String| KeyListEntry { key_arn: Some(home.key_arn(&id)), key_id: Some(id) };
    Ok(ListKeysResponse {
        keys: Some(ids.into_iter().map(entry).collect()),
        truncated: Some(next_marker.is_some()),
        next_marker,
    })
}
