//! What temporary credentials may not call, whatever policies say (IAM User Guide, "Compare AWS STS credentials").

use strongroom_identity::{Origin, RequestContext};

use crate::error::Refusal;

/// Refuses IAM to sessions of GetFederationToken, and to those of GetSessionToken that no second factor backs.
pub(crate) fn expect_may_call_iam(context: &RequestContext) -> Result<(), Refusal> {
    match &context.caller.session {
        Some(session) if session.origin == Origin::FederationToken => Err(Refusal::Token),
        Some(session) if session.origin == Origin::SessionToken && session.mfa_ms.is_none() => {
            Err(Refusal::Token)
        }
        _ => Ok(()),
    }
}

/// Refuses what of STS is neither AssumeRole nor GetCallerIdentity to the sessions that may call no more of it.
pub(super) fn expect_may_call_sts(context: &RequestContext, operation: &str) -> Result<(), Refusal> {
    let origin = context.caller.session.as_ref().map(|session| session.origin);
    match origin {
        Some(Origin::SessionToken | Origin::FederationToken) => Err(not_with_session(operation)),
        _ => Ok(()),
    }
}

/// The refusal of an operation that wants other credentials (text: answers of AWS quoted in public issue threads).
pub(super) fn not_with_session(operation: &str) -> Refusal {
    Refusal::Forbidden(format!("Cannot call {operation} with session credentials"))
}
