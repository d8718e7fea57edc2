//! Making and listing aliases.

use strongroom_api_kms::{
    AliasListEntry, CreateAliasRequest, ListAliasesRequest, ListAliasesResponse, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::{Authorized, Everything, Resource as _};
use strongroom_schema::{Timestamp, Unit};

use super::{ALIAS_RESOURCE, KEY_RESOURCE};
use crate::KeyManagement;
use crate::domain::alias::{self, AliasName};
use crate::domain::identifier::{Home, Named};
use crate::domain::key::SharedKey;
use crate::domain::paging::Page;
use crate::error::Refusal;

/// Aliases in a page of ListAliases, unless the caller says otherwise.
const PAGE: usize = 50;

/// The most aliases in a page; the model would allow 1,000 (KMS API Reference, ListAliases).
const MOST: i32 = 100;

/// Marks this list's markers.
const LIST: u8 = 2;

pub(super) async fn create_alias(
    kms: &KeyManagement,
    context: &RequestContext,
    input: CreateAliasRequest,
) -> Result<Unit, Refusal> {
    let name = AliasName::parse_new(&input.alias_name)?;
    let (home, key_id) = Named::parse_key_only(context, &input.target_key_id)?;
    let key = kms.find_key(context, &home, &key_id).await?;
    // Permission on the alias and on the key (KMS Developer Guide, "Controlling access to aliases").
    let resource = alias::AliasResource { home: Home::of(context), name };
    let alias: Authorized<actions::CreateAlias, _> = kms.authority().authorize(context, resource)?;
    let key: Authorized<actions::CreateAlias, SharedKey> = kms.authority().authorize(context, key)?;
    context.touched(KEY_RESOURCE, key.resource().home.account, key.resource().arn.clone());
    context.touched(ALIAS_RESOURCE, alias.resource().home.account, alias.resource().arn());
    kms.create_alias(&alias, &key, context).await?;
    context.responded("keyId", key.resource().arn.as_str());
    Ok(Unit)
}

pub(super) async fn list_aliases(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ListAliasesRequest,
) -> Result<ListAliasesResponse, Refusal> {
    if let Some(limit) = input.limit.filter(|limit| *limit > MOST) {
        return Err(Refusal::Validation(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have \
             value less than or equal to {MOST}"
        )));
    }
    let page = Page::parse(LIST, input.limit, PAGE, input.marker.as_deref())?;
    let home = Home::of(context);
    let target = match &input.key_id {
        None => None,
        Some(text) => {
            let (key_home, key_id) = Named::parse_key_only(context, text)?;
            // The list is of one's own aliases, and does not tell whether another account has that key.
            if key_home != home {
                return Err(Refusal::no_such_key(&home.key_arn(&key_id)));
            }
            Some(kms.find_key(context, &home, &key_id).await?.id.clone())
        }
    };
    let all = kms.authority().authorize::<actions::ListAliases, _>(context, Everything(context.account()))?;
    let aliases = kms.list_aliases(&all, context, target.as_deref(), &page).await?;
    let (aliases, next_marker) = page.cut(LIST, aliases, |alias| alias.name.as_str());
    let entries = aliases.into_iter().map(|alias| AliasListEntry {
        alias_arn: Some(home.arn(&alias.name)),
        alias_name: Some(alias.name),
        target_key_id: Some(alias.key_id),
        creation_date: Some(Timestamp::from_millis(alias.created_ms)),
        last_updated_date: Some(Timestamp::from_millis(alias.updated_ms)),
    });
    Ok(ListAliasesResponse {
        aliases: Some(entries.collect()),
        truncated: Some(next_marker.is_some()),
        next_marker,
    })
}
