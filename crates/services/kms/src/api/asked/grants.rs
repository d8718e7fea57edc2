//! What inputs say that are about grants.

use strongroom_api_kms::CreateGrantRequest;
use strongroom_identity::{ConditionKeys, RequestContext};

use crate::domain::grant::{Constraints, NamedParty};

pub(in crate::api) fn create_grant(
    context: &RequestContext,
    input: &CreateGrantRequest,
    (grantee, retiring): (&NamedParty, Option<&NamedParty>),
    constraints: &Constraints,
) -> ConditionKeys {
    let operations: Vec<_> = input.operations.iter().map(|operation| operation.as_str().to_owned()).collect();
    let keys = constraints.stated(grants(context)).with("kms:GrantOperations", operations);
    let keys =
        keys.with(grantee.key_of("kms:GranteePrincipal", "kms:GranteeServicePrincipal"), grantee.text());
    match retiring {
        None => keys,
        Some(retiring) => keys
            .with(retiring.key_of("kms:RetiringPrincipal", "kms:RetiringServicePrincipal"), retiring.text()),
    }
}

/// ListGrants and RevokeGrant, of which policies can say that only a service may call them, for a principal.
pub(in crate::api) fn grants(context: &RequestContext) -> ConditionKeys {
    let is_for_resource = context.caller.principal.service().is_some() || !context.forwarded_by().is_empty();
    ConditionKeys::new().with("kms:GrantIsForAWSResource", is_for_resource)
}
