//! GetSessionToken: temporary credentials for a user's, or a root user's, own permissions.

use strongroom_api_sts::{GetSessionTokenRequest, GetSessionTokenResponse};
use strongroom_identity::{Principal, RequestContext};

use super::restrictions::not_with_session;
use super::token::{Token, Who};
use super::{answer, second_factor};
use crate::IdentityManagement;
use crate::error::Refusal;

/// How long sessions of users last unless the call says otherwise, in seconds.
const USUAL: i32 = 43_200;

/// How long sessions of root users last, if not less, in seconds.
const MOST_OF_ROOT: i32 = 3600;

/// Asks nobody's permission: policies cannot keep a user from proving who he is (IAM User Guide, "Permissions for
/// GetSessionToken").
pub(super) async fn get_session_token(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, Refusal> {
    let (who, seconds) = long_term(context, "GetSessionToken", input.duration_seconds)?;
    let (serial, code) = (input.serial_number.as_deref(), input.token_code.as_deref());
    let mfa_ms = second_factor::prove(identities, context, serial, code).await?;
    let expires_ms = identities.sessions.end(seconds);
    let token = Token { mfa_ms, ..Token::new(context.account(), who, context.now_ms, expires_ms) };
    let issued = identities.sessions.issue(&token, input.minimum_session_token_size)?;
    Ok(GetSessionTokenResponse {
        session_token_size: Some(issued.size()),
        session_token_utilization: Some(issued.utilization()),
        credentials: Some(answer(issued)),
    })
}

/// Who calls with a long-term credential, and how long sessions that he asks for last, in seconds. A root user's are
/// cut to an hour (STS API Reference, "GetSessionToken").
pub(super) fn long_term(
    context: &RequestContext,
    operation: &str,
    seconds: Option<i32>,
) -> Result<(Who, i32), Refusal> {
    match (&context.caller.principal, &context.caller.session) {
        (Principal::User(user), None) => Ok((Who::User(user.id.clone()), seconds.unwrap_or(USUAL))),
        (Principal::Root(_), None) => Ok((Who::Root, seconds.unwrap_or(MOST_OF_ROOT).min(MOST_OF_ROOT))),
        _ => Err(not_with_session(operation)),
    }
}
