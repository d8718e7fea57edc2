//! Multi-Region keys: replicated, and their primary key moved to another Region.

use strongroom_api_kms::{
    ReplicateKeyRequest, ReplicateKeyResponse, Tag, UpdatePrimaryRegionRequest, actions,
};
use strongroom_identity::{Region, RequestContext};
use strongroom_policy::Everything;
use strongroom_schema::Unit;

use super::metadata::key_metadata;
use super::{asked, refuse_nul, tags};
use crate::KeyManagement;
use crate::domain::access::{KeyPolicy, Nature, Stated};
use crate::domain::alias::AliasNames;
use crate::domain::identifier::Home;
use crate::domain::key::Key;
use crate::domain::multi_region::Role;
use crate::domain::policy;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::management::{NewReplica, elsewhere};

pub(super) async fn replicate_key(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ReplicateKeyRequest,
) -> Result<ReplicateKeyResponse, Refusal> {
    let description = input.description.clone().unwrap_or_default();
    refuse_nul("Description", &description)?;
    let tags = tags::parse(input.tags.clone().unwrap_or_default())?;
    let region = region(&input.replica_region)?;
    note_defaults(context, &input);
    context.ask(asked::replicate_key(&input));
    let primary = kms.permitted::<actions::ReplicateKey>(context, &input.key_id).await?;
    let key = primary.resource();
    key.expect_replicable(region.name())?;

    let there = elsewhere(context, region);
    there.ask(asked::create_replica(key, &input));
    let all = || Everything(context.account());
    let may = kms.authorize_there::<actions::CreateKey, _>(context, &there, all())?;
    if tags.is_any() {
        kms.authorize_there::<actions::TagResource, _>(context, &there, all())?;
    }
    // Whoever replaces the policy later does it himself.
    let later = context.again_in(region);
    later.ask(asked::create_replica(key, &input));
    let policy = policy_of_replica(kms, &later, key, &tags, &input).await?;
    let new = NewReplica { region, description, policy, tags };
    let replica = kms.replicate(context, &primary, &may, new).await?;
    let standing = kms.standing(&replica).await?;
    let tag = |(name, value): (&str, &str)| Tag { tag_key: name.to_owned(), tag_value: value.to_owned() };
    Ok(ReplicateKeyResponse {
        replica_policy: Some(kms.shown_policy(&replica).await?),
        replica_tags: Some(replica.tags.all().map(tag).collect()),
        replica_key_metadata: Some(key_metadata(&replica, standing)),
    })
}

/// The policy that the replica is to have, checked where it is to be.
async fn policy_of_replica(
    kms: &KeyManagement,
    there: &RequestContext,
    primary: &Key,
    tags: &Tags,
    input: &ReplicateKeyRequest,
) -> Result<KeyPolicy, Refusal> {
    let Some(text) = &input.policy else { return Ok(KeyPolicy::default()) };
    let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
    let home = Home::of(there);
    let nature = Nature { role: Some(Role::Replica), ..primary.nature() };
    let stated = Stated { nature, tags, aliases: &AliasNames::none() };
    let recipient = policy::Recipient { home: &home, arn: &home.key_arn(&primary.id), stated };
    let bound = kms.bind_policy(home.account, text).await?;
    policy::check(kms.authority(), there, text, bound.as_ref(), recipient, bypass)
}

pub(super) async fn update_primary_region(
    kms: &KeyManagement,
    context: &RequestContext,
    input: UpdatePrimaryRegionRequest,
) -> Result<Unit, Refusal> {
    let region = region(&input.primary_region)?;
    context.ask(asked::update_primary_region(&input));
    let former = kms.promote(context, &input.key_id, region).await?;
    context.responded("keyId", former.arn);
    Ok(Unit)
}

/// Notes the defaults that AWS shows in the record of ReplicateKey.
fn note_defaults(context: &RequestContext, input: &ReplicateKeyRequest) {
    if input.bypass_policy_lockout_safety_check.is_none() {
        context.defaulted("bypassPolicyLockoutSafetyCheck", false);
    }
    if input.description.is_none() {
        context.defaulted("description", "");
    }
}

/// The Region of that name. (What AWS says to a name that none has is not known.)
fn region(name: &str) -> Result<Region, Refusal> {
    Region::named(name)
        .ok_or_else(|| Refusal::Unsupported(Some(format!("The Region {name} is not supported."))))
}
