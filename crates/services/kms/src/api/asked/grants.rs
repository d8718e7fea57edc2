//! What inputs say that are about grants.

use strongroom_api_kms::CreateGrantRequest;
use strongroom_identity::{ConditionKeys, RequestContext};

use crate::domain::grant::Constraints;

pub(in crate::api) fn create_grant(
    context: &RequestContext,
    input: &CreateGrantRequest,
    constraints: &Constraints,
) -> ConditionKeys {
    let operations: Vec<_> = input.operations.iter().map(|operation| operation.as_str().to_owned()).collect();
    constraints
        .stated(grants(context))
        .with("kms:GrantOperations", operations)
        .with_some("kms:GranteePrincipal", input.grantee_principal.as_deref())
        .with_some("kms:GranteeServicePrincipal", input.grantee_service_principal.as_deref())
        .with_some("kms:RetiringPrincipal", input.retiring_principal.as_deref())
        .with_some("kms:RetiringServicePrincipal", input.retiring_service_principal.as_deref())
}

/// ListGrants and RevokeGrant, of which policies can say that only a service may call them, for a principal.
pub(in crate::api) fn grants(context: &RequestContext) -> ConditionKeys {
    let is_for_resource = context.caller.principal.service().is_some() || !context.forwarded_by().is_empty();
    ConditionKeys::new().with("kms:GrantIsForAWSResource", is_for_resource)
}
