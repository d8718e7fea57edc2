//! Making, moving, removing and listing aliases.

use std::collections::BTreeMap;

use strongroom_api_kms::{
    AliasListEntry, CreateAliasRequest, DeleteAliasRequest, ListAliasesRequest, ListAliasesResponse,
    UpdateAliasRequest, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::Everything;
use strongroom_schema::{Timestamp, Unit};

use crate::KeyManagement;
use crate::domain::alias::{Alias, AliasName};
use crate::domain::identifier::{Home, Named};
use crate::domain::managed;
use crate::domain::paging::Page;
use crate::error::Refusal;

/// Aliases in a page of ListAliases, unless the caller says otherwise.
const PAGE: usize = 50;

/// The most aliases in a page; the model would allow 1,000 (KMS API Reference, ListAliases).
const MOST: usize = 100;

/// Marks this list's markers.
const LIST: u8 = 2;

pub(super) async fn create_alias(
    kms: &KeyManagement,
    context: &RequestContext,
    input: CreateAliasRequest,
) -> Result<Unit, Refusal> {
    let name = AliasName::parse(&input.alias_name)?;
    let key = kms.create_alias(context, &name, &input.target_key_id).await?;
    context.responded("keyId", key.arn);
    Ok(Unit)
}

pub(super) async fn update_alias(
    kms: &KeyManagement,
    context: &RequestContext,
    input: UpdateAliasRequest,
) -> Result<Unit, Refusal> {
    let name = AliasName::parse(&input.alias_name)?;
    let key = kms.update_alias(context, &name, &input.target_key_id).await?;
    context.responded("keyId", key.arn);
    Ok(Unit)
}

pub(super) async fn delete_alias(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DeleteAliasRequest,
) -> Result<Unit, Refusal> {
    let name = AliasName::parse(&input.alias_name)?;
    let key = kms.delete_alias(context, &name).await?;
    context.responded("keyId", key.arn);
    Ok(Unit)
}

pub(super) async fn list_aliases(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ListAliasesRequest,
) -> Result<ListAliasesResponse, Refusal> {
    let page = Page::parse_up_to(MOST, LIST, input.limit, PAGE, input.marker.as_deref())?;
    let home = Home::of(context);
    let all = kms.authority().authorize::<actions::ListAliases, _>(context, Everything(context.account()))?;
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
    let aliases = kms.list_aliases(&all, context, target.as_deref(), &page).await?;
    let mut entries: BTreeMap<_, _> =
        aliases.into_iter().map(|alias| (alias.name.clone(), entry(&home, alias))).collect();
    if target.is_none() {
        for name in managed::predefined_after(&page.after) {
            entries.entry(name.to_owned()).or_insert_with(|| predefined(&home, name));
        }
    }
    // What was read ends with one alias more than the page holds, if there are more.
    let entries = entries.into_values().take(page.limit + 1).collect();
    let name = |entry: &AliasListEntry| entry.alias_name.clone().unwrap_or_default();
    let (aliases, next_marker) = page.cut(LIST, entries, name);
    Ok(ListAliasesResponse { aliases: Some(aliases), truncated: Some(next_marker.is_some()), next_marker })
}

fn entry(home: &Home, alias: Alias) -> AliasListEntry {
    AliasListEntry {
        alias_arn: Some(home.arn(&alias.name)),
        alias_name: Some(alias.name),
        target_key_id: Some(alias.key_id),
        creation_date: Some(Timestamp::from_millis(alias.created_ms)),
        last_updated_date: Some(Timestamp::from_millis(alias.updated_ms)),
    }
}

/// An alias that a service will give its key when there is one.
fn predefined(home: &Home, name: &str) -> AliasListEntry {
    AliasListEntry {
        alias_arn: Some(home.arn(name)),
        alias_name: Some(name.to_owned()),
        ..AliasListEntry::default()
    }
}
