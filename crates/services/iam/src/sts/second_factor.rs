//! The second factor of whoever asks for credentials.

use strongroom_identity::{Principal, RequestContext};

use crate::IdentityManagement;
use crate::error::Refusal;

// Texts: answers of AWS quoted in public issue threads. The space at the end of the first is AWS's.
const WRONG: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
const NOT_HIS: &str = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial \
                       number is valid and associated with this user.";
const HALF: &str =
    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.";

/// Takes the code of the caller's device, if the call names one, and answers when that was, in domain time. A call
/// that names none proves nothing.
pub(super) async fn prove(
    identities: &IdentityManagement,
    context: &RequestContext,
    serial: Option<&str>,
    code: Option<&str>,
) -> Result<Option<i64>, Refusal> {
    let (serial, code) = match (serial, code) {
        (None, None) => return Ok(None),
        (Some(serial), Some(code)) => (serial, code),
        _ => return Err(Refusal::Forbidden(HALF.to_owned())),
    };
    // Only users and root users have devices.
    let holder = match &context.caller.principal {
        Principal::User(user) => user.id.clone(),
        Principal::Root(account) => account.to_string(),
        _ => return Err(Refusal::Forbidden(NOT_HIS.to_owned())),
    };
    let account = context.account();
    let directory = identities.directories.current(account).await?;
    let device = directory.device(serial).ok().and_then(|device| device.enabled.as_ref());
    if device.is_none_or(|device| device.user != holder) {
        return Err(Refusal::Forbidden(NOT_HIS.to_owned()));
    }
    let now_ms = identities.sessions.clocks().real_now();
    let taken = identities.take_code(account, &holder, serial, code, now_ms).await;
    if taken.map_err(|error| Refusal::Internal(error.into()))? {
        Ok(Some(context.now_ms))
    } else {
        Err(Refusal::Forbidden(WRONG.to_owned()))
    }
}
