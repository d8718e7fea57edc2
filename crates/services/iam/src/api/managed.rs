//! Managed policies and their versions.

use strongroom_api_iam::{self as iam, PolicyScopeType, PolicyUsageType, actions};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use super::shapes::{self, Detail};
use super::{ROOT_PATH, below};
use crate::IdentityManagement;
use crate::domain::aws_policies::{AwsPolicy, POLICIES};
use crate::domain::directory::Entry;
use crate::domain::document::check_managed;
use crate::domain::id::new_id;
use crate::domain::kind::Kind;
use crate::domain::paging::Page;
use crate::domain::policy::{Policy, Version, no_version, version_id};
use crate::domain::tags::{self, Tags};
use crate::domain::usage::Usage;
use crate::error::Refusal;
use crate::targets::Target;

pub(super) async fn create_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreatePolicyRequest,
) -> Result<iam::CreatePolicyResponse, Refusal> {
    let path = input.path.as_deref().unwrap_or(ROOT_PATH);
    let name = input.policy_name.as_str();
    let given = Tags::parse(input.tags.as_deref())?;
    context.ask(tags::asked(ConditionKeys::new(), input.tags.as_deref()));
    let id = new_id(Kind::Policy)?;
    let target = Target::New(Kind::Policy, path, name);
    let (policy, directory) = identities
        .make::<actions::CreatePolicy, actions::TagPolicy, _>(context, target, &given, |edit| {
            let text = input.policy_document.as_str();
            check_managed(text)?;
            let (id, description) = (id.clone(), input.description.clone());
            let policy = Policy::new(id, path, name, description, given.clone(), text, context.now_ms);
            edit.add(Kind::Policy, path, name, Entry::Policy(policy.clone()))?;
            Ok(policy)
        })
        .await?;
    let mut shown = shapes::policy(directory.account, &Usage::of(&directory), &policy, Detail::Whole);
    // The one answer that leaves it out.
    shown.description = None;
    Ok(iam::CreatePolicyResponse { policy: Some(shown) })
}

pub(super) async fn get_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetPolicyRequest,
) -> Result<iam::GetPolicyResponse, Refusal> {
    let arn = input.policy_arn.as_str();
    let directory = identities.read::<actions::GetPolicy>(context, &[Target::One(Kind::Policy, arn)]).await?;
    let (account, usage) = (directory.account, Usage::of(&directory));
    let policy = match AwsPolicy::find(arn) {
        Some(policy) => shapes::aws_policy(&usage, policy, Detail::Whole),
        None => shapes::policy(account, &usage, directory.policy(arn)?, Detail::Whole),
    };
    Ok(iam::GetPolicyResponse { policy: Some(policy) })
}

pub(super) async fn list_policies(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListPoliciesRequest,
) -> Result<iam::ListPoliciesResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let prefix = input.path_prefix.as_deref().unwrap_or(ROOT_PATH);
    let directory =
        identities.read::<actions::ListPolicies>(context, &[Target::Below(Kind::Policy, prefix)]).await?;
    let scope = input.scope.unwrap_or(PolicyScopeType::All);
    let (account, usage) = (directory.account, Usage::of(&directory));
    let mut policies = Vec::new();
    if scope != PolicyScopeType::Aws {
        let own = directory.policies();
        policies.extend(own.map(|policy| shapes::policy(account, &usage, policy, Detail::Listed)));
    }
    if scope != PolicyScopeType::Local {
        policies.extend(POLICIES.iter().map(|policy| shapes::aws_policy(&usage, policy, Detail::Listed)));
    }
    let attached = |policy: &iam::Policy| policy.attachment_count > Some(0);
    let bounds = |policy: &iam::Policy| policy.permissions_boundary_usage_count > Some(0);
    let only_attached = input.only_attached == Some(true);
    policies.retain(|policy| {
        let usage = match &input.policy_usage_filter {
            Some(PolicyUsageType::PermissionsPolicy) => !only_attached || attached(policy),
            Some(PolicyUsageType::PermissionsBoundary) => bounds(policy),
            Some(PolicyUsageType::Unknown(_)) | None => !only_attached || attached(policy) || bounds(policy),
        };
        usage && below(policy.path.as_deref().unwrap_or_default(), prefix)
    });
    let key = |policy: &iam::Policy| {
        let name = policy.policy_name.as_deref().unwrap_or_default().to_lowercase();
        format!("{name} {}", policy.policy_id.as_deref().unwrap_or_default())
    };
    policies.sort_by_cached_key(key);
    let (policies, marker) = page.cut(policies.into_iter(), key);
    Ok(iam::ListPoliciesResponse { policies: Some(policies), is_truncated: Some(marker.is_some()), marker })
}

pub(super) async fn delete_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeletePolicyRequest,
) -> Result<Unit, Refusal> {
    let arn = input.policy_arn.as_str();
    identities
        .change::<actions::DeletePolicy, _>(context, &[Target::One(Kind::Policy, arn)], |edit| {
            let policy = edit.policy(arn)?;
            if Usage::of(edit).get(arn).is_any() {
                return Err(Refusal::conflict("Cannot delete a policy attached to entities."));
            }
            if policy.versions.len() > 1 {
                return Err(Refusal::conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the \
                     policy's versions. The default version is deleted with the policy.",
                ));
            }
            let id = policy.id.clone();
            edit.remove(&id);
            Ok(())
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn create_policy_version(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreatePolicyVersionRequest,
) -> Result<iam::CreatePolicyVersionResponse, Refusal> {
    let arn = input.policy_arn.as_str();
    let as_default = input.set_as_default.unwrap_or(false);
    let (version, directory) = identities
        .change::<actions::CreatePolicyVersion, _>(context, &[Target::One(Kind::Policy, arn)], |edit| {
            check_managed(&input.policy_document)?;
            edit.policy_mut(arn, |policy| {
                policy.add_version(&input.policy_document, as_default, context.now_ms)
            })
        })
        .await?;
    let shown = shapes::version(directory.policy(arn)?, &version, Detail::Listed);
    Ok(iam::CreatePolicyVersionResponse { policy_version: Some(shown) })
}

pub(super) async fn get_policy_version(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetPolicyVersionRequest,
) -> Result<iam::GetPolicyVersionResponse, Refusal> {
    let (arn, id) = (input.policy_arn.as_str(), input.version_id.as_str());
    let directory =
        identities.read::<actions::GetPolicyVersion>(context, &[Target::One(Kind::Policy, arn)]).await?;
    let version = match AwsPolicy::find(arn) {
        Some(policy) if version_id(policy.version) == id => shapes::aws_version(policy, Detail::Whole),
        Some(_) => return Err(no_version(arn, id)),
        None => {
            let policy = directory.policy(arn)?;
            shapes::version(policy, policy.version(arn, id)?, Detail::Whole)
        }
    };
    Ok(iam::GetPolicyVersionResponse { policy_version: Some(version) })
}

pub(super) async fn list_policy_versions(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ListPolicyVersionsRequest,
) -> Result<iam::ListPolicyVersionsResponse, Refusal> {
    let page = Page::parse(input.max_items, input.marker.as_deref())?;
    let arn = input.policy_arn.as_str();
    let directory =
        identities.read::<actions::ListPolicyVersions>(context, &[Target::One(Kind::Policy, arn)]).await?;
    // Newest first, so the key falls as the number grows.
    let versions: Vec<_> = if let Some(policy) = AwsPolicy::find(arn) {
        vec![(0, shapes::aws_version(policy, Detail::Listed))]
    } else {
        let policy = directory.policy(arn)?;
        let newest_first = policy.versions.iter().rev();
        let shown =
            |version: &Version| (u32::MAX - version.number, shapes::version(policy, version, Detail::Listed));
        newest_first.map(shown).collect()
    };
    let (versions, marker) = page.cut(versions.into_iter(), |(key, _)| format!("{key:010}"));
    Ok(iam::ListPolicyVersionsResponse {
        versions: Some(versions.into_iter().map(|(_, version)| version).collect()),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

pub(super) async fn set_default_policy_version(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::SetDefaultPolicyVersionRequest,
) -> Result<Unit, Refusal> {
    let arn = input.policy_arn.as_str();
    identities
        .change::<actions::SetDefaultPolicyVersion, _>(context, &[Target::One(Kind::Policy, arn)], |edit| {
            edit.policy_mut(arn, |policy| policy.set_default(arn, &input.version_id, context.now_ms))
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn delete_policy_version(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeletePolicyVersionRequest,
) -> Result<Unit, Refusal> {
    let arn = input.policy_arn.as_str();
    identities
        .change::<actions::DeletePolicyVersion, _>(context, &[Target::One(Kind::Policy, arn)], |edit| {
            edit.policy_mut(arn, |policy| policy.delete_version(arn, &input.version_id))
        })
        .await?;
    Ok(Unit)
}
