//! Making, listing and ending grants.

mod recording;

use strongroom_api_kms::{
    CreateGrantRequest, CreateGrantResponse, GrantConstraints, GrantListEntry, GrantOperation,
    ListGrantsRequest, ListGrantsResponse, ListRetirableGrantsRequest, RetireGrantRequest,
    RevokeGrantRequest,
};
use strongroom_identity::RequestContext;
use strongroom_policy::document::NamedPrincipal;
use strongroom_schema::{Map, Timestamp, Unit};

pub use self::recording::{conceal_grant_token, conceal_refused_tokens, grant_parameters};
use super::asked;
use crate::KeyManagement;
use crate::domain::grant::{
    Constraints, ContextConstraint, Grant, NamedParty, Operations, Party, account_arn, is_id,
};
use crate::domain::paging::Page;
use crate::error::Refusal;
use crate::management::{GrantFilter, Grantee, NewGrant, WhichGrant};

/// Grants in a page, unless the caller says otherwise.
const PAGE: usize = 50;

/// The most grants in a page; the model would allow 1,000 (KMS API Reference, ListGrants).
const MOST: usize = 100;

/// Mark these lists' markers.
const LIST: u8 = 8;
const RETIRABLE_LIST: u8 = 9;

pub(super) async fn create_grant(
    kms: &KeyManagement,
    context: &RequestContext,
    input: CreateGrantRequest,
) -> Result<CreateGrantResponse, Refusal> {
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    let grantee = one_of(
        ("GranteePrincipal", input.grantee_principal.as_deref()),
        ("GranteeServicePrincipal", input.grantee_service_principal.as_deref()),
    )?;
    let retiring = at_most_one_of(
        ("RetiringPrincipal", input.retiring_principal.as_deref()),
        ("RetiringServicePrincipal", input.retiring_service_principal.as_deref()),
    )?;
    let operations = Operations::asked_for(input.operations.iter().map(GrantOperation::as_str))?;
    let constraints = constraints(input.constraints.as_ref())?;
    context.ask(asked::create_grant(context, &input, (&grantee, retiring.as_ref()), &constraints));
    let new = NewGrant { name: input.name, grantee, retiring, operations, constraints };
    let made = kms.create_grant(context, &input.key_id, new, input.dry_run == Some(true)).await?;
    context.responded("keyId", made.key_arn);
    Ok(CreateGrantResponse { grant_token: Some(made.token), grant_id: Some(made.id) })
}

pub(super) async fn list_grants(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ListGrantsRequest,
) -> Result<ListGrantsResponse, Refusal> {
    let page = Page::parse_up_to(MOST, LIST, input.limit, PAGE, input.marker.as_deref())?;
    if let Some(id) = &input.grant_id {
        check_id(id)?;
    }
    let grantee = match (input.grantee_principal.as_deref(), input.grantee_service_principal) {
        (Some(_), Some(_)) => return Err(Refusal::either("GranteePrincipal", "GranteeServicePrincipal")),
        (None, None) => None,
        (Some(text), None) => Some(match NamedPrincipal::parse_aws(text) {
            // What the list shows of a grantee who is gone.
            Some(NamedPrincipal::UniqueId(id)) => Grantee::UniqueId(id),
            _ => Grantee::Named(NamedParty::parse(text)?),
        }),
        (None, Some(_)) if context.caller.principal.service().is_none() => {
            return Err(Refusal::Validation(
                "GranteeServicePrincipal can only be specified by AWS services.".to_owned(),
            ));
        }
        (None, Some(name)) => Some(Grantee::Named(NamedParty::Service(name))),
    };
    context.ask(asked::grants(context));
    let filter = GrantFilter { grant_id: input.grant_id, grantee };
    let (_, grants) = kms.list_grants(context, &input.key_id, filter, &page).await?;
    answer(kms, &page, LIST, grants).await
}

pub(super) async fn list_retirable_grants(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ListRetirableGrantsRequest,
) -> Result<ListGrantsResponse, Refusal> {
    let page = Page::parse_up_to(MOST, RETIRABLE_LIST, input.limit, PAGE, input.marker.as_deref())?;
    let retiring = one_of(
        ("RetiringPrincipal", input.retiring_principal.as_deref()),
        ("RetiringServicePrincipal", input.retiring_service_principal.as_deref()),
    )?;
    // A service, in whichever member it is named, has grants of all accounts.
    if retiring.account().is_none() && context.caller.principal.service() != Some(retiring.text()) {
        return Err(Refusal::Validation(
            "Grants that an AWS service may retire are listed to that service only.".to_owned(),
        ));
    }
    let grants = kms.list_retirable_grants(context, retiring, &page).await?;
    answer(kms, &page, RETIRABLE_LIST, grants).await
}

pub(super) async fn retire_grant(
    kms: &KeyManagement,
    context: &RequestContext,
    input: RetireGrantRequest,
) -> Result<Unit, Refusal> {
    let which = match (&input.grant_token, &input.key_id, &input.grant_id) {
        (Some(token), None, None) => WhichGrant::Token(token),
        (None, Some(key_id), Some(grant_id)) => {
            check_id(grant_id)?;
            WhichGrant::OfKey { key_id, grant_id }
        }
        _ => {
            return Err(Refusal::Validation(
                "You must specify either GrantToken, or both KeyId and GrantId.".to_owned(),
            ));
        }
    };
    let id = kms.retire_grant(context, which, input.dry_run == Some(true)).await?;
    context.additional("grantId", id);
    Ok(Unit)
}

pub(super) async fn revoke_grant(
    kms: &KeyManagement,
    context: &RequestContext,
    input: RevokeGrantRequest,
) -> Result<Unit, Refusal> {
    check_id(&input.grant_id)?;
    context.ask(asked::grants(context));
    kms.revoke_grant(context, &input.key_id, &input.grant_id, input.dry_run == Some(true)).await?;
    Ok(Unit)
}

/// The page of a list. Its key ids are ARNs, and a grant without a name has an empty one.
async fn answer(
    kms: &KeyManagement,
    page: &Page,
    list: u8,
    grants: Vec<Grant>,
) -> Result<ListGrantsResponse, Refusal> {
    let (grants, next_marker) = page.cut(list, grants, |grant| grant.id.clone());
    let mut entries = Vec::with_capacity(grants.len());
    for grant in grants {
        entries.push(entry(kms, grant).await?);
    }
    Ok(ListGrantsResponse { grants: Some(entries), truncated: Some(next_marker.is_some()), next_marker })
}

async fn entry(kms: &KeyManagement, grant: Grant) -> Result<GrantListEntry, Refusal> {
    let terms = grant.terms;
    let mut entry = GrantListEntry {
        key_id: Some(grant.home.key_arn(&grant.key_id)),
        grant_id: Some(grant.id),
        name: Some(terms.name.unwrap_or_default()),
        creation_date: Some(Timestamp::from_millis(grant.created_ms)),
        issuing_account: Some(account_arn(terms.issuer)),
        operations: Some(terms.operations.names().map(GrantOperation::from).collect()),
        constraints: shown(terms.constraints),
        ..GrantListEntry::default()
    };
    match terms.grantee {
        Party::Service(name) => entry.grantee_service_principal = Some(name),
        party @ Party::Principal { .. } => entry.grantee_principal = Some(kms.shown(&party).await?),
    }
    match terms.retiring {
        None => {}
        Some(Party::Service(name)) => entry.retiring_service_principal = Some(name),
        Some(party) => entry.retiring_principal = Some(kms.shown(&party).await?),
    }
    Ok(entry)
}

fn shown(constraints: Constraints) -> Option<GrantConstraints> {
    if constraints == Constraints::default() {
        return None;
    }
    let mut shown = GrantConstraints { source_arn: constraints.source_arn, ..GrantConstraints::default() };
    match constraints.context {
        None => {}
        Some(ContextConstraint::Equals(pairs)) => {
            shown.encryption_context_equals = Some(pairs.into_iter().collect());
        }
        Some(ContextConstraint::Subset(pairs)) => {
            shown.encryption_context_subset = Some(pairs.into_iter().collect());
        }
    }
    Some(shown)
}

/// The constraints of a request.
fn constraints(given: Option<&GrantConstraints>) -> Result<Constraints, Refusal> {
    let Some(given) = given else { return Ok(Constraints::default()) };
    let pairs =
        |pairs: &Map<String>| pairs.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let (equals, subset) = (&given.encryption_context_equals, &given.encryption_context_subset);
    Constraints::of(equals.as_ref().map(pairs), subset.as_ref().map(pairs), given.source_arn.clone())
}

/// A member of a request with its name.
type Named<'r> = (&'static str, Option<&'r str>);

/// The principal that a request names in one of two members.
fn one_of(principal: Named<'_>, service: Named<'_>) -> Result<NamedParty, Refusal> {
    at_most_one_of(principal, service)?.ok_or_else(|| Refusal::either(principal.0, service.0))
}

fn at_most_one_of(principal: Named<'_>, service: Named<'_>) -> Result<Option<NamedParty>, Refusal> {
    match (principal.1, service.1) {
        (Some(_), Some(_)) => Err(Refusal::either(principal.0, service.0)),
        (Some(text), None) => NamedParty::parse(text).map(Some),
        (None, service) => Ok(service.map(|name| NamedParty::Service(name.to_owned()))),
    }
}

fn check_id(grant_id: &str) -> Result<(), Refusal> {
    if is_id(grant_id) { Ok(()) } else { Err(Refusal::InvalidGrantId) }
}
