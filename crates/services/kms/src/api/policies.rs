//! Key policies.

use strongroom_api_kms::{
    GetKeyPolicyRequest, GetKeyPolicyResponse, ListKeyPoliciesRequest, ListKeyPoliciesResponse,
    PutKeyPolicyRequest, actions,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use super::asked;
use crate::KeyManagement;
use crate::domain::identifier::Named;
use crate::domain::paging::Page;
use crate::domain::policy::{self, Recipient};
use crate::error::Refusal;

/// Names in a page of ListKeyPolicies, unless the caller says otherwise.
const PAGE: usize = 100;

/// Marks this list's markers.
const LIST: u8 = 4;

pub(super) async fn get_key_policy(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GetKeyPolicyRequest,
) -> Result<GetKeyPolicyResponse, Refusal> {
    note_name(context, input.policy_name.as_deref());
    context.ask(asked::policy_name(input.policy_name.as_deref()));
    let key = kms.permitted::<actions::GetKeyPolicy>(context, &input.key_id).await?;
    policy::check_name(input.policy_name.as_deref())?;
    Ok(GetKeyPolicyResponse {
        policy: Some(kms.shown_policy(key.resource()).await?),
        policy_name: Some(policy::NAME.to_owned()),
    })
}

pub(super) async fn put_key_policy(
    kms: &KeyManagement,
    context: &RequestContext,
    input: PutKeyPolicyRequest,
) -> Result<Unit, Refusal> {
    note_name(context, input.policy_name.as_deref());
    context.ask(asked::put_key_policy(&input));
    let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
    if input.bypass_policy_lockout_safety_check.is_none() {
        context.defaulted("bypassPolicyLockoutSafetyCheck", false);
    }
    let (home, _) = Named::parse_key_only(context, &input.key_id)?;
    let bound = kms.bind_policy(home.account, &input.policy).await?;
    let put = kms.change::<actions::PutKeyPolicy>(context, &input.key_id, |key| {
        policy::check_new_name(input.policy_name.as_deref())?;
        let recipient = Recipient { home: &key.home, arn: &key.arn, stated: key.stated() };
        key.policy =
            policy::check(kms.authority(), context, &input.policy, bound.as_ref(), recipient, bypass)?;
        Ok(())
    });
    put.await?;
    Ok(Unit)
}

pub(super) async fn list_key_policies(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ListKeyPoliciesRequest,
) -> Result<ListKeyPoliciesResponse, Refusal> {
    let page = Page::parse(LIST, input.limit, PAGE, input.marker.as_deref())?;
    kms.permitted::<actions::ListKeyPolicies>(context, &input.key_id).await?;
    let names: Vec<_> = [policy::NAME].into_iter().filter(|name| *name > page.after.as_str()).collect();
    let (names, next_marker) = page.cut(LIST, names, |name| (*name).to_owned());
    Ok(ListKeyPoliciesResponse {
        policy_names: Some(names.into_iter().map(str::to_owned).collect()),
        truncated: Some(next_marker.is_some()),
        next_marker,
    })
}

/// Records name the policy also where the caller left it to its default.
fn note_name(context: &RequestContext, name: Option<&str>) {
    if name.is_none() {
        context.defaulted("policyName", policy::NAME);
    }
}
